// Webhooks through kill -9: see README.md.
import assert from 'node:assert/strict';
import { foyer, serve } from '../system/support/foyer.mjs';
import { ask } from '../system/support/http.mjs';
import { register, PASSWORD } from '../system/support/people.mjs';
import { Receiver } from '../system/support/receiver.mjs';
import { Client } from '../system/support/websocket.mjs';
import { until } from '../system/support/within.mjs';

const args = ['--messages-per-s', '100000', '--messages-burst', '100000', '--address-auth-requests', '100000'];
const ends = [];
const t = { after: (end) => ends.unshift(end) };

const kills = Number(process.argv[2] ?? 100);
const first = await serve(t, { args });
const { data } = first;
await register(first, 'ann');
const receiver = await Receiver.start(t);
const made = await foyer(['webhook', 'add', receiver.url, '--type', 'message.published', '--data', data]);
assert.equal(made.code, 0, made.err);
receiver.secret = made.out;
await foyer(['webhook', 'test', /hook_[A-Za-z0-9_-]+/.exec(made.err)[0], '--data', data]);
await receiver.events.take('the test event'); // from now on the server reports

const answered = new Set();
let n = 0;
let node = first;
try {
  for (let kill = 1; kill <= kills; kill += 1) {
    const token = (await ask(node, 'POST', '/auth/login', { body: { name: 'ann', password: PASSWORD } })).json.access_token;
    const ann = await Client.open(node, { token });
    await ann.join('tea');
    const before = answered.size;
    const enough = before + 20 + Math.floor(Math.random() * 200);
    const talk = setInterval(() => {
      const text = `m${n += 1}`;
      ann.say('tea', text).then((a) => { if (a.type === 'sent') answered.add(text); }, () => {});
    }, 5);
    await until('enough messages', () => answered.size >= enough);
    await node.kill9();
    clearInterval(talk);
    node = await serve(t, { data, args });
    process.stdout.write(`kill ${kill}: ${answered.size} answered, ${receiver.requests.length} requests\n`);
  }
  const token = (await ask(node, 'POST', '/auth/login', { body: { name: 'ann', password: PASSWORD } })).json.access_token;
  const ann = await Client.open(node, { token });
  await ann.join('tea');
  await ann.say('tea', 'the end');
  await receiver.events.take('the end', (e) => e.data.message === 'the end', 120_000);
  const ids = new Map();
  const offsets = [];
  for (const { body, id } of receiver.requests) {
    const { type, data: { message, offset } } = JSON.parse(body);
    if (type !== 'message.published') continue;
    if (!ids.has(message)) offsets.push(offset);
    ids.set(message, (ids.get(message) ?? new Set()).add(id));
  }
  for (const text of answered) assert.ok(ids.has(text), `${text} was answered and not told`);
  for (const [text, each] of ids) assert.equal(each.size, 1, `${text} came under ${[...each]}`);
  assert.deepEqual(offsets, offsets.map((_, i) => i + 1), 'in order, without a gap');
  assert.deepEqual(receiver.faults, []);
  process.stdout.write(`${kills} kills: ${answered.size} messages answered, all told in order, ${receiver.requests.length - 1 - ids.size} twice, each under one id\n`);
} finally {
  for (const end of ends) await end();
}
