// `foyer bus keys`: what gateways leave on the bus between them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileScope, foyer, foyerJson } from './support/foyer.mjs';
import { arriveAt, nodes, options } from './support/nodes.mjs';
import { Postgres } from './support/postgres.mjs';
import { Redis } from './support/redis.mjs';

const scope = fileScope(after);
let server;
before(async () => { server = await Postgres.start(scope); });

const RULES = [{ match: 'live-*', durable: false }];
const setting = (url, redis) => ({ env: { ENVIRONMENT: 'development', ...options(url, { env: { BUS_URL: redis.url } }).env } });
const keysOf = (json, kind) => json.kinds.find((row) => row.kind === kind) ?? { keys: 0, endless: 0, bytes: null };

test('every key of two gateways has an end, and one that has none is named', async (t) => {
  const redis = await Redis.start(t);
  const url = await server.fresh();
  const all = await nodes(t, url, 2, { args: ['--cluster-tick', '100ms'], env: { BUS_URL: redis.url, FOYER_ROOMS: JSON.stringify(RULES) } });
  const people = await Promise.all(all.map((node, i) => arriveAt(node, `person-${i}`, { through: all[0] })));
  for (let i = 0; i < 20; i += 1) {
    for (const person of people) await person.join(`live-${i}`);
    assert.equal((await people[i % 2].ask('chat', { room: `live-${i}`, message: 'hello', key: `k${i}` })).type, 'sent');
  }
  const { code, json } = await foyerJson(['bus', 'keys', '--json'], setting(url, redis));
  assert.deepEqual([code, json.all, json.endless, keysOf(json, 'other').keys], [0, true, [], 0], JSON.stringify(json));
  assert.equal(keysOf(json, 'presence of a room').keys, 20);
  assert.equal(keysOf(json, 'name of the bus').keys, 1);
  assert.ok(keysOf(json, 'room that is not durable').keys >= 40);
  assert.ok(json.kinds.every((row) => row.endless === 0 && row.bytes > 0), JSON.stringify(json.kinds));
  assert.equal(json.kinds.reduce((sum, row) => sum + row.keys, 0), json.total);

  await redis.cli('SET', 'foyer:forgotten', 'x');
  const text = await foyer(['bus', 'keys'], setting(url, redis));
  assert.equal(text.code, 1);
  assert.match(text.out, /Keys without an end, which Foyer does not make:\n {2}foyer:forgotten\n/);
  const few = await foyerJson(['bus', 'keys', '--most', '5', '--json'], setting(url, redis));
  assert.deepEqual([few.json.total, few.json.all], [5, false]);
});

test('without a bus there is nothing to ask', async (t) => {
  const redis = await Redis.start(t);
  const url = await server.fresh();
  const empty = await foyer(['bus', 'keys'], setting(url, redis));
  assert.deepEqual([empty.code, /: 0\nEvery key has an end\.\n$/.test(empty.out)], [0, true], empty.out + empty.err);
  await redis.kill9();
  const away = await foyer(['bus', 'keys'], setting(url, redis));
  assert.deepEqual([away.code, /BUS_UNREACHABLE/.test(away.err)], [2, true], away.err);
  const none = await foyer(['bus', 'keys', '--dev']);
  assert.deepEqual([none.code, /BUS_URL is not set/.test(none.err)], [2, true], none.err);
  assert.deepEqual([(await foyer(['bus'])).code, (await foyer(['bus', 'keys', '--most', 'x'])).code, (await foyer(['bus', 'keys', '--help'])).code], [2, 2, 0]);
});
