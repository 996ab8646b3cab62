// What others notice of a webhook receiver that hangs: see README.md.
import assert from 'node:assert/strict';
import { foyer, serve } from '../system/support/foyer.mjs';
import { arrive } from '../system/support/people.mjs';
import { Receiver } from '../system/support/receiver.mjs';
import { until } from '../system/support/within.mjs';

const rounds = Number(process.argv[2] ?? 15);
const EVERY_MS = 5;
const SECONDS = 4;
const args = ['--messages-per-s', '100000', '--messages-burst', '100000', '--address-auth-requests', '100000'];
const at = (list, share) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * share))];
const middle = (list) => at(list, 0.5);

// Milliseconds from sending to hearing, at another client, while the receiver answers, hangs, or is not there at all.
async function round(what) {
  const ends = [];
  const t = { after: (end) => ends.unshift(end) };
  try {
    const node = await serve(t, { args });
    if (what !== 'is absent') {
      const receiver = await Receiver.start(t);
      const made = await foyer(['webhook', 'add', receiver.url, '--type', 'message.published', '--data', node.data]);
      assert.equal(made.code, 0, made.err);
      receiver.secret = made.out;
      await foyer(['webhook', 'test', /hook_[A-Za-z0-9_-]+/.exec(made.err)[0], '--data', node.data]);
      await receiver.events.take('the test event');
      if (what === 'hangs') receiver.answer = () => new Promise(() => {});
    }
    const [ann, bob] = [await arrive(node, 'ann'), await arrive(node, 'bob')];
    await ann.join('tea');
    await bob.join('tea');
    const sent = new Map();
    const times = [];
    const keep = bob.socket.messages.push.bind(bob.socket.messages);
    bob.socket.messages.push = (message) => {
      if (message.type !== 'message') return keep(message);
      times.push(performance.now() - sent.get(message.message));
      return 0;
    };
    let n = 0;
    const end = performance.now() + SECONDS * 1000;
    while (performance.now() < end) {
      const text = `m${n += 1}`;
      sent.set(text, performance.now());
      ann.say('tea', text);
      await new Promise((resolve) => { setTimeout(resolve, EVERY_MS); });
    }
    await until('all to be heard', () => times.length === n);
    return { p50: at(times, 0.5), p99: at(times, 0.99), count: n };
  } finally {
    for (const end of ends) await end();
  }
}

const seen = { answers: [], hangs: [], 'is absent': [] };
for (let i = 0; i < rounds; i += 1)
  for (const what of i % 2 ? Object.keys(seen).reverse() : Object.keys(seen)) {
    seen[what].push(await round(what));
    const { p50, p99, count } = seen[what].at(-1);
    process.stdout.write(`round ${i + 1}, the receiver ${what}: ${count} messages, p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms\n`);
  }
for (const [a, b] of [['hangs', 'answers'], ['hangs', 'is absent']])
  for (const share of ['p50', 'p99']) {
    const ratios = seen[a].map((each, i) => each[share] / seen[b][i][share]);
    let state = 1;
    const draw = () => { state = (Math.imul(state, 1103515245) + 12345) >>> 0; return ratios[Math.floor(state / 65536) % ratios.length]; };
    const middles = Array.from({ length: 4000 }, () => middle(ratios.map(draw))).sort((a, b) => a - b);
    process.stdout.write(`${share}, ${a} to ${b}: ${middle(ratios).toFixed(3)} [${middles[100].toFixed(3)}, ${middles[3900].toFixed(3)}] of ${rounds}\n`);
  }
process.exit(0);
