// `foyer token`: what it issues the server takes, and what the server refuses it explains alike.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import * as jose from 'jose';
import { BIN, ROOT, atEnd, cleanEnv, foyer, foyerJson, serve, temporary } from './support/foyer.mjs';
import { handshake } from './support/websocket.mjs';
import { within } from './support/within.mjs';

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

// `foyer token verify --batch` of these lines (objects, or text as it is): { code, answers }
async function batch(lines, args = ['--jws']) {
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
  const { code, out, err } = await foyer(['token', 'verify', '--batch', ...args], { input: `${text.join('\n')}\n` });
  assert.equal(err, '');
  return { code, answers: out.trimEnd().split('\n').map((line) => JSON.parse(line)) };
}

// RFC 7515, appendix A.1
const key = { kty: 'oct', k: 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow' };
const token = 'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';

test('a batch is answered line by line, whatever a line holds', async () => {
  const curve = { kty: 'EC', crv: 'P-256', x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU', y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0' };
  const table = [
    [null, { key, token }],
    [null, { key: JSON.stringify(key), token }],
    [null, { key: { keys: [key] }, token }],
    [null, { token, key, name: 'other members', code: 7 }],
    ['SIGNATURE_INVALID', { key, token: `${token.slice(0, -2)}AA` }],
    ['INVALID_FORMAT', { key, token: `${token}.` }],
    ['INVALID_FORMAT', { key, token: `${token}\n` }],
    ['INVALID_FORMAT', { key, token: '' }],
    ['INVALID_FORMAT', { key, token: 'a'.repeat(1_000_000) }],
    ['INVALID_FORMAT', { key, token: 7 }],
    ['INVALID_FORMAT', { key, token: { payload: 'AA', signatures: [] } }],
    ['WEAK_SECRET', { key: { kty: 'oct', k: 'AAAA' }, token }],
    ['WEAK_SECRET', { key: 'short', token }],
    ['KEY_UNREADABLE', { key: { kty: 'new' }, token }],
    ['KEY_UNREADABLE', { key: {}, token }],
    ['KEY_UNREADABLE', { key: '{"kty":', token }],
    ['KEY_UNREADABLE', { key: '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n', token }],
    ['KEY_UNREADABLE', { key: { ...key, use: 'enc' }, token }],
    ['KEY_UNREADABLE', { key: { keys: [] }, token }],
    ['KEY_UNREADABLE', { key: { keys: [{ kty: 'new' }] }, token }],
    ...[null, 7, true, [], [key]].map((other) => ['KEY_UNREADABLE', { key: other, token }]),
    ['KEY_UNREADABLE', { key: { keys: [{ ...key, kid: 'a' }, { ...key, kid: 'a' }] }, token }],
    ['CONFLICTING_KEYS', { key: { keys: [{ ...key, kid: 'a' }, { ...curve, kid: 'b' }] }, token }],
    ['ALGORITHM_NOT_ALLOWED', { key: { ...key, alg: 'HS512' }, token }],
    ['ALGORITHM_NOT_ALLOWED', { key: curve, token }],
    ['BAD_REQUEST', { key }],
    ['BAD_REQUEST', { token }],
    ['BAD_REQUEST', 'no JSON'],
    ['BAD_REQUEST', '"text"'],
    ['BAD_REQUEST', 'null'],
    ['BAD_REQUEST', '[]'],
    ['BAD_REQUEST', `{"key":${JSON.stringify(key)},"token":"${token}","token":"${token}"}`],
    ['BAD_REQUEST', `{"key":${JSON.stringify(key)},"token":"${token}"} {}`],
    ['BAD_REQUEST', `\ufeff${JSON.stringify({ key, token })}`],
    ['BAD_REQUEST', '['.repeat(100_000)],
    ['BAD_REQUEST', JSON.stringify({ key, token, padding: 'p'.repeat(1 << 20) })],
    ['BAD_REQUEST', 'a NUL \0 in it'],
    [null, { key, token }],
  ];
  const { code, answers } = await batch(table.map(([, line]) => line));
  assert.deepEqual(answers.map((a) => a.code), table.map(([expected]) => expected));
  assert.deepEqual(answers.map((a) => a.valid), table.map(([expected]) => expected === null));
  assert.equal(code, 1);
  assert.equal((await batch([{ key, token }])).code, 0);
  assert.ok(!JSON.stringify(answers).includes(key.k), 'no secret is repeated');
});

test('a batch passes over empty lines, takes CRLF, bytes that are no text, and a last line without its end', async () => {
  const line = JSON.stringify({ key, token });
  const input = Buffer.concat([Buffer.from(`\n\n${line}\r\n \t\n`), Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x0a]), Buffer.from(line)]);
  const { out, code } = await foyer(['token', 'verify', '--batch', '--jws'], { input });
  assert.deepEqual(out.trimEnd().split('\n').map((each) => JSON.parse(each).code), [null, 'BAD_REQUEST', null]);
  assert.equal(code, 1);
  assert.deepEqual(await foyer(['token', 'verify', '--batch'], { input: '' }), { code: 0, signal: null, out: '', err: '' });
});

