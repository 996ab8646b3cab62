// Every fault in every phase of a question to the auth service: what the WebSocket
// client is told, what the log and the metrics say, and that no AUTH_RETRY_EXHAUSTED
// and no AUTH_CIRCUIT_BREAKER_OPEN comes without its causes.
//
//   connecting, waiting, reading   a ticket is asked about (/internal/verify)
//   refreshing                     a refresh token is forwarded; a socket refreshes by JWT, which asks nobody
//   revoking                       a logout is forwarded; one elsewhere is heard of by the stream
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as faults from '../harness/gate/faults.mjs';
import { fileScope } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { IMPATIENT, attemptsIn, behindGate, metric, readySays, refusedByClose, refusedByHttp, startAuth, ticket, why } from './support/pair.mjs';
import { PASSWORD, register } from './support/people.mjs';
import { Client } from './support/websocket.mjs';

const VERIFY = '/internal/verify';
const UNREACHABLE = 'AUTH_SERVICE_CONNECTION_ERROR';
const LATE = 'AUTH_SERVICE_TIMEOUT';
const SICK = 'AUTH_SERVICE_NOT_AVAILABLE';
const ODD = 'INVALID_RESPONSE_FORMAT';

// phase, fault, the cause of an attempt; once: not asked again
const matrix = [
  ['connecting', faults.refuse, UNREACHABLE],
  ['connecting', faults.resetAtOnce, UNREACHABLE],
  ['waiting', faults.resetInRequest(60), UNREACHABLE],
  ['waiting', faults.hang, LATE],
  ['waiting', faults.delay(5_000), LATE],
  ['waiting', faults.plain(500), SICK, 'once'],
  ['waiting', faults.plain(502), SICK],
  ['waiting', faults.plain(503), SICK],
  ['waiting', faults.plain(504), SICK],
  ['waiting', faults.problem('STORE_LOCKED', 'store'), 'STORE_LOCKED', 'once'],
  ['reading', faults.resetInAnswer(40), ODD],
  ['reading', faults.truncate(40), ODD],
  ['reading', faults.truncate(-10), ODD],
  ['reading', faults.stall(40), LATE],
  ['reading', faults.trickle(50), LATE],
  ['reading', faults.html, ODD],
  ['reading', faults.redirect, ODD],
  ['reading', faults.notJson, ODD],
  ['reading', faults.wrongJson, ODD],
  ['reading', faults.foreignJson, ODD],
];

const file = fileScope(after);
let auth;
let ann;
before(async () => {
  auth = await startAuth(file);
  ann = await register(auth, 'ann');
});

const ofOnePath = (fault) => (fault.closed || fault.request ? {} : { path: VERIFY });

// A refusal with what must be behind it, whatever its code.
async function examined(gateway, { code, ref }, cause) {
  const { operator, steps, code: kept } = await why(gateway, ref);
  const attempts = attemptsIn(operator);
  assert.equal(kept, code);
  assert.ok(steps.length > 0 && steps.every(({ ms }) => ms >= 0), JSON.stringify(steps));
  if (code === 'AUTH_RETRY_EXHAUSTED' || code === 'AUTH_CIRCUIT_BREAKER_OPEN') {
    assert.ok(attempts.length >= 1, `${code} without its causes: ${operator}`);
    assert.ok(attempts.every((each) => each === cause), operator);
  } else {
    assert.equal(code, cause, operator);
  }
  return attempts;
}

for (const [phase, fault, cause, once] of matrix) {
  test(`${phase}: the auth service ${fault.name}`, async (t) => {
    const { gate, gateway } = await behindGate(t, auth, cause === LATE ? IMPATIENT : {});
    const tickets = [];
    for (let i = 0; i < 8; i += 1) tickets.push(await ticket(auth, ann));

    // A passing fault is not noticed: the question is asked again, and the ticket is not burnt by it.
    if (!once && !fault.closed) {
      await gate.fault(fault, { ...ofOnePath(fault), times: 1 });
      assert.equal((await Client.open(gateway, { path: tickets.pop() })).user.id, ann.user.id);
      await gate.heal({ cut: false });
    }

    gate.forget();
    await gate.fault(fault, ofOnePath(fault));
    const expected = once ? cause : 'AUTH_RETRY_EXHAUSTED';
    const first = await refusedByClose(gateway, { path: tickets.pop() });
    assert.deepEqual([first.code, first.close], [expected, 4503]);
    const attempts = await examined(gateway, first, cause);
    if (!once) assert.ok(attempts.length >= 2 && attempts.length <= 3, `${attempts.length} attempts`);
    const line = await gateway.lines.take('the log line', (each) => each.event === 'refused' && each.ref === first.ref);
    assert.equal(line.code, expected);
    if (once) assert.equal(gate.count(VERIFY), 1);
    if (cause !== 'STORE_LOCKED') assert.ok(await metric(gateway, 'foyer_auth_attempts_total', { cause }) >= (once ? 1 : 2));

    const second = await refusedByHttp(gateway, { path: tickets.pop() });
    assert.equal(second.status, 503);
    assert.ok(Number(second.headers['retry-after']) >= 1, JSON.stringify(second.headers));
    await examined(gateway, second, cause);
    assert.equal(await metric(gateway, 'foyer_refusals_total', { code: first.code }) + (second.code === first.code ? 0 : await metric(gateway, 'foyer_refusals_total', { code: second.code })), 2);

    // Who has a token gets in, whatever the auth service does.
    assert.equal((await Client.open(gateway, { token: ann.access_token })).user.id, ann.user.id);

    if (cause === 'STORE_LOCKED') return;
    let told = second;
    for (let i = 0; told.code !== 'AUTH_CIRCUIT_BREAKER_OPEN'; i += 1) {
      assert.ok(i < 4, 'the breaker opens at five faults in a row');
      told = await refusedByHttp(gateway, { path: tickets.pop() });
      await examined(gateway, told, cause);
    }
    assert.ok(told.json.retry_after_ms > 0, JSON.stringify(told.json));
  });
}

