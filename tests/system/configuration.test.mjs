// The configuration rows of "the scenarios that started it", the option sources, and
// `foyer check`.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { foyer, foyerJson, freePort, serve, serveFails, temporary } from './support/foyer.mjs';

const SERVICE_SECRET = 'w8Jk2-Lm5Np7Qr9St1Uv3Wx6Yz0Ab4Cd';
const JWT_SECRET_KEY = 'e3Fg6-Hj9Kl2Mn5Pq8Rs1Tu4Vw7Xy0Za';
const STAGING = { ENVIRONMENT: 'staging', SERVICE_ID: 'gateway-1', SERVICE_SECRET, JWT_SECRET_KEY, AUTH_SERVICE_URL: 'https://auth.example.org', PUBLIC_URL: 'https://chat.example.org' };

function refusesConnections(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => { socket.destroy(); resolve(false); });
    socket.once('error', () => resolve(true));
  });
}

// The gateway alone in staging with this environment: what `check` says, and that
// `serve` says it too and does not listen.
async function gateway(t, env) {
  const data = temporary(t);
  const check = await foyerJson(['check', '--json', '--role', 'gateway', '--data', data], { env });
  const port = await freePort();
  if (!check.json.fit) {
    const failed = await serveFails(t, { data, dev: false, env, args: ['--role', 'gateway'], listen: `127.0.0.1:${port}` });
    assert.equal(failed.code, 1, failed.text);
    assert.equal(check.code, 1);
    for (const finding of check.json.findings.filter((f) => f.severity === 'error')) assert.match(failed.text, new RegExp(finding.code));
    assert.ok(await refusesConnections(port));
  } else {
    assert.equal(check.code, 0);
  }
  return check.json.findings;
}
const errors = (findings) => findings.filter((f) => f.severity === 'error').map((f) => f.code);

test('SERVICE_SECRET missing', async (t) => {
  const findings = await gateway(t, { ...STAGING, SERVICE_SECRET: undefined });
  assert.deepEqual(errors(findings), ['MISSING_SERVICE_SECRET']);
  assert.equal(findings[0].env, 'SERVICE_SECRET');
  assert.match(findings[0].message + findings[0].fix, /SERVICE_SECRET/);
});

test('JWT_SECRET_KEY missing', async (t) => {
  const findings = await gateway(t, { ...STAGING, JWT_SECRET_KEY: undefined });
  assert.deepEqual(errors(findings), ['MISSING_JWT_SECRET']);
  const text = findings[0].message + findings[0].fix;
  assert.match(text, /JWT_SECRET_KEY/);
  assert.match(text, /JWT_JWKS_URL|JWT_PRIVATE_KEY_FILE/);
});

test('JWT_SECRET_KEY=abc', async (t) => {
  const findings = await gateway(t, { ...STAGING, JWT_SECRET_KEY: 'abc' });
  assert.deepEqual(errors(findings), ['WEAK_SECRET']);
  assert.equal(findings[0].env, 'JWT_SECRET_KEY');
  assert.match(findings[0].message, /32/);
  assert.doesNotMatch(JSON.stringify(findings), /"abc"/);
});

test('AUTH_SERVICE_URL missing', async (t) => {
  assert.deepEqual(errors(await gateway(t, { ...STAGING, AUTH_SERVICE_URL: undefined })), ['MISSING_AUTH_SERVICE_URL']);
});

test('AUTH_SERVICE_URL=not-a-valid-url', async (t) => {
  assert.deepEqual(errors(await gateway(t, { ...STAGING, AUTH_SERVICE_URL: 'not-a-valid-url' })), ['INVALID_URL']);
});

test('AUTH_SERVICE_URL with port 99999', async (t) => {
  assert.deepEqual(errors(await gateway(t, { ...STAGING, AUTH_SERVICE_URL: 'https://auth.example.org:99999' })), ['INVALID_URL']);
});

