// Tokens of other issuers, shaped as Keycloak, Auth0, Entra, Firebase, Supabase and PyJWT write them: each gets in at the
// first attempt with the configuration that docs/beside-your-app.md gives. And what happens when keys are away.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { error, post } from './support/api.mjs';
import { ROOT, atEnd, fileScope, foyer, foyerJson, run, serve, serveFails, temporary } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { bearer } from './support/pair.mjs';
import { now, register } from './support/people.mjs';
import { Client, handshake } from './support/websocket.mjs';
import { until } from './support/within.mjs';

const SECRET = 'Vb7-rT2m_Qk9wXz5Lp0sNc8dYh3fJg6aEu';
const b64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const rsa = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwkOf = (pair, more) => ({ ...pair.publicKey.export({ format: 'jwk' }), use: 'sig', ...more });
const KEYS = {
  RS256: (input) => crypto.sign('sha256', input, rsa.privateKey),
  ES256: (input) => crypto.sign('sha256', input, { key: ec.privateKey, dsaEncoding: 'ieee-p1363' }),
  HS256: (input) => crypto.createHmac('sha256', SECRET).update(input).digest(),
};
function sign(claims, header) {
  const input = `${b64(header)}.${b64(claims)}`;
  return `${input}.${KEYS[header.alg](Buffer.from(input)).toString('base64url')}`;
}
const uuid = () => crypto.randomUUID();

// An identity provider on loopback: paths and what they answer. `answers` may be changed while it runs.
async function provider(t) {
  const answers = new Map();
  const server = http.createServer((request, response) => {
    seen.push(request.url);
    const answer = answers.get(request.url);
    if (answer === 'silence') return;
    response.writeHead(answer ? (answer.status ?? 200) : 404, answer?.headers ?? { 'content-type': 'application/json' });
    response.end(answer ? (answer.text ?? JSON.stringify(answer.json)) : '{}');
  });
  const seen = [];
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => { server.closeAllConnections(); server.close(); });
  const origin = `http://127.0.0.1:${server.address().port}`;
  return { origin, answers, seen };
}

// ---- the providers, each with the claims that it writes and the table of the documentation

