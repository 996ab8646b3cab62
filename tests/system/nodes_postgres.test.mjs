// Several gateways on one PostgreSQL database: one order of a room for all of them, recovery at whichever node, and
// rights that end everywhere. The invariants of the tests' clients hold over all nodes (support/invariants.mjs).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call, post } from './support/api.mjs';
import { fileScope, foyer, serveFails } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { arriveAt, at, hears, key, nodes, options, texts } from './support/nodes.mjs';
import { Postgres } from './support/postgres.mjs';
import { Relay } from './support/relay.mjs';
import { Client, handshake } from './support/websocket.mjs';
import { until } from './support/within.mjs';

const scope = fileScope(after);
let server;
before(async () => { server = await Postgres.start(scope); });

const api = { key };
const code = (end) => [end.code, end.reason.split(' ')[0]];

test('people at three nodes hear one room in one order', async (t) => {
  const all = await nodes(t, await server.fresh(), 3);
  const people = await Promise.all(all.map((node, i) => arriveAt(node, `person-${i}`, { through: all[0] })));
  for (const person of people) await person.join('tea');
  const each = 40;
  await Promise.all(people.map(async (person, p) => {
    for (let i = 0; i < each; i += 1) assert.equal((await person.say('tea', `${p}-${i}`)).type, 'sent');
  }));
  const heard = await Promise.all(people.map((person) => hears(person, 'tea', each * 3)));
  assert.deepEqual(heard[0].map((m) => m.offset), heard[0].map((_, i) => i + 1));
  assert.deepEqual(texts(heard[1]), texts(heard[0]));
  assert.deepEqual(texts(heard[2]), texts(heard[0]));
  for (let p = 0; p < 3; p += 1) {
    const own = texts(heard[0]).filter((text) => text.startsWith(`${p}-`));
    assert.deepEqual(own, own.map((_, i) => `${p}-${i}`), 'what one person says stays in its order');
  }
});

test('a client that comes back to another node gets exactly what it missed, with recovered:true', async (t) => {
  const [a, b] = await nodes(t, await server.fresh(), 2);
  const ann = await arriveAt(a, 'ann');
  const bob = await arriveAt(b, 'bob');
  const { epoch } = await bob.join('tea');
  await ann.join('tea');
  await ann.say('tea', 'one');
  await bob.next('message', { message: 'one' });
  await bob.close();
  for (const text of ['two', 'three', 'four']) await ann.say('tea', text);
  const elsewhere = await at(b, bob.account);
  const joined = await elsewhere.join('tea', { since: { epoch, offset: 1 } });
  assert.deepEqual([joined.recovered, joined.offset, texts(joined.messages)], [true, 4, ['two', 'three', 'four']]);
  // At the node where they were said, too; and a position of which that node had not heard before.
  assert.equal((await elsewhere.say('tea', 'five')).offset, 5);
  const third = await at(a, bob.account);
  const again = await third.join('tea', { since: { epoch, offset: 5 } });
  assert.deepEqual([again.recovered, again.messages], [true, []]);
});

test('what was answered `sent` at one node is in the history of the other one', async (t) => {
  const [a, b] = await nodes(t, await server.fresh(), 2);
  const ann = await arriveAt(a, 'ann');
  const bob = await arriveAt(b, 'bob');
  await bob.join('tea');
  for (let i = 1; i <= 20; i += 1) {
    await ann.say('tea', `${i}`);
    const page = await bob.ask('history', { room: 'tea', limit: 1 });
    assert.deepEqual(texts(page.messages), [`${i}`]);
  }
});

test('a member who is added at one node may speak at the other, and stops when it is removed', async (t) => {
  const [a, b] = await nodes(t, await server.fresh(), 2);
  const ann = await arriveAt(a, 'ann');
  const bob = await arriveAt(b, 'bob');
  const eve = await arriveAt(b, 'eve');
  const room = 'private:plan';
  await call(a, 'room_create', { channel: room, members: [ann.user.id, eve.user.id] }, api);
  await ann.join(room);
  await eve.join(room);
  assert.equal((await bob.join(room)).code, 'NOT_A_MEMBER');
  await call(a, 'member_add', { channel: room, user: bob.user.id }, api);
  assert.equal((await bob.join(room)).type, 'joined');
  assert.equal((await bob.say(room, 'hello')).type, 'sent');
  await ann.next('message', { message: 'hello' });

  await call(a, 'member_remove', { channel: room, user: bob.user.id }, api);
  await until('bob to be none', async () => (await bob.ask('history', { room })).code === 'NOT_A_MEMBER');
  await ann.say(room, 'now we are alone');
  await eve.next('message', { message: 'now we are alone' });
  await bob.barrier();
  assert.deepEqual(bob.kept.filter((m) => m.message === 'now we are alone'), []);
  assert.equal((await bob.say(room, 'still here?')).code, 'NOT_A_MEMBER');
});

