// Who gets in, and why not: every form of credential and every refusal of the door,
// told to an HTTP client, a native WebSocket client and a browser.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { fileScope, foyer, foyerJson, serve } from './support/foyer.mjs';
import { ask, head, raw } from './support/http.mjs';
import { PASSWORD, SECRET, arrive, expired, now, parts, register, resign, withSecret } from './support/people.mjs';
import { Client, handshake, upgradeHeaders } from './support/websocket.mjs';
import { within, until } from './support/within.mjs';

const file = fileScope(after);
let node;
let ann;
before(async () => {
  node = await serve(file, { env: withSecret, args: ['--echo', 'token'] });
  ann = await register(node, 'ann');
});

const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });
const ours = () => node.origin;

// As a native client: an HTTP answer instead of the upgrade.
async function refused(options, code, status) {
  const { refused: answer } = await handshake(node, options);
  assert.ok(answer, `${code} expected, but the handshake was completed`);
  assert.equal(answer.headers['content-type'], 'application/problem+json', answer.text);
  assert.deepEqual([answer.json.code, answer.status], [code, status], answer.text);
  assert.match(answer.headers['x-foyer'], new RegExp(`^[^;]+; build=[^;]+; ref=${answer.json.ref}$`));
  if (status === 401) assert.match(answer.headers['www-authenticate'], /^Bearer\b/);
  for (const field of ['type', 'title', 'detail', 'step', 'retry', 'ref']) assert.equal(typeof answer.json[field], 'string', field);
  assert.equal(answer.json.status, status);
  assert.equal(answer.json.type, `/causes/${code}`);
  return answer;
}

// As a browser (it sends Origin): the upgrade, the cause as a message, then Close.
async function closedAfterUpgrade(options, code, close) {
  const { socket, answer, refused: not } = await handshake(node, { ...options, headers: { Origin: ours(), ...options.headers } });
  assert.ok(socket, `an upgrade expected: ${not?.status} ${not?.text}`);
  const message = await socket.messages.take();
  const end = await socket.ended();
  assert.deepEqual([message.type, message.code, end.code], ['authentication_error', code, close]);
  for (const field of ['message', 'step', 'ref', 'retry']) assert.notEqual(message[field] ?? '', '', field);
  assert.ok(end.reason.startsWith(`${code} ${message.ref}`), end.reason);
  return { message, answer, end };
}

// Who gets in

test('Authorization: Bearer, the scheme in any case', async () => {
  for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
    const c = await Client.open(node, { headers: { Authorization: `${scheme} ${ann.access_token}` } });
    assert.equal(c.user.id, ann.user.id);
  }
});

test('subprotocols: foyer.v1 is selected, the credential is never echoed', async () => {
  for (const value of [ann.access_token, Buffer.from(ann.access_token).toString('base64url')]) {
    const { socket, answer } = await handshake(node, { headers: { 'Sec-WebSocket-Protocol': `foyer.v1, bearer.${value}` } });
    assert.equal(answer.headers['sec-websocket-protocol'], 'foyer.v1');
    assert.equal((await socket.messages.take()).type, 'authentication_success');
  }
});

test('no subprotocol offered: the native protocol, none echoed', async () => {
  const { answer, socket } = await handshake(node, bearer(ann.access_token));
  assert.equal(answer.headers['sec-websocket-protocol'], undefined);
  assert.equal((await socket.messages.take()).type, 'authentication_success');
});

test('a ticket gets in once', async () => {
  const { status, json } = await ask(node, 'POST', '/auth/tickets', { token: ann.access_token, body: {} });
  assert.equal(status, 201);
  assert.ok(json.expires_in <= 60);
  assert.match(json.url, /\/ws\/chat\?ticket=/);
  const c = await Client.open(node, { path: `/ws/chat?ticket=${json.ticket}` });
  assert.equal(c.user.id, ann.user.id);
  const answer = await refused({ path: `/ws/chat?ticket=${json.ticket}` }, 'TICKET_USED', 401);
  assert.equal(answer.json.retry, 'refresh');
});

