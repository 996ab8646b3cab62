// A PostgreSQL server of one's own for a test file: in a temporary directory, on a
// unix socket only, killed and started as the test says, gone at its end.
// PostgreSQL refuses to run as root: then it runs as the user `postgres`.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { atEnd, isRoot, run } from './foyer.mjs';
import { until, within } from './within.mjs';

// The newest installed, where Debian puts them; else what PATH has.
function program(name) {
  const root = '/usr/lib/postgresql';
  const versions = fs.existsSync(root) ? fs.readdirSync(root).map(Number).filter(Boolean).sort((a, b) => b - a) : [];
  return versions.length ? path.join(root, String(versions[0]), 'bin', name) : name;
}

const postgresId = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
const living = new Set();
process.on('exit', () => { for (const child of living) { try { process.kill(child.pid, 'SIGQUIT'); } catch { /* ended */ } } });

export class Postgres {
  #as = isRoot ? { uid: postgresId('-u'), gid: postgresId('-g') } : {};
  #dir = fs.mkdtempSync(path.join(os.tmpdir(), 'foyer-pg-'));
  #child = null;
  #words = '';
  #databases = 0;

  // Ends with `t`.
  static async start(t) {
    const server = new Postgres();
    atEnd(t, () => server.#end());
    if (isRoot) fs.chownSync(server.#dir, server.#as.uid, server.#as.gid);
    await new Promise((resolve, reject) => {
      const initdb = spawn(program('initdb'), ['--pgdata', server.#data, '--username=postgres', '--auth=trust', '--encoding=UTF8', '--no-locale', '--no-sync'], { ...server.#as, cwd: '/', stdio: ['ignore', 'ignore', 'inherit'] });
      initdb.on('error', reject);
      initdb.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`initdb ended with ${code}`))));
    });
    await server.start();
    return server;
  }

