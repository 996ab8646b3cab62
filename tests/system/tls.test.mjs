// wss and https in the process itself, by clients that somebody else wrote.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';
import WebSocket from 'ws';
import { Authority, files } from './support/certificates.mjs';
import { foyer, foyerJson, serve, serveFails, temporary } from './support/foyer.mjs';
import { ask, raw } from './support/http.mjs';
import { arrive, register, SECRET } from './support/people.mjs';
import { Client } from './support/websocket.mjs';
import { until, within } from './support/within.mjs';

const API_KEY = 'Ux3-operators-key-of-the-tests';
const LOCAL = 'DNS:localhost,DNS:chat.foyer.test,IP:127.0.0.1';
const SERVICE_SECRET = 'T5-rnV8_qLw2Xc7Yb4Zm1Kp6Hs9Gd3Jf0Ae';

async function serveTls(t, { pair, authority, env = {}, ...options }) {
  const node = await serve(t, { env: { ...files(pair), API_KEY, ...env }, ...options });
  node.tls = { ca: authority.pem };
  return node;
}
async function world(t, options = {}) {
  const dir = temporary(t);
  const authority = new Authority(dir);
  const pair = authority.issue('server', LOCAL, options);
  return { dir, authority, pair };
}

// A TLS connection that is done: { socket, session }, where session is one that can be resumed.
function shake(node, options = {}) {
  return within('a TLS handshake', new Promise((resolve, reject) => {
    const socket = tls.connect({ host: node.host, port: node.port, ...node.tls, ...options });
    socket.once('error', reject);
    socket.once('secureConnect', () => resolve(socket));
  }));
}
const serialOf = async (node, options) => {
  const socket = await shake(node, options);
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
};
const serialIn = async (file) => new (await import('node:crypto')).X509Certificate(fs.readFileSync(file)).serialNumber;
const handshakes = async (node, result) => {
  const { text } = await ask(node, 'GET', '/metrics', { headers: { 'X-API-Key': API_KEY } });
  return Number(new RegExp(`foyer_tls_handshakes_total\\{result="${result}"\\} (\\d+)`).exec(text)[1]);
};

test('two people chat over wss, register over https, and everything says so', async (t) => {
  const { authority, pair } = await world(t);
  const node = await serveTls(t, { pair, authority });
  assert.deepEqual([node.status.url, node.status.ws_url], [`https://127.0.0.1:${node.port}`, `wss://127.0.0.1:${node.port}/ws/chat`]);
  assert.equal((await node.logged('listening')).url, node.url);
  const [ann, bob] = await Promise.all(['ann', 'bob'].map((name) => arrive(node, name)));
  await ann.ask('join', { room: 'tea' });
  await bob.ask('join', { room: 'tea' });
  await ann.ask('chat', { room: 'tea', message: 'Hello over TLS' });
  await bob.next('message', { message: 'Hello over TLS' });
  const health = await ask(node, 'GET', '/health/ready');
  assert.equal(health.json.checks.tls_certificates.status, 'ok');
  assert.match((await ask(node, 'GET', '/metrics', { headers: { 'X-API-Key': API_KEY } })).text, /foyer_tls_certificate_expires_seconds\{certificate="default"\} 7\d{6}/);
});

test('the clients of others: ws, Node\'s own https with keep-alive; big messages both ways', async (t) => {
  const { authority, pair } = await world(t);
  const node = await serveTls(t, { pair, authority, args: ['--echo', 'open', '--message-bytes', '1MiB'] });
  const socket = new WebSocket(`wss://127.0.0.1:${node.port}/ws/echo`, { ca: authority.pem });
  await within('open', new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject); }));
  for (const size of [0, 1, 16_384, 16_385, 1_000_000]) {
    const sent = Buffer.alloc(size, 'x');
    const echoed = new Promise((resolve) => socket.once('message', resolve));
    socket.send(sent);
    assert.deepEqual(await within('the echo', echoed), sent);
  }
  const closed = new Promise((resolve) => socket.once('close', (code) => resolve(code)));
  socket.close(1000);
  assert.equal(await within('the close', closed), 1000);

  const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: authority.pem });
  for (let i = 0; i < 3; i += 1) {
    const status = await within('an answer', new Promise((resolve, reject) => {
      https.get({ host: '127.0.0.1', port: node.port, path: '/health', agent }, (answer) => { answer.resume(); answer.on('end', () => resolve(answer.statusCode)); }).on('error', reject);
    }));
    assert.equal(status, 200);
  }
  agent.destroy();
});

