// Histories of three gateways, two auth services and their clients, each with one fault: what tests/cluster/run does with
// many seeds, with one. Then the records are changed, each in one thing, and the judge has to notice.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CORRUPTIONS, tried } from '../cluster/corrupt.mjs';
import { boundsWith, play } from '../cluster/history.mjs';
import { RULES, judge } from '../cluster/judge.mjs';
import { SANITIZED, fileScope } from './support/foyer.mjs';
import { Postgres } from './support/postgres.mjs';

const SCALE = Number(process.env.FOYER_TEST_SCALE ?? (SANITIZED ? 0.4 : 1)); // of clients
const SEED = 1;
const STRICT = boundsWith(3_500);
const BOUNDS = boundsWith(15_000); // every other test may run at the same time; tests/cluster/run judges more strictly
const scope = fileScope(after);
const records = [];
let server;
before(async () => { server = await Postgres.start(scope); });

for (const [fault, mode] of [['kill-gateway', 'pg'], ['stop-gateway', 'redis'], ['part-database', 'pg'], ['part-bus', 'redis'], ['kill-bus', 'redis'], ['promote', 'pg']]) {
  test(`${fault}, ${mode}: what several nodes promise holds`, async (t) => {
    const { record, compared, sent } = await play(t, { fault, mode, seed: SEED, clients: Math.max(12, Math.round(40 * SCALE)), server });
    for (const [rule, found] of Object.entries(judge(record, BOUNDS).broken)) assert.fail(`${rule}: ${found.length} times, first ${found.slice(0, 3).join('; ')}`);
    assert.ok(sent > 50 && compared > 500, `there was something to compare: ${sent} messages, ${compared} deliveries`);
    records.push(record);
  });
}

test('every rule notices a record that was changed', () => {
  const shown = records.flatMap((record) => tried(record, STRICT));
  for (const { rule, name } of CORRUPTIONS) {
    const all = shown.filter((each) => each.name === name);
    assert.ok(all.length, `a record for: ${name}`);
    assert.ok(all.some((each) => each.noticed), `${rule} notices: ${name}`);
  }
  assert.deepEqual([...new Set(shown.map(({ rule }) => rule))].sort(), Object.keys(RULES).sort());
});
