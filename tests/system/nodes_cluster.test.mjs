// Several gateways on one PostgreSQL database with a Redis cluster between them: rooms of all shards, a slot that moves,
// primaries that die and freeze, a shard that delivers nothing.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Authority } from './support/certificates.mjs';
import { Cluster } from './support/cluster.mjs';
import { fileScope, foyer, foyerJson, temporary } from './support/foyer.mjs';
import { arriveAt, at, hears, ids, isHealthy, nodes, options, over, says, texts } from './support/nodes.mjs';
import { Postgres } from './support/postgres.mjs';
import { until } from './support/within.mjs';

const scope = fileScope(after);
let server;
before(async () => { server = await Postgres.start(scope); });


async function pair(t, settings, more) {
  const cluster = await Cluster.start(t, settings);
  const all = await nodes(t, await server.fresh(), 2, over(cluster.url, more));
  for (const node of all) await isHealthy(node);
  const [ann, bob] = [await arriveAt(all[0], 'ann'), await arriveAt(all[1], 'bob')];
  return { cluster, all, ann, bob };
}
// A room of each shard, with both in it.
async function roomsOf(cluster, people, prefix = 'tea') {
  const rooms = [];
  for (const shard of [0, 1, 2]) rooms.push(await cluster.roomIn(shard, prefix));
  for (const room of rooms) for (const who of people) await who.join(room);
  return rooms;
}
const chats = async (ann, bob, room, text) => {
  await ann.say(room, text);
  await bob.next('message', { room, message: text });
};
const presentIn = (who, room, people) => until('the presence to be whole', async () => {
  const answer = await who.ask('presence', { room });
  return answer.members?.length === people.length && ids(answer.members).join() === ids(people.map((p) => p.user)).join();
}, 30_000);

test('chat, typing, presence and rooms on the bus, in all shards', async (t) => {
  const { cluster, all: [a], ann, bob } = await pair(t);
  for (const room of await roomsOf(cluster, [ann, bob])) {
    await chats(ann, bob, room, `hello ${room}`);
    ann.send({ type: 'typing', room, on: true });
    assert.equal((await bob.next('typing', { room })).user.id, ann.user.id);
    await presentIn(ann, room, [ann, bob]);
  }
  for (const room of await roomsOf(cluster, [ann, bob], 'live')) {
    await ann.say(room, 'one');
    await bob.next('message', { room, message: 'one', offset: 1 });
    await bob.say(room, 'two');
    await ann.next('message', { room, message: 'two', offset: 2 });
    const carl = await arriveAt(a, `carl-${room}`);
    assert.deepEqual(texts((await carl.join(room, { limit: 10 })).messages), ['one', 'two']);
  }
  await bob.close();
  await ann.next('member_left', {});
  const checked = await foyer(['check', '--dev', '--data', temporary(t)], { env: options(await server.fresh(), over(cluster.url)).env });
  assert.match(checked.out, /a cluster of 3 shards/);
  const wrong = await foyer(['check', '--dev', '--data', temporary(t)], { env: options(await server.fresh(), over(`redis://127.0.0.1:${cluster.servers[0].port}`)).env });
  assert.match(wrong.out, /BUS_UNSUITABLE[^]*member of a cluster/);
});

test('over TLS, with certificates of their own authority', async (t) => {
  const authority = new Authority(temporary(t));
  const tls = { ...authority.issue('redis', 'IP:127.0.0.1'), ca: authority.file };
  const { cluster, all, ann, bob } = await pair(t, { tls }, { FOYER_BUS_CA_FILE: authority.file });
  assert.match(cluster.url, /^rediss\+cluster:/);
  const rooms = await roomsOf(cluster, [ann, bob]);
  for (const room of rooms) await chats(ann, bob, room, 'hello');
  for (const room of rooms) await presentIn(bob, room, [ann, bob]);
  for (const node of all) await isHealthy(node);
});

test('a slot that is moved by hand takes its room along', async (t) => {
  const { cluster, all, ann, bob } = await pair(t);
  const [tea] = await roomsOf(cluster, [ann, bob]);
  const [live] = await roomsOf(cluster, [ann, bob], 'live');
  await ann.say(live, 'before');
  await bob.next('message', { room: live, message: 'before' });
  for (const room of [tea, live]) await cluster.move(await cluster.servers[0].cli('CLUSTER', 'KEYSLOT', `{${room}}`), 0, 1);
  for (const room of [tea, live]) await until('both to listen at the new primary', async () => {
    const channels = (await cluster.servers[1].cli('PUBSUB', 'SHARDCHANNELS', `foyer:*{${room}}`)).split('\n')[0];
    return channels !== '' && (await cluster.servers[1].cli('PUBSUB', 'SHARDNUMSUB', channels)).split('\n')[1] === '2';
  }, 30_000);
  await chats(ann, bob, tea, 'after');
  await presentIn(bob, tea, [ann, bob]);
  for (const node of all) await isHealthy(node);
});