test('http:// on the TLS port is told to use https://, with a reference that `why` finds', async (t) => {
  const { authority, pair } = await world(t);
  const node = await serveTls(t, { pair, authority });
  const answer = await raw({ host: node.host, port: node.port }, `GET / HTTP/1.1\r\nHost: 127.0.0.1:${node.port}\r\n\r\n`);
  assert.equal(answer.status, 400);
  assert.equal(answer.json.code, 'PLAIN_ON_TLS_PORT');
  assert.match(answer.json.detail, /https:\/\/ or wss:\/\//);
  const told = await foyer(['why', answer.json.ref, '--data', node.data, '--api-key', API_KEY, '--ca-file', authority.file]);
  assert.equal(told.code, 0, told.err);
  assert.match(told.out, /PLAIN_ON_TLS_PORT/);
  assert.equal(await handshakes(node, 'plain_http'), 1);
});

test('`foyer why` and `foyer chat` find a server behind a certificate for its public name', async (t) => {
  const dir = temporary(t);
  const authority = new Authority(dir);
  const pair = authority.issue('server', 'DNS:chat.foyer.test');
  const node = await serveTls(t, { pair, authority, env: { PUBLIC_URL: 'https://chat.foyer.test' } });
  node.tls.servername = 'chat.foyer.test';
  const refused = await ask(node, 'GET', '/api/refusals', { headers: { 'X-API-Key': 'wrong' } });
  const told = await foyer(['why', refused.json.ref, '--data', node.data, '--api-key', API_KEY, '--ca-file', authority.file]);
  assert.equal(told.code, 0, told.err);
  assert.match(told.out, /API_KEY_REJECTED/);
  const stranger = await foyer(['why', refused.json.ref, '--data', node.data, '--api-key', API_KEY]);
  assert.notEqual(stranger.code, 0);
  assert.match(stranger.err, /TLS handshake/);
});

test('sessions are resumed, in TLS 1.2 and 1.3, by either loop', async (t) => {
  const { authority, pair } = await world(t);
  const node = await serveTls(t, { pair, authority, args: ['--loops', '2'] });
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const first = tls.connect({ host: node.host, port: node.port, ...node.tls, minVersion: version, maxVersion: version });
    const session = await within('a ticket', new Promise((resolve, reject) => { first.once('session', resolve); first.once('error', reject); }));
    for (let i = 0; i < 6; i += 1) {
      const again = await shake(node, { minVersion: version, maxVersion: version, session });
      assert.equal(again.isSessionReused(), true, version);
      again.end('GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'); // a client that leaves at once may be gone before it is done
      await within('an answer', new Promise((resolve) => { again.once('data', resolve); again.once('close', resolve); }));
      again.destroy();
    }
    first.destroy();
  }
  assert.equal(await handshakes(node, 'resumed'), 12);
});

test('cookies are Secure, an origin of https is ours, and production says Strict-Transport-Security', async (t) => {
  const { authority, pair } = await world(t);
  const node = await serveTls(t, {
    pair, authority, dev: false,
    env: { ENVIRONMENT: 'production', SERVICE_ID: 'foyer-1', SERVICE_SECRET, JWT_SECRET_KEY: SECRET, PUBLIC_URL: 'https://chat.foyer.test', FOYER_REGISTRATION: 'open' },
  });
  const origin = 'https://chat.foyer.test';
  const answer = await ask(node, 'POST', '/auth/register', { body: { name: 'ann', password: 'a long and quiet sentence', cookie: true }, headers: { Origin: origin } });
  assert.equal(answer.status, 201, answer.text);
  assert.equal(answer.headers['strict-transport-security'], 'max-age=31536000');
  assert.match(answer.headers['set-cookie'] ?? '', /__Host-/);
  assert.match(answer.headers['set-cookie'], /; Secure/);
});

test('a certificate is chosen by the name that the client asks for', async (t) => {
  const { authority, pair } = await world(t);
  const other = authority.issue('other', 'DNS:other.foyer.test,DNS:*.rooms.foyer.test', { kind: 'rsa' });
  const node = await serveTls(t, { pair, authority, args: ['--tls-more-certificates', `${other.certificate}:${other.key}`] });
  const shown = { own: await serialIn(pair.certificate), other: await serialIn(other.certificate) };
  for (const [servername, expected] of [['chat.foyer.test', 'own'], ['other.foyer.test', 'other'], ['tea.rooms.foyer.test', 'other'], ['a.b.rooms.foyer.test', 'own'], ['nobody.test', 'own']]) {
    assert.equal(await serialOf(node, { servername, rejectUnauthorized: false }), shown[expected], servername);
  }
});

