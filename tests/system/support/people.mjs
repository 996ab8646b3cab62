// Accounts and tokens for tests: real users of the real auth service, and tokens
// that differ from a real one in exactly one thing.
import crypto from 'node:crypto';
import { ask } from './http.mjs';
import { Client } from './websocket.mjs';

export const SECRET = 'Zq7-mXw2_Vt9Kd4pLs8Nc6Rb3Hy5Jf1G0aEu';   // HS256, for servers started with it
export const withSecret = { JWT_SECRET_KEY: SECRET };
export const PASSWORD = 'a long and quiet sentence';

// Registers and returns what login returns, with the name.
export async function register(node, name, password = PASSWORD) {
  const answer = await ask(node, 'POST', '/auth/register', { body: { name, password } });
  if (answer.status !== 201) throw new Error(`register ${name}: ${answer.status} ${answer.text}`);
  return { ...answer.json, name, password };
}

// A registered person with an open connection.
export async function arrive(node, name) {
  const person = await register(node, name);
  const client = await Client.open(node, { token: person.access_token });
  return Object.assign(client, { account: person, token: person.access_token });
}

const b64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

export function parts(token) {
  const [header, claims] = token.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
  return { header, claims };
}

export function sign({ header, claims }, secret = SECRET) {
  const signed = `${b64(header)}.${b64(claims)}`;
  return `${signed}.${crypto.createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

// A real token, changed: resign(token, { claims: { exp: 1 }, header: {}, secret }). A claim that
// is undefined is left out.
export function resign(token, { header = {}, claims = {}, secret = SECRET } = {}) {
  const real = parts(token);
  return sign({ header: { ...real.header, ...header }, claims: { ...real.claims, ...claims } }, secret);
}

export const now = () => Math.floor(Date.now() / 1_000);
export const expired = (token) => resign(token, { claims: { iat: now() - 7_200, nbf: undefined, exp: now() - 3_600 } });