// Both talk all the time, in a room of the shard that fails.
async function goesOnThrough(t, fail) {
  const { cluster, all, ann, bob } = await pair(t, { replicas: true });
  const [room, other] = await roomsOf(cluster, [ann, bob]);
  const sent = [];
  let talking = true;
  const talk = async (who, from) => {
    for (let i = 0; talking; i += 1) {
      const answer = await who.say(room, `${from}-${i}`);
      assert.equal(answer.type, 'sent', JSON.stringify(answer));
      sent.push([answer.offset, `${from}-${i}`]);
    }
  };
  const both = Promise.all([talk(ann, 'a'), talk(bob, 'b')]);
  const reach = (many) => until('more to be said', () => sent.length >= many || null);
  await reach(50);
  await fail(cluster);
  await until('the replica to be promoted', async () => (await cluster.servers[3].cli('INFO', 'replication').catch(() => '')).includes('role:master'), 60_000);
  for (const node of all) await isHealthy(node);
  await reach(sent.length + 50);
  talking = false;
  await both;
  const heard = await Promise.all([ann, bob].map((who) => hears(who, room, sent.length, 30_000)));
  const said = sent.sort((x, y) => x[0] - y[0]).map(([, text]) => text);
  for (const each of heard) assert.deepEqual(texts(each), said);
  for (const each of [room, other]) await presentIn(ann, each, [ann, bob]);
  assert.deepEqual(ann.kept.filter((m) => m.type === 'member_left'), []);
  return { cluster, all, ann, bob, room };
}

test('a primary is killed, and its replica takes its slots', (t) => goesOnThrough(t, ({ servers }) => servers[0].kill9()));

test('a primary freezes, its replica takes its slots, and it wakes', async (t) => {
  const { cluster, all, ann, bob, room } = await goesOnThrough(t, ({ servers }) => servers[0].freeze());
  cluster.servers[0].thaw();
  await until('it to be a replica', async () => (await cluster.servers[0].cli('INFO', 'replication')).includes('role:slave'), 60_000);
  for (const node of all) await isHealthy(node);
  await chats(ann, bob, room, 'at the new one');
});

test('`foyer bus keys` counts the keys of all shards', async (t) => {
  const { cluster, ann, bob } = await pair(t);
  const rooms = await roomsOf(cluster, [ann, bob], 'live');
  for (const room of rooms) await ann.say(room, 'hello');
  const setting = { env: { ENVIRONMENT: 'development', ...options(await server.fresh(), over(cluster.url)).env } };
  const { code, json } = await foyerJson(['bus', 'keys', '--json'], setting);
  assert.deepEqual([code, json.all, json.endless], [0, true, []], JSON.stringify(json));
  assert.equal(json.kinds.find((row) => row.kind === 'presence of a room').keys, rooms.length);
  for (const [shard, room] of rooms.entries()) await cluster.servers[shard].cli('SET', `foyer:forgotten{${room}}`, 'x');
  const seen = await foyerJson(['bus', 'keys', '--json'], setting);
  assert.deepEqual([seen.code, seen.json.endless.sort()], [1, rooms.map((room) => `foyer:forgotten{${room}}`).sort()]);
  assert.equal((await foyerJson(['bus', 'keys', '--most', '1', '--json'], setting)).json.all, false);
});

// Commands are answered, and one shard delivers nothing.
test('one deaf shard is BUS_DEAF, and is named; its rooms go through the database', async (t) => {
  const { cluster, all: [a, b], ann, bob } = await pair(t);
  const rooms = await roomsOf(cluster, [ann, bob]);
  await cluster.servers[1].cli('ACL', 'SETUSER', 'default', '-ssubscribe');
  await cluster.servers[1].cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
  const answer = await says(b, 'BUS_DEAF');
  assert.equal(answer.status, 200);
  const line = await b.logged('BUS_DEAF');
  assert.ok(line.unheard.endsWith(`over the shards 127.0.0.1:${cluster.servers[1].port}`), line.unheard);
  for (const room of rooms) await chats(ann, bob, room, 'all the same');
  await cluster.servers[1].cli('ACL', 'SETUSER', 'default', '+ssubscribe');
  for (const node of [a, b]) await isHealthy(node);
});

test('a cluster that has lost a shard is BUS_UNREACHABLE, and what is stored goes on', async (t) => {
  const { cluster, all: [a], ann, bob } = await pair(t);
  const rooms = await roomsOf(cluster, [ann, bob]);
  await cluster.servers[2].kill9();
  assert.equal((await says(a, 'BUS_UNREACHABLE')).status, 200);
  for (const room of rooms) await chats(ann, bob, room, 'through the database');
  const again = await at(a, bob.account);
  assert.equal((await again.join(rooms[0])).type, 'joined');
});