  // A copy of this server that follows it, and can be promoted. Ends with `t`.
  async standby(t, name = 'standby') {
    const standby = new Postgres();
    atEnd(t, () => standby.#end());
    if (isRoot) fs.chownSync(standby.#dir, standby.#as.uid, standby.#as.gid);
    await new Promise((resolve, reject) => {
      const copy = spawn(program('pg_basebackup'), ['--pgdata', standby.#data, '--dbname', `host=${this.#dir} user=postgres application_name=${name}`, '--write-recovery-conf', '--wal-method=stream', '--checkpoint=fast', '--no-sync'],
        { ...this.#as, cwd: '/', stdio: ['ignore', 'ignore', 'inherit'] });
      copy.on('error', reject);
      copy.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`pg_basebackup ended with ${code}`))));
    });
    await standby.start();
    return standby;
  }

  // As a standby: has everything that the other one has committed.
  async hasCaughtUp(primary) {
    const end = await primary.sql('SELECT pg_current_wal_lsn()');
    await until('the standby to catch up', async () => (await this.sql(`SELECT pg_last_wal_replay_lsn() >= '${end}'::pg_lsn`)) === 't');
  }

  // As a standby: hears nothing more of its primary.
  async fallBehind() {
    await this.sql("ALTER SYSTEM SET primary_conninfo = ''");
    await this.sql('SELECT pg_reload_conf()');
    await until('the standby to be on its own', async () => (await this.sql('SELECT count(*) FROM pg_stat_wal_receiver')) === '0');
  }
  async promote() { await this.sql('SELECT pg_promote(true, 60)'); }

  // A setting for all sessions that begin from now on, and those that look again.
  async set(name, value) {
    await this.sql(`ALTER SYSTEM SET ${name} = '${value}'`);
    await this.sql('SELECT pg_reload_conf()');
    await until(`${name} to be ${value}`, async () => (await this.sql(`SHOW ${name}`)) !== '' && (await this.sql(`SELECT setting IS NOT DISTINCT FROM '${value}' FROM pg_file_settings WHERE name = '${name}' ORDER BY seqno DESC LIMIT 1`)) === 't');
  }

  // One URL for the same database on this server and on others; the one that takes changes is used.
  urlWith(others, url) {
    const database = /@\/(\w+)/.exec(url)[1];
    return `postgresql://postgres@/${database}?host=${[this, ...others].map((server) => server.#dir).join(',')}`;
  }

  get #data() { return path.join(this.#dir, 'data'); }

  get socket() { return path.join(this.#dir, '.s.PGSQL.5432'); }

  url(database) { return `postgresql://postgres@/${database}?host=${this.#dir}`; }

  // The URL of a new, empty database.
  async fresh() {
    this.#databases += 1;
    await this.sql(`CREATE DATABASE test_${this.#databases}`);
    return this.url(`test_${this.#databases}`);
  }

  // The same database over TCP, through a relay that can lose what the server answers:
  // after lose(TEXT) the connection on which TEXT is written ends once its COMMIT was passed on.
  async relay(t, url) {
    let marker = null;
    let away = false;         // whoever comes now is turned away
    const sockets = new Set();
    const relay = net.createServer((client) => {
      if (away) { client.destroy(); return; }
      const server = net.connect(this.socket);
      let marked = false;
      let losing = false;
      for (const socket of [client, server]) {
        sockets.add(socket);
        socket.on('error', () => {}).on('close', () => { sockets.delete(socket); client.destroy(); server.destroy(); });
      }
      client.on('data', (data) => {
        if (marker !== null && data.includes(marker)) { marked = true; marker = null; }
        server.write(data);
        if (!marked || !/COMMIT(?!TED)/.test(data.toString('latin1'))) return; // not READ COMMITTED
        losing = true;
        setTimeout(() => client.destroy(), 200);
      });
      server.on('data', (data) => { if (!losing) client.write(data); });
    });
    await new Promise((resolve) => { relay.listen(0, '127.0.0.1', resolve); });
    atEnd(t, () => { relay.close(); for (const socket of sockets) socket.destroy(); });
    return {
      url: `postgresql://postgres@127.0.0.1:${relay.address().port}/${/@\/(\w+)/.exec(url)[1]}`,
      lose: (text) => { marker = text; },
      // Nobody is let in any more, and whoever is in is cut off; or they are let in again.
      goAway: () => { away = true; for (const socket of sockets) socket.destroy(); },
      comeBack: () => { away = false; },
    };
  }

  async sql(statements, url = this.url('postgres')) {
    return (await run(program('psql'), ['--no-psqlrc', '--tuples-only', '--no-align', '--set=ON_ERROR_STOP=1', `--dbname=${url}`, `--command=${statements}`])).trim();
  }

  // A transaction that has a number and stays open. Ends with `t`.
  async holdOpen(t, url) {
    const session = spawn(program('psql'), ['--no-psqlrc', '--quiet', '--tuples-only', '--no-align', `--dbname=${url}`], { stdio: ['pipe', 'pipe', 'inherit'] });
    living.add(session);
    const over = new Promise((resolve) => { session.on('exit', resolve); }).then(() => living.delete(session));
    atEnd(t, () => { session.stdin.end(); return within('psql to end', over); });
    const begun = new Promise((resolve) => { session.stdout.once('data', resolve); });
    session.stdin.write('BEGIN;\nSELECT pg_current_xact_id();\n');
    await within('the transaction to begin', begun);
  }

  // Until it accepts connections. After kill9() the last of the old server's children may
  // still hold its memory: then it is tried again.
  async start() {
    await until(`PostgreSQL to accept connections; it said: ${this.#words}`, () => {
      if (this.#child === null) this.#spawn();
      return this.#ready();
    }, 60_000);
  }

  #spawn() {
    const settings = ['listen_addresses=', 'max_connections=60', 'shared_buffers=16MB', 'dynamic_shared_memory_type=mmap', 'autovacuum=off', 'recovery_init_sync_method=syncfs'];
    const child = spawn(program('postgres'), ['-D', this.#data, '-k', this.#dir, ...settings.flatMap((s) => ['-c', s])], { ...this.#as, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { this.#words = (this.#words + text).slice(-4_000); });
    this.#child = child;
    living.add(child);
    child.ended = new Promise((resolve) => {
      child.on('error', (error) => { this.#words += error.message; resolve(); });
      child.on('exit', resolve);
    }).then(() => { living.delete(child); if (this.#child === child) this.#child = null; });
  }

  // The first line of the server's pid file is whose it is (a killed one leaves its own), the eighth how it is.
  #ready() {
    let lines;
    try { lines = fs.readFileSync(path.join(this.#data, 'postmaster.pid'), 'utf8').split('\n'); } catch { return false; }
    return this.#child !== null && lines[0] === String(this.#child.pid) && lines[7]?.startsWith('ready');
  }

  async #stop(signal) {
    const child = this.#child;
    if (!child) return;
    child.kill(signal);
    await within('PostgreSQL to end', child.ended);
  }
  kill9() { return this.#stop('SIGKILL'); }             // nobody is told
  crash() { return this.#stop('SIGQUIT'); }             // as `pg_ctl stop -m immediate`
  stop() { return this.#stop('SIGINT'); }               // as `pg_ctl stop -m fast`

  // No process of the server runs any more, until thaw().
  freeze() { for (const pid of this.#processes()) process.kill(pid, 'SIGSTOP'); }
  thaw() { for (const pid of this.#processes()) process.kill(pid, 'SIGCONT'); }
  #processes() {
    const children = fs.readFileSync(`/proc/${this.#child.pid}/task/${this.#child.pid}/children`, 'utf8');
    return [this.#child.pid, ...children.split(' ').filter(Boolean).map(Number)];
  }

  async #end() {
    await this.crash();
    fs.rmSync(this.#dir, { recursive: true, force: true, maxRetries: 20 });
  }
}
