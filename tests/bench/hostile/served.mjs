// served.mjs URL TOKEN: asks the echo service every 2 ms; for each line on standard
// input it prints the times since the last one.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';

const WebSocket = createRequire(new URL('../../system/', import.meta.url))('ws');
const [url, token] = process.argv.slice(2);
const socket = new WebSocket(url, { headers: { Authorization: `Bearer ${token}` }, perMessageDeflate: false });
let asked = new Map();
let times = [];
let next = 0;
socket.on('open', () => setInterval(() => { asked.set(next, performance.now()); socket.send(String(next++)); }, 2));
socket.on('message', (data) => {
  const id = Number(data);
  times.push(performance.now() - asked.get(id));
  asked.delete(id);
});
socket.on('close', (code, reason) => { console.error(`closed with ${code} ${reason}`); process.exit(1); });
createInterface({ input: process.stdin }).on('line', () => {
  const sorted = times.sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  console.log(JSON.stringify({ count: sorted.length, p50: at(0.5), p99: at(0.99) }));
  times = [];
});
