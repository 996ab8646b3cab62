import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection, FEATURES } from './connection.mjs';
import { settle, world as bareWorld } from '../testing/world.test.mjs';

// Time stands until it is moved, and sockets do what the test says.
function world({ tokens = ['t1', 't2', 't3', 't4'], renewals = [], probed = null } = {}) {
  const w = Object.assign(bareWorld(), {
    url: 'ws://foyer.test/ws/chat', sockets: [], probes: 0, renewed: 0,
    open() {
      const socket = { sent: [], closedWith: null, send: (text) => socket.sent.push(JSON.parse(text)), close: (code) => { socket.closedWith = code; } };
      w.sockets.push(socket);
      return socket;
    },
    probe: async () => { w.probes += 1; return probed; },
    retryOf: async (code) => ({ TOKEN_EXPIRED: 'refresh', TOKEN_REVOKED: 'refresh', SESSION_REVOKED: 'never' })[code],
    session: {
      current: tokens[0],
      token: () => w.session.current,
      forget() {},
      async renew() {
        w.renewed += 1;
        const refusal = renewals.shift() ?? null;
        if (!refusal) w.session.current = tokens[w.renewed];
        return refusal;
      },
    },
    async say(message) { w.socket.onmessage({ data: JSON.stringify(message) }); await settle(); },
    async close(code, reason = '') { w.socket.onclose({ code, reason }); await settle(); },
    async admit() {
      w.socket.onopen();
      await w.say({ type: 'authentication_success', user: { id: 'u', name: 'Ann' }, heartbeat_ms: 25_000 });
    },
  });
  Object.defineProperty(w, 'socket', { get: () => w.sockets.at(-1) });
  return w;
}

async function online(options) {
  const w = world(options);
  const c = new Connection(w);
  c.start();
  await w.admit();
  return { w, c };
}

test('a page that is hidden closes its socket, and one that is shown again comes back', async () => {
  const { w, c } = await online();
  c.suspend();
  assert.deepEqual([c.phase, w.socket.closedWith], ['suspended', 1000]);
  c.check();
  c.retryNow();
  await w.pass(600_000);
  assert.equal(w.sockets.length, 1, 'nothing brings it back but being shown');
  c.wake();
  assert.deepEqual([c.phase, w.sockets.length], ['connecting', 2]);
  c.wake();
  assert.equal(w.sockets.length, 2);
});

test('a page that was signed out does not come back with being shown', async () => {
  const { c } = await online();
  c.stop();
  c.suspend();
  c.wake();
  assert.equal(c.phase, 'stopped');
});

test('authenticates by the first message and is online after the welcome', async () => {
  const w = world();
  const c = new Connection(w);
  const phases = [];
  c.onPhase(({ phase }) => phases.push(phase));
  c.start();
  await w.admit();
  assert.deepEqual(w.socket.sent, [{ type: 'authenticate', token: 't1', features: FEATURES }]);
  assert.deepEqual(phases, ['connecting', 'authenticating', 'online']);
  assert.equal(c.welcome.user.name, 'Ann');
});

test('a client that misses something connects again, as after a lost line', async () => {
  const { w, c } = await online();
  const asked = c.request('rooms');
  c.lost();
  assert.equal((await asked).refusal.lost, true);
  await settle();
  assert.deepEqual([w.sockets[0].closedWith, c.phase], [4000, 'waiting']);
  c.lost();
  assert.equal(c.phase, 'waiting', 'once');
});

test('answers reach the request with their id; an error is a refusal', async () => {
  const { w, c } = await online();
  const rooms = c.request('rooms');
  const join = c.request('join', { room: 'tea' });
  await w.say({ type: 'error', id: 2, code: 'NOT_A_MEMBER', message: 'no', retry: 'never', ref: 'r1' });
  await w.say({ type: 'rooms', id: 1, rooms: [] });
  assert.deepEqual((await rooms).answer, { type: 'rooms', id: 1, rooms: [] });
  assert.equal((await join).refusal.code, 'NOT_A_MEMBER');
});

test('a lost connection answers what was asked, says when it tries again, and tries then', async () => {
  const { w, c } = await online();
  const asked = c.request('rooms');
  await w.close(1006);
  assert.equal((await asked).refusal.lost, true);
  assert.equal(c.phase, 'waiting');
  assert.equal(c.retryAt, 500); // within a second, so that a crowd does not come back at once
  await w.pass(500);
  assert.equal(w.sockets.length, 2);
});

