import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal } from '../core/refusal.mjs';
import { Session } from './session.mjs';

// A browser's storage and a server that answers what the test says.
function browser(...answers) {
  const kept = new Map();
  const storage = { getItem: (k) => kept.get(k) ?? null, setItem: (k, v) => kept.set(k, v), removeItem: (k) => kept.delete(k) };
  const asked = [];
  const request = async (method, path, { body, token } = {}) => {
    asked.push([`${method} ${path}`, token ?? null, body ?? null]);
    const answer = answers.shift();
    return answer?.code !== undefined ? { refusal: answer } : { body: answer };
  };
  return { session: new Session({ request, storage }), asked, kept, owner: () => kept.get('foyer.browser') ?? '' };
}
const signedIn = (name, token, more = {}) => ({ access_token: token, user: { id: `u_${name}`, name }, session: `s_${token}`, ...more });
const told = (status, code) => refusal({ status, code });
const LOGIN = { name: 'ann', password: 'p', stay: true };

test('a session that the server says is over keeps the person, and is not asked about again', async () => {
  const b = browser(signedIn('ann', 't1'), told(401, 'REFRESH_REUSED'));
  await b.session.begin('login', LOGIN);
  const over = await b.session.renew();
  assert.deepEqual([over.code, over.endedFor.name, b.session.user.name, b.session.token(), b.owner()], ['REFRESH_REUSED', 'ann', 'ann', null, '']);
  assert.equal(await b.session.renew(), over);
  assert.deepEqual(await b.session.ask('GET', '/auth/sessions'), { refusal: over });
  assert.equal(b.asked.length, 2);
});

test('that nobody could be asked ends nothing', async () => {
  const b = browser(signedIn('ann', 't1'), refusal({ status: 503, code: 'AUTH_SERVICE_TIMEOUT', retry: 'after' }), signedIn('ann', 't2'));
  await b.session.begin('login', LOGIN);
  assert.equal((await b.session.renew()).code, 'AUTH_SERVICE_TIMEOUT');
  assert.deepEqual([b.session.over, b.session.token()], [null, 't1']);
  assert.equal(await b.session.renew(), null);
  assert.equal(b.session.token(), 't2');
});

test('the same person logs in again in place, in the form the session had', async () => {
  const b = browser(signedIn('ann', 't1'), told(401, 'REFRESH_EXPIRED'), signedIn('ann', 't2'));
  await b.session.begin('login', LOGIN);
  await b.session.renew();
  assert.equal(await b.session.beginAgain({ password: 'p', totp: '123456' }), null);
  assert.deepEqual(b.asked.at(-1), ['POST /auth/login', null, { name: 'ann', password: 'p', cookie: true, totp: '123456' }]);
  assert.deepEqual([b.session.over, b.session.token(), b.owner()], [null, 't2', 'ann']);
});

test('where somebody else has taken the cookie, logging in again is for this window only', async () => {
  const b = browser(signedIn('ann', 't1'), signedIn('bob', 't9'), signedIn('ann', 't2', { refresh_token: 'r2' }));
  await b.session.begin('login', LOGIN);
  b.kept.set('foyer.browser', 'bob'); // written by the other window
  const told = await b.session.renew();
  assert.match(told.message, /bob has signed in/);
  assert.equal(await b.session.beginAgain({ password: 'p' }), null);
  assert.deepEqual(b.asked.at(-1)[2], { name: 'ann', password: 'p' });
  assert.deepEqual([b.session.user.name, b.owner()], ['ann', 'bob']);
});

test('a socket that was told of the end ends the session here as well', async () => {
  const b = browser(signedIn('ann', 't1'));
  await b.session.begin('login', LOGIN);
  b.session.close(told(4401, 'SESSION_REVOKED'));
  assert.deepEqual([b.session.over.code, b.session.token(), b.session.user.name], ['SESSION_REVOKED', null, 'ann']);
});

test('an access token that ran out is renewed once for a request about the account', async () => {
  const b = browser(signedIn('ann', 't1'), told(401, 'TOKEN_EXPIRED'), signedIn('ann', 't2'), { sessions: [] });
  await b.session.begin('login', LOGIN);
  assert.deepEqual(await b.session.ask('POST', '/auth/totp', { password: 'p' }), { body: { sessions: [] } });
  assert.deepEqual(b.asked.slice(1), [['POST /auth/totp', 't1', { password: 'p' }], ['POST /auth/refresh', null, {}], ['POST /auth/totp', 't2', { password: 'p' }]]);
});

test('a sign-out that the server has not heard of can be told again', async () => {
  const b = browser(signedIn('ann', 't1'), refusal({ status: 503, code: 'AUTH_SERVICE_TIMEOUT', retry: 'after' }), null);
  await b.session.begin('login', LOGIN);
  const unheard = await b.session.end();
  assert.deepEqual([unheard.refusal.code, b.session.user, b.owner()], ['AUTH_SERVICE_TIMEOUT', null, '']);
  assert.equal(await unheard.again(), null);
  assert.deepEqual(b.asked.slice(1).map(([path, token]) => [path, token]), [['POST /auth/logout', 't1'], ['POST /auth/logout', 't1']]);
});

test('a token of another issuer is used as it is, and nothing is asked of this server about it', async () => {
  const b = browser();
  const payload = Buffer.from(JSON.stringify({ sub: '7', name: 'Ünal' })).toString('base64url');
  assert.equal(b.session.beginWithToken('nonsense').code, 'INVALID_FORMAT');
  assert.equal(b.session.user, null);
  assert.equal(b.session.beginWithToken(`e30.${payload}.sig`), null);
  assert.deepEqual([b.session.user, b.session.token(), b.session.byToken, b.owner()], [{ id: '7', name: 'Ünal' }, `e30.${payload}.sig`, true, '']);
  const over = await b.session.renew();
  assert.deepEqual([over.code, over.retry, b.session.token()], ['TOKEN_EXPIRED', 'never', null]);
  assert.equal(await b.session.end(), null);
  assert.deepEqual(b.asked, []);
});
