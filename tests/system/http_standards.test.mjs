// Rows of the standards that are about HTTP and the handshake, as a client sees them,
// one test each, named after the row. What is about bytes alone is in
// src/wire/http_standard_test.cc.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, test } from 'node:test';
import { fileScope, serve } from './support/foyer.mjs';
import { ask, connected, head, raw, readAnswer } from './support/http.mjs';
import { PASSWORD, register, resign, withSecret } from './support/people.mjs';
import { Client, frame, handshake, upgradeHeaders } from './support/websocket.mjs';
import { within } from './support/within.mjs';

const file = fileScope(after);
let node;
let ann;
before(async () => {
  node = await serve(file, { env: withSecret });
  ann = await register(node, 'ann');
});

const bearer = (token) => ({ Authorization: `Bearer ${token}` });
// What a handshake with these headers ends in: 101, or [status, code].
async function shake(headers = {}, path = '/ws/chat') {
  const { socket, refused } = await handshake(node, { path, headers });
  socket?.destroy();
  return refused ? [refused.status, refused.json.code] : 101;
}
const one = async (bytes, options) => {
  const socket = await connected(node);
  socket.write(bytes);
  const answer = await within('an answer', readAnswer(socket, options));
  socket.destroy();
  return answer;
};
const code = async (bytes) => {
  const answer = await one(bytes);
  return [answer.status, answer.json.code];
};
// What the server says until it ends the connection.
const all = async (bytes) => {
  const socket = await connected(node);
  let text = '';
  socket.on('data', (chunk) => { text += chunk.toString('latin1'); });
  socket.write(bytes);
  await within('the end', new Promise((resolve) => socket.on('close', resolve)));
  return text;
};
const statuses = (text) => [...text.matchAll(/HTTP\/1\.1 (\d{3}) [A-Z]/g)].map((m) => Number(m[1]));

// ---- RFC 6455, the server's side of the handshake

test('RFC 6455 §4.2.1 item 1: a handshake is GET, and HTTP/1.1 or higher', async () => {
  const shaken = (line) => code(`${line}\r\n${head(node, 'GET', '/', upgradeHeaders()).split('\r\n').slice(1).join('\r\n')}`);
  for (const method of ['POST', 'HEAD', 'OPTIONS', 'BREW']) {
    const answer = await one(`${method} /ws/chat HTTP/1.1\r\n${head(node, 'GET', '/', upgradeHeaders()).split('\r\n').slice(1).join('\r\n')}`, { toHead: method === 'HEAD' });
    assert.deepEqual([answer.status, answer.headers.allow], [405, 'GET'], method);
  }
  assert.deepEqual(await shaken('GET /ws/chat HTTP/1.0'), [426, 'UPGRADE_STRIPPED'], 'a client that asks for an upgrade speaks 1.1; a proxy made it 1.0');
  assert.deepEqual(await shaken('GET /ws/chat HTTP/2.0'), [505, 'HTTP_VERSION_UNSUPPORTED']);
  const later = await one(`GET /ws/chat HTTP/1.2\r\n${head(node, 'GET', '/', upgradeHeaders()).split('\r\n').slice(1).join('\r\n')}`);
  assert.equal(later.status, 101);
});

test('RFC 6455 §4.2.1 item 2: a Host, one, of ours', async () => {
  assert.deepEqual(await shake({ Host: undefined }), [400, 'BAD_REQUEST']);
  assert.deepEqual(await shake({ Host: ['127.0.0.1', '127.0.0.1'] }), [400, 'BAD_REQUEST']);
  assert.deepEqual(await shake({ Host: 'elsewhere.example' }), [421, 'HOST_NOT_ALLOWED']);
});

test('RFC 6455 §4.2.1 item 3: Upgrade is a list that holds websocket, in any case', async () => {
  for (const Upgrade of ['websocket', 'WebSocket', 'h2c, WEBSOCKET', ' ,websocket , x', ['h2c', 'websocket']]) assert.equal(await shake({ Upgrade }), 101, `${Upgrade}`);
  for (const Upgrade of ['h2c', 'websockets', 'web socket', '', 'websocket/13']) assert.deepEqual(await shake({ Upgrade }), [426, 'UPGRADE_MISSING'], Upgrade);
  assert.deepEqual(await shake({ Upgrade: undefined }), [426, 'UPGRADE_STRIPPED']);
});