const inAnHour = () => now() + 3_600;
const PROVIDERS = {
  Keycloak: {
    issuer: (origin) => `${origin}/realms/main`,
    publish: ({ answers }, issuer) => {
      answers.set('/realms/main/.well-known/openid-configuration', { json: { issuer, jwks_uri: `${issuer}/protocol/openid-connect/certs`, id_token_signing_alg_values_supported: ['RS256'] } });
      answers.set('/realms/main/protocol/openid-connect/certs', { json: { keys: [
        jwkOf(rsa, { kid: 'sig-1', alg: 'RS256' }),
        { ...jwkOf(rsa), kid: 'enc-1', use: 'enc', alg: 'RSA-OAEP' },
      ] } });
    },
    header: { alg: 'RS256', typ: 'JWT', kid: 'sig-1' },
    claims: (iss) => ({ exp: now() + 300, iat: now(), auth_time: now() - 60, jti: `onrtac:${uuid()}`, iss, aud: ['foyer', 'account'], sub: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6', typ: 'Bearer', azp: 'web', sid: uuid(), acr: '1',
      'allowed-origins': ['*'], realm_access: { roles: ['default-roles-main', 'offline_access', 'moderator'] }, resource_access: { account: { roles: ['view-profile'] } },
      scope: 'openid profile email', email_verified: true, name: 'Anna Key', preferred_username: 'anna', given_name: 'Anna', family_name: 'Key', email: 'anna@example.com' }),
    user: { id: 'keycloak|f81d4fae-7dec-11d0-a765-00a0c91e6bf6', name: 'anna' },
  },
  Auth0: {
    issuer: (origin) => `${origin}/`,
    publish: ({ answers }, issuer) => {
      answers.set('/.well-known/openid-configuration', { json: { issuer, jwks_uri: `${issuer}.well-known/jwks.json` } });
      answers.set('/.well-known/jwks.json', { json: { keys: [jwkOf(rsa, { kid: 'NEM1', alg: 'RS256', x5t: 'NEM1' })] } });
    },
    header: { alg: 'RS256', typ: 'JWT', kid: 'NEM1' },
    claims: (iss) => ({ iss, sub: 'auth0|6553da60a54af58e29493993', aud: ['https://chat.example.com', `${iss}userinfo`], iat: now(), exp: now() + 86_400, scope: 'openid profile chat:read chat:write', azp: 'K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja', permissions: ['chat:read'] }),
    user: { id: 'auth0|auth0|6553da60a54af58e29493993', name: 'auth0|6553da60a54af58e29493993' },
  },
  Entra: {
    issuer: (origin) => `${origin}/3338040d-6c67-4c5b-b112-36a304b66dad/v2.0`,
    publish: ({ answers, origin }, issuer) => {
      answers.set('/3338040d-6c67-4c5b-b112-36a304b66dad/v2.0/.well-known/openid-configuration', { json: { issuer, jwks_uri: `${origin}/3338040d-6c67-4c5b-b112-36a304b66dad/discovery/v2.0/keys` } });
      // Its keys name no algorithm.
      answers.set('/3338040d-6c67-4c5b-b112-36a304b66dad/discovery/v2.0/keys', { json: { keys: [jwkOf(rsa, { kid: 'x1', x5t: 'x1', issuer })] } });
    },
    header: { typ: 'JWT', alg: 'RS256', kid: 'x1' },
    claims: (iss) => ({ aud: '6e74172b-be56-4843-9ff4-e66a39bb12e3', iss, iat: now(), nbf: now(), exp: now() + 4_321, aio: 'AXQAi/8IAAAA', azp: '6e74172b-be56-4843-9ff4-e66a39bb12e3', azpacr: '1', name: 'Abe Lincoln',
      oid: '690222be-ff1a-4d56-abd1-7e4f7d38e474', preferred_username: 'abeli@example.com', rh: '0.AAAA', scp: 'chat:read chat:write', sub: 'HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ', tid: '3338040d-6c67-4c5b-b112-36a304b66dad', uti: 'fqiBqXLPj0eQa82S-IYFAA', ver: '2.0' }),
    user: { id: 'entra|690222be-ff1a-4d56-abd1-7e4f7d38e474', name: 'Abe Lincoln' },
  },
  Firebase: {
    issuer: (origin) => `${origin}/my-project`,
    publish: ({ answers }) => {
      answers.set('/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com', { json: { keys: [jwkOf(rsa, { kid: 'f1', alg: 'RS256' })] } });
    },
    header: { alg: 'RS256', kid: 'f1', typ: 'JWT' },
    claims: (iss) => ({ iss, aud: 'my-project', auth_time: now() - 5, user_id: 'Zx81kQ2LmNOpq3Rs4Tu5Vw6Xy7Z8', sub: 'Zx81kQ2LmNOpq3Rs4Tu5Vw6Xy7Z8', iat: now() - 5, exp: inAnHour(), email: 'bo@example.com', email_verified: false, firebase: { identities: { email: ['bo@example.com'] }, sign_in_provider: 'password' }, name: 'Bo' }),
    user: { id: 'firebase|Zx81kQ2LmNOpq3Rs4Tu5Vw6Xy7Z8', name: 'Bo' },
  },
  Supabase: {
    issuer: (origin) => `${origin}/auth/v1`,
    publish: ({ answers }) => answers.set('/auth/v1/.well-known/jwks.json', { json: { keys: [jwkOf(ec, { kid: 's1', alg: 'ES256', key_ops: ['verify'], ext: true })] } }),
    header: { alg: 'ES256', kid: 's1', typ: 'JWT' },
    claims: (iss) => ({ iss, sub: '123e4567-e89b-12d3-a456-426614174000', aud: 'authenticated', exp: inAnHour(), iat: now(), email: 'cy@example.com', phone: '', app_metadata: { provider: 'email', providers: ['email'] }, user_metadata: { full_name: 'Cy' }, role: 'authenticated', aal: 'aal1', amr: [{ method: 'password', timestamp: now() }], session_id: uuid(), is_anonymous: false }),
    user: { id: 'supabase|123e4567-e89b-12d3-a456-426614174000', name: 'cy@example.com' },
  },
  'Your own secret': {
    issuer: () => 'my-app',
    publish: () => {},
    header: { alg: 'HS256', typ: 'JWT' },
    claims: (iss) => ({ iss, sub: '42', exp: inAnHour() }), // jwt.encode({...}, SECRET) of PyJWT
    user: { id: 'app|42', name: '42' },
  },
};

