// When something is full the newest is refused with its code, those who are
// established keep their service, and everything goes back to where it was.
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { atEnd, freePort, serve, whileStopped } from './support/foyer.mjs';
import { ask, connected, head, raw, readAnswer } from './support/http.mjs';
import { watch } from './support/metrics.mjs';
import { arrive, register } from './support/people.mjs';
import { Client, frame, handshake, upgradeHeaders, WebSocketBytes } from './support/websocket.mjs';
import { until, within } from './support/within.mjs';

// A server with these options, its metrics, and two people who talk.
async function world(t, options, { wrap } = {}) {
  const port = await freePort();
  const node = await serve(t, { args: ['--metrics-listen', `127.0.0.1:${port}`, '--header-timeout', '60s', '--request-timeout', '60s', '--authenticate-timeout', '60s', ...options], wrap });
  const metrics = await watch(t, port);
  const ann = await arrive(node, 'ann');
  const bob = await arrive(node, 'bob');
  for (const each of [ann, bob]) await each.join('tea');
  let said = 0;
  const theyTalk = async () => {
    for (const [one, other] of [[ann, bob], [bob, ann]]) {
      const sent = await one.say('tea', `still here ${said += 1}`);
      assert.equal(sent.type, 'sent', JSON.stringify(sent));
      await other.next('message', { offset: sent.offset });
    }
  };
  await theyTalk();
  await metrics.untilUsed('handshake_limit', 0);
  await metrics.untilUsed('connection_limit', 2); // what registered them is gone, too
  return { node, metrics, metricsPort: port, ann, bob, theyTalk };
}

const json = (message) => frame(0x1, Buffer.from(JSON.stringify(message)));

// Sockets that say nothing, or only `bytes`.
async function crowd(t, node, count, bytes = '') {
  const sockets = await Promise.all(Array.from({ length: count }, () => connected(node)));
  atEnd(t, () => sockets.forEach((socket) => socket.destroy()));
  if (bytes) sockets.forEach((socket) => socket.write(bytes));
  return { sockets, leave: () => sockets.forEach((socket) => socket.destroy()) };
}

async function refusedOverHttp(node, token, status, code) {
  const { refused, socket } = await handshake(node, { headers: { Authorization: `Bearer ${token}` } });
  socket?.destroy();
  assert.equal(refused?.json?.code, code, refused?.text ?? 'it was admitted');
  assert.equal(refused.status, status);
  assert.equal(refused.json.retry, 'after');
  assert.ok(Number(refused.headers['retry-after']) > 0);
}

async function refusedByClose(node, token, close, code) {
  const { socket, refused } = await handshake(node, { headers: { Origin: node.origin, 'Sec-WebSocket-Protocol': `foyer.v1, bearer.${token}` } });
  assert.equal(refused, undefined, refused?.text);
  assert.equal((await socket.messages.take('the refusal')).code, code);
  const end = await socket.ended();
  assert.deepEqual([end.code, end.reason.split(' ')[0]], [close, code]);
}

