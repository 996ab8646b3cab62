// Two nodes on one database, a bus between them, and the same of Centrifugo. What stands between the nodes shares a core with
// the client, so that the nodes have theirs for themselves.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Postgres } from '../../system/support/postgres.mjs';
import { freePort, listening, ofFoyer, secret, start, startFoyer, stop, token } from '../servers.mjs';

const BETWEEN = 1;     // the core of what is between them
const STORE_KEY = 'a-key-for-benchmarks-only-0123456789abcdef';
const wide = ['--room-messages-per-s', '100000000', '--room-messages-burst', '100000000'];

// What was started ends in the opposite order, and `work` is deleted.
export async function within(act) {
  const ends = [];
  const work = mkdtempSync(join(tmpdir(), 'foyer-bench-'));
  try {
    return await act({ work, after: (end) => ends.push(end) });
  } finally {
    for (const end of ends.reverse()) await end();
    rmSync(work, { recursive: true, force: true });
  }
}

// fresh(): the URL of a new database.
export async function postgres(t, { core = BETWEEN } = {}) {
  const server = await Postgres.start(t);
  const pid = execFileSync('head', ['-1', join(dirname(server.socket), 'data/postmaster.pid')], { encoding: 'utf8' }).trim();
  for (const of of [pid, ...execFileSync('pgrep', ['-P', pid], { encoding: 'utf8' }).split('\n').filter(Boolean)]) execFileSync('taskset', ['-a', '-p', '-c', String(core), of], { stdio: 'ignore' });
  return server;
}

export class Redis {
  static async start(t) {
    const server = new Redis();
    server.port = await freePort();
    server.work = t.work;
    t.after(() => server.stop());
    await server.start();
    return server;
  }
  async start() {
    this.child = await start(BETWEEN, ['redis-server', '--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.work, '--save', '', '--appendonly', 'no'], /Ready to accept/);
  }
  async stop() {
    if (this.child) await stop(this.child);
    this.child = null;
  }
  get pid() { return this.child.pid; }
  get url() { return `redis://127.0.0.1:${this.port}`; }
  cli(...words) { return execFileSync('redis-cli', ['-p', String(this.port), ...words], { encoding: 'utf8' }); }
  // { command: calls }, and in `bytes` what came in.
  counts() {
    const calls = Object.fromEntries([...this.cli('INFO', 'commandstats').matchAll(/cmdstat_(\S+):calls=(\d+)/g)].map(([, name, n]) => [name, Number(n)]));
    return { calls, bytes: Number(/total_net_input_bytes:(\d+)/.exec(this.cli('INFO', 'stats'))[1]) };
  }
  channels() { return Number(/pubsub_channels:(\d+)/.exec(this.cli('INFO', 'stats'))[1]); }
  // A client that listens to a channel and throws away what comes.
  listen(channel) {
    const socket = connect(this.port, '127.0.0.1');
    socket.on('data', () => {});
    socket.write(`SUBSCRIBE ${channel}\r\n`);
    return () => socket.destroy();
  }
}

// How a client talks: `hello` first, then the others when that was answered. A frame may hold several lines.
const foyers = {
  path: '/ws/chat', protocols: ['foyer.v1'], ping: '',
  hello: (user) => JSON.stringify({ type: 'authenticate', token: token(user, ofFoyer) }), admitted: '"authentication_success"',
  join: (id, room) => JSON.stringify({ type: 'join', id, room }), joined: '"type":"joined"',
  say: (id, room, text) => `{"type":"chat","id":${id},"room":"${room}","message":"${text}"}`, said: '"type":"sent"', heard: '"type":"message"',
};
const centrifugos = {
  path: '/connection/websocket', protocols: [], ping: '{}',
  hello: (user) => JSON.stringify({ id: 1, connect: { token: token(user, {}) } }), admitted: '"connect":',
  join: (id, room) => JSON.stringify({ id, subscribe: { channel: room } }), joined: '"subscribe":',
  say: (id, room, text) => `{"id":${id},"publish":{"channel":"${room}","data":{"text":"${text}"}}}`, said: '"publish":', heard: '"push":',
};

// { pids, urls, speak }
export async function foyer(t, { binary, count = 2, url, bus = '', core = 0 }) {
  const env = { DATABASE_URL: url, STORE_KEY, FOYER_NODES: 'many', ...(bus ? { BUS_URL: bus } : {}) };
  const nodes = { pids: [], urls: [], speak: foyers };
  for (let i = 0; i < count; i += 1) {
    const port = await freePort();
    const { child } = await startFoyer(binary, port, t.work, env, { core, args: [...wide, ...(bus ? ['--non-durable-rooms', 'live-*'] : [])] });
    t.after(() => stop(child));
    nodes.pids.push(child.pid);
    nodes.urls.push(`ws://127.0.0.1:${port}${foyers.path}`);
  }
  return nodes;
}

export async function centrifugo(t, { binary, bus, history, core = 0 }) {
  const nodes = { pids: [], urls: [], speak: centrifugos };
  for (let i = 0; i < 2; i += 1) {
    const port = await freePort();
    const file = join(t.work, `centrifugo-${port}.json`);
    writeFileSync(file, JSON.stringify({
      http_server: { address: '127.0.0.1', port: String(port) },
      client: { allowed_origins: ['*'], token: { hmac_secret_key: secret } },
      channel: { without_namespace: { allow_subscribe_for_client: true, allow_publish_for_client: true, ...(history ? { history_size: 300, history_ttl: '3600s' } : {}) } },
      engine: { type: 'redis', redis: { address: bus } }, log: { level: 'info' } }));
    const child = await start(core, [binary, '--config', file]);
    t.after(() => stop(child));
    await listening(port);
    nodes.pids.push(child.pid);
    nodes.urls.push(`ws://127.0.0.1:${port}${centrifugos.path}`);
  }
  return nodes;
}
