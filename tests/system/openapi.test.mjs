// /openapi.json is true: every path answers the methods that it lists and no other, every body outside its schema is
// refused, and every answer has a status and a body that it describes.
import Ajv2020 from 'ajv/dist/2020.js';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { keyOf } from './support/api.mjs';
import { fileScope, foyerJson, serve, temporary } from './support/foyer.mjs';
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
  const secret = path.join(temporary(file), 'secret');
  fs.writeFileSync(secret, 'Zq7-mXw2_Vt9Kd4pLs8Nc6Rb3Hy5Jf1G0aEu', { mode: 0o600 });
  const issuers = [{ name: 'shop', issuer: 'https://shop.example', secret_file: secret, user_prefix: 'shop|' }];
  node = await serve(file, { args: ['--address-auth-requests', '100000', '--address-refusals', '100000'], env: { FOYER_ISSUER: JSON.stringify(issuers) } });
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

// The check of one place of the document, made once.
const compiled = new Map();
function validator(...pointer) {
  const place = pointer.join(' ');
  if (!compiled.has(place)) compiled.set(place, ajv.compile(schemaOf(...pointer)));
  return compiled.get(place);
}

// Asks, and holds the answer against the document.
async function checked(method, target, { operation = target.split('?')[0], status, ...options }) {
  const answer = await ask(node, method, target, options);
  const described = api.paths[operation]?.[method.toLowerCase()]?.responses[answer.status];
  assert.ok(described, `${method} ${target}: ${answer.status} is not described: ${answer.text}`);
  if (status) assert.equal(answer.status, status, `${method} ${target}: ${answer.text}`);
  const [type] = (answer.headers['content-type'] ?? '').split(';');
  if (answer.body.length > 0) {
    assert.ok(described.content?.[type], `${method} ${target}: ${answer.status} as ${type} is not described`);
    const valid = validator('paths', operation, method.toLowerCase(), 'responses', String(answer.status), 'content', type, 'schema');
    assert.ok(valid(type.endsWith('json') && !type.endsWith('ndjson') ? answer.json : answer.text), `${method} ${target}: ${JSON.stringify(valid.errors)} in ${answer.text}`);
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

// A body of each method of the server API that fits its schema.
const FITTING = {
  publish: { channel: 'fit', data: { n: 1 } }, broadcast: { channels: ['fit'], message: 'x' }, history: { channel: 'fit' }, presence: { channel: 'fit' }, presence_stats: { channel: 'fit' }, channels: {}, info: {},
  history_remove: { channel: 'fit' }, message_delete: { channel: 'fit', offset: 1 }, batch: { commands: [] }, rooms: {}, room_create: { channel: 'private:fit', members: ['u_1'] }, room_delete: { channel: 'private:fit' },
  room_members: { channel: 'private:fit' }, member_add: { channel: 'private:fit', user: 'u_2' }, member_remove: { channel: 'private:fit', user: 'u_2' }, user_upsert: { user: 'u_2', name: 'Two' }, user_forget: { user: 'u_2' },
  user_export: { user: 'u_2' }, block_user: { user: 'u_2' }, unblock_user: { user: 'u_2' }, revoke_token: { uid: 'x' }, invalidate_user_tokens: { user: 'u_2' }, revoke_user: { user: 'u_2' }, connections: {},
  get_user_status: { users: ['u_2'] }, disconnect: { user: 'u_2' }, subscribe: { user: 'u_2', channel: 'fit' }, unsubscribe: { user: 'u_2', channel: 'fit' }, refresh: { user: 'u_2' }, lines: { method: 'info', params: {} },
};
const VALUES = [undefined, null, '', 'x', 'a b', 'private:x', 'private:a:b', 'app:x', 'user:x', 'x'.repeat(300), 0, 1, -1, 1.5, 9007199254740991, 9007199254740992, 1e300, false, true,
  [], ['x'], ['private:x'], ['a b'], [null], [{}], {}, { id: 'u_1' }, { id: 'app:x' }, { id: null }, { code: 4000, reason: 'x' }, { reconnect: true }, { offset: 1, epoch: null }, { unknown: 1 },
  { issuer: 'shop', sub: '7' }, { issuer: 'https://shop.example', sub: 'Ü'.repeat(255) }, { issuer: 'shop', sub: '' }, { issuer: 'shop', sub: 'x'.repeat(256) }, { issuer: 'nobody', sub: '7' }, { issuer: 'shop' }, [{ issuer: 'shop', sub: '7' }]];

test('a body of the server API is 400 exactly if it does not fit its schema', async () => {
  const headers = { 'X-API-Key': keyOf(node), 'X-Centrifugo-Error-Mode': 'transport' };
  const paths = Object.keys(api.paths).filter((at) => at.startsWith('/api'));
  assert.equal(paths.length, Object.keys(FITTING).length);
  for (const at of paths) {
    const { operationId, requestBody } = api.paths[at].post;
    const fits = validator('paths', at, 'post', 'requestBody', 'content', 'application/json', 'schema');
    const names = [...Object.keys(requestBody.content['application/json'].schema.properties), 'no_such_field'];
    const bodies = names.flatMap((name) => VALUES.map((value) => JSON.stringify({ ...FITTING[operationId], [name]: value })));
    for (const text of bodies) {
      const body = JSON.parse(text);
      const answer = await checked('POST', at, { body, headers });
      assert.equal(answer.status !== 400, fits(body), `${at} ${JSON.stringify(body)}: ${answer.status} ${answer.text} ${JSON.stringify(fits.errors)}`);
    }
  }
});

test('a body of accounts is 400 or 422 exactly if it does not fit its schema', async () => {
  const added = await foyerJson(['user', 'add', 'fitter', '--admin', '--password-stdin', '--json', '--data', node.data, '--dev'], { input: `${PASSWORD}\n` });
  assert.equal(added.code, 0);
  const { json: { access_token: token } } = await checked('POST', '/auth/login', { body: { name: 'fitter', password: PASSWORD }, status: 200 });
  const member = (name, values, rest = {}) => values.map((value) => ({ ...rest, [name]: value }));
  const bodies = {
    '/auth/tickets': [...member('ttl', [0, 1, 60, 61]), ...member('origin', ['', 'null', 'http://a', 'https://chat.example:8443', 'http://127.0.0.1:5000', 'http://[::1]', 'http://a/', 'HTTP://a', 'http://256.0.0.1', 'ftp://a'])],
    '/auth/admin/keys/rotate': member('publish_for', [-1, 0, 2_592_000, 2_592_001]),
    '/auth/register': [...member('name', ['', 'a b', '.x', 'x'.repeat(65), 'fit1'], { password: PASSWORD }), ...member('email', ['', 'a', 'a@', 'a@b@c', 'a@b c', 'é@b'], { password: PASSWORD, name: 'fit2' }), { name: 'fit3', password: 'seven77' }],
    '/auth/password': [{ password: PASSWORD, new_password: 'seven77' }],
  };
  for (const [at, each] of Object.entries(bodies)) {
    const fits = validator('paths', at, 'post', 'requestBody', 'content', 'application/json', 'schema');
    for (const body of each) {
      const answer = await checked('POST', at, { token, body });
      assert.equal(![400, 422].includes(answer.status), fits(body), `${at} ${JSON.stringify(body)}: ${answer.status} ${answer.text}`);
    }
  }
  // 30.0 is an integer, and JavaScript cannot write it.
  await checked('POST', '/auth/tickets', { token, body: '{"ttl":30.0}', status: 201 });
  await checked('POST', '/auth/tickets', { token, body: '{"ttl":30.5}', status: 400 });
  // An administrator's own id fits, and is refused for what it is.
  const { json: { id } } = await checked('GET', '/auth/me', { token, status: 200 });
  for (const [method, what] of [['POST', '/disable'], ['POST', '/enable'], ['DELETE', '']]) await checked(method, `/auth/admin/users/${id}${what}`, { operation: `/auth/admin/users/{id}${what}`, token, status: 403 });
});

test('a form of /oauth2 is 400 exactly if it does not fit its schema', async () => {
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const secret = [{ client_secret: 'x' }, { client_secret: 'x', client_id: '' }, { client_secret: '' }, { client_secret: 'x', client_id: 'x' }, { other: 'x' }, { other: ['x', 'y'] }];
  const forms = {
    '/oauth2/token': [{}, { grant_type: '' }, { grant_type: 'x' }, { grant_type: 'client_credentials' }, { grant_type: 'refresh_token' }, { grant_type: 'refresh_token', refresh_token: '' }, { grant_type: 'refresh_token', refresh_token: 'x' },
      ...secret.map((more) => ({ grant_type: 'client_credentials', ...more }))],
    '/oauth2/introspect': [{}, { token: '' }, { token: 'x' }, ...secret.map((more) => ({ token: 'x', ...more }))],
    '/oauth2/revoke': [{}, { token: '' }, { token: 'x' }, ...secret.map((more) => ({ token: 'x', ...more }))],
  };
  for (const [at, each] of Object.entries(forms)) {
    const fits = validator('paths', at, 'post', 'requestBody', 'content', 'application/x-www-form-urlencoded', 'schema');
    for (const form of each) {
      const body = new URLSearchParams(Object.entries(form).flatMap(([name, value]) => [value].flat().map((one) => [name, one]))).toString();
      const answer = await checked('POST', at, { body, headers });
      // Who asks comes before what is asked; a grant that is not good is 400 by RFC 6749 §5.2.
      if (answer.status !== 401 && !answer.text.includes('invalid_grant')) assert.equal(answer.status !== 400, fits(form), `${at} ${body}: ${answer.status} ${answer.text}`);
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
