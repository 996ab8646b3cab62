// RFC 7692 §6, §7.2: messages that are packed, there and back: sizes and kinds, fragments,
// blocks of every sort, and packed ones among others that are not.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Conversation, saysBinary, saysPong, saysText } from '../support/conversation.mjs';
import { offering, pack } from '../support/deflate.mjs';
import { fileScope, serve } from '../support/foyer.mjs';
import { BINARY, TEXT, cut, fragmented, more, ping, text } from '../support/frames.mjs';

const KIB = 1_024;
const file = fileScope(after);
const nodes = {};
before(async () => {
  const args = ['--echo', 'open', '--message-bytes', '256KiB', '--bytes-per-s', '1024MiB', '--bytes-burst', '1024MiB'];
  [nodes.without, nodes.with] = await Promise.all([serve(file, { args }), serve(file, { args: [...args, '--compression-context-takeover', 'true'] })]);
});

const hex = (digits) => Buffer.from(digits.replaceAll(' ', ''), 'hex');
const packed = { rsv: 4 };
const says = { [TEXT]: saysText, [BINARY]: saysBinary };

// ---- kinds and sizes

const noise = crypto.randomBytes(256 * KIB);
const prose = 'It was a bright cold day in April, and the clocks were striking; Τὸ φῶς ἐν τῇ σκοτίᾳ. '.repeat(4_000);
const json = JSON.stringify(Array.from({ length: 5_000 }, (_, i) => ({ type: 'message', room: 'tea', offset: i, from: { id: `user-${i % 17}`, name: 'Ann' }, message: `This is number ${i * 31}.` })));
const clip = (said, length) => { const bytes = Buffer.from(said).subarray(0, length); let end = length; while (end && (Buffer.from(said)[end] & 0xc0) === 0x80) end -= 1; return bytes.subarray(0, end); };
const KINDS = [
  ['prose', TEXT, (length) => clip(prose, length), true], ['JSON', TEXT, (length) => clip(json, length), true],
  ['zeros', BINARY, (length) => Buffer.alloc(length), true], ['noise', BINARY, (length) => noise.subarray(0, length), false],
];
const SIZES = [0, 1, 16, 64, 256, 511, 512, KIB, 4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB];

// Six messages of this kind and size: packed, packed in fragments, plain, plain in fragments, packed twice more.
async function round(node, opcode, bytes, shrinks) {
  const side = offering('permessage-deflate; client_max_window_bits');
  const talk = await Conversation.open(node, side);
  const fragments = (payload) => cut(payload, Math.max(1, Math.ceil(payload.length / 7)));
  const send = [
    async () => talk.send(fragmented(opcode, [await side.packer.pack(bytes)], packed)), async () => talk.send(fragmented(opcode, fragments(await side.packer.pack(bytes)), packed)),
    () => talk.send(fragmented(opcode, [bytes])), () => talk.send(fragmented(opcode, bytes.length ? fragments(bytes) : ['', ''])),
    async () => talk.send(fragmented(opcode, [await side.packer.pack(bytes)], packed)), async () => talk.send(fragmented(opcode, [await side.packer.pack(bytes)], packed)),
  ];
  for (const each of send) {
    await each();
    assert.equal(await talk.next(), says[opcode](bytes));
  }
  assert.deepEqual(await talk.leave(), ['close 1000', 'end']);
  const answers = talk.events.filter(({ kind }) => kind !== 'close');
  assert.equal(answers.length, 6);
  for (const answer of answers) {
    if (bytes.length < 512) assert.equal(answer.packed, false, 'short messages go out as they are');
    else if (shrinks) assert.ok(answer.packed && answer.wire < bytes.length, `${bytes.length} bytes went out as ${answer.wire}`);
    else assert.ok(answer.wire <= bytes.length + 64, `${bytes.length} bytes of noise went out as ${answer.wire}`);
  }
}

for (const which of ['without', 'with']) {
  describe(`Messages of every kind and size, ${which} context takeover`, { concurrency: 8 }, () => {
    for (const [kind, opcode, make, shrinks] of KINDS) for (const size of SIZES) {
      test(`${kind} of ${size} bytes`, () => round(nodes[which], opcode, make(size), shrinks));
    }
  });
}

describe('A packed message may be cut anywhere', { concurrency: 8 }, () => {
  for (const [kind, opcode, make] of KINDS) {
    for (const size of [1, 2, 7, 64, 1_000]) {
      test(`${kind}, fragments of ${size} bytes with Pings and empty fragments between`, async () => {
        const side = offering();
        const talk = await Conversation.open(nodes.with, side);
        const bytes = make(3_000);
        const pieces = cut(await side.packer.pack(bytes), size);
        talk.send(fragmented(opcode, [pieces[0], '', ...pieces.slice(1), ''], packed).flatMap((each, i) => (i === 2 ? [ping('between'), each] : [each])));
        assert.deepEqual(await talk.leave(), [saysPong('between'), says[opcode](bytes), 'close 1000', 'end']);
      });
    }
    test(`${kind}, octet by octet`, async () => {
      const side = offering();
      const talk = await Conversation.open(nodes.without, side);
      const bytes = make(1_500);
      await talk.sendIn(1, fragmented(opcode, cut(await side.packer.pack(bytes), 100), packed));
      assert.deepEqual(await talk.leave(), [says[opcode](bytes), 'close 1000', 'end']);
    });
  }
});

// ---- payloads by hand: [name, frames, what is said back]

