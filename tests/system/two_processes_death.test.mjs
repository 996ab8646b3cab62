// The auth service dies, and comes back: who chats goes on, who logs in is told, and
// nothing that was acknowledged is lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as faults from '../harness/gate/faults.mjs';
import { BIN } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { again, bearer, behindGate, ready, refusedByClose, refusedByHttp, startAuth, startGateway, startPair, ticket } from './support/pair.mjs';
import { PASSWORD, register } from './support/people.mjs';
import { Client, handshake } from './support/websocket.mjs';
import { until, within } from './support/within.mjs';

const SLOW = BIN.includes('/asan/');
const SCALE = Number(process.env.FOYER_TEST_SCALE ?? (SLOW ? 0.1 : 1)); // of connections and logins
const CONNECTIONS = Math.round(2_000 * SCALE);
const ROOMS = 20;
const LOGINS_PER_S = 20 * SCALE;
const login = (at, name) => ask(at, 'POST', '/auth/login', { body: { name, password: PASSWORD } });
// Told whenever more people log in than the machine can hash for; it has nothing to do with a death.
const LOAD = ['BUSY', 'LOGIN_LOCKED'];
const BRIEF_QUEUE = { args: ['--hashing-queue', '16'] }; // whoever waits is hashed before the gateway gives up
// SERVICE_REQUEST_EXPIRED: signed before the new process began, which cannot know whether the old one answered it.
const CODES = ['AUTH_SERVICE_CONNECTION_ERROR', 'AUTH_SERVICE_TIMEOUT', 'INVALID_RESPONSE_FORMAT', 'SERVICE_REQUEST_EXPIRED'];

const tick = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// CONNECTIONS connections in ROOMS rooms; in each room one of them writes, all hear.
async function fillRooms(gateway, people) {
  const rooms = people.map((person, i) => ({ name: `room-${i}`, person, clients: [], sent: 0 }));
  for (let i = 0; i < CONNECTIONS; i += 50) {
    await Promise.all(Array.from({ length: Math.min(50, CONNECTIONS - i) }, async (_, k) => {
      const room = rooms[(i + k) % ROOMS];
      const client = await Client.open(gateway, { token: room.person.access_token });
      assert.equal((await client.join(room.name)).type, 'joined');
      room.clients.push(client);
    }));
  }
  return rooms;
}

async function talk(room, load) {
  while (!load.over) {
    const answer = await room.clients[0].say(room.name, `m${room.sent + 1}`);
    assert.equal(answer.type, 'sent', JSON.stringify(answer));
    room.sent += 1;
    await tick(500);
  }
}

// Logins and registrations at a steady rate, each with its time and its end.
async function logIn(gateway, load) {
  const running = [];
  for (let i = 0; !load.over; i += 1) {
    const at = performance.now();
    const fresh = i % 5 === 0;
    const name = fresh ? `new${i}` : `p${i % ROOMS}`;
    running.push(ask(gateway, 'POST', fresh ? '/auth/register' : '/auth/login', { body: { name, password: PASSWORD } }).then((answer) => {
      load.attempts.push({ at, ended: performance.now(), status: answer.status, code: answer.status >= 400 ? answer.json.code : null });
      if (answer.status === 201) load.acknowledged.push(name);
    }));
    await tick(1_000 / LOGINS_PER_S);
  }
  await Promise.all(running);
}

// Every client heard all messages of its room, once and in order.
async function checkMessages(rooms) {
  for (const room of rooms) {
    assert.ok(room.sent > 0);
    for (const client of room.clients) {
      await client.barrier();
      const heard = client.socket.received.filter((m) => m.type === 'message').map((m) => m.message);
      assert.deepEqual(heard.slice(0, room.sent), Array.from({ length: room.sent }, (_, i) => `m${i + 1}`), `${room.name}: all, once, in order`);
    }
  }
}

