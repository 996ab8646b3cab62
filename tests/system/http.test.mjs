// What every answer over HTTP has, and the generic refusals.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { fileScope, serve } from './support/foyer.mjs';
import { ask, connected, head, raw, readAnswer } from './support/http.mjs';
import { register } from './support/people.mjs';
import { within } from './support/within.mjs';

const file = fileScope(after);
let node;
let key;
before(async () => {
  node = await serve(file);
  key = fs.readFileSync(`${node.data}/api_key`, 'utf8').trim();
});

function problem(answer, status, code) {
  assert.deepEqual([answer.status, answer.headers['content-type']], [status, 'application/problem+json'], answer.text);
  const { json } = answer;
  assert.equal(json.code, code, answer.text);
  assert.equal(json.status, status);
  assert.equal(json.type, `/causes/${code}`);
  for (const field of ['title', 'detail', 'step', 'ref', 'retry']) assert.notEqual(json[field] ?? '', '', field);
  assert.match(answer.headers['x-foyer'], new RegExp(`ref=${json.ref}$`));
  return json;
}

test('all answers carry X-Foyer: VERSION; build=ID; ref=ID, each its own ref', async () => {
  const refs = new Set();
  const { status: { version, build } } = node;
  for (const [method, path] of [['GET', '/'], ['GET', '/health'], ['GET', '/nowhere'], ['POST', '/auth/login'], ['GET', '/style.css'], ['GET', '/causes/NO_TOKEN'], ['GET', '/metrics']]) {
    const { headers } = await ask(node, method, path);
    const match = /^(\S+); build=(\S+); ref=(\S+)$/.exec(headers['x-foyer']);
    assert.deepEqual(match?.slice(1, 3), [version, build], path);
    refs.add(match[3]);
  }
  assert.equal(refs.size, 7);
});

test('no route is UNKNOWN_PATH, a wrong method METHOD_NOT_ALLOWED with Allow', async () => {
  problem(await ask(node, 'GET', '/nowhere'), 404, 'UNKNOWN_PATH');
  problem(await ask(node, 'GET', '/%00'), 404, 'UNKNOWN_PATH');
  const answer = await ask(node, 'GET', '/auth/login');
  problem(answer, 405, 'METHOD_NOT_ALLOWED');
  assert.equal(answer.headers.allow, 'POST');
});

test('a body that is not JSON by type, by syntax or by shape', async () => {
  problem(await ask(node, 'POST', '/auth/login', { body: 'name=a', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }), 415, 'CONTENT_TYPE_UNSUPPORTED');
  problem(await ask(node, 'POST', '/auth/login', { body: '{}', headers: { 'Content-Type': null } }), 415, 'CONTENT_TYPE_UNSUPPORTED');
  problem(await ask(node, 'POST', '/auth/login', { body: '{' }), 400, 'BAD_REQUEST');
  problem(await ask(node, 'POST', '/auth/login', { body: '[]' }), 400, 'BAD_REQUEST');
  assert.equal(problem(await ask(node, 'POST', '/auth/login', { body: { name: 'a' } }), 400, 'BAD_REQUEST').field, 'password');
  assert.equal(problem(await ask(node, 'POST', '/auth/login', { body: { name: 1, password: 'x' } }), 400, 'BAD_REQUEST').field, 'name');
  assert.equal(problem(await ask(node, 'POST', '/auth/login', { body: { name: 'a', password: 'x', pasword: 'y' } }), 400, 'BAD_REQUEST').field, 'pasword');
});

test('a body over the limit is BODY_TOO_LARGE, before it was sent whole', async () => {
  const socket = await connected(node);
  socket.write(head(node, 'POST', '/auth/login', { 'Content-Type': 'application/json', 'Content-Length': '100000000' }));
  const answer = await within('the answer', readAnswer(socket));
  socket.destroy();
  problem(answer, 413, 'BODY_TOO_LARGE');
});

test('headers over the limit are HEADERS_TOO_LARGE', async () => {
  problem(await raw(node, head(node, 'GET', '/', { 'X-Long': 'a'.repeat(40_000) })), 431, 'HEADERS_TOO_LARGE');
});

test('a request that does not come to its end is REQUEST_TIMEOUT', async (t) => {
  const quick = await serve(t, { args: ['--header-timeout', '1s', '--body-timeout', '1s'] });
  problem(await raw(quick, 'GET / HTTP/1.1\r\nHost: local'), 408, 'REQUEST_TIMEOUT');
  problem(await raw(quick, head(quick, 'POST', '/auth/login', { 'Content-Type': 'application/json', 'Content-Length': '10' })), 408, 'REQUEST_TIMEOUT');
});