test('a batch answers each line before it reads the next: a program can talk with it', async (t) => {
  const child = spawn(BIN, ['token', 'verify', '--batch', '--jws'], { env: cleanEnv(), stdio: ['pipe', 'pipe', 'inherit'] });
  atEnd(t, () => child.kill());
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const say = async (line) => {
    child.stdin.write(`${line}\n`);
    return JSON.parse((await within('an answer', lines.next())).value).code;
  };
  for (let i = 0; i < 3; i += 1) {
    assert.equal(await say(JSON.stringify({ key, token })), null);
    assert.equal(await say('x'.repeat((1 << 20) + 1)), 'BAD_REQUEST');
    assert.equal(await say(JSON.stringify({ key, token: `${token}.` })), 'INVALID_FORMAT');
  }
  const ended = new Promise((resolve) => { child.on('close', resolve); });
  child.stdin.end();
  assert.equal(await within('the end', ended), 1);
});

test('the examples of the RFCs are judged as they say', async () => {
  const lines = fs.readFileSync(path.join(ROOT, 'src/jose/vectors/jws.jsonl'), 'utf8').trimEnd().split('\n');
  const { answers } = await batch(lines);
  assert.deepEqual(answers.map((a) => a.code), lines.map((line) => JSON.parse(line).code));
});

test('in a batch the key of a line is the one that is meant, unless both have names and they differ', async () => {
  const named = (kid) => new jose.CompactSign(Buffer.from('{}')).setProtectedHeader({ alg: 'HS256', ...(kid && { kid }) }).sign(jose.base64url.decode(key.k));
  const { answers } = await batch([
    { key, token: await named('theirs') }, { key: { ...key, kid: 'ours' }, token: await named() },
    { key: { ...key, kid: 'ours' }, token: await named('ours') }, { key: { ...key, kid: 'ours' }, token: await named('theirs') },
  ]);
  assert.deepEqual(answers.map((a) => a.code), [null, null, null, 'KEY_UNKNOWN']);
});

// Every algorithm, with the library `jose` on the other side.

const claims = () => ({ iss: 'https://chat.example', aud: 'chat', sub: 'alice', client_id: 'web', jti: crypto.randomUUID(), iat: Math.floor(Date.now() / 1_000), exp: Math.floor(Date.now() / 1_000) + 600 });
const ALGORITHMS = ['HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];
async function newKeys(alg) {
  if (alg.startsWith('HS')) {
    const secret = await jose.exportJWK(crypto.randomBytes(64));
    return { signing: jose.base64url.decode(secret.k), privateJwk: { ...secret, alg }, publicJwk: { ...secret, alg } };
  }
  const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true });
  return {
    signing: privateKey, verifying: publicKey,
    privateJwk: { ...await jose.exportJWK(privateKey), alg }, publicJwk: { ...await jose.exportJWK(publicKey), alg },
    privatePem: await jose.exportPKCS8(privateKey), publicPem: await jose.exportSPKI(publicKey),
  };
}

test('what jose signs is valid here, with the key as JWK, JWKS and PEM', async () => {
  for (const alg of ALGORITHMS) {
    const keys = await newKeys(alg);
    const made = await new jose.SignJWT(claims()).setProtectedHeader({ alg, typ: 'at+jwt' }).sign(keys.signing);
    const forms = [keys.publicJwk, JSON.stringify(keys.publicJwk), { keys: [keys.publicJwk] }, keys.privateJwk, ...(keys.publicPem ? [keys.publicPem] : [])];
    const { answers } = await batch(forms.map((form) => ({ key: form, token: made })));
    assert.deepEqual(answers.map((a) => a.code), forms.map(() => null), alg);
    const whole = await batch(forms.slice(0, 4).map((form) => ({ key: form, token: made })), ['--issuer', 'https://chat.example', '--audience', 'chat']);
    assert.deepEqual(whole.answers.map((a) => a.code), [null, null, null, null], `${alg} with its claims`);
    const other = await newKeys(alg);
    assert.deepEqual((await batch([{ key: other.publicJwk, token: made }])).answers[0].code, 'SIGNATURE_INVALID', alg);
  }
});

test('what is signed here jose takes, with keys of jose as JWK and PEM', async (t) => {
  const dir = temporary(t);
  for (const alg of ALGORITHMS) {
    const keys = await newKeys(alg);
    const file = path.join(dir, `${alg}.pem`);
    if (keys.privatePem) fs.writeFileSync(file, keys.privatePem, { mode: 0o600 });
    const usual = ['RS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'].includes(alg); // what a PEM file, which names no algorithm, is for
    for (const given of [JSON.stringify(keys.privateJwk), ...(usual ? [file] : [])]) {
      const made = await issue(['--key', given, '--sub', 'alice', '--issuer', 'https://chat.example', '--audience', 'chat']);
      const { payload, protectedHeader } = await jose.jwtVerify(made, keys.verifying ?? keys.signing, { issuer: 'https://chat.example', audience: 'chat', typ: 'at+jwt' });
      assert.equal(payload.sub, 'alice', alg);
      assert.equal(protectedHeader.alg, alg === 'Ed25519' ? 'EdDSA' : alg);
      assert.equal(protectedHeader.kid, await jose.calculateJwkThumbprint(keys.privateJwk), 'the thumbprint of RFC 7638, as jose computes it');
    }
  }
});

test('the published keys of a server are read by jose, and verify its tokens', async (t) => {
  const node = await serve(t);
  const jwks = jose.createRemoteJWKSet(new URL(`${node.origin}/.well-known/jwks.json`));
  const made = await issue(['--data', node.data, '--sub', 'robot'], {});
  assert.equal((await jose.jwtVerify(made, jwks, { typ: 'at+jwt' })).payload.sub, 'robot');
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