test('staging with none of the three', async (t) => {
  const findings = await gateway(t, { ...STAGING, SERVICE_SECRET: undefined, JWT_SECRET_KEY: undefined, AUTH_SERVICE_URL: undefined });
  assert.deepEqual(errors(findings).sort(), ['MISSING_AUTH_SERVICE_URL', 'MISSING_JWT_SECRET', 'MISSING_SERVICE_SECRET']);
});

test('everything present', async (t) => {
  const findings = await gateway(t, STAGING);
  assert.deepEqual(findings.filter((f) => f.severity !== 'info'), []);
});

test('twelve planted faults are all told in one run, and no port is open while it fails', async (t) => {
  const data = temporary(t);
  const file = path.join(data, 'foyer.toml');
  fs.writeFileSync(file, 'log_level = "loud"\nmessage_byte = 1000\n');
  const secretFile = path.join(data, 'secret');
  fs.writeFileSync(secretFile, `${SERVICE_SECRET}\n`, { mode: 0o600 });
  const env = {
    ENVIRONMENT: 'production',
    SERVICE_ID: 'backend\r',                      //  1 ILLEGAL_CHARACTER
    SERVICE_SECRET: 'changeme',                   //  2 PLACEHOLDER_VALUE
    JWT_SECRET_KEY: 'abc',                        //  3 WEAK_SECRET
    PUBLIC_URL: 'http://chat.example.org',        //  4 INSECURE_URL
    AUTH_SERVICE_URL: 'https://127.0.0.1:9',      //  5 LOOPBACK_IN_PRODUCTION
    ALLOWED_ORIGINS: '*',                         //  6 INVALID_VALUE
    TLS_CERT_FILE: path.join(data, 'no-such.pem'), TLS_KEY_FILE: path.join(data, 'no-such.key'), //  7 FILE_UNREADABLE
    FOYER_HEARTBEAT_INTERVAL: '5m',               //  8 HEARTBEAT_TOO_SLOW
    FOYER_AUTH_ATTEMPT_TIMEOUT: '30s',            //  9 TIMEOUTS_INVERTED
    FOYER_MESAGE_BYTES: '1000',                   // 10 UNKNOWN_OPTION
    API_KEY: 'k4Lm7-Np0Qr3St6Uv9Wx2Yz5Ab8Cd1Ef',
    FOYER_API_KEY: 'g7Hj0-Kl3Mn6Pq9Rs2Tu5Vw8Xy1Za4Bc', // 11 CONFLICTING_SOURCES
  };                                              // 12 log_level in the file: INVALID_VALUE
  const { code, json } = await foyerJson(['check', '--json', '--role', 'gateway', '--data', data, '--config', file], { env });
  assert.equal(code, 1);
  assert.equal(json.fit, false);
  assert.equal(json.environment, 'production');
  const found = new Map();
  for (const f of json.findings) found.set(f.code, [...(found.get(f.code) ?? []), f]);
  for (const expected of ['ILLEGAL_CHARACTER', 'PLACEHOLDER_VALUE', 'WEAK_SECRET', 'INSECURE_URL', 'LOOPBACK_IN_PRODUCTION', 'INVALID_VALUE', 'FILE_UNREADABLE', 'HEARTBEAT_TOO_SLOW', 'TIMEOUTS_INVERTED', 'UNKNOWN_OPTION', 'CONFLICTING_SOURCES']) {
    assert.ok(found.has(expected), `${expected} is not among ${[...found.keys()]}`);
  }
  const of = (name, option) => found.get(name).find((f) => f.option === option || f.env === option);
  assert.match(of('ILLEGAL_CHARACTER', 'SERVICE_ID').message, /8|U\+000D|\\r/);
  assert.ok(of('INVALID_VALUE', 'allowed_origins') ?? of('INVALID_VALUE', 'ALLOWED_ORIGINS'));
  const level = of('INVALID_VALUE', 'log_level');
  assert.match(level.source, /foyer\.toml line 1 column \d+/);
  assert.ok(found.get('UNKNOWN_OPTION').some((f) => /message_bytes|FOYER_MESSAGE_BYTES/.test(f.message + f.fix)), 'the nearest name is told');
  for (const f of json.findings) for (const field of ['code', 'severity', 'message', 'fix']) assert.notEqual(f[field] ?? '', '', JSON.stringify(f));
  // What was planted is told, never shown.
  assert.doesNotMatch(JSON.stringify(json), /changeme|k4Lm7|g7Hj0/);
  const port = await freePort();
  const failed = await serveFails(t, { data, dev: false, env, args: ['--role', 'gateway', '--config', file], listen: `127.0.0.1:${port}` });
  assert.equal(failed.code, 1);
  assert.ok(await refusesConnections(port));
  for (const each of found.keys()) assert.match(failed.text, new RegExp(each));
});