test('hostile requests are refused, and the next client does not notice', async () => {
  const hostile = [
    'GET / HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\r\n folded\r\n\r\n',
    'POST /auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello',
    'POST /auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST /auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked, x\r\n\r\n',
    'GET /\u0001 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
    'GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n',
    'NONSENSE\r\n\r\n',
    '\u0000\u0001\u0002\r\n\r\n',
  ];
  for (const bytes of hostile) {
    const answer = await raw(node, Buffer.from(bytes, 'latin1'));
    assert.ok(answer.status >= 400 && answer.status < 600, JSON.stringify(bytes));
    assert.ok(answer.headers['x-foyer'], JSON.stringify(bytes));
    assert.equal((await ask(node, 'GET', '/health/live')).status, 200);
  }
});

test('pipelined requests are answered in order', async () => {
  const socket = await connected(node);
  socket.write(head(node, 'GET', '/health/live') + head(node, 'GET', '/causes/NO_TOKEN', { Connection: 'close' }));
  const first = await within('the first answer', readAnswer(socket));
  assert.equal(first.json.status, 'ok');
  socket.unshift(first.rest);
  const second = await within('the second answer', readAnswer(socket));
  assert.equal(second.json.code, 'NO_TOKEN');
});

test('HEAD answers like GET without a body', async () => {
  const get = await ask(node, 'GET', '/health/live');
  const answer = await new Promise((resolve, reject) => connected(node).then((socket) => {
    socket.write(head(node, 'HEAD', '/health/live', { Connection: 'close' }));
    readAnswer(socket, { toHead: true }).then(resolve, reject);
  }));
  assert.deepEqual([answer.status, answer.headers['content-type'], answer.rest.length], [200, get.headers['content-type'], 0]);
});

test('/auth and /api are never stored; a 401 says how to come in', async () => {
  const wrong = await ask(node, 'GET', '/auth/me');
  assert.equal(wrong.status, 401);
  assert.match(wrong.headers['www-authenticate'], /^Bearer\b/);
  assert.equal(wrong.headers['cache-control'], 'no-store');
  const api = await ask(node, 'GET', '/api/refusals', { headers: { 'X-API-Key': key } });
  assert.equal(api.headers['cache-control'], 'no-store');
  const unlocked = await ask(node, 'GET', '/api/refusals');
  problem(unlocked, 401, 'API_KEY_REJECTED');
  assert.ok(unlocked.headers['www-authenticate']);
});

