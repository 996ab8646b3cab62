// RFC 7692 §6, §7.2.2: what marks a packed message, and what is wrong inside of one; and that what
// unpacks to more than a message may hold is stopped before it is there.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, describe, test } from 'node:test';
import zlib from 'node:zlib';
import { Conversation, NOT_UTF8, PROTOCOL, TOO_BIG, cases, saysBinary, saysText } from '../support/conversation.mjs';
import { offering, pack } from '../support/deflate.mjs';
import { SANITIZED, fileScope, serve } from '../support/foyer.mjs';
import { BINARY, TEXT, binary, close, cut, fragmented, frame, more, ping, pong, text } from '../support/frames.mjs';

const KIB = 1_024;
const MIB = 1_024 * KIB;
const LIMIT = 64 * KIB; // the default
const BAD = '1007 INVALID_COMPRESSION';

const file = fileScope(after);
const nodes = {};
before(async () => {
  const args = ['--echo', 'open', '--bytes-per-s', '1024MiB', '--bytes-burst', '1024MiB'];
  [nodes.without, nodes.with] = await Promise.all([serve(file, { args }), serve(file, { args: [...args, '--compression-context-takeover', 'true'] })]);
});

const hex = (digits) => Buffer.from(digits.replaceAll(' ', ''), 'hex');
const packed = { rsv: 4 };
const HELLO = hex('f248cdc9c90700');
const bits = (rsv) => rsv.toString(2).padStart(3, '0');

// As cases(), against both servers, with permessage-deflate agreed on.
function withDeflate(title, rows) {
  for (const which of ['without', 'with']) cases(`${title}, ${which} context takeover`, () => nodes[which], rows.map((row) => ({ ...row, ...offering() })));
}

withDeflate('RSV1 marks the first frame of a message, and nothing else', [
  { name: 'it is allowed there', send: text(HELLO, packed), back: [saysText('Hello')] },
  ...[1, 2, 3, 5, 6, 7].flatMap((rsv) => [
    { name: `bits ${bits(rsv)} on a text`, send: text(HELLO, { rsv }), close: PROTOCOL },
    { name: `bits ${bits(rsv)} on a binary message`, send: binary(HELLO, { rsv }), close: PROTOCOL },
  ]),
  { name: 'on the second fragment, too', send: fragmented(TEXT, cut(HELLO, 4)).map((_, i) => (i === 0 ? text(HELLO.subarray(0, 4), { rsv: 4, fin: false }) : more(HELLO.subarray(4), packed))), close: PROTOCOL },
  { name: 'on the second fragment of a plain message', send: [text('Hel', { fin: false }), more('lo', packed)], close: PROTOCOL },
  { name: 'on an empty last fragment', send: [text(HELLO, { rsv: 4, fin: false }), more('', packed)], close: PROTOCOL },
  { name: 'on a Ping', send: ping('', packed), close: PROTOCOL },
  { name: 'on a Ping with a packed payload', send: ping(HELLO, packed), close: PROTOCOL },
  { name: 'on a Pong', send: pong('', packed), close: PROTOCOL },
  { name: 'on a Close', send: close(1000, '', packed), close: PROTOCOL },
  { name: 'on a reserved opcode', send: frame(3, HELLO, packed), close: PROTOCOL },
  { name: 'on a continuation of nothing', send: more(HELLO, packed), close: PROTOCOL },
  { name: 'on a Ping between packed fragments', send: [text(HELLO.subarray(0, 4), { rsv: 4, fin: false }), ping('', packed), more(HELLO.subarray(4))], close: PROTOCOL },
  { name: 'without it, packed bytes are a text like any other, and not UTF-8', send: text(HELLO), close: NOT_UTF8 },
  { name: 'without it, packed bytes are a binary message like any other', send: binary(HELLO), back: [saysBinary(HELLO)] },
]);

withDeflate('What is not DEFLATE ends the connection', [
  ['a block of type 3', '07'],
  ['a block of type 3 behind one that is well', 'f248050000 00ffff 06'],
  ['a stored block whose lengths differ', '000500faaa48656c6c6f00'],
  ['a stored block that is cut', '000500faff4865'],
  ['a stored block of 65,535 bytes, of which none came', '00ffff0000'],
  ['a block of fixed codes that is cut', 'f248cd'],
  ['a block of dynamic codes that is cut', '05e0'],
  ['dynamic codes with too many words', 'fc0000'],
  ['lengths of codes that are no code', '0400feff'],
  ['a length repeated before there is one', '0400244900'],
  ['a length repeated beyond the last', '040024e9ffff'],
  ['a code without an end of its block', '040024e9ff6d'],
  ['a code of literals that is no code', '048049922449922471ffff931100'],
  ['a code of distances that is no code', '04804992244992240fb4ffffc384'],
  ['a literal code that is not in the fixed codes', '1a0700'],
  ['a distance code that is not in the fixed codes', '027ffe00'],
  ['a reference to before the beginning', '020b00'],
  ['text', Buffer.from('Hello, I am not packed at all').toString('hex')],
  ['gzip', zlib.gzipSync('Hello').toString('hex')],
  ['a zlib stream with its header', zlib.deflateSync('Hello').toString('hex')],
  ['the four bytes that should have been left out, and half a block', '000000ffff4a'],
].flatMap(([name, digits]) => [
  { name, send: binary(hex(digits), packed), close: BAD },
  { name: `${name}; after a message that is answered`, send: [binary(HELLO, packed), binary(hex(digits), packed), ping()], back: [saysBinary('Hello')], close: BAD },
  { name: `${name}; in fragments, octet by octet`, send: fragmented(BINARY, cut(hex(digits), 1), packed), slice: 1, close: BAD },
]));

