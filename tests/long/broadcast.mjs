// One broadcast to many rooms with many listeners: see README.md.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { serve } from '../system/support/foyer.mjs';
import { call, post } from '../system/support/api.mjs';
import { now, register, resign, withSecret } from '../system/support/people.mjs';
import { Client } from '../system/support/websocket.mjs';
import { until } from '../system/support/within.mjs';

const sockets = Number(process.argv[2] ?? 10_000);
const rooms = Number(process.argv[3] ?? 1_000);
const ends = [];
const t = { after: (end) => ends.unshift(end) };
try {
  const node = await serve(t, { env: withSecret, args: ['--address-connections', '100000', '--address-handshakes', '100000000', '--connect-rate', '100000000'] });
  const { access_token: token, user } = await register(node, 'ann');
  const heard = new Map(); // by socket, what it heard of the broadcasts
  let deliveries = 0;
  for (let first = 0; first < sockets; first += 100) {
    await Promise.all(Array.from({ length: Math.min(100, sockets - first) }, async (_, i) => {
      const n = first + i;
      const mine = resign(token, { claims: { sub: `guest|${n}`, sid: undefined, jti: crypto.randomUUID(), iat: now() } });
      const client = await Client.open(node, { token: mine, path: '/ws/chat?features=data' });
      await client.join(`room-${n % rooms}`);
      heard.set(n, []);
      const keep = client.socket.messages.push.bind(client.socket.messages);
      client.socket.messages.push = (message) => {
        if (message.type !== 'message') return keep(message);
        deliveries += 1;
        return heard.get(n).push(`${message.room} ${message.data.n}`);
      };
    }));
    if (first % 1_000 === 0) process.stdout.write(`${first + 100} have joined\n`);
  }
  const channels = Array.from({ length: rooms }, (_, i) => `room-${i}`);
  for (let round = 1; round <= 5; round += 1) {
    const before = deliveries;
    const start = performance.now();
    const body = { channels, data: { n: round }, idempotency_key: `round-${round}` };
    const { responses } = await call(node, 'broadcast', body);
    const answered = performance.now() - start;
    assert.equal(responses.length, rooms);
    for (const response of responses) assert.equal(response.result.offset, round);
    await until('everybody to hear it', () => deliveries - before >= sockets);
    const everybody = performance.now() - start;
    const again = await post(node, 'broadcast', body);
    assert.equal(again.headers['idempotency-replayed'], 'true');
    assert.deepEqual(again.json.result.responses, responses);
    process.stdout.write(`broadcast ${round}: answered after ${answered.toFixed(0)} ms, ${sockets} heard it after ${everybody.toFixed(0)} ms, its repetition reached nobody\n`);
  }
  await call(node, 'publish', { channel: 'room-0', data: { n: 'end' } });
  await until('the last one to arrive', () => heard.get(0).at(-1) === 'room-0 end');
  for (const [n, all] of heard) {
    const room = `room-${n % rooms}`;
    assert.deepEqual(all.filter((each) => !each.endsWith(' end')), [1, 2, 3, 4, 5].map((round) => `${room} ${round}`), `socket ${n} of ${user.name}`);
  }
  process.stdout.write(`${sockets} sockets in ${rooms} rooms: each heard each broadcast once, in order\n`);
} finally {
  for (const end of ends) await end();
}
process.exit(0);
