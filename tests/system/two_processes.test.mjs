// A gateway and its auth service as two processes, and what goes wrong between them:
// the situations of "The scenarios that started it", one exact expectation each.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as faults from '../harness/gate/faults.mjs';
import { fileScope, foyerJson, serveFails } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import {
  API_KEY, IMPATIENT, SERVICE_SECRET, attemptsIn, bearer, behindGate, metric, ready, readySays, refusedByClose, refusedByHttp, startAuth, startGateway, openGate, ticket, why,
} from './support/pair.mjs';
import { PASSWORD, SECRET, expired, register, resign } from './support/people.mjs';
import { Client, handshake } from './support/websocket.mjs';
import { until } from './support/within.mjs';

const VERIFY = '/internal/verify';
const NOT_THEIR_FAULT = /not your fault/;
const file = fileScope(after);
let auth;
let gateway;
let ann;
before(async () => {
  auth = await startAuth(file);
  ({ gateway } = await behindGate(file, auth));
  ann = await register(auth, 'ann');
});

// ---- end to end

test('register, log in, chat, reconnect and read on: all through the gateway', async () => {
  const { status, json } = await ask(gateway, 'POST', '/auth/register', { body: { name: 'bob', password: PASSWORD } });
  assert.deepEqual([status, json.user.name], [201, 'bob']);
  const login = await ask(gateway, 'POST', '/auth/login', { body: { name: 'bob', password: PASSWORD } });
  assert.equal(login.status, 200);
  const first = await Client.open(gateway, { token: login.json.access_token });
  const { epoch } = await first.join('tea');
  assert.equal((await first.say('tea', 'hello')).type, 'sent');
  assert.equal((await first.next('message')).message, 'hello');
  await first.close();
  const made = await ask(gateway, 'POST', '/auth/tickets', { token: login.json.access_token, body: {} });
  assert.equal(made.status, 201);
  const second = await Client.open(gateway, { path: `/ws/chat?ticket=${made.json.ticket}` });
  const joined = await second.join('tea', { since: { epoch, offset: 0 }, limit: 10 });
  assert.deepEqual([joined.recovered, joined.messages.map((m) => m.message)], [true, ['hello']]);
  assert.deepEqual((await second.ask('history', { room: 'tea' })).messages.map((m) => m.message), ['hello']);
});

test('each process serves its own role, and what is forwarded answers as the auth service does', async () => {
  for (const path of ['/internal/verify', '/internal/challenge', '/internal/revocations']) assert.equal((await ask(gateway, 'POST', path, { body: {} })).json.code, 'UNKNOWN_PATH', path);
  assert.equal((await refusedByHttp(auth, {})).code, 'UNKNOWN_PATH');
  const { status, json } = await ask(auth, 'GET', '/ws/chat');
  assert.deepEqual([status, json.code], [404, 'UNKNOWN_PATH']);
  const roles = [auth, gateway].map((node) => node.status.roles);
  assert.deepEqual(roles, [['auth'], ['gateway']]);
  for (const [method, path, body] of [['GET', '/.well-known/jwks.json'], ['POST', '/auth/refresh', { refresh_token: 'A'.repeat(43) }], ['POST', '/auth/login', { name: 'ann', password: 'not it at all' }], ['GET', '/auth/me']]) {
    const [here, there] = [await ask(gateway, method, path, { body }), await ask(auth, method, path, { body })];
    assert.deepEqual([here.status, here.headers['content-type']], [there.status, there.headers['content-type']], path);
    const plain = ({ text }) => { const json = JSON.parse(text); delete json.ref; return json; };
    assert.deepEqual(plain(here), plain(there), path);
  }
});

test('a browser that a proxy sends to the auth service: close 4404 UNKNOWN_PATH, not 1006, and the operator reads which proxy is wrong', async () => {
  for (const path of ['/ws/chat', '/ws/chat?ticket=x', '/ws/nowhere']) {
    const { code, close, message } = await refusedByClose(auth, { path, headers: { Origin: gateway.origin } });
    assert.deepEqual([code, close, message.retry], ['UNKNOWN_PATH', 4404, 'never'], path);
  }
  const logged = await auth.logged('refused', { code: 'UNKNOWN_PATH' });
  assert.match(logged.operator, /\/ws\/chat; this process serves no rooms/);
  assert.match(logged.next, /process with the gateway role/);
  const { refused } = await handshake(auth, { path: '/ws/chat', headers: { Origin: 'https://elsewhere.example' } });
  assert.deepEqual([refused.status, refused.json.code], [404, 'UNKNOWN_PATH'], 'never to the page of another site');
});

