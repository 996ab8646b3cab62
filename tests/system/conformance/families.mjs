// One case of each family, for what stands in front of the frames: [name, row of check()].
import { NOT_UTF8, PROTOCOL, TOO_BIG, saysBinary, saysPong, saysText } from '../support/conversation.mjs';
import { offering, pack } from '../support/deflate.mjs';
import { TEXT, binary, close, cut, fragmented, frame, more, ping, pong, text } from '../support/frames.mjs';

const often = 'Hello, again and again and again. '.repeat(40);

export const FAMILIES = [
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
  ['a packed message', { ...offering(), send: text(await pack(often), { rsv: 4 }), back: [saysText(often)] }],
  ['packed bytes that are not DEFLATE', { ...offering(), send: binary(Buffer.of(0x07), { rsv: 4 }), close: '1007 INVALID_COMPRESSION' }],
];
