// /openapi.json is true: every path answers the methods that it lists and no other, every body outside its schema is
// refused, and every answer has a status and a body that it describes.
import Ajv2020 from 'ajv/dist/2020.js';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileScope, foyerJson, serve } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { PASSWORD } from './support/people.mjs';
import { startAuth, startGateway } from './support/pair.mjs';
import { totpCode } from './support/totp.mjs';
import { until } from './support/within.mjs';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

const file = fileScope(after);
let node;
let api;
let ajv;
before(async () => {
  node = await serve(file);
  const answer = await ask(node, 'GET', '/openapi.json');
  assert.deepEqual([answer.status, answer.headers['content-type']], [200, 'application/json']);
  api = answer.json;
  ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(api, 'api');
});

// Every operation: [method, path, operation].
const operations = () => Object.entries(api.paths).flatMap(([at, methods]) => Object.entries(methods).map(([method, operation]) => [method.toUpperCase(), at, operation]));
const concrete = (at) => at.replace(/\{[^}]+\}/g, 'x');
const schemaOf = (...pointer) => ({ $ref: `api#/${pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}` });

// Asks, and holds the answer against the document.
async function checked(method, target, { operation = target.split('?')[0], status, ...options }) {
  const answer = await ask(node, method, target, options);
  const described = api.paths[operation]?.[method.toLowerCase()]?.responses[answer.status];
  assert.ok(described, `${method} ${target}: ${answer.status} is not described: ${answer.text}`);
  if (status) assert.equal(answer.status, status, `${method} ${target}: ${answer.text}`);
  const [type] = (answer.headers['content-type'] ?? '').split(';');
  if (answer.body.length > 0) {
    assert.ok(described.content?.[type], `${method} ${target}: ${answer.status} as ${type} is not described`);
    const valid = ajv.compile(schemaOf('paths', operation, method.toLowerCase(), 'responses', String(answer.status), 'content', type, 'schema'));
    assert.ok(valid(answer.json), `${method} ${target}: ${JSON.stringify(valid.errors)} in ${answer.text}`);
  } else assert.equal(described.content, undefined, `${method} ${target}: a body is described`);
  return answer;
}

test('every reference leads somewhere, every operation has a summary, an id and answers', () => {
  const ids = new Set();
  for (const [method, at, operation] of operations()) {
    assert.ok(operation.summary && Object.keys(operation.responses).length > 0, `${method} ${at}`);
    assert.ok(!ids.has(operation.operationId), operation.operationId);
    ids.add(operation.operationId);
  }
  assert.ok(ids.size > 30);
  for (const [, name] of JSON.stringify(api).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) assert.ok(api.components.schemas[name], name);
});

test('each path answers the methods that are described, and 405 with exactly those to all others', async () => {
  for (const [at, methods] of Object.entries(api.paths)) {
    const described = Object.keys(methods).map((method) => method.toUpperCase());
    for (const method of METHODS.filter((each) => !described.includes(each))) {
      const answer = await ask(node, method, concrete(at));
      assert.equal(answer.status, 405, `${method} ${at}`);
      const allowed = answer.headers.allow.split(', ').filter((each) => !['HEAD', 'OPTIONS'].includes(each));
      assert.deepEqual(allowed.sort(), described.sort(), `${method} ${at}`);
    }
    for (const method of ['TRACE', 'QUERY']) assert.ok([405, 501].includes((await ask(node, method, concrete(at))).status), `${method} ${at}`);
  }
});

test('without a credential each operation answers as described', async () => {
  for (const [method, at] of operations().filter(([, where]) => !where.startsWith('/api'))) await checked(method, concrete(at), { operation: at });
});

test('a body of another type, that is not JSON, or with an unknown member is refused', async () => {
  const token = (await ask(node, 'POST', '/auth/register', { body: { name: 'bodies', password: PASSWORD } })).json.access_token;
  for (const [method, at, operation] of operations()) {
    if (!operation.requestBody?.content['application/json']) continue;
    if (at.startsWith('/api')) continue; // the server API reads leniently; its own tests say how
    const wrong = { 'a text': [{ 'Content-Type': 'text/plain' }, 'hello', 415], 'no JSON': [{}, '{', 400], 'an unknown member': [{}, '{"no_such_member":1}', 400] };
    for (const [what, [more, body, status]] of Object.entries(wrong)) {
      const answer = await checked(method, concrete(at), { operation: at, token, body, headers: more });
      assert.ok([status, 403].includes(answer.status), `${method} ${at} with ${what}: ${answer.status} ${answer.text}`);
    }
  }
});