// The TOML of a provider in docs/beside-your-app.md, with the addresses of the test.
function documented(name, { origin, issuer, secretFile }) {
  const page = fs.readFileSync(path.join(ROOT, 'docs/beside-your-app.md'), 'utf8');
  const section = page.split(/^#### /m).find((text) => text.startsWith(`${name}\n`));
  assert.ok(section, `docs/beside-your-app.md has a section ${name}`);
  const toml = /```toml\n([\s\S]*?)```/.exec(section)[1];
  return toml
    .replace(/^issuer = .*$/m, `issuer = "${issuer}"`)
    .replace(/"https:\/\/[a-z0-9.-]+(\/[^"]*jwk[^"]*)"/, `"${origin}$1"`)
    .replace(/"\/run\/secrets\/[^"]*"/, JSON.stringify(secretFile));
}

for (const [name, shape] of Object.entries(PROVIDERS)) {
  test(`${name}: a token of this shape gets in at the first attempt`, async (t) => {
    const idp = await provider(t);
    const issuer = shape.issuer(idp.origin);
    shape.publish(idp, issuer);
    const dir = temporary(t);
    fs.writeFileSync(path.join(dir, 'secret'), `${SECRET}\n`, { mode: 0o600 });
    fs.writeFileSync(path.join(dir, 'foyer.toml'), documented(name, { origin: idp.origin, issuer, secretFile: path.join(dir, 'secret') }));
    const node = await serve(t, { args: ['--config', path.join(dir, 'foyer.toml')] });
    const token = sign(shape.claims(issuer), shape.header);
    const { socket, refused } = await handshake(node, bearer(token));
    assert.equal(refused, undefined, refused && `${refused.text}\n${node.text}`);
    const { user } = await socket.messages.take();
    assert.deepEqual(user, shape.user);
    // And it can talk.
    const client = await Client.open(node, { token });
    await client.join('tea');
    assert.equal((await client.say('tea', 'hello')).type, 'sent');
  });
}

// ---- the programs of the documentation

const PROGRAMS = { python: ['/usr/bin/python3', 'py'], js: [process.execPath, 'mjs'], php: ['php', 'php'] };
const has = (command) => command.startsWith('/') ? fs.existsSync(command) : (process.env.PATH ?? '').split(':').some((dir) => fs.existsSync(path.join(dir, command)));

for (const [language, [command, ending]] of Object.entries(PROGRAMS)) {
  test(`the ten lines of ${language} sign a token that gets in`, { skip: !has(command) && `${command} is not installed` }, async (t) => {
    const dir = temporary(t);
    fs.writeFileSync(path.join(dir, 'secret'), `${SECRET}\n`, { mode: 0o600 });
    fs.symlinkSync(path.join(ROOT, 'tests/system/node_modules'), path.join(dir, 'node_modules'));
    const page = fs.readFileSync(path.join(ROOT, 'docs/beside-your-app.md'), 'utf8').split('#### Your own secret\n')[1];
    const program = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(page)[1].replaceAll('/run/secrets/app-tokens', path.join(dir, 'secret'));
    fs.writeFileSync(path.join(dir, `sign.${ending}`), program);
    const token = (await run(command, [path.join(dir, `sign.${ending}`)])).trim();
    const node = await serve(t, withIssuers([{ name: 'app', issuer: 'my-app', secret_file: path.join(dir, 'secret'), user_prefix: 'app|' }]));
    const { socket, refused } = await handshake(node, bearer(token));
    assert.equal(refused, undefined, refused?.text);
    assert.deepEqual((await socket.messages.take()).user, { id: 'app|42', name: 'Ann' });
  });
}

// ---- keys that cannot be had

const idpTable = (idp, more = {}) => ({ name: 'idp', issuer: `${idp.origin}/realms/main`, discovery: true, audience: ['foyer'], user_prefix: 'idp|', ...more });
const goodToken = (idp, claims = {}, header = {}) => sign({ ...PROVIDERS.Keycloak.claims(`${idp.origin}/realms/main`), ...claims }, { ...PROVIDERS.Keycloak.header, ...header });
const withIssuers = (issuers, more = {}) => ({ env: { FOYER_ISSUER: JSON.stringify(issuers), ...more } });

test('without the key set the door says whose keys are missing and why, and lets people in when it comes', async (t) => {
  const idp = await provider(t);
  const metadata = '/realms/main/.well-known/openid-configuration';
  const node = await serve(t, withIssuers([idpTable(idp)]));
  const refusal = async () => (await handshake(node, bearer(goodToken(idp)))).refused?.json;
  const says = (text) => until(`the refusal to say ${text}`, async () => {
    const json = await refusal();
    return json?.code === 'ISSUER_KEYS_UNAVAILABLE' && json.detail.includes(text) && json;
  }, 30_000);
  const first = await says('answered 404 instead of an issuer');
  assert.equal(first.status, 503);
  assert.match(first.detail, /issuer idp/);
  idp.answers.set(metadata, { text: '<html>Sign in</html>', headers: { 'content-type': 'text/html' } });
  await says('an HTML page');
  idp.answers.set(metadata, { json: { issuer: 'https://elsewhere.test', jwks_uri: `${idp.origin}/keys` } });
  await says('the metadata of another issuer, https://elsewhere.test');
  idp.answers.set(metadata, { json: { issuer: `${idp.origin}/realms/main`, jwks_uri: 'http://127.0.0.2/keys' } });
  await says('jwks_uri is not on the origin');
  const health = await ask(node, 'GET', '/health/ready');
  assert.equal(health.json.checks.issuer_idp.code, 'ISSUER_KEYS_UNAVAILABLE');
  assert.equal(health.status, 200, 'accounts go on');
  PROVIDERS.Keycloak.publish(idp, `${idp.origin}/realms/main`);
  await until('the keys', async () => !(await refusal()), 30_000);
});

test('a silent provider is told as such', async (t) => {
  const idp = await provider(t);
  idp.answers.set('/realms/main/.well-known/openid-configuration', 'silence');
  const node = await serve(t, withIssuers([idpTable(idp)]));
  await until('the timeout', async () => {
    const { refused } = await handshake(node, bearer(goodToken(idp)));
    return refused.json.code === 'ISSUER_KEYS_UNAVAILABLE' && /waiting: /.test(refused.json.detail);
  }, 30_000);
});

test('a new key is found at its first token, and one that is gone is unknown', async (t) => {
  const idp = await provider(t);
  PROVIDERS.Keycloak.publish(idp, `${idp.origin}/realms/main`);
  const node = await serve(t, withIssuers([idpTable(idp)]));
  await until('the first key set', async () => !(await handshake(node, bearer(goodToken(idp)))).refused, 20_000);
  const set = idp.answers.get('/realms/main/protocol/openid-connect/certs').json;
  idp.answers.set('/realms/main/protocol/openid-connect/certs', { json: { keys: [{ ...set.keys[0], kid: 'sig-2' }] } });
  const second = goodToken(idp, {}, { kid: 'sig-2' });
  await until('the second key', async () => !(await handshake(node, bearer(second))).refused, 60_000);
  const { refused } = await handshake(node, bearer(goodToken(idp)));
  assert.equal(refused.json.code, 'KEY_UNKNOWN');
});

// ---- several issuers, accounts, and no accounts

const file = fileScope(after);
let both;
let shop;
before(async () => {
  const dir = temporary(file);
  fs.writeFileSync(path.join(dir, 'secret'), SECRET, { mode: 0o600 });
  shop = { name: 'shop', issuer: 'shop', secret_file: path.join(dir, 'secret'), user_prefix: 'shop|' };
  both = await serve(file, withIssuers([shop]));
});
const shopToken = (claims = {}, header = {}) => sign({ iss: 'shop', sub: '7', exp: inAnHour(), ...claims }, { alg: 'HS256', typ: 'JWT', ...header });

test('one refusal lists everything that is wrong with the claims', async () => {
  const { refused } = await handshake(both, bearer(shopToken({ sub: undefined, exp: `${inAnHour()}`, aud: 'web', jti: 3 })));
  assert.equal(refused.json.code, 'CLAIM_MISSING');
  assert.equal(refused.json.field, 'sub');
  for (const part of ['sub is absent', 'exp is a string', 'jti is a number', 'aud web; no audience is configured']) assert.ok(refused.json.detail.includes(part), `${part}: ${refused.json.detail}`);
});

test('users of both kinds meet: presence, direct rooms, own rooms, and a mapped id', async () => {
  const ann = await register(both, 'ann-of-both');
  const a = await Client.open(both, { token: ann.access_token });
  const strange = await Client.open(both, { token: shopToken({ sub: 'Ünal Öz', name: 'Ünal' }) });
  const b = await Client.open(both, { token: shopToken({ name: 'Seven' }) });
  await a.join('meeting');
  await b.join('meeting');
  const here = await a.ask('presence', { room: 'meeting' });
  assert.ok(here.members.some((user) => user.id === 'shop|7' && user.name === 'Seven'), JSON.stringify(here));
  const direct = await a.ask('direct', { user: 'shop|7' });
  assert.equal(direct.type, 'created', JSON.stringify(direct));
  const mapped = `shop|~${crypto.createHash('sha256').update('Ünal Öz').digest('base64url')}`;
  assert.equal(strange.user.id, mapped);
  assert.equal((await a.ask('direct', { user: mapped })).type, 'created');
  assert.equal((await strange.join(`user:${mapped}`)).type, 'joined');
});

test('/auth/* says that the account is elsewhere', async () => {
  for (const [method, at] of [['GET', '/auth/sessions'], ['GET', '/auth/me'], ['POST', '/auth/tickets'], ['DELETE', '/auth/me']]) {
    const { status, json } = await ask(both, method, at, { token: shopToken(), body: method === 'POST' ? {} : undefined });
    assert.deepEqual([status, json.code], [404, 'ACCOUNTS_ELSEWHERE'], `${method} ${at}`);
  }
  const unknown = await handshake(both, bearer(shopToken({ iss: 'nobody' })));
  assert.equal(unknown.refused.json.code, 'ISSUER_MISMATCH');
});

test('external: no accounts, no auth service, and health is well', async (t) => {
  const node = await serve(t, withIssuers([{ ...shop, user_prefix: undefined }], { FOYER_IDENTITY: 'external', FOYER_SIGN_IN_URL: 'https://app.example.com/login' }));
  assert.deepEqual(node.status.roles, ['gateway']);
  await until('the next step', () => node.text.includes('Next: connect with a token of your application (docs/beside-your-app.md); people sign in at https://app.example.com/login.'));
  assert.doesNotMatch(node.text, /register two users/);
  const health = await ask(node, 'GET', '/health');
  assert.equal(health.json.status, 'ok', health.text);
  assert.equal(health.json.sign_in_url, 'https://app.example.com/login');
  for (const at of ['/auth/login', '/auth/register', '/oauth2/token']) {
    const { status, json } = await ask(node, 'POST', at, { body: {} });
    assert.deepEqual([status, json.code], [404, 'ACCOUNTS_ELSEWHERE'], at);
    assert.match(json.detail, /ACCOUNTS_ELSEWHERE|elsewhere|another service/i);
  }
  const client = await Client.open(node, { token: shopToken({ sub: 'dora' }) });
  await client.join('tea');
  assert.equal((await client.say('tea', 'hello')).type, 'sent');
  const reserved = await handshake(node, bearer(shopToken({ sub: 'u_admin' })));
  assert.match((await reserved.socket.messages.take()).user.id, /^~[\w-]{43}$/, 'an id of our own is never given away');
});

test('the server API takes the subject of an issuer, and hints at an id that no issuer gives', async () => {
  const seven = await Client.open(both, { token: shopToken({ sub: 'Ünal', name: 'Ünal' }) });
  const subject = { issuer: 'shop', sub: 'Ünal' };
  const found = await post(both, 'get_user_status', { users: [subject, { issuer: 'shop', sub: '1' }] });
  assert.deepEqual(found.json.result.statuses.map((each) => [each.user, each.online]), [[seven.user.id, true], ['shop|1', false]], found.text);
  assert.equal(found.headers['x-foyer-hint'], undefined);
  assert.deepEqual((await post(both, 'disconnect', { user: subject })).json, { result: {} });
  await seven.ended();
  assert.deepEqual(await error(both, 'disconnect', { user: { issuer: 'nobody', sub: '7' } }), [107, 'BAD_REQUEST']);
  for (const [method, body] of [['block_user', { user: '7' }], ['unblock_user', { user: '7', idempotency_key: 'k' }], ['disconnect', { user: '7' }], ['get_user_status', { users: ['shop|7', '7'] }],
    ['invalidate_user_tokens', { user: '7' }], ['user_forget', { user: '7' }], ['user_export', { user: '7' }], ['batch', { commands: [{ disconnect: { user: '7' } }] }]]) {
    const answer = await post(both, method, body);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers['x-foyer-hint'], 'The id 7 is of no account and of no issuer: ids of issuers begin with shop|', method);
  }
  assert.match((await both.logged('api_change', { method: 'block_user', user: '7' })).hint, /begin with shop\|/);
  for (const user of ['shop|7', 'u_7']) assert.equal((await post(both, 'unblock_user', { user })).headers['x-foyer-hint'], undefined, user);
});

