// A Redis server of one's own for a test file: on a port of loopback, everything in memory, killed, stopped and started
// as the test says, gone at its end.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { atEnd, freePort, run } from './foyer.mjs';
import { until, within } from './within.mjs';

const living = new Set();
process.on('exit', () => { for (const child of living) { try { process.kill(child.pid, 'SIGKILL'); } catch { /* ended */ } } });

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
  async cli(...words) { return (await run('redis-cli', ['-s', `${this.#dir}/socket`, ...words.map(String)])).trim(); }
}