const whole = (...digits) => digits.map((each) => text(hex(each), packed));
const stored = (bytes) => Buffer.concat([Buffer.of(0, bytes.length & 0xff, bytes.length >> 8, ~bytes.length & 0xff, (~bytes.length >> 8) & 0xff), bytes]);

for (const which of ['without', 'with']) {
  describe(`Blocks of every sort are understood, ${which} context takeover`, { concurrency: 16 }, () => {
    for (const [name, send, back] of [
      ['one block (§7.2.3.1)', whole('f248cdc9c90700'), ['Hello']],
      ['one block in two fragments (§7.2.3.1)', [text(hex('f248cd'), { rsv: 4, fin: false }), more(hex('c9c90700'))], ['Hello']],
      ['a stored block (§7.2.3.3)', whole('000500faff48656c6c6f00'), ['Hello']],
      ['a block that says it is the last (§7.2.3.4)', whole('f348cdc9c9070000'), ['Hello']],
      ['such a block, and then another message', whole('f348cdc9c9070000', 'f248cdc9c90700'), ['Hello', 'Hello']],
      ['two blocks (§7.2.3.5)', whole('f248050000 00ffff cac9c90700'), ['Hello']],
      ['no text at all (§7.2.3.6)', whole('00'), ['']],
      ['no bytes at all, as some write an empty text', whole(''), ['']],
      ['no text, in an empty block of fixed codes', whole('0200'), ['']],
      ['empty stored blocks around a text', whole(`${'000000ffff'.repeat(20)}f248cdc9c907000000ffff00`), ['Hello']],
      ['a stored block of no length in front', whole('000000ffff f248cdc9c90700'), ['Hello']],
      ['a hundred stored blocks of a letter', [text(Buffer.concat([...Array(100).fill(stored(Buffer.from('x'))), Buffer.of(0)]), packed)], ['x'.repeat(100)]],
      ['a stored block of 65,535 bytes', [text(Buffer.concat([stored(Buffer.alloc(65_535, 0x61)), Buffer.of(0)]), packed)], ['a'.repeat(65_535)]],
      ['an empty first fragment', [text('', { rsv: 4, fin: false }), more(hex('f248cdc9c90700'))], ['Hello']],
      ['packed, plain, packed', [...whole('f248cdc9c90700'), text('plain'), ...whole('f248cdc9c90700')], ['Hello', 'plain', 'Hello']],
      ['a plain message in fragments', [text('Hel', { fin: false }), more('lo')], ['Hello']],
    ]) {
      test(name, async () => {
        const talk = await Conversation.open(nodes[which], offering());
        talk.send(send);
        assert.deepEqual(await talk.leave(), [...back.map(saysText), 'close 1000', 'end']);
      });
    }
  });
}

test('with takeover a second message refers to the first (§7.2.3.2)', async () => {
  const talk = await Conversation.open(nodes.with, offering());
  talk.send(whole('f248cdc9c90700', 'f200110000'));
  assert.deepEqual(await talk.leave(), [saysText('Hello'), saysText('Hello'), 'close 1000', 'end']);
});

test('a plain message is no part of what later ones refer to', async () => {
  const talk = await Conversation.open(nodes.with, offering());
  talk.send(whole('f248cdc9c90700'), text('World'), whole('f200110000'));
  assert.deepEqual(await talk.leave(), [saysText('Hello'), saysText('World'), saysText('Hello'), 'close 1000', 'end']);
});

test('messages of one connection are nothing to another', async () => {
  const first = await Conversation.open(nodes.with, offering());
  first.send(whole('f248cdc9c90700'));
  assert.equal(await first.next(), saysText('Hello'));
  const second = await Conversation.open(nodes.with, offering());
  second.send(whole('f200110000'));
  assert.deepEqual(await second.rest(), ['close 1007 INVALID_COMPRESSION', 'end']);
  first.send(whole('f200110000'));
  assert.deepEqual(await first.leave(), [saysText('Hello'), 'close 1000', 'end']);
});

test('a thousand messages, of which every third is packed', async () => {
  const side = offering();
  const talk = await Conversation.open(nodes.with, side);
  const messages = Array.from({ length: 1_000 }, (_, i) => `Number ${i}: ${'so on and '.repeat(i % 90)}`);
  for (const [i, message] of messages.entries()) talk.send(i % 3 ? text(message) : text(await side.packer.pack(message), packed));
  assert.deepEqual(await talk.leave(), [...messages.map(saysText), 'close 1000', 'end']);
});

test('a message as long as the limit is answered, though packing made it longer', async () => {
  const talk = await Conversation.open(nodes.without, offering());
  const bytes = noise.subarray(0, 256 * KIB);
  const payload = await pack(bytes, { level: 0 });
  assert.ok(payload.length > bytes.length);
  talk.send(fragmented(BINARY, [payload], packed));
  assert.deepEqual(await talk.leave(), [saysBinary(bytes), 'close 1000', 'end']);
});

test('by default nothing below 512 bytes is packed, and 512 are', async () => {
  const talk = await Conversation.open(nodes.without, offering());
  talk.send(text('a'.repeat(511)), text('a'.repeat(512)));
  assert.deepEqual(await talk.leave(), [saysText('a'.repeat(511)), saysText('a'.repeat(512)), 'close 1000', 'end']);
  assert.deepEqual(talk.events.slice(0, 2).map((event) => event.packed), [false, true]);
});
