import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Again } from './again.mjs';
import { world } from '../testing/world.test.mjs';

test('the waits double to thirty seconds, and the server may ask for longer ones', async () => {
  const w = world();
  const again = new Again(w);
  const waits = [];
  for (let i = 0; i < 8; i += 1) {
    again.later({ retryAfterMs: null }, () => {});
    waits.push(again.at - w.clock);
    await w.pass(again.at - w.clock);
  }
  assert.deepEqual(waits, [750, 1500, 3000, 6000, 12000, 22500, 22500, 22500]);
  again.later({ retryAfterMs: 60_000 }, () => {});
  assert.equal(again.at - w.clock, 60_000);
});

test('"now" asks now and only once; success begins anew with short waits', async () => {
  const w = world();
  const again = new Again(w);
  let asked = 0;
  again.later({ retryAfterMs: 9_000 }, () => { asked += 1; });
  again.now();
  await w.pass(60_000);
  assert.deepEqual([asked, again.at], [1, null]);
  again.stop();
  again.later({ retryAfterMs: null }, () => {});
  assert.equal(again.at - w.clock, 750);
});
