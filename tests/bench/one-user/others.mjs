// others.mjs NODE(JSON) NAME: somebody who means well, with a socket and a password. Says, reads and joins
// fifty times a second and logs in twice a second; for each line on standard input it prints the times since
// the last one, by what was asked, and what was refused. What has no answer yet counts as long as it waits.
import { createInterface } from 'node:readline';
import { ask } from '../../system/support/http.mjs';
import { Client } from '../../system/support/websocket.mjs';

const node = JSON.parse(process.argv[2]);
const name = process.argv[3];
const password = 'a long and quiet sentence';
const { json } = await ask(node, 'POST', '/auth/login', { body: { name, password } });
// A socket for each, since the answers of one come in the order of its commands.
const [talking, reading, joining] = await Promise.all(Array.from({ length: 3 }, () => Client.open(node, { token: json.access_token })));
await talking.join('tea');
await talking.say('quiet', 'something to read');
// What is pushed is not kept, or looking for an answer among it would take longer than the answer.
for (const { socket } of [talking, reading, joining]) {
  const keep = socket.messages.push.bind(socket.messages);
  socket.messages.push = (message) => { if (message.id !== undefined) keep(message); };
  socket.received.push = () => 0;
}

let times = { chat: [], history: [], join: [], login: [] };
let refused = {};
const waiting = new Map(); // what is asked → since when
async function timed(kind, what) {
  const start = performance.now();
  const key = Symbol(kind);
  waiting.set(key, { kind, start });
  const answer = await what().catch((error) => ({ code: error.message }));
  waiting.delete(key);
  if (answer.code || answer.status >= 400) {
    const code = `${kind}: ${answer.code ?? answer.json?.code ?? answer.status}`;
    refused[code] = (refused[code] ?? 0) + 1;
  } else times[kind].push(performance.now() - start);
}
let n = 0;
let inside = false; // the room that is joined and left again
setInterval(() => {
  n += 1;
  const kind = ['chat', 'history', 'join'][n % 3];
  if (kind === 'chat') timed('chat', () => talking.say('tea', `hello ${n}`));
  if (kind === 'history') timed('history', () => reading.ask('history', { room: 'quiet', limit: 50 }));
  if (kind === 'join' && !inside) {
    inside = true;
    timed('join', () => joining.join('quiet', { limit: 10 })).then(() => joining.ask('leave', { room: 'quiet' })).then(() => { inside = false; });
  }
}, 20);
setInterval(() => timed('login', () => ask(node, 'POST', '/auth/login', { body: { name, password } })), 500);

createInterface({ input: process.stdin }).on('line', () => {
  for (const { kind, start } of waiting.values()) if (performance.now() - start > 1_000) times[kind].push(performance.now() - start);
  const figures = Object.fromEntries(Object.entries(times).map(([kind, list]) => {
    const sorted = list.sort((a, b) => a - b);
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
    return [kind, { count: sorted.length, p50: at(0.5), p99: at(0.99) }];
  }));
  console.log(JSON.stringify({ figures, refused }));
  times = { chat: [], history: [], join: [], login: [] };
  refused = {};
});