test('handshake_limit: silent sockets keep the newest out, for as long as they last', async (t) => {
  const { node, metrics, metricsPort, ann, theyTalk } = await world(t, ['--handshake-limit', '50', '--refused-sockets', '20']);
  const files = (await metrics.limit('open_files')).used;
  const silent = await crowd(t, node, 50, 'GET / HT');
  await metrics.untilUsed('handshake_limit', 50);

  const slow = await connected(node);
  slow.write('GET / HT'); // is heard for a moment, and told why it could not stay
  const toldSlow = readAnswer(slow);
  await refusedOverHttp(node, ann.token, 503, 'HANDSHAKE_LIMIT');
  await refusedByClose(node, ann.token, 4503, 'HANDSHAKE_LIMIT');
  const page = await ask(node, 'GET', '/');
  assert.deepEqual([page.status, page.json.code], [503, 'HANDSHAKE_LIMIT']);
  const { status, json: problem } = await toldSlow;
  assert.deepEqual([status, problem.code], [503, 'HANDSHAKE_LIMIT']);
  assert.equal((await ask(node, 'GET', '/health/live')).status, 200, 'whoever watches over the server can still ask');
  assert.equal((await ask({ host: node.host, port: metricsPort }, 'GET', '/health/live')).status, 200);
  await theyTalk();

  // Those who would be told are silent, too: what comes then is answered unheard.
  const more = await crowd(t, node, 40);
  const answer = await within('an answer to nobody\'s question', Promise.any(more.sockets.map((socket) => readAnswer(socket))));
  assert.deepEqual([answer.status, answer.json.code], [503, 'HANDSHAKE_LIMIT']);
  assert.match(answer.headers['x-foyer'], /ref=/);
  await theyTalk();
  const { max, refused } = await metrics.limit('handshake_limit');
  assert.equal(max, 50);
  assert.ok(refused >= 43, `${refused}`);
  assert.ok((await metrics.limit('refused_sockets')).refused >= 1);
  assert.ok((await metrics.read())['foyer_refusals_total{code="HANDSHAKE_LIMIT",step="readiness"}'] >= 23);

  more.leave();
  silent.leave();
  await metrics.untilUsed('handshake_limit', 0);
  await metrics.untilUsed('refused_sockets', 0);
  await metrics.untilUsed('connection_limit', 2);
  await metrics.untilUsed('open_files', files);
  const again = await Client.open(node, { token: ann.token });
  again.socket.destroy();
});

test('connection_limit: the process is full, and who is in it does not notice', async (t) => {
  const { node, metrics, ann, bob, theyTalk } = await world(t, ['--connection-limit', '60']);
  const files = (await metrics.limit('open_files')).used;
  const silent = await crowd(t, node, 58);
  await metrics.untilUsed('connection_limit', 60);
  await refusedOverHttp(node, ann.token, 503, 'CONNECTION_LIMIT');
  await refusedByClose(node, ann.token, 4503, 'CONNECTION_LIMIT');
  await theyTalk();
  // Whoever goes and comes again is new.
  bob.socket.destroy();
  await metrics.untilUsed('connection_limit', 59);
  const latest = await crowd(t, node, 1);
  await metrics.untilUsed('connection_limit', 60);
  await refusedOverHttp(node, bob.token, 503, 'CONNECTION_LIMIT');
  silent.leave();
  latest.leave();
  await metrics.untilUsed('connection_limit', 1);
  const back = await Client.open(node, { token: bob.token });
  await back.join('tea');
  assert.equal((await ann.say('tea', 'welcome back')).type, 'sent');
  await back.next('message', { message: 'welcome back' });
  await metrics.untilUsed('open_files', files);
});

test('connection_limit: HTTP connections between two requests make room, the longest idle first', async (t) => {
  const { node, metrics, ann, theyTalk } = await world(t, ['--connection-limit', '12', '--loops', '1']);
  const idle = await crowd(t, node, 10);
  const closed = [];
  for (const [i, socket] of idle.sockets.entries()) {
    socket.write(head(node, 'GET', '/health/live'));
    assert.equal((await readAnswer(socket)).status, 200);
    socket.on('close', () => closed.push(i));
  }
  await metrics.untilUsed('connection_limit', 12);
  const third = await Client.open(node, { token: ann.token });
  const fourth = await Client.open(node, { token: ann.token });
  await until('two of them to be closed', () => closed.length === 2);
  assert.deepEqual(closed, [0, 1]);
  await theyTalk();
  third.socket.destroy();
  fourth.socket.destroy();
});

test('pending_limit: sockets that never authenticate keep out their like alone', async (t) => {
  const { node, metrics, ann, theyTalk } = await world(t, ['--pending-limit', '20']);
  const waiting = await Promise.all(Array.from({ length: 20 }, () => handshake(node)));
  await metrics.untilUsed('pending_limit', 20);
  const { refused } = await handshake(node);
  assert.deepEqual([refused.status, refused.json.code], [503, 'PENDING_LIMIT']);
  const browser = await handshake(node, { headers: { Origin: node.origin } });
  assert.equal((await browser.socket.messages.take()).code, 'PENDING_LIMIT');
  assert.equal((await browser.socket.ended()).code, 4503);
  const withToken = await handshake(node, { headers: { Authorization: `Bearer ${ann.token}` } });
  assert.equal((await withToken.socket.messages.take()).type, 'authentication_success');
  withToken.socket.destroy();
  await theyTalk();
  for (const { socket } of waiting) socket.destroy();
  await metrics.untilUsed('pending_limit', 0);
  (await Client.open(node, { token: ann.token })).socket.destroy();
});

