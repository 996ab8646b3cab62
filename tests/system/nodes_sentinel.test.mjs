// Several gateways on one PostgreSQL database, with a primary between them that sentinels watch: nodes follow it, in a
// planned failover and in others, and say what is wrong with the sentinels.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Authority } from './support/certificates.mjs';
import { fileScope, foyer, temporary } from './support/foyer.mjs';
import { arriveAt, at, hears, ids, isHealthy, nodes, options, over, says, texts } from './support/nodes.mjs';
import { Postgres } from './support/postgres.mjs';
import { NAME, Watched, listeners } from './support/sentinel.mjs';
import { until } from './support/within.mjs';

const scope = fileScope(after);
let server;
before(async () => { server = await Postgres.start(scope); });

const isNow = (role, redis) => until(`a server to be a ${role}`, async () => (await redis.cli('INFO', 'replication').catch(() => '')).includes(`role:${role}`), 60_000);

async function watchedPair(t, settings = {}, more = {}) {
  const watched = await Watched.start(t, settings);
  const all = await nodes(t, await server.fresh(), 2, over(watched.url, more));
  return { watched, all };
}

// Two people talk all the time, each at a node, while `fail` makes the second server the primary.
async function goesOnThrough(t, fail) {
  const { watched, all: [a, b] } = await watchedPair(t);
  const [ann, bob] = [await arriveAt(a, 'ann'), await arriveAt(b, 'bob')];
  for (const who of [ann, bob]) await who.join('tea');
  const lea = await arriveAt(a, 'lea');
  const live = await lea.join('live-1');
  await lea.say('live-1', 'perhaps lost');
  for (const node of [a, b]) await isHealthy(node);
  const name = await watched.first.cli('GET', 'foyer:bus');

  const sent = [];
  let talking = true;
  const talk = async (who, from) => {
    for (let i = 0; talking; i += 1) {
      const answer = await who.say('tea', `${from}-${i}`);
      assert.equal(answer.type, 'sent', JSON.stringify(answer));
      sent.push([answer.offset, `${from}-${i}`]);
    }
  };
  const both = Promise.all([talk(ann, 'a'), talk(bob, 'b')]);
  const reach = (many) => until('more to be said', () => sent.length >= many || null);
  await reach(50);
  await fail(watched);
  await isNow('master', watched.second);
  await until('both nodes to listen at the new primary', async () => await listeners(watched.second) === 2, 60_000);
  for (const node of [a, b]) await isHealthy(node);
  await reach(sent.length + 50);
  talking = false;
  await both;

  const heard = await Promise.all([ann, bob].map((who) => hears(who, 'tea', sent.length, 30_000)));
  const order = sent.sort((x, y) => x[0] - y[0]).map(([, text]) => text);
  for (const each of heard) assert.deepEqual(texts(each), order);
  // A room that lives on the bus says that it has begun anew.
  assert.match((await lea.ended(30_000)).reason, /^ROOM_RESET/);
  const back = await at(b, lea.account);
  const again = await back.join('live-1', { since: { epoch: live.epoch, offset: 0 } });
  assert.notEqual(again.epoch, live.epoch);
  assert.notEqual(again.recovered, true);
  const joined = await ann.join('live-1');
  assert.equal(joined.epoch, again.epoch, JSON.stringify(joined));
  const said = await ann.say('live-1', 'after it');
  assert.deepEqual([said.type, said.epoch], ['sent', again.epoch], JSON.stringify(said));
  await back.next('message', { room: 'live-1', message: 'after it' });
  const present = await until('the presence to be whole', async () => {
    const answer = await ann.ask('presence', { room: 'tea' });
    return answer.members?.length === 2 ? answer : null;
  });
  assert.deepEqual(ids(present.members), ids([ann.user, bob.user]));
  assert.deepEqual(ann.kept.filter((m) => m.type === 'member_left'), []);
  assert.equal(await watched.second.cli('GET', 'foyer:bus'), name, 'the bus keeps its name');
  return { watched, a, b, ann, bob };
}

test('a planned failover: nodes leave the deposed primary, and nothing acknowledged is lost', async (t) => {
  const { watched } = await goesOnThrough(t, ({ sentinels }) => sentinels[0].cli('SENTINEL', 'FAILOVER', NAME));
  assert.equal(await listeners(watched.first), 0);
});

test('kill -9 of the primary', (t) => goesOnThrough(t, ({ first }) => first.kill9()));

test('a frozen primary, which later wakes and finds nobody', async (t) => {
  const { watched, a, b, ann, bob } = await goesOnThrough(t, ({ first }) => first.freeze());
  watched.first.thaw();
  await isNow('slave', watched.first);
  for (const node of [a, b]) await isHealthy(node);
  await ann.say('tea', 'at the new one');
  await bob.next('message', { message: 'at the new one' });
  assert.equal(await listeners(watched.first), 0);
  assert.equal(await listeners(watched.second), 2);
});

