// Every algorithm of tokens: what Foyer signs another implementation verifies and the other
// way round, and an installation that signs with RSA or EC keys from start to rotation.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { foyer, foyerJson, serveFails, temporary } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { bearer, startAuth, startGateway } from './support/pair.mjs';
import { parts, register } from './support/people.mjs';
import { handshake } from './support/websocket.mjs';
import { until } from './support/within.mjs';

const { RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING } = crypto.constants;
const SECRET = 'q7Zx-2Lm5Np8Qr1St4Uv7Wx0Yz3Ab6Cd9Ef2Gh5Ij8Kl1Mn4Op7Qr0St3Uv6Wx9Yz';
const rsa = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = (namedCurve) => crypto.generateKeyPairSync('ec', { namedCurve });
const bits = (alg) => `sha${alg.slice(2)}`;

// alg → { private, public, sign(bytes), verify(bytes, signature) } of Node's own crypto.
function pairOf(alg) {
  const kinds = {
    RS: [rsa, (key) => ({ key, padding: RSA_PKCS1_PADDING })],
    PS: [rsa, (key) => ({ key, padding: RSA_PKCS1_PSS_PADDING, saltLength: Number(alg.slice(2)) / 8 })],
    ES: [alg === 'ES256' ? ec('P-256') : alg === 'ES384' ? ec('P-384') : alg === 'ES512' ? ec('P-521') : null, (key) => ({ key, dsaEncoding: 'ieee-p1363' })],
    Ed: [alg === 'EdDSA' ? crypto.generateKeyPairSync('ed25519') : null, (key) => ({ key })],
  };
  const [pair, with_] = kinds[alg.slice(0, 2)];
  const hash = alg === 'EdDSA' ? null : bits(alg);
  return { ...pair, sign: (bytes) => crypto.sign(hash, bytes, with_(pair.privateKey)), verify: (bytes, signature) => crypto.verify(hash, bytes, with_(pair.publicKey), signature) };
}