test('no ENVIRONMENT is MISSING_ENVIRONMENT; nothing implies it', async (t) => {
  const { json, code } = await foyerJson(['check', '--json', '--data', temporary(t)]);
  assert.equal(code, 1);
  assert.ok(errors(json.findings).includes('MISSING_ENVIRONMENT'));
  const wrong = await foyerJson(['check', '--json', '--data', temporary(t)], { env: { ENVIRONMENT: 'prod' } });
  assert.ok(errors(wrong.json.findings).includes('INVALID_ENVIRONMENT'));
});

test('--dev is fit, and says where each value came from', async (t) => {
  const { code, json } = await foyerJson(['check', '--json', '--dev', '--data', temporary(t), '--log-level', 'debug'], { env: { FOYER_TEXT_BYTES: '1000' } });
  assert.equal(code, 0, JSON.stringify(json.findings));
  assert.deepEqual([json.fit, json.environment], [true, 'development']);
  const option = (name) => json.options.find((o) => o.name === name);
  for (const each of json.options) assert.deepEqual(['name', 'env', 'source'].filter((field) => typeof each[field] !== 'string'), [], JSON.stringify(each));
  assert.match(option('text_bytes').source, /environment|FOYER_TEXT_BYTES/);
  assert.match(option('log_level').source, /command line/);
  assert.match(option('drain_timeout').source, /default/);
});

test('a secret is shown by its fingerprint only, and a weak one as weak', async (t) => {
  const env = { JWT_SECRET_KEY };
  const { json } = await foyerJson(['check', '--json', '--dev', '--data', temporary(t)], { env });
  const row = json.options.find((o) => o.name === 'jwt_secret_key');
  assert.match(row.fingerprint ?? row.value, /^[0-9a-f]{8}$/);
  assert.doesNotMatch(JSON.stringify(json), new RegExp(JWT_SECRET_KEY));
  const text = await foyer(['check', '--dev', '--data', temporary(t)], { env });
  assert.doesNotMatch(text.out + text.err, new RegExp(JWT_SECRET_KEY));
});

test('NAME_FILE holds the value; one final line end is removed', async (t) => {
  const dir = temporary(t);
  const file = path.join(dir, 'jwt');
  fs.writeFileSync(file, `${JWT_SECRET_KEY}\n`, { mode: 0o600 });
  const direct = await foyerJson(['check', '--json', '--dev', '--data', dir], { env: { JWT_SECRET_KEY } });
  const byFile = await foyerJson(['check', '--json', '--dev', '--data', dir], { env: { JWT_SECRET_KEY_FILE: file } });
  const print = ({ json }) => { const row = json.options.find((o) => o.name === 'jwt_secret_key'); return row.fingerprint ?? row.value; };
  assert.equal(print(byFile), print(direct));
  const both = await foyerJson(['check', '--json', '--dev', '--data', dir], { env: { JWT_SECRET_KEY, JWT_SECRET_KEY_FILE: file } });
  assert.ok(errors(both.json.findings).includes('CONFLICTING_SOURCES'));
  fs.chmodSync(file, 0o644);
  const exposed = await foyerJson(['check', '--json', '--dev', '--data', dir], { env: { JWT_SECRET_KEY_FILE: file } });
  assert.ok(exposed.json.findings.some((f) => f.code === 'SECRET_FILE_EXPOSED'), JSON.stringify(exposed.json.findings));
});

