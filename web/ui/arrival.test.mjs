import assert from 'node:assert/strict';
import { test } from 'node:test';
import { troubleWords } from './arrival.mjs';
import { isMistake } from '../core/refusal.mjs';

test('a visitor hears of the server’s health only when something is wrong, and in a sentence', () => {
  assert.equal(troubleWords({ status: 'ok' }), '');
  assert.equal(troubleWords({ status: 'degraded' }), 'Some parts of this server are not working at the moment.');
  assert.equal(troubleWords({ status: 'failing' }), 'This server is not working at the moment.');
  assert.equal(troubleWords(undefined, { heard: 'foyer', code: 'NOT_READY', message: '' }), 'This server is not working at the moment.');
  assert.equal(troubleWords(undefined, { heard: 'nothing', message: 'The server does not answer.' }), 'The server does not answer.');
});

test('what was typed is told from what only an operator or time can change', () => {
  const is = (code, fields = {}) => isMistake({ heard: 'foyer', retry: 'never', code, ...fields });
  for (const code of ['NAME_TAKEN', 'PASSWORD_COMMON', 'CREDENTIALS_REJECTED', 'TOTP_REJECTED', 'ROOM_NAME_INVALID', 'NO_SUCH_PERSON', 'INVITATION_LIMIT']) assert.equal(is(code), true, code);
  for (const code of ['STORE_FULL', 'REGISTRATION_CLOSED', 'USER_DISABLED', 'AUTH_SERVICE_TIMEOUT']) assert.equal(is(code), false, code);
  assert.equal(is('CREDENTIALS_REJECTED', { retry: 'after' }), false);
  assert.equal(is('', { heard: 'stranger' }), false);
});
