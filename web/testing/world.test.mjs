// The world of unit tests: time stands until it is moved, chance is one half.
import assert from 'node:assert/strict';
import { test } from 'node:test';

export const settle = async () => { for (let i = 0; i < 20; i += 1) await null; };

export function world() {
  const timers = new Set();
  const w = {
    clock: 0,
    now: () => w.clock,
    random: () => 0.5,
    after(ms, act) {
      const timer = { at: w.clock + ms, act };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async pass(ms) {
      const until = w.clock + ms;
      for (;;) {
        const due = [...timers].filter((t) => t.at <= until).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        timers.delete(due);
        w.clock = due.at;
        due.act();
        await settle();
      }
      w.clock = until;
      await settle();
    },
    get waiting() { return timers.size; },
  };
  return w;
}

test('timers fire in the order of their times', async () => {
  const w = world();
  const seen = [];
  w.after(20, () => seen.push(`b at ${w.clock}`));
  w.after(10, () => seen.push(`a at ${w.clock}`));
  w.after(30, () => seen.push('c'))();
  await w.pass(40);
  assert.deepEqual([seen, w.clock, w.waiting], [['a at 10', 'b at 20'], 40, 0]);
});