test('a ticket as the first message', async () => {
  const { json } = await ask(node, 'POST', '/auth/tickets', { token: ann.access_token, body: {} });
  const { socket } = await handshake(node);
  socket.sendText(JSON.stringify({ type: 'authenticate', ticket: json.ticket }));
  assert.equal((await socket.messages.take()).type, 'authentication_success');
});

test('a ticket is bound to the origin for which it was made', async () => {
  const { json } = await ask(node, 'POST', '/auth/tickets', { token: ann.access_token, body: {}, headers: { Origin: ours() } });
  await refused({ path: `/ws/chat?ticket=${json.ticket}` }, 'TICKET_UNKNOWN', 401);
});

test('a ticket that nobody made is TICKET_UNKNOWN', async () => {
  await refused({ path: `/ws/chat?ticket=${'A'.repeat(43)}` }, 'TICKET_UNKNOWN', 401);
});

test('the session cookie counts with ?auth=cookie and an allowed Origin, and nowhere else', async () => {
  const login = await ask(node, 'POST', '/auth/login', { body: { name: 'ann', password: ann.password, cookie: true } });
  const cookie = login.headers['set-cookie'].split(';')[0];
  const c = await Client.open(node, { path: '/ws/chat?auth=cookie', headers: { Cookie: cookie, Origin: ours() } });
  assert.equal(c.user.id, ann.user.id);
  await refused({ path: '/ws/chat?auth=cookie', headers: { Cookie: cookie } }, 'ORIGIN_REQUIRED', 403);
  await refused({ path: '/ws/chat?auth=cookie', headers: { Cookie: cookie, Origin: 'https://elsewhere.example' } }, 'ORIGIN_NOT_ALLOWED', 403);
  const { socket } = await handshake(node, { headers: { Cookie: cookie, Origin: ours() } });
  socket.sendText('{"type":"rooms","id":1}');
  assert.equal((await socket.messages.take()).code, 'NO_TOKEN');
});

test('first message: anything but authenticate is NO_TOKEN, close 4401', async () => {
  for (const first of ['{"type":"rooms","id":1}', '{"type":"authenticate"}', '{"type":"authenticate","token":""}', 'hello', '[]']) {
    const { socket } = await handshake(node);
    socket.sendText(first);
    const message = await socket.messages.take();
    assert.deepEqual([message.type, message.code], ['authentication_error', 'NO_TOKEN'], first);
    const { code, reason } = await socket.ended();
    assert.deepEqual([code, reason.split(' ')[0]], [4401, 'NO_TOKEN'], first);
  }
});

test('what is sent behind `authenticate` without waiting is answered after it', async () => {
  const { socket } = await handshake(node);
  socket.sendText(JSON.stringify({ type: 'authenticate', token: ann.access_token }));
  socket.sendText('{"type":"ping","id":1}');
  socket.sendText('{"type":"join","id":2,"room":"early"}');
  const types = [];
  for (let i = 0; i < 3; i += 1) types.push((await socket.messages.take()).type);
  assert.deepEqual(types, ['authentication_success', 'pong', 'joined']);
});

test('nobody who keeps silent stays: AUTHENTICATE_TIMEOUT, close 4408', async (t) => {
  const quick = await serve(t, { args: ['--authenticate-timeout', '300ms'] });
  const { socket } = await handshake(quick);
  const { code, reason } = await socket.ended();
  assert.deepEqual([code, reason.split(' ')[0]], [4408, 'AUTHENTICATE_TIMEOUT']);
});

test('with first_message_auth = false the handshake itself answers NO_TOKEN', async (t) => {
  const strict = await serve(t, { args: ['--first-message-auth', 'false'] });
  const { refused: answer } = await handshake(strict);
  assert.deepEqual([answer.status, answer.json.code], [401, 'NO_TOKEN']);
});

test('a client that somebody else wrote (ws) gets in', async () => {
  const socket = new WebSocket(node.status.ws_url, ['foyer.v1'], { headers: { Authorization: `Bearer ${ann.access_token}` } });
  const first = await within('the welcome', new Promise((resolve, reject) => { socket.once('message', (data) => resolve(JSON.parse(data))); socket.once('error', reject); }));
  assert.equal(first.type, 'authentication_success');
  assert.equal(socket.protocol, 'foyer.v1');
  const closed = within('the close', new Promise((resolve) => socket.once('close', resolve)));
  socket.close(1000);
  assert.equal(await closed, 1000);
});

