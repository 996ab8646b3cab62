// RFC 6455 §5.2: lengths and their forms, masks, reserved bits, opcodes; however the bytes arrive.
import { after, before } from 'node:test';
import { PROTOCOL, TOO_BIG, cases, saysBinary, saysPong, saysText } from '../support/conversation.mjs';
import { fileScope, serve } from '../support/foyer.mjs';
import { BINARY, MORE, PING, TEXT, binary, close, frame, more, ping, pong, text } from '../support/frames.mjs';

const file = fileScope(after);
let node;
before(async () => { node = await serve(file, { args: ['--echo', 'open', '--message-bytes', '256KiB'] }); });

const letters = (length) => 'the quick brown fox, '.repeat(Math.ceil(length / 21)).slice(0, length);
const octets = (length) => Buffer.from(Array.from({ length }, (_, i) => (i * 167 + 13) & 0xff));

const LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 124, 125, 126, 127, 128, 129, 1_000, 65_534, 65_535, 65_536, 65_537, 131_072];

cases('Messages of every length come back as they were sent', () => node, LENGTHS.flatMap((length) => [
  { name: `a text of ${length} bytes`, send: text(letters(length)), back: [saysText(letters(length))] },
  { name: `a binary message of ${length} bytes`, send: binary(octets(length)), back: [saysBinary(octets(length))] },
]));

cases('It does not matter how TCP cut the bytes', () => node, [
  ...[0, 1, 125, 126, 127, 128, 700].flatMap((length) => [
    { name: `a text of ${length} bytes, octet by octet`, send: text(letters(length)), slice: 1, back: [saysText(letters(length))] },
    { name: `a binary message of ${length} bytes, octet by octet`, send: binary(octets(length)), slice: 1, back: [saysBinary(octets(length))] },
  ]),
  ...[65_535, 65_536].flatMap((length) => [997, 16_384].flatMap((slice) => [
    { name: `a text of ${length} bytes in pieces of ${slice}`, send: text(letters(length)), slice, back: [saysText(letters(length))] },
    { name: `a binary message of ${length} bytes in pieces of ${slice}`, send: binary(octets(length)), slice, back: [saysBinary(octets(length))] },
  ])),
  ...[2, 3, 5, 7, 13, 64].map((slice) => ({
    name: `forty frames of different kinds in pieces of ${slice} bytes`, slice,
    send: Array.from({ length: 10 }, (_, i) => [text(letters(i * 9)), ping(letters(i)), binary(octets(i * 15)), pong('')]),
    back: Array.from({ length: 10 }, (_, i) => [saysText(letters(i * 9)), saysPong(letters(i)), saysBinary(octets(i * 15))]),
  })),
  { name: 'a hundred messages in one write are answered in order',
    send: Array.from({ length: 100 }, (_, i) => text(`message ${i}`)), back: Array.from({ length: 100 }, (_, i) => saysText(`message ${i}`)) },
]);

cases('A mask is any four bytes', () => node, [
  ['of zeros', '00000000'], ['of ones', 'ffffffff'], ['that turns the text into zeros', '61616161'], ['that looks like a Close', '88800000'], ['with its high bits set', '80808080'],
].flatMap(([what, hex]) => [3, 64, 1_001].map((length) => ({
  name: `a mask ${what} over ${length} bytes`, send: text('a'.repeat(length), { key: Buffer.from(hex, 'hex') }), back: [saysText('a'.repeat(length))],
}))));

cases('A frame without a mask ends the connection (§5.1)', () => node, [
  { name: 'a text', send: text('Hello', { masked: false }) },
  { name: 'an empty text', send: text('', { masked: false }) },
  { name: 'a binary message', send: binary('Hello', { masked: false }) },
  { name: 'a Ping', send: ping('', { masked: false }) },
  { name: 'a Pong', send: pong('', { masked: false }) },
  { name: 'a Close', send: close(1000, '', { masked: false }) },
  { name: 'a second fragment, when the first had one', send: [text('Hel', { fin: false }), more('lo', { masked: false })] },
  { name: 'the second of two messages; the first is answered', send: [text('one'), text('two', { masked: false })], back: [saysText('one')] },
  { name: 'its first two bytes suffice', send: text('Hello', { masked: false }).subarray(0, 2), slice: 1 },
].map((row) => ({ ...row, close: PROTOCOL })));