test('ALPN: http/1.1 or none; h2 alone gets the alert for it', async (t) => {
  const { authority, pair } = await world(t);
  const node = await serveTls(t, { pair, authority });
  const both = await shake(node, { ALPNProtocols: ['h2', 'http/1.1'] });
  assert.equal(both.alpnProtocol, 'http/1.1');
  both.destroy();
  await assert.rejects(shake(node, { ALPNProtocols: ['h2'] }), /alert no application protocol|SSL alert number 120/i);
  assert.equal(await handshakes(node, 'no_common_protocol'), 1);
});

test('client certificates: who has none, or one of a stranger, stays outside, and the operator is told', async (t) => {
  const { dir, authority, pair } = await world(t);
  const staff = new Authority(path.join(dir), 'staff');
  const stranger = new Authority(path.join(dir), 'stranger');
  const read = (made) => ({ cert: fs.readFileSync(made.certificate), key: fs.readFileSync(made.key) });
  const ann = read(staff.issue('ann', 'DNS:ann'));
  const eve = read(stranger.issue('eve', 'DNS:eve'));
  const node = await serveTls(t, { pair, authority, args: ['--tls-client-ca-file', staff.file] });
  const said = (options) => ask({ ...node, host: node.host, port: node.port, tls: { ...node.tls, ...options } }, 'GET', '/health');
  assert.equal((await said(ann)).status, 200);
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    await assert.rejects(said({ maxVersion: version }), version === 'TLSv1.3' ? /certificate required|ended|closed|116/i : /handshake failure|40/i);
    await assert.rejects(said({ ...eve, maxVersion: version }), /unknown ca|ended|closed|48/i);
  }
  await node.logged('refused', { code: 'TLS_HANDSHAKE_FAILED' });
  node.tls = { ...node.tls, ...ann };
  assert.equal(await handshakes(node, 'client_certificate'), 4);

  const optional = await serveTls(t, { pair, authority, args: ['--tls-client-ca-file', staff.file, '--tls-client-required', 'false'] });
  assert.equal((await ask(optional, 'GET', '/health')).status, 200);
  await assert.rejects(ask({ ...optional, host: optional.host, port: optional.port, tls: { ...optional.tls, ...eve } }, 'GET', '/health'));
});

test('a renewed certificate is taken without losing a connection: by SIGHUP, by rename, by a link that is swapped', async (t) => {
  const { dir, authority } = await world(t);
  // As Kubernetes mounts a secret: tls.crt → ..data/tls.crt, ..data → a directory that is replaced.
  const mount = path.join(dir, 'mount');
  const version = (number) => {
    const at = path.join(mount, `..version_${number}`);
    fs.mkdirSync(at, { recursive: true });
    const made = authority.issue(`server${number}`, LOCAL);
    fs.copyFileSync(made.certificate, path.join(at, 'tls.crt'));
    fs.copyFileSync(made.key, path.join(at, 'tls.key'));
    fs.chmodSync(path.join(at, 'tls.key'), 0o600);
    return path.basename(at);
  };
  fs.mkdirSync(mount);
  fs.symlinkSync(version(1), path.join(mount, '..data'));
  for (const name of ['tls.crt', 'tls.key']) fs.symlinkSync(`..data/${name}`, path.join(mount, name));
  const pair = { certificate: path.join(mount, 'tls.crt'), key: path.join(mount, 'tls.key') };
  const node = await serveTls(t, { pair, authority });
  const before = await arrive(node, 'ann');
  const serves = async (file) => { const wanted = await serialIn(file); await until('the new certificate', async () => ((await serialOf(node)) === wanted ? true : undefined)); };
  await serves(pair.certificate);

  fs.symlinkSync(version(2), path.join(mount, '..data_tmp'));
  fs.renameSync(path.join(mount, '..data_tmp'), path.join(mount, '..data'));
  await serves(pair.certificate);
  await node.logged('tls_reloaded');

  const third = path.join(mount, version(3));
  for (const name of ['tls.crt', 'tls.key']) fs.renameSync(path.join(third, name), path.join(mount, '..data', name));
  await serves(pair.certificate);

  const fourth = path.join(mount, version(4));
  for (const name of ['tls.crt', 'tls.key']) fs.copyFileSync(path.join(fourth, name), path.join(mount, '..data', name));
  node.child.kill('SIGHUP');
  await serves(pair.certificate);

  await before.ask('join', { room: 'tea' });
  assert.deepEqual(await node.terminate(), { code: 0, signal: null });
});

