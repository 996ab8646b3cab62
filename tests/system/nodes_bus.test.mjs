// Several gateways on one PostgreSQL database with a Redis server between them: what travels over the bus, what is true
// while it is away, and what a server that cannot be the bus is told.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call } from './support/api.mjs';
import { Authority } from './support/certificates.mjs';
import { fileScope, foyer, serve, serveFails, temporary, whileStopped } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { arriveAt, at, health, hears, ids, isHealthy, isThereOnce, key, nodes, options, over, says, texts } from './support/nodes.mjs';
import { Postgres } from './support/postgres.mjs';
import { Redis } from './support/redis.mjs';
import { Relay } from './support/relay.mjs';
import { until } from './support/within.mjs';

const scope = fileScope(after);
let server;
before(async () => { server = await Postgres.start(scope); });

const api = { key };

async function cluster(t, many, { bus = null, more = {} } = {}) {
  const redis = bus ?? await Redis.start(t);
  const url = await server.fresh();
  return { redis, url, all: await nodes(t, url, many, over(redis.url, more)) };
}

test('chat, typing and who is there reach the other node', async (t) => {
  const { all: [a, b] } = await cluster(t, 2);
  const ann = await arriveAt(a, 'ann');
  const bob = await arriveAt(b, 'bob');
  await ann.join('tea');
  const joined = await bob.join('tea');
  assert.deepEqual(ids(joined.members), [ann.user.id, bob.user.id].sort());
  assert.equal((await ann.next('member_joined', { room: 'tea' })).user.id, bob.user.id);
  await ann.say('tea', 'hello');
  await bob.next('message', { message: 'hello' });
  await bob.say('tea', 'hello to you');
  await ann.next('message', { message: 'hello to you', offset: 2 });
  ann.send({ type: 'typing', room: 'tea', on: true });
  assert.equal((await bob.next('typing', { room: 'tea' })).user.id, ann.user.id);
  await bob.close();
  assert.equal((await ann.next('member_left', { room: 'tea' })).user.id, bob.user.id);
  assert.deepEqual(ids((await ann.ask('presence', { room: 'tea' })).members), [ann.user.id]);
});

test('a user on two nodes is there once, and leaves with the last connection', async (t) => isThereOnce((await cluster(t, 2)).all));

// What another node tells may take longer than the list that shows it already.
test('whom the answer to a join lists is not announced once more by a node that tells it late', async (t) => {
  const { redis, all: [a, b] } = await cluster(t, 2);
  const ann = await arriveAt(a, 'ann');
  await ann.join('tea');
  const channel = `foyer:${await redis.cli('GET', 'foyer:bus')}:{tea}`;
  const told = await redis.hear(t, channel);
  const bob = await arriveAt(b, 'bob');
  await bob.join('tea');
  await ann.next('member_joined', { room: 'tea' });
  const came = await told.take('the coming of bob', (bytes) => bytes.includes(bob.user.id));
  const carl = await arriveAt(a, 'carl');
  assert.deepEqual(ids((await carl.join('tea')).members), ids([ann.user, bob.user, carl.user]));
  await redis.tell(channel, came);
  await bob.say('tea', 'behind it');
  await carl.next('message', { message: 'behind it' });
  assert.deepEqual(carl.kept.filter((m) => m.type === 'member_joined'), []);
  await bob.close();
  assert.equal((await carl.next('member_left', { room: 'tea' })).user.id, bob.user.id);
  const again = await at(b, bob.account);
  await again.join('tea');
  assert.equal((await carl.next('member_joined', { room: 'tea' })).user.id, bob.user.id);
});

test('kill -9 of a node: its people leave, and nobody else', async (t) => {
  const { redis, all: [a, b] } = await cluster(t, 2);
  const ann = await arriveAt(a, 'ann');
  const carl = await arriveAt(a, 'carl');
  const bob = await arriveAt(b, 'bob');
  for (const person of [ann, carl, bob]) await person.join('tea');
  for (const person of [carl, bob]) assert.equal((await ann.next('member_joined', { room: 'tea' })).user.id, person.user.id);
  await b.kill9();
  assert.equal((await ann.next('member_left', { room: 'tea' })).user.id, bob.user.id);
  assert.deepEqual(ids((await ann.ask('presence', { room: 'tea' })).members), [ann.user.id, carl.user.id].sort());
  await carl.barrier();
  await ann.barrier();
  assert.deepEqual(ann.kept.filter((m) => /^member_/.test(m.type)), []);
  await isHealthy(a); // the dead one is not waited for
  await until('the bus to forget the dead one', async () => await redis.cli('ZCARD', 'foyer:nodes') === '1');
});

