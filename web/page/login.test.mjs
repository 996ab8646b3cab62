import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Login, invitationIn } from './login.mjs';
import { refusal } from '../core/refusal.mjs';
import { settle, world } from '../testing/world.test.mjs';

const told = (status, code, fields = {}) => refusal({ status, code, ...fields });
const ENTRY = { kind: 'login', name: 'ann', password: 'a sentence', invitation: '', stay: true, code: '' };

// A login at a server that answers what the test says, one after another; null lets in.
function at(...answers) {
  const w = world();
  const asked = [];
  const seen = [];
  let done = 0;
  const login = new Login(async (kind, entry) => { asked.push({ kind, ...entry }); return answers.shift() ?? null; }, w, { changed() { seen.push(`${login.state} ${login.refusal?.code ?? ''}`); }, done() { done += 1; } });
  const submit = async (more = {}) => { await login.submit({ ...ENTRY, ...more }); await settle(); };
  return { w, login, asked, seen, submit, get in() { return done === 1; } };
}

test('name and password are enough where there is no second factor', async () => {
  const l = at(null);
  await l.submit();
  assert.ok(l.in);
  assert.deepEqual(l.asked, [{ kind: 'login', name: 'ann', password: 'a sentence', invitation: '', stay: true }]);
});

test('TOTP_REQUIRED asks for the code without reproach; the code goes with name and password, its gap closed', async () => {
  const l = at(told(401, 'TOTP_REQUIRED'), null);
  await l.submit();
  assert.deepEqual([l.login.step, l.login.refusal], ['code', null]);
  await l.submit({ code: '123 456' });
  assert.ok(l.in);
  assert.equal(l.asked[1].totp, '123456');
  assert.equal(l.asked[1].password, 'a sentence');
});

test('TOTP_REJECTED stays at the code and says so; a recovery code is sent as it is', async () => {
  const l = at(told(401, 'TOTP_REQUIRED'), told(401, 'TOTP_REJECTED'), null);
  await l.submit();
  await l.submit({ code: '000000' });
  assert.deepEqual([l.login.step, l.login.refusal.code, l.login.state], ['code', 'TOTP_REJECTED', 'open']);
  await l.submit({ code: ' k7wq-m3xp ' });
  assert.deepEqual([l.in, l.asked[2].totp], [true, 'k7wq-m3xp']);
});

test('a password that is wrong by now leads back to the first step', async () => {
  const l = at(told(401, 'TOTP_REQUIRED'), told(401, 'CREDENTIALS_REJECTED'));
  await l.submit();
  await l.submit({ code: '123456' });
  assert.deepEqual([l.login.step, l.login.refusal.code], ['password', 'CREDENTIALS_REJECTED']);
});

test('LOGIN_LOCKED is open again after its time, and until then nothing is asked', async () => {
  const l = at(told(429, 'LOGIN_LOCKED', { retry: 'after', retryAfterMs: 60_000 }), null);
  await l.submit();
  assert.deepEqual([l.login.state, l.login.until], ['locked', 60_000]);
  await l.submit();
  assert.equal(l.asked.length, 1);
  await l.w.pass(60_000);
  assert.deepEqual([l.login.state, l.login.refusal, l.asked.length], ['open', null, 1]);
  await l.submit();
  assert.ok(l.in);
});

test('while the auth service is away the same is asked again by itself, with growing waits', async () => {
  const away = () => told(503, 'AUTH_SERVICE_CONNECTION_ERROR', { retry: 'after' });
  const l = at(away(), away(), null);
  await l.submit();
  assert.deepEqual([l.login.state, l.login.until], ['away', 750]);
  await l.w.pass(750);
  assert.deepEqual([l.login.state, l.login.until], ['away', 2_250]);
  const code = 'AUTH_SERVICE_CONNECTION_ERROR';
  assert.deepEqual(l.seen, ['asking ', `away ${code}`, `asking ${code}`, `away ${code}`], 'what stands there stays while it is asked again');
  l.login.now();
  await settle();
  assert.deepEqual([l.in, l.asked.length], [true, 3]);
});

test('a code is not sent again by itself, and neither is a registration', async () => {
  const away = () => told(503, 'AUTH_SERVICE_TIMEOUT', { retry: 'after' });
  const l = at(told(401, 'TOTP_REQUIRED'), away());
  await l.submit();
  await l.submit({ code: '123456' });
  assert.deepEqual([l.login.step, l.login.state, l.login.refusal.code, l.w.waiting], ['code', 'open', 'AUTH_SERVICE_TIMEOUT', 0]);
  const r = at(away());
  await r.submit({ kind: 'register' });
  assert.deepEqual([r.login.state, r.w.waiting], ['open', 0]);
});

test('who leaves the form is not logged in behind their back', async () => {
  const l = at(told(503, 'AUTH_SERVICE_TIMEOUT', { retry: 'after' }), null);
  await l.submit();
  l.login.reset();
  await l.w.pass(60_000);
  assert.deepEqual([l.in, l.asked.length, l.login.state], [false, 1, 'open']);
});

test('an invitation is read from its link and from no other address', () => {
  assert.equal(invitationIn('#invitation=a1_-Z'), 'a1_-Z');
  for (const hash of ['', '#tea', '#invitation=', '#invitation=a b', '#invitation=<i>', `#invitation=${'a'.repeat(129)}`]) assert.equal(invitationIn(hash), '', hash);
});