test('the waits grow to fifteen seconds and no further', async () => {
  const { w, c } = await online({ probed: { code: '', heard: 'nothing', retry: 'after', retryAfterMs: null, message: 'The server does not answer.' } });
  await w.close(1006);
  const waits = [];
  for (let i = 0; i < 8; i += 1) {
    await w.pass(c.retryAt - w.clock);
    await w.close(1006);
    waits.push(c.retryAt - w.clock);
  }
  assert.deepEqual(waits, [750, 1500, 3000, 6000, 11250, 11250, 11250, 11250]);
  assert.equal(c.because.message, 'The server does not answer.');
});

test('"now" tries at once', async () => {
  const { w, c } = await online();
  await w.close(1006);
  c.retryNow();
  assert.equal(c.phase, 'connecting');
  assert.equal(w.sockets.length, 2);
});

test('TOKEN_EXPIRED brings one new token; the same code after it waits for a person', async () => {
  const { w, c } = await online();
  await w.close(4401, 'TOKEN_EXPIRED abc');
  assert.equal(w.renewed, 1);
  w.socket.onopen();
  assert.deepEqual(w.socket.sent, [{ type: 'authenticate', token: 't2', features: FEATURES }]);
  await w.say({ type: 'authentication_error', code: 'TOKEN_EXPIRED', message: 'over', step: 'credential_valid', ref: 'abd', retry: 'refresh' });
  await w.close(4401, 'TOKEN_EXPIRED abd');
  assert.equal(c.phase, 'refused');
  assert.equal(c.because.ref, 'abd');
  assert.equal(w.renewed, 1);
});

test('a refusal for good is not tried again by itself', async () => {
  const { w, c } = await online();
  await w.close(4403, 'USER_DISABLED r9');
  assert.deepEqual([c.phase, c.because.code, c.because.ref], ['refused', 'USER_DISABLED', 'r9']);
  await w.pass(3_600_000);
  assert.equal(w.sockets.length, 1);
});

test('a close with a code of the application brings it back below 4500, and ends it from there on', async () => {
  const { w, c } = await online();
  await w.close(4321, 'another phone');
  assert.deepEqual([c.phase, c.because.code, c.because.message], ['waiting', 'DISCONNECTED_BY_APP', 'another phone']);
  await w.pass(c.retryAt - w.clock);
  await w.admit();
  await w.close(4700, 'the shop is closed');
  assert.deepEqual([c.phase, c.because.code, c.because.message], ['refused', 'DISCONNECTED_BY_APP', 'the shop is closed']);
});

test('a close that means the end of the session is not answered with a new token', async () => {
  const { w, c } = await online();
  await w.close(4401, 'SESSION_REVOKED r8');
  assert.deepEqual([c.phase, c.because.code, w.renewed], ['refused', 'SESSION_REVOKED', 0]);
});

test('`closing` sets the time of the next try', async () => {
  const { w, c } = await online();
  await w.say({ type: 'closing', retry_after_ms: 4_000 });
  await w.close(1001, 'SERVER_SHUTDOWN r2');
  assert.equal(c.retryAt, 4_400); // and a little jitter
});

test('a new token goes into the living socket when the old one is about to end', async () => {
  const { w, c } = await online();
  await w.say({ type: 'token_expiring', expires_at: '2030-01-01T00:00:00.000Z' });
  assert.deepEqual(w.socket.sent.at(-1), { type: 'refresh', id: 1, token: 't2' });
  await w.say({ type: 'refreshed', id: 1, expires_at: '2030-01-01T00:15:00.000Z' });
  assert.equal(c.phase, 'online');
  assert.equal(w.sockets.length, 1);
});

const EXPIRING = { type: 'token_expiring', expires_at: '1970-01-01T00:01:00.000Z' };
const gone = { code: 'REFRESH_UNKNOWN', ref: 'r3', retry: 'never', retryAfterMs: null, status: 401, message: 'That session is over.' };
const away = { code: 'AUTH_SERVICE_TIMEOUT', ref: 'r4', retry: 'after', retryAfterMs: null, status: 503, message: 'Not your fault.' };

test('a session that has ended is told a minute before the socket ends, and why', async () => {
  const { w, c } = await online({ renewals: [gone, gone] });
  await w.say(EXPIRING);
  assert.deepEqual([c.phase, c.ending, w.socket.closedWith], ['online', { at: 60_000, because: gone, retryAt: null }, null]);
  await w.pass(20_000);
  assert.equal(w.renewed, 1, 'a decision is not asked for again');
  await w.close(4401, 'TOKEN_EXPIRED r5');
  assert.deepEqual([c.phase, c.because.code, c.ending], ['refused', 'REFRESH_UNKNOWN', null]);
});