test('what is said to a person, and done by an application, reaches the other node', async (t) => {
  const { all: [a, b] } = await cluster(t, 2);
  const ann = await arriveAt(a, 'ann');
  const bob = await arriveAt(b, 'bob');
  await isHealthy(a);
  await ann.ask('create', { room: 'private:plan' });
  await ann.ask('invite', { room: 'private:plan', user: bob.user.id });
  const device = await at(a, bob.account);
  await device.ask('accept', { room: 'private:plan' });
  await bob.next('room_added', { room: 'private:plan' });
  await call(a, 'subscribe', { user: bob.user.id, channel: 'news' }, api);
  assert.equal((await bob.next('joined', { room: 'news' })).room, 'news');
  await call(a, 'publish', { channel: 'news', message: 'extra' }, api);
  await bob.next('message', { message: 'extra' });
  await call(a, 'disconnect', { user: bob.user.id }, api);
  await Promise.all([bob.ended(), device.ended()]);
});

test('a room that is not durable has one history for both nodes, as long as the bus keeps it', async (t) => {
  const { redis, url, all: [a, b] } = await cluster(t, 2);
  const ann = await arriveAt(a, 'ann');
  const bob = await arriveAt(b, 'bob');
  assert.equal((await ann.join('live-1')).durable, false);
  for (const text of ['one', 'two']) await ann.say('live-1', text);
  const joined = await bob.join('live-1', { limit: 10 });
  assert.deepEqual(texts(joined.messages), ['one', 'two']);
  await bob.say('live-1', 'three');
  await ann.next('message', { message: 'three', offset: 3 });
  await ann.close();
  await bob.say('live-1', 'four');
  const back = await at(b, ann.account);
  const again = await back.join('live-1', { since: { epoch: joined.epoch, offset: 3 } });
  assert.deepEqual([again.recovered, texts(again.messages)], [true, ['four']]);
  assert.equal(await server.sql('SELECT count(*) FROM foyer.messages', url), '0');
  // A question makes no room.
  await back.ask('history', { room: 'live-2' });
  assert.equal(await redis.cli('EXISTS', 'foyer:{live-2}:meta'), '0');
  await call(b, 'room_delete', { channel: 'live-1' }, api);
  assert.match((await bob.ended()).reason, /^ROOM_RESET/);
});

test('the bus dies under load and comes back: nothing acknowledged is lost, and every gap is filled', async (t) => {
  const { redis, all: [a, b] } = await cluster(t, 2);
  const ann = await arriveAt(a, 'ann');
  const bob = await arriveAt(b, 'bob');
  await ann.join('tea');
  await bob.join('tea');
  await isHealthy(a);
  await isHealthy(b);
  const sent = [];
  let talking = true;
  const talk = async (who, name) => {
    for (let i = 0; talking; i += 1) {
      const answer = await who.say('tea', `${name}-${i}`);
      assert.equal(answer.type, 'sent', JSON.stringify(answer));
      sent.push([answer.offset, `${name}-${i}`]);
    }
  };
  const both = Promise.all([talk(ann, 'a'), talk(bob, 'b')]);
  const reach = (many) => until('more to be said', () => sent.length >= many || null);
  await reach(50);
  await redis.kill9();
  for (const node of [a, b]) assert.equal((await says(node, 'BUS_UNREACHABLE')).status, 200);
  await reach(sent.length + 50);
  // What is stored goes on through the database; what lives on the bus is refused.
  const carl = await arriveAt(b, 'carl');
  assert.equal((await carl.join('tea')).type, 'joined');
  assert.equal((await carl.join('live-1')).code, 'BUS_UNREACHABLE');
  assert.equal((await carl.ask('presence', { room: 'tea' })).code, 'BUS_UNREACHABLE');
  await redis.start();
  for (const node of [a, b]) await isHealthy(node);
  assert.equal((await carl.join('live-1')).type, 'joined');
  await reach(sent.length + 50);
  talking = false;
  await both;
  const order = texts((await Promise.all([ann, bob].map((who) => hears(who, 'tea', sent.length))))[0]);
  assert.deepEqual(order, sent.sort((x, y) => x[0] - y[0]).map(([, text]) => text));
  // Everybody is there once more, and nobody has left.
  const present = await until('the presence to be whole', async () => {
    const answer = await ann.ask('presence', { room: 'tea' });
    return answer.members?.length === 3 ? answer : null;
  });
  assert.deepEqual(ids(present.members), ids([ann.user, bob.user, carl.user]));
  assert.deepEqual(ann.kept.filter((m) => m.type === 'member_left'), []);
});

