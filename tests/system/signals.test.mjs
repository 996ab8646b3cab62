// Signals of `foyer serve`, and who is let in right after a start.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { delay, refuse } from '../harness/gate/faults.mjs';
import { BIN, atEnd, cleanEnv, serve, temporary, whileStopped } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { bearer, openGate, refusedByHttp, startAuth, startGateway } from './support/pair.mjs';
import { arrive, register } from './support/people.mjs';
import { handshake } from './support/websocket.mjs';
import { until } from './support/within.mjs';

test('SIGUSR2, SIGPIPE and SIGALRM change nothing: who is connected stays, and the end is still a drain', async (t) => {
  const node = await serve(t);
  const ann = await arrive(node, 'ann');
  for (const signal of ['SIGUSR2', 'SIGPIPE', 'SIGALRM']) node.child.kill(signal);
  assert.equal((await ann.ask('ping')).type, 'pong');
  const ended = node.terminate();
  assert.equal((await ann.next('closing')).type, 'closing');
  assert.deepEqual(await ended, { code: 0, signal: null });
});

test('SIGHUP without TLS files keeps the server, says that nothing was read again, and names options that need a restart', async (t) => {
  const data = temporary(t);
  const file = path.join(data, 'foyer.toml');
  fs.writeFileSync(file, 'history_days = 30\n');
  const node = await serve(t, { args: ['--config', file] });
  const ann = await arrive(node, 'ann');
  node.child.kill('SIGHUP');
  assert.match((await node.logged('reloaded')).message, /nothing to reload/);
  // Renamed into place: the answer to the first signal may still read the file, and must not find it half written.
  fs.writeFileSync(`${file}.new`, 'history_days = 31\nregistration = "closed"\n');
  fs.renameSync(`${file}.new`, file);
  node.child.kill('SIGHUP');
  assert.match((await node.logged('restart_needed')).message, /history_days, registration/);
  assert.equal((await ann.ask('ping')).type, 'pong');
});

test('SIGHUP makes a gateway fetch the key set, and says so', async (t) => {
  const auth = await startAuth(t, { keys: 'pair' });
  const gateway = await startGateway(t, { to: auth, keys: 'pair' });
  gateway.child.kill('SIGHUP');
  assert.match((await gateway.logged('reloaded')).message, /the key set/);
  await gateway.logged('key_set_fetched');
});

test('a second signal to end ends the server at once, whoever is still connected', async (t) => {
  const node = await serve(t, { args: ['--drain-timeout', '10m'] });
  await arrive(node, 'ann');
  await whileStopped(node, () => { for (const signal of ['SIGTERM', 'SIGINT']) node.child.kill(signal); });
  await node.logged('draining');
  await node.logged('stopped');
  assert.deepEqual(await node.ended(), { code: 0, signal: null });
});

test('SIGUSR1 opens a log file again that was renamed', async (t) => {
  const data = temporary(t);
  const log = path.join(data, 'foyer.log');
  const out = fs.openSync(log, 'a');
  const child = spawn(BIN, ['serve', '--dev', '--data', path.join(data, 'data'), '--listen', '127.0.0.1:0'], { env: cleanEnv(), stdio: ['ignore', 'ignore', out] });
  const exited = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
  atEnd(t, async () => { child.kill('SIGKILL'); await exited; });
  const holds = (file, event) => until(`${event} in ${file}`, () => fs.existsSync(file) && fs.readFileSync(file, 'utf8').includes(`"event":"${event}"`));
  await holds(log, 'listening');
  fs.renameSync(log, `${log}.1`);
  child.kill('SIGUSR1');
  await holds(log, 'log_reopened');
  child.kill('SIGTERM');
  await holds(log, 'ended');
  assert.deepEqual(await exited, { code: 0, signal: null });
  assert.doesNotMatch(fs.readFileSync(`${log}.1`, 'utf8'), /"event":"ended"/);
});

test('the first client after a start is admitted, also when the auth service answers late', async (t) => {
  const auth = await startAuth(t, { keys: 'pair' });
  const ann = await register(auth, 'ann');
  const gate = await openGate(t, auth);
  await gate.fault(delay(300), { path: '/internal/revocations', times: 1 });
  await gate.fault(delay(300), { path: '/.well-known/jwks.json', times: 1 });
  const gateway = await startGateway(t, { to: gate, keys: 'pair', wait: false });
  const { refused: refusal } = await handshake(gateway, bearer(ann.access_token));
  assert.equal(refusal?.text, undefined);
});

test('a gateway whose auth service is away listens all the same, and refuses by its name', async (t) => {
  const auth = await startAuth(t);
  const ann = await register(auth, 'ann');
  const gate = await openGate(t, auth);
  await gate.fault(refuse);
  const gateway = await startGateway(t, { to: gate, wait: false });
  await gateway.logged('not_synchronised');
  const { code } = await refusedByHttp(gateway, bearer(ann.access_token));
  assert.equal(code, 'REVOCATION_UNCHECKED');
  assert.equal((await ask(gateway, 'GET', '/health/live')).status, 200);
});