test('address_arriving, address_connections, user_connections: one address or user keeps nobody else out', async (t) => {
  const { node, metrics, ann, bob, theyTalk } = await world(t, ['--address-arriving', '20', '--address-connections', '10', '--user-connections', '4']);
  const from = (address) => ({ ...node, from: address });
  const silent = await crowd(t, from('127.0.7.2'), 20);
  await metrics.untilUsed('handshake_limit', 20);
  await refusedOverHttp(from('127.0.7.2'), ann.token, 503, 'HANDSHAKE_LIMIT');
  await refusedByClose(from('127.0.7.2'), ann.token, 4503, 'HANDSHAKE_LIMIT');
  const mine = [];
  for (let i = 0; i < 3; i += 1) mine.push(await Client.open(from('127.0.7.3'), { token: ann.token }));
  await refusedOverHttp(from('127.0.7.4'), ann.token, 429, 'USER_CONNECTION_LIMIT');
  await refusedByClose(from('127.0.7.4'), ann.token, 4429, 'USER_CONNECTION_LIMIT');
  mine.push(await Client.open(from('127.0.7.5'), { token: bob.token }));
  await theyTalk();

  const cleo = await register(node, 'cleo');
  const dora = await register(node, 'dora');
  for (let i = 0; i < 7; i += 1) mine.push(await Client.open(from('127.0.7.3'), { token: [bob.token, bob.token, cleo.access_token, cleo.access_token, cleo.access_token, cleo.access_token, dora.access_token][i] }));
  await refusedOverHttp(from('127.0.7.3'), dora.access_token, 429, 'ADDRESS_LIMIT');
  await refusedByClose(from('127.0.7.3'), dora.access_token, 4429, 'ADDRESS_LIMIT');
  mine.push(await Client.open(from('127.0.7.6'), { token: dora.access_token }));
  const all = await metrics.read();
  for (const name of ['address_arriving', 'address_connections', 'user_connections']) assert.equal(all[`foyer_limit_refused_total{limit="${name}"}`], 2, name);
  for (const each of mine) each.socket.destroy();
  silent.leave();
  await metrics.untilUsed('connection_limit', 2);
  await theyTalk();
});

// The sanitizers themselves need descriptors.
test('without file descriptors the newest is closed, the log says so, and it passes', { skip: process.env.FOYER_BIN?.includes('/asan/') }, async (t) => {
  const { node, metrics, ann, theyTalk } = await world(t, ['--loops', '1'], { wrap: ['prlimit', '--nofile=100:100'] });
  const { used: files, max } = await metrics.limit('open_files');
  assert.equal(max, 100);
  const silent = await crowd(t, node, 150);
  await node.logged('accept_failed', { code: 'CONNECTION_LIMIT' });
  await until('sockets to be turned away', async () => (await metrics.read())['foyer_loop_turned_away_total{loop="0"}'] >= 40);
  await theyTalk();
  const late = await connected(node);
  await within('the newest to be closed', new Promise((resolve) => late.on('close', resolve).resume()));
  await theyTalk();
  silent.leave();
  await metrics.untilUsed('open_files', files);
  (await Client.open(node, { token: ann.token })).socket.destroy();
});

test('accept_backlog: what the system drops before a loop has seen it is counted', async (t) => {
  const { node, metrics, theyTalk } = await world(t, ['--accept-backlog', '8']);
  assert.deepEqual(await metrics.limit('accept_backlog'), { used: 0, max: 8, refused: 0 });
  const sockets = [];
  atEnd(t, () => sockets.forEach((socket) => socket.destroy()));
  await whileStopped(node, async () => {
    for (let i = 0; i < 30; i += 1) sockets.push(net.connect({ host: node.host, port: node.port }).on('error', () => {}));
    await until('the queue to be full', () => sockets.filter((socket) => !socket.connecting).length >= 8);
  });
  await until('drops to be counted', async () => (await metrics.limit('accept_backlog')).refused > 0);
  await theyTalk();
  sockets.forEach((socket) => socket.destroy());
});

