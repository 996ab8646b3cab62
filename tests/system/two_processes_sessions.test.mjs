// Sessions, keys and revocations where the auth service and its gateways are processes
// of their own: one successor, a dead family's sockets, keys that rotate under load, a
// flood of unknown keys, and a command in a third process that closes sockets everywhere.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import path from 'node:path';
import { test } from 'node:test';
import { BIN, foyer } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { ENVIRONMENT, bearer, behindGate, refusedByHttp, startAuth, startPair } from './support/pair.mjs';
import { PASSWORD, parts, register } from './support/people.mjs';
import { Client } from './support/websocket.mjs';
import { until, within } from './support/within.mjs';

const SLOW = BIN.includes('/asan/');
const SCALE = Number(process.env.FOYER_TEST_SCALE ?? (SLOW ? 0.2 : 1)); // of what is many
const JWKS = '/.well-known/jwks.json';
const refresh = (at, token) => ask(at, 'POST', '/auth/refresh', { body: { refresh_token: token } });
const command = (auth, ...args) => foyer([...args, '--data', auth.data], { env: { ENVIRONMENT, ...(auth.keys === 'pair' ? { JWT_PRIVATE_KEY_FILE: path.join(auth.data, 'jwt.pem') } : {}) } });

// An auth service with two gateways.
async function startThree(t, { keys, auth: options } = {}) {
  const auth = await startAuth(t, { keys, ...options });
  const gateways = [(await behindGate(t, auth)).gateway, (await behindGate(t, auth)).gateway];
  return { auth, gateways };
}

// Milliseconds from now to the close of each socket, once all are closed with this cause.
async function closedBy(clients, code, cause) {
  const start = performance.now();
  return Promise.all(clients.map(async (client) => {
    const end = await client.ended(30_000);
    assert.deepEqual([end.code, end.reason.split(' ')[0]], [code, cause]);
    return Math.round(performance.now() - start);
  }));
}

test('50 concurrent refreshes of one token, through two gateways: one family, one successor', async (t) => {
  const { auth, gateways } = await startThree(t);
  const ann = await register(auth, 'ann');
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => refresh(gateways[i % 2], ann.refresh_token)));
  assert.deepEqual([...new Set(answers.map((a) => a.status))], [200], answers.find((a) => a.status !== 200)?.text);
  const successors = new Set(answers.map((a) => a.json.refresh_token));
  assert.equal(successors.size, 1);
  assert.deepEqual([...new Set(answers.map((a) => a.json.session))], [ann.session]);
  const { json } = await ask(gateways[0], 'GET', '/auth/sessions', { token: ann.access_token });
  assert.equal((json.sessions ?? json).length, 1);
  const [successor] = successors;
  assert.notEqual(successor, ann.refresh_token);
  assert.equal((await refresh(gateways[1], successor)).status, 200);
});

test('reuse after the successor was used: the family is dead, and its sockets are closed at every gateway', async (t) => {
  const { auth, gateways } = await startThree(t);
  const ann = await register(auth, 'ann');
  const bob = await register(auth, 'bob');
  const second = (await refresh(gateways[0], ann.refresh_token)).json;
  const third = (await refresh(gateways[1], second.refresh_token)).json;
  const sockets = [];
  for (const gateway of gateways) for (const { access_token: token } of [ann, third]) sockets.push(await Client.open(gateway, { token }));
  const other = await Client.open(gateways[0], { token: bob.access_token });
  const closing = closedBy(sockets, 4401, 'SESSION_REVOKED');
  const reused = await refresh(gateways[0], ann.refresh_token);
  assert.deepEqual([reused.status, reused.json.code], [401, 'REFRESH_REUSED']);
  t.diagnostic(`closed ${(await closing).join(', ')} ms after the reuse was sent`);
  assert.equal((await refresh(gateways[1], third.refresh_token)).status, 401);
  for (const gateway of gateways) assert.equal((await refusedByHttp(gateway, bearer(third.access_token))).code, 'SESSION_REVOKED');
  assert.equal((await other.ask('ping')).type, 'pong');
});

test('all other sessions ended at one gateway: their sockets close at both, one’s own stays', async (t) => {
  const { auth, gateways } = await startThree(t);
  const ann = await register(auth, 'ann');
  const logins = [];
  for (let i = 0; i < 3; i += 1) logins.push((await ask(auth, 'POST', '/auth/login', { body: { name: 'ann', password: PASSWORD } })).json);
  const own = await Promise.all(gateways.map((gateway) => Client.open(gateway, { token: ann.access_token })));
  const others = [];
  for (const gateway of gateways) for (const { access_token: token } of logins) others.push(await Client.open(gateway, { token }));
  const closing = closedBy(others, 4401, 'SESSION_REVOKED');
  const { status } = await ask(gateways[0], 'DELETE', '/auth/sessions?others=true', { token: ann.access_token });
  assert.ok(status === 204 || status === 200, String(status));
  t.diagnostic(`closed after ${(await closing).join(', ')} ms`);
  for (const client of own) assert.equal((await client.ask('ping')).type, 'pong');
});