cases('A length in a form that is not the shortest ends the connection (§5.2)', () => node, [
  ...[0, 1, 5, 125].flatMap((length) => [2, 8].map((wide) => ({ name: `${length} in ${wide * 8} bits`, send: text(letters(length), { wide }) }))),
  ...[126, 65_535].map((length) => ({ name: `${length} in 64 bits`, send: text(letters(length), { wide: 8 }) })),
  { name: 'a binary message of 5 bytes in 16 bits, octet by octet', send: binary(octets(5), { wide: 2 }), slice: 1 },
  { name: 'a continuation of 5 bytes in 16 bits', send: [text('a', { fin: false }), more('b', { wide: 2 })] },
  { name: 'a Ping of 5 bytes in 16 bits', send: ping('Hello', { wide: 2 }) },
  { name: 'a Close in 64 bits', send: close(1000, '', { wide: 8 }) },
].map((row) => ({ ...row, close: PROTOCOL })));

// Only the head is sent: nobody waits for such a message, or makes room for it.
const headOnly = (opcode, declared, options) => frame(opcode, '', { declared, ...options });
cases('A length beyond all limits is refused at its head', () => node, [
  { name: 'with the highest bit set (2^63)', send: headOnly(TEXT, 2n ** 63n), close: PROTOCOL },
  { name: 'all ones (2^64 - 1)', send: headOnly(BINARY, 2n ** 64n - 1n), close: PROTOCOL },
  { name: 'the largest that is allowed (2^63 - 1)', send: headOnly(TEXT, 2n ** 63n - 1n), close: TOO_BIG },
  { name: '2^32', send: headOnly(BINARY, 2n ** 32n), close: TOO_BIG },
  { name: '2^32 + 5, of which 32 bits say 5', send: headOnly(TEXT, 2n ** 32n + 5n), close: TOO_BIG },
  { name: 'a continuation of 2^63 - 1', send: [text('a', { fin: false }), headOnly(MORE, 2n ** 63n - 1n)], close: TOO_BIG },
  { name: 'a Ping of 2^63 - 1', send: headOnly(PING, 2n ** 63n - 1n), close: PROTOCOL },
]);

// §5.2: RSV1 to RSV3 are zero unless an extension says otherwise.
const KINDS = [['a text', TEXT], ['a binary message', BINARY], ['a Ping', PING], ['a Pong', 0xa], ['a Close', 0x8]];
cases('A reserved bit ends the connection where no extension was agreed on', () => node, [
  ...[1, 2, 3, 4, 5, 6, 7].flatMap((rsv) => KINDS.map(([what, opcode]) => ({ name: `bits ${rsv.toString(2).padStart(3, '0')} on ${what}`, send: frame(opcode, '', { rsv }) }))),
  ...[1, 2, 4].map((rsv) => ({ name: `bits ${rsv.toString(2).padStart(3, '0')} on a continuation`, send: [text('a', { fin: false }), more('b', { rsv })] })),
  { name: 'after a message, which is answered, and before a Ping, which is not', send: [text('one'), text('two', { rsv: 4 }), ping()], back: [saysText('one')] },
  { name: 'octet by octet', send: [text('one'), text('two', { rsv: 1 })], slice: 1, back: [saysText('one')] },
  { name: 'its first byte suffices', send: Buffer.of(0x80 | (2 << 4) | TEXT) },
].map((row) => ({ ...row, close: PROTOCOL })));

cases('An opcode that is reserved ends the connection', () => node, [
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => [
    { name: `opcode ${opcode}, empty`, send: frame(opcode) },
    { name: `opcode ${opcode} with a payload, after a message, which is answered`, send: [text('one'), frame(opcode, 'two'), ping()], back: [saysText('one')] },
    { name: `opcode ${opcode} between the fragments of a message`, send: [text('a', { fin: false }), frame(opcode, 'x'), more('b')] },
    { name: `opcode ${opcode} with FIN unset`, send: frame(opcode, 'x', { fin: false }) },
    { name: `opcode ${opcode} by its first byte`, send: Buffer.of(0x80 | opcode) },
  ]),
].map((row) => ({ ...row, close: PROTOCOL })));
