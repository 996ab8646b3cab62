// What nobody who means well sends over HTTP. Whatever it was, it is answered with a
// code where an answer can be given, and afterwards the process holds as many
// descriptors as before and serves the next client.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import tls from 'node:tls';
import { SANITIZED, fileScope, serve } from './support/foyer.mjs';
import { ask, connected, head, readAnswer } from './support/http.mjs';
import { register } from './support/people.mjs';
import { Client, upgradeHeaders } from './support/websocket.mjs';
import { until, within } from './support/within.mjs';

const SCALE = Number(process.env.FOYER_TEST_SCALE ?? 1);
const many = (n) => Math.max(10, Math.round(n * SCALE));
const NO_MATTER = '1000000';

const file = fileScope(after);
let node;
let ann;
let descriptors;
let memory;

const openDescriptors = () => fs.readdirSync(`/proc/${node.pid}/fd`).length;
const residentMiB = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${node.pid}/status`, 'utf8'))[1]) / 1024;
const counter = async (name) => {
  const { text } = await ask(node, 'GET', '/metrics', { headers: { 'X-API-Key': fs.readFileSync(`${node.data}/api_key`, 'utf8').trim() } });
  return Number(new RegExp(`^${name.replace(/[{}"]/g, '\\$&')} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
};
const refusals = (code) => counter(`foyer_refusals_total{code="${code}",step="http"}`);

before(async () => {
  node = await serve(file, {
    args: ['--header-timeout', '1s', '--body-timeout', '1s', '--keep-alive-timeout', '3s', '--write-timeout', '1s', '--address-refusals', NO_MATTER, '--address-handshakes', NO_MATTER],
  });
  ann = await register(node, 'ann');
  await aNormalClient();
  await aNormalClient();
  descriptors = openDescriptors();
  memory = residentMiB();
});

async function aNormalClient() {
  assert.equal((await ask(node, 'GET', '/health/live')).status, 200);
  const client = await Client.open(node, { token: ann.access_token });
  await client.join('tea');
  assert.equal((await client.say('tea', 'still here')).type, 'sent');
  await client.close();
}

afterEach(async () => {
  await aNormalClient();
  await until(`${descriptors} descriptors again`, () => openDescriptors() <= descriptors);
});

// All that comes until the other side ends, or `ms`.
function everything(socket, ms) {
  const chunks = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  return within('the end of the connection', new Promise((resolve) => socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))), ms);
}
const statuses = (text) => [...text.matchAll(/HTTP\/1\.1 (\d{3}) [A-Z]/g)].map((m) => Number(m[1]));

// One answer to `bytes`, which may be more than the server reads; [status, code].
async function refusal(bytes) {
  const socket = await connected(node);
  socket.write(bytes);
  const answer = await within('an answer', readAnswer(socket));
  socket.destroy();
  return [answer.status, answer.json.code, answer.headers.connection];
}

test('1 MB of headers is HEADERS_TOO_LARGE: in one, in many, without end', async () => {
  const expected = [431, 'HEADERS_TOO_LARGE', 'close'];
  assert.deepEqual(await refusal(head(node, 'GET', '/', { 'X-Long': 'x'.repeat(1_000_000) })), expected);
  assert.deepEqual(await refusal(head(node, 'GET', '/', { X: Array(100_000).fill('y') })), expected);
  assert.deepEqual(await refusal(head(node, 'GET', '/', { X: Array(200).fill('') })), expected, 'header_count');
  assert.deepEqual(await refusal(`GET / HTTP/1.1\r\n${'X'.repeat(1_000_000)}`), expected);
});

test('a token of 1 MB is refused in a header, as a subprotocol and in the address', async () => {
  const token = `${'a'.repeat(500_000)}.${'b'.repeat(500_000)}.c`;
  assert.deepEqual(await refusal(head(node, 'GET', '/ws/chat', { ...upgradeHeaders(), Authorization: `Bearer ${token}` })), [431, 'HEADERS_TOO_LARGE', 'close']);
  assert.deepEqual(await refusal(head(node, 'GET', '/ws/chat', { ...upgradeHeaders(), 'Sec-WebSocket-Protocol': `foyer.v1, bearer.${token}` })), [431, 'HEADERS_TOO_LARGE', 'close']);
  assert.deepEqual(await refusal(head(node, 'GET', `/ws/chat?token=${token}`, upgradeHeaders())), [414, 'TARGET_TOO_LONG', 'close']);
});