test('`foyer user disable` in another process closes the user’s sockets at every gateway', async (t) => {
  const { auth, gateways } = await startThree(t);
  const [ann, bob] = [await register(auth, 'ann'), await register(auth, 'bob')];
  const anns = await Promise.all([0, 1, 0, 1].map((i) => Client.open(gateways[i], { token: ann.access_token })));
  const bobs = await Promise.all(gateways.map((gateway) => Client.open(gateway, { token: bob.access_token })));
  let disabled = 0;
  const ends = anns.map(async (client) => {
    const { code, reason } = await client.ended(30_000);
    assert.deepEqual([code, reason.split(' ')[0]], [4403, 'USER_DISABLED']);
    return performance.now();
  });
  const { code, err } = await command(auth, 'user', 'disable', 'ann');
  disabled = performance.now();
  assert.equal(code, 0, err);
  t.diagnostic(`closed ${(await Promise.all(ends)).map((at) => Math.round(at - disabled)).join(', ')} ms after the command had ended`);
  for (const gateway of gateways) assert.equal((await refusedByHttp(gateway, bearer(ann.access_token))).code, 'USER_DISABLED');
  for (const client of bobs) assert.equal((await client.ask('ping')).type, 'pong');
  assert.equal((await command(auth, 'user', 'enable', 'ann')).code, 0);
  const login = await until('ann to be let in again', async () => {
    const answer = await ask(gateways[0], 'POST', '/auth/login', { body: { name: 'ann', password: PASSWORD } });
    return answer.status === 200 && answer.json;
  });
  await until('both gateways to know', async () => {
    for (const gateway of gateways) { const c = await Client.open(gateway, { token: login.access_token }).catch(() => null); if (!c) return false; }
    return true;
  });
});

test('keys rotate under load: no token is rejected, before, during and after', async (t) => {
  const { auth, gateway } = await startPair(t, { keys: 'pair' });
  const people = [];
  for (let i = 0; i < 4; i += 1) people.push(await register(auth, `p${i}`));
  const kids = new Set();
  let connected = 0;
  let over = false;
  const turning = people.map(async (person) => {
    let { access_token: token, refresh_token: next } = person;
    const kept = [token];
    while (!over) {
      const fresh = await refresh(gateway, next);
      assert.equal(fresh.status, 200, fresh.text);
      ({ access_token: token, refresh_token: next } = fresh.json);
      kids.add(parts(token).header.kid);
      if (kept.length < 5) kept.push(token);
      for (const each of [token, kept[connected % kept.length]]) {
        const client = await Client.open(gateway, { token: each });
        connected += 1;
        await client.close();
      }
    }
  });
  const failed = Promise.all(turning).catch((error) => { over = true; throw error; });
  failed.catch(() => {});
  // Both are published before the first of them signs, so one fetch of the gateway brings both.
  for (const ahead of ['10s', '14s']) {
    const { code, out, err } = await command(auth, 'key', 'rotate', '--publish-for', ahead);
    assert.equal(code, 0, `${out}${err}`);
  }
  for (const count of [2, 3]) {
    await Promise.race([until(`${count} keys to have signed`, () => kids.size >= count, 60_000), failed]);
    const before = connected;
    await Promise.race([until('more connections with it', () => connected > before + 20, 60_000), failed]);
  }
  over = true;
  await failed;
  assert.equal(kids.size, 3);
  t.diagnostic(`${connected} connections, 3 keys, none refused`);
  // A gateway that starts now takes tokens of all three.
  const { keys } = (await ask(auth, 'GET', JWKS)).json;
  assert.ok([...kids].every((kid) => keys.some((key) => key.kid === kid)), 'the retired ones are published as long as their tokens live');
});

test('a flood of 10,000 unknown key ids: at most one fetch of the key set in a cool-down', async (t) => {
  const { auth, gate, gateway } = await startPair(t, { keys: 'pair' });
  const ann = await register(auth, 'ann');
  await Client.open(gateway, { token: ann.access_token });
  const { header, claims } = parts(ann.access_token);
  const b64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const stranger = () => `${b64({ ...header, kid: crypto.randomBytes(32).toString('base64url') })}.${b64(claims)}.${crypto.randomBytes(64).toString('base64url')}`;
  gate.forget();
  const start = performance.now();
  const total = Math.round(10_000 * SCALE);
  let sent = 0;
  await within('the flood', Promise.all(Array.from({ length: 50 }, async () => {
    while (sent < total) {
      sent += 1;
      assert.equal((await refusedByHttp(gateway, bearer(stranger()))).code, 'KEY_UNKNOWN');
    }
  })), 240_000);
  const seconds = (performance.now() - start) / 1_000;
  const fetches = gate.count(JWKS);
  t.diagnostic(`${sent} in ${seconds.toFixed(1)} s: ${fetches} fetches`);
  assert.ok(fetches <= 1 + Math.floor(seconds / 30), `${fetches} fetches in ${seconds} s`);
  await Client.open(gateway, { token: ann.access_token });
});
