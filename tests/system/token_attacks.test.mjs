// The attacks on tokens that RFC 8725 and its successor collect, at the door of a running server:
// each token by header, by subprotocol and by first message, and the same cause each time.
// (The same attacks with all their variants, one by one: src/jose/attacks_test.cc.)
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import zlib from 'node:zlib';
import { atEnd, fileScope, serve, temporary } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { SECRET, parts, register, withSecret } from './support/people.mjs';
import { Client, handshake } from './support/websocket.mjs';

const file = fileScope(after);
const b64 = (value) => Buffer.from(typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value)).toString('base64url');
const hmac = (secret, hash = 'sha256') => (input) => crypto.createHmac(hash, secret).update(input).digest();
// A token of these two texts (or objects), signed by `by`.
const token = (header, claims, by) => {
  const input = `${b64(header)}.${b64(claims)}`;
  return `${input}.${by(input).toString('base64url')}`;
};

let secret;   // a server whose tokens are HMACs
let pair;     // one whose tokens are signatures with Ed25519
let rsa;      // RS256
let curve;    // ES256
let visits = 0;
let place;    // where nobody must ask

before(async () => {
  const listener = net.createServer((socket) => { visits += 1; socket.destroy(); });
  await new Promise((resolve) => { listener.listen(0, '127.0.0.1', resolve); });
  atEnd(file, () => listener.close());
  place = `http://127.0.0.1:${listener.address().port}`;

  const ofSecret = await serve(file, { env: withSecret });
  const account = await register(ofSecret, 'ann');
  const ann = parts(account.access_token);
  const { ticket } = (await ask(ofSecret, 'POST', '/auth/tickets', { token: account.access_token, body: {} })).json;
  const apiKey = fs.readFileSync(path.join(ofSecret.data, 'api_key'), 'utf8').trim();
  secret = { node: ofSecret, ...ann, opaque: { 'refresh token': account.refresh_token, ticket, 'API key': apiKey }, by: hmac(SECRET), other: hmac('another secret, and as long as it has to be') };

  for (const [kind, value] of Object.entries(secret.opaque)) assert.ok(value?.length > 20, kind);

  const withPair = async (keys, by) => {
    const pem = path.join(temporary(file), 'jwt.pem');
    fs.writeFileSync(pem, keys.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const node = await serve(file, { env: { JWT_PRIVATE_KEY_FILE: pem } });
    return { node, ...parts((await register(node, 'ben')).access_token), keys, by: (input) => by(input, keys.privateKey) };
  };
  pair = await withPair(crypto.generateKeyPairSync('ed25519'), (input, key) => crypto.sign(null, input, key));
  rsa = await withPair(crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }), (input, key) => crypto.sign('sha256', input, key));
  curve = await withPair(crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }), (input, key) => crypto.sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' }));
});