test('without takeover nothing refers to the message before', async () => {
  const talk = await Conversation.open(nodes.without, offering());
  talk.send(text(HELLO, packed), text(hex('f200110000'), packed));
  assert.deepEqual(await talk.rest(), [saysText('Hello'), `close ${BAD}`, 'end']);
});

describe('What is packed is text, too', { concurrency: 32 }, () => {
  for (const which of ['without', 'with']) {
    for (const [name, digits] of [['a byte that is never in UTF-8', '48656c6c6fff'], ['a surrogate', 'cebae1bdb9eda080'], ['a form that is too long', '61c0af'], ['beyond U+10FFFF', '61f4908080'], ['an end inside a character', '61e282']]) {
      test(`${name}, ${which} context takeover`, async () => {
        const talk = await Conversation.open(nodes[which], offering());
        talk.send(text(await pack(hex(digits)), packed));
        assert.deepEqual(await talk.rest(), [`close ${NOT_UTF8}`, 'end']);
      });
      test(`${name}, octet by octet in fragments, ${which} context takeover`, async () => {
        const talk = await Conversation.open(nodes[which], offering());
        await talk.sendIn(1, fragmented(TEXT, cut(await pack(hex(digits)), 1), packed));
        assert.deepEqual(await talk.rest(), [`close ${NOT_UTF8}`, 'end']);
      });
      test(`${name} in a binary message is well, ${which} context takeover`, async () => {
        const talk = await Conversation.open(nodes[which], offering());
        talk.send(fragmented(BINARY, [await pack(hex(digits))], packed));
        assert.deepEqual(await talk.leave(), [saysBinary(hex(digits)), 'close 1000', 'end']);
      });
    }
    test(`it ends at a bad byte though the message goes on, ${which} context takeover`, async () => {
      const talk = await Conversation.open(nodes[which], offering());
      const bad = Buffer.concat([Buffer.alloc(2_000, 0x61), hex('ff'), Buffer.alloc(2_000, 0x61)]);
      talk.send(text(await pack(bad), { rsv: 4, fin: false }));
      assert.deepEqual(await talk.rest(), [`close ${NOT_UTF8}`, 'end']);
    });
  }
});

// ---- how much comes out

const zeros = (length) => zlib.deflateRawSync(Buffer.alloc(length), { level: 9, finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4);
const letters = (length) => 'abcdefgh'.repeat(Math.ceil(length / 8)).slice(0, length);
const small = (length) => zlib.deflateRawSync(letters(length), { level: 9, finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4);
const bomb = zeros(64 * MIB);

withDeflate('message_bytes counts what comes out', [
  { name: 'as long as the limit', send: text(small(LIMIT), packed), back: [saysText(letters(LIMIT))] },
  { name: 'as long as the limit, in fragments', send: fragmented(TEXT, cut(small(LIMIT), 9), packed), back: [saysText(letters(LIMIT))] },
  { name: 'one byte more', send: text(small(LIMIT + 1), packed), close: TOO_BIG },
  { name: 'one byte more, in fragments', send: fragmented(TEXT, cut(small(LIMIT + 1), 9), packed), close: TOO_BIG },
  { name: 'one byte more, after a message that is answered', send: [text(HELLO, packed), text(small(LIMIT + 1), packed), ping()], back: [saysText('Hello')], close: TOO_BIG },
  { name: 'a frame whose packed payload alone is far over it', send: text('', { rsv: 4, declared: 16 * MIB }), close: TOO_BIG },
  { name: '64 MiB of zeros', send: fragmented(BINARY, cut(bomb, 32 * KIB), packed), close: TOO_BIG },
  { name: '64 MiB of zeros, of which the first 1,000 packed bytes came', send: binary(bomb.subarray(0, 1_000), { rsv: 4, fin: false }), close: TOO_BIG },
  { name: '64 MiB of zeros in fragments of 100 bytes', send: fragmented(BINARY, cut(bomb, 100), packed), close: TOO_BIG },
  { name: 'a bomb of stored and packed blocks', send: fragmented(BINARY, [Buffer.concat([hex('000100feff61'), zeros(MIB)])], packed), close: TOO_BIG },
]);

test('two hundred bombs at once leave no more memory in use than a message each', async () => {
  const resident = (node) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${node.pid}/status`, 'utf8'))[1]) * KIB;
  const one = async () => {
    const talk = await Conversation.open(nodes.without, offering());
    talk.send(fragmented(BINARY, cut(bomb, 32 * KIB), packed));
    assert.deepEqual(await talk.rest(), [`close ${TOO_BIG}`, 'end']);
  };
  await one();
  const before = resident(nodes.without);
  await Promise.all(Array.from({ length: 200 }, one));
  const grown = resident(nodes.without) - before;
  // AddressSanitizer keeps what was freed for a while.
  if (!SANITIZED) assert.ok(grown < 200 * 4 * LIMIT, `${Math.round(grown / KIB)} KiB more than before`);
});
