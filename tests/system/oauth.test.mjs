// Two strict clients that nobody here has written, unmodified: what they take for
// OAuth 2.0 must be it. They insist on https issuers, so the server is started with
// such a PUBLIC_URL and each gets a fetch that finds that origin on loopback.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { fileScope, foyer, foyerJson, serve, serveFails } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { PASSWORD, parts } from './support/people.mjs';
import { Client, handshake } from './support/websocket.mjs';
import { until } from './support/within.mjs';

const ISSUER = new URL('https://chat.example');
const AUTH = { id: 'auth', secret: 'R7x-vN2_kQ9mZt4Lw8sYb6Hc3Jp5Gd1FfEaU0oK' };
const BILLING = { id: 'billing', secret: 'a secret + with % signs: that / must & be = encoded' };

const file = fileScope(after);
let node;
let toNode;
before(async () => {
  node = await serve(file, { env: { PUBLIC_URL: ISSUER.origin, SERVICE_ID: AUTH.id, SERVICE_SECRET: AUTH.secret } });
  // The origin that the libraries know, where it is today.
  toNode = async (url, { method, headers, body, redirect, signal } = {}) => {
    const at = new URL(url);
    assert.equal(at.origin, ISSUER.origin, 'nothing else is asked');
    return fetch(new URL(at.pathname + at.search, node.url), { method, headers, body, redirect, signal });
  };
  const options = ['--data', node.data, '--dev'];
  const added = await foyerJson(['service', 'add', BILLING.id, '--may-call', 'ledger,auth', '--secret-stdin', '--json', ...options], { input: `${BILLING.secret}\n` });
  assert.deepEqual([added.code, added.json], [0, { id: BILLING.id, may_call: ['ledger', 'auth'] }], 'no secret is printed that was given');
  const ledger = await foyerJson(['service', 'add', 'ledger', '--json', ...options]);
  assert.match(ledger.json.secret, /^[A-Za-z0-9_-]{43}$/);
  // Another process registered them: known within a second.
  await until('the services to be known', async () => await firstCode(BILLING.id, encodeURIComponent(BILLING.secret)) === 'ok');
});

// `ok`, or the code with which client credentials are refused.
async function firstCode(id, secret) {
  const answer = await ask(node, 'POST', '/oauth2/token', {
    body: 'grant_type=client_credentials&audience=ledger',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
  });
  return answer.status === 200 ? 'ok' : answer.json.error_description.split(':')[0];
}

const person = async (name) => {
  const answer = await ask(node, 'POST', '/auth/register', { body: { name, password: PASSWORD } });
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
};

// ---- oauth4webapi

const by = () => ({ [oauth.customFetch]: toNode });
const server = async () => oauth.processDiscoveryResponse(ISSUER, await oauth.discoveryRequest(ISSUER, { algorithm: 'oauth2', ...by() }));

test('oauth4webapi: discovery', async () => {
  const as = await server();
  assert.equal(as.issuer, ISSUER.origin);
  assert.deepEqual(as.grant_types_supported, ['client_credentials', 'refresh_token']);
});

for (const [way, authentication] of [['Basic', oauth.ClientSecretBasic(BILLING.secret)], ['the form', oauth.ClientSecretPost(BILLING.secret)]]) {
  test(`oauth4webapi: client credentials by ${way}; introspection; revocation`, async () => {
    const as = await server();
    const client = { client_id: BILLING.id };
    const got = await oauth.processClientCredentialsResponse(as, client, await oauth.clientCredentialsGrantRequest(as, client, authentication, { audience: 'ledger' }, by()));
    assert.deepEqual([got.token_type, got.expires_in, got.refresh_token], ['bearer', 300, undefined]);
    const { header, claims } = parts(got.access_token);
    assert.deepEqual([header.typ, claims.sub, claims.aud, claims.iss], ['service+jwt', BILLING.id, 'ledger', ISSUER.origin]);

    const introspect = async () => oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, authentication, got.access_token, by()));
    const active = await introspect();
    assert.deepEqual([active.active, active.client_id, active.aud], [true, BILLING.id, 'ledger']);
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, authentication, got.access_token, by()));
    assert.deepEqual(await introspect(), { active: false });
  });
}

