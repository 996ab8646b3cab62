import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loginHelps, noticeOf } from './notice.mjs';
import { fromClose, isAuthAway, isPassing, refusal, telling } from '../core/refusal.mjs';

const away = refusal({ status: 503, code: 'AUTH_RETRY_EXHAUSTED', retry: 'after', step: 'auth_service' });
const over = refusal({ status: 401, code: 'REFRESH_EXPIRED' });

test('what is told above the rooms, by what the connection does', () => {
  const calm = { phase: 'online', because: null, retryAt: null, ending: null };
  for (const [connection, told] of [
    [calm, null],
    [{ ...calm, ending: { at: 60, because: over, retryAt: null } }, { kind: 'ending', because: over, at: 60, retryAt: null }],
    [{ ...calm, phase: 'refused', because: over }, { kind: 'over', because: over }],
    [{ ...calm, phase: 'waiting', because: away, retryAt: 5 }, { kind: 'waiting', because: away, retryAt: 5 }],
    [{ ...calm, phase: 'waiting', because: fromClose(1006, ''), retryAt: 5 }, null], // the strip says it
    [{ ...calm, phase: 'connecting', because: away }, null],
  ]) assert.deepEqual(noticeOf(connection), told);
});

test('logging in again is offered where it helps', () => {
  for (const [because, helps] of [
    [over, true],
    [refusal({ status: 4401, code: 'SESSION_REVOKED' }), true],
    [{ ...fromClose(4401, 'TOKEN_REVOKED r'), retry: 'never' }, true],
    [refusal({ status: 401, message: 'Bob has signed in on this browser' }), true],
    [fromClose(4403, 'USER_DISABLED r'), false],
    [refusal({ code: 'ORIGIN_NOT_ALLOWED', status: 403 }), false],
    [away, false],
  ]) assert.equal(loginHelps(because), helps, because.code);
});

test('the auth service is away only when it is, and a lock is nothing that passes unheard', () => {
  assert.deepEqual([away, refusal({ code: 'SERVICE_SECRET_REJECTED', step: 'service_identity' }), refusal({ code: 'BUSY', step: 'http' })].map(isAuthAway), [true, true, false]);
  assert.deepEqual([away, refusal({ code: 'LOGIN_LOCKED', status: 429, retry: 'after' }), over].map(isPassing), [true, false, false]);
});

test('of two refusals of one event the one that knows more is told', () => {
  const unknown = refusal({ status: 401, code: 'REFRESH_UNKNOWN' });
  assert.equal(telling(fromClose(4401, 'TOKEN_REVOKED r'), unknown).code, 'TOKEN_REVOKED');
  assert.equal(telling(fromClose(4401, 'TOKEN_EXPIRED r'), unknown).code, 'REFRESH_UNKNOWN');
  assert.equal(telling(fromClose(4401, 'TOKEN_REVOKED r'), refusal({ status: 401, code: 'REFRESH_REUSED' })).code, 'REFRESH_REUSED');
  assert.equal(telling(null, unknown).code, 'REFRESH_UNKNOWN');
});