test(`kill -9 of the auth service under ${LOGINS_PER_S} logins/s and ${CONNECTIONS} chatting connections`, async (t) => {
  const first = await startAuth(t, BRIEF_QUEUE);
  const gateway = await startGateway(t, { to: { url: first.url } });
  const people = [];
  for (let i = 0; i < ROOMS; i += 1) people.push(await register(first, `p${i}`));

  const rooms = await fillRooms(gateway, people);
  const attempts = [];
  const acknowledged = [];
  const load = { over: false, attempts, acknowledged };
  const alive = Promise.all([...rooms.map((room) => talk(room, load)), logIn(gateway, load)]);
  alive.catch(() => { load.over = true; });
  const sees = (what, look, ms = 60_000) => Promise.race([until(what, look, ms), alive.then(() => { throw new Error('nobody asks any more'); })]);

  await sees('the first registrations', () => acknowledged.length >= 4);
  const beforeKill = [...acknowledged];
  const killed = performance.now();
  await first.kill9();
  await sees('logins to fail with a code', () => attempts.filter((a) => a.at > killed && a.code).length >= 5);
  const down = await refusedByHttp(gateway, { path: `/ws/chat?ticket=${'A'.repeat(43)}` });
  assert.ok(['AUTH_RETRY_EXHAUSTED', 'AUTH_CIRCUIT_BREAKER_OPEN', 'AUTH_SERVICE_CONNECTION_ERROR'].includes(down.code), down.code);
  // Until the breaker is open, so that its way back is what is measured.
  await sees('the breaker to open', async () => (await refusedByHttp(gateway, { path: `/ws/chat?ticket=${'B'.repeat(43)}` })).code === 'AUTH_CIRCUIT_BREAKER_OPEN');

  const second = await again(t, first, startAuth, BRIEF_QUEUE);
  const back = performance.now();
  await sees('a login to work again', () => attempts.some((a) => a.at > back && a.status < 300));
  const healed = Math.min(...attempts.filter((a) => a.at > back && a.status < 300).map((a) => a.ended));
  const admitted = await sees('a ticket to be admitted', async () => {
    const { socket } = await handshake(gateway, { path: await ticket(second, people[0]) });
    return socket;
  });
  assert.equal((await admitted.messages.take()).type, 'authentication_success');
  const ticketBack = performance.now();
  await sees('logins as before', () => attempts.filter((a) => a.at > ticketBack && a.status < 300).length >= 5);
  load.over = true;
  await within('everybody to finish', alive, 60_000);

  const failed = attempts.filter((a) => a.status >= 400 && !LOAD.includes(a.code));
  assert.ok(failed.every((a) => a.code), 'each failure has a code');
  const codes = [...new Set(failed.map((a) => a.code))];
  assert.ok(codes.every((code) => CODES.includes(code)), codes.join(', '));
  assert.ok(failed.every((a) => a.ended >= killed && a.at <= ticketBack), 'none failed before it died, none after it was back');
  for (const name of acknowledged) assert.equal((await login(gateway, name)).status, 200, `${name} was registered`);
  await checkMessages(rooms);
  const slowest = Math.max(...failed.map((a) => a.ended - a.at));
  t.diagnostic(`${CONNECTIONS} connections, ${rooms.reduce((sum, room) => sum + room.sent, 0)} messages, each heard by all of its room`);
  t.diagnostic(`${attempts.length} logins and registrations, ${failed.length} failed (${codes.join(', ')}), the slowest of them in ${Math.round(slowest)} ms`);
  t.diagnostic(`down for ${Math.round(back - killed)} ms; after its return a login worked in ${Math.round(healed - back)} ms, a ticket in ${Math.round(ticketBack - back)} ms`);
  t.diagnostic(`${acknowledged.length} acknowledged registrations, ${beforeKill.length} of them before the kill; none lost`);
});

