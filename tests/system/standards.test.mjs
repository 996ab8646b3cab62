// Rows of the standards that are about the behaviour of the whole server, one test
// each, named after the row. What is about a decoder alone is tested beside it;
// tests/standards.md says where each row is.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT, asNobody, fileScope, foyer, foyerJson, isRoot, run, serve, temporary } from './support/foyer.mjs';
import { ask, connected, head, raw, readAnswer } from './support/http.mjs';
import { PASSWORD, SECRET, parts, register, resign, withSecret } from './support/people.mjs';
import { Client, frame, handshake, upgradeHeaders } from './support/websocket.mjs';
import { within, until } from './support/within.mjs';

const ISSUER = 'https://chat.example';
const BILLING = { id: 'billing', secret: 'Vb2-kQ9mZt4Lw8sYb6Hc3Jp5Gd1FfEaU0oK_R7x' };
const REPORTS = { id: 'reports', secret: 'Hc3Jp5Gd1FfEaU0oK_R7xVb2-kQ9mZt4Lw8sYb6' };

const file = fileScope(after);
let node;
let ann;
before(async () => {
  node = await serve(file, { env: { ...withSecret, PUBLIC_URL: ISSUER, ALLOWED_ORIGINS: `${ISSUER},https://app.example` }, args: ['--echo', 'token'] });
  const options = ['--data', node.data, '--dev', '--json'];
  for (const { id, secret } of [BILLING, REPORTS]) {
    const added = await foyerJson(['service', 'add', id, '--may-call', 'reports', '--secret-stdin', ...options], { input: `${secret}\n` });
    assert.equal(added.code, 0, added.err);
  }
  await until('the services to be known', async () => (await token(form({ grant_type: 'client_credentials', audience: 'reports' }), basic(REPORTS))).status !== 401);
  ann = await register(node, 'ann');
});

