// Several gateways on one PostgreSQL database, without a bus: what is in no record reaches the people at every node, and
// what only one node may do is done by one.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call } from './support/api.mjs';
import { fileScope, foyer, temporary } from './support/foyer.mjs';
import { arriveAt, at, ids, isThereOnce, key, nodes, options } from './support/nodes.mjs';
import { Postgres } from './support/postgres.mjs';
import { Receiver } from './support/receiver.mjs';
import { until } from './support/within.mjs';

const scope = fileScope(after);
let server;
before(async () => { server = await Postgres.start(scope); });

const api = { key };

test('who types at one node is seen typing at the others', async (t) => {
  const [a, b, c] = await nodes(t, await server.fresh(), 3);
  const ann = await arriveAt(a, 'ann');
  const others = [await arriveAt(b, 'bob'), await arriveAt(c, 'eve')];
  for (const person of [ann, ...others]) await person.join('tea');
  for (const on of [true, false, true]) {
    ann.send({ type: 'typing', room: 'tea', on });
    for (const person of others) assert.deepEqual(await person.next('typing'), { type: 'typing', room: 'tea', user: ann.user, on });
  }
  await ann.barrier();
  assert.deepEqual(ann.kept.filter((m) => m.type === 'typing'), [], 'not oneself');
});

test('what an application does to connections reaches those at every node', async (t) => {
  const [a, b] = await nodes(t, await server.fresh(), 2);
  const here = await arriveAt(a, 'ann');
  const there = await arriveAt(b, 'bob');
  await here.join('tea');
  await there.join('tea');
  await call(a, 'unsubscribe', { user: there.user.id, channel: 'tea' }, api);
  assert.equal((await there.next('room_removed', { room: 'tea' })).code, 'UNSUBSCRIBED_BY_APP');
  await call(a, 'disconnect', { user: there.user.id, disconnect: { code: 4555, reason: 'bye' } }, api);
  assert.equal((await there.ended()).code, 4555);
  await here.barrier();
});

// What the node of `from` has told so far has reached `to`, and whoever was seen to come is not looked at again.
async function settled(from, to) {
  for (const on of [true, false]) {
    from.send({ type: 'typing', room: 'tea', on });
    await to.next('typing', { on });
  }
  for (const { type } of to.kept.filter((m) => /^member_/.test(m.type))) await to.next(type);
}
const patient = { args: ['--cluster-tick', '1s', '--presence-grace', '100ms'] }; // five ticks without the database, and it closes
const quick = { args: ['--cluster-tick', '300ms', '--presence-grace', '100ms'] };

test('who is in a room at one node is seen at the others, comes and leaves', async (t) => {
  const [a, b, c] = await nodes(t, await server.fresh(), 3, quick);
  const ann = await arriveAt(a, 'ann');
  const bob = await arriveAt(b, 'bob');
  const eve = await arriveAt(c, 'eve');
  await ann.join('tea');
  assert.deepEqual(ids((await bob.join('tea')).members), ids([ann.user, bob.user]));
  assert.equal((await ann.next('member_joined', { room: 'tea' })).user.id, bob.user.id);
  assert.deepEqual(ids((await eve.ask('presence', { room: 'tea' })).members), ids([ann.user, bob.user]));
  await bob.close();
  assert.equal((await ann.next('member_left', { room: 'tea' })).user.id, bob.user.id);
  assert.deepEqual(ids((await eve.ask('presence', { room: 'tea' })).members), [ann.user.id]);
});

test('a user on two nodes is there once, and leaves with the last connection', async (t) => isThereOnce(await nodes(t, await server.fresh(), 2, quick)));

test('the people of a node that was killed leave, and nobody else', async (t) => {
  const [a, b, c] = await nodes(t, await server.fresh(), 3, quick);
  const ann = await arriveAt(a, 'ann');
  const eve = await arriveAt(c, 'eve');
  const bob = await arriveAt(b, 'bob');
  const dan = await arriveAt(b, 'dan');
  const here = await at(a, dan.account);
  for (const person of [ann, eve, bob, dan, here]) await person.join('tea');
  for (const [from, to] of [[eve, ann], [dan, ann], [ann, eve], [dan, eve]]) await settled(from, to);
  await b.kill9();
  for (const person of [ann, eve]) {
    assert.equal((await person.next('member_left', { room: 'tea' })).user.id, bob.user.id);
    assert.deepEqual(ids((await person.ask('presence', { room: 'tea' })).members), ids([ann.user, eve.user, dan.user]));
    await person.barrier();
    assert.deepEqual(person.kept.filter((m) => /^member/.test(m.type)), [], 'dan is at another node, too');
  }
});

test('after a crash of the database everybody is listed again, and nobody seems to come or leave', async (t) => {
  const own = await Postgres.start(t);
  const [a, b] = await nodes(t, await own.fresh(), 2, patient);
  const ann = await arriveAt(a, 'ann');
  const bob = await arriveAt(b, 'bob');
  await ann.join('tea');
  await bob.join('tea');
  for (const [from, to] of [[ann, bob], [bob, ann]]) await settled(from, to);
  await own.crash();
  await own.start();
  for (const person of [ann, bob]) {
    await until('both to be listed', async () => (await person.ask('presence', { room: 'tea' })).members?.length === 2, 60_000);
    await person.barrier();
    assert.deepEqual(person.kept.filter((m) => /^member_/.test(m.type)), []);
  }
});

// `foyer webhook …` on the database of the nodes.
async function hook(t, url, receiver, ...args) {
  const done = await foyer(['webhook', ...args, '--data', temporary(t)], { env: options(url).env });
  assert.equal(done.code, 0, done.err);
  return done;
}

test('each event is sent to a webhook by one node, and by another one when that node is gone', async (t) => {
  const url = await server.fresh();
  const all = await nodes(t, url, 3);
  const receiver = await Receiver.start(t);
  const { out } = await hook(t, url, receiver, 'add', receiver.url, '--type', 'message.published');
  receiver.secret = out.trim();
  const texts = [];
  const said = async (node, text) => {
    await call(node, 'publish', { channel: 'news', message: text }, api);
    texts.push(text);
  };
  // A hook is followed by every node before its first event counts.
  await until('every node to follow the hook', async () => {
    for (const [n, node] of all.entries()) await call(node, 'publish', { channel: 'warm', message: `up ${n}` }, api);
    return new Set(receiver.events.items.filter((e) => e.data.room === 'warm').map((e) => e.data.message)).size === all.length;
  });
  for (let i = 0; i < 10; i += 1) for (const [n, node] of all.entries()) await said(node, `${n}-${i}`);
  const news = () => receiver.events.items.filter((e) => e.data.room === 'news').map((e) => e.data.message);
  await until('all events', () => news().length >= texts.length);
  assert.deepEqual(news(), texts, 'once, in the order of the room');
  await all[0].kill9();
  await said(all[1], 'after the end of one node');
  await until('the next event', () => news().at(-1) === texts.at(-1), 60_000);
  await all[1].kill9();
  await said(all[2], 'after the end of another one');
  await until('the last event', () => news().at(-1) === texts.at(-1), 60_000);
  assert.deepEqual([...new Set(news())], texts, 'what was posted before a kill -9 may come again');
});
