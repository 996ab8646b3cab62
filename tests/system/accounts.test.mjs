// Register, log in, refresh, log out; sessions, invitations, tickets, and `foyer user`.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileScope, foyer, serve } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { PASSWORD, parts, register, resign, withSecret } from './support/people.mjs';
import { Client, handshake } from './support/websocket.mjs';

const file = fileScope(after);
let node;
before(async () => { node = await serve(file, { env: withSecret }); });

const login = (at, name, password = PASSWORD, more = {}) => ask(at, 'POST', '/auth/login', { body: { name, password, ...more } });
const refresh = (at, token) => ask(at, 'POST', '/auth/refresh', { body: { refresh_token: token } });
const cookieOf = (answer) => answer.headers['set-cookie']?.split(';')[0];
function is(answer, status, code) {
  assert.deepEqual([answer.status, answer.status >= 400 ? answer.json.code : undefined], [status, code], answer.text);
  return answer;
}
const user = (at, ...args) => foyer(['user', ...args, '--data', at.data, '--dev']);

test('register answers like login, and gives chat:read and chat:write', async () => {
  const answer = await ask(node, 'POST', '/auth/register', { body: { name: 'ann', password: PASSWORD, email: 'ann@example.org' } });
  assert.equal(answer.status, 201);
  const { json } = answer;
  assert.deepEqual(Object.keys(json).sort(), ['access_token', 'expires_in', 'refresh_token', 'session', 'token_type', 'user']);
  assert.deepEqual([json.token_type, json.expires_in, json.user.name], ['Bearer', 900, 'ann']);
  const { header, claims } = parts(json.access_token);
  assert.equal(header.typ, 'at+jwt');
  assert.deepEqual([claims.sub, claims.sid, claims.name, claims.scope.split(' ').sort().join(' '), claims.env], [json.user.id, json.session, 'ann', 'chat:read chat:write', 'development']);
  for (const claim of ['iss', 'aud', 'exp', 'iat', 'jti', 'client_id']) assert.notEqual(claims[claim], undefined, claim);
  assert.match(claims.sub, /^[A-Za-z0-9._:@|-]{1,128}$/);
  const me = (await ask(node, 'GET', '/auth/me', { token: json.access_token })).json;
  assert.deepEqual([me.id, me.name, me.email, me.session, [...me.permissions].sort()], [json.user.id, 'ann', 'ann@example.org', json.session, ['chat:read', 'chat:write']]);
  assert.match(me.expires_at, /Z$/);
});

test('names and passwords that cannot be', async () => {
  await register(node, 'taken');
  is(await ask(node, 'POST', '/auth/register', { body: { name: 'taken', password: PASSWORD } }), 409, 'NAME_TAKEN');
  for (const name of ['', ' ', 'a b\n', 'x'.repeat(200)]) is(await ask(node, 'POST', '/auth/register', { body: { name, password: PASSWORD } }), 422, 'NAME_INVALID');
  is(await ask(node, 'POST', '/auth/register', { body: { name: 'short', password: '1234567' } }), 422, 'PASSWORD_TOO_SHORT');
  is(await ask(node, 'POST', '/auth/register', { body: { name: 'common', password: 'password1' } }), 422, 'PASSWORD_COMMON');
});

test('login: a wrong password and an unknown name say the same', async () => {
  await register(node, 'bob');
  is(await login(node, 'bob'), 200);
  const wrong = is(await login(node, 'bob', 'not it at all'), 401, 'CREDENTIALS_REJECTED').json;
  const nobody = is(await login(node, 'nobody-of-that-name', 'not it at all'), 401, 'CREDENTIALS_REJECTED').json;
  assert.equal(wrong.title, nobody.title);
});