const form = (fields) => new URLSearchParams(fields).toString();
const basic = ({ id, secret }) => ({ Authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}` });
const post = (path, body, headers = {}) => ask(node, 'POST', path, { body, headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers } });
const token = (body, headers) => post('/oauth2/token', body, headers);
const bearer = (value) => ({ headers: { Authorization: `Bearer ${value}` } });
const refusal = async (options) => {
  const { refused, socket } = await handshake(node, options);
  socket?.destroy();
  return refused ? [refused.status, refused.json.code] : [101];
};

// ---- the handshake and the end of a connection

test('RFC 6455 §4.2.2 step 2: who is not authenticated gets 401 with WWW-Authenticate in place of the upgrade', async () => {
  const { refused } = await handshake(node, bearer(resign(ann.access_token, { secret: `${SECRET}x` })));
  assert.deepEqual([refused.status, refused.json.code], [401, 'SIGNATURE_INVALID']);
  assert.match(refused.headers['www-authenticate'], /^Bearer\b.*error="invalid_token"/);
});

test('RFC 6455 §4.2.2 step 5, §11.3.4: one subprotocol of those offered is selected, or none; never two, never another', async () => {
  const selected = async (offer) => {
    const { socket, answer } = await handshake(node, { headers: { 'Sec-WebSocket-Protocol': offer } });
    socket.destroy();
    return answer.headers['sec-websocket-protocol'];
  };
  assert.equal(await selected('foyer.v1'), 'foyer.v1');
  assert.equal(await selected('other, foyer.v1'), 'foyer.v1');
  assert.equal(await selected(['other', 'foyer.v1']), 'foyer.v1');
  assert.equal(await selected(undefined), undefined);
  assert.deepEqual(await refusal({ headers: { 'Sec-WebSocket-Protocol': 'other' } }), [400, 'SUBPROTOCOL_UNSUPPORTED']);
});

test('RFC 6455 §7.1.1: after the closing handshake the server ends the TCP connection first', async () => {
  const socket = await connected(node);
  socket.allowHalfOpen = true;
  socket.write(head(node, 'GET', '/ws/echo', { ...upgradeHeaders(), Authorization: `Bearer ${ann.access_token}` }));
  const answer = await readAnswer(socket);
  assert.equal(answer.status, 101);
  const seen = [];
  socket.on('data', (bytes) => seen.push(bytes));
  const ended = within('the server’s FIN', new Promise((resolve) => socket.on('end', resolve)));
  socket.write(frame(0x8, Buffer.from([0x03, 0xe8])));
  await ended;
  assert.deepEqual(Buffer.concat(seen), Buffer.from([0x88, 0x02, 0x03, 0xe8]), 'our Close came back, and nothing else');
  socket.destroy();
});

test('RFC 6455 §7.1.5: a close without a code is answered by one without; with a code, by the same', async () => {
  for (const payload of [Buffer.alloc(0), Buffer.from([0x03, 0xe8]), Buffer.from([0x0f, 0xa0, 0x78])]) {
    const { socket } = await handshake(node, { path: '/ws/echo', ...bearer(ann.access_token) });
    socket.sendFrame(0x8, payload);
    const { code, reason } = await socket.ended();
    assert.deepEqual([code, reason], [payload.length ? payload.readUInt16BE(0) : 1005, '']);
  }
});

test('RFC 6455 §10.2: a page of another origin gets 403 before any upgrade', async () => {
  for (const headers of [{ Origin: 'https://elsewhere.example' }, { Origin: 'https://elsewhere.example', Authorization: `Bearer ${ann.access_token}` }])
    assert.deepEqual(await refusal({ headers }), [403, 'ORIGIN_NOT_ALLOWED']);
});

test('RFC 6455 §10.5: cookies and HTTP authentication both open a socket', async () => {
  const login = await ask(node, 'POST', '/auth/login', { body: { name: 'ann', password: PASSWORD, cookie: true }, headers: { Origin: ISSUER } });
  assert.equal(login.status, 200, login.text);
  const cookie = login.headers['set-cookie'].split(';')[0];
  const byCookie = await Client.open(node, { path: '/ws/chat?auth=cookie', headers: { Cookie: cookie, Origin: ISSUER } });
  const byHeader = await Client.open(node, bearer(ann.access_token));
  assert.deepEqual([byCookie.user.id, byHeader.user.id], [ann.user.id, ann.user.id]);
});

test('IANA close codes: 1000 is echoed, policy of ours is 4400-4499, and what may not be on the wire never is', async () => {
  const codes = new Set();
  const closes = async (act, origin = ISSUER, path = '/ws/chat') => {
    const { socket } = await handshake(node, { path, headers: { Origin: origin } });
    act(socket);
    codes.add((await socket.ended()).code);
  };
  await closes((s) => s.sendText('{"type":"authenticate","token":"nonsense"}'));
  await closes((s) => s.sendText('hello'));
  await closes((s) => s.sendBytes(frame(0x1, Buffer.from('x'), { masked: false })));
  await closes((s) => s.sendFrame(0x1, Buffer.from([0xff])));
  await closes((s) => s.sendFrame(0x1, Buffer.alloc(65_537, 0x20)));
  await closes((s) => s.sendFrame(0x8, Buffer.from([0x03, 0xe8])));
  await closes((s) => s.sendFrame(0x8, Buffer.from([0x03, 0xee])));   // 1006 in a frame
  assert.deepEqual([...codes].sort(), [1000, 1002, 1007, 1009, 4401]);
});

test('WHATWG WebSockets: no handshake is answered by a redirect, wherever it goes', async () => {
  for (const path of ['/', '/ws', '/ws/', '/ws/chat/', '//ws/chat', '/WS/CHAT', '/ws/../ws/chat', '/auth/login', '/nowhere']) {
    const { refused, socket } = await handshake(node, { path, ...bearer(ann.access_token) });
    socket?.destroy();
    assert.ok(refused && (refused.status < 300 || refused.status >= 400), `${path}: ${refused?.status}`);
    assert.equal(refused.headers.location, undefined, path);
  }
});

// ---- cross-site hijacking, OWASP, ASVS

test('CWE-1385: with a cookie a foreign, absent, similar or null Origin is refused before 101', async () => {
  const login = await ask(node, 'POST', '/auth/login', { body: { name: 'ann', password: PASSWORD, cookie: true }, headers: { Origin: ISSUER } });
  const Cookie = login.headers['set-cookie'].split(';')[0];
  const tried = (Origin) => refusal({ path: '/ws/chat?auth=cookie', headers: { Cookie, Origin } });
  assert.deepEqual(await tried(undefined), [403, 'ORIGIN_REQUIRED']);
  for (const origin of ['null', 'https://chat.example.evil.example', 'https://evilchat.example', 'https://chat.example:8443', 'http://chat.example', 'https://sub.chat.example', 'https://chat.example.',
    'https://chat.example/', 'https://chat.example@evil.example', 'file://', 'HTTPS://CHAT.EXAMPLE evil'])
    assert.deepEqual(await tried(origin), [403, 'ORIGIN_NOT_ALLOWED'], origin);
  assert.deepEqual(await tried(ISSUER), [101]);
  assert.deepEqual(await tried('https://app.example'), [101]);
});

test('OWASP WebSocket: logging out closes all sockets of the session', async () => {
  const dan = await register(node, 'dan');
  const first = await Client.open(node, bearer(dan.access_token));
  const second = await Client.open(node, { token: dan.access_token });
  const { socket: echo } = await handshake(node, { path: '/ws/echo', ...bearer(dan.access_token) });
  assert.equal((await ask(node, 'POST', '/auth/logout', { token: dan.access_token })).status, 204);
  for (const socket of [first, second, echo]) {
    const { code, reason } = await socket.ended();
    assert.equal(code, 4401);
    assert.match(reason, /^SESSION_REVOKED /);
  }
  assert.deepEqual(await refusal(bearer(dan.access_token)), [401, 'SESSION_REVOKED']);
});

test('OWASP WebSocket: each message is authorised, not the connection alone', async () => {
  const reader = await Client.open(node, bearer(resign(ann.access_token, { claims: { scope: 'chat:read', jti: 'reads-only' } })));
  assert.equal((await reader.join('square')).type, 'joined');
  const said = await reader.say('square', 'hello');
  assert.deepEqual([said.type, said.code], ['error', 'PERMISSION_DENIED']);
  const pia = await Client.open(node, bearer((await register(node, 'pia')).access_token));
  const joined = await pia.join(`user:${ann.user.id}`);
  assert.deepEqual([joined.type, joined.code], ['error', 'NOT_A_MEMBER']);
});

test('OWASP WebSocket: a message of more than 64 KiB is not taken', async () => {
  const { socket } = await handshake(node, { path: '/ws/echo', ...bearer(ann.access_token) });
  socket.sendFrame(0x2, Buffer.alloc(65_536));
  assert.equal((await socket.messages.take()).length, 65_536);
  socket.sendFrame(0x2, Buffer.alloc(65_537));
  const { code, reason } = await socket.ended();
  assert.equal(code, 1009);
  assert.match(reason, /^MESSAGE_TOO_BIG /);
});

test('OWASP WebSocket: neither tokens nor what people say stand in the log', async () => {
  const eve = await register(node, 'eve');
  const client = await Client.open(node, { token: eve.access_token });
  await client.join('square');
  await client.say('square', 'a sentence that nobody logs');
  await client.ask('nonsense', { message: 'nor this one' });
  await refusal(bearer(`${eve.access_token}x`));
  await client.close();
  for (const secret of [eve.access_token.split('.')[2], eve.refresh_token, 'a sentence that nobody logs', 'nor this one', SECRET]) assert.ok(!node.text.includes(secret));
});

test('ASVS 4.4.2: the Origin is looked at on every handshake, also with a token and for /ws/echo', async () => {
  for (const path of ['/ws/chat', '/ws/echo'])
    assert.deepEqual(await refusal({ path, headers: { Origin: 'https://elsewhere.example', Authorization: `Bearer ${ann.access_token}` } }), [403, 'ORIGIN_NOT_ALLOWED']);
});

test('ASVS 4.4.3, 4.4.4: a token for the socket alone is got over the authenticated session, and ends with it', async () => {
  const fay = await register(node, 'fay');
  assert.equal((await ask(node, 'POST', '/auth/tickets', { body: {} })).status, 401);
  const ticket = async () => (await ask(node, 'POST', '/auth/tickets', { token: fay.access_token, body: {} })).json.ticket;
  const used = await ticket();
  const client = await Client.open(node, { path: `/ws/chat?ticket=${used}` });
  assert.equal(client.user.id, fay.user.id);
  const kept = await ticket();
  await ask(node, 'POST', '/auth/logout', { token: fay.access_token });
  assert.match((await client.ended()).reason, /^SESSION_REVOKED /);
  const [status, code] = await refusal({ path: `/ws/chat?ticket=${kept}` });
  assert.deepEqual([status, code], [401, 'SESSION_REVOKED']);
});

// ---- OAuth

test('RFC 6749 §3.2: a parameter that comes twice is invalid_request', async () => {
  for (const [path, body] of [
    ['/oauth2/token', 'grant_type=client_credentials&grant_type=client_credentials&audience=reports'],
    ['/oauth2/token', 'grant_type=client_credentials&audience=reports&audience=reports'],
    ['/oauth2/introspect', 'token=x&token=y'],
    ['/oauth2/revoke', 'token=x&token=x'],
  ]) {
    const answer = await post(path, body, basic(BILLING));
    assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_request'], body);
  }
});

test('RFC 6749 §3.2: the token endpoint takes POST alone', async () => {
  const answer = await ask(node, 'GET', '/oauth2/token?grant_type=client_credentials', { headers: basic(BILLING) });
  assert.deepEqual([answer.status, answer.headers.allow], [405, 'POST']);
});

test('RFC 6749 §4.4.3: client credentials bring no refresh token', async () => {
  const answer = await token(form({ grant_type: 'client_credentials', audience: 'reports' }), basic(BILLING));
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(Object.keys(answer.json).sort(), ['access_token', 'expires_in', 'token_type']);
});

test('RFC 6749 §5.1: an answer with a token is not stored by anybody on the way', async () => {
  const gus = await register(node, 'gus');
  for (const answer of [
    await token(form({ grant_type: 'client_credentials', audience: 'reports' }), basic(BILLING)),
    await token(form({ grant_type: 'refresh_token', refresh_token: gus.refresh_token, client_id: 'foyer' })),
    await ask(node, 'POST', '/auth/login', { body: { name: 'gus', password: PASSWORD } }),
    await ask(node, 'POST', '/auth/tickets', { token: gus.access_token, body: {} }),
  ]) {
    assert.ok(answer.status < 300, answer.text);
    assert.equal(answer.headers['cache-control'], 'no-store');
  }
});

test('RFC 6749 §5.2: invalid_client is 401, and who tried Basic is answered by that scheme', async () => {
  const wrong = { ...BILLING, secret: 'wrong' };
  const byHeader = await token(form({ grant_type: 'client_credentials', audience: 'reports' }), basic(wrong));
  assert.deepEqual([byHeader.status, byHeader.json.error], [401, 'invalid_client']);
  assert.match(byHeader.headers['www-authenticate'], /^Basic\b/);
  const byForm = await token(form({ grant_type: 'client_credentials', audience: 'reports', client_id: wrong.id, client_secret: wrong.secret }));
  assert.deepEqual([byForm.status, byForm.json.error], [401, 'invalid_client']);
});

test('RFC 6749 §5.2: each error by its name', async () => {
  for (const [fields, error] of [
    [{}, 'invalid_request'],
    [{ grant_type: 'password', username: 'ann', password: PASSWORD }, 'unsupported_grant_type'],
    [{ grant_type: 'authorization_code', code: 'x' }, 'unsupported_grant_type'],
    [{ grant_type: 'refresh_token', refresh_token: 'A'.repeat(43) }, 'unauthorized_client'],
  ]) {
    const answer = await token(form(fields), basic(BILLING));
    assert.deepEqual([answer.status, answer.json.error], [400, error], JSON.stringify(fields));
  }
  const unknown = await token(form({ grant_type: 'refresh_token', refresh_token: 'A'.repeat(43), client_id: 'foyer' }));
  assert.deepEqual([unknown.status, unknown.json.error], [400, 'invalid_grant']);
});

test('RFC 6749 §6: a refresh token brings no wider scope, and is not spent by the attempt', async () => {
  const hal = await register(node, 'hal');
  const refresh = (scope) => token(form({ grant_type: 'refresh_token', refresh_token: hal.refresh_token, client_id: 'foyer', ...(scope ? { scope } : {}) }));
  const wider = await refresh('chat:read admin');
  assert.deepEqual([wider.status, wider.json.error], [400, 'invalid_scope']);
  const same = await refresh();
  assert.deepEqual([same.status, same.json.scope], [200, 'chat:read chat:write']);
});

test('RFC 6749 §10.10: what could be guessed has at least 128 bits, and is never twice the same', async () => {
  const secrets = [];
  for (const name of ['ida', 'jon']) {
    const person = await register(node, name);
    secrets.push(person.refresh_token);
    for (let i = 0; i < 3; i += 1) secrets.push((await ask(node, 'POST', '/auth/tickets', { token: person.access_token, body: {} })).json.ticket);
  }
  assert.equal(new Set(secrets).size, 8);
  for (const secret of secrets) assert.equal(Buffer.from(secret, 'base64url').length, 32);
});

test('RFC 7662 §2.1: introspection is POST with a form, for callers who say who they are', async () => {
  const nobody = await post('/oauth2/introspect', form({ token: ann.access_token }));
  assert.deepEqual([nobody.status, nobody.json.error], [401, 'invalid_client']);
  const get = await ask(node, 'GET', `/oauth2/introspect?token=x`, { headers: basic(BILLING) });
  assert.equal(get.status, 405);
});

test('RFC 7662 §2.2: what is not active is exactly {"active":false}, whatever the reason', async () => {
  const revoked = await register(node, 'kim');
  await post('/oauth2/revoke', form({ token: revoked.refresh_token }));
  const long = resign(ann.access_token, { claims: { iat: 1_600_000_000, nbf: undefined, exp: 1_600_000_900 } });
  for (const value of ['nonsense', revoked.access_token, long, resign(ann.access_token, { secret: `${SECRET}x` }), `${ann.access_token}x`]) {
    const answer = await post('/oauth2/introspect', form({ token: value }), basic(BILLING));
    assert.deepEqual([answer.status, answer.text], [200, '{"active":false}']);
  }
});

test('RFC 7662 §4: no answer of the introspection may be stored', async () => {
  const answer = await post('/oauth2/introspect', form({ token: 'x' }), basic(BILLING));
  assert.equal(answer.headers['cache-control'], 'no-store');
});

test('RFC 7009 §2.1, §2.2: an unknown token is 200; revoking a refresh token ends its access tokens', async () => {
  assert.equal((await post('/oauth2/revoke', form({ token: 'nobody ever had this' }))).status, 200);
  const lea = await register(node, 'lea');
  assert.equal((await post('/oauth2/revoke', form({ token: lea.refresh_token, token_type_hint: 'refresh_token' }))).status, 200);
  const me = await ask(node, 'GET', '/auth/me', { token: lea.access_token });
  assert.deepEqual([me.status, me.json.code], [401, 'SESSION_REVOKED']);
});

test('RFC 7009 §2.2.1: what cannot be revoked at the moment is 503, and the token is still there', async (t) => {
  const data = temporary(t);
  if (isRoot) await run('chown', ['65534:65534', data]);
  const first = await serve(t, { data, wrap: asNobody });
  const pat = await register(first, 'pat');
  await first.terminate();
  for (const name of fs.readdirSync(data).filter((n) => /accounts/.test(n))) fs.chmodSync(path.join(data, name), 0o400);
  const second = await serve(t, { data, wrap: asNobody });
  const answer = await ask(second, 'POST', '/oauth2/revoke', { body: form({ token: pat.refresh_token }), headers: { 'Content-Type': 'application/x-www-form-urlencoded' } });
  assert.deepEqual([answer.status, answer.json.error], [503, 'temporarily_unavailable'], answer.text);
  assert.match(answer.json.error_description, /^STORE_READ_ONLY/);
  assert.equal((await ask(second, 'GET', '/auth/me', { token: pat.access_token })).status, 200);
});

test('RFC 8414 §2, §3.3: the metadata name exactly the issuer that is configured, an https URL without query and fragment', async () => {
  const answer = await ask(node, 'GET', '/.well-known/oauth-authorization-server');
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.issuer, ISSUER);
  assert.equal(parts(ann.access_token).claims.iss, ISSUER);
  for (const [name, value] of Object.entries(answer.json).filter(([key]) => key.endsWith('_endpoint') || key === 'jwks_uri')) assert.ok(value.startsWith(`${ISSUER}/`), name);
});

test('RFC 8414 §3: without an https issuer there are no metadata', async (t) => {
  const plain = await serve(t);
  const answer = await ask(plain, 'GET', '/.well-known/oauth-authorization-server');
  assert.deepEqual([answer.status, answer.json.code], [404, 'NOT_FOUND']);
});

test('RFC 8693, RFC 9449: what is not offered is refused by name and announced nowhere', async () => {
  const exchange = await token(form({ grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', subject_token: ann.access_token, subject_token_type: 'urn:ietf:params:oauth:token-type:access_token' }), basic(BILLING));
  assert.deepEqual([exchange.status, exchange.json.error], [400, 'unsupported_grant_type']);
  const metadata = (await ask(node, 'GET', '/.well-known/oauth-authorization-server')).json;
  assert.deepEqual([metadata.grant_types_supported, metadata.dpop_signing_alg_values_supported], [['client_credentials', 'refresh_token'], undefined]);
  const dpop = await ask(node, 'GET', '/auth/me', { headers: { Authorization: `DPoP ${ann.access_token}` } });
  assert.deepEqual([dpop.status, dpop.json.code], [401, 'INVALID_FORMAT']);
});

test('RFC 9700 §2.2.2, §4.14.2: refresh tokens of the public client rotate; reuse ends the family', async (t) => {
  const strict = await serve(t, { args: ['--refresh-repeat', '0'] });
  const mia = await register(strict, 'mia');
  const refresh = (refresh_token) => ask(strict, 'POST', '/auth/refresh', { body: { refresh_token } });
  const next = await refresh(mia.refresh_token);
  assert.equal(next.status, 200);
  assert.notEqual(next.json.refresh_token, mia.refresh_token);
  const again = await refresh(mia.refresh_token);
  assert.deepEqual([again.status, again.json.code], [401, 'REFRESH_REUSED']);
  const successor = await refresh(next.json.refresh_token);
  assert.equal(successor.status, 401);
  assert.equal((await ask(strict, 'GET', '/auth/me', { token: next.json.access_token })).json.code, 'SESSION_REVOKED');
});

test('RFC 9700 §2.1.2, §2.4: neither the implicit nor the password grant exists', async () => {
  const metadata = (await ask(node, 'GET', '/.well-known/oauth-authorization-server')).json;
  assert.deepEqual([metadata.authorization_endpoint, metadata.response_types_supported], [undefined, []]);
  assert.equal((await ask(node, 'GET', '/oauth2/authorize?response_type=token')).status, 404);
});

test('ASVS 7.2.4, 7.3, 7.4: a login begins a new session with new tokens; ended ones open nothing; all can be ended at once', async () => {
  const ned = await register(node, 'ned');
  const login = async () => (await ask(node, 'POST', '/auth/login', { body: { name: 'ned', password: PASSWORD } })).json;
  const second = await login();
  const third = await login();
  assert.equal(new Set([ned, second, third].map(({ session }) => session)).size, 3);
  assert.equal((await ask(node, 'DELETE', '/auth/sessions?others=true', { token: third.access_token })).status, 204);
  for (const { access_token, refresh_token } of [ned, second]) {
    assert.equal((await ask(node, 'GET', '/auth/me', { token: access_token })).json.code, 'SESSION_REVOKED');
    assert.equal((await ask(node, 'POST', '/auth/refresh', { body: { refresh_token } })).status, 401);
  }
  assert.equal((await ask(node, 'GET', '/auth/me', { token: third.access_token })).status, 200);
});

test('ASVS 7.4.3: a new password ends the other sessions', async () => {
  const ora = await register(node, 'ora');
  const here = (await ask(node, 'POST', '/auth/login', { body: { name: 'ora', password: PASSWORD } })).json;
  const changed = await ask(node, 'POST', '/auth/password', { token: here.access_token, body: { password: PASSWORD, new_password: 'another long and quiet sentence' } });
  assert.ok(changed.status < 300, changed.text);
  assert.equal((await ask(node, 'GET', '/auth/me', { token: ora.access_token })).json.code, 'SESSION_REVOKED');
  assert.equal((await ask(node, 'GET', '/auth/me', { token: here.access_token })).status, 200);
});

test('ASVS 13.2.1, 10.4.8: services have secrets of their own, tokens that end in minutes, and a way to change the secret', async () => {
  const mine = await token(form({ grant_type: 'client_credentials', audience: 'reports' }), basic(BILLING));
  assert.equal(mine.json.expires_in, 300);
  const other = await token(form({ grant_type: 'client_credentials', audience: 'reports' }), basic({ id: BILLING.id, secret: REPORTS.secret }));
  assert.equal(other.json.error, 'invalid_client');
});

// ---- answers of the door

test('RFC 9457 §3: status and type say the same as the answer, and the answer is no page', async () => {
  for (const [path, status, code] of [['/nowhere', 404, 'UNKNOWN_PATH'], ['/auth/me', 401, 'NO_TOKEN'], ['/api/refusals', 401, 'API_KEY_REJECTED']]) {
    const answer = await raw(node, head(node, 'GET', path, { Connection: 'close' }));
    assert.deepEqual([answer.status, answer.headers['content-type'], answer.json.status, answer.json.type, answer.json.code], [status, 'application/problem+json', status, `/causes/${code}`, code]);
    for (const member of ['title', 'detail']) assert.equal(typeof answer.json[member], 'string');
  }
});

test('RFC 9457 §3.1, §3.2: a client reads a problem by its code, whatever else is in it and of whatever type', async (t) => {
  const body = JSON.stringify({
    code: 'TOKEN_EXPIRED', type: 7, title: ['x'], status: '401', detail: 7, instance: {}, retry: 3, retry_after_ms: 'soon', ref: [], field: null, step: 1, next: {}, who: 4, another: { member: [1] },
  });
  const headers = { 'Content-Type': 'application/problem+json', 'X-Foyer': '1; build=b; ref=r', 'Content-Length': body.length, Connection: 'close' };
  const server = http.createServer((request, answer) => { answer.writeHead(401, headers).end(body); });
  server.on('upgrade', (request, socket) => socket.end(`HTTP/1.1 401 Unauthorized\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`));
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => server.close());
  const { code, out, err } = await foyer(['chat', `http://127.0.0.1:${server.address().port}`, '--token-stdin'], { input: 'a.b.c\n' });
  assert.equal(code, 1);
  assert.match(out + err, /TOKEN_EXPIRED[\s\S]*Next: /);
});

