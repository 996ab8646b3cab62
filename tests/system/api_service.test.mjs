// Tokens of registered services as credentials of the server API.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call, post } from './support/api.mjs';
import { fileScope, foyer, foyerJson, serve } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { startPair } from './support/pair.mjs';
import { arrive } from './support/people.mjs';
import { until } from './support/within.mjs';

const scope = fileScope(after);
let node;
let at;
const secrets = {};
before(async () => {
  node = await serve(scope);
  at = ['--data', node.data];
});

const ok = async (...args) => {
  const result = await foyer([...args, ...at]);
  assert.equal(result.code, 0, result.err);
  return result;
};
const register = async (id, ...targets) => {
  const added = await foyerJson(['service', 'add', id, '--json', ...(targets.length ? ['--may-call', targets.join(',')] : []), ...at]);
  assert.equal(added.code, 0, added.err);
  secrets[id] = added.json.secret;
};
const granted = (id, audience) => ask(node, 'POST', '/oauth2/token', {
  body: `grant_type=client_credentials${audience ? `&audience=${audience}` : ''}`,
  headers: { 'Content-Type': 'application/x-www-form-urlencoded', Authorization: `Basic ${Buffer.from(`${id}:${secrets[id]}`).toString('base64')}` },
});
const tokenOf = async (id, audience) => {
  let answer;
  await until('the service to be known', async () => (answer = await granted(id, audience)).status === 200);
  return answer.json.access_token;
};
const by = (token, headers = {}) => ({ key: null, headers: { Authorization: `Bearer ${token}`, ...headers } });
const problem = (answer, status, code) => assert.deepEqual([answer.status, answer.json.code], [status, code], answer.text);

test('a token of a service has the rights of the key that belongs to the service', async () => {
  await register('billing', 'foyer:api');
  const token = await tokenOf('billing');
  const none = await post(node, 'publish', { channel: 'bills-7', message: 'due' }, by(token));
  problem(none, 403, 'PERMISSION_DENIED');
  assert.deepEqual([none.json.error.code, none.json.detail.includes('No API key belongs to this service.')], [103, true], none.text);
  assert.match(none.json.next, /foyer api-key add NAME --for-service ID/);

  const added = await ok('api-key', 'add', 'bills', '--for-service', 'billing', '--may', 'publish:bills-*', '--may', 'connections');
  assert.match(added.out, /^The service billing may: publish:bills-\*, connections\./);
  assert.doesNotMatch(added.out + added.err, /foyer_key_/, 'there is no key');
  const ann = await arrive(node, 'ann');
  await ann.join('bills-7');
  assert.equal((await call(node, 'publish', { channel: 'bills-7', message: 'due' }, by(token))).offset, 1, 'it is valid at once');
  const heard = await ann.next('message', { room: 'bills-7' });
  assert.deepEqual(heard.from, { id: 'app:bills', name: 'bills' });
  const denied = await post(node, 'publish', { channel: 'tea', message: 'x' }, by(token));
  assert.deepEqual([denied.status, denied.json.needs], [403, 'publish:tea'], denied.text);

  const once = { channel: 'bills-7', message: 'twice', idempotency_key: 'k' };
  assert.equal((await call(node, 'publish', once, by(token))).offset, 2);
  const other = await tokenOf('billing');
  assert.equal((await call(node, 'publish', once, by(other))).offset, 2, 'the key of the call belongs to the key of the service, not to a token');

  assert.deepEqual(await call(node, 'disconnect', { user: ann.user.id }, by(token)), {});
  await ann.ended();
  await node.logged('api_change', { method: 'disconnect', name: 'bills', user: ann.user.id });

  const rows = (await foyerJson(['api-key', 'list', '--json', ...at])).json;
  assert.deepEqual(rows.filter((row) => row.name === 'bills').map((row) => [row.service, row.secrets]), [['billing', []]]);
  assert.match((await ok('api-key', 'list')).out, /bills .*\(tokens of the service billing\)/);
  const rotated = await foyer(['api-key', 'rotate', 'bills', ...at]);
  assert.deepEqual([rotated.code, rotated.out], [1, '']);
  assert.match(rotated.err, /belongs to the service billing; `foyer service rotate`/);
  const second = await foyer(['api-key', 'add', 'more', '--for-service', 'billing', '--may', 'export', ...at]);
  assert.equal(second.code, 1);
  assert.match(second.err, /NAME_TAKEN[\s\S]*has the API key bills already/);

  await ok('api-key', 'disable', 'bills');
  await until('the key to end', async () => (await post(node, 'publish', { channel: 'bills-7', message: 'x' }, by(token))).status === 401);
  await ok('api-key', 'enable', 'bills');
  assert.ok(await call(node, 'publish', { channel: 'bills-7', message: 'x' }, by(token)));
});

