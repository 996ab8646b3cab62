// Gateways that are restarted one after the other while people talk: tests/cluster says what has to hold.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { boundsWith, play } from '../cluster/history.mjs';
import { judge } from '../cluster/judge.mjs';
import { SANITIZED, fileScope } from './support/foyer.mjs';
import { arriveAt, nodes } from './support/nodes.mjs';
import { Postgres } from './support/postgres.mjs';

const SCALE = Number(process.env.FOYER_TEST_SCALE ?? (SANITIZED ? 0.4 : 1)); // of clients
const BOUNDS = boundsWith(15_000); // every other test may run at the same time
const scope = fileScope(after);
let server;
before(async () => { server = await Postgres.start(scope); });

for (const mode of ['pg', 'redis']) {
  test(`${mode}: three gateways restart, each client is told when to come back, and nothing is lost`, async (t) => {
    const { record } = await play(t, { fault: 'roll', mode, seed: 1, clients: Math.max(12, Math.round(40 * SCALE)), server });
    for (const [rule, found] of Object.entries(judge(record, BOUNDS).broken)) assert.fail(`${rule}: ${found.length} times, first ${found.slice(0, 3).join('; ')}`);
    const from = record.findIndex((e) => e.what === 'begin');
    const during = record.slice(from, record.findIndex((e) => e.what === 'end'));
    const ends = during.filter((e) => e.kind === 'end');
    assert.deepEqual([...new Set(ends.map((e) => `${e.code} ${e.reason}`))], ['1001 SERVER_SHUTDOWN']);
    const told = new Map(during.filter((e) => e.kind === 'closing').map((e) => [e.conn, e.retry]));
    for (const { conn } of ends) assert.ok(told.has(conn), `${conn} was told before`);
    const waits = [...told.values()];
    assert.ok(new Set(waits).size > waits.length / 2, `the times to come back are spread: ${waits}`);
    assert.ok(Math.min(...waits) >= 500 && Math.max(...waits) <= 5_000, `${waits}`);
  });
}

test('a drain costs the database nothing per socket', async (t) => {
  const url = await server.fresh();
  const [a, b] = await nodes(t, url, 2, { args: ['--drain-timeout', '2s', '--presence-grace', '100ms'] });
  const people = [];
  for (let i = 0; i < 8; i += 1) people.push(await arriveAt(a, `person-${i}`, { through: b }));
  for (const person of people) for (let i = 0; i < 20; i += 1) assert.equal((await person.join(`tea-${i}`)).type, 'joined');
  const transactions = async () => Number(await server.sql('SELECT pg_snapshot_xmax(pg_current_snapshot())', url)); // that wrote
  const from = await transactions();
  assert.equal((await a.terminate()).code, 0);
  const count = (await transactions()) - from;
  assert.ok(count < people.length * 20, `${count} transactions while ${people.length} people left 20 rooms each`);
});
