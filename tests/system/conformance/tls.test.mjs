// The same letters over TLS: one case of each family (families.mjs), large messages, and ends.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Authority, files } from '../support/certificates.mjs';
import { Conversation, TOO_BIG, cases, check, saysBinary, saysPong, saysText } from '../support/conversation.mjs';
import { fileScope, serve, temporary, whileStopped } from '../support/foyer.mjs';
import { BINARY, TEXT, binary, close, cut, fragmented, ping, text } from '../support/frames.mjs';
import { FAMILIES } from './families.mjs';

const KIB = 1_024;
const MIB = 1_024 * KIB;

const file = fileScope(after);
let node;   // as it is shipped
let wide;
before(async () => {
  const authority = new Authority(temporary(file));
  const env = files(authority.issue('server', 'DNS:localhost,IP:127.0.0.1'));
  const room = ['--bytes-per-s', '1024MiB', '--bytes-burst', '1024MiB'];
  [node, wide] = await Promise.all([serve(file, { env, args: ['--echo', 'open'] }), serve(file, { env, args: ['--echo', 'open', '--message-bytes', '16MiB', '--outbox-bytes', '256MiB', ...room] })]);
  for (const each of [node, wide]) each.tls = { ca: authority.pem };
});

describe('One case of each family', { concurrency: 8 }, () => {
  for (const [name, row] of FAMILIES) test(name, () => check(node, row));
});

const octets = (length) => Buffer.from(Array.from({ length }, (_, i) => (i * 167 + (i >> 8)) & 0xff));
const letters = (length) => 'the quick brown fox, '.repeat(Math.ceil(length / 21)).slice(0, length);

// Around the sizes of records (16 KiB), too.
cases('Messages of every length come back as they were sent', () => wide, [
  ...[0, 1, 125, 126, 65_535, 65_536, 16 * KIB - 10, 16 * KIB - 4, 16 * KIB, 16 * KIB + 1, 48 * KIB, MIB, 4 * MIB, 16 * MIB].flatMap((length) => [
    { name: `a text of ${length} bytes`, send: text(letters(length)), back: [saysText(letters(length))] },
    { name: `a binary message of ${length} bytes`, send: binary(octets(length)), back: [saysBinary(octets(length))] },
  ]),
  { name: '1 MiB in fragments of 1,000 bytes', send: fragmented(BINARY, cut(octets(MIB), 1_000)), back: [saysBinary(octets(MIB))] },
  { name: 'a record for each octet', send: [text(letters(300)), ping('here')], slice: 1, back: [saysText(letters(300)), saysPong('here')] },
  { name: '256 KiB in records of 512 bytes', send: fragmented(TEXT, cut(letters(256 * KIB), 10_000)), slice: 512, back: [saysText(letters(256 * KIB))] },
  { name: 'three hundred messages in one write', send: Array.from({ length: 300 }, (_, i) => text(`message ${i}`)), back: Array.from({ length: 300 }, (_, i) => saysText(`message ${i}`)) },
]);

cases('A client that goes on sending what is too long still gets its Close, not a reset', () => node, [256 * KIB, MIB].map((length) => ({ name: `${length} bytes`, send: binary(octets(length)), close: TOO_BIG })));

for (const [last, lines] of [[[close(4_000)], ['close 4000']], [[], []]]) {
  test(`what came together with the end of the client’s half is still answered, and the stream ends in order${last.length > 0 ? '; with a Close' : ''}`, async () => {
    const talk = await Conversation.open(node);
    await whileStopped(node, () => {
      talk.send(text('one'), ping('two'), ...last);
      return talk.sendEnd();
    });
    assert.deepEqual(await talk.rest(), [saysText('one'), saysPong('two'), ...lines, 'end']);
  });
}
