// RFC 6455 §5.5.1, §7: how a connection ends, and that it ends once.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Conversation, NOT_UTF8, PROTOCOL, cases, saysPong, saysText } from '../support/conversation.mjs';
import { fileScope, serve, whileStopped } from '../support/foyer.mjs';
import { CLOSE, binary, close, closePayload, frame, more, ping, text } from '../support/frames.mjs';

const file = fileScope(after);
let node;
before(async () => { node = await serve(file, { args: ['--echo', 'open'] }); });

const both = (rows) => rows.flatMap((row) => [row, { ...row, name: `${row.name}, octet by octet`, slice: 1 }]);

cases('A Close is answered by a Close with the same code, and then the stream ends', () => node, both([
  { name: 'without a code', send: close(), close: '1005' },
  { name: 'with 1000 and no reason', send: close(1000), close: '1000' },
  { name: 'with a reason of one letter', send: close(1000, 'x'), close: '1000' },
  { name: 'with a reason', send: close(1000, 'That was all.'), close: '1000' },
  { name: 'with a reason of 122 bytes', send: close(1000, 'r'.repeat(122)), close: '1000' },
  { name: 'with a reason of 123 bytes, the longest', send: close(1000, 'r'.repeat(123)), close: '1000' },
  { name: 'with a reason of 41 characters of three bytes', send: close(1000, '€'.repeat(41)), close: '1000' },
  { name: 'with a reason that holds NUL', send: close(1000, 'a\0b'), close: '1000' },
  { name: 'after a message, which is answered first', send: [text('last'), close(1000)], back: [saysText('last')], close: '1000' },
  { name: 'after ten messages, which are answered first', send: [Array.from({ length: 10 }, (_, i) => text(`${i}`)), close(1000)], back: Array.from({ length: 10 }, (_, i) => saysText(`${i}`)), close: '1000' },
  { name: 'after a Ping, which is answered first', send: [ping('last'), close(1000)], back: [saysPong('last')], close: '1000' },
  { name: 'inside a message, which is lost', send: [text('a', { fin: false }), close(1000)], close: '1000' },
]));

cases('Nothing behind a Close is read', () => node, both([
  { name: 'a second Close with another code', send: [close(1000), close(3000)] },
  { name: 'a text', send: [close(1000), text('late')] },
  { name: 'a text in fragments', send: [close(1000), text('la', { fin: false }), more('te')] },
  { name: 'the rest of a message that was begun before', send: [text('a', { fin: false }), close(1000), more('b')] },
  { name: 'a Ping', send: [close(1000), ping('late')] },
  { name: 'a frame without a mask', send: [close(1000), text('late', { masked: false })] },
  { name: 'a reserved opcode', send: [close(1000), frame(0xf)] },
  { name: 'text that is not UTF-8', send: [close(1000), text(Buffer.of(0xff))] },
  { name: 'bytes that are no frame', send: [close(1000), Buffer.from('GET / HTTP/1.1\r\n\r\n')] },
  { name: 'half a frame', send: [close(1000), text('late').subarray(0, 4)] },
].map((row) => ({ ...row, close: '1000' }))).concat([
  { name: '60,000 bytes', send: [close(1000), binary(Buffer.alloc(60_000))], close: '1000' },
]));

const VALID = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3001, 3999, 4000, 4001, 4999];
const INVALID = [
  [0, 'unused'], [1, 'unused'], [999, 'unused'], [1004, 'reserved'], [1005, 'for an API only'], [1006, 'for an API only'], [1015, 'for an API only'], [1016, 'not assigned'], [1099, 'not assigned'],
  [1100, 'not assigned'], [2000, 'not assigned'], [2999, 'not assigned'], [5000, 'beyond all ranges'], [10_000, 'beyond all ranges'], [65_535, 'beyond all ranges'],
];
cases('Every code that may be sent is given back', () => node, VALID.flatMap((code) => [
  { name: `${code}`, send: close(code), close: `${code}` },
  { name: `${code} with a reason`, send: close(code, 'Because.'), close: `${code}` },
]));
cases('A code that may not be sent is told to be an error (§7.4)', () => node, INVALID.flatMap(([code, why]) => [
  { name: `${code}, ${why}`, send: close(code), close: PROTOCOL },
  { name: `${code}, ${why}, with a reason`, send: close(code, 'Because.'), close: PROTOCOL },
]));

