// What every client says and hears: one describe() per client, one test per round. A client is
// { name, play, plain, fragments, headers, silent, told_by_close }: how it plays a plan (see
// standard.mjs); whether it can go without compression, cut messages into fragments, set
// headers; whether it says nothing of the answer to its Close; whether a refusal reaches it by Close instead of HTTP; and with
// mixed: false, that it can have permessage-deflate only where every single frame is packed.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { describe, test } from 'node:test';
import { Authority, files } from '../support/certificates.mjs';
import { serve, temporary } from '../support/foyer.mjs';
import { register } from '../support/people.mjs';

const KIB = 1_024;
const LIMIT = 256 * KIB;

// { open: anybody may speak to its echo, closed: only who has a token, person, secure: open, over
// TLS, with the certificate of its authority in the file `authority` }
export async function servers(file) {
  const room = ['--message-bytes', `${LIMIT}`, '--bytes-per-s', '1024MiB', '--bytes-burst', '1024MiB'];
  const authority = new Authority(temporary(file));
  const pair = authority.issue('server', 'DNS:localhost,IP:127.0.0.1');
  const [open, closed, secure] = await Promise.all([serve(file, { args: ['--echo', 'open', ...room] }), serve(file, { args: ['--echo', 'token', ...room] }),
    serve(file, { args: ['--echo', 'open', ...room], env: files(pair) })]);
  return { open, closed, secure, authority: authority.file, person: await register(closed, 'ann') };
}

const prose = (length) => 'Ein Satz, a sentence, une phrase. '.repeat(Math.ceil(length / 34)).slice(0, length);
const noise = crypto.randomBytes(LIMIT);
const widths = 'aé€𐍈 \u0000\u007f\u0080\u07ff\u0800\uffff\u{10000}\u{10ffff} '; // characters of one to four bytes
const LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536, LIMIT - 1, LIMIT];
const MESSAGES = [
  ...LENGTHS.flatMap((length) => [['text', Buffer.from(prose(length))], ['binary', noise.subarray(0, length)]]),
  ['text', Buffer.from(widths)], ['text', Buffer.from(widths.repeat(2_000))], ['binary', Buffer.alloc(100_000)],
];
const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');
const send = ([kind, bytes], fragment = 0) => ['send', kind, bytes.toString('base64'), fragment];
const heard = ([kind, bytes]) => [kind, bytes.length, sha256(bytes)];

const echoed = (messages, fragment) => messages.flatMap((message) => [send(message, fragment), ['receive']]);
const url = (node, where) => `${node.status.url.replace(/^http/, 'ws')}/ws/${where}`;
const authorization = (token) => ({ Authorization: `Bearer ${token}` });
const bearer = (token) => ['foyer.v1', `bearer.${token}`];
// The Close of the client itself, answered with the same code and no reason.
const own = (client, code) => ['closed', client.silent ? null : code, ''];

function messageRounds(client, at, compression) {
  test(`messages of every size come back ${compression ? 'with' : 'without'} permessage-deflate`, async () => {
    const messages = compression && client.mixed === false ? MESSAGES.filter(([kind, bytes]) => bytes.length >= 512 && (kind === 'text' || bytes.every((byte) => byte === 0))) : MESSAGES;
    const [[, protocol, extensions], ...events] = await client.play(url(at().open, 'echo'), { protocols: [], compression, steps: [...echoed(messages), ['close', 1_000, 'enough']] });
    assert.equal(protocol, '');
    if (compression) assert.match(extensions, /^permessage-deflate/);
    else assert.equal(extensions, '');
    assert.deepEqual(events, [...messages.map(heard), own(client, 1_000)]);
  });

  if (compression && client.mixed === false) return;

  if (client.fragments) {
    test(`fragments come back as messages ${compression ? 'with' : 'without'} permessage-deflate, and a Ping is answered`, async () => {
      const messages = [['text', Buffer.from(prose(1_000))], ['binary', noise.subarray(0, 70_000)], ['text', Buffer.from(prose(LIMIT))], ['text', Buffer.from(widths.repeat(400))]];
      const steps = [...[3, 700, 65_536].flatMap((size) => echoed(messages.filter(([, bytes]) => bytes.length / size < 10_000), size)), ['ping'], ['close', 1_000, '']];
      const [, ...events] = await client.play(url(at().open, 'echo'), { protocols: [], compression, steps });
      const expected = [3, 700, 65_536].flatMap((size) => messages.filter(([, bytes]) => bytes.length / size < 10_000).map(heard));
      assert.deepEqual(events, [...expected, ['pong'], own(client, 1_000)]);
    });
  }

  test(`a message over the limit closes with 1009 ${compression ? 'with' : 'without'} permessage-deflate`, async () => {
    const steps = [...echoed([['text', Buffer.from('first')]]), send(['binary', Buffer.concat([noise, Buffer.of(0)])]), ['closed']];
    const [, ...events] = await client.play(url(at().open, 'echo'), { protocols: [], compression, steps });
    assert.deepEqual(events, [heard(['text', Buffer.from('first')]), ['closed', 1_009, 'MESSAGE_TOO_BIG']]);
  });
}

