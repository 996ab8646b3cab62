// The shipped binary as a process: started on a free port with data of its own,
// observed by its log and its exit, ended with the test.
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { invariantsOf } from './invariants.mjs';
import { Inbox, until, within } from './within.mjs';

export const BIN = path.resolve(process.env.FOYER_BIN ?? 'build/foyer');
export const ROOT = path.resolve(import.meta.dirname, '../../..');
export const SANITIZED = BIN.includes('/asan/');
const START_MS = SANITIZED ? 60_000 : 20_000;

const living = new Set();
process.on('exit', () => { for (const child of living) { try { process.kill(child.pid, 'SIGKILL'); } catch { /* ended */ } } });

// Only what a bare shell has, so that no FOYER_… or JWT_… of the caller gets in.
export function cleanEnv(extra = {}) {
  const env = {};
  for (const name of ['PATH', 'HOME', 'LC_ALL', 'ASAN_OPTIONS', 'UBSAN_OPTIONS']) if (process.env[name] !== undefined) env[name] = process.env[name];
  return { ...env, ...extra };
}

// What was begun last is ended first (t.after alone goes the other way).
const endings = new WeakMap();
export function atEnd(t, end) {
  if (!endings.has(t)) {
    endings.set(t, []);
    t.after(async () => { for (const each of endings.get(t).reverse()) await each(); });
  }
  endings.get(t).push(end);
}

export function temporary(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'foyer-test-'));
  atEnd(t, () => fs.rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

export const isRoot = process.getuid() === 0;
// As somebody whom file permissions bind (root is bound by none).
export const asNobody = isRoot ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs'] : [];

// The binary for a wrapped run: nobody may not be able to reach the working tree.
let reachable = null;
function binFor(wrap) {
  if (wrap !== asNobody || !isRoot) return BIN;
  if (!reachable) {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'foyer-bin-'));
    fs.chmodSync(dir, 0o755);
    reachable = path.join(dir, 'foyer');
    fs.copyFileSync(BIN, reachable);
    fs.chmodSync(reachable, 0o755);
    process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }));
  }
  return reachable;
}

// Stands for `t` where all tests of a file share a server: what it began ends after the last one.
export function fileScope(after) {
  const scope = { after: (end) => { scope.end = end; } };
  after(() => scope.end?.());
  return scope;
}

// `foyer check` looks at the address, too: not at the usual port, where anything may run.
const ofCheck = (args, env) => (args[0] === 'check' && !args.includes('--listen') && !args.includes('--config') ? { FOYER_LISTEN: '127.0.0.1:0', ...env } : env);

// Runs a command to its end: { code, signal, out, err }.
export function foyer(args, { env = {}, input, cwd, ms = START_MS, wrap = [] } = {}) {
  const [command, ...rest] = [...wrap, binFor(wrap), ...args];
  return within(`foyer ${args.join(' ')}`, new Promise((resolve, reject) => {
    const child = spawn(command, rest, { env: cleanEnv(ofCheck(args, env)), cwd, stdio: ['pipe', 'pipe', 'pipe'] });
    living.add(child);
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text) => { out += text; });
    child.stderr.setEncoding('utf8').on('data', (text) => { err += text; });
    child.on('error', reject);
    child.on('close', (code, signal) => { living.delete(child); resolve({ code, signal, out, err }); });
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
  }), ms);
}

// `foyer … --json`: { code, json }
export async function foyerJson(args, options) {
  const { code, out, err } = await foyer(args, options);
  try {
    return { code, json: JSON.parse(out), err };
  } catch {
    throw new Error(`foyer ${args.join(' ')} printed no JSON (exit ${code}): ${out}\n${err}`);
  }
}

class Foyer {
  log = [];                       // parsed lines
  text = '';                      // all that was printed
  lines = new Inbox('the log');