test('five wrong passwords lock this pair of name and address, also for a name that does not exist', async (t) => {
  const own = await serve(t);
  await register(own, 'cleo');
  for (const name of ['cleo', 'unknown-name']) {
    for (let i = 0; i < 5; i += 1) is(await login(own, name, `wrong number ${i}`), 401, 'CREDENTIALS_REJECTED');
    const locked = is(await login(own, name), 429, 'LOGIN_LOCKED');
    assert.ok(locked.json.retry_after_ms > 0 && locked.json.retry_after_ms <= 60_000);
    assert.ok(Number(locked.headers['retry-after']) > 0);
  }
  is(await ask(own, 'POST', '/auth/register', { body: { name: 'other', password: PASSWORD } }), 201);
});

test('refresh rotates; presented again it brings the same successor', async () => {
  const { refresh_token: first, user: { id } } = await register(node, 'dora');
  const second = is(await refresh(node, first), 200).json;
  assert.equal(second.user.id, id);
  assert.notEqual(second.refresh_token, first);
  assert.equal((await refresh(node, first)).json.refresh_token, second.refresh_token, 'two tabs do not log each other out');
});

test('the answer to a refresh is lost, also with a restart between: the client repeats it and stays signed in', async (t) => {
  const own = await serve(t);
  const { refresh_token: first } = await register(own, 'dora');
  const second = is(await refresh(own, first), 200).json;
  await own.terminate();
  const restarted = await serve(t, { data: own.data });
  assert.equal(is(await refresh(restarted, first), 200).json.refresh_token, second.refresh_token);
  is(await refresh(restarted, second.refresh_token), 200);
});

test('a refresh token used again after its successor was used ends the whole family', async (t) => {
  const own = await serve(t);
  const { refresh_token: first } = await register(own, 'dora');
  const second = is(await refresh(own, first), 200).json;
  const third = is(await refresh(own, second.refresh_token), 200).json;
  is(await refresh(own, first), 401, 'REFRESH_REUSED');
  assert.equal((await refresh(own, third.refresh_token)).status, 401);
});

test('a refresh token that nobody issued is REFRESH_UNKNOWN', async () => {
  is(await refresh(node, 'A'.repeat(43)), 401, 'REFRESH_UNKNOWN');
  is(await ask(node, 'POST', '/auth/refresh', { body: {} , headers: { Origin: node.origin } }), 401, 'REFRESH_UNKNOWN');
});

test('with "cookie" the session is a cookie, and the answer holds no refresh token', async () => {
  await register(node, 'eve');
  const answer = is(await login(node, 'eve', PASSWORD, { cookie: true }), 200);
  assert.equal(answer.json.refresh_token, undefined);
  const cookie = answer.headers['set-cookie'];
  assert.match(cookie, /^foyer_session=[A-Za-z0-9_-]{43}/);
  for (const attribute of ['HttpOnly', 'SameSite=Strict', 'Path=/']) assert.ok(cookie.includes(attribute), attribute);
  const again = is(await ask(node, 'POST', '/auth/refresh', { body: {}, headers: { Cookie: cookieOf(answer), Origin: node.origin } }), 200);
  assert.equal(again.json.refresh_token, undefined);
  assert.equal(again.json.user.name, 'eve');
  const foreign = await ask(node, 'POST', '/auth/refresh', { body: {}, headers: { Cookie: cookieOf(answer), Origin: 'https://evil.example' } });
  assert.ok(foreign.status === 401 || foreign.status === 403, foreign.text);
  is(await ask(node, 'GET', '/auth/me', { headers: { Cookie: cookieOf(answer), Origin: node.origin } }), 401, 'NO_TOKEN');
});

test('register takes "cookie", too', async () => {
  const answer = is(await ask(node, 'POST', '/auth/register', { body: { name: 'keks', password: PASSWORD, cookie: true } }), 201);
  assert.match(answer.headers['set-cookie'], /^foyer_session=/);
  assert.equal(answer.json.refresh_token, undefined);
});

