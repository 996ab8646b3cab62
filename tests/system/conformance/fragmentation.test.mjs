// RFC 6455 §5.4: messages in fragments, with control frames between them.
import { after, before } from 'node:test';
import { PROTOCOL, cases, saysBinary, saysPong, saysText } from '../support/conversation.mjs';
import { fileScope, serve } from '../support/foyer.mjs';
import { BINARY, TEXT, binary, close, cut, frame, fragmented, more, ping, pong, text } from '../support/frames.mjs';

const file = fileScope(after);
let node;
before(async () => { node = await serve(file, { args: ['--echo', 'open', '--message-bytes', '128KiB'] }); });

const first = (payload) => text(payload, { fin: false });
const middle = (payload) => more(payload, { fin: false });
const prose = 'Fragments are put together in the order in which they came. '.repeat(40);
const bytes = Buffer.from(Array.from({ length: 4_096 }, (_, i) => (i * 7) & 0xff));

// Every row twice: in one write, and octet by octet.
const both = (rows) => rows.flatMap((row) => [row, { ...row, name: `${row.name}, octet by octet`, slice: 1 }]);

cases('Fragments make one message', () => node, both([
  { name: 'two', send: [first('Hel'), more('lo')], back: [saysText('Hello')] },
  { name: 'three', send: [first('He'), middle('ll'), more('o')], back: [saysText('Hello')] },
  { name: 'the first is empty', send: [first(''), more('Hello')], back: [saysText('Hello')] },
  { name: 'the last is empty', send: [first('Hello'), more('')], back: [saysText('Hello')] },
  { name: 'one in between is empty', send: [first('Hel'), middle(''), more('lo')], back: [saysText('Hello')] },
  { name: 'all are empty', send: [first(''), middle(''), middle(''), more('')], back: [saysText('')] },
  { name: 'two binary ones', send: [binary('Hel', { fin: false }), more('lo')], back: [saysBinary('Hello')] },
  { name: 'two messages of two fragments each', send: [first('a'), more('b'), first('c'), more('d')], back: [saysText('ab'), saysText('cd')] },
  { name: 'one message in fragments and one that is whole', send: [first('a'), more('b'), text('c')], back: [saysText('ab'), saysText('c')] },
  { name: 'a text in fragments and then a binary one', send: [first('a'), more('b'), binary('c', { fin: false }), more('d')], back: [saysText('ab'), saysBinary('cd')] },
]));

cases('Fragments of any size', () => node, [
  ...[1, 2, 3, 64, 125, 126, 1_000].flatMap((size) => [
    { name: `a text of ${prose.length} bytes in fragments of ${size}`, send: fragmented(TEXT, cut(prose, size)), back: [saysText(prose)] },
    { name: `a binary message of ${bytes.length} bytes in fragments of ${size}`, send: fragmented(BINARY, cut(bytes, size)), back: [saysBinary(bytes)] },
  ]),
  { name: 'fragments that grow from 0 to 255 bytes', send: fragmented(BINARY, Array.from({ length: 256 }, (_, i) => bytes.subarray(0, i))), back: [saysBinary(Buffer.concat(Array.from({ length: 256 }, (_, i) => bytes.subarray(0, i))))] },
  { name: 'a thousand empty ones around one byte', send: fragmented(TEXT, [...Array(500).fill(''), '!', ...Array(500).fill('')]), back: [saysText('!')] },
  { name: 'the second of 65,536 bytes', send: fragmented(BINARY, ['x', Buffer.alloc(65_536, 0x7a)]), back: [saysBinary(Buffer.concat([Buffer.from('x'), Buffer.alloc(65_536, 0x7a)]))] },
]);

cases('Control frames come through between fragments, at once', () => node, both([
  { name: 'a Ping', send: [first('Hel'), ping('now'), more('lo')], back: [saysPong('now'), saysText('Hello')] },
  { name: 'an empty Ping', send: [first('Hel'), ping(), more('lo')], back: [saysPong(''), saysText('Hello')] },
  { name: 'a Ping after each of four fragments', send: [first('a'), ping('1'), middle('b'), ping('2'), middle('c'), ping('3'), more('d'), ping('4')], back: [saysPong('1'), saysPong('2'), saysPong('3'), saysText('abcd'), saysPong('4')] },
  { name: 'three Pings in a row', send: [first('a'), ping('1'), ping('2'), ping('3'), more('b')], back: [saysPong('1'), saysPong('2'), saysPong('3'), saysText('ab')] },
  { name: 'a Pong', send: [first('Hel'), pong('unasked'), more('lo')], back: [saysText('Hello')] },
  { name: 'a Ping inside a binary message', send: [binary('a', { fin: false }), ping('x'), more('b')], back: [saysPong('x'), saysBinary('ab')] },
  { name: 'a Ping of 125 bytes', send: [first('a'), ping('p'.repeat(125)), more('b')], back: [saysPong('p'.repeat(125)), saysText('ab')] },
  { name: 'a Ping is answered though the message never ends', send: [first('a'), ping('1'), middle('b'), ping('2')], back: [saysPong('1'), saysPong('2')] },
  { name: 'a Close, and the message is lost', send: [first('a'), close(1000)], back: [], close: '1000' },
]));

cases('A continuation without a beginning ends the connection', () => node, both([
  { name: 'as the first frame, final', send: more('x') },
  { name: 'as the first frame, not final', send: middle('x') },
  { name: 'an empty one', send: more('') },
  { name: 'after a whole message, which is answered', send: [text('whole'), more('x')], back: [saysText('whole')] },
  { name: 'after a message in fragments that has ended', send: [first('a'), more('b'), more('c')], back: [saysText('ab')] },
  { name: 'not final, and then a message in fragments', send: [middle('x'), first('a'), more('b')] },
  { name: 'again and again', send: [more('a'), more('b'), more('c')] },
].map((row) => ({ ...row, close: PROTOCOL }))));

cases('A message inside another ends the connection', () => node, both([
  { name: 'a whole text', send: [first('a'), text('b')] },
  { name: 'the beginning of another text', send: [first('a'), first('b'), more('c')] },
  { name: 'a binary message inside a text', send: [first('a'), binary('b')] },
  { name: 'a text inside a binary message', send: [binary('a', { fin: false }), text('b')] },
  { name: 'after a Ping, which is answered', send: [first('a'), ping('x'), text('b')], back: [saysPong('x')] },
  { name: 'after an empty beginning', send: [first(''), text('b')] },
  { name: 'its first byte suffices', send: [first('a'), Buffer.of(0x81)] },
].map((row) => ({ ...row, close: PROTOCOL }))));

cases('Other control frames between fragments keep their rules', () => node, [
  { name: 'a Ping with FIN unset', send: [first('a'), ping('', { fin: false }), more('b')], close: PROTOCOL },
  { name: 'a Close with FIN unset', send: [first('a'), close(1000, '', { fin: false })], close: PROTOCOL },
  { name: 'a Ping of 126 bytes', send: [first('a'), ping('p'.repeat(126)), more('b')], close: PROTOCOL },
  { name: 'a reserved control opcode', send: [first('a'), frame(0xb), more('b')], close: PROTOCOL },
]);