test('oauth4webapi: a wrong secret is invalid_client; who tried Basic is told so by a challenge', async () => {
  const as = await server();
  const client = { client_id: BILLING.id };
  const wrong = async (authentication) => oauth.processClientCredentialsResponse(as, client, await oauth.clientCredentialsGrantRequest(as, client, authentication, { audience: 'ledger' }, by()));
  await assert.rejects(wrong(oauth.ClientSecretPost('wrong')), (error) => error.error === 'invalid_client' && error.error_description.startsWith('SERVICE_SECRET_REJECTED:'));
  await assert.rejects(wrong(oauth.ClientSecretBasic('wrong')), (error) => error.code === oauth.WWW_AUTHENTICATE_CHALLENGE && error.cause[0].scheme === 'basic');
});

test('oauth4webapi: the key set validates a person\'s access token, got by a refresh token of a public client', async () => {
  const as = await server();
  const client = { client_id: 'foyer' };
  const alice = await person('alice');
  const got = await oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, oauth.None(), alice.refresh_token, by()));
  assert.notEqual(got.refresh_token, alice.refresh_token);
  assert.equal(got.scope, 'chat:read chat:write');

  const { aud } = parts(got.access_token).claims;
  const request = new Request('https://resource.example/', { headers: { Authorization: `Bearer ${got.access_token}` } });
  const claims = await oauth.validateJwtAccessToken(as, request, aud, { ...by(), signingAlgorithms: ['EdDSA', 'Ed25519'] });
  assert.deepEqual([claims.sub, claims.client_id, claims.iss], [alice.user.id, 'foyer', ISSUER.origin]);
  // A service's token is not an access token for people, and the library says so.
  const service = await oauth.processClientCredentialsResponse(as, { client_id: BILLING.id },
    await oauth.clientCredentialsGrantRequest(as, { client_id: BILLING.id }, oauth.ClientSecretBasic(BILLING.secret), { audience: 'ledger' }, by()));
  await assert.rejects(oauth.validateJwtAccessToken(as, new Request('https://resource.example/', { headers: { Authorization: `Bearer ${service.access_token}` } }), 'ledger', by()), /typ/);

  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, oauth.None(), got.refresh_token, by()));
  assert.equal((await ask(node, 'GET', '/auth/me', { token: got.access_token })).json.code, 'SESSION_REVOKED');
  const again = await ask(node, 'POST', '/auth/refresh', { body: { refresh_token: got.refresh_token } });
  assert.equal(again.status, 401);
});

// ---- openid-client

const configured = (authentication) => openid.discovery(ISSUER, BILLING.id, undefined, authentication, { algorithm: 'oauth2', [openid.customFetch]: toNode });

for (const [way, authentication] of [['Basic', openid.ClientSecretBasic(BILLING.secret)], ['the form', openid.ClientSecretPost(BILLING.secret)]]) {
  test(`openid-client: discovery, client credentials by ${way}, introspection, revocation`, async () => {
    const config = await configured(authentication);
    const got = await openid.clientCredentialsGrant(config, { resource: 'ledger' });
    assert.deepEqual([got.token_type, got.expires_in, got.refresh_token], ['bearer', 300, undefined]);
    assert.equal((await openid.tokenIntrospection(config, got.access_token)).active, true);
    await openid.tokenRevocation(config, got.access_token);
    assert.deepEqual(await openid.tokenIntrospection(config, got.access_token), { active: false });
    await openid.tokenRevocation(config, 'a token that nobody knows');
    await assert.rejects(openid.clientCredentialsGrant(config, { resource: 'mail' }), (error) => error.error === 'invalid_target' && error.error_description.startsWith('SERVICE_UNKNOWN:'));
    await assert.rejects(openid.clientCredentialsGrant(config, { resource: 'ledger', scope: 'everything' }), { error: 'invalid_scope' });
  });
}

test('openid-client: a refresh token rotates, and one that was revoked is invalid_grant', async () => {
  const bob = await person('bob');
  const config = await openid.discovery(ISSUER, 'foyer', undefined, openid.None(), { algorithm: 'oauth2', [openid.customFetch]: toNode });
  const got = await openid.refreshTokenGrant(config, bob.refresh_token);
  const second = await openid.refreshTokenGrant(config, got.refresh_token);
  await openid.tokenRevocation(config, second.refresh_token);
  await assert.rejects(openid.refreshTokenGrant(config, second.refresh_token), { error: 'invalid_grant' });
});

// ---- around them