test('signatures: what one turn of the loop has no time for is checked in a later one, and nobody is lost', async (t) => {
  const { node, metrics, ann, bob, theyTalk } = await world(t, ['--loops', '1', '--user-connections', '1000', '--jwt-algorithm', 'EdDSA']);
  const postponed = async () => (await metrics.read())['foyer_loop_postponed_total{loop="0"}'];
  const sockets = await Promise.all(Array.from({ length: 60 }, () => connected(node)));
  atEnd(t, () => sockets.forEach((socket) => socket.destroy()));
  const before = await postponed();
  const wrong = `${ann.token.slice(0, -8)}AAAAAAAA`;
  await whileStopped(node, () => Promise.all(sockets.map((socket, i) => new Promise((resolve) => { // so that all of them are there in one turn
    // What comes right behind the handshake waits with it. Every fourth brings another's signature.
    const token = i % 4 === 3 ? wrong : [ann, bob][i % 2].token;
    socket.write(Buffer.concat([Buffer.from(head(node, 'GET', '/ws/chat', { ...upgradeHeaders(), Authorization: `Bearer ${token}` })), json({ type: 'ping', id: i })]), resolve);
    if (i % 8 === 7) socket.end(); // and hears all the same why it is refused
  }))));
  await Promise.all(sockets.map(async (socket, i) => {
    const answer = await within(`answer ${i}`, readAnswer(socket));
    if (i % 4 === 3) return assert.deepEqual([answer.status, answer.json.code], [401, 'SIGNATURE_INVALID']);
    assert.equal(answer.status, 101);
    const { messages } = new WebSocketBytes(socket, answer.rest);
    assert.equal((await messages.take('the welcome')).type, 'authentication_success');
    assert.deepEqual(await messages.take('the pong'), { type: 'pong', id: i });
  }));
  assert.ok(await postponed() > before, 'there were too many for one turn');
  await theyTalk();

  // A connection has one new token checked at a time: the others are told to come again.
  const ids = Array.from({ length: 20 }, (_, i) => 1_000 + i);
  ann.socket.sendBytes(Buffer.concat(ids.map((id) => json({ type: 'refresh', id, token: ann.token }))));
  const told = await Promise.all(ids.map((id) => ann.socket.messages.take(`the answer to ${id}`, (m) => m.id === id)));
  const others = told.filter(({ type }) => type !== 'refreshed');
  assert.ok(others.length > 0 && others.length < told.length, `${others.length}`);
  for (const other of others) assert.deepEqual([other.type, other.code, other.retry], ['error', 'RATE_LIMITED', 'after'], JSON.stringify(other));
  assert.equal((await ann.ask('refresh', { token: ann.token })).type, 'refreshed');
  assert.equal((await ann.ask('refresh', { token: wrong })).code, 'SIGNATURE_INVALID');
  await theyTalk();
});

test('plain_gets: who asks a socket path again and again why it fails is told to wait, and it is counted', async (t) => {
  const { node, metrics, theyTalk } = await world(t, []);
  const answers = [];
  // More than a hundred where a window of 10 s begins in between.
  do answers.push(await ask(node, 'GET', '/ws/chat')); while (answers.at(-1).status === 426 && answers.length < 300);
  assert.ok(answers.length > 100, `${answers.length}`);
  assert.deepEqual([...new Set(answers.slice(0, -1).map(({ status }) => status))], [426]);
  const last = answers.at(-1);
  assert.deepEqual([last.status, last.json.code, last.text.includes('plain_gets 100 per 10 s')], [429, 'ADDRESS_RATE_LIMIT', true], last.text);
  assert.equal((await metrics.read())['foyer_limit_refused_total{limit="plain_gets"}'], 1);
  assert.ok(await node.logged('refused', { code: 'ADDRESS_RATE_LIMIT' }), 'and can be looked up');
  await theyTalk();
});