test('half a request and then silence is REQUEST_TIMEOUT, wherever it stops', async () => {
  const before = await refusals('REQUEST_TIMEOUT');
  const whole = head(node, 'POST', '/auth/login', { 'Content-Type': 'application/json', 'Content-Length': 20 }) + '{"name":"a"';
  const cuts = Array.from({ length: 20 }, (_, i) => 1 + Math.floor(((whole.length - 1) * i) / 19));
  for (const [status, code, connection] of await Promise.all(cuts.map((cut) => refusal(whole.slice(0, cut))))) assert.deepEqual([status, code, connection], [408, 'REQUEST_TIMEOUT', 'close']);
  assert.equal(await refusals('REQUEST_TIMEOUT'), before + cuts.length);
});

test('a byte now and then does not buy time, neither in the head nor in the body', async () => {
  const drip = async (start, byte) => {
    const socket = await connected(node);
    socket.write(start);
    const dripping = setInterval(() => socket.write(byte), 50);
    const answer = await within('the end of patience', readAnswer(socket), 5_000).finally(() => clearInterval(dripping));
    socket.destroy();
    return answer.status;
  };
  assert.deepEqual(await Promise.all([
    drip('G', 'E'),
    drip('GET / HTTP/1.1\r\nX: ', 'x'),
    drip('GET / HTTP/1.1\r\n', 'X: y\r\n'),
    drip(head(node, 'POST', '/auth/login', { 'Content-Length': 1_000 }), 'x'),
    drip(head(node, 'POST', '/auth/login', { 'Transfer-Encoding': 'chunked' }), '1\r\nx\r\n'),
  ]), Array(5).fill(408));
});

test('whoever never speaks is cut in silence and counted, whoever only connects and goes is not', async () => {
  const before = await counter('foyer_http_silent_total');
  const mute = await Promise.all(Array.from({ length: 50 }, () => connected(node)));
  const heard = await Promise.all(mute.map((socket) => everything(socket)));
  assert.deepEqual(heard, Array(50).fill(''));
  for (let i = 0; i < 50; i += 1) (await connected(node)).destroy();
  assert.equal(await counter('foyer_http_silent_total'), before + 50);
});

test('10,000 requests at once: those that are kept are answered in order, then PIPELINE_LIMIT', async () => {
  const count = many(10_000);
  const socket = await connected(node);
  const answers = everything(socket, 60_000);
  socket.write(head(node, 'GET', '/health/live').repeat(count));
  const text = await answers;
  const seen = statuses(text);
  const last = seen.pop();
  assert.ok(seen.length > 100 && seen.every((status) => status === 200), `${seen.length}`);
  assert.equal(last, 429);
  assert.match(text.slice(text.lastIndexOf('HTTP/1.1 ')), /"code":"PIPELINE_LIMIT"/);
});

test('10,000 requests on one connection, a hundred under way, are all answered', async () => {
  const count = many(10_000);
  const socket = await connected(node);
  const one = head(node, 'GET', '/causes/NO_TOKEN');
  let sent = 0;
  let answered = 0;
  const send = (n) => { const now = Math.min(n, count - sent); sent += now; socket.write(one.repeat(now)); };
  await within('all answers', new Promise((resolve, reject) => {
    let tail = '';
    socket.on('close', () => reject(new Error(`closed after ${answered}`)));
    socket.on('data', (chunk) => {
      const text = tail + chunk.toString('latin1');
      const found = text.split('HTTP/1.1 200 ').length - 1;
      tail = text.slice(-13);
      if (tail.includes('HTTP/1.1 200 ')) tail = tail.slice(1);
      answered += found;
      send(found);
      if (answered >= count) resolve();
    });
    send(100);
  }), 60_000);
  socket.destroy();
  assert.equal(answered, count);
});