// ---- refreshing and revoking are forwarded: one try, no breaker, the cause itself

const forwarded = [
  [faults.refuse, UNREACHABLE],
  [faults.resetAtOnce, UNREACHABLE],
  [faults.hang, LATE],
  [faults.stall(40), LATE],
  [faults.truncate(-10), ODD],
  [faults.plain(502), SICK],
  [faults.plain(503), SICK],
  [faults.problem('STORE_LOCKED', 'store'), 'STORE_LOCKED'],
  [faults.html, ODD],
  [faults.redirect, ODD],
  [faults.foreignJson, ODD],
];

for (const [fault, cause] of forwarded) {
  test(`refreshing and revoking: the auth service ${fault.name}`, async (t) => {
    const { gate, gateway } = await behindGate(t, auth);
    const login = (await ask(auth, 'POST', '/auth/login', { body: { name: 'ann', password: PASSWORD } })).json;
    const socket = await Client.open(gateway, { token: login.access_token });
    const to = (path) => (fault.closed || fault.request ? {} : { path });
    let elsewhere;
    const refusal = async (method, path, options) => {
      await gate.fault(fault, to(path));
      const answer = await ask({ host: gateway.host, port: gateway.port, from: elsewhere }, method, path, options);
      assert.equal(answer.headers['content-type'], 'application/problem+json', answer.text);
      assert.deepEqual([answer.status, answer.json.code], [503, cause], answer.text);
      assert.equal(answer.headers['cache-control'], 'no-store');
      assert.equal(answer.headers['set-cookie'], undefined, 'nobody is logged out by it');
      if (cause !== 'STORE_LOCKED') await gateway.lines.take('the log line', (each) => each.event === 'refused' && each.ref === answer.json.ref && each.code === cause);
      await gate.heal({ cut: false });
      return answer;
    };
    await refusal('POST', '/auth/refresh', { body: { refresh_token: login.refresh_token } });
    assert.ok(await metric(gateway, 'foyer_refusals_total', { code: cause }) >= (cause === 'STORE_LOCKED' ? 0 : 1));
    // In the socket a refresh is a JWT: it asks nobody.
    await gate.fault(fault, to(VERIFY));
    assert.equal((await socket.ask('refresh', { token: login.access_token })).type, 'refreshed');
    await gate.heal({ cut: false });
    // Afterwards it works, and the lost answer did not use the token up.
    const fresh = await ask(gateway, 'POST', '/auth/refresh', { body: { refresh_token: login.refresh_token } });
    assert.equal(fresh.status, 200, fresh.text);
    elsewhere = '127.0.0.9'; // equal refusals of one address within a second are one line
    await refusal('POST', '/auth/logout', { token: fresh.json.access_token });
    if (fault.answer) return; // the service did its work: the session is over, as asked
    assert.equal((await socket.ask('ping')).type, 'pong', 'not told that it is over before it is');
    await gate.heal();
    assert.equal((await ask(gateway, 'POST', '/auth/logout', { token: fresh.json.access_token })).status, 204);
    assert.equal((await socket.ended(60_000)).reason.split(' ')[0], 'SESSION_REVOKED');
  });
}

for (const [fault, cause] of [[faults.refuse, UNREACHABLE], [faults.plain(503), SICK], [faults.html, ODD], [faults.truncate(-10), ODD]]) {
  test(`the stream of revocations: the auth service ${fault.name}; what was revoked meanwhile is heard of afterwards`, async (t) => {
    const { gate, gateway } = await behindGate(t, auth);
    const login = (await ask(auth, 'POST', '/auth/login', { body: { name: 'ann', password: PASSWORD } })).json;
    const socket = await Client.open(gateway, { token: login.access_token });
    await gate.fault(fault, fault.closed ? {} : { path: '/internal/revocations' });
    gate.cut();
    assert.equal(await readySays(gateway, cause), 'auth_service');
    await gateway.lines.take('the log line', (line) => line.event === 'revocations_not_heard' && line.code === cause);
    assert.equal((await ask(auth, 'POST', '/auth/logout', { token: login.access_token })).status, 204);
    assert.equal((await socket.ask('ping')).type, 'pong', 'nobody could tell it');
    assert.equal((await Client.open(gateway, { token: login.access_token })).user.id, ann.user.id, 'within revocation_max_age');
    await gate.heal();
    const { code, reason } = await socket.ended(90_000);
    assert.deepEqual([code, reason.split(' ')[0]], [4401, 'SESSION_REVOKED']);
  });
}
