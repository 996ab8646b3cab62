// A chat in PostgreSQL whose server fails over, waits for a standby, or belongs to somebody
// else: what is acknowledged is heard, and nobody is told `recovered:true` who missed something.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fileScope, serve, serveFails, temporary, whileStopped } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { listen, opener } from './support/listener.mjs';
import { arrive, register } from './support/people.mjs';
import { Postgres } from './support/postgres.mjs';
import { Client, handshake } from './support/websocket.mjs';
import { until, within } from './support/within.mjs';

const STORE_KEY = 'qG7r0c2Jm1Yb8wZ4xK9tPd3nVh6sLf5u';
const withDatabase = (url, extra = {}) => ({ env: { DATABASE_URL: url, STORE_KEY }, args: ['--messages-per-s', '100000', '--messages-burst', '100000'], ...extra });
const scope = fileScope(after);

test('a lagging standby is promoted: every room has a new epoch, whoever is connected is told, and what is acknowledged from then on is heard', async (t) => {
  const primary = await Postgres.start(t);
  const url = await primary.fresh();
  const standby = await primary.standby(t);
  const node = await serve(t, withDatabase(primary.urlWith([standby], url)));
  const people = await Promise.all(['ann', 'bob', 'eve'].map((name) => register(node, name)));
  const [ann, bob] = people.map((p) => listen(t, p.name, 'tea', opener(node, p.access_token)));
  const eve = listen(t, 'eve', 'tea', opener(node, people[2].access_token), { features: '' });
  for (let i = 1; i <= 5; i += 1) await ann.say(`m${i}`);
  await bob.heard(['m5']);
  await eve.heard(['m5']);
  await standby.hasCaughtUp(primary);
  await standby.fallBehind();
  for (let i = 6; i <= 8; i += 1) await ann.say(`lost${i}`);
  await bob.heard(['lost8']);
  await eve.heard(['lost8']);
  const { epoch } = bob;
  await primary.kill9();
  await standby.promote();
  const sent = await ann.say('new1');
  assert.notEqual(sent.epoch, epoch, 'offsets that were given are not given again in the same epoch');
  for (const listener of [ann, bob, eve]) {
    await listener.heard(['m1', 'm5', 'new1']);
    assert.equal(listener.epoch, sent.epoch);
    assert.ok(![...listener.has.values()].includes('lost8'), 'it shows the history that is there');
    for (const join of listener.joins.filter((j) => j.epoch === sent.epoch)) assert.equal(join.recovered && join === listener.joins.find((j) => j.epoch === sent.epoch), false, 'the first join of the new epoch recovers nothing');
  }
  assert.deepEqual(bob.resets.map((m) => [m.room, m.epoch]), [['tea', sent.epoch]], 'who knows the feature is told in the room');
  assert.ok(eve.closes.some((c) => c.code === 4503 && c.reason.startsWith('ROOM_RESET')), JSON.stringify(eve.closes));
  await bob.say('new2');
  for (const listener of [ann, bob, eve]) await listener.heard(['new1', 'new2']);
});

test('a synchronous standby is lost: nothing is acknowledged until it is back, and then everything is heard once', async (t) => {
  const primary = await Postgres.start(t);
  const url = await primary.fresh();
  const standby = await primary.standby(t, 'sync1');
  const node = await serve(t, withDatabase(url));
  const people = await Promise.all(['ann', 'bob'].map((name) => register(node, name)));
  const [ann, bob] = people.map((p) => listen(t, p.name, 'tea', opener(node, p.access_token)));
  await ann.say('m1');
  await bob.heard(['m1']);
  await primary.set('synchronous_standby_names', 'sync1');
  await ann.say('m2');
  await standby.crash();
  let acknowledged = false;
  const waiting = ann.say('m3', 120_000).then((sent) => { acknowledged = true; return sent; });
  await until('the session that waits for the standby to be given up', () => node.log.some((line) => line.event === 'store_failed' && line.code === 'DATABASE_UNREACHABLE'), 60_000);
  const waits = () => primary.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'foyer'", url);
  assert.ok(Number(await waits()) > 0, 'it is left to wait: to end it would show what no standby has');
  assert.equal(await primary.sql('SELECT count(*) FROM foyer.messages', url), '2');
  assert.equal(acknowledged, false);
  await standby.start();
  const sent = await waiting;
  await ann.say('m4');
  await bob.heard(['m1', 'm2', 'm3', 'm4']);
  assert.deepEqual([...bob.has.values()], ['m1', 'm2', 'm3', 'm4']);
  assert.equal(sent.epoch, bob.epoch);
  assert.equal(await primary.sql('SELECT count(*) FROM foyer.messages', url), '4');
});

