// What the server shows of a refused request to somebody with a doctor's token: what a proxy in between took away,
// added or rewrote. Nobody else is shown anything.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foyer, serve } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { nginx } from './support/proxies.mjs';
import { handshake, upgradeHeaders } from './support/websocket.mjs';

async function doctor(node, { typ = 'doctor+jwt', ttl = '5m' } = {}) {
  const issued = await foyer(['token', 'issue', '--data', node.data, '--dev', '--sub', 'doctor', '--typ', typ, `--ttl=${ttl}`]);
  assert.equal(issued.code, 0, issued.err);
  return { 'X-Foyer-Doctor': issued.out.trim() };
}
const shake = async (place, headers, path) => (await handshake(place, { path, headers: { ...upgradeHeaders(), ...headers } })).refused;

test('a doctor sees what a bare nginx left of its handshake', async (t) => {
  const node = await serve(t);
  const proxy = await nginx(t, `location / { proxy_http_version 1.0; proxy_pass http://${node.host}:${node.port}; }`);
  const { status, json } = await shake(proxy, await doctor(node));
  assert.deepEqual([status, json.code], [426, 'UPGRADE_STRIPPED']);
  const { http_version, upgrade, connection, path, method, scheme, version, auth, token } = json.saw;
  assert.deepEqual({ http_version, upgrade, connection, path, method, scheme, version, auth, token },
    { http_version: '1.0', upgrade: null, connection: 'close', path: '/ws/chat', method: 'GET', scheme: 'http', version: '13', auth: [], token: null });
  assert.ok(json.saw.headers.includes('X-Foyer-Doctor'), json.saw.headers);
  assert.ok(json.saw.header_bytes > 200);
});

test('a doctor sees a path that was rewritten, and what a token says of itself', async (t) => {
  const node = await serve(t);
  const proxy = await nginx(t, `location /chat/ { proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto https; proxy_pass http://${node.host}:${node.port}/ws/; }`);
  const issued = await foyer(['token', 'issue', '--data', node.data, '--dev', '--sub', 'ann', '--ttl=-5m', '--issuer', 'https://elsewhere.example']);
  const { json } = await shake(proxy, { ...await doctor(node), Authorization: `Bearer ${issued.out.trim()}`, Cookie: 'theme=dark' }, '/chat/nowhere');
  assert.equal(json.code, 'UNKNOWN_PATH');
  assert.equal(json.saw.path, '/ws/nowhere');
  assert.equal(json.saw.upgrade, 'websocket');
  assert.equal(json.saw.x_forwarded_proto, 'https');
  assert.deepEqual([json.saw.auth, json.saw.cookies, json.saw.token.iss], [['header'], ['theme'], 'https://elsewhere.example']);
  assert.doesNotMatch(JSON.stringify(json), new RegExp(`dark|${issued.out.trim().slice(-20)}`));
});

test('a plain GET on the path of the socket shows it too', async (t) => {
  const node = await serve(t);
  const { status, json } = await ask(node, 'GET', '/ws/chat', { headers: await doctor(node) });
  assert.deepEqual([status, json.code, json.saw.upgrade, json.saw.host], [426, 'UPGRADE_MISSING', null, `${node.host}:${node.port}`]);
});

test('nobody else is shown anything, and a doctor is told why not', async (t) => {
  const node = await serve(t);
  const refused = async (headers) => { const { saw, doctor: why, code } = await shake(node, headers, '/ws/nowhere').then((answer) => answer.json); return [code, saw, why]; };
  assert.deepEqual(await refused({}), ['UNKNOWN_PATH', undefined, undefined]);
  assert.deepEqual(await refused({ 'X-Foyer-Doctor': 'a.b.c' }), ['UNKNOWN_PATH', undefined, 'INVALID_FORMAT']);
  assert.deepEqual(await refused(await doctor(node, { typ: 'at+jwt' })), ['UNKNOWN_PATH', undefined, 'WRONG_TOKEN_TYPE']);
  assert.deepEqual(await refused(await doctor(node, { ttl: '-5m' })), ['UNKNOWN_PATH', undefined, 'TOKEN_EXPIRED']);
  const elsewhere = await ask(node, 'GET', '/nowhere', { headers: await doctor(node) });
  assert.deepEqual([elsewhere.json.code, elsewhere.json.saw], ['UNKNOWN_PATH', undefined], 'not a request for a socket');
  const asAUser = await ask(node, 'GET', '/auth/me', { token: (await doctor(node))['X-Foyer-Doctor'] });
  assert.deepEqual([asAUser.status, asAUser.json.code], [401, 'WRONG_TOKEN_TYPE'], 'a doctor is no user');
});