// ---- the table of all this

// `file: name` in backquotes. A name of gtest is Suite.Name; one that ends in … is the beginning of a title that is made.
test('tests/standards.md names tests that exist', () => {
  const table = fs.readFileSync(path.join(ROOT, 'tests/standards.md'), 'utf8');
  const named = [...table.matchAll(/`([\w./-]+\.(?:cc|mjs|scenario)): ([^`]+)`/g)];
  const missing = [];
  for (const [whole, name, title] of named) {
    const where = path.join(ROOT, name);
    const source = fs.existsSync(where) ? fs.readFileSync(where, 'utf8') : '';
    const quotes = ["'", '`'];
    const starts = name.endsWith('.cc')
      ? ['TEST', 'TEST_F', 'TEST_P'].map((macro) => `${macro}(${title.replace('.', ', ')})`)
      : name.endsWith('.scenario') ? [`# ${path.basename(name, '.scenario')}: ${title}\n`]
        : title.endsWith('…') ? quotes.map((quote) => `(${quote}${title.slice(0, -1)}`)
          : quotes.map((quote) => `(${quote}${title}${quote}`);
    if (!starts.some((start) => source.includes(start))) missing.push(whole);
  }
  assert.deepEqual(missing, []);
  const rows = table.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| Where'));
  const bare = rows.filter((line) => !line.match(/`[\w./-]+: [^`]+`/) && !line.includes('does not apply:'));
  assert.deepEqual(bare, [], 'each row has a test, or says why not');
  assert.ok(rows.length > 60 && named.length > rows.length, `${rows.length} rows, ${named.length} tests`);
});
