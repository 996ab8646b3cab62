// `foyer token`: what it issues the server takes, and what the server refuses it explains alike.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { foyer, foyerJson, serve, temporary } from './support/foyer.mjs';
import { handshake } from './support/websocket.mjs';

const env = { TOKEN_SECRET: 'q7Zx-2Lm5Np8Qr1St4Uv7Wx0Yz3Ab6Cd9' };
const issue = async (args, options = { env }) => {
  const { code, out, err } = await foyer(['token', 'issue', ...args], options);
  assert.equal(code, 0, err);
  return out.trim();
};

test('an issued token opens the socket of its data directory, an expired one is TOKEN_EXPIRED', async (t) => {
  const node = await serve(t);
  const token = await issue(['--data', node.data, '--sub', 'robot', '--name', 'Robot'], {});
  const { socket } = await handshake(node, { headers: { Authorization: `Bearer ${token}` } });
  assert.deepEqual((await socket.messages.take()).user, { id: 'robot', name: 'Robot' });
  const old = await issue(['--data', node.data, '--sub', 'robot', '--ttl=-5m'], {});
  assert.equal((await handshake(node, { headers: { Authorization: `Bearer ${old}` } })).refused.json.code, 'TOKEN_EXPIRED');
  const said = await foyerJson(['token', 'verify', old, '--data', node.data, '--json']);
  assert.deepEqual([said.code, said.json.valid, said.json.code], [1, false, 'TOKEN_EXPIRED']);
});

test('issue, inspect and verify agree, with a secret, a PEM and a JWK', async (t) => {
  const dir = temporary(t);
  const { publicKey, privateKey } = crypto.generateKeyPairSync('ed25519');
  fs.writeFileSync(path.join(dir, 'private.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  fs.writeFileSync(path.join(dir, 'public.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  const pairs = [
    [['--secret-env', 'TOKEN_SECRET'], ['--secret-env', 'TOKEN_SECRET']],
    [['--key', path.join(dir, 'private.pem')], ['--key', path.join(dir, 'public.pem')]],
    [['--key', path.join(dir, 'private.pem')], ['--key', JSON.stringify(publicKey.export({ format: 'jwk' }))]],
  ];
  for (const [signing, verifying] of pairs) {
    const token = await issue([...signing, '--sub', 'alice', '--issuer', 'https://chat.example', '--audience', 'chat', '--scope', 'chat:read', '--ttl', '1h']);
    const seen = await foyerJson(['token', 'inspect', '--json'], { input: `${token}\n` });
    assert.deepEqual([seen.json.verified, seen.json.header.typ, seen.json.claims.sub, seen.json.claims.scope], [false, 'at+jwt', 'alice', 'chat:read']);
    assert.equal(seen.json.claims.exp - seen.json.claims.iat, 3_600);
    const verify = (...more) => foyerJson(['token', 'verify', ...verifying, '--issuer', 'https://chat.example', '--audience', 'chat', '--json', ...more], { env, input: token });
    const good = await verify();
    assert.deepEqual([good.code, good.json.valid, good.json.code, good.json.claims.sub], [0, true, null, 'alice']);
    assert.equal((await verify('--now', String(seen.json.claims.exp + 30))).json.code, 'TOKEN_EXPIRED');
    assert.equal((await verify('--now', String(seen.json.claims.exp + 29))).json.code, null);
    assert.equal((await verify('--now', '2001-01-01T00:00:00Z')).json.code, 'TOKEN_NOT_YET_VALID');
    assert.equal((await verify('--typ', 'service+jwt')).json.code, 'WRONG_TOKEN_TYPE');
  }
});

test('a batch is answered line by line, whatever a line holds', async () => {
  // RFC 7515, appendix A.1
  const key = { kty: 'oct', k: 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow' };
  const token = 'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
  const lines = [
    { key, token }, { key: JSON.stringify(key), token }, { key: { keys: [key] }, token },
    { key, token: `${token.slice(0, -2)}AA` }, { key, token: `${token}.` }, { key: { kty: 'oct', k: 'AAAA' }, token }, { key: { kty: 'new' }, token }, { key },
  ].map((line) => JSON.stringify(line));
  const { code, out } = await foyer(['token', 'verify', '--batch', '--jws'], { input: `${[...lines, 'no JSON'].join('\n')}\n` });
  const answers = out.trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(answers.map((a) => a.code), [null, null, null, 'SIGNATURE_INVALID', 'INVALID_FORMAT', 'WEAK_SECRET', 'KEY_UNREADABLE', 'BAD_REQUEST', 'BAD_REQUEST']);
  assert.equal(code, 1);
  assert.equal((await foyer(['token', 'verify', '--batch', '--jws'], { input: `${lines[0]}\n` })).code, 0);
});

test('what cannot run says so with exit 2, and help has examples', async (t) => {
  for (const args of [[], ['token'], ['nothing'], ['issue'], ['issue', '--sub', 'a b'], ['issue', '--sub', 'a', '--ttl', 'soon'], ['verify', '--nope'], ['verify', 'x', '--key', '/does/not/exist'], ['verify', 'x', '--secret-env', 'NOT_SET'], ['verify', '--batch', 'x']]) {
    const { code, err } = await foyer(['token', ...args], { cwd: temporary(t), input: '' });
    assert.equal(code, 2, args.join(' '));
    assert.notEqual(err, '');
  }
  for (const part of [[], ['issue'], ['inspect'], ['verify']]) {
    const { code, out } = await foyer(['token', ...part, '--help']);
    assert.equal(code, 0);
    assert.match(out, /Usage: foyer token/);
    if (part.length) assert.match(out, /Example/);
  }
  assert.equal((await foyer(['token', 'inspect', 'a.b'])).code, 1);
});