test('while the auth service is away the end is announced, asked about with growing waits, and put off when it is back', async () => {
  const { w, c } = await online({ renewals: [away, away] });
  const told = [];
  c.onPhase(({ phase, ending }) => told.push([phase, ending?.because.code, ending?.retryAt]));
  await w.say(EXPIRING);
  await w.pass(750 + 1_500);
  assert.equal(w.renewed, 3);
  assert.deepEqual(w.socket.sent.at(-1), { type: 'refresh', id: 1, token: 't4' });
  await w.say({ type: 'refreshed', id: 1, expires_at: '1970-01-01T00:16:00.000Z' });
  assert.deepEqual(told, [['online', 'AUTH_SERVICE_TIMEOUT', 750], ['online', 'AUTH_SERVICE_TIMEOUT', 2_250], ['online', undefined, undefined]]);
  assert.equal(w.sockets.length, 1);
});

test('a new token that the socket refuses announces the end with that cause', async () => {
  const { w, c } = await online();
  await w.say(EXPIRING);
  await w.say({ type: 'error', id: 1, code: 'USER_MISMATCH', message: 'no', retry: 'never', ref: 'r6' });
  assert.deepEqual([c.phase, c.ending.because.code, c.ending.at], ['online', 'USER_MISMATCH', 60_000]);
});

test('a token that ended while the auth service was away is not shown again: a new one first', async () => {
  const { w, c } = await online({ renewals: [away, away] });
  await w.close(4401, 'TOKEN_EXPIRED r1');
  assert.deepEqual([c.phase, c.because.code], ['waiting', 'AUTH_SERVICE_TIMEOUT']);
  await w.pass(c.retryAt - w.clock);
  assert.deepEqual([c.phase, w.sockets.length, w.renewed], ['waiting', 1, 2]);
  await w.pass(c.retryAt - w.clock);
  await w.admit();
  assert.deepEqual([c.phase, w.sockets.length, w.renewed], ['online', 2, 3]);
});

test('a revoked token whose session is gone too is told by the close, which knows why', async () => {
  const { w, c } = await online({ renewals: [gone] });
  await w.close(4401, 'TOKEN_REVOKED r7');
  assert.deepEqual([c.phase, c.because.code, c.because.ref, c.because.retry], ['refused', 'TOKEN_REVOKED', 'r7', 'never']);
  await w.pass(3_600_000);
  assert.deepEqual([w.renewed, w.sockets.length], [1, 1]);
});

test('a restart with another session goes on in a new socket, and what was asked is answered as lost', async () => {
  const { w, c } = await online({ renewals: [gone] });
  await w.say(EXPIRING);
  const asked = c.request('rooms');
  w.session.current = 'again';
  c.restart();
  assert.deepEqual([(await asked).refusal.lost, c.ending, w.sockets[0].closedWith], [true, null, 1000]);
  w.socket.onopen();
  assert.deepEqual(w.socket.sent, [{ type: 'authenticate', token: 'again', features: FEATURES }]);
});

test('after a bare 1006 at the handshake the cause is asked for by a plain GET', async () => {
  const foreign = { code: 'ORIGIN_NOT_ALLOWED', retry: 'never', ref: 'r4', retryAfterMs: null, message: 'no' };
  const w = world({ probed: foreign });
  const c = new Connection(w);
  c.start();
  await w.close(1006);
  assert.equal(w.probes, 1);
  assert.deepEqual([c.phase, c.because.code], ['refused', 'ORIGIN_NOT_ALLOWED']);
});

test('a socket that never opens while plain requests pass is the proxy’s fault', async () => {
  const w = world({ probed: { code: 'UPGRADE_MISSING', retry: 'never', retryAfterMs: null } });
  const c = new Connection(w);
  c.start();
  await w.close(1006);
  await w.pass(c.retryAt - w.clock);
  await w.close(1006);
  assert.equal(c.phase, 'waiting');
  assert.match(c.because.message, /WebSocket connections do not/);
});

test('silence for a heartbeat is asked about, and a peer that stays silent is given up', async () => {
  const { w, c } = await online();
  await w.pass(25_000);
  assert.deepEqual(w.socket.sent.at(-1), { type: 'ping' });
  await w.pass(10_000);
  assert.equal(c.phase, 'waiting');
  assert.equal(w.sockets[0].closedWith, 4000);
});

test('what an old socket still says counts no more', async () => {
  const { w, c } = await online();
  const old = w.socket;
  await w.close(1006);
  c.retryNow();
  await w.admit();
  old.onclose({ code: 4403, reason: 'USER_DISABLED r' });
  await settle();
  assert.equal(c.phase, 'online');
});

test('stopping ends the socket and every timer', async () => {
  const { w, c } = await online();
  c.stop();
  await w.pass(3_600_000);
  assert.equal(c.phase, 'stopped');
  assert.equal(w.sockets.length, 1);
  assert.equal(w.socket.closedWith, 1000);
});