test('a session cookie is checked by the auth service, with ?auth=cookie and an allowed Origin', async () => {
  const login = await ask(gateway, 'POST', '/auth/login', { body: { name: 'ann', password: PASSWORD, cookie: true }, headers: { Origin: gateway.origin } });
  const Cookie = login.headers['set-cookie'].split(';')[0];
  const c = await Client.open(gateway, { path: '/ws/chat?auth=cookie', headers: { Cookie, Origin: gateway.origin } });
  assert.equal(c.user.id, ann.user.id);
  const other = await refusedByClose(gateway, { path: '/ws/chat?auth=cookie', headers: { Cookie: `${Cookie.split('=')[0]}=${'A'.repeat(43)}` } });
  assert.deepEqual([other.code, other.close], ['SESSION_UNKNOWN', 4401]);
});

test('the person’s address crosses the gateway: who guesses is locked out, and nobody else', async () => {
  await register(auth, 'cleo');
  const guess = (from, password) => ask({ host: gateway.host, port: gateway.port, from }, 'POST', '/auth/login', { body: { name: 'cleo', password } });
  for (let i = 0; i < 5; i += 1) assert.equal((await guess('127.0.0.7', `wrong number ${i}`)).json.code, 'CREDENTIALS_REJECTED');
  assert.equal((await guess('127.0.0.7', PASSWORD)).json.code, 'LOGIN_LOCKED');
  const login = await guess('127.0.0.8', PASSWORD);
  assert.equal(login.status, 200, login.text);
  const { json } = await ask(auth, 'GET', '/auth/sessions', { token: login.json.access_token });
  assert.equal((json.sessions ?? json).find((s) => s.id === login.json.session).address, '127.0.0.8');
});

test('connect to a path that does not exist: UNKNOWN_PATH, with the right path', async () => {
  const { code, json } = await refusedByHttp(gateway, { path: '/ws/secure' });
  assert.equal(code, 'UNKNOWN_PATH');
  assert.match(JSON.stringify(json), /\/ws\/chat/);
});

test('connect with an expired token from a browser: close 4401 TOKEN_EXPIRED, not 1006', async () => {
  const { code, close } = await refusedByClose(gateway, bearer(expired(ann.access_token)));
  assert.deepEqual([code, close], ['TOKEN_EXPIRED', 4401]);
});

// ---- the auth service fails; the question is a ticket

const rows = [
  ['refuses the connection', faults.refuse, 'AUTH_SERVICE_CONNECTION_ERROR'],
  ['does not answer in time', faults.hang, 'AUTH_SERVICE_TIMEOUT'],
  ['answers 503', faults.plain(503), 'AUTH_SERVICE_NOT_AVAILABLE'],
  ['answers 200 with something that is not our JSON', faults.html, 'INVALID_RESPONSE_FORMAT'],
];
for (const [situation, fault, cause] of rows) {
  test(`the auth service ${situation}: AUTH_RETRY_EXHAUSTED, holding one ${cause} per attempt`, async (t) => {
    const own = await behindGate(t, auth, cause === 'AUTH_SERVICE_TIMEOUT' ? IMPATIENT : {});
    const path = await ticket(auth, ann);
    await own.gate.fault(fault);
    const { code, close, ref, message } = await refusedByClose(own.gateway, { path });
    assert.deepEqual([code, close, message.step, message.retry], ['AUTH_RETRY_EXHAUSTED', 4503, 'auth_service', 'after']);
    assert.match(message.message, NOT_THEIR_FAULT);
    const record = await why(own.gateway, ref);
    const attempts = attemptsIn(record.operator);
    assert.ok(attempts.length >= 2 && attempts.length <= 3, record.operator);
    assert.ok(attempts.every((each) => each === cause), record.operator);
    const told = await foyerJson(['why', ref, '--json', '--data', own.gateway.data, '--api-key', API_KEY]);
    assert.deepEqual([told.code, attemptsIn(told.json.operator)], [0, attempts]);
    const line = await own.gateway.lines.take('the log line', (each) => each.event === 'refused' && each.ref === ref);
    assert.deepEqual([line.code, line.step, attemptsIn(line.operator)], ['AUTH_RETRY_EXHAUSTED', 'auth_service', attempts]);
    assert.equal(await metric(own.gateway, 'foyer_refusals_total', { code: 'AUTH_RETRY_EXHAUSTED' }), 1);
  });
}

