// What one user, or one who has no account, can send as fast as it is taken. Each is a
// function of (node) that resolves to a function: called again and again while the
// others are measured, and given { people }: how to get an account, a socket, an answer.
// `attacks.mjs NAME NODE(JSON)` runs one of them for as long as its standard input is open.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { ask, connected, head, readAnswer } from '../../system/support/http.mjs';
import { register } from '../../system/support/people.mjs';
import { Client } from '../../system/support/websocket.mjs';

const PASSWORD = 'a long and quiet sentence';
let going = true;
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// A socket on which `window` commands are under way at a time; what the answers say is counted, not kept.
async function socketOf(node, token) {
  const client = await Client.open(node, { token });
  const keep = client.socket.messages.push.bind(client.socket.messages);
  client.socket.messages.push = (message) => { if (message.id !== undefined) keep(message); }; // nor what is pushed
  client.socket.received.push = () => 0; // a million answers are not kept
  return client;
}
async function pour(client, next, { window = 50, paced = 0 } = {}) {
  const one = async () => {
    while (going) {
      const command = next();
      if (!command) return;
      const { type, ...fields } = command;
      const answer = await client.ask(type, fields).catch(() => ({ code: 'GONE' }));
      seen[answer.code ?? answer.type] = (seen[answer.code ?? answer.type] ?? 0) + 1;
      if (answer.code === 'GONE') return;
      // Whoever only wants to do harm asks on all the same, slowly enough not to be closed.
      if (answer.code === 'RATE_LIMITED') await pause(Math.min(answer.retry_after_ms ?? 100, 250));
      else if (paced) await pause(paced);
    }
  };
  await Promise.all(Array.from({ length: window }, one));
}
const seen = {};
const account = (node, name) => register(node, `${name}${process.pid}`, PASSWORD);
const sockets = (node, token, count) => Promise.all(Array.from({ length: count }, () => socketOf(node, token)));

// Rooms that took a year to come together, at 300 an hour and with people who exist.
function inDirectRooms(node, user, count) {
  const sql = `.timeout 10000
BEGIN IMMEDIATE;
CREATE TEMP TABLE made AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT 'friend-' || i AS friend FROM n;
INSERT INTO rooms (name, kind, pair, epoch, last_offset, active_ms) SELECT 'direct:' || friend, 2, '${user}' || char(10) || friend, 'e' || friend, 0, unixepoch() * 1000 FROM made;
INSERT INTO members (room_id, user, since_ms) SELECT id, '${user}', active_ms FROM rooms WHERE name LIKE 'direct:friend-%';
INSERT INTO members (room_id, user, since_ms) SELECT id, substr(name, 8), active_ms FROM rooms WHERE name LIKE 'direct:friend-%';
COMMIT;`;
  execFileSync('sqlite3', ['-bail', path.join(node.data, 'chat.sqlite')], { input: sql });
}

async function login(node, from, body) {
  const at = { ...node, from };
  const text = JSON.stringify(body);
  try {
    const socket = await connected(at);
    socket.write(head(at, 'POST', '/auth/login', { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text), Connection: 'close' }) + text);
    const answer = await readAnswer(socket);
    socket.destroy();
    seen[answer.status] = (seen[answer.status] ?? 0) + 1;
  } catch { seen.GONE = (seen.GONE ?? 0) + 1; }
}

export const attacks = {
  async 'all rooms of 8,000 direct rooms, on 60 sockets'(node) {
    const eve = await account(node, 'eve');
    inDirectRooms(node, eve.user.id, 8_000);
    const many = await sockets(node, eve.access_token, 60);
    return () => Promise.all(many.map((client) => pour(client, () => ({ type: 'rooms' }), { window: 20 })));
  },
  async 'presence of 100,000 invented rooms'(node) {
    const eve = await account(node, 'eve');
    const many = await sockets(node, eve.access_token, 20);
    let n = 0;
    return () => Promise.all(many.map((client) => pour(client, () => ({ type: 'presence', room: `user:invented-${n += 1}` }))));
  },
  async '1,000 invitations to a stranger'(node) {
    const eve = await account(node, 'eve');
    const stranger = await account(node, 'stranger');
    const many = await sockets(node, eve.access_token, 10);
    let n = 0;
    return () => Promise.all(many.map((client) => pour(client, (() => {
      let room;
      return () => { // one is made, and into one the stranger is invited
        if (room) { const of = room; room = null; return { type: 'invite', room: of, user: stranger.user.id }; }
        room = `private:p${process.pid}-${n += 1}`;
        return { type: 'create', room };
      };
    })(), { window: 1 })));
  },
  async 'chat on 20 sockets into the room of the others'(node) {
    const eve = await account(node, 'eve');
    const many = await sockets(node, eve.access_token, 20);
    return () => Promise.all(many.map((client) => pour(client, () => ({ type: 'chat', room: 'tea', message: 'x'.repeat(100) }))));
  },
  async 'wrong logins of one name from 100 addresses, 10/s each'(node) {
    const victim = await account(node, 'victim');
    const from = Array.from({ length: 100 }, (_, i) => `127.0.9.${i + 1}`);
    return () => Promise.all(from.map(async (address) => {
      while (going) { login(node, address, { name: victim.name, password: 'a wrong and quiet sentence' }); await pause(100); }
    }));
  },
  async 'logins of unknown names, which the audit keeps'(node) {
    let n = 0;
    const from = Array.from({ length: 20 }, (_, i) => `127.0.8.${i + 1}`);
    return () => Promise.all(from.map(async (address) => {
      while (going) { await login(node, address, { name: `nobody-${n += 1}`, password: 'a wrong and quiet sentence' }); }
    }));
  },
};

if (process.argv[1] === import.meta.filename) {
  const [name, node] = [process.argv[2], JSON.parse(process.argv[3])];
  const run = await attacks[name](node);
  process.stdout.write('ready\n');
  await new Promise((resolve) => { process.stdin.once('data', resolve); });
  process.stdin.once('data', () => { going = false; });
  await Promise.race([run(), new Promise((resolve) => { const t = setInterval(() => { if (!going) { clearInterval(t); setTimeout(resolve, 500); } }, 50); })]);
  console.log(JSON.stringify(seen));
  process.exit(0);
}