test('only a token for the server API counts, of a service that may still call it', async () => {
  await register('ledger');
  await register('mail', 'ledger,foyer:api');
  await ok('api-key', 'add', 'mails', '--for-service', 'mail', '--may', 'publish:*');
  const publish = (token, headers) => post(node, 'publish', { channel: 'tea', message: 'x' }, by(token, headers));
  const token = await tokenOf('mail', 'foyer:api');
  assert.equal((await publish(token)).status, 200);

  const elsewhere = await publish(await tokenOf('mail', 'ledger'));
  problem(elsewhere, 401, 'AUDIENCE_MISMATCH');
  assert.equal(elsewhere.json.error.code, 101);
  problem(await publish((await arrive(node, 'bob')).account.access_token), 401, 'WRONG_TOKEN_TYPE');
  problem(await publish(`${token.slice(0, -6)}AAAAAA`), 401, 'SIGNATURE_INVALID');
  problem(await publish('nonsense'), 401, 'API_KEY_REJECTED');
  problem(await publish('a.b.c'), 401, 'INVALID_FORMAT');
  problem(await publish(token, { 'X-API-Key': 'another' }), 400, 'AMBIGUOUS_CREDENTIALS');
  const door = await ask(node, 'GET', '/auth/me', { headers: { Authorization: `Bearer ${token}` } });
  problem(door, 401, 'WRONG_TOKEN_TYPE');

  const again = await tokenOf('mail', 'foyer:api');
  const ended = await ask(node, 'POST', '/oauth2/revoke', {
    body: `token=${again}`,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', Authorization: `Basic ${Buffer.from(`mail:${secrets.mail}`).toString('base64')}` },
  });
  assert.equal(ended.status, 200, ended.text);
  await until('the token to end', async () => (await publish(again)).status === 401);

  await ok('service', 'disable', 'mail');
  await until('the service to end', async () => (await publish(token)).status === 401);
  problem(await publish(token), 401, 'API_KEY_REJECTED');

  assert.equal((await foyer(['service', 'add', 'foyer:api', ...at])).code, 1, 'the name of the API is not a service');
});

for (const keys of ['shared', 'pair']) {
  test(`a gateway whose auth service is another process takes the tokens, too (${keys})`, async (t) => {
    const { auth, gateway } = await startPair(t, { keys });
    const added = await foyerJson(['service', 'add', 'billing', '--may-call', 'foyer:api', '--json', '--data', auth.data]);
    assert.equal(added.code, 0, added.err);
    assert.equal((await foyer(['api-key', 'add', 'bills', '--for-service', 'billing', '--may', 'publish:bills-*', '--data', gateway.data])).code, 0);
    const basic = Buffer.from(`billing:${added.json.secret}`).toString('base64');
    let granted;
    await until('the service to be known', async () => {
      granted = await ask(gateway, 'POST', '/oauth2/token', { body: 'grant_type=client_credentials', headers: { 'Content-Type': 'application/x-www-form-urlencoded', Authorization: `Basic ${basic}` } });
      return granted.status === 200;
    });
    assert.equal((await call(gateway, 'publish', { channel: 'bills-7', message: 'due' }, by(granted.json.access_token))).offset, 1);
    problem(await post(gateway, 'publish', { channel: 'tea', message: 'due' }, by(granted.json.access_token)), 403, 'PERMISSION_DENIED');
  });
}
