// Several auth services on one PostgreSQL database, behind gateways: what one of them knows, all know, also after a
// kill -9. A ticket of one is redeemed at the other, once; nothing is replayed to the other; failed logins count
// together.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileScope } from './support/foyer.mjs';
import { ask, head, raw } from './support/http.mjs';
import { STORE_KEY } from './support/nodes.mjs';
import { bearer, openGate, readySays, refusedByHttp, startAuth, startGateway, ticket } from './support/pair.mjs';
import { PASSWORD, register } from './support/people.mjs';
import { Postgres } from './support/postgres.mjs';
import { totpCode } from './support/totp.mjs';
import { Client } from './support/websocket.mjs';
import { until } from './support/within.mjs';

const scope = fileScope(after);
let server;
before(async () => { server = await Postgres.start(scope); });

const inDatabase = (url) => ({ env: { DATABASE_URL: url, STORE_KEY } });
const auths = (t, url) => Promise.all([startAuth(t, inDatabase(url)), startAuth(t, inDatabase(url))]);
const login = (node, name, { password = PASSWORD, totp } = {}) => ask(node, 'POST', '/auth/login', { body: { name, password, totp } });
const codes = (answers) => answers.map((answer) => answer.json.code ?? answer.status);
const arrived = async (gateway, path) => (await Client.open(gateway, { path })).user.id;

// Two auth services, and a gateway that asks the first of them through a gate.
async function start(t) {
  const [a, b] = await auths(t, await server.fresh());
  const gate = await openGate(t, a);
  const gateway = await startGateway(t, { to: gate });
  return { a, b, gate, gateway, asks: (service) => { gate.upstream = { host: service.host, port: service.port }; gate.cut(); } };
}

test('a ticket of either auth service is redeemed at the other, once', async (t) => {
  const { a, b, gateway, asks } = await start(t);
  const ann = await register(a, 'ann');
  const bob = await register(b, 'bob');
  const [first, second, unused] = [await ticket(b, ann), await ticket(a, bob), await ticket(b, bob)];
  assert.equal(await arrived(gateway, first), ann.user.id);
  asks(b);
  assert.equal(await arrived(gateway, second), bob.user.id);
  for (const service of [a, b]) {
    asks(service);
    for (const used of [first, second]) assert.equal((await refusedByHttp(gateway, { path: used })).code, 'TICKET_USED');
    assert.equal((await refusedByHttp(gateway, { path: `/ws/chat?ticket=${'x'.repeat(43)}` })).code, 'TICKET_UNKNOWN');
  }
  // Of many that come with it at once, through both services, one gets in.
  const other = await startGateway(t, { to: a });
  const all = await Promise.allSettled([gateway, other, gateway, other].map((each) => Client.open(each, { path: unused })));
  assert.equal(all.filter((one) => one.status === 'fulfilled').length, 1);
});

test('a request of a service is not answered a second time by the other auth service', async (t) => {
  const { a, b, gate, gateway } = await start(t);
  const ann = await register(a, 'ann');
  gate.forget();
  await arrived(gateway, await ticket(a, ann));
  const { method, target, headers: { host, connection, ...headers }, body } = gate.asked('/internal/verify')[0];
  const replay = (service) => raw(service, head(service, method, target, { ...headers, Host: host, Connection: 'close' }) + body);
  for (const service of [b, a]) assert.equal((await replay(service)).json.code, 'SERVICE_REQUEST_REPLAYED');
});

test('a code of an authenticator that was used at one auth service is refused at the other', async (t) => {
  const [a, b] = await auths(t, await server.fresh());
  const { access_token: token } = await register(a, 'ann');
  const { secret } = (await ask(a, 'POST', '/auth/totp', { token, body: { password: PASSWORD } })).json;
  assert.equal((await ask(b, 'POST', '/auth/totp/confirm', { token, body: { totp: totpCode(secret) } })).status, 200);
  const totp = totpCode(secret, 1);
  assert.equal((await login(a, 'ann', { totp })).status, 200);
  assert.deepEqual(codes([await login(b, 'ann', { totp }), await login(a, 'ann', { totp })]), ['TOTP_REJECTED', 'TOTP_REJECTED']);
});

test('failed logins at both auth services count together, and outlive one of them', async (t) => {
  const [a, b] = await auths(t, await server.fresh());
  for (const name of ['ann', 'bob']) await register(a, name);
  const wrong = { password: 'not this quiet sentence' };
  for (const service of [a, b, a, b, a]) assert.equal((await login(service, 'ann', wrong)).json.code, 'CREDENTIALS_REJECTED');
  assert.deepEqual(codes([await login(a, 'ann'), await login(b, 'ann')]), ['LOGIN_LOCKED', 'LOGIN_LOCKED']);
  assert.equal((await login(b, 'bob')).status, 200, 'nobody else is locked');
  await a.kill9();
  assert.equal((await login(b, 'ann')).json.code, 'LOGIN_LOCKED');
});

test('a logout at one auth service closes the sockets of a gateway that asks the other', async (t) => {
  const { a, b, gateway, asks } = await start(t);
  asks(b);
  const ann = await register(a, 'ann');
  const socket = await Client.open(gateway, { token: ann.access_token });
  assert.equal((await ask(a, 'POST', '/auth/logout', { token: ann.access_token })).status, 204);
  const end = await socket.ended();
  assert.deepEqual([end.code, end.reason.split(' ')[0]], [4401, 'SESSION_REVOKED']);
  assert.equal((await refusedByHttp(gateway, bearer(ann.access_token))).code, 'SESSION_REVOKED');
});

test('after kill -9 of one auth service, in the middle of logins, the other one has all it knew', async (t) => {
  const { a, b, gateway, asks } = await start(t);
  const ann = await register(a, 'ann');
  const path = await ticket(a, ann);
  const used = await ticket(a, ann);
  await arrived(gateway, used);
  const logins = Array.from({ length: 8 }, () => login(gateway, 'ann').catch((error) => error));
  await a.kill9();
  asks(b);
  await Promise.all(logins);
  assert.equal((await login(gateway, 'ann')).status, 200, 'repeated once');
  assert.equal(await arrived(gateway, path), ann.user.id);
  for (const again of [path, used]) assert.equal((await refusedByHttp(gateway, { path: again })).code, 'TICKET_USED');
  const { status, json } = await ask(gateway, 'POST', '/auth/refresh', { body: { refresh_token: ann.refresh_token } });
  assert.equal(status, 200, json.code);
});

test('while the database is away nobody is let in, and it is said why', async (t) => {
  const { a, b, gateway } = await start(t);
  const ann = await register(a, 'ann');
  const path = await ticket(b, ann);
  await server.kill9();
  const refusals = [await refusedByHttp(gateway, { path }), { code: (await login(b, 'ann')).json.code }];
  assert.deepEqual(refusals.map(({ code }) => code), ['DATABASE_UNREACHABLE', 'DATABASE_UNREACHABLE']);
  await readySays(b, 'DATABASE_UNREACHABLE');
  await server.start();
  for (const service of [a, b]) await until('the service to be ready again', async () => (await ask(service, 'GET', '/health/ready')).status === 200);
  assert.equal(await arrived(gateway, path), ann.user.id);
});
