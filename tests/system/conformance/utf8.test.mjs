// RFC 6455 §8.1, RFC 3629: text is UTF-8, and fails at its first byte that cannot be, not at its end.
import { after, before } from 'node:test';
import { NOT_UTF8, cases, saysBinary, saysText } from '../support/conversation.mjs';
import { fileScope, serve } from '../support/foyer.mjs';
import { TEXT, binary, close, cut, fragmented, frame, more, ping, text } from '../support/frames.mjs';

const file = fileScope(after);
let node;
before(async () => { node = await serve(file, { args: ['--echo', 'open'] }); });

const hex = (digits) => Buffer.from(digits.replaceAll(' ', ''), 'hex');
const name = (code) => `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
const char = (code) => String.fromCodePoint(code);

// ---- what is valid

const BOUNDARIES = [0x00, 0x01, 0x7e, 0x7f, 0x80, 0x81, 0x7fe, 0x7ff, 0x800, 0x801, 0x0fff, 0x1000, 0xcfff, 0xd000, 0xd7fe, 0xd7ff, 0xe000, 0xe001, 0xefff, 0xf000, 0xfeff, 0xfffc, 0xfffd, 0x1_0000,
  0x1_0001, 0x3_ffff, 0x4_0000, 0xf_ffff, 0x10_0000, 0x10_fffd];
const NONCHARACTERS = [0xfdd0, 0xfdef, ...Array.from({ length: 17 }, (_, plane) => [plane * 0x1_0000 + 0xfffe, plane * 0x1_0000 + 0xffff]).flat()];
const TEXTS = [
  ['Greek', 'Τὸ φῶς ἐν τῇ σκοτίᾳ φαίνει'], ['Cyrillic', 'Съешь же ещё этих мягких французских булок'], ['Hebrew and digits', 'שלום 123'], ['Chinese', '天地玄黃，宇宙洪荒'],
  ['Thai', 'เป็นมนุษย์สุดประเสริฐ'], ['a family of emoji, joined', '👩‍👩‍👧‍👦🏳️‍🌈'], ['letters with their accents apart', 'e\u0301o\u0302\u0323'], ['all four widths', 'aé€𐍈'.repeat(50)],
  ['a mark of byte order in front', '\ufeffHello'], ['NUL among letters', 'a\0b\0\0c'],
];

const split = (bytes) => fragmented(TEXT, cut(bytes, 1));

cases('Every code point comes back', () => node, [
  ...BOUNDARIES.map((code) => [`the boundary ${name(code)}`, char(code)]), ...NONCHARACTERS.map((code) => [`the noncharacter ${name(code)}`, char(code)]), ...TEXTS,
].flatMap(([what, said]) => [
  { name: what, send: text(said), back: [saysText(said)] },
  { name: `${what}, a fragment for each byte`, send: split(Buffer.from(said)), back: [saysText(said)] },
  { name: `${what}, octet by octet`, send: text(`${said}${said}`), slice: 1, back: [saysText(`${said}${said}`)] },
]));

cases('A code point may be cut anywhere', () => node, [['two', 'é'], ['three', '€'], ['four', '𐍈']].flatMap(([bytes, c]) => Array.from({ length: Buffer.byteLength(c) + 1 }, (_, at) => {
  const whole = Buffer.from(c);
  return { name: `of ${bytes} bytes, after ${at}, with a Ping between`, send: [text(whole.subarray(0, at), { fin: false }), ping(), more(whole.subarray(at))], back: ['pong ""', saysText(c)] };
})));

// ---- what is not: [what, the bytes, which of them is the first that cannot be]

const INVALID = [
  ['a continuation byte alone, the first', '80', 0],
  ['a continuation byte alone, the last', 'bf', 0],
  ['all 64 continuation bytes', Array.from({ length: 64 }, (_, i) => (0x80 + i).toString(16)).join(''), 0],
  ['a continuation byte after a whole character', 'c3a9 a9', 2],
  ['a beginning of two, and a space', 'c3 20', 1],
  ['a beginning of three, and a space', 'e2 20', 1],
  ['two of three, and a space', 'e282 20', 2],
  ['a beginning of four, and a space', 'f0 20', 1],
  ['two of four, and a space', 'f090 20', 2],
  ['three of four, and a space', 'f0908d 20', 3],
  ['a beginning after a beginning', 'c3 c3 a9', 1],
  ['a beginning of three inside one of four', 'f090 e282ac', 2],
  ['FE, which is never in UTF-8', 'fe', 0],
  ['FF, which is never in UTF-8', 'ff', 0],
  ['a mark of byte order in UTF-16', 'fffe', 0],
  ['C0, which only begins forms that are too long', 'c0', 0],
  ['C1, which only begins forms that are too long', 'c1', 0],
  ['F5, which only begins what is too large', 'f5', 0],
  ['F8, a beginning of five', 'f8 88808080', 0],
  ['FC, a beginning of six', 'fc 8480808080', 0],
  ['U+002F in two bytes', 'c0 af', 0],
  ['U+002F in three bytes', 'e0 80 af', 1],
  ['U+002F in four bytes', 'f0 80 80 af', 1],
  ['U+0000 in two bytes', 'c0 80', 0],
  ['U+0000 in three bytes', 'e0 80 80', 1],
  ['U+0000 in four bytes', 'f0 80 80 80', 1],
  ['U+007F in two bytes', 'c1 bf', 0],
  ['U+07FF in three bytes', 'e0 9f bf', 1],
  ['U+FFFF in four bytes', 'f0 8f bf bf', 1],
  ['the first high surrogate, D800', 'ed a0 80', 1],
  ['the last high surrogate, DBFF', 'ed af bf', 1],
  ['the first low surrogate, DC00', 'ed b0 80', 1],
  ['the last low surrogate, DFFF', 'ed bf bf', 1],
  ['a pair of surrogates for U+10000', 'ed a0 80 ed b0 80', 1],
  ['a pair of surrogates for U+10FFFF', 'ed af bf ed bf bf', 1],
  ['U+110000, the first beyond all planes', 'f4 90 80 80', 1],
  ['U+1FFFFF', 'f7 bf bf bf', 0],
  ['U+200000 in five bytes', 'f8 88 80 80 80', 0],
  ['U+7FFFFFFF in six bytes', 'fd bf bf bf bf bf', 0],
  ['Latin-1 for é', 'e9 20', 1],
];
const TRUNCATED = [['two bytes', 'c3'], ['three bytes, one there', 'e2'], ['three bytes, two there', 'e282'], ['four bytes, one there', 'f0'], ['four bytes, two there', 'f090'], ['four bytes, three there', 'f0908d']];
const rejected = (row) => ({ ...row, close: NOT_UTF8 });
const before7 = Buffer.from('κόσμε, '); // text of two and three bytes a letter in front

cases('A text that is not UTF-8 ends the connection', () => node, INVALID.flatMap(([what, digits]) => {
  const bad = hex(digits);
  return [
    { name: what, send: text(bad) },
    { name: `${what}; among valid text, after a message that is answered`, send: [text('well'), text(Buffer.concat([before7, bad, before7])), ping()], back: [saysText('well')] },
    { name: `${what}; behind 4,096 letters`, send: text(Buffer.concat([Buffer.alloc(4_096, 0x61), bad])) },
    { name: `${what}; in the third fragment`, send: fragmented(TEXT, [before7, '', bad, before7]) },
    { name: `${what}; a fragment for each byte`, send: split(Buffer.concat([before7, bad])) },
  ];
}).map(rejected));

// What is sent ends with the first bad byte: the message is not over, and the frame may not be either.
cases('It ends at the first bad byte, whatever was still to come', () => node, INVALID.flatMap(([what, digits, at]) => {
  const head = Buffer.concat([before7, hex(digits).subarray(0, at + 1)]);
  const key = Buffer.from('a1b2c3d4', 'hex');
  return [
    { name: `${what}; the rest of the frame is missing`, send: text(head, { declared: 60_000, key }) },
    { name: `${what}; the rest of the frame is missing, octet by octet`, send: text(head, { declared: 200, key }), slice: 1 },
    { name: `${what}; further fragments are missing`, send: cut(head, 1).map((byte, i) => frame(i === 0 ? TEXT : 0, byte, { fin: false })) },
  ];
}).map(rejected));

cases('A text that ends inside a character ends the connection', () => node, TRUNCATED.flatMap(([what, digits]) => [
  { name: `of ${what}`, send: text(hex(digits)) },
  { name: `of ${what}, octet by octet`, send: text(Buffer.concat([before7, hex(digits)])), slice: 1 },
  { name: `of ${what}, in the last fragment`, send: [text(before7, { fin: false }), more(hex(digits))] },
  { name: `of ${what}, before an empty last fragment`, send: [text(hex(digits), { fin: false }), more('')] },
  { name: `of ${what}; the next message does not complete it`, send: [text(hex(digits)), text(hex('a9'))] },
]).map(rejected));

cases('A reason of a Close is text, too (§5.5.1)', () => node, [
  ...INVALID.filter(([, digits]) => hex(digits).length < 20).map(([what, digits]) => ({ name: what, send: close(1000, hex(digits)) })),
  ...TRUNCATED.map(([what, digits]) => ({ name: `cut inside a character of ${what}`, send: close(1000, hex(digits)) })),
  { name: 'one bad byte at the end of 123', send: close(1000, Buffer.concat([Buffer.alloc(122, 0x61), hex('ff')])), slice: 1 },
].map(rejected));

cases('What is not text may be anything', () => node, [
  ...INVALID.slice(0, 40).map(([what, digits]) => ({ name: `a binary message: ${what}`, send: binary(hex(digits)), back: [saysBinary(hex(digits))] })),
  { name: 'a binary message in fragments that ends inside a character', send: fragmented(0x2, [hex('e2'), hex('82')]), back: [saysBinary(hex('e282'))] },
]);
