// The life of a connection after admission: tokens that end, heartbeats, slow readers.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileScope, serve } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { arrive, now, register, resign, withSecret } from './support/people.mjs';
import { Client, handshake } from './support/websocket.mjs';
import { until } from './support/within.mjs';

const file = fileScope(after);
let node;
before(async () => { node = await serve(file, { env: withSecret, args: ['--jwt-leeway', '0s'] }); });

const reasonCode = ({ code, reason }) => [code, reason.split(' ')[0]];

test('token_expiring comes at once if less than 60 s are left, and the socket ends with TOKEN_EXPIRED, 4401', async () => {
  const { access_token: token } = await register(node, 'ann');
  const exp = now() + 5;
  const client = await Client.open(node, { token: resign(token, { claims: { exp } }) });
  const expiring = await client.next('token_expiring');
  assert.equal(Date.parse(expiring.expires_at), exp * 1_000);
  assert.deepEqual(reasonCode(await client.ended()), [4401, 'TOKEN_EXPIRED']);
  assert.ok(Date.now() >= exp * 1_000, 'not before its time');
});

test('refresh inside the socket moves the end; a bad token leaves the old end; another’s is USER_MISMATCH', async () => {
  const { access_token: token } = await register(node, 'bob');
  const other = await register(node, 'cleo');
  const exp = now() + 6;
  const client = await Client.open(node, { token: resign(token, { claims: { exp } }) });
  await client.next('token_expiring');
  const bad = await client.ask('refresh', { token: resign(token, { secret: 'not-the-secret-of-this-server-at-all' }) });
  assert.deepEqual([bad.type, bad.code], ['error', 'SIGNATURE_INVALID']);
  const mismatch = await client.ask('refresh', { token: other.access_token });
  assert.deepEqual([mismatch.type, mismatch.code], ['error', 'USER_MISMATCH']);
  const later = now() + 600;
  const good = await client.ask('refresh', { token: resign(token, { claims: { exp: later } }) });
  assert.deepEqual([good.type, Date.parse(good.expires_at)], ['refreshed', later * 1_000]);
  // Another connection of the same first life ends; this one does not.
  const witness = await Client.open(node, { token: resign(token, { claims: { exp: exp + 1 } }) }).catch(() => null);
  if (witness) await witness.ended();
  assert.equal((await client.ask('ping')).type, 'pong');
});

test('a peer that does not answer the heartbeat is given up: 4408 HEARTBEAT_TIMEOUT', async (t) => {
  const own = await serve(t, { args: ['--heartbeat-interval', '1s', '--heartbeat-timeout', '1s'] });
  const { access_token: token } = await register(own, 'dumb');
  const { socket } = await handshake(own, { headers: { Authorization: `Bearer ${token}` } });
  socket.sendFrame = ((send) => (opcode, ...rest) => { if (opcode !== 0xa) send.call(socket, opcode, ...rest); })(socket.sendFrame);
  assert.deepEqual(reasonCode(await socket.ended()), [4408, 'HEARTBEAT_TIMEOUT']);
});

test('who answers the heartbeat stays', async (t) => {
  const own = await serve(t, { args: ['--heartbeat-interval', '1s', '--heartbeat-timeout', '6s'] });
  const ann = await arrive(own, 'ann');
  assert.equal(ann.welcome.heartbeat_ms, 1_000);
  const mute = await Client.open(own, { token: ann.token });
  mute.socket.sendFrame = ((send) => (opcode, ...rest) => { if (opcode !== 0xa) send.call(mute.socket, opcode, ...rest); })(mute.socket.sendFrame);
  await mute.ended(); // several heartbeats later
  assert.equal((await ann.ask('ping')).type, 'pong');
});