test('a reset at every byte of a handshake leaves nothing behind', async () => {
  const handshake = head(node, 'GET', '/ws/chat', { ...upgradeHeaders(), 'Sec-WebSocket-Protocol': 'foyer.v1' });
  for (let cut = 0; cut <= handshake.length; cut += 1) {
    const socket = await connected(node);
    await new Promise((resolve) => socket.write(handshake.slice(0, cut), resolve));
    socket.resetAndDestroy();
  }
});

test('what follows a body that is longer than was announced is another request', async () => {
  const socket = await connected(node);
  const answers = everything(socket);
  socket.write(`${head(node, 'POST', '/auth/login', { 'Content-Type': 'application/json', 'Content-Length': 2 })}{}GET /smuggled\r\n\r\n`);
  assert.deepEqual(statuses(await answers), [400, 400]);
});

test('who sends on after a refusal still gets its answer, and is not listened to for ever', async () => {
  const socket = await connected(node);
  const piece = Buffer.alloc(1024 * 1024);
  let sent = 0;
  let most = 8; // until the answer is read: what a reset could destroy is not what is asked here
  const pump = () => { while (!socket.destroyed && sent < most) { sent += 1; if (!socket.write(piece)) return; } };
  socket.on('drain', pump);
  const answer = within('the answer', readAnswer(socket));
  const end = within('the end', new Promise((resolve) => socket.on('close', resolve)));
  socket.write(head(node, 'POST', '/auth/login', { 'Content-Type': 'application/json', 'Content-Length': 200 * piece.length }));
  pump();
  assert.deepEqual([(await answer).status, (await answer).json.code], [413, 'BODY_TOO_LARGE']);
  most = 200;
  pump();
  await end;
  assert.ok(sent < 100, `${sent} MiB were taken`);
});

test('an answer that nobody reads is given up: ANSWER_UNREAD', async () => {
  const before = await refusals('ANSWER_UNREAD');
  const socket = await connected(node);
  socket.pause();
  socket.write(head(node, 'GET', '/ui/page.mjs').repeat(1_500));
  await until('the refusal', async () => (await refusals('ANSWER_UNREAD')) === before + 1);
  socket.destroy();
  const closing = await connected(node);
  closing.pause();
  closing.write(head(node, 'GET', '/ui/page.mjs').repeat(1_500) + head(node, 'GET', '/', { Connection: 'close' }));
  await until('another', async () => (await refusals('ANSWER_UNREAD')) === before + 2);
  closing.destroy();
});

test('who sends all requests and then the end gets all answers', async () => {
  const socket = await connected(node);
  const answers = everything(socket);
  socket.end(head(node, 'GET', '/health/live').repeat(20) + head(node, 'GET', '/nowhere'));
  assert.deepEqual(statuses(await answers), [...Array(20).fill(200), 404]);
});

test('TLS on the plain port gets an alert', async () => {
  const error = await within('the error', new Promise((resolve) => {
    const socket = tls.connect({ host: node.host, port: node.port, rejectUnauthorized: false }, () => resolve(null));
    socket.on('error', resolve);
  }));
  assert.match(error.code, /^ERR_SSL_.*HANDSHAKE_FAILURE$/, error.code);
});

test('the preface of HTTP/2 is HTTP_VERSION_UNSUPPORTED', async () => {
  const preface = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])]);
  assert.deepEqual(await refusal(preface), [505, 'HTTP_VERSION_UNSUPPORTED', 'close']);
});

test('random bytes are refused', async () => {
  const noise = Array.from({ length: many(200) }, (_, i) => crypto.createHash('shake256', { outputLength: 1 + ((i * 37) % 4_000) }).update(`noise ${i}`).digest());
  const heard = await Promise.all(noise.map(async (bytes) => {
    const socket = await connected(node);
    const all = everything(socket);
    socket.write(bytes);
    return all;
  }));
  for (const [i, text] of heard.entries()) {
    if (noise[i][0] === 0x16) continue; // as TLS begins
    assert.deepEqual(statuses(text).map((status) => status >= 400 && status < 500), [true], JSON.stringify(text.slice(0, 200)));
  }
});

test('after all of it the memory is what it was, about', (t) => {
  const now = residentMiB();
  t.diagnostic(`before and after: ${memory.toFixed(1)} MiB, ${now.toFixed(1)} MiB`);
  assert.ok(SANITIZED || now < memory + 64, `${memory} → ${now} MiB`);
});