cases('A Close that is malformed is told to be an error', () => node, both([
  { name: 'half a code', send: frame(CLOSE, 'x'), close: PROTOCOL },
  { name: 'a reason of 124 bytes', send: close(1000, 'r'.repeat(124)), close: PROTOCOL },
  { name: 'a payload of 126 bytes in 64 bits', send: frame(CLOSE, closePayload(1000, 'r'.repeat(124)), { wide: 8 }), close: PROTOCOL },
  { name: 'with FIN unset', send: close(1000, '', { fin: false }), close: PROTOCOL },
  { name: 'without a mask', send: close(1000, '', { masked: false }), close: PROTOCOL },
  { name: 'with a reserved bit', send: close(1000, '', { rsv: 1 }), close: PROTOCOL },
  { name: 'with a reason that is not UTF-8', send: close(1000, Buffer.from('cebae1bdb9cf83cebcceb5eda080656469746564', 'hex')), close: NOT_UTF8 },
  { name: 'with a reason that ends inside a character', send: close(1000, Buffer.from('e282', 'hex')), close: NOT_UTF8 },
  { name: 'after a message, which is answered first', send: [text('last'), frame(CLOSE, 'x')], back: [saysText('last')], close: PROTOCOL },
  { name: 'followed by messages, which nobody reads', send: [frame(CLOSE, 'x'), text('late'), ping('late')], close: PROTOCOL },
]));

test('after the server’s own Close nothing of the client is answered', async () => {
  const talk = await Conversation.open(node);
  talk.send(text('one', { masked: false }), text('two'), ping('three'), close(1000));
  assert.deepEqual(await talk.rest(), [`close ${PROTOCOL}`, 'end']);
});

test('the server ends the stream first, without waiting for the client’s end of it (§7.1.1)', async () => {
  const talk = await Conversation.open(node);
  talk.send(close(1000));
  assert.deepEqual(await talk.take(2), ['close 1000', 'end']);
});

test('a client that ends its half of the stream without a Close has left: nothing more is said', async () => {
  const talk = await Conversation.open(node);
  talk.send(text('one'));
  assert.equal(await talk.next(), saysText('one'));
  talk.sendEnd();
  assert.deepEqual(await talk.rest(), ['end']);
});

test('what came before the end of the client’s half is still answered', async () => {
  const talk = await Conversation.open(node);
  talk.send(text('one'), ping('two'));
  talk.sendEnd();
  assert.deepEqual(await talk.rest(), [saysText('one'), saysPong('two'), 'end']);
});

test('what came together with the end of the client’s half is still answered', async () => {
  const talk = await Conversation.open(node);
  await whileStopped(node, () => {
    talk.send(text('one'), ping('two'));
    return talk.sendEnd();
  });
  assert.deepEqual(await talk.rest(), [saysText('one'), saysPong('two'), 'end']);
});

test('an end inside a frame is an end', async () => {
  const talk = await Conversation.open(node);
  talk.send(text('Hello').subarray(0, 7));
  talk.sendEnd();
  assert.deepEqual(await talk.rest(), ['end']);
});

test('a Close and the end of the client’s half in one breath are answered by a Close', async () => {
  const talk = await Conversation.open(node);
  talk.send(close(4000));
  talk.sendEnd();
  assert.deepEqual(await talk.rest(), ['close 4000', 'end']);
});

test('a Close behind 256 messages of 1,000 bytes waits until all are answered', async () => {
  const talk = await Conversation.open(node);
  const messages = Array.from({ length: 256 }, (_, i) => `${i} `.repeat(400).slice(0, 1_000));
  talk.send(messages.map((each) => text(each)), close(1000));
  assert.deepEqual(await talk.rest(), [...messages.map(saysText), 'close 1000', 'end']);
});

test('bytes that are no WebSocket at all are told to be an error', async () => {
  const talk = await Conversation.open(node);
  talk.send(Buffer.from('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n'));
  assert.deepEqual(await talk.rest(), [`close ${PROTOCOL}`, 'end']);
});
