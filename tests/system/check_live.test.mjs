// `foyer check --live`: what changes while servers run, and what it means.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileScope, foyer, foyerJson, temporary } from './support/foyer.mjs';
import { nodes, options } from './support/nodes.mjs';
import { Postgres } from './support/postgres.mjs';
import { Redis } from './support/redis.mjs';
import { Watched } from './support/sentinel.mjs';
import { until } from './support/within.mjs';

const scope = fileScope(after);
let server;
before(async () => { server = await Postgres.start(scope); });

const tick = ['--cluster-tick', '100ms'];
const setting = (url, more = {}) => ({ env: { ENVIRONMENT: 'development', ...options(url, { env: more }).env } });
const look = (url, more = {}) => foyerJson(['check', '--live', '--json', ...tick], setting(url, more));
const looks = (what, url, right, more) => until(what, async () => {
  const seen = await look(url, more);
  return right(seen) ? seen : null;
}, 30_000);
const value = (lines, what) => lines.find((line) => line.what === what)?.value;
const means = (lines, what) => lines.find((line) => line.what === what)?.means;
const codes = ({ json }) => [...new Set(json.troubles.map((trouble) => trouble.code))].sort();

test('PostgreSQL, the bus, and whether the nodes hear each other', async (t) => {
  const redis = await Redis.start(t);
  const url = await server.fresh();
  const more = { BUS_URL: redis.url };
  await nodes(t, url, 2, { args: tick, env: more });
  const { code, json } = await looks('both to hear each other', url, (seen) => seen.code === 0 && value(seen.json.nodes, 'living nodes') === '2', more);
  assert.deepEqual([code, json.well, json.troubles], [0, true, []]);
  assert.equal(means(json.nodes, 'living nodes'), 'Each hears every other one, and reads the database.');
  assert.deepEqual([value(json.database, 'fsync'), value(json.database, 'synchronous_commit'), value(json.database, 'synchronous_standby_names')], ['on', 'on', 'none']);
  assert.match(means(json.database, 'max_connections'), /alive hold up to 16; \d+ are free/);
  assert.deepEqual([value(json.bus, 'appendonly'), value(json.bus, 'min-replicas-to-write'), value(json.bus, 'maxmemory-policy')], ['no', '0', 'noeviction']);
  assert.ok([...json.database, ...json.bus].every((line) => line.means.endsWith('.')));
  const text = await foyer(['check', '--live', ...tick], setting(url, more));
  assert.deepEqual([text.code, /fsync: on\n {4}What is committed survives/.test(text.out), /All is well\.\n$/.test(text.out)], [0, true, true], text.out);

  await redis.cli('CONFIG', 'SET', 'repl-diskless-sync', 'yes');
  await redis.cli('CONFIG', 'SET', 'repl-diskless-sync-delay', '3600');
  const replica = await Redis.start(t, { args: ['--replicaof', '127.0.0.1', redis.port] });
  const incomplete = await looks('the replica to be seen', url, (seen) => seen.code === 1 && codes(seen).includes('REPLICA_INCOMPLETE'), more);
  assert.match(incomplete.json.troubles.find((trouble) => trouble.code === 'REPLICA_INCOMPLETE').message, new RegExp(`127\\.0\\.0\\.1:${replica.port} is not ready`));

  await redis.kill9();
  const away = await looks('the bus to be away', url, (seen) => seen.json.troubles.some((trouble) => trouble.where === 'bus' && trouble.code === 'BUS_UNREACHABLE'), more);
  assert.equal(away.code, 1);
});

test('behind Sentinel: a replica that has lost its primary is named, though the primary does not know it any more', async (t) => {
  const watched = await Watched.start(t);
  const url = await server.fresh();
  const more = { BUS_URL: watched.url };
  const replica = `replica 127.0.0.1:${watched.second.port}`;
  const well = await looks('the replica to follow', url, (seen) => /^online/.test(value(seen.json.bus ?? [], replica) ?? ''), more);
  assert.deepEqual([well.code, well.json.troubles], [0, []]);
  await watched.second.cli('CONFIG', 'SET', 'masteruser', 'nobody');
  await watched.second.cli('CONFIG', 'SET', 'masterauth', 'wrong');
  await watched.first.cli('CLIENT', 'KILL', 'TYPE', 'replica');
  const lost = await looks('the replica to be lost', url, (seen) => /^not named by the primary/.test(value(seen.json.bus ?? [], replica) ?? ''), more);
  assert.deepEqual([lost.code, codes(lost)], [1, ['REPLICA_INCOMPLETE']]);
  assert.match(lost.json.troubles[0].message, new RegExp(`127\\.0\\.0\\.1:${watched.second.port} is not ready.*master_link_status down`));
});

test('a standby, synchronous or not, and one that is missing', async (t) => {
  const primary = await Postgres.start(t);
  const url = await primary.fresh();
  await primary.standby(t, 'second');
  const follows = await looks('the standby to follow', url, (seen) => /^streaming/.test(value(seen.json.database, 'standby second') ?? ''));
  assert.match(means(follows.json.database, 'standby second'), /what it is behind is lost/);
  await primary.set('synchronous_standby_names', 'second');
  const synchronous = await looks('it to be synchronous', url, (seen) => /no message that was answered is missing/.test(means(seen.json.database, 'standby second') ?? ''));
  assert.match(means(synchronous.json.database, 'synchronous_commit'), /disk of a standby/);
  await primary.set('synchronous_standby_names', 'nobody');
  await looks('none to be there', url, (seen) => /none of them is there/.test(means(seen.json.database, 'synchronous_standby_names')));
});

test('a role that sees nothing of others says so; without a server nothing can be asked', async (t) => {
  const url = await server.fresh();
  await server.sql('CREATE ROLE plain LOGIN');
  const { json } = await look(url.replace('postgres@', 'plain@'));
  assert.match(means(json.database, 'oldest open transaction'), /GRANT pg_read_all_stats/);
  const away = await foyer(['check', '--live'], setting('postgresql://foyer@127.0.0.1:1/foyer?connect_timeout=2'));
  assert.deepEqual([away.code, /DATABASE_UNREACHABLE/.test(away.err)], [2, true], away.err);
  const read = await look('postgresql://foyer@127.0.0.1:1/foyer?connect_timeout=2');
  assert.deepEqual([read.code, read.json.well, read.json.troubles.map((trouble) => trouble.code)], [2, false, ['DATABASE_UNREACHABLE']]);
  const sqlite = await foyer(['check', '--live', '--dev', '--data', temporary(t)]);
  assert.deepEqual([sqlite.code, /All is well/.test(sqlite.out)], [0, true], sqlite.err);
});