test('white space around a secret is a finding, not silently removed', async (t) => {
  const { json } = await foyerJson(['check', '--json', '--dev', '--data', temporary(t)], { env: { JWT_SECRET_KEY: ` ${JWT_SECRET_KEY}` } });
  assert.ok(errors(json.findings).includes('ILLEGAL_CHARACTER'), JSON.stringify(json.findings));
});

test('one secret for two purposes is SECRET_REUSED', async (t) => {
  const findings = await gateway(t, { ...STAGING, SERVICE_SECRET: JWT_SECRET_KEY });
  assert.deepEqual(errors(findings), ['SECRET_REUSED']);
});

test('with and without the prefix: the same is well, different is CONFLICTING_SOURCES', async (t) => {
  const data = temporary(t);
  const same = await foyerJson(['check', '--json', '--dev', '--data', data], { env: { PUBLIC_URL: 'http://localhost:9', FOYER_PUBLIC_URL: 'http://localhost:9' } });
  assert.equal(same.code, 0, JSON.stringify(same.json.findings));
  const different = await foyerJson(['check', '--json', '--dev', '--data', data], { env: { PUBLIC_URL: 'http://localhost:9', FOYER_PUBLIC_URL: 'http://localhost:8' } });
  assert.ok(errors(different.json.findings).includes('CONFLICTING_SOURCES'));
});

test('what Kubernetes injects for a service named foyer is not an unknown option', async (t) => {
  const env = { FOYER_SERVICE_HOST: '10.0.0.1', FOYER_SERVICE_PORT: '8000', FOYER_PORT: 'tcp://10.0.0.1:8000', FOYER_PORT_8000_TCP: 'tcp://10.0.0.1:8000', FOYER_PORT_8000_TCP_PROTO: 'tcp', FOYER_PORT_8000_TCP_PORT: '8000', FOYER_PORT_8000_TCP_ADDR: '10.0.0.1', FOYER_SERVICE_PORT_HTTP: '8000' };
  const { json, code } = await foyerJson(['check', '--json', '--dev', '--data', temporary(t)], { env });
  assert.equal(code, 0, JSON.stringify(json.findings));
});

test('a TOML file with a fault is told with line and column', async (t) => {
  const file = path.join(temporary(t), 'foyer.toml');
  fs.writeFileSync(file, 'log_level = "info"\ntext_bytes = = 3\n');
  const { code, json } = await foyerJson(['check', '--json', '--dev', '--data', temporary(t), '--config', file]);
  assert.equal(code, 1);
  assert.match(JSON.stringify(json.findings), /foyer\.toml line 2 column \d+/);
});

test('the same check runs before `serve`; the text form ends with what to do', async (t) => {
  const failed = await serveFails(t, { env: { FOYER_TEXT_BYTES: 'many' } });
  assert.equal(failed.code, 1);
  assert.match(failed.text, /INVALID_VALUE/);
  const check = await foyer(['check', '--dev', '--data', temporary(t)], { env: { FOYER_TEXT_BYTES: 'many' } });
  assert.equal(check.code, 1);
  assert.match(check.out + check.err, /INVALID_VALUE[\s\S]*FOYER_TEXT_BYTES/);
});

test('two kinds of key at once are CONFLICTING_KEYS', async (t) => {
  const findings = await gateway(t, { ...STAGING, JWT_JWKS_URL: 'https://auth.example.org/.well-known/jwks.json' });
  assert.deepEqual(errors(findings), ['CONFLICTING_KEYS']);
});

test('a configuration that is fit in every source is the one that serves', async (t) => {
  const dir = temporary(t);
  const file = path.join(dir, 'foyer.toml');
  fs.writeFileSync(file, 'text_bytes = 123\n');
  const node = await serve(t, { args: ['--config', file] });
  const { Client } = await import('./support/websocket.mjs');
  const { register } = await import('./support/people.mjs');
  const ann = await Client.open(node, { token: (await register(node, 'ann')).access_token });
  assert.equal(ann.welcome.limits.text_bytes, 123);
});