const b64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const split = (token) => [Buffer.from(token.slice(0, token.lastIndexOf('.'))), Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url')];

for (const alg of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
  test(`${alg}: both sides take what the other signs`, async (t) => {
    const dir = temporary(t);
    const pair = pairOf(alg);
    const file = (name, text) => {
      fs.writeFileSync(path.join(dir, name), text, { mode: 0o600 });
      return path.join(dir, name);
    };
    const privatePem = file('private.pem', pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const publicPem = file('public.pem', pair.publicKey.export({ type: 'spki', format: 'pem' }));
    const privateJwk = file('private.jwk', JSON.stringify({ ...pair.privateKey.export({ format: 'jwk' }), alg, use: 'sig' }));
    for (const key of [privatePem, privateJwk]) {
      const issued = await foyer(['token', 'issue', '--key', key, '--alg', alg, '--sub', 'alice']);
      assert.equal(issued.code, 0, issued.err);
      const token = issued.out.trim();
      assert.equal(parts(token).header.alg, alg);
      assert.ok(pair.verify(...split(token)), 'Node verifies it');
    }
    const claims = { iss: 'foyer', aud: 'foyer', sub: 'bob', exp: Math.floor(Date.now() / 1000) + 60, iat: Math.floor(Date.now() / 1000), jti: 'j', client_id: 'c' };
    const signed = `${b64({ alg, typ: 'at+jwt' })}.${b64(claims)}`;
    const theirs = `${signed}.${pair.sign(Buffer.from(signed)).toString('base64url')}`;
    for (const key of [publicPem, JSON.stringify(pair.publicKey.export({ format: 'jwk' })), JSON.stringify({ keys: [pair.publicKey.export({ format: 'jwk' })] })]) {
      const good = await foyerJson(['token', 'verify', theirs, '--key', key, '--json']);
      assert.deepEqual([good.code, good.json.code, good.json.claims.sub], [0, null, 'bob'], good.err);
    }
    const other = alg === 'ES256' ? 'ES384' : 'ES256';
    const pinned = await foyer(['token', 'verify', theirs, '--key', publicPem, '--alg', other]);
    assert.equal(pinned.code, 2, 'the key cannot be for that one');
    assert.match(pinned.err, /CONFLICTING_KEYS/);
  });
}

test('HS256, HS384 and HS512: both sides take what the other signs', async () => {
  for (const alg of ['HS256', 'HS384', 'HS512']) {
    const { out } = await foyer(['token', 'issue', '--secret-env', 'S', '--alg', alg, '--sub', 'alice'], { env: { S: SECRET } });
    const [signed, tag] = split(out.trim());
    assert.deepEqual(crypto.createHmac(bits(alg), SECRET).update(signed).digest(), tag);
  }
});

for (const [alg, makeKey] of [['PS256', () => rsa.privateKey], ['ES384', () => ec('P-384').privateKey]]) {
  test(`an installation that signs with ${alg}: login, gateway of its own, rotation`, async (t) => {
    const data = temporary(t);
    const file = path.join(data, 'key.pem');
    fs.writeFileSync(file, makeKey().export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const env = { JWT_PRIVATE_KEY_FILE: file, JWT_ALGORITHM: alg };
    const auth = await startAuth(t, { keys: 'pair', data, env });
    const gateway = await startGateway(t, { keys: 'pair', to: auth });
    const greeted = async (token) => {
      const { socket, refused } = await handshake(gateway, bearer(token));
      assert.equal(refused, undefined);
      return (await socket.messages.take()).type;
    };
    // With the key set at hand: a token before it would ask for one, and not again for a while.
    await until('the gateway to be ready', async () => (await ask(gateway, 'GET', '/health/ready')).status === 200);
    const first = (await register(auth, 'alice')).access_token;
    assert.equal(parts(first).header.alg, alg);
    assert.equal(await greeted(first), 'authentication_success');
    const published = async () => (await ask(auth, 'GET', '/.well-known/jwks.json')).json.keys;
    assert.deepEqual((await published()).map((key) => [key.alg, key.use, 'd' in key]), [[alg, 'sig', false]]);

    const rotated = await foyer(['key', 'rotate', '--data', data, '--publish-for', '0'], { env: { ENVIRONMENT: 'test', ...env } });
    assert.equal(rotated.code, 0, rotated.err);
    await until('the new key to be published', async () => (await published()).length === 2);
    assert.deepEqual((await published()).map((key) => key.alg), [alg, alg]);
    const second = (await register(auth, 'bob')).access_token;
    assert.notEqual(parts(second).header.kid, parts(first).header.kid);
    // A set that changed a moment ago is not asked for again at once.
    await until('the new key to be known', async () => {
      const { socket } = await handshake(gateway, bearer(second));
      socket?.destroy();
      return socket;
    });
    assert.equal(await greeted(second), 'authentication_success');
    assert.equal(await greeted(first), 'authentication_success');
  });
}

test('a key that must not sign ends the start with its cause', async (t) => {
  const file = path.join(temporary(t), 'key.pem');
  const env = { ENVIRONMENT: 'test', SERVICE_SECRET: 'T5-rnV8_qLw2Xc7Yb4Zm1Kp6Hs9Gd3Jf0Ae', JWT_PRIVATE_KEY_FILE: file };
  const start = async (pem, more = {}) => {
    fs.writeFileSync(file, pem, { mode: 0o600 });
    return serveFails(t, { dev: false, env: { ...env, ...more } });
  };
  const pem = (key) => key.export({ type: 'pkcs8', format: 'pem' });
  const short = await start(pem(crypto.generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey));
  assert.match(short.text, /WEAK_KEY/);
  assert.match(short.text, /1024 bits; at least 2048 are required/);
  const mismatch = await start(pem(ec('P-256').privateKey), { JWT_ALGORITHM: 'RS256' });
  assert.match(mismatch.text, /CONFLICTING_KEYS/);
  const certificate = await start('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  assert.match(certificate.text, /KEY_UNREADABLE/);
  assert.match(certificate.text, /openssl x509/);
});
