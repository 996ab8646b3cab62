// Clients that other people wrote, unmodified, against our server: each plays the same plans
// (interop/standard.mjs says what a plan is) and tells what it saw.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import tls from 'node:tls';
import { rounds, servers } from './interop/rounds.mjs';
import { play as standard } from './interop/standard.mjs';
import { play as ws } from './interop/with_ws.mjs';
import { fileScope, temporary } from './support/foyer.mjs';
import { PATIENCE_MS, within } from './support/within.mjs';

const HERE = path.join(import.meta.dirname, 'interop');

const file = fileScope(after);
let lws; // the C client, compiled
let at;
before(async () => {
  lws = path.join(temporary(file), 'with_lws');
  execFileSync('gcc', ['-O1', '-o', lws, path.join(HERE, 'with_lws.c'), '-lwebsockets', '-lcrypto']);
  at = await servers(file);
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), fs.readFileSync(at.authority, 'utf8')]); // Node's WebSocket takes no other
});

// Runs a program with the plan on its input; its output are the events.
const program = (command, args, input, read) => within(command, new Promise((resolve, reject) => {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => { out += text; });
  child.stderr.setEncoding('utf8').on('data', (text) => { err += text; });
  child.on('error', reject);
  child.on('close', (code) => { try { assert.equal(code, 0); resolve(read(out)); } catch { reject(new Error(`${command} ended with ${code}: ${out}\n${err}`)); } });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS).unref();
}), 2 * PATIENCE_MS);

const python = (script) => (url, plan) => program('/usr/bin/python3', [path.join(HERE, script), url], JSON.stringify(plan), JSON.parse);

const hex = (base64) => Buffer.from(base64, 'base64').toString('hex');
function playLws(url, plan) {
  const to = new URL(url);
  const lines = plan.steps.map(([what, ...args]) => (what === 'send' ? `${args[0]} ${args[2] ?? 0} ${hex(args[1])}` : [what, ...args].join(' ')));
  return program(lws, [to.hostname, to.port, to.pathname, plan.protocols.join(', '), plan.headers?.Authorization ?? '', plan.compression ? 'deflate' : 'plain', plan.ca ?? ''],
    `${lines.join('\n')}\n`, (out) => out.trim().split('\n').map((line) => JSON.parse(line)).map((event) => (event[0] === 'said' ? ['said', JSON.stringify(event[1])] : event)));
}

for (const client of [
  { name: 'python3-websockets', play: python('with_websockets.py'), plain: true, fragments: true, headers: true },
  { name: 'python3-autobahn', play: python('with_autobahn.py'), plain: true, fragments: true, headers: true },
  { name: 'npm ws', play: (...plan) => within('npm ws', ws(...plan)), plain: true, fragments: true, headers: true },
  // On a connection with permessage-deflate it reads a Pong or a message that is not packed again and again
  // (seen in 4.1, its issue 2794).
  { name: 'libwebsockets', play: playLws, plain: true, fragments: true, headers: true, silent: true, mixed: false },
  { name: 'Node’s own WebSocket', play: (...plan) => within('Node', standard(...plan)), headers: true, told_by_close: true },
]) rounds(client, () => at);