test('logout ends the session: its tokens, its cookie, its sockets', async () => {
  await register(node, 'fay');
  const answer = await login(node, 'fay', PASSWORD, { cookie: true });
  const { access_token: token } = answer.json;
  const socket = await Client.open(node, { token });
  const out = await ask(node, 'POST', '/auth/logout', { token });
  assert.equal(out.status, 204);
  assert.match(out.headers['set-cookie'] ?? '', /^foyer_session=;?.*(Max-Age=0|Expires=)/i);
  const end = await socket.ended();
  assert.deepEqual([end.code, end.reason.split(' ')[0]], [4401, 'SESSION_REVOKED']);
  is(await ask(node, 'GET', '/auth/me', { token }), 401, 'SESSION_REVOKED');
  assert.equal((await ask(node, 'POST', '/auth/refresh', { body: {}, headers: { Cookie: cookieOf(answer), Origin: node.origin } })).status, 401);
  assert.equal((await handshake(node, { headers: { Authorization: `Bearer ${token}` } })).refused.json.code, 'SESSION_REVOKED');
});

test('sessions: listed with device and address; one can be ended, or all others', async () => {
  const first = await register(node, 'gil');
  const second = (await ask(node, 'POST', '/auth/login', { body: { name: 'gil', password: PASSWORD }, headers: { 'User-Agent': 'a telephone' } })).json;
  const third = (await login(node, 'gil')).json;
  const list = async () => { const { json } = await ask(node, 'GET', '/auth/sessions', { token: first.access_token }); return json.sessions ?? json; };
  const sessions = await list();
  assert.deepEqual(sessions.map((s) => s.id).sort(), [first.session, second.session, third.session].sort());
  const telephone = sessions.find((s) => s.id === second.session);
  assert.deepEqual([telephone.device, telephone.address], ['a telephone', '127.0.0.1']);
  for (const field of ['created', 'last_seen']) assert.match(telephone[field], /Z$/, field);
  const socket = await Client.open(node, { token: second.access_token });
  assert.equal((await ask(node, 'DELETE', `/auth/sessions/${second.session}`, { token: first.access_token })).status, 204);
  assert.equal((await socket.ended()).reason.split(' ')[0], 'SESSION_REVOKED');
  is(await ask(node, 'DELETE', `/auth/sessions/${second.session}`, { token: first.access_token }), 404, 'NOT_FOUND');
  const others = await ask(node, 'DELETE', '/auth/sessions?others=true', { token: first.access_token });
  assert.ok(others.status === 204 || others.status === 200, others.text);
  assert.deepEqual((await list()).map((s) => s.id), [first.session]);
  const stranger = await register(node, 'stranger');
  is(await ask(node, 'DELETE', `/auth/sessions/${first.session}`, { token: stranger.access_token }), 404, 'NOT_FOUND');
});

test('an account is deleted by its owner, who says the password', async () => {
  const gone = await register(node, 'hal');
  const socket = await Client.open(node, { token: gone.access_token });
  const remove = (body) => ask(node, 'DELETE', '/auth/me', { token: gone.access_token, body });
  is(await remove(), 400, 'BAD_REQUEST');
  is(await remove({ password: 'not it at all' }), 401, 'CREDENTIALS_REJECTED');
  assert.equal((await remove({ password: PASSWORD })).status, 204);
  assert.ok([4401, 4403].includes((await socket.ended()).code));
  is(await login(node, 'hal'), 401, 'CREDENTIALS_REJECTED');
});

test('a ticket lives at most 60 s and is never wider than its maker', async () => {
  const ida = await register(node, 'ida');
  is(await ask(node, 'POST', '/auth/tickets', { token: ida.access_token, body: { ttl: 61 } }), 400, 'BAD_REQUEST');
  is(await ask(node, 'POST', '/auth/tickets', { body: {} }), 401, 'NO_TOKEN');
  const poor = resign(ida.access_token, { claims: { scope: 'chat:read' } });
  const { json } = await ask(node, 'POST', '/auth/tickets', { token: poor, body: {} });
  const client = await Client.open(node, { path: `/ws/chat?ticket=${json.ticket}` });
  assert.deepEqual(client.welcome.permissions, ['chat:read']);
  const brief = (await ask(node, 'POST', '/auth/tickets', { token: ida.access_token, body: { ttl: 1 } })).json;
  assert.equal(brief.expires_in, 1);
});