const good = (to) => token(to.header, to.claims, to.by);
const withHeader = (to, header, by = to.by) => token({ ...to.header, ...header }, to.claims, by);
const withClaims = (to, claims) => token(to.header, { ...to.claims, ...claims }, to.by);
// One claim as a piece of JSON that no JSON writer writes.
const withRaw = (to, name, text) => {
  const rest = { ...to.claims };
  delete rest[name];
  return token(to.header, `${JSON.stringify(rest).slice(0, -1)},"${name}":${text}}`, to.by);
};
const widened = (text, encoding, bytes) => (encoding === 'utf16le' ? Buffer.from(text, 'utf16le') : Buffer.concat([...Buffer.from(text)].map((c) => { const unit = Buffer.alloc(bytes); unit[bytes - 1] = c; return unit; })));
const shift = (text, by) => { const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'; return text.slice(0, -1) + letters[letters.indexOf(text.at(-1)) + by]; };
const segments = (text) => text.split('.');

const ORDER = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'; // n of P-256

const form = 'INVALID_FORMAT';
const alg = 'ALGORITHM_NOT_ALLOWED';

// Attacks by what the header and the claims say.
const bySaying = (byMallory) => {
  const [h, c, s] = segments(good(secret));
  return [
    ...['none', 'None', 'NONE', 'noNE'].flatMap((name) => [[1, `alg ${name}, no signature`, alg, secret, `${b64({ ...secret.header, alg: name })}.${c}.`],
      [1, `alg ${name}, signed`, alg, secret, withHeader(secret, { alg: name })],
      [1, `alg ${name}, where a key pair signs`, alg, pair, `${b64({ ...pair.header, alg: name })}.${b64(pair.claims)}.`]]),
    ...[rsa, curve, pair].flatMap((to) => {
      const { publicKey } = to.keys;
      const pem = publicKey.export({ type: 'spki', format: 'pem' });
      const jwk = publicKey.export({ format: 'jwk' });
      const texts = { 'PEM': pem, 'PEM without its last line end': pem.trimEnd(), 'DER': publicKey.export({ type: 'spki', format: 'der' }), 'JWK text': JSON.stringify(jwk), 'its number': Buffer.from(jwk.n ?? jwk.x, 'base64url') };
      return Object.entries(texts).map(([what, key]) => [2, `the public key of ${to.header.alg} as HMAC secret: ${what}`, alg, to, withHeader(to, { alg: 'HS256' }, hmac(key))]);
    }),
    [4, 'an encrypted token', form, secret, `${b64({ alg: 'dir', enc: 'A256GCM' })}..${b64('iv')}.${b64('text')}.${b64('tag')}`],
    [4, 'enc in a signed one', form, secret, withHeader(secret, { enc: 'A256GCM' })],
    [5, 'a token in a token', form, secret, token({ ...secret.header, cty: 'JWT' }, good(secret), secret.by)],
    [6, 'ECDH-ES', alg, secret, withHeader(secret, { alg: 'ECDH-ES', epk: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' } })],
    [7, 'claims with a BOM', form, secret, token(secret.header, `\ufeff${JSON.stringify(secret.claims)}`, secret.by)],
    [7, 'claims in UTF-16', form, secret, token(secret.header, widened(JSON.stringify(secret.claims), 'utf16le'), secret.by)],
    [7, 'claims in UTF-32', form, secret, token(secret.header, widened(JSON.stringify(secret.claims), 'utf32be', 4), secret.by)],
    [7, 'a header in UTF-16', form, secret, token(widened(JSON.stringify(secret.header), 'utf16be', 2), secret.claims, secret.by)],
    [8, 'for another audience', 'AUDIENCE_MISMATCH', secret, withClaims(secret, { aud: 'billing' })],
    [8, 'of another issuer', 'ISSUER_MISMATCH', secret, withClaims(secret, { iss: 'https://elsewhere.example' })],
    [8, 'of another issuer, whose key has the same kid', 'SIGNATURE_INVALID', pair, withHeader(pair, {}, byMallory)],
    ...['refresh+jwt', 'ticket+jwt', 'service+jwt', 'doctor+jwt', 'dpop+jwt', 'JWT', undefined].map((typ) => [9, `a token of typ ${typ}`, 'WRONG_TOKEN_TYPE', secret, withHeader(secret, { typ })]),
    ...Object.entries(secret.opaque).map(([kind, value]) => [9, `a ${kind} in the place of an access token`, form, secret, value]),
    ...['../../../../dev/null', "' OR 1=1 --", 'a\u0000b', '|/usr/bin/id', ''].map((kid) => [10, `kid ${JSON.stringify(kid)}`, 'KEY_UNKNOWN', secret, withHeader(secret, { kid })]),
    [10, 'a kid of 4 kB', form, secret, withHeader(secret, { kid: 'k'.repeat(4_000) })],
    ...['jku', 'x5u', 'jwks_uri'].map((name) => [11, `${name} to fetch`, 'SIGNATURE_INVALID', pair, withHeader(pair, { [name]: `${place}/${name}` }, byMallory)]),
    [11, 'jku by a name of this machine', 'SIGNATURE_INVALID', pair, withHeader(pair, { jku: `${place.replace('127.0.0.1', 'localhost')}/jku` }, byMallory)],
    [12, 'PBES2 with a huge p2c', alg, secret, withHeader(secret, { alg: 'PBES2-HS256+A128KW', p2c: 2_147_483_647, p2s: 'AAAA' })],
    [13, 'zip', form, secret, withHeader(secret, { zip: 'DEF' })],
    [13, 'a compressed payload', form, secret, token({ ...secret.header, zip: 'DEF' }, zlib.deflateRawSync(Buffer.alloc(500_000)), secret.by)],
    [14, 'the JSON serialisation', form, secret, JSON.stringify({ protected: h, payload: c, signature: s })],
    [14, 'a token in braces', form, secret, `{${good(secret)}}`],
    [14, 'a token in quotes', form, secret, `"${good(secret)}"`],
    [15, 'typ text/at+jwt', 'WRONG_TOKEN_TYPE', secret, withHeader(secret, { typ: 'text/at+jwt' })],
    ...['HS512', 'hs256', 'EdDSA', 'RS256'].map((name) => [16, `alg ${name}`, alg, secret, withHeader(secret, { alg: name })]),
    [16, 'alg ES256 for Ed25519', alg, pair, withHeader(pair, { alg: 'ES256' })],
    ...['RS512', 'PS256', 'ES256', 'EdDSA'].map((name) => [16, `alg ${name} for RS256`, alg, rsa, withHeader(rsa, { alg: name })]),
    [16, 'a PSS signature where RS256 is due', 'SIGNATURE_INVALID', rsa, withHeader(rsa, {}, (input) => crypto.sign('sha256', input, { key: rsa.keys.privateKey, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }))],
  ];
};

// Attacks by how a token is written.
const byWriting = () => {
  const [h, c, s] = segments(good(secret));
  return [
    [17, 'alg twice', form, secret, token(`{"alg":"none",${JSON.stringify(secret.header).slice(1)}`, secret.claims, secret.by)],
    [17, 'exp twice', form, secret, token(secret.header, `${JSON.stringify(secret.claims).slice(0, -1)},"exp":99999999999}`, secret.by)],
    ...['.', '..', '...', 'a', 'a.b', `${h}..${s}`, `.${c}.${s}`, `${h}.${c}.`, `${h}.${c}`, `${good(secret)}.`, `.${good(secret)}`, `${good(secret)}.${s}`, `${good(secret)}=`].map((text) => [18, `${text.slice(0, 4)}… of ${text.length} characters`, form, secret, text]),
    ...['\r\n', '\n', '\0', ' ', '\t'].flatMap((bytes) => [[18, `${JSON.stringify(bytes)} inside`, form, secret, `${h}.${bytes}${c}.${s}`], [18, `${JSON.stringify(bytes)} behind`, form, secret, `${good(secret)}${bytes}`]]),
    ...[1, 2, 3].map((by) => [19, `unused bits ${by}`, form, secret, shift(good(secret), by)]),
    ...['"1800000840"', '-1', '9223372036854775808', 'null', 'true'].map((text) => [20, `exp ${text}`, 'CLAIM_MISSING', secret, withRaw(secret, 'exp', text)]),
    ...['1e400', 'NaN', '01', 'Infinity'].map((text) => [20, `exp ${text}`, form, secret, withRaw(secret, 'exp', text)]),
    [21, 'longer than 8 KiB', form, secret, withClaims(secret, { note: 'n'.repeat(6_500) })],
    ...[['exp'], ['b64'], ['alg'], [], 'exp'].map((crit) => [22, `crit ${JSON.stringify(crit)}`, form, secret, withHeader(secret, { crit, exp: 1, b64: true })]),
  ];
};

// Attacks by keys and signatures.
const bySigning = (mallory, byMallory) => [
  [23, 'a key inside', 'SIGNATURE_INVALID', pair, withHeader(pair, { jwk: mallory.publicKey.export({ format: 'jwk' }) }, byMallory)],
  ...[16, 31].map((bytes) => [24, `an HMAC of ${bytes} octets`, 'SIGNATURE_INVALID', secret, withHeader(secret, {}, (input) => secret.by(input).subarray(0, bytes))]),
  [24, 'an HMAC by another secret', 'SIGNATURE_INVALID', secret, withHeader(secret, {}, secret.other)],
  [25, 'a signature of zeros', 'SIGNATURE_INVALID', pair, withHeader(pair, {}, () => Buffer.alloc(64))],
  ...Object.entries({ zero: '', one: '01', n: ORDER, 'n + 1': `${ORDER.slice(0, -2)}52`, 'all ones': 'ff'.repeat(32) })
    .flatMap(([what, number]) => [['r', (rs) => Buffer.concat([Buffer.from(number.padStart(64, '0'), 'hex'), rs.subarray(32)])], ['s', (rs) => Buffer.concat([rs.subarray(0, 32), Buffer.from(number.padStart(64, '0'), 'hex')])]]
      .map(([half, change]) => [25, `ECDSA with ${half} = ${what}`, 'SIGNATURE_INVALID', curve, withHeader(curve, {}, (input) => change(curve.by(input)))])),
  [25, 'ECDSA in DER', 'SIGNATURE_INVALID', curve, withHeader(curve, {}, (input) => crypto.sign('sha256', input, curve.keys.privateKey))],
  [25, 'ECDSA with a zero before each half', 'SIGNATURE_INVALID', curve, withHeader(curve, {}, (input) => { const rs = curve.by(input); return Buffer.concat([Buffer.alloc(1), rs.subarray(0, 32), Buffer.alloc(1), rs.subarray(32)]); })],
  [25, 'RSA with a zero before it', 'SIGNATURE_INVALID', rsa, withHeader(rsa, {}, (input) => Buffer.concat([Buffer.alloc(1), rsa.by(input)]))],
  [25, 'RSA with the signature 1', 'SIGNATURE_INVALID', rsa, withHeader(rsa, {}, () => Buffer.from('01'.padStart(512, '0'), 'hex'))],
  [25, 'an over-long signature', 'SIGNATURE_INVALID', pair, withHeader(pair, {}, (input) => Buffer.concat([pair.by(input), Buffer.alloc(1)]))],
];

// [attack, what, code, server, token]. (3, a weak secret, is refused at the start: configuration.test.mjs.)
const attacks = () => {
  const mallory = crypto.generateKeyPairSync('ed25519');
  const byMallory = (input) => crypto.sign(null, input, mallory.privateKey);
  return [...bySaying(byMallory), ...byWriting(), ...bySigning(mallory, byMallory)];
};

// What can stand in a header at all; the rest is a matter of HTTP (door.test.mjs).
const isVisible = (text) => /^[\x21-\x7e]+$/.test(text);

test('the real tokens get in, by each of the three ways', async () => {
  for (const to of [secret, pair, rsa, curve]) {
    const text = good(to);
    for (const headers of [{ Authorization: `Bearer ${text}` }, { 'Sec-WebSocket-Protocol': `foyer.v1, bearer.${text}` }]) {
      const { socket } = await handshake(to.node, { headers });
      assert.equal((await socket.messages.take()).type, 'authentication_success');
      socket.destroy();
    }
    const client = await Client.open(to.node, { token: text });
    client.socket.destroy();
  }
});

test('by Authorization header: refused before the upgrade, each with its cause', async () => {
  for (const [number, what, code, to, text] of attacks()) {
    if (!isVisible(text)) continue;
    const { refused, socket } = await handshake(to.node, { headers: { Authorization: `Bearer ${text}` } });
    socket?.destroy();
    assert.deepEqual([refused?.status, refused?.json.code], [401, code], `attack ${number}, ${what}`);
    assert.match(refused.headers['www-authenticate'], /^Bearer\b/);
  }
});

test('by subprotocol: the same causes', async () => {
  for (const [number, what, code, to, text] of attacks()) {
    const { refused, socket } = await handshake(to.node, { headers: { 'Sec-WebSocket-Protocol': `foyer.v1, bearer.${b64(text)}` } });
    socket?.destroy();
    assert.deepEqual([refused?.status, refused?.json.code], [401, code], `attack ${number}, ${what}`);
  }
});

test('by first message: the same causes, and close 4401', async () => {
  for (const [number, what, code, to, text] of attacks()) {
    const { socket } = await handshake(to.node);
    socket.sendText(JSON.stringify({ type: 'authenticate', token: text }));
    const told = await socket.messages.take();
    const end = await socket.ended();
    assert.deepEqual([told.type, told.code, end.code, end.reason.split(' ')[0]], ['authentication_error', code, 4401, code], `attack ${number}, ${what}`);
  }
});

test('nothing was fetched from where tokens pointed, and no token or secret stands in a log', () => {
  assert.equal(visits, 0);
  for (const [number, what, , to, text] of attacks()) if (text.length > 40) assert.ok(!to.node.text.includes(segments(text).at(-1) || segments(text).at(-2)), `attack ${number}, ${what}`);
  assert.ok(!secret.node.text.includes(SECRET));
});