test('CORS: /auth and /health to allowed origins only, without credentials; nothing on /api and /metrics', async () => {
  for (const path of ['/health', '/auth/me']) {
    const allowed = await ask(node, 'GET', path, { headers: { Origin: node.origin } });
    assert.equal(allowed.headers['access-control-allow-origin'], node.origin, path);
    assert.equal(allowed.headers['access-control-allow-credentials'], undefined);
    assert.match(allowed.headers.vary ?? '', /Origin/i);
    const foreign = await ask(node, 'GET', path, { headers: { Origin: 'https://evil.example' } });
    assert.equal(foreign.headers['access-control-allow-origin'], undefined, path);
  }
  const preflight = await ask(node, 'OPTIONS', '/auth/login', { headers: { Origin: node.origin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type' } });
  assert.ok(preflight.status === 204 || preflight.status === 200);
  assert.match(preflight.headers['access-control-allow-methods'] ?? '', /POST/);
  for (const path of ['/api/refusals', '/metrics']) {
    const answer = await ask(node, 'GET', path, { headers: { Origin: node.origin, 'X-API-Key': key } });
    assert.equal(answer.headers['access-control-allow-origin'], undefined, path);
  }
});

test('health: live, ready and both, with each check by name; no token, no secret, no user', async () => {
  for (const path of ['/health/live', '/health/ready', '/health']) {
    const { status, json } = await ask(node, 'GET', path);
    assert.equal(status, 200);
    assert.equal(json.status, 'ok', JSON.stringify(json));
    for (const [name, check] of Object.entries(json.checks)) {
      assert.ok(['ok', 'failing', 'unknown'].includes(check.status), name);
      assert.match(check.since ?? '', /^\d{4}-/, name);
    }
  }
  const { json } = await ask(node, 'GET', '/health');
  assert.deepEqual([json.version, json.build, json.environment], [node.status.version, node.status.build, 'development']);
  assert.ok(json.uptime_s >= 0);
  assert.match(json.config, /^[0-9a-f]+$/);
});

test('/metrics is Prometheus text, takes the API key, and names no user', async () => {
  await register(node, 'metrica');
  await ask(node, 'GET', '/ws/nowhere');
  problem(await ask(node, 'GET', '/metrics'), 401, 'API_KEY_REJECTED');
  const { status, headers, text } = await ask(node, 'GET', '/metrics', { headers: { 'X-API-Key': key } });
  assert.equal(status, 200);
  assert.match(headers['content-type'], /^text\/plain/);
  for (const line of text.split('\n').filter(Boolean)) assert.match(line, /^(# (HELP|TYPE) \S+ .+|[a-zA-Z_:][a-zA-Z0-9_:]*(\{[^}]*\})? \S+)$/);
  assert.match(text, /^foyer_refusals_total\{[^}]*code="UNKNOWN_PATH"[^}]*\} \d+$/m);
  assert.doesNotMatch(text, /metrica/);
});

test('the key set is public and holds no secret half', async () => {
  const { status, json } = await ask(node, 'GET', '/.well-known/jwks.json');
  assert.equal(status, 200);
  assert.equal(json.keys.length >= 1, true);
  for (const jwk of json.keys) {
    assert.equal(jwk.kty, 'OKP');
    assert.equal(jwk.d, undefined);
    assert.notEqual(jwk.kid, '');
  }
});

test('the page: a policy without unsafe-inline, no referrer, an ETag that saves the bytes', async () => {
  const page = await ask(node, 'GET', '/');
  assert.equal(page.status, 200);
  assert.match(page.headers['content-type'], /^text\/html/);
  const policy = page.headers['content-security-policy'];
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe/);
  assert.equal(page.headers['referrer-policy'], 'no-referrer');
  assert.equal(page.headers['x-content-type-options'], 'nosniff');
  const again = await ask(node, 'GET', '/', { headers: { 'If-None-Match': page.headers.etag } });
  assert.deepEqual([again.status, again.text], [304, '']);
  for (const [, path] of page.text.matchAll(/(?:src|href)="(\/[^"]*)"/g)) assert.equal((await ask(node, 'GET', path)).status, 200, path);
  const module = await ask(node, 'GET', '/ui/page.mjs');
  assert.match(module.headers['content-type'], /^text\/javascript/);
});

test('in staging, without an API key, /api answers 404', async (t) => {
  const staging = await serve(t, { dev: false, env: { ENVIRONMENT: 'staging', SERVICE_ID: 'one', PUBLIC_URL: 'https://chat.example.org', SERVICE_SECRET: 'w8Jk2-Lm5Np7Qr9St1Uv3Wx6Yz0Ab4Cd', JWT_SECRET_KEY: 'e3Fg6-Hj9Kl2Mn5Pq8Rs1Tu4Vw7Xy0Za' } });
  assert.equal((await ask(staging, 'GET', '/api/refusals')).status, 404);
});

test('X-Forwarded-For from an address that is not trusted is ignored and reported once', async () => {
  for (let i = 0; i < 3; i += 1) await ask(node, 'GET', '/forwarded', { headers: { 'X-Forwarded-For': '203.0.113.9' } });
  const { json } = await ask(node, 'GET', '/api/refusals?code=UNKNOWN_PATH&limit=10', { headers: { 'X-API-Key': key } });
  assert.ok(json.refusals.length > 0 && json.refusals.every((r) => r.address === '127.0.0.1'), JSON.stringify(json));
  await node.logged('proxy_not_trusted').catch(() => assert.match(node.text, /PROXY_NOT_TRUSTED/));
  assert.equal(node.text.match(/PROXY_NOT_TRUSTED/g).length, 1);
});

test('from a trusted proxy the rightmost untrusted address counts', async (t) => {
  const behind = await serve(t, { args: ['--trusted-proxies', '127.0.0.0/8,10.0.0.0/8'] });
  const apiKey = fs.readFileSync(`${behind.data}/api_key`, 'utf8').trim();
  await ask(behind, 'GET', '/forwarded', { headers: { 'X-Forwarded-For': '198.51.100.7, 203.0.113.9, 10.1.2.3' } });
  const { json } = await ask(behind, 'GET', '/api/refusals?code=UNKNOWN_PATH', { headers: { 'X-API-Key': apiKey } });
  assert.equal(json.refusals.find((r) => r.path === '/forwarded').address, '203.0.113.9');
});

test('no query string, token or password stands in the log', async () => {
  const person = await register(node, 'discreet', 'the-password-itself-9');
  await ask(node, 'GET', '/nowhere?secret=in-the-query');
  await ask(node, 'POST', '/auth/login', { body: { name: 'discreet', password: 'wrong-password-8' } });
  await ask(node, 'GET', '/auth/me', { token: `${person.access_token}x` });
  for (const secret of ['in-the-query', 'the-password-itself-9', 'wrong-password-8', person.access_token, person.refresh_token]) assert.ok(!node.text.includes(secret), secret);
});