function tokenRounds(client, at, compression) {
  if (client.headers) {
    test('a token in a header opens the echo, and a wrong one is refused with its code', async () => {
      const hello = ['text', Buffer.from('Hello')];
      const steps = [...echoed([hello]), ['close', 1_000, '']];
      const [[what], ...events] = await client.play(url(at().closed, 'echo'), { headers: authorization(at().person.access_token), protocols: [], compression, steps });
      assert.deepEqual([what, ...events], ['open', heard(hello), own(client, 1_000)]);
      const refused = await client.play(url(at().closed, 'echo'), { headers: authorization(`${at().person.access_token}x`), protocols: [], compression, steps });
      // A client that hides HTTP answers from its page is upgraded and told by a Close.
      assert.deepEqual(refused.at(-1), client.told_by_close ? ['closed', 4_401, 'INVALID_FORMAT'] : ['refused', 401]);
      assert.equal(refused[0][0], client.told_by_close ? 'open' : 'refused');
    });
  }

  test('a token as a subprotocol opens the echo, and the other one is selected', async () => {
    const hello = ['text', Buffer.from('Hello')];
    const [[what, protocol], ...events] = await client.play(url(at().closed, 'echo'), { protocols: bearer(at().person.access_token), compression, steps: [...echoed([hello]), ['close', 1_000, '']] });
    assert.deepEqual([what, protocol, ...events], ['open', 'foyer.v1', heard(hello), own(client, 1_000)]);
  });
}

function roomRound(client, at, compression) {
  const withToken = (token) => (client.headers ? { headers: authorization(token), protocols: ['foyer.v1'] } : { protocols: bearer(token) });
  test('somebody joins a room and says something', async () => {
    const said = (message) => ['text', Buffer.from(JSON.stringify(message))];
    const room = `room-${client.name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`;
    const steps = [['until', 'authentication_success'], send(said({ type: 'join', id: 1, room })), ['until', 'joined'], send(said({ type: 'chat', id: 2, room, message: `Hello from ${client.name} 𐍈` })),
      ['until', '"sent"'], ['close', 1_000, '']];
    const [[what, protocol], welcome, joined, sent, end] = await client.play(url(at().closed, 'chat'), { ...withToken(at().person.access_token), compression, steps });
    assert.deepEqual([what, protocol, end], ['open', 'foyer.v1', own(client, 1_000)]);
    assert.deepEqual([welcome, joined, sent].map(([, text]) => JSON.parse(text)).map(({ type, id }) => [type, id]), [['authentication_success', undefined], ['joined', 1], ['sent', 2]]);
    assert.equal(JSON.parse(welcome[1]).user.name, 'ann');
  });
}

export function rounds(client, at) {
  describe(client.name, () => {
    const compression = client.mixed !== false;
    for (const packed of client.plain ? [false, true] : [true]) messageRounds(client, at, packed);

    for (const code of [1_000, 3_000, 4_321, 4_999]) {
      test(`a Close with ${code} is answered with ${code}`, async () => {
        const [, ...events] = await client.play(url(at().open, 'echo'), { protocols: [], compression: false, steps: [['close', code, 'A reason.']] });
        assert.deepEqual(events, [own(client, code)]);
      });
    }

    tokenRounds(client, at, compression);

    test('messages of every size come back over TLS', async () => {
      const [[what], ...events] = await client.play(url(at().secure, 'echo'), { protocols: [], compression, ca: at().authority, steps: [...echoed(MESSAGES), ['close', 1_000, '']] });
      assert.deepEqual([what, ...events], ['open', ...MESSAGES.map(heard), own(client, 1_000)]);
    });

    roomRound(client, at, compression);
  });
}
