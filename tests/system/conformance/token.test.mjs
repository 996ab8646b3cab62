// The same letters behind a door: /ws/echo for those who have a token, by each way of showing it.
// One case of each family; the tables beside this file are for an open echo.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Conversation, NOT_UTF8, PROTOCOL, TOO_BIG, check, saysBinary, saysPong, saysText } from '../support/conversation.mjs';
import { offering, pack } from '../support/deflate.mjs';
import { fileScope, serve } from '../support/foyer.mjs';
import { TEXT, binary, close, cut, fragmented, frame, more, ping, pong, text } from '../support/frames.mjs';
import { ask } from '../support/http.mjs';
import { expired, register, withSecret } from '../support/people.mjs';
import { upgrade } from '../support/websocket.mjs';

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

const CASES = [
  ['a text', { send: text('Hello'), back: [saysText('Hello')] }],
  ['a binary message of 60,000 bytes', { send: binary(Buffer.alloc(60_000, 7)), back: [saysBinary(Buffer.alloc(60_000, 7))] }],
  ['fragments, octet by octet', { send: fragmented(TEXT, cut('κόσμε', 1)), slice: 1, back: [saysText('κόσμε')] }],
  ['Pings and Pongs between fragments', { send: [text('a', { fin: false }), ping('1'), pong('2'), more('b')], back: [saysPong('1'), saysText('ab')] }],
  ['a reserved bit', { send: text('x', { rsv: 2 }), close: PROTOCOL }],
  ['a reserved opcode', { send: frame(5), close: PROTOCOL }],
  ['a frame without a mask', { send: text('x', { masked: false }), close: PROTOCOL }],
  ['a text that is not UTF-8', { send: text(Buffer.of(0xff)), close: NOT_UTF8 }],
  ['a message over the limit', { send: binary('', { declared: 65_537 }), close: TOO_BIG }],
  ['a Close', { send: [text('last'), close(3_000)], back: [saysText('last')], close: '3000' }],
];

for (const [way, credential] of WAYS) {
  describe(`With a token ${way}`, { concurrency: 8 }, () => {
    for (const [name, row] of CASES) test(name, async () => {
      const { first = [], ...shown } = await credential();
      await check(node, { ...row, ...shown, send: [first, row.send] });
    });

    test('a packed message', async () => {
      const { first = [], ...shown } = await credential();
      const side = offering();
      const talk = await Conversation.open(node, { ...shown, ...side, headers: { ...side.headers, ...shown.headers } });
      talk.send(first, text(await pack('Hello, again and again and again'), { rsv: 4 }));
      assert.deepEqual(await talk.leave(), [saysText('Hello, again and again and again'), 'close 1000', 'end']);
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
