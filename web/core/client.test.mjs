import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Causes } from './causes.mjs';
import { addresses, connect } from './client.mjs';
import { Emitter } from './emitter.mjs';
import { FoyerError } from './error.mjs';
import { Tokens } from './tokens.mjs';
import { followWindow } from './window.mjs';
import { world } from '../testing/world.test.mjs';

test('the address of the server is that of its page or that of its socket', () => {
  for (const [url, socket, home] of [
    ['http://127.0.0.1:8000', 'ws://127.0.0.1:8000/ws/chat', 'http://127.0.0.1:8000/'],
    ['https://chat.example/', 'wss://chat.example/ws/chat', 'https://chat.example/'],
    ['https://example.com/chat?x#y', 'wss://example.com/chat/ws/chat', 'https://example.com/chat/'],
    ['wss://example.com/chat/ws/chat', 'wss://example.com/chat/ws/chat', 'https://example.com/chat/'],
  ]) assert.deepEqual(addresses(url), { socket, home }, url);
  assert.deepEqual(addresses('/chat', 'https://example.com/shop').socket, 'wss://example.com/chat/ws/chat');
  assert.throws(() => addresses('ftp://chat.example'), TypeError);
});

test('connect() says what it lacks', () => {
  assert.throws(() => connect({ token: () => 't' }), /`url`/);
  assert.throws(() => connect({ url: 'http://127.0.0.1' }), /`token`/);
  assert.throws(() => connect({ url: 'http://127.0.0.1', token: () => 't', WebSocket: null }), /no WebSocket/);
});

test('a token is asked for once at a time, and the function learns why', async () => {
  const asked = [];
  let give;
  const tokens = new Tokens((why) => { asked.push(why); return new Promise((resolve) => { give = resolve; }); }, world().after);
  assert.equal(tokens.token(), null);
  const both = [tokens.renew(), tokens.renew()];
  give('t1');
  assert.deepEqual([await Promise.all(both), tokens.token(), asked], [[null, null], 't1', [{ again: false, error: null }]]);
  const again = tokens.renew({ code: 'TOKEN_EXPIRED', message: 'over', retry: 'refresh' });
  give('t2');
  assert.deepEqual([await again, tokens.token(), asked[1].again, asked[1].error.code], [null, 't2', true, 'TOKEN_EXPIRED']);
  tokens.forget();
  tokens.renew();
  assert.equal(asked[2].again, false);
});

test('what a function for tokens does wrong is told, and only a decision is final', async () => {
  const refused = async (ask, w = world()) => {
    const renewed = new Tokens(ask, w.after).renew();
    await w.pass(30_000);
    return renewed;
  };
  const look = ({ code, retry, message }) => [code, retry, message];
  assert.deepEqual(look(await refused(async () => { throw new Error('shop is down'); })), ['CLIENT_TOKEN_FAILED', 'after', 'There is no token: shop is down']);
  assert.deepEqual(look(await refused(() => ({ access_token: 't' }))), ['CLIENT_TOKEN_FAILED', 'after', 'There is no token: the function gave object, not a string.']);
  assert.deepEqual(look(await refused(() => new Promise(() => {}))), ['CLIENT_TOKEN_FAILED', 'after', 'There is no token: the function did not answer in time.']);
  assert.deepEqual(look(await refused(() => null)).slice(0, 2), ['CLIENT_NO_TOKEN', 'never']);
  const busy = await refused(async () => { throw new FoyerError({ code: 'RATE_LIMITED', retry: 'after', retryAfterMs: 5_000 }); });
  assert.deepEqual([busy.code, busy.retry, busy.retryAfterMs], ['RATE_LIMITED', 'after', 5_000]);
});

test('an error is made of an HTTP answer, ours or not', async () => {
  const ours = await FoyerError.from(new Response(JSON.stringify({ code: 'CREDENTIALS_REJECTED', title: 'No.', ref: 'r1', retry: 'never' }), { status: 401, headers: { 'x-foyer': '1' } }));
  assert.deepEqual([ours.code, ours.message, ours.status, ours.ref, ours.name], ['CREDENTIALS_REJECTED', 'No.', 401, 'r1', 'FoyerError']);
  const unseen = await FoyerError.from(new Response(JSON.stringify({ type: '/causes/ORIGIN_NOT_ALLOWED', code: 'ORIGIN_NOT_ALLOWED', detail: 'No.', next: 'Add it.' }), { status: 403 }));
  assert.deepEqual([unseen.code, unseen.next], ['ORIGIN_NOT_ALLOWED', 'Add it.'], 'to a page of another origin');
  const theirs = await FoyerError.from(new Response('<h1>Bad gateway', { status: 502 }));
  assert.deepEqual([theirs.code, theirs.retry, theirs.status], ['CLIENT_NOT_FOYER', 'after', 502]);
});

test('the catalogue is asked once for a code, and a refusal does without it', async () => {
  const asked = [];
  const row = { client: 'No.', who: 'user', next: 'Ask.', retry: 'never', step: 'rooms' };
  const causes = new Causes('https://chat.example/sub/', async (url) => { asked.push(url); return new Response(JSON.stringify(row)); });
  const told = await causes.explain({ code: 'NOT_A_MEMBER', message: 'No. Seen: room x', who: '', next: '' });
  assert.deepEqual([told.message, told.more, told.who, told.next], ['No.', 'Seen: room x', 'user', 'Ask.']);
  assert.equal(await causes.retryOf('NOT_A_MEMBER'), 'never');
  assert.deepEqual(asked, ['https://chat.example/sub/causes/NOT_A_MEMBER']);
  const away = new Causes('https://chat.example/', async () => { throw new TypeError('no network'); });
  const bare = { code: 'NOT_A_MEMBER', message: '', who: '', next: '' };
  assert.equal(await away.explain(bare), bare);
});

test('a listener ends with its function', () => {
  const emitter = new Emitter();
  const heard = [];
  const off = emitter.on('a', (value) => heard.push(value));
  emitter.emit('a', 1);
  off();
  emitter.emit('a', 2);
  assert.deepEqual(heard, [1]);
  assert.throws(() => emitter.on('a', null), TypeError);
});

test('a window that goes takes the connection along, and brings it back', () => {
  const window = Object.assign(new EventTarget(), { document: Object.assign(new EventTarget(), { visibilityState: 'visible' }) });
  const acts = [];
  const connection = Object.fromEntries(['suspend', 'wake', 'check'].map((act) => [act, () => acts.push(act)]));
  const end = followWindow(connection, window);
  for (const type of ['pagehide', 'pageshow', 'online']) window.dispatchEvent(new Event(type));
  for (const type of ['freeze', 'resume', 'visibilitychange']) window.document.dispatchEvent(new Event(type));
  assert.deepEqual(acts, ['suspend', 'wake', 'check', 'suspend', 'wake', 'check']);
  end();
  window.dispatchEvent(new Event('pagehide'));
  assert.equal(acts.length, 6);
});