test('a message that is deleted at one node is deleted at the other', async (t) => {
  const [a, b] = await nodes(t, await server.fresh(), 2);
  const ann = await arriveAt(a, 'ann');
  const bob = await arriveAt(b, 'bob');
  await ann.join('tea');
  await bob.join('tea');
  for (const text of ['one', 'two']) await ann.say('tea', text);
  await hears(bob, 'tea', 2);
  await ann.ask('delete', { room: 'tea', offset: 1 });
  assert.equal((await bob.next('deleted', { room: 'tea' })).offset, 1);
  const page = await bob.ask('history', { room: 'tea' });
  assert.equal(page.messages[0].deleted, true);
});

test('a room that is deleted at one node begins anew at the other', async (t) => {
  const [a, b] = await nodes(t, await server.fresh(), 2);
  const ann = await arriveAt(a, 'ann');
  const bob = await arriveAt(b, 'bob');
  const { epoch } = await bob.join('tea');
  await ann.join('tea');
  await ann.say('tea', 'old');
  await bob.next('message', { message: 'old' });
  await call(a, 'room_delete', { channel: 'tea' }, api);
  assert.deepEqual(code(await bob.ended()), [4503, 'ROOM_RESET'], 'a client without the feature is closed');
  const back = await at(b, bob.account);
  const joined = await back.join('tea', { since: { epoch, offset: 1 } });
  assert.notEqual(joined.epoch, epoch);
  assert.deepEqual([joined.recovered ?? false, joined.messages], [false, []]);
});

test('a block at one node closes the sockets at the other and keeps the user out of both', async (t) => {
  const [a, b] = await nodes(t, await server.fresh(), 2);
  const ann = await arriveAt(b, 'ann', { through: a });
  await call(a, 'block_user', { user: ann.user.id }, api);
  assert.deepEqual(code(await ann.ended()), [4403, 'USER_BLOCKED']);
  for (const node of [a, b]) assert.equal((await handshake(node, { headers: { Authorization: `Bearer ${ann.token}` } })).refused.json.code, 'USER_BLOCKED');
});

test('a session that ends at one node ends at the other', async (t) => {
  const [a, b] = await nodes(t, await server.fresh(), 2);
  const ann = await arriveAt(b, 'ann', { through: a });
  assert.equal((await ask(a, 'POST', '/auth/logout', { token: ann.token })).status, 204);
  assert.deepEqual(code(await ann.ended()), [4401, 'SESSION_REVOKED']);
});

test('a call of the API that comes to both nodes at once under one key publishes once', async (t) => {
  const [a, b] = await nodes(t, await server.fresh(), 2);
  for (let round = 1; round <= 5; round += 1) {
    const body = { channel: 'news', message: `${round}`, idempotency_key: `order-${round}` };
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => post(i % 2 ? a : b, 'publish', body, { key })));
    assert.deepEqual([...new Set(answers.map((answer) => answer.text))], [answers[0].text]);
    assert.equal(answers[0].json.result.offset, round);
  }
  assert.equal((await call(a, 'history', { channel: 'news', limit: -1 }, { key })).publications.length, 5);
});

test('kill -9 of a node under load: nothing that was answered is lost, and its clients go on at another', async (t) => {
  const all = await nodes(t, await server.fresh(), 3);
  const people = await Promise.all(all.map((node, i) => arriveAt(node, `person-${i}`, { through: all[0] })));
  const seats = people.map((client, i) => ({ client, node: i, epoch: '', offset: 0 }));
  for (const seat of seats) Object.assign(seat, { epoch: (await seat.client.join('tea')).epoch });
  const answered = new Map();
  let enough = false;
  // Says one message after the other; one whose answer was lost with the node, again under its key at the next node.
  const talk = async (seat, p) => {
    for (let i = 0; !enough; i += 1) {
      const text = `${p}-${i}`;
      for (let stored = false; !stored;) {
        try {
          const answer = await seat.client.say('tea', text, { key: text });
          assert.equal(answer.type, 'sent', JSON.stringify(answer));
          answered.set(text, answer.offset);
          stored = true;
        } catch (lost) {
          if (seat.node !== 0) throw lost;
          await all[0].ended();
          const last = seat.client.socket.received.filter((m) => m.type === 'message').at(-1);
          seat.node = (seat.node + 1) % all.length;
          seat.client = await Client.open(all[seat.node], { token: people[p].token });
          const joined = await seat.client.join('tea', { since: { epoch: seat.epoch, offset: last?.offset ?? 0 } });
          const missed = joined.offset - (last?.offset ?? 0);
          assert.ok(joined.recovered || missed > 300, `${missed} missed: ${JSON.stringify(joined).slice(0, 300)}`); // what one answer holds
        }
      }
    }
  };
  const talking = seats.map(talk);
  const more = (n) => { const goal = answered.size + n; return until(`${n} more messages`, () => answered.size >= goal, 30_000); };
  await more(200);
  await all[0].kill9();
  await more(200);
  enough = true;
  await Promise.all(talking);
  const reader = await at(all[2], people[0].account);
  const stored = new Map();
  for (let before_; ;) {
    const page = await reader.ask('history', { room: 'tea', limit: 300, ...(before_ ? { before: before_ } : {}) });
    for (const m of page.messages) stored.set(m.message, m.offset);
    if (!page.more) break;
    before_ = page.messages[0].offset;
  }
  for (const [text, offset] of answered) assert.equal(stored.get(text), offset, text);
  assert.deepEqual([...stored.values()].sort((x, y) => x - y), [...stored.values()].map((_, i) => i + 1), 'no hole, and nothing twice');
});