test('rooms_loaded: a room beyond it is BUSY, the others go on', async (t) => {
  const { metrics, ann, bob, theyTalk } = await world(t, ['--loops', '1', '--rooms-loaded', '100']);
  for (let i = 1; i < 100; i += 1) assert.equal((await ann.join(`r${i}`)).type, 'joined', `${i}`); // and tea
  const told = await bob.join('one-more');
  assert.deepEqual([told.type, told.code, told.retry], ['error', 'BUSY', 'after']);
  assert.equal((await bob.join('r99')).type, 'joined', 'it is there');
  await metrics.untilUsed('rooms_loaded', 100);
  assert.equal((await metrics.limit('rooms_loaded')).refused, 1);
  await theyTalk();
});

// Fifty commands at once of each client, again and again, and what they are answered with: { type or code: how often }.
async function flood(clients, commands) {
  const heard = {};
  await Promise.all(clients.map(async (client) => {
    for (let i = 0; i < commands.length; i += 50) {
      const answers = await Promise.all(commands.slice(i, i + 50).map(({ type, ...fields }) => client.ask(type, fields)));
      for (const { type, code } of answers) heard[code ?? type] = (heard[code ?? type] ?? 0) + 1;
    }
  }));
  return heard;
}
const openings = (node, token, count) => Promise.all(Array.from({ length: count }, () => Client.open(node, { token })));
const roomsOf = async (client) => {
  const rooms = [];
  for (let page; !page || page.more;) {
    page = await client.ask('rooms', rooms.length ? { after: rooms.at(-1).room } : {});
    rooms.push(...page.rooms);
  }
  return rooms;
};

test('user_messages_per_s: who asks for all rooms on 20 sockets again and again is told to wait, and others read and join meanwhile', async (t) => {
  const { node, metrics, ann, bob, theyTalk } = await world(t, ['--messages-burst', '2000', '--user-messages-per-s', '100', '--user-messages-burst', '1500']);
  for (let i = 0; i < 100; i += 1) assert.equal((await ann.ask('create', { room: `private:friends-${i}` })).type, 'created', `${i}`);
  const many = await openings(node, ann.token, 20);
  const flooding = flood(many, Array.from({ length: 100 }, () => ({ type: 'rooms' })));
  for (let i = 0; i < 20; i += 1) {
    assert.equal((await bob.ask('history', { room: 'tea', limit: 300 })).type, 'history');
    assert.equal((await bob.join('tea')).type, 'joined');
    assert.equal((await bob.ask('rooms')).type, 'rooms');
  }
  const heard = await flooding;
  assert.deepEqual(Object.keys(heard).sort(), ['RATE_LIMITED', 'rooms']);
  assert.ok(heard.rooms < 200, `each costs as much as twenty messages: ${heard.rooms}`);
  assert.ok((await metrics.read())['foyer_limit_refused_total{limit="user_messages_per_s"}'] > 0);
  for (const each of many) each.socket.destroy();
  await theyTalk();
});

test('questions about 5,000 invented rooms leave no row and take no memory from others', async (t) => {
  const { node, metrics, ann, bob, theyTalk } = await world(t, ['--rooms-loaded', '200', '--user-messages-burst', '100000', '--messages-burst', '100000']);
  const [eve] = await openings(node, ann.token, 1);
  const invented = (count, command) => Array.from({ length: count }, (_, i) => command(i));
  assert.deepEqual(await flood([eve], invented(2_000, (i) => ({ type: 'presence', room: `user:nobody-${i}` }))), { NOT_A_MEMBER: 2_000 });
  assert.deepEqual(await flood([eve], invented(1_000, (i) => ({ type: 'presence', room: `private:nothing-${i}` }))), { NOT_A_MEMBER: 1_000 });
  assert.deepEqual(await flood([eve], invented(1_000, (i) => ({ type: 'presence', room: `empty-${i}` }))), { presence: 1_000 });
  assert.deepEqual(await flood([eve], invented(1_000, (i) => ({ type: 'history', room: `empty-${i}` }))), { history: 1_000 });
  assert.equal((await bob.join('coffee')).type, 'joined', 'there is room for others');
  assert.deepEqual((await roomsOf(bob)).map(({ room }) => room), ['coffee', 'tea']);
  await until('the invented rooms to leave the memory', async () => (await metrics.limit('rooms_loaded')).used <= 3);
  assert.equal((await metrics.limit('rooms_loaded')).refused, 0);
  await theyTalk();
});

