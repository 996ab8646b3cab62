// An auth service and its gateways as processes of their own, with a fault gate
// between each gateway and the service; and how a refusal of theirs is read off a
// client, the operator's API, the log and the metrics.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Gate } from '../../harness/gate/gate.mjs';
import { atEnd, freePort, serve, temporary } from './foyer.mjs';
import { ask } from './http.mjs';
import { withSecret } from './people.mjs';
import { handshake } from './websocket.mjs';
import { until } from './within.mjs';

export const API_KEY = 'Ux3-operators-key-of-the-tests';
export const SERVICE_SECRET = 'T5-rnV8_qLw2Xc7Yb4Zm1Kp6Hs9Gd3Jf0Ae';
export const PUBLIC_URL = 'http://chat.foyer.test';   // nobody resolves it: Host is the address, Origin is this
export const ENVIRONMENT = 'test';
const common = { ENVIRONMENT, PUBLIC_URL, API_KEY, SERVICE_ID: 'gateway-of-the-tests', SERVICE_SECRET };
const many = ['--address-auth-requests', '1000000'];
const wide = ['--address-handshakes', '1000000', '--address-refusals', '1000000', '--user-connections', '100000', '--messages-per-s', '100000', '--messages-burst', '100000',
  '--auth-connect-timeout', '5s', '--auth-attempt-timeout', '5s', '--auth-deadline', '20s']; // a busy machine is no fault of the auth service
// For faults that are met by waiting.
export const IMPATIENT = { args: ['--auth-connect-timeout', '1s', '--auth-attempt-timeout', '1s', '--auth-deadline', '8s'] };

// keys: 'shared' (JWT_SECRET_KEY on both sides) or 'pair' (JWT_PRIVATE_KEY_FILE there, JWT_JWKS_URL here).
export async function startAuth(t, { keys = 'shared', data = temporary(t), args = [], env = {}, listen, wrap } = {}) {
  const auth = await serve(t, { dev: false, data, listen: listen ?? `127.0.0.1:${await freePort()}`, wrap, args: ['--role', 'auth', '--registration', 'open', ...many, ...args],
    env: { ...common, ...(keys === 'shared' ? withSecret : { JWT_PRIVATE_KEY_FILE: keyFile(data) }), ...env } });
  return Object.assign(auth, { keys });
}

function keyFile(data) {
  const file = path.join(data, 'jwt.pem');
  if (!fs.existsSync(file)) fs.writeFileSync(file, crypto.generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return file;
}

// `to` is what it asks: { url }. Ready when it has heard of revocations, unless `wait` is false.
export async function startGateway(t, { to, keys = 'shared', data, args = [], env = {}, listen, wrap, wait = true } = {}) {
  const gateway = await serve(t, { dev: false, data, listen, wrap, args: ['--role', 'gateway', ...wide, ...args],
    env: { ...common, AUTH_SERVICE_URL: to.url, ...(keys === 'shared' ? withSecret : { JWT_JWKS_URL: `${to.url}/.well-known/jwks.json` }), ...env } });
  gateway.origin = PUBLIC_URL;
  if (wait) await until('the gateway to know of revocations', async () => (await ready(gateway)).checks.revocations?.status === 'ok', 30_000);
  return gateway;
}

export async function openGate(t, node) {
  const gate = await Gate.open({ host: node.host, port: node.port });
  atEnd(t, () => gate.close());
  return gate;
}

// { auth, gate, gateway }
export async function startPair(t, { keys, auth: authOptions = {}, gateway: gatewayOptions = {} } = {}) {
  const auth = await startAuth(t, { keys, ...authOptions });
  return { auth, ...(await behindGate(t, auth, gatewayOptions)) };
}

// One more gateway of this auth service, behind a gate of its own.
export async function behindGate(t, auth, options = {}) {
  const gate = await openGate(t, auth);
  const gateway = await startGateway(t, { to: gate, keys: auth.keys, ...options });
  return { gate, gateway };
}

// A process that starts again where it was: same data, same port.
export function again(t, node, start, options = {}) {
  return start(t, { keys: node.keys, data: node.data, listen: `${node.host}:${node.port}`, ...options });
}

// ---- what people have

export async function ticket(auth, person, body = {}) {
  const { status, json, text } = await ask(auth, 'POST', '/auth/tickets', { token: person.access_token, body });
  if (status !== 201) throw new Error(`no ticket: ${status} ${text}`);
  return `/ws/chat?ticket=${json.ticket}`;
}

export const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });

// ---- how they are refused

// As a native client: { code, ref, status, json, headers }
export async function refusedByHttp(gateway, options) {
  const { refused } = await handshake(gateway, options);
  assert.ok(refused, 'a refusal expected, but the handshake was completed');
  assert.equal(refused.headers['content-type'], 'application/problem+json', refused.text);
  const { code, ref } = refused.json;
  assert.equal(refused.headers['x-foyer'].endsWith(`ref=${ref}`), true, refused.headers['x-foyer']);
  assert.equal(refused.json.status, refused.status);
  return { code, ref, status: refused.status, json: refused.json, headers: refused.headers };
}

// As a browser: { code, ref, close, message }; never a bare 1006.
export async function refusedByClose(gateway, { path: at, headers = {} } = {}) {
  const { socket, refused } = await handshake(gateway, { path: at, headers: { Origin: gateway.origin, ...headers } });
  assert.ok(socket, `an upgrade expected: ${refused?.status} ${refused?.text}`);
  const message = await socket.messages.take('authentication_error');
  const { code: close, reason } = await socket.ended();
  assert.equal(message.type, 'authentication_error', JSON.stringify(message));
  assert.ok(reason.startsWith(`${message.code} ${message.ref}`), `${reason} of ${message.code} ${message.ref}`);
  return { code: message.code, ref: message.ref, close, message };
}

// ---- how the operator sees it

const operator = { headers: { 'X-API-Key': API_KEY } };

export async function why(gateway, ref) {
  const { json, text } = await ask(gateway, 'GET', `/api/refusals?ref=${ref}`, operator);
  assert.equal(json.refusals?.length, 1, `${ref}: ${text}`);
  return json.refusals[0];
}

// The causes of the attempts that a refusal tells of.
export const attemptsIn = (text) => [...text.matchAll(/\bAttempt \d+: ([A-Z_]+)/g)].map((match) => match[1]);

// Of one series, 0 if it is not there: metric(node, 'foyer_refusals_total', { code: 'X' })
export async function metric(node, name, labels = {}) {
  const { text, status } = await ask(node, 'GET', '/metrics', operator);
  assert.equal(status, 200, text);
  const wanted = Object.entries(labels).map(([k, v]) => `${k}="${v}"`);
  const lines = text.split('\n').filter((line) => (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && wanted.every((label) => line.includes(label)));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

export async function ready(node) {
  const answer = await ask(node, 'GET', '/health/ready');
  return { http: answer.status, ...answer.json };
}

// The name of the check that has this code, once one has.
export const readySays = (node, code, ms) => until(`${code} in /health/ready`, async () => {
  const { checks } = await ready(node);
  return Object.keys(checks).find((name) => checks[name].code === code);
}, ms);
