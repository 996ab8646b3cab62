// A Redis server of one's own for a test file: on a port of loopback, everything in memory, killed, stopped and started
// as the test says, gone at its end.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { atEnd, freePort, run } from './foyer.mjs';
import { Inbox, until, within } from './within.mjs';

const living = new Set();
process.on('exit', () => { for (const child of living) { try { process.kill(child.pid, 'SIGKILL'); } catch { /* ended */ } } });

const command = (...words) => Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...words.flatMap((word) => [Buffer.from(`$${Buffer.byteLength(word)}\r\n`), Buffer.from(word), Buffer.from('\r\n')])]);

// The first reply in these bytes, an array of texts and numbers, and where it ends; null: it is not there yet.
function replyOf(bytes) {
  let at = 0;
  const line = () => {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return null;
    const text = bytes.toString('latin1', at, end);
    at = end + 2;
    return text;
  };
  const items = [];
  let left = 1;
  for (let first = true; left > 0; first = false, left -= 1) {
    const head = line();
    if (head === null) return null;
    if (first) { left = Number(head.slice(1)) + 1; continue; }
    if (head[0] === ':') { items.push(head.slice(1)); continue; }
    const size = Number(head.slice(1));
    if (bytes.length < at + size + 2) return null;
    items.push(bytes.subarray(at, at + size));
    at += size + 2;
  }
  return { items, end: at };
}

export class Redis {
  #dir = fs.mkdtempSync(path.join(os.tmpdir(), 'foyer-redis-'));
  #child = null;
  #gone = null;
  #arguments;
  #tls;

  // Ends with `t`. tls: { certificate, key, ca }, files.
  static async start(t, { args = [], tls = null } = {}) {
    const server = new Redis();
    server.#arguments = args;
    server.#tls = tls;
    server.port = await freePort();
    atEnd(t, async () => {
      await server.kill9();
      fs.rmSync(server.#dir, { recursive: true, force: true });
    });
    await server.start();
    return server;
  }

  get url() { return `${this.#tls ? 'rediss' : 'redis'}://127.0.0.1:${this.port}`; }
  urlFor(user, password) { return `redis://${user}:${password}@127.0.0.1:${this.port}`; }

  async start() {
    const port = this.#tls
      ? ['--port', '0', '--tls-port', this.port, '--tls-cert-file', this.#tls.certificate, '--tls-key-file', this.#tls.key, '--tls-ca-cert-file', this.#tls.ca, '--tls-auth-clients', 'no']
      : ['--port', this.port];
    const child = spawn('redis-server', [...port, '--bind', '127.0.0.1', '--dir', this.#dir, '--unixsocket', `${this.#dir}/socket`, '--save', '', '--appendonly', 'no', '--rdb-del-sync-files', 'yes', '--logfile', `${this.#dir}/log`, ...this.#arguments].map(String), { stdio: 'ignore' });
    this.#child = child;
    living.add(child);
    this.#gone = new Promise((resolve) => { child.on('close', () => { living.delete(child); resolve(); }); });
    await until('redis-server to answer', async () => (await this.cli('PING').catch(() => '')) === 'PONG', 60_000);
  }

  // Empty when it is started again, on the same port, unless its arguments let it keep a file.
  kill9() { return this.#end('SIGKILL'); }
  stop() { return this.#end('SIGTERM'); }
  async #end(signal) {
    if (this.#child === null) return;
    this.#child.kill(signal);
    this.#child = null;
    await within('redis-server to end', this.#gone);
  }
  freeze() { this.#child.kill('SIGSTOP'); }
  thaw() { this.#child.kill('SIGCONT'); }
  // What is published on a channel from now on, as bytes. Ends with `t`.
  async hear(t, channel) {
    const socket = net.connect(`${this.#dir}/socket`);
    atEnd(t, () => socket.destroy());
    const heard = new Inbox(`the channel ${channel}`);
    let seen = Buffer.alloc(0);
    const subscribed = new Promise((resolve) => {
      socket.on('data', (data) => {
        seen = Buffer.concat([seen, data]);
        for (let reply = replyOf(seen); reply !== null; reply = replyOf(seen)) {
          seen = seen.subarray(reply.end);
          if (reply.items[0].toString() === 'subscribe') resolve(); else heard.push(reply.items[2]);
        }
      });
    });
    socket.write(command('SUBSCRIBE', channel));
    await within('the subscription', subscribed);
    return heard;
  }
  // Bytes on a channel, as heard there.
  async tell(channel, bytes) {
    const socket = net.connect(`${this.#dir}/socket`);
    socket.write(command('PUBLISH', channel, bytes));
    await within('the answer to PUBLISH', new Promise((resolve) => { socket.once('data', resolve); }));
    socket.destroy();
  }
  async cli(...words) { return (await run('redis-cli', ['-s', `${this.#dir}/socket`, ...words.map(String)])).trim(); }
}