test('a wrong table is told before the server listens, all of it', async (t) => {
  const { code, text } = await serveFails(t, withIssuers([{ name: 'x', isuer: 'y', discovery: 'yes' }]));
  assert.equal(code, 1);
  for (const part of ['unknown key isuer', 'issuer is missing', 'discovery takes true or false', 'ISSUER_PREFIX_CONFLICT']) assert.ok(text.includes(part), `${part}:\n${text}`);
  const { json } = await foyerJson(['check', '--dev', '--json', '--data', temporary(t)], withIssuers([{ name: 'x', issuer: 'y', audiense: [] }]));
  const finding = json.findings.find((each) => each.field === 'audiense');
  assert.deepEqual([finding.code, finding.entry, finding.source], ['UNKNOWN_OPTION', 1, 'environment FOYER_ISSUER, entry 1']);
});

test('token verify --explain tells offline what each issuer makes of it', async (t) => {
  const env = { FOYER_ISSUER: JSON.stringify([shop, { name: 'idp', issuer: 'https://idp.test', discovery: true, audience: ['chat'], user_prefix: 'idp|' }]) };
  const explain = (token, ...more) => foyerJson(['token', 'verify', '--explain', '--json', '--data', both.data, ...more, token], { env });
  const good = await explain(shopToken());
  assert.equal(good.code, 0, good.err);
  assert.equal(good.json.valid, true);
  const views = Object.fromEntries(good.json.issuers.map((view) => [view.name, view]));
  assert.deepEqual([views.shop.chosen, views.shop.signature, views.shop.user, views.shop.faults], [true, 'valid', 'shop|7', []]);
  assert.equal(views.idp.faults[0].code, 'ISSUER_MISMATCH');
  assert.ok(views.idp.faults.some((fault) => fault.claim === 'aud'));
  assert.ok(views.own, 'and the own issuer');
  const bad = await explain(shopToken({ exp: '1', sub: 5.5 }));
  assert.deepEqual([bad.code, bad.json.valid], [1, false]);
  assert.deepEqual(bad.json.issuers.find((view) => view.name === 'shop').faults.map((fault) => fault.claim), ['sub', 'exp']);
  const far = await explain(sign({ iss: 'https://idp.test', aud: 'chat', sub: 'a', exp: inAnHour() }, { alg: 'RS256', typ: 'JWT' }));
  assert.deepEqual([far.code, far.json.valid, far.json.issuers.find((view) => view.name === 'idp').signature], [0, null, 'unchecked']);
  const ruled = { ...env, FOYER_ROOMS: '[{"match":"orders-*","join":"token"},{"match":"closed","join":"nobody"}]' };
  const forRoom = async (claims, header = { typ: 'room+jwt' }) => (await foyerJson(['token', 'verify', '--explain', '--json', '--data', both.data, shopToken(claims, header)], { env: ruled })).json;
  const asked = await forRoom({ room: 'orders-7' });
  const view = (json) => json.issuers.find((each) => each.name === 'shop');
  assert.deepEqual([asked.valid, asked.use, view(asked).user, view(asked).room, view(asked).join], [true, 'room', 'shop|7', 'orders-7', 'joined']);
  assert.match(view(asked).expires_at, /^\d{4}-\d\d-\d\dT/);
  assert.equal(view(await forRoom({ channel: 'tea' }, {})).join, 'as_without', 'a claim is enough; the rule does not ask');
  assert.equal(view(await forRoom({ room: 'closed' })).join, 'PERMISSION_DENIED');
  assert.equal(view(await forRoom({ room: 'a room' })).join, 'ROOM_NAME_INVALID');
  assert.deepEqual([(await forRoom({})).valid, view(await forRoom({})).join], [false, 'CLAIM_MISSING']);
  const late = await forRoom({ room: 'orders-7', exp: 1_000_000_000 });
  assert.deepEqual([late.valid, view(late).join], [false, 'TOKEN_EXPIRED']);
  const told = await foyer(['token', 'verify', '--explain', '--data', both.data, shopToken({ room: 'orders-7' }, { typ: 'room+jwt' })], { env: ruled });
  assert.match(told.out, /^This is a token for a room[\s\S]*token of shop\|7 for the room orders-7, which expires [\s\S]*joined orders-7, until/m);
  const people = await foyer(['token', 'verify', '--explain', '--data', both.data, shopToken({ aud: 'x' })], { env });
  assert.match(people.out, /issuer shop \(shop\), which the token names[\s\S]*aud {8}aud x; no audience is configured \(AUDIENCE_MISMATCH\)[\s\S]*refused/);
});