test('a node that cannot read the database for too long closes its sockets and admits nobody, until it can', async (t) => {
  const own = await Postgres.start(t);
  const [a] = await nodes(t, await own.fresh(), 1, { args: ['--revocation-max-age', '2s'] });
  const ann = await arriveAt(a, 'ann');
  await own.stop();
  assert.deepEqual(code(await ann.ended(30_000)), [4503, 'REVOCATION_UNCHECKED']);
  const refused = await handshake(a, { headers: { Authorization: `Bearer ${ann.token}` } });
  assert.equal(refused.refused.json.code, 'REVOCATION_UNCHECKED');
  await own.start();
  await until('ann to be admitted', async () => {
    const { refused: again, socket } = await handshake(a, { headers: { Authorization: `Bearer ${ann.token}` } });
    socket?.destroy();
    return !again;
  }, 30_000);
});

test('a node whose line to the database is silent tells its clients with NODE_DEAF, and they go on at another', async (t) => {
  const url = await server.fresh();
  const relay = await Relay.open(t, { path: server.socket });
  const tick = ['--cluster-tick', '100ms', '--drain-timeout', '1s'];
  const [a] = await nodes(t, `${url.split('?')[0]}?host=${relay.host}&port=${relay.port}`, 1, { args: tick });
  const [b] = await nodes(t, url, 1, { args: tick });
  const ann = await arriveAt(a, 'ann', { through: b });
  const bob = await arriveAt(b, 'bob');
  const { epoch } = await ann.join('tea');
  relay.hold();
  await bob.say('tea', 'can you hear me?');
  assert.deepEqual(code(await ann.ended(30_000)), [4503, 'NODE_DEAF']);
  const { status, json } = await ask(a, 'GET', '/health/ready');
  assert.deepEqual([status, json.checks.nodes.code], [503, 'NODE_DEAF']);
  const { refused } = await handshake(a, { headers: { Authorization: `Bearer ${ann.token}` } });
  assert.equal(refused.json.code, 'NODE_DEAF');
  const elsewhere = await Client.open(b, { token: ann.token });
  assert.deepEqual(texts((await elsewhere.join('tea', { since: { epoch, offset: 0 } })).messages), ['can you hear me?']);
  relay.release({ cut: true });
  const back = await until('ann to be admitted again', async () => Client.open(a, { token: ann.token }).catch(() => null), 30_000);
  assert.equal((await back.join('tea', { since: { epoch, offset: 1 } })).recovered, true);
});

// As a server is that has just replayed its log, on a busy machine.
test('a database that takes long to let anybody in is reached after all', async (t) => {
  const url = await server.fresh();
  const relay = await Relay.open(t, { path: server.socket });
  const [a] = await nodes(t, `${url.split('?')[0]}?host=${relay.host}&port=${relay.port}`, 1);
  const store = async () => (await ask(a, 'GET', '/health/ready')).json.checks.chat_store;
  relay.refuse();
  await until('the database to be away', async () => (await store()).status !== 'ok');
  relay.delay(700);               // a connection needs four ways, which is longer than the first deadline
  await relay.welcome();
  const kept = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'foyer' AND datname = current_database() AND backend_start < now() - interval '4 seconds'";
  await until('a session that is not given up', async () => await server.sql(kept, url) !== '0', 60_000);
  relay.delay(0);
  await until('the database to be reached', async () => (await store()).status === 'ok', 60_000);
});

test('a transaction that is left open on the server is reported, and messages pass all the same', async (t) => {
  const url = await server.fresh();
  const [a, b] = await nodes(t, url, 2);
  const ann = await arriveAt(a, 'ann');
  const bob = await arriveAt(b, 'bob');
  await bob.join('tea');
  await server.holdOpen(t, url);
  await ann.say('tea', 'one');
  await bob.next('message', { message: 'one' });
  await a.logged('TRANSACTION_HELD_OPEN', {}, 30_000);
  await ann.say('tea', 'two');
  await bob.next('message', { message: 'two' });
});

test('many nodes need PostgreSQL; one node and several do not meet on a database', async (t) => {
  const without = await serveFails(t, { env: { FOYER_NODES: 'many' } });
  assert.equal(without.code, 1, without.text);
  assert.match(without.text, /NODES_NEED_POSTGRES/);
  const url = await server.fresh();
  await nodes(t, url, 1);
  const alone = options(url);
  const failed = await serveFails(t, { ...alone, env: { ...alone.env, FOYER_NODES: 'one' } });
  assert.equal(failed.code, 1, failed.text);
  assert.match(failed.text, /CLUSTER_MISMATCH/);
  const { out } = await foyer(['check', '--dev', '--nodes', 'many', '--database-url', url, '--store-key', alone.env.STORE_KEY]);
  assert.match(out, /nodes: many, messages in PostgreSQL, events between nodes over PostgreSQL/);
  assert.match(out, /`sent` means: /);
});