test('the auth service fails five times: AUTH_CIRCUIT_BREAKER_OPEN with the time of the next try; one success after it closes it', async (t) => {
  const own = await behindGate(t, auth);
  const paths = [];
  for (let i = 0; i < 5; i += 1) paths.push(await ticket(auth, ann));
  await own.gate.fault(faults.plain(503), { path: VERIFY });
  const told = [];
  while (told.at(-1)?.code !== 'AUTH_CIRCUIT_BREAKER_OPEN' && told.length < 5) told.push(await refusedByHttp(own.gateway, { path: paths[told.length] }));
  const open = told.pop();
  assert.ok(told.length >= 2, 'the breaker opens at five faults, not at the first question');
  for (const { code, ref } of told) {
    assert.ok(['AUTH_RETRY_EXHAUSTED', 'AUTH_SERVICE_NOT_AVAILABLE'].includes(code), code);
    if (code === 'AUTH_RETRY_EXHAUSTED') assert.ok(attemptsIn((await why(own.gateway, ref)).operator).length >= 2);
  }
  assert.deepEqual([open.code, open.status, open.json.retry], ['AUTH_CIRCUIT_BREAKER_OPEN', 503, 'after']);
  assert.ok(open.json.retry_after_ms > 0 && open.json.retry_after_ms <= 5_000, JSON.stringify(open.json));
  assert.ok(Number(open.headers['retry-after']) >= 1);
  assert.match((await why(own.gateway, open.ref)).operator, /AUTH_SERVICE_NOT_AVAILABLE/, 'it says why');
  assert.equal(own.gate.count(VERIFY), 5, 'the open breaker asks nothing');
  await own.gate.heal();
  const again = await until('the breaker to try again', async () => {
    const { socket } = await handshake(own.gateway, { path: await ticket(auth, ann) });
    return socket;
  });
  assert.equal((await again.messages.take()).type, 'authentication_success');
  for (let i = 0; i < 3; i += 1) await Client.open(own.gateway, { path: await ticket(auth, ann) });
});

test('five bad tokens: five SIGNATURE_INVALID, five TICKET_UNKNOWN, and the breaker stays closed', async (t) => {
  const own = await behindGate(t, auth);
  const forged = resign(ann.access_token, { secret: 'not-the-secret-of-this-service-at-all-0123' });
  for (let i = 0; i < 6; i += 1) assert.equal((await refusedByHttp(own.gateway, bearer(forged))).code, 'SIGNATURE_INVALID');
  assert.equal(own.gate.count(VERIFY), 0, 'a JWT asks nobody');
  for (let i = 0; i < 6; i += 1) assert.equal((await refusedByHttp(own.gateway, { path: `/ws/chat?ticket=${String(i).repeat(43)}` })).code, 'TICKET_UNKNOWN');
  assert.equal(own.gate.count(VERIFY), 6, 'asked once each');
  const good = await Client.open(own.gateway, { path: await ticket(auth, ann) });
  assert.equal(good.user.id, ann.user.id);
});

test('a failure inside the auth service arrives at the WebSocket client with the same code, once asked', async (t) => {
  const own = await behindGate(t, auth);
  for (const [code, step] of [['STORE_LOCKED', 'store'], ['BUSY', 'http']]) {
    await own.gate.heal();
    own.gate.forget();
    await own.gate.fault(faults.problem(code, step), { path: VERIFY });
    const closed = await refusedByClose(own.gateway, { path: await ticket(auth, ann) });
    const native = await refusedByHttp(own.gateway, { path: await ticket(auth, ann) });
    assert.deepEqual([closed.code, closed.close, native.code, native.status], [code, 4503, code, 503]);
    assert.equal(native.json.retry_after_ms, 1_500, 'passed on whole');
    assert.equal(own.gate.count(VERIFY), 2, 'a code of ours is not asked for again');
  }
});

test('a refusal by the auth service arrives with its code: a used ticket, one for another origin', async () => {
  const path = await ticket(auth, ann);
  await Client.open(gateway, { path });
  assert.equal((await refusedByHttp(gateway, { path })).code, 'TICKET_USED');
  const bound = await ticket(auth, ann, { origin: 'https://elsewhere.example' });
  assert.equal((await refusedByClose(gateway, { path: bound })).code, 'TICKET_UNKNOWN');
});