test('the answer to a COMMIT is lost and the database is away for a while: who is in the room hears all of it, without another message', async (t) => {
  const server = await Postgres.start(scope);
  const relay = await server.relay(t, await server.fresh());
  const node = await serve(t, withDatabase(relay.url));
  const [ann, bob] = [await arrive(node, 'ann'), await arrive(node, 'bob')];
  await bob.join('tea');
  await ann.say('tea', 'one');
  relay.lose('the lost one');
  const lost = await within('an answer', ann.say('tea', 'the lost one', { key: 'k' }), 30_000);
  assert.equal(lost.code, 'DATABASE_UNREACHABLE', JSON.stringify(lost));
  relay.goAway();
  assert.equal((await ann.say('tea', 'nowhere')).type, 'error');
  relay.comeBack();
  assert.deepEqual((await bob.next('message')).message, 'one');
  assert.deepEqual((await bob.next('message', {}, 30_000)).message, 'the lost one');
});

test('a gateway whose database another one took closes its sockets, refuses with a time to come back, and goes on when it has it back', async (t) => {
  const server = await Postgres.start(t);
  const url = await server.fresh();
  const first = await serve(t, withDatabase(url));
  const ann = await arrive(first, 'ann');
  const { epoch } = await ann.join('tea');
  await ann.say('tea', 'one');
  let second;
  await whileStopped(first, async () => {
    await server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'foyer'");
    second = await serve(t, withDatabase(url, { data: temporary(t) }));
  });
  const end = await ann.ended(30_000);
  assert.deepEqual([end.code, end.reason.split(' ')[0]], [4503, 'CHAT_STORE_IN_USE']);
  // Another loop may still admit a client for a moment, and closes it like the others.
  const refused = await until('a refusal', async () => (await handshake(first, { headers: { Authorization: `Bearer ${ann.token}` } })).refused);
  assert.deepEqual([refused.status, refused.json.code, refused.json.retry], [503, 'CHAT_STORE_IN_USE', 'after'], refused.text);
  assert.ok(refused.headers['retry-after'], 'with a time to come back');
  const bob = await arrive(second, 'bob');
  await bob.say('tea', 'two');
  await second.terminate();
  const again = await until('the first one to serve again', async () => Client.open(first, { token: ann.token }).catch(() => null), 30_000);
  const joined = await again.join('tea', { since: { epoch, offset: 1 } });
  assert.equal(joined.recovered, true);
  const [two] = joined.messages.length ? joined.messages : [await again.next('message')]; // with the answer, or right behind it
  assert.deepEqual([two.offset, two.message], [2, 'two']);
  assert.equal((await again.say('tea', 'three')).offset, 3);
});

test('idle_session_timeout of the server does not end the session that owns the chat', async (t) => {
  const server = await Postgres.start(t);
  await server.set('idle_session_timeout', '300');
  const url = await server.fresh();
  const node = await serve(t, withDatabase(url));
  const owner = (what) => server.sql(`SELECT ${what} FROM pg_locks JOIN pg_stat_activity a USING (pid) WHERE locktype = 'advisory' AND granted AND application_name = 'foyer'`, url);
  const before = await owner('pid');
  assert.match(before, /^\d+$/);
  await until('the session that owns the chat to be idle for longer than that', async () => (await owner('extract(epoch FROM now() - state_change) > 1')) === 't', 60_000);
  assert.equal(await owner('pid'), before);
  const failed = await serveFails(t, withDatabase(url));
  assert.match(failed.text, /CHAT_STORE_IN_USE/);
  assert.equal((await ask(node, 'GET', '/health/ready')).status, 200);
});
