// Large messages, many small ones, and the limit: message_bytes counts the whole message,
// however it was cut, and what is over it is refused as soon as its length is known.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Conversation, TOO_BIG, cases, saysBinary, saysPong, saysText } from '../support/conversation.mjs';
import { fileScope, serve } from '../support/foyer.mjs';
import { BINARY, TEXT, binary, close, cut, fragmented, more, ping, text } from '../support/frames.mjs';

const KIB = 1_024;
const MIB = 1_024 * KIB;
const LIMIT = 64 * KIB; // the default

const file = fileScope(after);
let node;   // as it is shipped
let wide;   // as wide as it can be
before(async () => {
  const room = ['--bytes-per-s', '1024MiB', '--bytes-burst', '1024MiB'];
  node = await serve(file, { args: ['--echo', 'open', ...room] });
  // A busy machine may take longer than a second to read 16 MiB before our Close is answered.
  wide = await serve(file, { args: ['--echo', 'open', '--message-bytes', '16MiB', '--outbox-bytes', '256MiB', '--close-linger', '10s', ...room] });
});

const ascii = (length) => 'All work and no play. '.repeat(Math.ceil(length / 22)).slice(0, length);
const noise = crypto.randomBytes(16 * MIB); // incompressible, and every byte value
const octets = (length) => noise.subarray(0, length);

cases('A message as long as the limit is answered', () => node, [
  { name: 'a text in one frame', send: text(ascii(LIMIT)), back: [saysText(ascii(LIMIT))] },
  { name: 'a binary message in one frame', send: binary(octets(LIMIT)), back: [saysBinary(octets(LIMIT))] },
  { name: 'a text of characters of three bytes', send: text(`${'€'.repeat(21_845)}!`), back: [saysText(`${'€'.repeat(21_845)}!`)] },
  { name: 'in two fragments', send: fragmented(TEXT, cut(ascii(LIMIT), LIMIT / 2)), back: [saysText(ascii(LIMIT))] },
  { name: 'in fragments of one byte', send: fragmented(BINARY, cut(octets(LIMIT), 1)), back: [saysBinary(octets(LIMIT))] },
  { name: 'in fragments of 1,300 bytes, as a gateway would cut it', send: fragmented(TEXT, cut(ascii(LIMIT), 1_300)), back: [saysText(ascii(LIMIT))] },
  { name: 'with an empty fragment behind it', send: fragmented(TEXT, [ascii(LIMIT), '']), back: [saysText(ascii(LIMIT))] },
  { name: 'with Pings of 125 bytes between its fragments, which do not count', send: fragmented(TEXT, cut(ascii(LIMIT), LIMIT / 4)).map((each, i) => (i < 3 ? [each, ping('p'.repeat(125))] : each)),
    back: [...Array(3).fill(saysPong('p'.repeat(125))), saysText(ascii(LIMIT))] },
  { name: 'ten of them', send: Array(10).fill(text(ascii(LIMIT))), back: Array(10).fill(saysText(ascii(LIMIT))) },
]);

cases('A message of one byte more is refused with 1009', () => node, [
  { name: 'a text in one frame', send: text(ascii(LIMIT + 1)) },
  { name: 'a binary message in one frame', send: binary(octets(LIMIT + 1)) },
  { name: 'its head suffices', send: binary('', { declared: LIMIT + 1 }) },
  { name: 'its head suffices, octet by octet', send: text('', { declared: LIMIT + 1 }), slice: 1 },
  { name: 'its head without the mask suffices', send: binary('', { declared: LIMIT + 1 }).subarray(0, 10) },
  { name: 'in two fragments, by the head of the second', send: [text(ascii(LIMIT), { fin: false }), more('', { declared: 1 })] },
  { name: 'in fragments of one byte', send: fragmented(BINARY, cut(octets(LIMIT + 1), 1)) },
  { name: 'in fragments of 1,000 bytes that never end', send: Array.from({ length: 66 }, (_, i) => (i === 0 ? text : more)(ascii(1_000), { fin: false })) },
  { name: 'after a message, which is answered', send: [text('first'), text(ascii(LIMIT + 1))], back: [saysText('first')] },
  { name: 'followed by others, which nobody reads', send: [text(ascii(LIMIT + 1)), text('second'), ping(), close(1000)] },
].map((row) => ({ ...row, close: TOO_BIG })));

cases('A client that goes on sending what is too long still gets its Close, not a reset', () => node, [256 * KIB, MIB, 4 * MIB].map((length) => (
  { name: `${length} bytes`, send: binary(octets(length)), close: TOO_BIG })));

cases('Large messages', () => wide, [
  ...[64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB].flatMap((length) => [
    { name: `a text of ${length} bytes`, send: text(ascii(length)), back: [saysText(ascii(length))] },
    { name: `a binary message of ${length} bytes`, send: binary(octets(length)), back: [saysBinary(octets(length))] },
  ]),
  ...[64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB].flatMap((size) => [
    { name: `a text of 1 MiB in fragments of ${size}`, send: fragmented(TEXT, cut(ascii(MIB), size)), back: [saysText(ascii(MIB))] },
    { name: `a binary message of 1 MiB in fragments of ${size}`, send: fragmented(BINARY, cut(octets(MIB), size)), back: [saysBinary(octets(MIB))] },
  ]),
  ...[64, 128, 256, 512, KIB, 2 * KIB].flatMap((slice) => [
    { name: `a text of 512 KiB in writes of ${slice}`, send: text(ascii(512 * KIB)), slice, back: [saysText(ascii(512 * KIB))] },
    { name: `a binary message of 512 KiB in writes of ${slice}`, send: binary(octets(512 * KIB)), slice, back: [saysBinary(octets(512 * KIB))] },
  ]),
  { name: '16 MiB and one byte', send: binary('', { declared: 16 * MIB + 1 }), close: TOO_BIG },
]);

describe('A thousand messages, each sent when the one before was answered', { concurrency: 8 }, () => {
  for (const length of [0, 16, 64, 256, KIB, 4 * KIB]) {
    for (const [kind, make, says] of [['texts', text, saysText], ['binary messages', binary, saysBinary]]) {
      test(`${kind} of ${length} bytes`, async () => {
        const talk = await Conversation.open(node);
        const payload = kind === 'texts' ? ascii(length) : octets(length);
        const sent = make(payload);
        const expected = says(payload);
        for (let i = 0; i < 1_000; i += 1) {
          talk.send(sent);
          assert.equal(await talk.next(), expected);
        }
        assert.deepEqual(await talk.leave(), ['close 1000', 'end']);
      });
    }
  }
});