// ---- credentials that need no auth service

test('first message is not `authenticate`: NO_TOKEN', async () => {
  const { socket } = await handshake(gateway);
  socket.sendText('{"type":"chat","message":"hello"}');
  assert.equal((await socket.messages.take()).code, 'NO_TOKEN');
  const { code, reason } = await socket.ended();
  assert.deepEqual([code, reason.split(' ')[0]], [4401, 'NO_TOKEN']);
});

test('Authorization: InvalidFormat x: INVALID_FORMAT', async () => {
  assert.equal((await refusedByHttp(gateway, { headers: { Authorization: 'InvalidFormat x' } })).code, 'INVALID_FORMAT');
});

test('expired: TOKEN_EXPIRED; wrong signature: SIGNATURE_INVALID', async () => {
  assert.equal((await refusedByHttp(gateway, bearer(expired(ann.access_token)))).code, 'TOKEN_EXPIRED');
  assert.equal((await refusedByHttp(gateway, bearer(`${ann.access_token.slice(0, -4)}AAAA`))).code, 'SIGNATURE_INVALID');
});

// ---- two processes that do not fit together

// What the gateway has, what the service has, and what the finding says.
const base64 = Buffer.from(SERVICE_SECRET).toString('base64');
const variants = [
  [`"${SERVICE_SECRET}"`, SERVICE_SECRET, 'theirs is ours without its quotes'],
  [base64, SERVICE_SECRET, 'theirs is ours base64-decoded'],
  [SERVICE_SECRET, `'${SERVICE_SECRET}'`, 'theirs is ours in single quotes'],
  [SERVICE_SECRET, base64, 'theirs is ours base64-encoded'],
];

test('wrong service secret: SERVICE_SECRET_MISMATCH in /health/ready before the first ticket, then SERVICE_SECRET_REJECTED at once, no retry; the user is told it is not their fault', async (t) => {
  const gate = await openGate(t, auth);
  const other = await startGateway(t, { to: gate, wait: false, env: { SERVICE_SECRET: 'W2-qkd7Xv5_Zp9Lr3Tb8Nf6Hm1Jc4Gs0Ye' } });
  const check = await readySays(other, 'SERVICE_SECRET_MISMATCH');
  assert.deepEqual([check, (await ready(other)).checks[check].status], ['auth_service', 'failing']);
  assert.equal(gate.count(VERIFY), 0, 'before anybody asked');
  const first = await refusedByClose(other, { path: await ticket(auth, ann) });
  assert.deepEqual([first.code, first.close, first.message.step, first.message.retry], ['SERVICE_SECRET_REJECTED', 4500, 'service_identity', 'after']);
  assert.match(first.message.message, NOT_THEIR_FAULT);
  assert.doesNotMatch(JSON.stringify(first.message), /W2-qkd/);
  assert.equal(gate.count(VERIFY), 1, 'no retry');
  for (let i = 0; i < 6; i += 1) assert.equal((await refusedByHttp(other, { path: await ticket(auth, ann) })).code, 'SERVICE_SECRET_REJECTED', 'and no breaker');
  assert.ok(await metric(other, 'foyer_refusals_total', { code: 'SERVICE_SECRET_REJECTED' }) >= 7);
  await auth.lines.take('the auth service’s own line', (line) => JSON.stringify(line).includes('SERVICE_SECRET_REJECTED'));
  for (const node of [other, auth]) assert.ok(!node.text.includes(SERVICE_SECRET) && !node.text.includes('W2-qkd7Xv5'), 'no secret in a log');
});

for (const [ours, theirs, says] of variants) {
  test(`two secrets that differ by what copying does to them: ${says}`, async (t) => {
    const own = theirs === SERVICE_SECRET ? auth : await startAuth(t, { env: { SERVICE_SECRET: theirs } });
    const other = await startGateway(t, { to: own, wait: false, env: { SERVICE_SECRET: ours } });
    await readySays(other, 'SERVICE_SECRET_MISMATCH');
    const line = await other.lines.take(`a line that says "${says}"`, (each) => JSON.stringify(each).includes(says));
    assert.equal(line.code, 'SERVICE_SECRET_MISMATCH');
    for (const node of [other, own]) assert.ok(!node.text.includes(SERVICE_SECRET) && !node.text.includes(base64), 'no secret in a log');
  });
}

