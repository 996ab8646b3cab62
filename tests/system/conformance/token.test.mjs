// The same letters behind a door: /ws/echo for those who have a token, by each way of showing it.
// One case of each family (families.mjs); the tables beside this file are for an open echo.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Conversation, check, saysBinary, saysText } from '../support/conversation.mjs';
import { fileScope, serve, whileStopped } from '../support/foyer.mjs';
import { binary, close, text } from '../support/frames.mjs';
import { ask } from '../support/http.mjs';
import { expired, register, withSecret } from '../support/people.mjs';
import { upgrade } from '../support/websocket.mjs';
import { FAMILIES } from './families.mjs';

const file = fileScope(after);
let node;
let token;
before(async () => {
  node = await serve(file, { args: ['--echo', 'token'], env: withSecret });
  token = (await register(node, 'ann')).access_token;
});

const WAYS = [
  ['in a header', () => ({ headers: { Authorization: `Bearer ${token}` } })],
  ['as a subprotocol', () => ({ headers: { 'Sec-WebSocket-Protocol': `foyer.v1, bearer.${token}` } })],
  ['by a ticket', async () => ({ path: `/ws/echo?ticket=${(await ask(node, 'POST', '/auth/tickets', { token, body: {} })).json.ticket}` })],
  ['as the first message', () => ({ first: text(JSON.stringify({ type: 'authenticate', token })) })],
];


for (const [way, credential] of WAYS) {
  describe(`With a token ${way}`, { concurrency: 8 }, () => {
    for (const [name, row] of FAMILIES) test(name, async () => {
      const { first = [], ...shown } = await credential();
      await check(node, { ...row, ...shown, headers: { ...row.headers, ...shown.headers }, send: [first, row.send] });
    });
  });
}

for (const [name, headers, expected] of [
  ['with one that ran out', () => ({ Authorization: `Bearer ${expired(token)}` }), [401, 'TOKEN_EXPIRED']],
  ['with one that is none', () => ({ Authorization: 'Bearer abc' }), [401, 'INVALID_FORMAT']],
]) {
  test(`${name} nobody gets to the echo`, async () => {
    const { refused } = await upgrade(node, { path: '/ws/echo', headers: headers() });
    assert.deepEqual([refused?.status, refused?.json.code], expected);
  });
}

test('whose first message is not a token is turned away', async () => {
  const talk = await Conversation.open(node);
  talk.send(text('Hello'), text('Hello?'));
  const lines = await talk.rest();
  assert.equal(JSON.parse(talk.events[0].payload).type, 'authentication_error');
  assert.deepEqual(lines.slice(1), ['close 4401 NO_TOKEN', 'end']);
});

test('what comes behind a token that is still being checked waits for the answer, and is answered', async (t) => {
  const busy = await serve(t, { args: ['--echo', 'token', '--loops', '1', '--jwt-algorithm', 'EdDSA', '--user-connections', '1000'] });
  const { access_token: theirs } = await register(busy, 'bob');
  const talks = await Promise.all(Array.from({ length: 60 }, () => Conversation.open(busy)));
  // All of them in one turn, which has no time for so many signatures.
  await whileStopped(busy, () => Promise.all(talks.map((talk, i) => {
    talk.send(text(JSON.stringify({ type: 'authenticate', token: theirs })), text('one'), binary(Buffer.from('two')), i % 2 ? close(3_000) : []);
    return i % 3 ? undefined : talk.sendEnd();
  })));
  for (const [i, talk] of talks.entries()) {
    const ends = i % 2 ? ['close 3000', 'end'] : i % 3 ? ['close 1000', 'end'] : ['end'];
    assert.deepEqual(await (i % 2 || i % 3 === 0 ? talk.rest() : talk.leave()), [saysText('one'), saysBinary(Buffer.from('two')), ...ends], `${i}`);
  }
});
