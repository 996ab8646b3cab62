// The fault gate does to a connection what each of its faults says, and nothing else.
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import * as faults from '../harness/gate/faults.mjs';
import { Gate } from '../harness/gate/gate.mjs';
import { within } from './support/within.mjs';

const TIME = 1_800_000_000_000;
const BODY = JSON.stringify({ time: TIME, proof: 'x'.repeat(40) });
let service;
let served;
let gate;

before(async () => {
  service = http.createServer((request, response) => {
    served += 1;
    response.setHeader('Content-Type', 'application/json');
    response.setHeader('Date', new Date(TIME).toUTCString());
    request.resume().on('end', () => response.end(BODY));
  });
  await new Promise((resolve) => { service.listen(0, '127.0.0.1', resolve); });
  gate = await Gate.open({ host: '127.0.0.1', port: service.address().port });
});
beforeEach(async () => {
  await gate.heal();
  gate.forget();
  served = 0;
});
after(async () => {
  await gate.close();
  service.closeAllConnections();
  service.close();
});

// One request on a connection of its own, to what came back and how it ended.
function ask(path = '/x', { keep = false, patience } = {}) {
  return within(`an end of ${path}`, new Promise((resolve) => {
    const socket = net.connect({ host: gate.host, port: gate.port, allowHalfOpen: true });
    let seen = '';
    const finish = (how) => { socket.destroy(); resolve({ seen, end: how, status: Number(seen.slice(9, 12)) || null, body: seen.split('\r\n\r\n')[1] ?? '' }); };
    socket.on('connect', () => socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n${keep ? '' : 'Connection: close\r\n'}\r\n{}`));
    socket.setEncoding('latin1').on('data', (text) => {
      seen += text;
      if (patience && patience(seen)) finish('read enough');
    });
    // A reset behind bytes looks like an end to Node, until one writes.
    socket.on('end', () => socket.write('\n', (error) => finish(error?.code ?? 'end')));
    socket.on('error', (error) => finish(error.code));
    socket.on('close', () => finish('nothing'));
  }));
}
const fault = async (what, options) => { await gate.fault(what, options); };

test('without a fault requests and answers pass, byte for byte, and are kept', async () => {
  const { status, body, end } = await ask('/internal/verify?a=1');
  assert.deepEqual([status, body, end, served], [200, BODY, 'end', 1]);
  const [{ method, path, target, headers, body: sent, fault: name, status: told }] = gate.seen;
  assert.deepEqual([method, path, target, headers.host, sent, name, told], ['POST', '/internal/verify', '/internal/verify?a=1', 'a', '{}', 'all is well', 200]);
  assert.deepEqual([gate.count('/internal/verify'), gate.count('/other')], [1, 0]);
});

test('several requests on one connection are told apart', async () => {
  const socket = net.connect({ host: gate.host, port: gate.port });
  let seen = '';
  socket.setEncoding('latin1').on('data', (text) => { seen += text; });
  socket.write('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none' + 'GET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await within('both answers', new Promise((resolve) => { socket.on('close', resolve); }));
  assert.deepEqual(gate.seen.map(({ method, path, body }) => [method, path, body]), [['POST', '/a', 'one'], ['GET', '/b', '']]);
  assert.equal(seen.split(BODY).length, 3);
});

test('a closed port refuses, resets what was open, and opens again', async () => {
  const open = net.connect({ host: gate.host, port: gate.port });
  await within('a connection', new Promise((resolve) => { open.on('connect', resolve); }));
  const reset = new Promise((resolve) => { open.on('error', (error) => resolve(error.code)); });
  open.write('POST /slow HTTP/1.1\r\n');
  await within('the gate to know of it', new Promise((resolve) => { setImmediate(resolve); }));
  await fault(faults.refuse);
  assert.match((await ask()).end, /ECONNREFUSED/);
  assert.match(await within('a reset', reset), /ECONNRESET|EPIPE/);
  await gate.heal();
  assert.equal((await ask()).status, 200);
});

test('resets: at once, inside the request, inside the answer', async () => {
  for (const what of [faults.resetAtOnce, faults.resetInRequest(10)]) {
    await gate.heal();
    await fault(what);
    assert.match((await ask()).end, /ECONNRESET|EPIPE/, what.name);
    assert.equal(served, 0, `${what.name}: the service was not asked`);
  }
  await gate.heal();
  await fault(faults.resetInAnswer(30));
  const { end, seen } = await ask();
  assert.match(end, /ECONNRESET|EPIPE/);
  assert.ok(seen.length <= 30);
  assert.equal(served, 1, 'the service did its work');
});

test('silence: the request is kept, the service is not asked', async () => {
  await fault(faults.hang);
  let over = false;
  const asking = ask().then((answer) => { over = true; return answer; });
  while (gate.count('/x') === 0) await new Promise((resolve) => { setImmediate(resolve); });
  assert.deepEqual([over, served], [false, 0]);
  gate.cut();
  assert.match((await asking).end, /ECONNRESET/);
});

test('delay, and an answer byte by byte, are whole in the end', async () => {
  for (const what of [faults.delay(30), faults.trickle(1)]) {
    await gate.heal();
    await fault(what);
    const { status, body } = await ask();
    assert.deepEqual([status, body], [200, BODY], what.name);
  }
});

test('an answer that is cut ends, or falls silent, at its byte', async () => {
  await fault(faults.truncate(-5));
  const short = await ask();
  assert.deepEqual([short.end, short.body], ['end', BODY.slice(0, -5)]);
  await gate.heal();
  await fault(faults.stall(20));
  const silent = await ask('/x', { patience: (seen) => seen.length === 20 });
  assert.equal(silent.end, 'read enough');
});

test('other answers come in place of the service’s', async () => {
  const others = [faults.plain(500), faults.plain(502), faults.plain(503), faults.plain(504), faults.problem('STORE_LOCKED', 'store'), faults.html, faults.redirect, faults.notJson, faults.wrongJson, faults.foreignJson];
  const told = [];
  for (const what of others) {
    await gate.heal();
    await fault(what);
    const { status, seen } = await ask();
    told.push([status, /X-Foyer/.test(seen), /Content-Type: ([^;\r]*)/.exec(seen)[1]]);
  }
  assert.deepEqual(told, [
    [500, false, 'text/plain'], [502, false, 'text/plain'], [503, false, 'text/plain'], [504, false, 'text/plain'], [503, true, 'application/problem+json'],
    [200, false, 'text/html'], [302, false, 'text/html'], [200, true, 'application/json'], [200, true, 'application/json'], [200, false, 'application/json'],
  ]);
  assert.equal(served, 0);
});

test('a wrong clock shifts Date and time, and nothing else', async () => {
  await fault(faults.clock(-90_000));
  const { seen, body } = await ask();
  assert.deepEqual(JSON.parse(body), { ...JSON.parse(BODY), time: TIME - 90_000 });
  assert.ok(seen.includes(`date: ${new Date(TIME - 90_000).toUTCString()}`), seen);
});

test('a fault may be for one path, and for so many requests', async () => {
  await fault(faults.plain(503), { path: '/internal/verify', times: 2 });
  const statuses = [];
  for (const path of ['/other', '/internal/verify', '/internal/verify', '/internal/verify']) statuses.push((await ask(path)).status);
  assert.deepEqual(statuses, [200, 503, 503, 200]);
});