test('rooms_loaded_per_user, new_rooms_per_h: who opens room after room is told to wait, and others open theirs', async (t) => {
  const { metrics, ann, bob, theyTalk } = await world(t, ['--rooms-loaded-per-user', '10', '--new-rooms-per-h', '15']);
  const told = [];
  for (let i = 0; i < 12; i += 1) told.push(await ann.join(`r${i}`));
  const refused = told.filter(({ type }) => type === 'error');
  assert.deepEqual([...new Set(refused.map(({ code, retry }) => `${code} ${retry}`))], ['RATE_LIMITED after']);
  assert.ok(refused.length === 2 || refused.length === 3, `tea may be ann's or bob's: ${refused.length}`);
  for (let i = 0; i < 5; i += 1) assert.equal((await bob.join(`b${i}`)).type, 'joined');
  for (let i = 0; i < 20; i += 1) told.push(await ann.ask('create', { room: `private:friends-${i}` }));
  assert.equal(told.at(-1).code, 'RATE_LIMITED');
  assert.ok((await metrics.read())['foyer_limit_refused_total{limit="new_rooms_per_h"}'] > 0);
  assert.ok((await metrics.read())['foyer_limit_refused_total{limit="rooms_loaded_per_user"}'] >= 2);
  assert.equal((await ann.say('r3', 'it is open as before')).type, 'sent');
  await theyTalk();
});

test('room_messages_per_s: 20 sockets of one user cannot fill a room, and the others in it are heard', async (t) => {
  const { node, metrics, ann, bob } = await world(t, ['--room-messages-per-s', '20', '--room-messages-burst', '100']);
  const many = await openings(node, ann.token, 20);
  const heard = await flood(many, Array.from({ length: 30 }, () => ({ type: 'chat', room: 'tea', message: 'me' })));
  assert.deepEqual(Object.keys(heard).sort(), ['RATE_LIMITED', 'sent']);
  assert.ok(heard.sent >= 100, `${heard.sent}`);
  assert.ok(heard.sent < 600, `${heard.sent}`);
  for (let i = 0; i < 3; i += 1) assert.equal((await bob.say('tea', 'and I')).type, 'sent');
  assert.ok((await metrics.read())['foyer_limit_refused_total{limit="room_messages_per_s"}'] > 0);
  for (const each of many) each.socket.destroy();
  await until('the room to have a place again', async () => (await ann.say('tea', 'again')).type === 'sent');
});

test('a list of 1,200 rooms comes in pages of at most 1,000, and one’s own room and private ones are in the first', async (t) => {
  const { ann, bob } = await world(t, ['--new-rooms-per-h', '2000', '--public-rooms-per-user', '2000', '--messages-burst', '5000', '--rooms-loaded-per-user', '2000']);
  assert.deepEqual(await flood([bob], Array.from({ length: 1_200 }, (_, i) => ({ type: 'chat', room: `public-${i}`, message: 'x' }))), { sent: 1_200 });
  await ann.say(`user:${ann.user.id}`, 'a note');
  await ann.ask('create', { room: 'private:zebra' });
  const first = await ann.ask('rooms');
  assert.deepEqual([first.rooms.length, first.more], [1_000, true]);
  assert.ok(JSON.stringify(first).length <= 256 * 1024);
  assert.deepEqual(first.rooms.slice(0, 3).map(({ room }) => room), ['private:zebra', 'tea', `user:${ann.user.id}`]);
  const all = (await roomsOf(ann)).map(({ room }) => room);
  assert.equal(new Set(all).size, 1_203);
  assert.equal(all.length, 1_203);
});