test('a secret with a line end never gets so far: ILLEGAL_CHARACTER before the gateway listens', async (t) => {
  for (const end of ['\n', '\r']) {
    const { code, text } = await serveFails(t, { dev: false, args: ['--role', 'gateway'], env: { ENVIRONMENT: 'test', AUTH_SERVICE_URL: auth.url, JWT_SECRET_KEY: SECRET, SERVICE_SECRET: `${SERVICE_SECRET}${end}` } });
    assert.equal(code, 1);
    assert.match(text, /ILLEGAL_CHARACTER/);
  }
});

test('another SERVICE_ID: SERVICE_UNKNOWN, and the user is told it is not their fault', async (t) => {
  const gate = await openGate(t, auth);
  const other = await startGateway(t, { to: gate, wait: false, env: { SERVICE_ID: 'nobody-knows-me' } });
  const { code, close, message } = await refusedByClose(other, { path: await ticket(auth, ann) });
  assert.deepEqual([code, close], ['SERVICE_UNKNOWN', 4500]);
  assert.match(message.message, NOT_THEIR_FAULT);
  await readySays(other, 'SERVICE_UNKNOWN');
});

test('another JWT_SECRET_KEY: KEY_SET_MISMATCH in /health/ready, before the first token is KEY_UNKNOWN', async (t) => {
  const gate = await openGate(t, auth);
  const other = await startGateway(t, { to: gate, env: { JWT_SECRET_KEY: 'Another-secret-7-for-tokens_of-elsewhere9' } });
  await readySays(other, 'KEY_SET_MISMATCH');
  assert.equal((await refusedByHttp(other, bearer(ann.access_token))).code, 'KEY_UNKNOWN');
});

test('JWT_SECRET_KEY in base64 on one side: the finding says so', async (t) => {
  const other = await startGateway(t, { to: auth, env: { JWT_SECRET_KEY: Buffer.from(SECRET).toString('base64') } });
  await readySays(other, 'KEY_SET_MISMATCH');
  const line = await other.lines.take('the finding', (each) => each.code === 'KEY_SET_MISMATCH');
  assert.match(JSON.stringify(line), /theirs is ours base64-decoded/);
});

test('the key set of somebody else: KEY_SET_MISMATCH in /health/ready, and a token is KEY_UNKNOWN', async (t) => {
  const [ours, theirs] = [await startAuth(t, { keys: 'pair' }), await startAuth(t, { keys: 'pair' })];
  const gate = await openGate(t, ours);
  const other = await startGateway(t, { to: gate, keys: 'pair', env: { JWT_JWKS_URL: `${theirs.url}/.well-known/jwks.json` } });
  await readySays(other, 'KEY_SET_MISMATCH');
  const person = await register(ours, 'dora');
  assert.equal((await refusedByHttp(other, bearer(person.access_token))).code, 'KEY_UNKNOWN');
});

test('the auth service’s clock is 45 s off: CLOCK_SKEW in /health/ready', async (t) => {
  const gate = await openGate(t, auth);
  await gate.fault(faults.clock(-45_000), { path: '/internal/challenge' });
  const other = await startGateway(t, { to: gate });
  await readySays(other, 'CLOCK_SKEW');
});

test('another version of the contract: CONTRACT_MISMATCH in /health/ready', async (t) => {
  const gate = await openGate(t, auth);
  await gate.fault(faults.changed('speaks contract 99', (json) => ({ ...json, contract: 99 })), { path: '/internal/challenge' });
  const other = await startGateway(t, { to: gate });
  await readySays(other, 'CONTRACT_MISMATCH');
});

test('AUTH_SERVICE_URL is the gateway’s own address: named as such', async (t) => {
  const own = await behindGate(t, auth);
  own.gate.upstream = { host: own.gateway.host, port: own.gateway.port };
  own.gate.cut();
  const { code, ref } = await refusedByHttp(own.gateway, { path: await ticket(auth, ann) });
  assert.ok(['AUTH_RETRY_EXHAUSTED', 'INVALID_RESPONSE_FORMAT'].includes(code), code);
  const { operator } = await why(own.gateway, ref);
  assert.match(operator, /INVALID_RESPONSE_FORMAT|something else answers at AUTH_SERVICE_URL/);
  assert.match(operator, /own address/);
});