test('the name of the bus is written again where a failover lost it', async (t) => {
  const { watched, all: [a] } = await watchedPair(t);
  await isHealthy(a);
  const name = await watched.first.cli('GET', 'foyer:bus');
  await watched.second.cli('CONFIG', 'SET', 'replica-read-only', 'no');
  await watched.second.cli('FLUSHALL');
  await watched.first.kill9();
  await isNow('master', watched.second);
  await until('the name to be there', async () => await watched.second.cli('GET', 'foyer:bus') === name, 60_000);
  await isHealthy(a);
});

// The replica is frozen, so the primary holds back what writes, PUBLISH among it, until the time is over.
test('a FAILOVER that holds back messages for a while makes nobody deaf', async (t) => {
  const { watched, all: [a, b] } = await watchedPair(t, { lines: [`sentinel down-after-milliseconds ${NAME} 60000`] });
  for (const node of [a, b]) await isHealthy(node);
  watched.second.freeze();
  await watched.first.cli('FAILOVER', 'TO', '127.0.0.1', watched.second.port, 'TIMEOUT', 900);
  const state = async () => /master_failover_state:(\S+)/.exec(await watched.first.cli('INFO', 'replication'))[1];
  assert.notEqual(await state(), 'no-failover');
  await until('the failover to be given up', async () => await state() === 'no-failover');
  watched.second.thaw();
  const [ann, bob] = [await arriveAt(a, 'ann'), await arriveAt(b, 'bob')];
  for (const who of [ann, bob]) await who.join('tea');
  await ann.say('tea', 'hello');
  await bob.next('message', { message: 'hello' });
  for (const node of [a, b]) {
    await isHealthy(node);
    assert.doesNotMatch(node.text, /BUS_DEAF/);
  }
});

test('over TLS, with certificates of their own authority, also after a failover', async (t) => {
  const authority = new Authority(temporary(t));
  const tls = { ...authority.issue('redis', 'IP:127.0.0.1'), ca: authority.file };
  const { watched, all: [a, b] } = await watchedPair(t, { tls }, { FOYER_BUS_CA_FILE: authority.file });
  assert.match(watched.url, /^rediss\+sentinel:/);
  const [ann, bob] = [await arriveAt(a, 'ann'), await arriveAt(b, 'bob')];
  for (const who of [ann, bob]) await who.join('tea');
  for (const node of [a, b]) await isHealthy(node);
  await watched.sentinels[0].cli('SENTINEL', 'FAILOVER', NAME);
  await isNow('master', watched.second);
  await until('both nodes to listen at the new primary', async () => await listeners(watched.second) === 2, 60_000);
  for (const node of [a, b]) await isHealthy(node);
  await ann.say('tea', 'hello');
  await bob.next('message', { message: 'hello' });
});

test('without sentinels the bus goes on, SENTINEL_UNREACHABLE says what is missing', async (t) => {
  const { watched, all: [a, b] } = await watchedPair(t, { password: 'sentinels-only' });
  const [ann, bob] = [await arriveAt(a, 'ann'), await arriveAt(b, 'bob')];
  for (const who of [ann, bob]) await who.join('live-1');
  await isHealthy(a);
  const check = async (url) => (await foyer(['check', '--dev', '--data', temporary(t)], { env: options(await server.fresh(), over(url)).env })).out;
  assert.match(await check(watched.url), /bus: (Redis 7|Valkey 8)/);
  const other = await check(watched.url.replace(`/${NAME}?`, '/another?'));
  assert.match(other, /SENTINEL_UNREACHABLE[^]*knows no primary of that name/);
  const refused = await check(watched.url.replace('sentinels-only', 'wrong'));
  assert.match(refused, /SENTINEL_UNREACHABLE[^]*WRONGPASS/);
  assert.doesNotMatch(refused, /sentinel_password=wrong/);
  for (const sentinel of watched.sentinels) await sentinel.kill9();
  assert.equal((await says(a, 'SENTINEL_UNREACHABLE')).status, 200);
  await a.logged('SENTINEL_UNREACHABLE');
  await ann.say('live-1', 'all the same');
  await bob.next('message', { message: 'all the same' });
  await watched.sentinels[2].start();
  await isHealthy(a);
});

test('sentinels that cannot log in are blind: SENTINEL_BLIND', async (t) => {
  const watched = await Watched.start(t, { secret: 'secret' });
  const url = watched.url.replace('://', '://:secret@');
  const [a] = await nodes(t, await server.fresh(), 1, over(url));
  assert.equal((await says(a, 'SENTINEL_BLIND')).status, 200);
  await a.logged('SENTINEL_BLIND');
  const checked = await foyer(['check', '--dev', '--data', temporary(t)], { env: options(await server.fresh(), over(url)).env });
  assert.match(checked.out, /SENTINEL_BLIND[^]*s_down/);
  for (const sentinel of watched.sentinels) await sentinel.cli('SENTINEL', 'SET', NAME, 'auth-pass', 'secret');
  await isHealthy(a);
});