test('authentication_success says who, until when, what the limits are, and what runs here', async () => {
  const { welcome } = await Client.open(node, { token: ann.access_token });
  assert.deepEqual(welcome.user, { id: ann.user.id, name: 'ann' });
  assert.deepEqual([...welcome.permissions].sort(), ['chat:read', 'chat:write']);
  assert.equal(welcome.session, ann.session);
  assert.notEqual(welcome.connection, '');
  assert.match(welcome.expires_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(Math.round(Date.parse(welcome.expires_at) / 1_000), parts(ann.access_token).claims.exp);
  assert.ok(welcome.heartbeat_ms > 0);
  assert.deepEqual(Object.keys(welcome.limits).sort(), ['message_bytes', 'messages_per_s', 'name_bytes', 'rooms', 'text_bytes']);
  assert.deepEqual([welcome.limits.message_bytes, welcome.limits.text_bytes, welcome.limits.messages_per_s], [65_536, 16_384, 100]);
  const health = (await ask(node, 'GET', '/health')).json;
  assert.deepEqual(welcome.server, { version: health.version, build: health.build, environment: 'development', config: health.config });
});

// Who does not

test('connect to a path that does not exist', async () => {
  for (const path of ['/ws', '/ws/secure', '/chat', '/ws/chat/']) {
    const answer = await refused({ path }, 'UNKNOWN_PATH', 404);
    assert.match(answer.text, /\/ws\/chat/, 'the right path is named');
  }
});

test('connect with an expired token from a browser', async () => {
  const { message, end } = await closedAfterUpgrade({ headers: { 'Sec-WebSocket-Protocol': `foyer.v1, bearer.${expired(ann.access_token)}` } }, 'TOKEN_EXPIRED', 4401);
  assert.equal(message.retry, 'refresh');
  assert.equal(end.code, 4401);
});

test('Authorization: InvalidFormat x', async () => {
  for (const value of ['InvalidFormat x', 'Bearer', 'Bearer a.b', 'Bearer a.b.c.d', 'Bearer not*base64.e30.x', `Bearer ${'a'.repeat(9_000)}.e30.x`, 'Basic dXNlcjpwYXNz']) {
    await refused({ headers: { Authorization: value } }, 'INVALID_FORMAT', 401);
  }
});

test('expired / wrong signature', async () => {
  await refused(bearer(expired(ann.access_token)), 'TOKEN_EXPIRED', 401);
  await refused(bearer(resign(ann.access_token, { secret: `${SECRET}x` })), 'SIGNATURE_INVALID', 401);
});

test('each fault of a token has its own cause', async () => {
  const faults = [
    ['ALGORITHM_NOT_ALLOWED', { header: { alg: 'none' } }, 'never'],
    ['ALGORITHM_NOT_ALLOWED', { header: { alg: 'RS256' } }, 'never'],
    ['TOKEN_NOT_YET_VALID', { claims: { nbf: now() + 3_600 } }, 'after'],
    ['ISSUER_MISMATCH', { claims: { iss: 'somebody-else' } }, 'never'],
    ['AUDIENCE_MISMATCH', { claims: { aud: 'something-else' } }, 'never'],
    ['ENVIRONMENT_MISMATCH', { claims: { env: 'production' } }, 'never'],
    ['WRONG_TOKEN_TYPE', { header: { typ: 'service+jwt' } }, 'never'],
    ['CLAIM_MISSING', { claims: { sub: undefined } }, 'never'],
    ['CLAIM_MISSING', { claims: { exp: undefined } }, 'never'],
  ];
  for (const [code, change, retry] of faults) {
    const answer = await refused(bearer(resign(ann.access_token, change)), code, 401);
    assert.equal(answer.json.retry, retry, code);
  }
});

test('five bad tokens are five SIGNATURE_INVALID, and a good one gets in right after', async () => {
  for (let i = 0; i < 5; i += 1) await refused(bearer(resign(ann.access_token, { secret: `wrong-${i}-abcdefghijklmnopqrstuvwxyz` })), 'SIGNATURE_INVALID', 401);
  for (let i = 0; i < 5; i += 1) await refused({ path: `/ws/chat?ticket=${String(i).repeat(43)}` }, 'TICKET_UNKNOWN', 401);
  await Client.open(node, { token: ann.access_token });
});

test('without chat:read and chat:write the chat is PERMISSION_DENIED; the echo is not', async () => {
  const poor = resign(ann.access_token, { claims: { scope: '' } });
  await refused(bearer(poor), 'PERMISSION_DENIED', 403);
  const { socket } = await handshake(node, { path: '/ws/echo', ...bearer(poor) });
  assert.ok(socket);
});

test('a user who does not exist here is USER_UNKNOWN', async () => {
  const other = await register(node, 'gone');
  assert.equal((await ask(node, 'DELETE', '/auth/me', { token: other.access_token, body: { password: PASSWORD } })).status, 204);
  // The gateway learns of it from the auth service, in less than a second.
  const answer = await until('the deletion to reach the door', async () => {
    const { socket, refused: told } = await handshake(node, bearer(other.access_token));
    socket?.destroy();
    return told;
  });
  assert.ok(['USER_UNKNOWN', 'SESSION_REVOKED', 'TOKEN_REVOKED'].includes(answer.json.code), answer.text);
});

test('two credentials at once are ambiguous, even equal ones', async () => {
  const { json } = await ask(node, 'POST', '/auth/tickets', { token: ann.access_token, body: {} });
  await refused({ path: `/ws/chat?ticket=${json.ticket}`, ...bearer(ann.access_token) }, 'AMBIGUOUS_CREDENTIALS', 400);
  await refused({ headers: { Authorization: `Bearer ${ann.access_token}`, 'Sec-WebSocket-Protocol': `foyer.v1, bearer.${ann.access_token}` } }, 'AMBIGUOUS_CREDENTIALS', 400);
});

test('a token in the URL is refused, and stands in no log', async () => {
  for (const name of ['token', 'access_token']) await refused({ path: `/ws/chat?${name}=${ann.access_token}` }, 'TOKEN_IN_URL', 401);
  assert.ok(!node.text.includes(ann.access_token));
  assert.ok(!node.text.includes(ann.access_token.split('.')[2]));
});

test('a client that announces a header which did not arrive: AUTH_HEADER_STRIPPED', async () => {
  await refused({ path: '/ws/chat?auth=header' }, 'AUTH_HEADER_STRIPPED', 401);
  await closedAfterUpgrade({ path: '/ws/chat?auth=header' }, 'AUTH_HEADER_STRIPPED', 4401);
});

test('an announced subprotocol, ticket or cookie that did not arrive is NO_TOKEN at once', async () => {
  for (const form of ['subprotocol', 'ticket']) await refused({ path: `/ws/chat?auth=${form}` }, 'NO_TOKEN', 401);
  await refused({ path: '/ws/chat?auth=cookie', headers: { Origin: ours() } }, 'NO_TOKEN', 401).catch(async () => {
    await closedAfterUpgrade({ path: '/ws/chat?auth=cookie' }, 'NO_TOKEN', 4401);
  });
});

test('only credential values offered: SUBPROTOCOL_MALFORMED, as HTTP even to a browser', async () => {
  const answer = await refused({ headers: { Origin: ours(), 'Sec-WebSocket-Protocol': `bearer.${ann.access_token}` } }, 'SUBPROTOCOL_MALFORMED', 400);
  assert.match(answer.text, /foyer\.v1/);
});

test('only protocols that are not spoken here: SUBPROTOCOL_UNSUPPORTED, and for a browser its first offer is echoed', async () => {
  await refused({ headers: { 'Sec-WebSocket-Protocol': 'mqtt' } }, 'SUBPROTOCOL_UNSUPPORTED', 400);
  const { answer } = await closedAfterUpgrade({ headers: { 'Sec-WebSocket-Protocol': 'mqtt, stomp' } }, 'SUBPROTOCOL_UNSUPPORTED', 4400);
  assert.equal(answer.headers['sec-websocket-protocol'], 'mqtt');
});

test('a foreign Origin gets 403 before any upgrade, whatever else is wrong', async () => {
  for (const Origin of ['https://evil.example', 'null', ours().replace('http:', 'https:'), `${ours()}0`]) {
    await refused({ headers: { Origin, Authorization: `Bearer ${ann.access_token}` } }, 'ORIGIN_NOT_ALLOWED', 403);
    await refused({ headers: { Origin, Authorization: 'Bearer rubbish' } }, 'ORIGIN_NOT_ALLOWED', 403);
  }
});

test('in development localhost and 127.0.0.1 are both allowed origins', async () => {
  for (const host of ['localhost', '127.0.0.1']) await Client.open(node, { headers: { Origin: `http://${host}:${node.port}`, Authorization: `Bearer ${ann.access_token}` } });
});

test('plain GET on the socket path: 426 to ours, 403 to a foreign page, readable by both', async () => {
  const plain = await ask(node, 'GET', '/ws/chat');
  assert.deepEqual([plain.status, plain.json.code, plain.headers.upgrade?.toLowerCase()], [426, 'UPGRADE_MISSING', 'websocket']);
  assert.ok(plain.json.sockets.includes('/ws/chat'));
  assert.equal(plain.headers['access-control-allow-origin'], '*');
  const allowed = await ask(node, 'GET', '/ws/chat', { headers: { Origin: ours() } });
  assert.equal(allowed.json.code, 'UPGRADE_MISSING');
  const foreign = await ask(node, 'GET', '/ws/chat', { headers: { Origin: 'https://evil.example' } });
  assert.deepEqual([foreign.status, foreign.json.code, foreign.headers['access-control-allow-origin']], [403, 'ORIGIN_NOT_ALLOWED', '*']);
  assert.match(foreign.headers['x-foyer'], /^foyer; ref=\S+$/);
  assert.equal(foreign.headers['access-control-expose-headers'], undefined);
});

test('missing and wrong upgrade headers have their own causes', async () => {
  await refused({ headers: { Upgrade: undefined, Connection: undefined } }, 'UPGRADE_STRIPPED', 426);
  await refused({ headers: { 'Sec-WebSocket-Version': '8' } }, 'BAD_WEBSOCKET_VERSION', 426).then((a) => assert.equal(a.headers['sec-websocket-version'], '13'));
  await refused({ headers: { 'Sec-WebSocket-Version': undefined } }, 'BAD_WEBSOCKET_VERSION', 426);
  await refused({ headers: { 'Sec-WebSocket-Key': undefined } }, 'BAD_WEBSOCKET_KEY', 400);
  await refused({ headers: { 'Sec-WebSocket-Key': 'c2hvcnQ=' } }, 'BAD_WEBSOCKET_KEY', 400);
});

test('another method on the socket path is METHOD_NOT_ALLOWED', async () => {
  const answer = await ask(node, 'POST', '/ws/chat', { body: {} });
  assert.deepEqual([answer.status, answer.json.code], [405, 'METHOD_NOT_ALLOWED']);
  assert.match(answer.headers.allow, /GET/);
});

test('a Host that is not ours is 421; IP literals and localhost are ours', async () => {
  await refused({ headers: { Host: 'rebound.example' } }, 'HOST_NOT_ALLOWED', 421);
  for (const Host of [`localhost:${node.port}`, `127.0.0.1:${node.port}`, `[::1]:${node.port}`]) assert.equal((await ask(node, 'GET', '/causes/NO_TOKEN', { headers: { Host } })).status, 200, Host);
  assert.equal((await ask(node, 'GET', '/causes/NO_TOKEN', { headers: { Host: 'rebound.example' } })).status, 421);
  for (const path of ['/health', '/health/live', '/health/ready', '/.well-known/jwks.json']) assert.notEqual((await ask(node, 'GET', path, { headers: { Host: 'rebound.example' } })).status, 421, path);
});

test('TLS on the plain port is told apart from noise', async () => {
  const hello = Buffer.from('160301002f0100002b0303' + '00'.repeat(32) + '00000213010100', 'hex');
  const answer = await raw(node, hello).catch((e) => e);
  assert.ok(answer.status === 400 ? answer.json.code === 'TLS_ON_PLAIN_PORT' : answer instanceof Error);
  await node.logged('refused', { code: 'TLS_ON_PLAIN_PORT' }).catch(() => assert.match(node.text, /TLS_ON_PLAIN_PORT/));
});

test('in development the client is told the operator’s text, too', async () => {
  const answer = await refused(bearer(expired(ann.access_token)), 'TOKEN_EXPIRED', 401);
  const { operator, client } = (await ask(node, 'GET', '/causes/TOKEN_EXPIRED')).json;
  assert.ok(answer.json.detail.length > client.length && (answer.json.detail.includes(operator.slice(0, 20)) || answer.json.detail !== client), answer.json.detail);
});

// How it is found again

test('one refusal is found by its ref: in the API, by `foyer why`, in the log', async (t) => {
  const own = await serve(t, { env: withSecret });
  const { access_token: token } = await register(own, 'ann');
  const { refused: answer } = await handshake(own, bearer(expired(token)));
  const { ref } = answer.json;
  const key = (await import('node:fs')).readFileSync(`${own.data}/api_key`, 'utf8').trim();
  const { json } = await ask(own, 'GET', `/api/refusals?ref=${ref}`, { headers: { 'X-API-Key': key } });
  const [row] = json.refusals;
  assert.deepEqual([row.ref, row.code, row.step, row.address, row.path], [ref, 'TOKEN_EXPIRED', 'credential_valid', '127.0.0.1', '/ws/chat']);
  assert.ok(row.steps.some((s) => s.step === 'credential_valid' && s.ms >= 0));
  assert.notEqual(row.operator, '');
  const why = await foyerJson(['why', ref, '--json', '--data', own.data]);
  assert.deepEqual([why.code, why.json.ref ?? why.json.refusals?.[0]?.ref], [0, ref]);
  const unknown = await foyer(['why', 'zzzzzzzz', '--data', own.data]);
  assert.equal(unknown.code, 1);
  await own.lines.take('a log line with the ref', (line) => line.ref === ref && line.code === 'TOKEN_EXPIRED');
});

test('/api/refusals filters by code, newest first, and wants the key', async () => {
  const fs = await import('node:fs');
  const key = fs.readFileSync(`${node.data}/api_key`, 'utf8').trim();
  await refused({ path: '/nowhere' }, 'UNKNOWN_PATH', 404);
  for (const headers of [{ 'X-API-Key': key }, { Authorization: `apikey ${key}` }]) {
    const { status, json } = await ask(node, 'GET', '/api/refusals?code=UNKNOWN_PATH&limit=5', { headers });
    assert.equal(status, 200);
    assert.ok(json.refusals.length >= 1 && json.refusals.length <= 5);
    assert.ok(json.refusals.every((r) => r.code === 'UNKNOWN_PATH'));
    const times = json.refusals.map((r) => r.time);
    assert.deepEqual(times, [...times].sort().reverse());
  }
  for (const headers of [{}, { 'X-API-Key': 'wrong' }]) {
    const { status, json } = await ask(node, 'GET', '/api/refusals', { headers });
    assert.deepEqual([status, json.code], [401, 'API_KEY_REJECTED']);
  }
});

test('equal refusals of one address within a second are counted, not repeated', async () => {
  const key = (await import('node:fs')).readFileSync(`${node.data}/api_key`, 'utf8').trim();
  const read = async () => (await ask(node, 'GET', '/api/refusals?code=BAD_WEBSOCKET_KEY&limit=1000', { headers: { 'X-API-Key': key } })).json.refusals;
  const total = (rows) => rows.reduce((sum, r) => sum + r.count, 0);
  const before = await read();
  await Promise.all(Array.from({ length: 20 }, () => handshake(node, { headers: { 'Sec-WebSocket-Key': 'x' } })));
  const after20 = await read();
  assert.equal(total(after20) - total(before), 20);
  assert.ok(after20.length - before.length <= 5);
});

test('/causes/CODE explains, as JSON and as a page; so does `foyer explain`', async () => {
  const json = (await ask(node, 'GET', '/causes/TOKEN_EXPIRED', { headers: { Accept: 'application/json' } })).json;
  const explained = (await foyerJson(['explain', 'TOKEN_EXPIRED', '--json'])).json;
  assert.deepEqual(json, explained);
  assert.deepEqual(Object.keys(explained).sort(), ['client', 'close', 'code', 'http', 'next', 'operator', 'retry', 'step', 'who']);
  const page = await ask(node, 'GET', '/causes/TOKEN_EXPIRED', { headers: { Accept: 'text/html' } });
  assert.match(page.headers['content-type'], /^text\/html/);
  assert.ok(page.text.includes('TOKEN_EXPIRED') && !page.text.includes('{{'));
  assert.equal((await ask(node, 'GET', '/causes/NO_SUCH_CODE')).status, 404);
  const wrong = await foyer(['explain', 'TOKEN_EXPIRD']);
  assert.equal(wrong.code, 1);
  assert.match(wrong.out + wrong.err, /TOKEN_EXPIRED/);
});

test('every cause has a step in words, and no text is empty', async () => {
  const { json } = await foyerJson(['explain', '--all', '--json']);
  const steps = new Set(['configuration', 'readiness', 'transport', 'subprotocol', 'credential_present', 'credential_form', 'auth_service', 'service_identity', 'credential_valid', 'revocation', 'user', 'permission', 'application', 'capacity', 'http', 'accounts', 'chat', 'store', 'session']);
  assert.ok(json.length > 80);
  for (const cause of json) {
    assert.ok(steps.has(cause.step), `${cause.code}: ${cause.step}`);
    for (const field of ['client', 'operator', 'next', 'who']) assert.notEqual(cause[field], '', `${cause.code}.${field}`);
  }
});

test('an address that is refused too often is ADDRESS_RATE_LIMIT, before any signature is checked', async (t) => {
  const small = await serve(t, { env: withSecret, args: ['--address-refusals', '5'] });
  // A few more where a window of 10 s begins in between.
  const refusedAtLast = async (token, most) => {
    let last;
    for (let i = 0; i < most && last?.status !== 429; i += 1) last = (await handshake(small, bearer(token))).refused;
    return last;
  };
  const last = await refusedAtLast('a.b', 12);
  assert.deepEqual([last.status, last.json.code, last.json.retry], [429, 'ADDRESS_RATE_LIMIT', 'after']);
  assert.ok(last.json.retry_after_ms > 0);
  assert.ok(Number(last.headers['retry-after']) > 0);
  assert.equal((await refusedAtLast('a.b.c', 3)).json.code, 'ADDRESS_RATE_LIMIT');
});

test('refuse_with = http refuses browsers by HTTP too, = close closes for everybody', async (t) => {
  const byHttp = await serve(t, { args: ['--refuse-with', 'http'] });
  assert.equal((await handshake(byHttp, { headers: { Origin: byHttp.origin, Authorization: 'Bearer a.b' } })).refused.json.code, 'INVALID_FORMAT');
  const byClose = await serve(t, { args: ['--refuse-with', 'close'] });
  const { socket } = await handshake(byClose, { headers: { Authorization: 'Bearer a.b' } });
  assert.equal((await socket.messages.take()).code, 'INVALID_FORMAT');
  assert.equal((await socket.ended()).code, 4401);
});

test('/ws/echo gives back text and binary to any admitted user; off by default', async (t) => {
  const { socket } = await handshake(node, { path: '/ws/echo', ...bearer(ann.access_token) });
  socket.sendFrame(0x1, Buffer.from('"hello"'));
  assert.equal(await socket.messages.take(), 'hello');
  socket.sendFrame(0x2, Buffer.from([1, 2, 3]));
  assert.deepEqual(await socket.messages.take(), Buffer.from([1, 2, 3]));
  const plain = await serve(t);
  assert.equal((await handshake(plain, { path: '/ws/echo' })).refused.json.code, 'UNKNOWN_PATH');
});

test('an upgrade request in pieces is one request', async () => {
  const { connected, readAnswer } = await import('./support/http.mjs');
  const socket = await connected(node);
  const bytes = head(node, 'GET', '/ws/chat', { ...upgradeHeaders(), Authorization: `Bearer ${ann.access_token}` });
  const answer = readAnswer(socket);
  for (const part of bytes.match(/[\s\S]{1,40}/g)) await new Promise((resolve) => socket.write(part, resolve));
  assert.equal((await within('the answer', answer)).status, 101);
  socket.destroy();
});