  constructor(child, data) {
    this.child = child;
    this.data = data;
    this.pid = child.pid;
    this.exited = new Promise((resolve) => {
      child.on('error', (error) => { this.text += `${error.message}\n`; resolve({ code: null, signal: error.code }); });
      child.on('close', (code, signal) => {
        living.delete(child);
        this.lines.end(`the server ended (${signal ?? code})`);
        resolve({ code, signal });
      });
    });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.text += `${line}\n`;
        let parsed;
        try { parsed = JSON.parse(line); } catch { parsed = { event: '', message: line }; }
        this.log.push(parsed);
        this.lines.push(parsed);
      });
    }
  }

  get alive() { return this.child.exitCode === null && this.child.signalCode === null; }

  // The next log line of this event (and with these fields).
  logged(event, fields = {}, ms) {
    return this.lines.take(`log line ${event} ${JSON.stringify(fields)}`, (line) => line.event === event && Object.entries(fields).every(([k, v]) => line[k] === v), ms);
  }

  async ended(ms) { return within('the server to end', this.exited, ms); }

  // SIGTERM: a drain. Returns { code, signal }.
  terminate() {
    this.child.kill('SIGTERM');
    return this.ended();
  }

  async kill9() {
    this.child.kill('SIGKILL');
    return this.ended();
  }
}

function spawnFoyer(args, { env, wrap = [], cwd }, data) {
  const [command, ...rest] = [...wrap, binFor(wrap), ...args];
  const child = spawn(command, rest, { env: cleanEnv(env), cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  living.add(child);
  return new Foyer(child, data);
}

// Does it while no thread of the server runs: what arrives meanwhile is there at once when it goes on.
export async function whileStopped({ pid }, act) {
  process.kill(pid, 'SIGSTOP');
  try {
    const threads = () => fs.readdirSync(`/proc/${pid}/task`).map((id) => fs.readFileSync(`/proc/${pid}/task/${id}/status`, 'utf8'));
    await until('every thread to stop', () => threads().every((status) => /^State:\s+T/m.test(status)));
    await act();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

// A port that was free a moment ago, below those that the system gives to whoever asks for any:
// it is still free when a server starts there, or starts there again.
export async function freePort() {
  for (let tries = 0; ; tries += 1) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = net.createServer();
    try {
      await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
    } catch (error) {
      if (error.code !== 'EADDRINUSE' || tries > 100) throw error;
      continue;
    }
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

// A running server. Options: data (kept by the caller), args, env, dev, wrap (a command
// in front), statusFile (says where DATA/foyer.json is seen from here).
export async function serve(t, { data = temporary(t), args = [], env = {}, dev = true, wrap, listen = '127.0.0.1:0', statusFile = () => path.join(data, 'foyer.json'), history = data } = {}) {
  const before = statusIn(statusFile)?.started; // of a process that was killed
  const node = spawnFoyer(['serve', ...(dev ? ['--dev'] : []), '--data', data, '--listen', listen, ...args], { env, wrap }, data);
  node.invariants = invariantsOf(history); // nodes on one database have one
  atEnd(t, async () => {
    if (node.alive) await node.kill9();
    node.invariants.verdict();
    if (SANITIZED && /ERROR: (Address|Leak|Thread)Sanitizer|runtime error:/.test(node.text)) throw new Error(`the sanitizer spoke:\n${node.text.slice(-8_000)}`);
  });
  const status = await within('DATA/foyer.json', Promise.race([
    fileAppears(statusFile, node, before),
    node.exited.then(({ code, signal }) => { throw new Error(`the server ended (${signal ?? code}) before it listened:\n${node.text}`); }),
  ]), START_MS);
  Object.assign(node, { status, url: status.url, port: status.port, host: status.host, origin: status.url });
  return node;
}

// A start that must fail: { code, text, log }.
export async function serveFails(t, { data = temporary(t), args = [], env = {}, dev = true, listen = '127.0.0.1:0', wrap, cwd } = {}) {
  const node = spawnFoyer(['serve', ...(dev ? ['--dev'] : []), '--data', data, ...(listen ? ['--listen', listen] : []), ...args], { env, wrap, cwd }, data);
  atEnd(t, async () => { if (node.alive) await node.kill9(); });
  const { code, signal } = await node.ended(START_MS);
  return { code, signal, text: node.text, log: node.log };
}

// The file is renamed into place, so once it is there it is whole. One that an earlier
// process left behind (kill -9) is told by its time of start, `before`.
const statusIn = (file) => { try { return JSON.parse(fs.readFileSync(file(), 'utf8')); } catch { return null; } };
function fileAppears(file, node, before) {
  return new Promise((resolve) => {
    const look = () => {
      const status = statusIn(file);
      if (!status || status.started === before) return;
      clearInterval(looking);
      resolve(status);
    };
    const looking = setInterval(look, 20);
    node.exited.then(() => clearInterval(looking));
  });
}

export function run(command, args) {
  return new Promise((resolve, reject) => execFile(command, args, (error, out, err) => error ? reject(Object.assign(error, { out, err })) : resolve(out)));
}