test('a slow reader gets 4408 SLOW_CONSUMER, loses nothing, and the others do not notice', async (t) => {
  const own = await serve(t, { args: ['--outbox-bytes', '200KiB', '--messages-per-s', '100000', '--messages-burst', '100000'] });
  const [ann, bob, slow] = [await arrive(own, 'ann'), await arrive(own, 'bob'), await arrive(own, 'slow')];
  const { epoch } = await slow.join('tea');
  await bob.join('tea');
  slow.socket.pause();
  const big = 'x'.repeat(16_000);
  // Until the kernel's buffers and the outbox hold no more; then it reads on, and is told.
  let given = false;
  own.lines.take('SLOW_CONSUMER', (line) => line.code === 'SLOW_CONSUMER', 60_000).then(() => { given = true; slow.socket.resume(); }, () => {});
  let count = 0;
  while (!given) {
    assert.equal((await ann.say('tea', `${count} ${big}`)).type, 'sent');
    count += 1;
    await bob.next('message', { offset: count });
  }
  const { code, reason } = await slow.ended();
  assert.deepEqual([code, reason.split(' ')[0]], [4408, 'SLOW_CONSUMER']);
  assert.match(reason, /queued=\d+/);
  const seen = slow.socket.received.filter((m) => m.type === 'message').map((m) => m.offset);
  assert.deepEqual(seen, seen.map((_, i) => i + 1));
  const again = await Client.open(own, { token: slow.token });
  const joined = await again.join('tea', { since: { epoch, offset: seen.length }, limit: 1 });
  assert.equal(joined.offset, count);
});

test('a user’s connections have a limit: USER_CONNECTION_LIMIT', async (t) => {
  const own = await serve(t, { args: ['--user-connections', '2'] });
  const { access_token: token } = await register(own, 'many');
  const headers = { Authorization: `Bearer ${token}` };
  await Client.open(own, { headers });
  const second = await Client.open(own, { headers });
  const { refused } = await handshake(own, { headers });
  assert.deepEqual([refused.status, refused.json.code], [429, 'USER_CONNECTION_LIMIT']);
  await second.close();
  // The place is free when the connection is gone, a moment after its Close was answered.
  await until('a free place', () => Client.open(own, { headers }).catch(() => null));
});

test('sockets that wait for their first message have a limit: PENDING_LIMIT', async (t) => {
  const own = await serve(t, { args: ['--pending-limit', '3'] });
  const waiting = [];
  for (let i = 0; i < 3; i += 1) waiting.push((await handshake(own)).socket);
  const { refused } = await handshake(own);
  assert.deepEqual([refused.status, refused.json.code, refused.json.retry], [503, 'PENDING_LIMIT', 'after']);
  const { access_token: token } = await register(own, 'ann');
  waiting[0].sendText(JSON.stringify({ type: 'authenticate', token }));
  assert.equal((await waiting[0].messages.take()).type, 'authentication_success');
  assert.ok((await handshake(own)).socket);
});

test('the process has a limit: CONNECTION_LIMIT, and requests are still answered', async (t) => {
  const own = await serve(t, { args: ['--connection-limit', '3'] });
  const { access_token: token } = await register(own, 'ann');
  const open = [];
  // The connection that registered her holds its place a moment longer.
  for (let i = 0; i < 3; i += 1) open.push(await until('a place', () => Client.open(own, { headers: { Authorization: `Bearer ${token}` } }).catch(() => null)));
  const { refused } = await handshake(own, { headers: { Authorization: `Bearer ${token}` } });
  assert.deepEqual([refused.status, refused.json.code], [503, 'CONNECTION_LIMIT']);
  assert.equal((await ask(own, 'GET', '/health/live')).status, 200);
});

test('an answer larger than outbox_bytes is no slow reader: history and recovery of long messages arrive', async (t) => {
  const own = await serve(t, { args: ['--outbox-bytes', '200KiB', '--messages-per-s', '100000', '--messages-burst', '100000'] });
  const ann = await arrive(own, 'ann');
  const { epoch } = await ann.join('tea');
  for (let i = 1; i <= 60; i += 1) await ann.say('tea', `${i} ${'x'.repeat(16_000)}`);
  const seen = [];
  for (let before; ;) {
    const page = await ann.ask('history', { room: 'tea', limit: 60, ...(before ? { before } : {}) });
    seen.unshift(...page.messages.map((m) => m.offset));
    if (!page.more) break;
    before = page.messages[0].offset;
  }
  assert.deepEqual(seen, Array.from({ length: 60 }, (_, i) => i + 1));
  const again = await Client.open(own, { token: ann.token });
  const joined = await again.join('tea', { since: { epoch, offset: 0 }, limit: 10 });
  const got = joined.messages.map((m) => m.offset);
  assert.equal(got.at(-1), 60);
  assert.equal(joined.recovered ? got[0] : 1, 1, 'recovered means all of it');
  assert.equal((await again.ask('ping')).type, 'pong');
});
