// One server on core 0, one client on core 1: what the benches here start, and how they measure it.
import { execFileSync, spawn } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = dirname(fileURLToPath(import.meta.url));
export const top = join(here, '../..');
export const bin = join(top, 'build/release/tests/bench');
export const secret = 'a-secret-for-benchmarks-only-0123456789abcdef';
export const open = Number(execFileSync('bash', ['-c', 'ulimit -Hn']).toString().replace('unlimited', '1048576'));

export function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

export async function listening(port) {
  for (let tries = 0; tries < 200; tries += 1) {
    const there = await new Promise((resolve) => {
      const probe = connect({ port, host: '127.0.0.1' }, () => { probe.destroy(); resolve(true); });
      probe.on('error', () => resolve(false));
    });
    if (there) return;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  throw new Error(`nothing listens on ${port}`);
}

// HS256, for an hour. ofFoyer: what startFoyer's servers want to see in it.
const base64url = (value) => Buffer.from(value).toString('base64url');
export const ofFoyer = { iss: 'foyer-bench', aud: 'foyer', client_id: 'foyer-bench', scope: 'chat:read chat:write' };
export function token(user, extra) {
  const now = Math.floor(Date.now() / 1000);
  const signed = `${base64url('{"alg":"HS256","typ":"at+jwt"}')}.${base64url(JSON.stringify({ sub: user, iat: now, exp: now + 3600, jti: randomUUID(), ...extra }))}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

// Of all its threads, user and system, in ticks of 10 ms.
export function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

// core: one, or several as taskset writes them.
const pinned = (core, command, ...rest) => ['bash', ['-c', `ulimit -n ${open}; exec taskset -c ${core} "$@"`, 'bench', command, ...rest]];

export function start(core, [command, ...rest], ready, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(...pinned(core, command, ...rest), { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    const hear = (data) => {
      said = (said + data).slice(-20000);
      if (ready && ready.test(said)) resolve(child);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('exit', (code) => reject(new Error(`${command} ended with ${code}:\n${said}`)));
    if (!ready) setTimeout(() => resolve(child), 150);
  });
}

export function stop(child) {
  return new Promise((resolve) => {
    child.removeAllListeners('exit');
    const patience = setTimeout(() => child.kill('SIGKILL'), 15000);
    child.on('exit', () => { clearTimeout(patience); resolve(); });
    child.kill('SIGTERM');
  });
}

export function load(mode, options) {
  return new Promise((resolve, reject) => {
    const list = Object.entries(options).flatMap(([k, v]) => [`--${k}`, String(v)]);
    const child = spawn(...pinned(1, join(bin, 'bench_load'), mode, ...list), { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '', err = '';
    child.stdout.on('data', (d) => { out += d; });
    child.stderr.on('data', (d) => { err += d; });
    child.on('exit', (code) => (code === 0 ? resolve(JSON.parse(out)) : reject(new Error(err || `bench_load ended with ${code}`))));
  });
}

// Foyer with one loop and limits out of the way; its data in a new folder of `work`.
export async function startFoyer(binary, port, work, env = {}, { core = 0, args = ['--non-durable-rooms', 'live-*'] } = {}) {
  const data = mkdtempSync(join(work, 'data-'));
  const child = await start(core, [binary, 'serve', '--listen', `127.0.0.1:${port}`, '--data', data, '--loops', '1', '--log-level', 'info',
    ...args, '--address-connections', '100000', '--address-handshakes', '100000000', '--connect-rate', '100000000',
    '--messages-per-s', '100000000', '--messages-burst', '100000000', '--bytes-per-s', '1024MiB', '--bytes-burst', '1024MiB', '--user-connections', '100000'],
  /"event":\s*"listening"/, { ENVIRONMENT: 'test', JWT_SECRET_KEY: secret, SERVICE_SECRET: 'another-secret-for-benchmarks-0123456789abcdef', JWT_ISSUER: 'foyer-bench', ...env });
  return { child, speak: { secret } };
}

export const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

// The middle of the ratios of pairs, and the interval in which 95 % of the middles of redrawn samples lie.
export function middle(a, b) {
  const ratios = a.map((value, i) => value / b[i]);
  let state = 1;
  const draw = () => { state = (Math.imul(state, 1103515245) + 12345) >>> 0; return ratios[Math.floor(state / 65536) % ratios.length]; };
  const middles = Array.from({ length: 4000 }, () => median(ratios.map(draw))).sort((x, y) => x - y);
  return `${median(ratios).toFixed(3)} [${middles[100].toFixed(3)}, ${middles[3900].toFixed(3)}] of ${ratios.length}`;
}

// The npm packages of peers and clients, as package-lock.json has them.
export function installPeers() {
  mkdirSync(join(top, 'build/bench'), { recursive: true });
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) cpSync(join(here, name), join(top, 'build/bench', name));
  if (!existsSync(join(top, 'build/bench/node_modules/ws'))) execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: join(top, 'build/bench'), stdio: 'inherit' });
  return join(top, 'build/bench/node_modules');
}
