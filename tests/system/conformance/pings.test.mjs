// RFC 6455 §5.5.2, §5.5.3: every Ping is answered by a Pong with its payload; a Pong by nothing.
import { after, before } from 'node:test';
import { PROTOCOL, cases, saysPong, saysText } from '../support/conversation.mjs';
import { fileScope, serve } from '../support/foyer.mjs';
import { PING, PONG, frame, more, ping, pong, text } from '../support/frames.mjs';

const file = fileScope(after);
let node;
before(async () => { node = await serve(file, { args: ['--echo', 'open', '--messages-burst', '1000'] }); });

const every = Buffer.from(Array.from({ length: 125 }, (_, i) => 131 + i));
const times = (count, make) => Array.from({ length: count }, (_, i) => make(i));

cases('A Ping is answered with its payload', () => node, [
  { name: 'an empty one', send: ping(), back: [saysPong('')] },
  { name: 'of one byte', send: ping('!'), back: [saysPong('!')] },
  { name: 'with text', send: ping('Are you there?'), back: [saysPong('Are you there?')] },
  { name: 'with bytes that are not UTF-8', send: ping(Buffer.from('00fffefdfcfb00ff', 'hex')), back: [saysPong(Buffer.from('00fffefdfcfb00ff', 'hex'))] },
  { name: 'of 124 bytes', send: ping(every.subarray(1)), back: [saysPong(every.subarray(1))] },
  { name: 'of 125 bytes, the most there may be', send: ping(every), back: [saysPong(every)] },
  { name: 'of 125 bytes, octet by octet', send: ping(every), slice: 1, back: [saysPong(every)] },
  { name: 'ten in one write, in order', send: times(10, (i) => ping(`number ${i}`)), back: times(10, (i) => saysPong(`number ${i}`)) },
  { name: 'ten octet by octet, in order', send: times(10, (i) => ping(`number ${i}`)), slice: 1, back: times(10, (i) => saysPong(`number ${i}`)) },
  { name: 'a thousand in one write', send: times(1_000, (i) => ping(`${i}`)), back: times(1_000, (i) => saysPong(`${i}`)) },
  { name: 'between messages, in its place', send: [text('before'), ping('now'), text('after')], back: [saysText('before'), saysPong('now'), saysText('after')] },
]);

cases('A Pong that nobody asked for is taken in silence', () => node, [
  { name: 'an empty one', send: pong() },
  { name: 'with a payload', send: pong('unasked') },
  { name: 'of 125 bytes', send: pong(every) },
  { name: 'octet by octet', send: pong('unasked'), slice: 1 },
  { name: 'before a Ping, which is answered', send: [pong('unasked'), ping('asked')], back: [saysPong('asked')] },
  { name: 'a hundred of them, and one Ping', send: [times(100, (i) => pong(`${i}`)), ping('asked')], back: [saysPong('asked')] },
  { name: 'between messages', send: [text('before'), pong('unasked'), text('after')], back: [saysText('before'), saysText('after')] },
]);

cases('A control frame is short and whole (§5.5)', () => node, [
  ...[['a Ping', PING], ['a Pong', PONG]].flatMap(([what, opcode]) => [
    { name: `${what} of 126 bytes`, send: frame(opcode, Buffer.alloc(126, 0x2a)) },
    { name: `${what} of 65,536 bytes`, send: frame(opcode, Buffer.alloc(65_536)) },
    { name: `${what} of 126 bytes, by its first two bytes`, send: frame(opcode, Buffer.alloc(126)).subarray(0, 2), slice: 1 },
    { name: `${what} with FIN unset`, send: frame(opcode, 'part', { fin: false }) },
    { name: `${what} in two fragments`, send: [frame(opcode, 'one', { fin: false }), more('two')] },
    { name: `an empty ${what.slice(2)} with FIN unset, inside a message`, send: [text('a', { fin: false }), frame(opcode, '', { fin: false }), more('b')] },
    { name: `${what} that is too long, after one that is not`, send: [ping('well'), frame(opcode, Buffer.alloc(126))], back: [saysPong('well')] },
  ]),
].map((row) => ({ ...row, close: PROTOCOL })));