test('RFC 6455 §4.2.1 item 4: Connection is a list that holds Upgrade, in any case', async () => {
  for (const Connection of ['Upgrade', 'upgrade', 'keep-alive, Upgrade', 'keep-alive,UPGRADE,x', ['keep-alive', 'Upgrade'], 'close, Upgrade']) assert.equal(await shake({ Connection }), 101, `${Connection}`);
  for (const Connection of ['keep-alive', 'Upgraded', '"Upgrade"', undefined]) assert.deepEqual(await shake({ Connection }), [426, 'UPGRADE_STRIPPED'], Connection);
});

test('RFC 6455 §4.2.1 item 5: one Sec-WebSocket-Key, the base64 of 16 bytes', async () => {
  const key = (value) => shake({ 'Sec-WebSocket-Key': value });
  assert.equal(await key(crypto.randomBytes(16).toString('base64')), 101);
  assert.equal(await key('AAAAAAAAAAAAAAAAAAAAAA=='), 101);
  assert.equal(await key('AAAAAAAAAAAAAAAAAAAAAB=='), 101, 'unused bits that are set decode to 16 bytes, too, and the answer is made of the text');
  const bad = [undefined, '', crypto.randomBytes(15).toString('base64'), crypto.randomBytes(17).toString('base64'), 'AAAAAAAAAAAAAAAAAAAAAA', 'AAAAAAAAAAAAAAAAAAAAAA=A', 'AAAAAAAAAA AAAAAAAAAAAA==', '____________________==AA', '!AAAAAAAAAAAAAAAAAAAAA==',
    ['AAAAAAAAAAAAAAAAAAAAAA==', 'AAAAAAAAAAAAAAAAAAAAAA==']];
  for (const value of bad) assert.deepEqual(await key(value), [400, 'BAD_WEBSOCKET_KEY'], `${value}`);
});

test('RFC 6455 §4.2.1 item 6, §4.4: Sec-WebSocket-Version is 13, else 426 with the one that is spoken', async () => {
  for (const value of [undefined, '', '8', '12', '14', '013', '13.0', '+13', '13, 8', '8, 13', 'a', ['13', '13']]) {
    const { refused } = await handshake(node, { headers: { 'Sec-WebSocket-Version': value } });
    assert.deepEqual([refused.status, refused.json.code, refused.headers['sec-websocket-version']], [426, 'BAD_WEBSOCKET_VERSION', '13'], `${value}`);
  }
});

test('RFC 6455 §4.2.2 step 4: 403 for an origin that is not wanted, 426 for a version, 404 for a name that is not there', async () => {
  assert.deepEqual(await shake({ Origin: 'https://evil.example' }), [403, 'ORIGIN_NOT_ALLOWED']);
  assert.deepEqual(await shake({ 'Sec-WebSocket-Version': '7' }), [426, 'BAD_WEBSOCKET_VERSION']);
  assert.deepEqual(await shake({}, '/ws/nowhere'), [404, 'UNKNOWN_PATH']);
});