test('a frozen bus: messages arrive through the database, the node stays ready, and hears again afterwards', async (t) => {
  const { redis, all: [a, b] } = await cluster(t, 2);
  const ann = await arriveAt(a, 'ann');
  const bob = await arriveAt(b, 'bob');
  await ann.join('tea');
  await bob.join('tea');
  for (const node of [a, b]) await isHealthy(node);
  redis.freeze();
  await until('the bus not to be well', async () => (await health(b)).checks.bus.status !== 'ok');
  assert.equal((await ask(b, 'GET', '/health/ready')).status, 200);
  assert.equal((await ann.say('tea', 'through the database')).type, 'sent');
  await bob.next('message', { message: 'through the database' });
  redis.thaw();
  for (const node of [a, b]) await isHealthy(node);
  await ann.say('tea', 'over the bus');
  await bob.next('message', { message: 'over the bus' });
});

// Commands are answered, and nothing is delivered: only canaries tell.
test('a node that nothing is delivered to says BUS_DEAF, and stays ready', async (t) => {
  const redis = await Redis.start(t);
  await redis.cli('ACL', 'SETUSER', 'foyer', 'on', '>secret', '~foyer:*', '&foyer:*', '+@all', '-@dangerous', '+info');
  const bus = { url: redis.urlFor('foyer', 'secret') };
  const { all: [a, b] } = await cluster(t, 2, { bus });
  const ann = await arriveAt(a, 'ann');
  const bob = await arriveAt(b, 'bob');
  await ann.join('tea');
  await bob.join('tea');
  for (const node of [a, b]) await isHealthy(node);
  await redis.cli('ACL', 'SETUSER', 'foyer', '-subscribe');
  await redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
  const answer = await says(b, 'BUS_DEAF');
  assert.equal(answer.status, 200);
  assert.equal(answer.json.status, 'degraded');
  await b.logged('BUS_DEAF');
  await ann.say('tea', 'to a deaf node');
  await bob.next('message', { message: 'to a deaf node' });
  await redis.cli('ACL', 'SETUSER', 'foyer', '+subscribe');
  for (const node of [a, b]) await isHealthy(node);
});

test('without the bus and without the database a node is not ready, and closes its sockets with NODE_DEAF', async (t) => {
  const redis = await Redis.start(t);
  const url = await server.fresh();
  const relay = await server.relay(t, url);
  const [a] = await nodes(t, relay.url, 1, over(redis.url));
  const ann = await arriveAt(a, 'ann');
  await isHealthy(a);
  relay.goAway();
  await redis.kill9();
  assert.match((await ann.ended(30_000)).reason, /^NODE_DEAF/);
  const answer = await ask(a, 'GET', '/health/ready');
  assert.equal(answer.status, 503);
  assert.equal(answer.json.checks.nodes.code, 'NODE_DEAF');
  relay.comeBack();
  await redis.start();
  await isHealthy(a);
  await at(a, ann.account);
});

// Packets are dropped, and nobody is told: neither end of a connection notices for a while.
test('a database that is silent to one node is on its health, and a gap that it cannot read ends in a close', async (t) => {
  const redis = await Redis.start(t);
  const url = await server.fresh();
  const database = await Relay.open(t, { path: server.socket });
  const bus = await Relay.open(t, { host: '127.0.0.1', port: redis.port });
  const slow = { args: ['--cluster-tick', '1s'] }; // b hears itself again before it is deaf
  const [a] = await nodes(t, url, 1, { ...over(redis.url), ...slow });
  const [b] = await nodes(t, `${url.split('?')[0]}?host=${database.host}&port=${database.port}`, 1, { ...over(`redis://127.0.0.1:${bus.port}`), ...slow });
  const ann = await arriveAt(a, 'ann');
  const bob = await arriveAt(b, 'bob');
  await ann.join('tea');
  await bob.join('tea');
  for (const node of [a, b]) await isHealthy(node);
  database.hold();
  const record = await until('the silence to be seen', async () => {
    const seen = await health(b);
    return seen.checks.record.status === 'ok' ? null : seen;
  });
  assert.equal(record.checks.record.code, 'DATABASE_UNREACHABLE');
  assert.notEqual(record.status, 'ok');
  // Some of what the bus carries is lost.
  bus.hold();
  await ann.say('tea', 'lost on the way');
  bus.release({ cut: true });
  let gone = false;
  const ended = bob.ended(30_000).finally(() => { gone = true; });
  await until('bob to be closed', async () => {
    await ann.say('tea', 'behind the gap');
    return gone;
  }, 30_000);
  assert.match((await ended).reason, /^HISTORY_UNREADABLE/);
  assert.deepEqual(texts(bob.kept.filter((m) => m.type === 'message')), []);
  database.release({ cut: true });
  await isHealthy(b);
});

