// Starting, listening, ending.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { asNobody, foyer, isRoot, run, serve, serveFails, temporary } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { arrive } from './support/people.mjs';

const codes = (failed) => failed.text;

test('DATA/foyer.json says where and what it is, once it listens, and is gone after a clean end', async (t) => {
  const node = await serve(t);
  const { pid, roles, url, ws_url: wsUrl, host, port, started, version, build } = node.status;
  assert.equal(pid, node.pid);
  assert.deepEqual([...roles].sort(), ['auth', 'gateway']);
  assert.deepEqual([url, wsUrl, host], [`http://127.0.0.1:${port}`, `ws://127.0.0.1:${port}/ws/chat`, '127.0.0.1']);
  assert.ok(port > 0);
  assert.match(started, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(version, fs.readFileSync('VERSION', 'utf8').trim());
  assert.notEqual(build, '');
  assert.equal(fs.statSync(path.join(node.data, 'foyer.json')).mode & 0o077, 0);
  assert.equal((await ask(node, 'GET', '/health')).status, 200);
  assert.deepEqual(await node.terminate(), { code: 0, signal: null });
  assert.equal(fs.existsSync(path.join(node.data, 'foyer.json')), false);
});

test('log lines are JSON with time, level, event and message; `listening` adds url, host and port', async (t) => {
  const node = await serve(t);
  const line = await node.logged('listening');
  assert.deepEqual([line.url, line.host, line.port, line.level], [node.url, '127.0.0.1', node.port, 'info']);
  await node.terminate();
  for (const each of node.log) {
    assert.match(each.time ?? '', /^\d{4}-\d\d-\d\dT/, JSON.stringify(each));
    for (const field of ['level', 'event', 'message']) assert.equal(typeof each[field], 'string', JSON.stringify(each));
  }
});

test('--log-format text writes for people', async (t) => {
  const node = await serve(t, { args: ['--log-format', 'text'] });
  await node.terminate();
  assert.match(node.text, /listening/);
  assert.doesNotMatch(node.text, /^\{/m);
});

test('a later option wins', async (t) => {
  const node = await serve(t, { args: ['--log-format', 'text', '--log-format', 'json'] });
  await node.logged('listening');
});

test('a port in use is LISTEN_ADDRESS_IN_USE, and the other server does not notice', async (t) => {
  const first = await serve(t);
  const ann = await arrive(first, 'ann');
  const failed = await serveFails(t, { listen: `127.0.0.1:${first.port}` });
  assert.equal(failed.code, 1);
  assert.match(codes(failed), /LISTEN_ADDRESS_IN_USE/);
  assert.match(failed.text, new RegExp(String(first.port)));
  assert.equal((await ann.ask('ping')).type, 'pong');
});

test('a data directory in use is DATA_IN_USE', async (t) => {
  const first = await serve(t);
  const failed = await serveFails(t, { data: first.data });
  assert.equal(failed.code, 1);
  assert.match(failed.text, /DATA_IN_USE/);
  assert.equal((await ask(first, 'GET', '/health/live')).status, 200);
});

test('a data directory without rights is DATA_UNWRITABLE', async (t) => {
  const data = temporary(t);
  fs.chmodSync(data, 0o500);
  const failed = await serveFails(t, { data: path.join(data, 'inner'), wrap: asNobody });
  fs.chmodSync(data, 0o700);
  assert.equal(failed.code, 1);
  assert.match(failed.text, /DATA_UNWRITABLE/);
  assert.match(failed.text, new RegExp(data));
});

test('a data directory belongs to one environment', async (t) => {
  const data = temporary(t);
  await (await serve(t, { data })).terminate();
  const failed = await serveFails(t, { data, dev: false, env: { ENVIRONMENT: 'test', SERVICE_SECRET: 'w8Jk2-Lm5Np7Qr9St1Uv3Wx6Yz0Ab4Cd', JWT_SECRET_KEY: 'e3Fg6-Hj9Kl2Mn5Pq8Rs1Tu4Vw7Xy0Za' } });
  assert.equal(failed.code, 1);
  assert.match(failed.text, /DATA_ENVIRONMENT_MISMATCH/);
});

test('development on an address that is not loopback is DEVELOPMENT_EXPOSED unless it is allowed', async (t) => {
  const failed = await serveFails(t, { listen: '0.0.0.0:0' });
  assert.equal(failed.code, 1);
  assert.match(failed.text, /DEVELOPMENT_EXPOSED/);
  const node = await serve(t, { listen: '0.0.0.0:0', args: ['--allow-exposed-development', 'true'] });
  assert.ok(node.port > 0);
});

test('generated secrets lie in the data directory, private, and are the same after a restart', async (t) => {
  const data = temporary(t);
  const first = await serve(t, { data });
  const jwks = (await ask(first, 'GET', '/.well-known/jwks.json')).json;
  const key = fs.readFileSync(path.join(data, 'api_key'), 'utf8');
  await first.terminate();
  for (const file of fs.readdirSync(data)) assert.equal(fs.statSync(path.join(data, file)).mode & 0o077, 0, file);
  const second = await serve(t, { data });
  assert.deepEqual((await ask(second, 'GET', '/.well-known/jwks.json')).json, jwks);
  assert.equal(fs.readFileSync(path.join(data, 'api_key'), 'utf8'), key);
  assert.doesNotMatch(first.text + second.text, new RegExp(key.trim()));
});

test('SIGTERM tells every connection, closes it with 1001, and ends with 0', async (t) => {
  const node = await serve(t);
  const people = await Promise.all(['ann', 'bob', 'cleo'].map((name) => arrive(node, name)));
  const ended = node.terminate();
  for (const each of people) {
    const closing = await each.next('closing');
    assert.ok(Number.isInteger(closing.retry_after_ms) && closing.retry_after_ms > 0);
    const { code, reason } = await each.ended();
    assert.deepEqual([code, reason.split(' ')[0]], [1001, 'SERVER_SHUTDOWN']);
  }
  assert.deepEqual(await ended, { code: 0, signal: null });
});

test('SIGINT (Ctrl-C) drains and ends like SIGTERM', async (t) => {
  const node = await serve(t);
  const ann = await arrive(node, 'ann');
  node.child.kill('SIGINT');
  assert.equal((await ann.ended()).code, 1001);
  assert.deepEqual(await node.ended(), { code: 0, signal: null });
});

test('a client that never answers does not hold up the end beyond drain_timeout', async (t) => {
  const node = await serve(t, { args: ['--drain-timeout', '500ms'] });
  const socket = net.connect(node.port, node.host).on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  const ann = await arrive(node, 'ann');
  ann.socket.pause();
  assert.deepEqual(await node.terminate(), { code: 0, signal: null });
  socket.destroy();
});

test('--version and --help; a command that does not exist names the nearest', async () => {
  const version = await foyer(['--version']);
  assert.deepEqual([version.code, version.out.includes(fs.readFileSync('VERSION', 'utf8').trim())], [0, true]);
  const help = await foyer(['--help']);
  for (const command of ['serve', 'check', 'explain', 'why', 'token', 'user', 'backup', 'chat']) assert.match(help.out, new RegExp(`^\\s+${command}\\b`, 'm'));
  const wrong = await foyer(['chekc']);
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.err, /check/);
});

test('the process opens no port but its own', { skip: !fs.existsSync('/proc/self/net/tcp') }, async (t) => {
  const node = await serve(t);
  const inodes = new Set(fs.readdirSync(`/proc/${node.pid}/fd`).map((fd) => { try { return fs.readlinkSync(`/proc/${node.pid}/fd/${fd}`); } catch { return ''; } }).map((l) => /^socket:\[(\d+)\]$/.exec(l)?.[1]).filter(Boolean));
  const listening = ['tcp', 'tcp6'].flatMap((f) => fs.readFileSync(`/proc/${node.pid}/net/${f}`, 'utf8').split('\n').slice(1)).map((line) => line.trim().split(/\s+/)).filter((c) => c[3] === '0A' && inodes.has(c[9])).map((c) => parseInt(c[1].split(':')[1], 16));
  assert.deepEqual([...new Set(listening)], [node.port]);
});

test('root is not needed', { skip: !isRoot }, async (t) => {
  const data = temporary(t);
  await run('chown', ['65534:65534', data]);
  const node = await serve(t, { data, wrap: asNobody });
  await arrive(node, 'ann');
});