test('a day in the life of an account, each answer as described', async () => {
  const name = 'ann';
  await checked('POST', '/auth/register', { body: { name, password: PASSWORD }, status: 201 });
  await checked('POST', '/auth/register', { body: { name, password: PASSWORD }, status: 409 });
  await checked('POST', '/auth/register', { body: { name: 'a b', password: PASSWORD }, status: 422 });
  await checked('POST', '/auth/login', { body: { name, password: 'wrong' }, status: 401 });
  const { json: login } = await checked('POST', '/auth/login', { body: { name, password: PASSWORD, cookie: true }, status: 200 });
  const token = login.access_token;
  const { json: { refresh_token } } = await checked('POST', '/auth/login', { body: { name, password: PASSWORD }, status: 200 });
  await checked('POST', '/auth/refresh', { body: { refresh_token }, status: 200 });
  await checked('GET', '/auth/me', { token, status: 200 });
  await checked('GET', '/auth/check', { token, status: 204 });
  await checked('POST', '/auth/tickets', { token, body: { origin: 'https://shop.example', bind_address: true, ttl: 20 }, status: 201 });
  const { json: { sessions } } = await checked('GET', '/auth/sessions', { token, status: 200 });
  await checked('GET', `/auth/sessions/${sessions[0].id}`, { operation: '/auth/sessions/{id}', token, status: 200 });
  await checked('GET', '/auth/sessions/none', { operation: '/auth/sessions/{id}', token, status: 404 });
  const { json: pending } = await checked('POST', '/auth/totp', { token, body: { password: PASSWORD }, status: 201 });
  await checked('POST', '/auth/totp/confirm', { token, body: { totp: '000000' }, status: 401 });
  await checked('POST', '/auth/totp/confirm', { token, body: { totp: totpCode(pending.secret) }, status: 200 });
  await checked('POST', '/auth/login', { body: { name, password: PASSWORD }, status: 401 });
  const { json: renewed } = await checked('POST', '/auth/totp/recovery', { token, body: { totp: totpCode(pending.secret, 1) }, status: 200 });
  await checked('DELETE', '/auth/totp', { token, body: { totp: renewed.recovery_codes[0] }, status: 204 });
  await checked('POST', '/auth/password', { token, body: { password: PASSWORD, new_password: 'another quiet sentence' }, status: 204 });
  await checked('DELETE', '/auth/sessions?others=maybe', { token, status: 400 });
  await checked('DELETE', '/auth/sessions?others=true', { token, status: 204 });
  await checked('GET', '/auth/admin/users', { token, status: 403 });
  await checked('DELETE', '/auth/me', { token, body: { password: 'another quiet sentence' }, status: 204 });
  await checked('GET', '/auth/me', { token, status: 403 });
});

test('what an administrator and a service may do, each answer as described', async () => {
  const options = ['--data', node.data, '--dev'];
  const added = await foyerJson(['user', 'add', 'boss', '--admin', '--password-stdin', '--json', ...options], { input: `${PASSWORD}\n` });
  assert.equal(added.code, 0);
  const { json: { access_token: token } } = await checked('POST', '/auth/login', { body: { name: 'boss', password: PASSWORD }, status: 200 });
  const { json: eve } = await checked('POST', '/auth/register', { body: { name: 'eve', password: PASSWORD }, status: 201 });
  const user = (what, method) => checked(method, `/auth/admin/users/${eve.user.id}${what}`, { operation: `/auth/admin/users/{id}${what}`, token, status: 204 });
  await checked('GET', '/auth/admin/users?limit=1', { token, status: 200 });
  await checked('GET', '/auth/admin/users?limit=0', { token, status: 400 });
  await user('/disable', 'POST');
  await user('/enable', 'POST');
  await user('', 'DELETE');
  await checked('DELETE', `/auth/admin/users/${eve.user.id}`, { operation: '/auth/admin/users/{id}', token, status: 404 });
  for (const what of ['services', 'keys', 'audit']) await checked('GET', `/auth/admin/${what}`, { token, status: 200 });
  await checked('POST', '/auth/admin/keys/rotate', { token, body: { publish_for: 0 } });

  const billing = (await foyerJson(['service', 'add', 'billing', '--may-call', 'ledger', '--json', ...options])).json;
  await foyerJson(['service', 'add', 'ledger', '--json', ...options]);
  const form = { 'Content-Type': 'application/x-www-form-urlencoded', Authorization: `Basic ${Buffer.from(`billing:${billing.secret}`).toString('base64')}` };
  const grant = () => checked('POST', '/oauth2/token', { body: 'grant_type=client_credentials&audience=ledger', headers: form });
  await until('the services to be known', async () => (await grant()).status === 200);
  const { json: service } = await grant();
  await checked('POST', '/oauth2/introspect', { body: `token=${service.access_token}`, headers: form, status: 200 });
  await checked('POST', '/oauth2/token', { body: 'grant_type=none', headers: form, status: 400 });
  await checked('POST', '/oauth2/revoke', { body: `token=${service.access_token}`, headers: form, status: 200 });
  await checked('POST', '/oauth2/introspect', { body: 'token=nothing', headers: { 'Content-Type': form['Content-Type'] }, status: 401 });
});

test('health and keys, each answer as described', async () => {
  for (const target of ['/health', '/health/live', '/health/ready', '/.well-known/jwks.json']) await checked('GET', target, { status: 200 });
});

test('a gateway whose auth service is another process describes the same accounts', async (t) => {
  const auth = await startAuth(t);
  const gateway = await startGateway(t, { to: auth });
  const paths = async (at) => Object.keys((await ask(at, 'GET', '/openapi.json')).json.paths).filter((each) => /^\/(auth|oauth2)/.test(each)).sort();
  assert.deepEqual(await paths(gateway), await paths(auth));
  assert.deepEqual(await paths(gateway), Object.keys(api.paths).filter((each) => /^\/(auth|oauth2)/.test(each)).sort());
});
