// What an operator is told about several gateways: who is there, who has died, what is wrong with the database and the
// bus between them, and how a dead one is forgotten.
import assert from 'node:assert/strict';
import os from 'node:os';
import { after, before, test } from 'node:test';
import { fileScope, foyer, foyerJson, freePort, temporary, whileStopped } from './support/foyer.mjs';
import { watch } from './support/metrics.mjs';
import { nodes, options } from './support/nodes.mjs';
import { Postgres } from './support/postgres.mjs';
import { Redis } from './support/redis.mjs';
import { until } from './support/within.mjs';

const scope = fileScope(after);
let server;
before(async () => { server = await Postgres.start(scope); });

const fast = (more = {}) => ({ args: ['--cluster-tick', '100ms'], env: more });
const setting = (url, more = {}) => ({ env: { ENVIRONMENT: 'development', ...options(url, { env: more }).env } });
const look = (url, more = {}) => foyerJson(['cluster', '--json', '--cluster-tick', '100ms'], setting(url, more));
const remove = (url, node) => foyer(['cluster', 'remove', node, '--cluster-tick', '100ms'], setting(url));
const codes = ({ json }) => [...new Set(json.troubles.map((trouble) => trouble.code))].sort();
// A look of which this is true.
const looks = (url, what, right, more) => until(what, async () => {
  const seen = await look(url, more);
  return right(seen) ? seen : null;
}, 30_000);
const isWell = (url, more) => looks(url, 'all to be well', ({ code, json }) => code === 0 && json.nodes.some((node) => node.state === 'alive' && node.tail_lag_s !== null), more);
const nodeOf = ({ json }, of) => json.nodes.find((node) => node.url === of.url);

test('two nodes on PostgreSQL: who they are, which one has the duty, and the database', async (t) => {
  const url = await server.fresh();
  const [a, b] = await nodes(t, url, 2, fast());
  const seen = await looks(url, 'both to be there', ({ json }) => json.well && json.duty !== null && json.nodes.every((node) => node.tail_lag_s !== null));
  assert.equal(seen.code, 0);
  assert.deepEqual(seen.json.nodes.map((node) => node.url).sort(), [a.url, b.url].sort());
  const one = nodeOf(seen, a);
  assert.deepEqual([one.state, one.host, one.version, one.build, one.roles, one.mode, one.bus, one.protocol, one.unheard, one.trouble, one.ended],
    ['alive', os.hostname(), a.status.version, a.status.build, ['auth', 'gateway'], 'many', '', 1, [], null, null]);
  assert.equal(one.started, a.status.started);
  assert.ok(one.heard_until > one.started, JSON.stringify(one));
  assert.ok(seen.json.nodes.some((node) => node.node === seen.json.duty.node));
  assert.ok(seen.json.duty.term >= 1);
  assert.match(seen.json.database.server, /^PostgreSQL \d/);
  assert.match(seen.json.database.timeline, /^[0-9A-F]{8}$/);
  assert.deepEqual([seen.json.database.fsync, seen.json.database.sees_all, seen.json.database.standbys, seen.json.bus], [true, true, [], null]);
  assert.deepEqual([seen.json.mode.nodes, seen.json.mode.between, seen.json.troubles], ['many', 'PostgreSQL', []]);

  const text = await foyer(['cluster', '--cluster-tick', '100ms'], setting(url));
  assert.equal(text.code, 0, text.err);
  for (const words of [a.url, b.url, 'Nodes: 2 alive', 'duty, term', 'Bus: none', 'All is well.']) assert.ok(text.out.includes(words), text.out);
});

test('kill -9 of a node: it is named, and removed; one that lives is not', async (t) => {
  const url = await server.fresh();
  const [a, b] = await nodes(t, url, 2, fast());
  await isWell(url);
  await b.kill9();
  const dead = await looks(url, 'the dead one to be named', (seen) => nodeOf(seen, b).state === 'dead');
  assert.deepEqual([dead.code, codes(dead), dead.json.well], [1, ['NODE_DEAF'], false]);
  assert.match(dead.json.troubles[0].message, /^It ended without a word/);
  const text = await foyer(['cluster', '--cluster-tick', '100ms'], setting(url));
  assert.deepEqual([text.code, /dead since 20/.test(text.out), /^NODE_DEAF \(node /m.test(text.out)], [1, true, true], text.out);

  const living = nodeOf(dead, a).node;
  const refused = await remove(url, living);
  assert.equal(refused.code, 1);
  assert.match(refused.err, new RegExp(`${living} is alive and is not removed`));
  const unknown = await remove(url, 'nobody');
  assert.deepEqual([unknown.code, /there is no node nobody/.test(unknown.err)], [1, true], unknown.err);

  const gone = nodeOf(dead, b).node;
  const removed = await remove(url, gone);
  assert.deepEqual([removed.code, removed.out.includes(`${gone} is removed`)], [0, true], removed.err);
  assert.equal(await server.sql(`SELECT count(*) FROM foyer.leases WHERE holder LIKE '${gone}/%'`, url), '0');
  const after = await look(url);
  assert.deepEqual([after.code, after.json.nodes.map((node) => node.node)], [0, [living]]);
  await looks(url, 'the other one to have the duty', ({ json }) => json.duty?.node === living && json.duty.left_s > 0);
});

test('a node that is paused is silent, and is not removed; it goes on', async (t) => {
  const url = await server.fresh();
  const [, b] = await nodes(t, url, 2, fast());
  await isWell(url);
  await whileStopped(b, async () => {
    const silent = await looks(url, 'the paused one to be silent', (seen) => nodeOf(seen, b).state === 'silent');
    assert.deepEqual([silent.code, codes(silent)], [1, ['NODE_DEAF']]);
    const refused = await remove(url, nodeOf(silent, b).node);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /may only be paused/);
  });
  await isWell(url);
});