test('while the auth service is dead, tokens get in; beyond revocation_max_age they are REVOCATION_UNCHECKED, and who is in stays', async (t) => {
  const { auth, gate, gateway } = await startPair(t, { gateway: { args: ['--revocation-max-age', '4s'] } });
  const ann = await register(auth, 'ann');
  // As long as it lives nothing is too old, however quiet it is.
  const polls = gate.count('/internal/revocations');
  await until('three more questions for revocations', () => gate.count('/internal/revocations') >= polls + 3);
  assert.equal((await ready(gateway)).checks.revocations.status, 'ok');
  const early = await Client.open(gateway, { token: ann.access_token });
  await auth.kill9();
  await gate.fault(faults.refuse);
  const late = await Client.open(gateway, { token: ann.access_token });
  const told = await until('the end of what may be believed', async () => {
    const { refused, socket } = await handshake(gateway, bearer(ann.access_token));
    socket?.destroy();
    return refused;
  }, 60_000);
  assert.deepEqual([told.status, told.json.code, told.json.retry], [503, 'REVOCATION_UNCHECKED', 'after']);
  const closed = await refusedByClose(gateway, bearer(ann.access_token));
  assert.deepEqual([closed.code, closed.close], ['REVOCATION_UNCHECKED', 4503]);
  assert.match(closed.message.message, /not your fault/);
  const health = await ready(gateway);
  assert.notEqual(health.checks.revocations.status, 'ok', JSON.stringify(health));
  for (const client of [early, late]) assert.equal((await client.ask('ping')).type, 'pong');
  await early.join('tea');
  assert.equal((await early.say('tea', 'still here')).type, 'sent');

  const second = await again(t, auth, startAuth);
  gate.upstream = { host: second.host, port: second.port };
  await gate.heal();
  await until('tokens to get in again', async () => (await handshake(gateway, bearer(ann.access_token))).socket, 90_000);
  assert.equal((await ready(gateway)).checks.revocations.status, 'ok');
});

test('a gateway that starts while its auth service is dead listens, says so, and lets people in once it is there', async (t) => {
  const first = await startAuth(t, { keys: 'pair' });
  const ann = await register(first, 'ann');
  await first.kill9();
  const gateway = await startGateway(t, { to: { url: first.url }, keys: 'pair', wait: false });
  const health = await ready(gateway);
  assert.equal(health.http === 200 && health.status === 'ok', false, JSON.stringify(health));
  assert.equal((await ask(gateway, 'GET', '/health/live')).status, 200, 'it lives all the same');
  const { code, status, json } = await refusedByHttp(gateway, bearer(ann.access_token));
  assert.deepEqual([status, json.retry], [503, 'after'], code);
  await again(t, first, startAuth);
  const socket = await until('ann to get in', async () => (await handshake(gateway, bearer(ann.access_token))).socket, 90_000);
  assert.equal((await socket.messages.take()).type, 'authentication_success');
  await until('all to be well in /health/ready', async () => (await ready(gateway)).status === 'ok', 90_000);
});

test('a gateway that dies leaves the auth service and the other gateway as they are', async (t) => {
  const { auth, gateway } = await startPair(t);
  const other = await behindGate(t, auth);
  const ann = await register(auth, 'ann');
  const there = await Client.open(other.gateway, { token: ann.access_token });
  const here = await Client.open(gateway, { token: ann.access_token });
  const { epoch } = await here.join('tea');
  assert.equal((await here.say('tea', 'kept')).type, 'sent');
  await gateway.kill9();
  assert.equal((await there.ask('ping')).type, 'pong');
  assert.equal((await ask(auth, 'GET', '/auth/me', { token: ann.access_token })).status, 200);
  const second = await startGateway(t, { to: { url: auth.url }, data: gateway.data });
  const joined = await (await Client.open(second, { token: ann.access_token })).join('tea', { since: { epoch, offset: 0 }, limit: 5 });
  assert.deepEqual([joined.recovered, joined.messages.map((m) => m.message)], [true, ['kept']]);
});