test('closed registration', async (t) => {
  const closed = await serve(t, { args: ['--registration', 'closed'] });
  is(await ask(closed, 'POST', '/auth/register', { body: { name: 'jan', password: PASSWORD } }), 403, 'REGISTRATION_CLOSED');
  const added = await foyer(['user', 'add', 'jan', '--password-stdin', '--dev', '--data', closed.data], { input: `${PASSWORD}\n` });
  assert.equal(added.code, 0, added.err);
  is(await login(closed, 'jan'), 200);
});

test('registration by invitation: one code, one account', async (t) => {
  const invited = await serve(t, { args: ['--registration', 'invite'] });
  const body = { name: 'kim', password: PASSWORD };
  is(await ask(invited, 'POST', '/auth/register', { body }), 403, 'INVITATION_REJECTED');
  is(await ask(invited, 'POST', '/auth/register', { body: { ...body, invitation: 'made-up' } }), 403, 'INVITATION_REJECTED');
  const { code, out } = await user(invited, 'invite');
  assert.equal(code, 0);
  const invitation = /[A-Za-z0-9_-]{16,}/.exec(out)[0];
  is(await ask(invited, 'POST', '/auth/register', { body: { ...body, invitation } }), 201);
  is(await ask(invited, 'POST', '/auth/register', { body: { ...body, name: 'lea', invitation } }), 403, 'INVITATION_REJECTED');
});

test('foyer user: add, list, disable (closes sockets with 4403), enable, password', async (t) => {
  const own = await serve(t);
  const added = await foyer(['user', 'add', 'root', '--admin', '--password-stdin', '--dev', '--data', own.data], { input: `${PASSWORD}\n` });
  assert.equal(added.code, 0, added.err);
  const admin = (await login(own, 'root')).json;
  assert.match(parts(admin.access_token).claims.scope, /\badmin\b/);
  assert.match((await user(own, 'list')).out, /root/);
  const socket = await Client.open(own, { token: admin.access_token });
  assert.equal((await user(own, 'disable', 'root')).code, 0);
  const end = await socket.ended();
  assert.deepEqual([end.code, end.reason.split(' ')[0]], [4403, 'USER_DISABLED']);
  is(await login(own, 'root'), 403, 'USER_DISABLED');
  is(await login(own, 'root', 'the wrong password'), 401, 'CREDENTIALS_REJECTED');
  assert.equal((await user(own, 'enable', 'root')).code, 0);
  const changed = await foyer(['user', 'password', 'root', '--password-stdin', '--dev', '--data', own.data], { input: 'quite another sentence\n' });
  assert.equal(changed.code, 0, changed.err);
  is(await login(own, 'root'), 401, 'CREDENTIALS_REJECTED');
  is(await login(own, 'root', 'quite another sentence'), 200);
  assert.equal((await user(own, 'disable', 'no-such-name')).code, 1);
});

test('accounts outlive kill -9', async (t) => {
  const first = await serve(t);
  const before9 = await register(first, 'mia');
  await first.kill9();
  const second = await serve(t, { data: first.data });
  is(await login(second, 'mia'), 200);
  is(await refresh(second, before9.refresh_token), 200);
});

test('foyer token verify tells a good one from a bad one', async () => {
  const nia = await register(node, 'nia');
  const { foyerJson } = await import('./support/foyer.mjs');
  const good = await foyerJson(['token', 'verify', nia.access_token, '--dev', '--data', node.data, '--json'], { env: withSecret });
  assert.deepEqual([good.code, good.json.valid, good.json.claims.sub], [0, true, nia.user.id], JSON.stringify(good));
  const bad = await foyerJson(['token', 'verify', resign(nia.access_token, { secret: 'x'.repeat(40) }), '--dev', '--data', node.data, '--json'], { env: withSecret });
  assert.deepEqual([bad.code, bad.json.valid, bad.json.code], [1, false, 'SIGNATURE_INVALID']);
});
