// A primary, a replica and three sentinels of one's own, as processes on loopback, gone at the end of the test.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { atEnd, freePort, run } from './foyer.mjs';
import { Redis } from './redis.mjs';
import { until, within } from './within.mjs';

export const NAME = 'main';
const living = new Set();
process.on('exit', () => { for (const child of living) { try { process.kill(child.pid, 'SIGKILL'); } catch { /* ended */ } } });

// How many nodes listen at this server.
export async function listeners(redis) {
  const channels = (await redis.cli('PUBSUB', 'CHANNELS', 'foyer:*control')).split('\n')[0];
  return channels === '' ? 0 : Number((await redis.cli('PUBSUB', 'NUMSUB', channels)).split('\n')[1]);
}

class Sentinel {
  #dir = fs.mkdtempSync(path.join(os.tmpdir(), 'foyer-sentinel-'));
  #child = null;
  #gone = null;
  #password;
  #tls;

  static async start(t, { primary, lines = [], password = '', tls = null }) {
    const sentinel = new Sentinel();
    sentinel.#password = password;
    sentinel.#tls = tls;
    sentinel.port = await freePort();
    fs.writeFileSync(`${sentinel.#dir}/sentinel.conf`, [
      ...(tls ? ['port 0', `tls-port ${sentinel.port}`, `tls-cert-file ${tls.certificate}`, `tls-key-file ${tls.key}`, `tls-ca-cert-file ${tls.ca}`, 'tls-auth-clients no', 'tls-replication yes'] : [`port ${sentinel.port}`]),
      'bind 127.0.0.1', `dir ${sentinel.#dir}`, `logfile ${sentinel.#dir}/log`, ...(password === '' ? [] : [`requirepass ${password}`]),
      `sentinel monitor ${NAME} 127.0.0.1 ${primary.port} 2`, `sentinel down-after-milliseconds ${NAME} 1500`, `sentinel failover-timeout ${NAME} 10000`, ...lines, ''].join('\n'));
    atEnd(t, async () => {
      await sentinel.kill9();
      fs.rmSync(sentinel.#dir, { recursive: true, force: true });
    });
    await sentinel.start();
    return sentinel;
  }

  // With what it has written down itself.
  async start() {
    const child = spawn('redis-server', [`${this.#dir}/sentinel.conf`, '--sentinel'], { stdio: 'ignore' });
    this.#child = child;
    living.add(child);
    this.#gone = new Promise((resolve) => { child.on('close', () => { living.delete(child); resolve(); }); });
    await until('a sentinel to answer', async () => (await this.cli('PING').catch(() => '')) === 'PONG', 60_000);
  }
  async kill9() {
    if (this.#child === null) return;
    this.#child.kill('SIGKILL');
    this.#child = null;
    await within('a sentinel to end', this.#gone);
  }
  async cli(...words) {
    const login = this.#password === '' ? [] : ['--no-auth-warning', '-a', this.#password];
    const encrypted = this.#tls ? ['--tls', '--cacert', this.#tls.ca] : [];
    return (await run('redis-cli', ['-p', this.port, ...encrypted, ...login, ...words].map(String))).trim();
  }
  // The fields of SENTINEL MASTER.
  async master() {
    const words = (await this.cli('SENTINEL', 'MASTER', NAME)).split('\n');
    return Object.fromEntries(words.flatMap((word, i) => (i % 2 === 0 ? [[word, words[i + 1]]] : [])));
  }
}

export class Watched {
  // `password`: of the sentinels. `secret`: of the servers, which the sentinels do not know; without it this waits until
  // the sentinels know each other and the replica.
  // tls: of Redis.start(), for servers and sentinels.
  static async start(t, { lines = [], password = '', secret = '', tls = null } = {}) {
    const watched = new Watched();
    const more = [...(tls ? ['--tls-replication', 'yes'] : []), '--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1'];
    watched.first = await Redis.start(t, { tls, args: more });
    watched.second = await Redis.start(t, { tls, args: [...more, '--replicaof', '127.0.0.1', watched.first.port] });
    if (secret !== '') {
      for (const word of ['masterauth', 'requirepass']) for (const each of [watched.second, watched.first]) await each.cli('CONFIG', 'SET', word, secret);
    }
    watched.sentinels = await Promise.all([1, 2, 3].map(() => Sentinel.start(t, { primary: watched.first, lines, password, tls })));
    watched.url = `${tls ? 'rediss' : 'redis'}+sentinel://${watched.sentinels.map((s) => `127.0.0.1:${s.port}`).join(',')}/${NAME}${password === '' ? '' : `?sentinel_password=${password}`}`;
    if (secret !== '') return watched;
    await until('the replica to have its copy', async () => /master_link_status:up/.test(await watched.second.cli('INFO', 'replication')), 60_000);
    await until('the sentinels to know each other', async () => (await Promise.all(watched.sentinels.map((s) => s.master())))
      .every((m) => m['num-other-sentinels'] === '2' && m['num-slaves'] === '1' && m.flags === 'master'), 60_000);
    return watched;
  }
}