test('RFC 6455 §4.2.2 step 5: 101 with Upgrade, Connection and the accept key of the text that was sent; no length, no coding', async () => {
  const { socket, answer } = await handshake(node, { headers: { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' } });
  socket.destroy();
  assert.deepEqual([answer.headers.upgrade, answer.headers.connection, answer.headers['sec-websocket-accept']], ['websocket', 'Upgrade', 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=']);
  for (const name of ['content-length', 'transfer-encoding', 'sec-websocket-protocol', 'sec-websocket-extensions']) assert.equal(answer.headers[name], undefined, name);
});

test('RFC 9110 §7.8: what follows an upgrade is frames; a handshake with a body is refused; another protocol is ignored', async () => {
  const shaking = head(node, 'GET', '/ws/chat', upgradeHeaders());
  const socket = await connected(node);
  socket.write(head(node, 'GET', '/health/live') + shaking + frame(0x1, Buffer.from(JSON.stringify({ type: 'authenticate', token: ann.access_token }))).toString('latin1'), 'latin1');
  let text = '';
  await within('all of it', new Promise((resolve) => socket.on('data', (chunk) => { text += chunk.toString('latin1'); if (text.includes('authentication_success')) resolve(); })));
  socket.destroy();
  assert.deepEqual(statuses(text), [200, 101]);
  assert.deepEqual(await code(head(node, 'GET', '/ws/chat', { ...upgradeHeaders(), 'Content-Length': 2 }) + 'ok'), [400, 'BAD_REQUEST']);
  assert.deepEqual(await code(`${head(node, 'GET', '/ws/chat', { ...upgradeHeaders(), 'Transfer-Encoding': 'chunked' })}2\r\nok\r\n0\r\n\r\n`), [400, 'BAD_REQUEST']);
  assert.deepEqual(await code(`${head(node, 'GET', '/ws/chat', { ...upgradeHeaders(), 'Transfer-Encoding': 'chunked' })}0;a=b\r\nX: y\r\n\r\n`), [400, 'BAD_REQUEST'], 'also where it is empty');
  assert.equal((await one(head(node, 'GET', '/health/live', { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAoAAAAAIAAAAA' }))).status, 200);
});

// ---- RFC 9112 and 9110: messages and connections

test('RFC 9112 §3.2.2: the authority of an absolute target wins over Host', async () => {
  assert.deepEqual(await code(`GET http://elsewhere.example/ HTTP/1.1\r\nHost: ${node.host}\r\n\r\n`), [421, 'HOST_NOT_ALLOWED']);
  assert.equal((await one(`GET http://${node.host}:${node.port}/health/live HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n`)).status, 200);
});

test('RFC 9110 §7.4: an https target on a connection that is not encrypted is misdirected', async () => {
  assert.deepEqual(await code(`GET https://${node.host}/ HTTP/1.1\r\nHost: ${node.host}\r\n\r\n`), [421, 'HOST_NOT_ALLOWED']);
});

test('RFC 9112 §6.3, §11.2: two ways to read where a body ends are none, and the connection is over', async () => {
  const smuggled = 'GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n';
  for (const headers of [{ 'Content-Length': [5, 6] }, { 'Content-Length': '5, 5' }, { 'Content-Length': 5, 'Transfer-Encoding': 'chunked' }, { 'Transfer-Encoding': 'chunked, identity' }, { 'Transfer-Encoding': ['chunked', 'chunked'] }, { 'Content-Length ': 5 }]) {
    assert.deepEqual(statuses(await all(`${head(node, 'POST', '/auth/login', headers)}0\r\n\r\n${smuggled}`)), [400], JSON.stringify(headers));
  }
});

test('RFC 9112 §6.1: a transfer coding that is not known is 501', async () => {
  assert.deepEqual(await code(head(node, 'POST', '/auth/login', { 'Transfer-Encoding': 'gzip, chunked' })), [501, 'TRANSFER_CODING_UNKNOWN']);
});

test('RFC 9112 §9.3: 1.1 stays open unless somebody says close, 1.0 closes unless it says keep-alive', async () => {
  const get = (version, headers = '') => `GET /health/live HTTP/${version}\r\nHost: ${node.host}\r\n${headers}\r\n`;
  assert.deepEqual(statuses(await all(get('1.1') + get('1.1', 'Connection: foo\r\nConnection: Close\r\n') + get('1.1'))), [200, 200]);
  assert.deepEqual(statuses(await all(get('1.0') + get('1.0'))), [200]);
  assert.deepEqual(statuses(await all(get('1.0', 'Connection: keep-alive\r\n') + get('1.0'))), [200, 200]);
  assert.equal((await one(get('1.0', 'Connection: keep-alive\r\n'))).headers.connection, 'keep-alive');
  assert.equal((await one(get('1.0'))).headers.connection, 'close');
});

test('RFC 9112 §9.3.2: pipelined requests are answered in order, and the last of them may fail', async () => {
  const paths = ['/causes/NO_TOKEN', '/nowhere', '/health/live', '/causes/BUSY'];
  const text = await all(`${paths.map((path) => head(node, 'GET', path)).join('')}NONSENSE\r\n\r\n${head(node, 'GET', '/health/live')}`);
  assert.deepEqual(statuses(text), [200, 404, 200, 200, 400]);
  assert.ok(text.indexOf('"NO_TOKEN"') < text.indexOf('"UNKNOWN_PATH"') && text.indexOf('"UNKNOWN_PATH"') < text.indexOf('"BUSY"'));
});

test('RFC 9110 §6.6.1: every answer has a Date', async () => {
  for (const path of ['/', '/nowhere', '/health/live', '/auth/me']) {
    const { headers } = await ask(node, 'GET', path);
    assert.match(headers.date, /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/, path);
    assert.ok(Math.abs(Date.parse(headers.date) - Date.now()) < 60_000);
  }
});

test('RFC 9110 §9.3.2: HEAD has the headers of GET, Content-Length too, and no body, also where it is refused', async () => {
  for (const path of ['/health/live', '/', '/nowhere', '/auth/me', '/auth/login']) {
    const get = await ask(node, 'GET', path);
    const answer = await one(head(node, 'HEAD', path, { Connection: 'close' }), { toHead: true });
    assert.deepEqual([answer.status, answer.headers['content-type'], answer.rest.length], [get.status, get.headers['content-type'], 0], path);
    if (get.status === 200) assert.equal(answer.headers['content-length'], get.headers['content-length'], path);
    const text = await all(head(node, 'HEAD', path, { Connection: 'close' }));
    assert.ok(text.endsWith('\r\n\r\n') && text.indexOf('\r\n\r\n') === text.length - 4, path);
  }
  assert.ok((await all(`HEAD / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n`)).endsWith('\r\n\r\n'));
});

test('RFC 9110 §9.3.7: OPTIONS * is a ping', async () => {
  const answer = await one(head(node, 'OPTIONS', '*'));
  assert.deepEqual([answer.status, answer.headers.allow, answer.headers['content-length']], [204, 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS', undefined]);
});

test('RFC 9110 §9.1, §15.6.2: a method that is not known is 501, one that is known 405', async () => {
  assert.deepEqual(await code(head(node, 'BREW', '/auth/login')), [501, 'METHOD_UNKNOWN']);
  assert.deepEqual(await code(head(node, 'CONNECT', 'example.org:443')), [501, 'METHOD_UNKNOWN']);
  assert.deepEqual(await code(head(node, 'TRACE', '/auth/login')), [405, 'METHOD_NOT_ALLOWED']);
});

test('RFC 9110 §15.5.6: 405 carries Allow', async () => {
  for (const [method, path, allow] of [['GET', '/auth/login', 'POST'], ['DELETE', '/health', 'GET, HEAD'], ['PUT', '/ws/chat', 'GET']]) {
    const { status, headers } = await ask(node, method, path);
    assert.deepEqual([status, headers.allow], [405, allow], path);
  }
});

test('RFC 9110 §10.1.1: 100-continue is answered before the body, and what else is expected is 417', async () => {
  const body = JSON.stringify({ name: 'ann', password: 'wrong, but long enough' });
  const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length, Expect: '100-continue' };
  const socket = await connected(node);
  socket.write(head(node, 'POST', '/auth/login', headers));
  const interim = await within('100', new Promise((resolve) => socket.once('data', (chunk) => resolve(chunk.toString('latin1')))));
  assert.equal(interim, 'HTTP/1.1 100 Continue\r\n\r\n');
  const answer = within('the answer', readAnswer(socket));
  socket.write(body);
  assert.equal((await answer).json.code, 'CREDENTIALS_REJECTED');
  socket.destroy();
  assert.equal((await one(head(node, 'POST', '/auth/login', headers) + body)).json.code, 'CREDENTIALS_REJECTED', 'no 100 for a body that came unasked');
  assert.deepEqual(await code(head(node, 'POST', '/auth/login', { ...headers, Expect: 'tea' })), [417, 'EXPECTATION_UNSUPPORTED']);
  assert.deepEqual(await code(head(node, 'POST', '/auth/login', { ...headers, 'Content-Length': 100_000_000 })), [413, 'BODY_TOO_LARGE'], 'the final answer at once');
  for (const [path, changed, status, refusal] of [['/nowhere', {}, 404, 'UNKNOWN_PATH'], ['/auth/login', { Host: 'evil.example' }, 421, 'HOST_NOT_ALLOWED'], ['/style.css', {}, 405, 'METHOD_NOT_ALLOWED']])
    assert.deepEqual(await code(head(node, 'POST', path, { ...headers, ...changed })), [status, refusal], 'where the head decides, no body is asked for');
  assert.equal((await one(`POST /auth/login HTTP/1.0\r\nHost: ${node.host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n${body}`)).json.code, 'CREDENTIALS_REJECTED');
});

test('RFC 9110 §11.6.1, §15.5.2: every 401 carries WWW-Authenticate', async () => {
  for (const [method, path] of [['GET', '/auth/me'], ['GET', '/api/refusals'], ['GET', '/metrics'], ['POST', '/auth/tickets'], ['POST', '/auth/login']]) {
    const { status, headers } = await ask(node, method, path, { body: method === 'POST' ? { name: 'ann', password: 'wrong, but long enough' } : undefined });
    if (path !== '/auth/tickets' || status === 401) assert.equal(status, 401, path);
    assert.match(headers['www-authenticate'] ?? '', /^(Bearer|apikey) realm="foyer"/, path);
  }
  const { refused } = await handshake(node, { headers: bearer(`${ann.access_token}x`) });
  assert.match(refused.headers['www-authenticate'], /^Bearer /);
});

test('RFC 9110 §10.2.3, §15.6.4, RFC 6585 §4: 429 and 503 say when to come back', async (t) => {
  const narrow = await serve(t, { args: ['--address-handshakes', '1', '--connection-limit', '1', '--loops', '1'] });
  const holding = await connected(narrow);
  const limited = await ask(narrow, 'GET', '/');
  assert.deepEqual([limited.status, limited.json.code], [503, 'CONNECTION_LIMIT']);
  assert.match(limited.headers['retry-after'], /^[1-9]\d*$/);
  holding.destroy();
  const wide = await serve(t, { args: ['--address-handshakes', '1'] });
  let refused;
  for (let i = 0; i < 5 && refused?.status !== 429; i += 1) ({ refused } = await handshake(wide, { headers: bearer('a.b.c') })); // a window of 10 s may begin in between
  assert.deepEqual([refused.status, refused.json.code], [429, 'ADDRESS_RATE_LIMIT']);
  assert.match(refused.headers['retry-after'], /^[1-9]\d*$/);
});

test('RFC 6585 §5: 431 for the headers, RFC 9110 §15.5.15: 414 for the target', async () => {
  assert.deepEqual(await code(head(node, 'GET', '/', { Cookie: `a=${'x'.repeat(20_000)}` })), [431, 'HEADERS_TOO_LARGE']);
  assert.deepEqual(await code(head(node, 'GET', `/${'x'.repeat(20_000)}`)), [414, 'TARGET_TOO_LONG']);
});

test('RFC 9110 §15.3.5, §15.4.5: 204 and 304 have no body and do not speak of one', async () => {
  const page = await ask(node, 'GET', '/');
  const same = await all(head(node, 'GET', '/', { 'If-None-Match': page.headers.etag, Connection: 'close' }));
  assert.match(same, /^HTTP\/1\.1 304 /);
  const gone = await register(node, 'gone');
  const password = JSON.stringify({ password: PASSWORD });
  const deleted = await all(`${head(node, 'DELETE', '/auth/me', { ...bearer(gone.access_token), 'Content-Type': 'application/json', 'Content-Length': password.length, Connection: 'close' })}${password}`);
  assert.match(deleted, /^HTTP\/1\.1 204 /);
  for (const text of [same, deleted]) {
    assert.ok(text.endsWith('\r\n\r\n'));
    assert.doesNotMatch(text, /content-length|transfer-encoding/i);
  }
});

test('RFC 9110 §15.5.22: 426 carries Upgrade', async () => {
  for (const headers of [{}, { Upgrade: 'h2c', Connection: 'Upgrade', 'Sec-WebSocket-Key': 'x' }, { ...upgradeHeaders(), 'Sec-WebSocket-Version': '8' }]) {
    const answer = await one(head(node, 'GET', '/ws/chat', headers));
    assert.deepEqual([answer.status, answer.headers.upgrade], [426, 'websocket']);
    assert.match(answer.headers.connection, /^Upgrade\b/, 'RFC 9110 §7.8');
  }
});

test('RFC 9110 §5.5: no part of a request begins a new line in the answer', async () => {
  for (const bytes of [head(node, 'GET', '/%0d%0aSet-Cookie:%20a=b'), head(node, 'GET', '/', { Origin: 'https://a%0d%0aX: y' }), head(node, 'OPTIONS', '/auth/login', { Origin: 'x\ty' })]) {
    const text = await all(bytes.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    assert.doesNotMatch(text.slice(0, text.indexOf('\r\n\r\n')), /^(set-cookie|x:)/im);
  }
});

// ---- RFC 9457 and RFC 6750: what is told of a refusal

test('RFC 9457 §3.1.1: the type of a problem is an address that explains it', async () => {
  const { json } = await ask(node, 'GET', '/nowhere');
  assert.equal((await ask(node, 'GET', json.type)).status, 200);
});

test('RFC 9457 §3.1.2: status is that of the answer, whatever refused it: the parser, the router, the door, a handler, a time limit', async (t) => {
  const quick = await serve(t, { args: ['--header-timeout', '1s'] });
  const answers = [
    await one('GET / HTTP/1.1\r\n\r\n'), await one(head(node, 'GET', '/nowhere')), await one(head(node, 'GET', '/ws/chat')), await one(head(node, 'GET', '/auth/me')),
    await raw(quick, 'GET /'),
  ];
  assert.deepEqual(answers.map((a) => a.status), [400, 404, 426, 401, 408]);
  for (const answer of answers) {
    assert.equal(answer.headers['content-type'], 'application/problem+json');
    assert.equal(answer.json.status, answer.status);
    for (const member of ['type', 'title', 'detail', 'code']) assert.equal(typeof answer.json[member], 'string');
  }
});

test('RFC 6750 §2: one way to bring a token, not two', async () => {
  assert.deepEqual(await shake({ ...bearer(ann.access_token), 'Sec-WebSocket-Protocol': `foyer.v1, bearer.${ann.access_token}` }), [400, 'AMBIGUOUS_CREDENTIALS']);
  assert.deepEqual(await shake({ Authorization: [`Bearer ${ann.access_token}`, `Bearer ${ann.access_token}`] }), [400, 'AMBIGUOUS_CREDENTIALS']);
});

test('RFC 6750 §2.1: the scheme is Bearer in any case, and one token follows it', async () => {
  for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
    const client = await Client.open(node, { headers: { Authorization: `${scheme} ${ann.access_token}` } });
    await client.close();
  }
});

test('RFC 6750 §2.3, §5.3: a token in the query is not taken, and an answer to it is not stored', async () => {
  const { refused } = await handshake(node, { path: `/ws/chat?access_token=${ann.access_token}` });
  assert.deepEqual([refused.status, refused.json.code, refused.headers['cache-control']], [401, 'TOKEN_IN_URL', 'no-store']);
});

test('RFC 6750 §3: without a credential the challenge names no error', async () => {
  const { status, headers } = await ask(node, 'GET', '/auth/me');
  assert.deepEqual([status, headers['www-authenticate']], [401, 'Bearer realm="foyer"']);
});

test('RFC 6750 §3.1: invalid_token is 401, insufficient_scope 403, invalid_request 400', async () => {
  const challenge = async (headers) => {
    const { refused } = await handshake(node, { headers });
    return [refused.status, /error="([^"]*)"/.exec(refused.headers['www-authenticate'])?.[1]];
  };
  assert.deepEqual(await challenge(bearer(`${ann.access_token}x`)), [401, 'invalid_token']);
  assert.deepEqual(await challenge(bearer(resign(ann.access_token, { claims: { exp: 1_000_000 } }))), [401, 'invalid_token']);
  assert.deepEqual(await challenge(bearer(resign(ann.access_token, { claims: { scope: '' } }))), [403, 'insufficient_scope']);
  assert.deepEqual(await challenge({ Authorization: [`Bearer ${ann.access_token}`, 'Bearer x'] }), [400, 'invalid_request']);
});