test('a node that was stopped for longer than its lease comes back with its people', async (t) => {
  const { all: [a, b] } = await cluster(t, 2);
  const ann = await arriveAt(a, 'ann');
  const bob = await arriveAt(b, 'bob');
  await ann.join('tea');
  await bob.join('tea');
  await ann.next('member_joined', { room: 'tea' });
  await whileStopped(b, async () => {
    assert.equal((await ann.next('member_left', { room: 'tea' })).user.id, bob.user.id);
    await ann.say('tea', 'meanwhile');
  });
  assert.equal((await ann.next('member_joined', { room: 'tea' })).user.id, bob.user.id);
  await bob.next('message', { message: 'meanwhile' });
  assert.deepEqual(ids((await ann.ask('presence', { room: 'tea' })).members), ids([ann.user, bob.user]));
});

test('over TLS, with a certificate of its own authority', async (t) => {
  const authority = new Authority(temporary(t));
  const redis = await Redis.start(t, { tls: { ...authority.issue('redis', 'IP:127.0.0.1'), ca: authority.file } });
  const { all: [a, b] } = await cluster(t, 2, { bus: redis, more: { FOYER_BUS_CA_FILE: authority.file } });
  const ann = await arriveAt(a, 'ann');
  const bob = await arriveAt(b, 'bob');
  await isHealthy(b);
  await bob.join('tea');
  await ann.join('tea');
  await bob.next('member_joined', { room: 'tea' });
});

test('members on different buses do not serve together: CLUSTER_MISMATCH', async (t) => {
  const [one, two] = [await Redis.start(t), await Redis.start(t)];
  const url = await server.fresh();
  await nodes(t, url, 1, over(one.url));
  // An empty bus gets the name that the others have noted, so the second one has a name of its own.
  const name = await one.cli('GET', 'foyer:bus');
  await two.cli('SET', 'foyer:bus', `${name.split('.')[0]}.another`);
  const failed = await serveFails(t, { data: temporary(t), ...options(url, over(two.url)) });
  assert.equal(failed.code, 1, failed.text);
  assert.match(failed.text, /CLUSTER_MISMATCH/);
  assert.match(failed.text, /another/);
});

test('`check` says what it sees of the bus, and why a server cannot be it', async (t) => {
  const redis = await Redis.start(t);
  const url = await server.fresh();
  const check = async (bus, ...args) => {
    const { env } = options(url, over(bus.url));
    return foyer(['check', '--dev', '--data', temporary(t), ...args], { env });
  };
  const good = await check(redis);
  assert.equal(good.code, 0, good.out + good.err);
  assert.match(good.out, /bus: (Redis 7|Valkey 8)/);
  assert.match(JSON.parse((await check(redis, '--json')).out).bus.server, /^(Redis 7|Valkey 8)/);
  const wrong = async (bus) => (await check(bus)).out;
  const away = await wrong({ url: 'redis://:the-password@127.0.0.1:1' });
  assert.match(away, /BUS_UNREACHABLE/);
  assert.doesNotMatch(away, /the-password/);
  assert.match(await wrong({ url: redis.urlFor('nobody', 'x') }), /BUS_REFUSED[^]*WRONGPASS/);
  await redis.cli('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
  assert.match(await wrong(redis), /BUS_UNSUITABLE[^]*allkeys-lru/);
});

test('a start waits for the bus, as it waits for the database', async (t) => {
  const redis = await Redis.start(t);
  await redis.kill9();
  const url = await server.fresh();
  const settings = options(url, over(redis.url));
  const failed = await serveFails(t, { data: temporary(t), ...settings, args: [...settings.args, '--start-wait', '0'] });
  assert.match(failed.text, /BUS_UNREACHABLE/);
  const started = serve(t, { data: temporary(t), ...settings, args: [...settings.args, '--start-wait', '60s'] });
  await redis.start();
  await isHealthy(await started);
});
