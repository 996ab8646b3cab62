// The account against a small stand-in of the auth service's routes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Account } from './account.mjs';
import { refusal } from '../core/refusal.mjs';
import { settle, world } from '../testing/world.test.mjs';

function standIn() {
  const s = {
    away: null, asked: [], factor: false, codes: [],
    rows: [
      { id: 's1', device: 'A', address: '::1', created: '2030-01-01T00:00:00Z', last_seen: '2030-01-02T00:00:00Z', current: false },
      { id: 's2', device: 'B', address: '::1', created: '2030-01-01T00:00:00Z', last_seen: '2030-01-03T00:00:00Z', current: false },
      { id: 's3', device: 'C', address: '::1', created: '2030-01-01T00:00:00Z', last_seen: '2030-01-01T00:00:00Z', current: true },
    ],
    async ask(method, path, body) {
      const route = `${method} ${path}`;
      s.asked.push(route);
      if (s.away) return { refusal: s.away };
      if (body?.totp && !['123456', ...s.codes].includes(body.totp)) return { refusal: refusal({ status: 401, code: 'TOTP_REJECTED' }) };
      switch (route) {
        case 'GET /auth/me': return { body: { id: 'u', name: 'ann', second_factor: s.factor, recovery_codes_left: s.codes.length } };
        case 'GET /auth/sessions': return { body: { sessions: s.rows } };
        case 'DELETE /auth/sessions?others=true': s.rows = s.rows.filter((r) => r.current); return { body: null };
        case 'DELETE /auth/sessions/s2': s.rows = s.rows.filter((r) => r.id !== 's2'); return { body: null };
        case 'POST /auth/totp': return { body: { secret: 'JBSWY3DPEHPK3PXP', uri: 'otpauth://totp/x' } };
        case 'POST /auth/totp/confirm': s.factor = true; s.codes = ['aaaa-bbbb', 'cccc-dddd']; return { body: { recovery_codes: s.codes } };
        case 'POST /auth/totp/recovery': s.codes = ['eeee-ffff']; return { body: { recovery_codes: s.codes } };
        case 'DELETE /auth/totp': s.factor = false; s.codes = []; return { body: null };
        default: return { refusal: refusal({ status: 404, code: 'UNKNOWN_PATH' }) };
      }
    },
  };
  return s;
}

async function loaded() {
  const [server, w] = [standIn(), world()];
  let drawn = 0;
  const account = new Account(server, w, () => { drawn += 1; });
  await account.load();
  return { server, w, account, get drawn() { return drawn; } };
}

test('this session first, then those last seen', async () => {
  const { account } = await loaded();
  assert.deepEqual(account.sessions.map((s) => s.id), ['s3', 's2', 's1']);
});

test('ending a session, or all others, shows what is left', async () => {
  const { account } = await loaded();
  assert.equal((await account.endSession('s2')).refusal, undefined);
  assert.deepEqual(account.sessions.map((s) => s.id), ['s3', 's1']);
  await account.endOthers();
  assert.deepEqual(account.sessions.map((s) => s.id), ['s3']);
});

test('the second factor: on with a right code, new recovery codes, off with one of them', async () => {
  const { account } = await loaded();
  assert.equal((await account.factorBegin('p')).body.secret, 'JBSWY3DPEHPK3PXP');
  assert.equal((await account.factorConfirm('000000')).refusal.code, 'TOTP_REJECTED');
  assert.equal(account.factor, false);
  assert.deepEqual((await account.factorConfirm('123 456')).body.recovery_codes, ['aaaa-bbbb', 'cccc-dddd']);
  assert.deepEqual([account.factor, account.codesLeft], [true, 2]);
  await account.factorCodes('123456');
  assert.equal(account.codesLeft, 1);
  await account.factorOff(' eeee-ffff ');
  assert.deepEqual([account.factor, account.codesLeft], [false, 0]);
});

test('what cannot be read while the auth service is away is asked for again; what was to be done is not', async () => {
  const { server, w, account } = await loaded();
  server.away = refusal({ status: 503, code: 'AUTH_SERVICE_TIMEOUT', retry: 'after' });
  assert.equal((await account.endSession('s2')).refusal.code, 'AUTH_SERVICE_TIMEOUT');
  assert.equal(w.waiting, 0);
  await account.load();
  assert.deepEqual([account.refusal.code, account.retryAt], ['AUTH_SERVICE_TIMEOUT', 750]);
  assert.equal(account.sessions.length, 3, 'what was known stays');
  server.away = null;
  await w.pass(750);
  assert.deepEqual([account.refusal, account.retryAt], [null, null]);
  server.away = refusal({ status: 503, code: 'AUTH_SERVICE_TIMEOUT', retry: 'after' });
  await account.load();
  account.rest();
  await settle();
  assert.equal(w.waiting, 0, 'a closed panel asks nothing');
});