test('/metrics of a node: how many live, and when it last read what they do', async (t) => {
  const url = await server.fresh();
  const relay = await server.relay(t, url);
  const port = await freePort();
  const [[a], [b]] = await Promise.all([nodes(t, relay.url, 1, { ...fast(), args: [...fast().args, '--metrics-listen', `127.0.0.1:${port}`] }), nodes(t, url, 1, fast())]);
  const metrics = await watch(t, port);
  const reads = (what, right) => until(what, async () => (right(await metrics.read()) ? true : null), 30_000);
  await reads('two to live', (all) => all.foyer_nodes_alive === 2 && all.foyer_node_tail_lag_seconds < 1);
  assert.deepEqual([(await metrics.read()).foyer_signals_lost_total, (await metrics.read()).foyer_signals_unsent_total], [0, 0]);
  await b.kill9();
  await reads('one to live', (all) => all.foyer_nodes_alive === 1);
  relay.goAway();
  await reads('the tail to lag', (all) => all.foyer_node_tail_lag_seconds > 1);
  relay.comeBack();
  await reads('the tail to read again', (all) => all.foyer_node_tail_lag_seconds < 1);
  assert.ok(a.alive);
});

test('while no server runs there is still something to say; without the database there is not', async (t) => {
  const url = await server.fresh();
  const never = await look(url);
  assert.deepEqual([never.code, never.json.nodes], [0, []]);
  const all = await nodes(t, url, 2, fast());
  await isWell(url);
  for (const node of all) await node.terminate();
  const seen = await look(url);
  assert.deepEqual([seen.code, seen.json.nodes.map((node) => node.state), seen.json.nodes.every((node) => node.ended !== null)], [0, ['ended', 'ended'], true]);
  const text = await foyer(['cluster'], setting(url));
  assert.match(text.out, /^Nodes: 0 alive; 2 ended in order within the last day$/m);

  const away = await foyer(['cluster'], setting('postgresql://foyer@127.0.0.1:1/foyer?connect_timeout=2'));
  assert.deepEqual([away.code, /DATABASE_UNREACHABLE/.test(away.err)], [2, true], away.err);
  const read = await look('postgresql://foyer@127.0.0.1:1/foyer?connect_timeout=2');
  assert.deepEqual([read.code, read.json.well, codes(read), read.json.nodes, read.json.database], [2, false, ['DATABASE_UNREACHABLE'], [], null]);
  const wrong = await foyer(['cluster', '--no-such-option', 'x'], setting(url));
  assert.deepEqual([wrong.code, /UNKNOWN_OPTION/.test(wrong.err)], [2, true], wrong.err);
});

test('with a bus: its name, and what nodes say of it when it is away', async (t) => {
  const redis = await Redis.start(t);
  const url = await server.fresh();
  const more = { BUS_URL: redis.url };
  const [a] = await nodes(t, url, 2, fast(more));
  const well = await isWell(url, more);
  assert.match(well.json.bus.server, /^(Redis|Valkey) \d/);
  assert.deepEqual([well.json.bus.reached, well.json.nodes.every((node) => node.bus === well.json.bus.name && node.bus !== '')], [true, true]);
  assert.equal(well.json.mode.between, 'Valkey or Redis');
  await redis.kill9();
  const away = await looks(url, 'the nodes to miss the bus', (seen) => nodeOf(seen, a).trouble === 'BUS_UNREACHABLE', more);
  assert.deepEqual([away.code, away.json.bus.reached, codes(away).includes('BUS_UNREACHABLE')], [1, false, true]);
  assert.ok(away.json.troubles.some((trouble) => trouble.where === 'bus'));
  await redis.start();
  await isWell(url, more);
});

test('a transaction that is held open is named with its session', async (t) => {
  const url = await server.fresh();
  await nodes(t, url, 1, fast());
  await isWell(url);
  await server.holdOpen(t, server.url('postgres'));
  const held = await looks(url, 'the transaction to be too old', ({ code }) => code === 1);
  assert.deepEqual(codes(held), ['TRANSACTION_HELD_OPEN']);
  assert.match(held.json.troubles[0].message, /^session \d+ \(idle in transaction\) in the database postgres is open for \d+ s/);
  assert.ok(held.json.database.open_transaction.age_s >= 5);
});

test('with SQLite there is one node, and one sentence', async (t) => {
  const data = temporary(t);
  const { code, out } = await foyer(['cluster', '--dev', '--data', data]);
  assert.deepEqual([code, out.split('\n').length, /there is one node/.test(out)], [0, 2, true], out);
  const { json } = await foyerJson(['cluster', '--dev', '--data', data, '--json']);
  assert.deepEqual([json.well, json.nodes, json.database, json.mode.record], [true, [], null, 'SQLite']);
  assert.equal((await foyer(['cluster', 'remove', 'x', '--dev', '--data', data])).code, 1);
});

test('--help has examples, and a wrong word is named', async () => {
  const { code, out } = await foyer(['cluster', '--help']);
  assert.deepEqual([code, /Examples:/.test(out)], [0, true]);
  const wrong = await foyer(['cluster', 'remov', 'x']);
  assert.deepEqual([wrong.code, /did you mean "remove"/.test(wrong.err)], [2, true], wrong.err);
  assert.deepEqual([(await foyer(['cluster', 'remove'])).code], [2]);
});