test('files that are not fit are not taken, and everybody who looks is told', async (t) => {
  const { dir, authority, pair } = await world(t);
  const good = fs.readFileSync(pair.certificate);
  const serial = await serialIn(pair.certificate);
  const node = await serveTls(t, { pair, authority });
  const late = authority.issue('late', LOCAL, { from: -86_400_000, to: -3_600_000 });
  fs.renameSync(late.certificate, pair.certificate);
  node.child.kill('SIGHUP');
  await node.logged('tls_files_refused', { code: 'KEY_PAIR_MISMATCH' });
  const ready = await ask(node, 'GET', '/health/ready');
  assert.equal(ready.status, 200, 'it still serves');
  assert.deepEqual([ready.json.checks.tls_certificates.status, ready.json.checks.tls_certificates.code], ['failing', 'KEY_PAIR_MISMATCH']);
  assert.equal(await serialOf(node), serial);
  assert.match((await ask(node, 'GET', '/metrics', { headers: { 'X-API-Key': API_KEY } })).text, /foyer_tls_reloads_total\{result="refused"\} [1-9][\s\S]*foyer_tls_files_refused 1/);
  fs.writeFileSync(path.join(dir, 'good.pem'), good);
  fs.renameSync(path.join(dir, 'good.pem'), pair.certificate);
  await until('health', async () => ((await ask(node, 'GET', '/health/ready')).json.checks.tls_certificates.status === 'ok' ? true : undefined));
});

test('an expired certificate does not start, a wrong key neither; one that ends soon is a warning', async (t) => {
  const dir = temporary(t);
  const authority = new Authority(dir);
  const day = 86_400_000;
  const check = async (pair) => (await foyerJson(['check', '--dev', '--json', '--data', dir], { env: files(pair) })).json;
  const late = authority.issue('late', LOCAL, { from: -2 * day, to: -day });
  const found = await check(late);
  assert.deepEqual([found.fit, found.findings.map((f) => f.code)], [false, ['CERTIFICATE_EXPIRED']]);
  assert.equal((await serveFails(t, { env: files(late) })).code, 1);
  const early = authority.issue('early', LOCAL, { from: day, to: 60 * day });
  assert.deepEqual((await check(early)).findings.map((f) => f.code), ['CERTIFICATE_NOT_YET_VALID']);
  const soon = authority.issue('soon', LOCAL, { to: 3 * day });
  const warned = await check(soon);
  assert.deepEqual([warned.fit, warned.findings.map((f) => [f.code, f.severity])], [true, [['CERTIFICATE_EXPIRED', 'warning']]]);
  assert.deepEqual((await check({ ...soon, key: late.key })).findings.map((f) => f.code).sort(), ['CERTIFICATE_EXPIRED', 'KEY_PAIR_MISMATCH']);
});

test('a gateway asks an auth service over https, with an authority of its own', async (t) => {
  const { dir, authority, pair } = await world(t);
  const env = { ENVIRONMENT: 'test', SERVICE_SECRET, JWT_SECRET_KEY: SECRET, PUBLIC_URL: 'https://chat.foyer.test', API_KEY };
  const auth = await serveTls(t, { pair, authority, dev: false, args: ['--role', 'auth'], env: { ...env, FOYER_REGISTRATION: 'open' } });
  const gateway = await serve(t, { dev: false, args: ['--role', 'gateway', '--auth-service-ca-file', authority.file], env: { ...env, AUTH_SERVICE_URL: auth.url } });
  const ann = await register(gateway, 'ann');
  const client = await Client.open(gateway, { token: ann.access_token });
  assert.equal(client.welcome.user.name, 'ann');
  const missing = await foyerJson(['check', '--json', '--role', 'gateway', '--auth-service-ca-file', path.join(dir, 'none.pem'), '--data', dir], { env: { ...env, AUTH_SERVICE_URL: auth.url } });
  assert.deepEqual(missing.json.findings.map((f) => [f.code, f.option]), [['FILE_UNREADABLE', 'auth_service_ca_file']]);
});

test('who never ends the handshake is cut at header_timeout', async (t) => {
  const { authority, pair } = await world(t);
  const node = await serveTls(t, { pair, authority, args: ['--header-timeout', '1s'] });
  const { connected } = await import('./support/http.mjs');
  const socket = await connected({ host: node.host, port: node.port });
  socket.write(Buffer.from('16030100', 'hex'));
  await within('the end', new Promise((resolve) => { socket.once('close', resolve); socket.resume(); }));
  assert.equal(await handshakes(node, 'given_up'), 1);
});