test('request_queue: requests beyond it are BUSY, and health answers all the same', async (t) => {
  const { node, metrics, theyTalk } = await world(t, ['--request-queue', '3', '--hashing-threads', '1', '--address-auth-requests', '1000']);
  const logins = Promise.all(Array.from({ length: 60 }, (_, i) => ask(node, 'POST', '/auth/login', { body: { name: `nobody${i}`, password: 'a wrong and quiet sentence' } })));
  const health = await Promise.all(Array.from({ length: 10 }, () => ask(node, 'GET', '/health/live')));
  const answers = await logins;
  assert.deepEqual(health.map((answer) => answer.status), Array(10).fill(200));
  const busy = answers.filter((answer) => answer.status === 503);
  assert.ok(busy.length > 0 && busy.length < 60, `${busy.length}`);
  for (const answer of busy) assert.deepEqual([answer.json.code, answer.json.retry, answer.text.includes('request_queue=3')], ['BUSY', 'after', true], answer.text);
  await theyTalk();
  await metrics.untilUsed('request_queue', 0);
  assert.ok((await metrics.limit('request_queue')).refused >= busy.length);
});

const few = ['--bytes-per-s', '4KiB', '--bytes-burst', '16KiB'];
const floods = [
  ['commands', 'FLOODING', () => json({ type: 'ping' })],
  ['unknown messages', 'TOO_MANY_BAD_MESSAGES', () => json({ type: 'dance' })],
  ['messages that are not JSON', 'TOO_MANY_BAD_MESSAGES', () => frame(0x1, Buffer.from('{'))],
  ['pings', 'FLOODING', () => frame(0x9, Buffer.from('x'))],
  ['pongs that nobody asked for', 'FLOODING', () => frame(0xa, Buffer.alloc(125)), few],
  ['empty fragments', 'MESSAGE_TOO_BIG', (i) => frame(i === 0 ? 0x1 : 0x0, Buffer.alloc(0), { fin: false })],
];
for (const [what, code, one, options = []] of floods) {
  test(`12,000 ${what} end with ${code}, and nobody else waits`, async (t) => {
    const { node, metrics, ann, theyTalk } = await world(t, options);
    const eve = await Client.open(node, { token: ann.token });
    eve.socket.sendBytes(Buffer.concat(Array.from({ length: 12_000 }, (_, i) => one(i))));
    const [end] = await Promise.all([eve.socket.ended(), theyTalk()]);
    assert.deepEqual([end.code, end.reason.split(' ')[0]], [code === 'MESSAGE_TOO_BIG' ? 1009 : 4429, code]);
    await theyTalk();
    await metrics.untilUsed('connection_limit', 2);
  });
}

test('more bytes than an echo socket may send end it, fast ones in the long run alone', async (t) => {
  const { node, theyTalk } = await world(t, ['--echo', 'open', '--bytes-per-s', '64KiB', '--bytes-burst', '256KiB']);
  const { socket } = await handshake(node, { path: '/ws/echo' });
  for (let i = 0; i < 4; i += 1) {
    socket.sendFrame(0x2, Buffer.alloc(60_000, i));
    assert.equal((await socket.messages.take('an echo')).length, 60_000);
  }
  socket.sendBytes(Buffer.concat(Array.from({ length: 10 }, () => frame(0x2, Buffer.alloc(60_000)))));
  const end = await socket.ended();
  assert.deepEqual([end.code, end.reason.split(' ')[0]], [4429, 'FLOODING']);
  await theyTalk();
});

test('a slow start of a request is not a place for ever', async (t) => {
  const { node, metrics, ann } = await world(t, ['--handshake-limit', '10', '--header-timeout', '2s']);
  const slow = await crowd(t, node, 10, 'GET /ws/chat HTTP/1.1\r\n');
  const answers = await Promise.all(slow.sockets.map((socket) => within('an answer', readAnswer(socket))));
  assert.deepEqual([...new Set(answers.map((answer) => `${answer.status} ${answer.json.code}`))], ['408 REQUEST_TIMEOUT']);
  await metrics.untilUsed('handshake_limit', 0);
  (await Client.open(node, { token: ann.token })).socket.destroy();
  assert.equal((await raw(node, head(node, 'GET', '/health/live', { Connection: 'close' }))).status, 200);
});