test('an access token that is revoked closes its sockets, also by ticket, and opens none', async () => {
  const carl = await person('carl');
  const client = await Client.open(node, { token: carl.access_token });
  const ticket = async () => (await ask(node, 'POST', '/auth/tickets', { token: carl.access_token, body: {} })).json.ticket;
  const byTicket = await Client.open(node, { path: `/ws/chat?ticket=${await ticket()}` });
  const unused = await ticket();
  const answer = await ask(node, 'POST', '/oauth2/revoke', { body: `token=${carl.access_token}`, headers: { 'Content-Type': 'application/x-www-form-urlencoded' } });
  assert.deepEqual([answer.status, answer.text], [200, '']);
  const { code, reason } = await client.ended();
  assert.equal(code, 4401);
  assert.match(reason, /TOKEN_REVOKED/);
  assert.match((await byTicket.ended()).reason, /TOKEN_REVOKED/);
  const late = await handshake(node, { path: `/ws/chat?ticket=${unused}` });
  assert.equal(late.refused.json.code, 'TOKEN_REVOKED');
  assert.equal((await ask(node, 'GET', '/auth/me', { token: carl.access_token })).json.code, 'TOKEN_REVOKED');
  const { refused } = await handshake(node, { headers: { Authorization: `Bearer ${carl.access_token}` } });
  assert.equal(refused.json.code, 'TOKEN_REVOKED');
});

test('foyer service: rotate keeps the old secret until it is dropped; disable refuses both', async () => {
  const options = ['--json', '--data', node.data, '--dev'];
  const service = (...args) => foyerJson(['service', ...args, ...options]).then(({ json }) => json);
  const { secret: first } = await service('add', 'turning', '--may-call', 'ledger');
  const token = (secret) => firstCode('turning', secret);
  // Another process changed it: known within a second.
  const becomes = (secret, wanted) => until(`${wanted} for the secret`, async () => await token(secret) === wanted);
  await becomes(first, 'ok');
  const { secret: second, live_secrets: live } = await service('rotate', 'turning');
  assert.equal(live, 2);
  await becomes(second, 'ok');
  assert.equal(await token(first), 'ok');
  assert.equal((await service('rotate', 'turning', '--drop-old')).live_secrets, 1);
  await becomes(first, 'SERVICE_SECRET_REJECTED');
  assert.equal(await token(second), 'ok');
  await service('disable', 'turning');
  await becomes(second, 'SERVICE_NOT_ALLOWED');
  await service('enable', 'turning');
  await becomes(second, 'ok');
  const list = await foyerJson(['service', 'list', ...options]);
  assert.deepEqual(list.json.map(({ id }) => id), ['auth', 'billing', 'ledger', 'turning']);
  assert.ok(!JSON.stringify(list.json).includes(second));
});

test('another store.key: the auth role ends with STORE_KEY_MISMATCH and writes over nothing', async (t) => {
  const first = await serve(t);
  await first.terminate();
  const key = path.join(first.data, 'store.key');
  const right = fs.readFileSync(key);
  fs.writeFileSync(key, 'another key that is long enough for a store');
  const failed = await serveFails(t, { data: first.data });
  assert.equal(failed.code, 1, failed.text);
  assert.match(failed.text, /STORE_KEY_MISMATCH/);
  fs.writeFileSync(key, right);
  const again = await serve(t, { data: first.data });
  assert.equal((await ask(again, 'GET', '/health/ready')).status, 200);
});

test('foyer service: what cannot be is said', async () => {
  const run = (args, input) => foyer(['service', ...args, '--data', node.data, '--dev'], { input });
  for (const [args, input, exit, text] of [
    [['add', 'weak', '--secret-stdin'], 'short\n', 1, 'WEAK_SECRET'],
    [['add', 'a b'], '', 1, 'INVALID_VALUE'],
    [['add', BILLING.id], '', 1, 'NAME_TAKEN'],
    [['rotate', 'nobody'], '', 1, 'NOT_FOUND'],
    [['rotate', 'ledger', '--drop-old'], '', 1, 'has only one secret, so there is no old one to drop'],
    [['list', 'x'], '', 2, 'this command takes no ID'],
    [['enable', 'x', '--drop-old'], '', 2, '--drop-old works only with'],
    [['turn'], '', 2, 'unknown command `foyer service turn`'],
  ]) {
    const { code, err } = await run(args, input);
    assert.equal(code, exit, args.join(' '));
    assert.ok(err.includes(text), err);
  }
  const help = await foyer(['service', '--help']);
  assert.equal(help.code, 0);
  assert.match(help.out, /Examples:/);
});
