// RFC 7692 §5, §7.1: what is agreed on, and that it is kept: every size of window in both
// directions, with and without context takeover, whatever the server would have chosen itself.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Conversation, saysText } from '../support/conversation.mjs';
import { offering } from '../support/deflate.mjs';
import { fileScope, serve } from '../support/foyer.mjs';
import { text } from '../support/frames.mjs';
import { upgrade } from '../support/websocket.mjs';

const file = fileScope(after);
const nodes = {};
before(async () => {
  const args = ['--echo', 'open', '--compression-min-bytes', '0', '--bytes-per-s', '1024MiB', '--bytes-burst', '1024MiB'];
  [nodes.without, nodes.with, nodes.off] = await Promise.all([
    serve(file, { args }), serve(file, { args: [...args, '--compression-context-takeover', 'true'] }), serve(file, { args: ['--echo', 'open', '--compression', 'false'] })]);
});

// Forty letters that come again after 100, 200, 400 … 32,000 others: whoever compresses with a
// window larger than was agreed on gives himself away.
const letters = (count, seed) => Array.from({ length: count }, (_, i) => String.fromCharCode(97 + (Math.imul(i + seed * 7_919, 2_654_435_761) >>> 20) % 26)).join('');
const recurring = Array.from({ length: 9 }, (_, i) => [letters(40, i), letters(100 * 2 ** i, i + 50), letters(40, i)]).flat().join('');
const again = letters(600, 99);

// Three packed messages there and back; the second and third are like each other.
async function exchange(node, offer) {
  const side = offering(offer);
  const talk = await Conversation.open(node, side);
  assert.notEqual(side.answer, undefined, 'nothing was agreed on');
  for (const message of [recurring, again, again]) {
    talk.send(text(await side.packer.pack(message), { rsv: 4 }));
    assert.equal(await talk.next(), saysText(message));
  }
  assert.deepEqual(await talk.leave(), ['close 1000', 'end']);
  return { side, talk };
}

const BITS = [8, 9, 10, 11, 12, 13, 14, 15];
const SERVER = [['the server’s window as it likes', ''], ...BITS.map((bits) => [`the server’s window of ${bits} bits`, `; server_max_window_bits=${bits}`])];
const CLIENT = [['the client’s not spoken of', ''], ['the client’s as the server likes', '; client_max_window_bits'], ...BITS.map((bits) => [`the client’s of ${bits}`, `; client_max_window_bits=${bits}`])];
const TAKEOVER = [['', ''], [', no takeover by the server', '; server_no_context_takeover'], [', no takeover by the client', '; client_no_context_takeover'],
  [', no takeover by either', '; server_no_context_takeover; client_no_context_takeover']];

for (const [which, what] of [['with', 'A server that takes contexts over'], ['without', 'A server that takes no context over']]) {
  describe(`${what} keeps what was agreed on`, { concurrency: 8 }, () => {
    for (const [serverSays, server] of SERVER) for (const [clientSays, client] of CLIENT) for (const [takeoverSays, takeover] of TAKEOVER) {
      test(`${serverSays}, ${clientSays}${takeoverSays}`, async () => {
        const { side, talk } = await exchange(nodes[which], `permessage-deflate${server}${client}${takeover}`);
        assert.ok(side.unpacker.furthest <= 2 ** side.terms.server.bits);
        const packed = talk.events.filter(({ kind }) => kind === 'text');
        if (side.terms.server.takeover && side.terms.server.bits > 9) assert.ok(packed[2].wire < packed[1].wire / 2, `the third message was packed to ${packed[2].wire} bytes, the second to ${packed[1].wire}`);
        if (which === 'without') assert.deepEqual([side.terms.server.takeover, side.terms.client.takeover], [false, false]);
      });
    }
  });
}

const answerTo = async (node, extensions, headers = {}) => {
  const { refused, socket, answer } = await upgrade(node, { path: '/ws/echo', headers: { 'Sec-WebSocket-Extensions': extensions, ...headers } });
  socket?.destroy();
  return refused ? refused.status : answer.headers['sec-websocket-extensions'];
};
const NONE = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

describe('The answer to an offer', { concurrency: 16 }, () => {
  for (const [name, offer, expected] of [
    ['the plain offer', 'permessage-deflate', NONE],
    ['with a window for the server', 'permessage-deflate; server_max_window_bits=10', `${NONE}; server_max_window_bits=10`],
    ['with a window in quotes', 'permessage-deflate; server_max_window_bits="10"', `${NONE}; server_max_window_bits=10`],
    ['as browsers make it', 'permessage-deflate; client_max_window_bits', NONE],
    ['all parameters', 'permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12; client_max_window_bits=12', `${NONE}; server_max_window_bits=12`],
    ['spaces wherever they may be', ' permessage-deflate ;client_max_window_bits ; server_max_window_bits = 11 ', `${NONE}; server_max_window_bits=11`],
    ['empty elements of the list', ', permessage-deflate, ,', NONE],
    ['behind another extension', 'x-other; level=9, permessage-deflate', NONE],
    ['behind an offer that cannot be accepted', 'permessage-deflate; server_max_window_bits=7, permessage-deflate', NONE],
    ['the first of two that can be accepted', 'permessage-deflate; server_max_window_bits=9, permessage-deflate; server_max_window_bits=14', `${NONE}; server_max_window_bits=9`],
    ['over two header lines', ['x-other', 'permessage-deflate; server_max_window_bits=13'], `${NONE}; server_max_window_bits=13`],
  ]) test(`${name}`, async () => assert.equal(await answerTo(nodes.without, offer), expected));

  test('takes contexts over where the server is set to, and the client does not mind', async () => {
    assert.equal(await answerTo(nodes.with, 'permessage-deflate'), 'permessage-deflate');
    assert.equal(await answerTo(nodes.with, 'permessage-deflate; server_no_context_takeover'), 'permessage-deflate; server_no_context_takeover');
    assert.equal(await answerTo(nodes.with, 'permessage-deflate; client_no_context_takeover'), 'permessage-deflate; client_no_context_takeover');
  });

  test('is silence where compression is off', async () => {
    assert.equal(await answerTo(nodes.off, 'permessage-deflate; client_max_window_bits'), undefined);
    assert.equal(await answerTo(nodes.off, 'permessage-deflate'), undefined);
  });

  test('is silence to a browser that is known to lose compressed messages', async () => {
    const safari = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';
    assert.equal(await answerTo(nodes.without, 'permessage-deflate', { 'User-Agent': safari }), undefined);
  });
});

describe('An offer that says what nobody may say is declined, and the connection works without (§7.1)', { concurrency: 16 }, () => {
  for (const offer of [
    'permessage-bzip2', 'x-webkit-deflate-frame', 'deflate-stream', 'permessage-deflate2', 'permessage-deflate; level=9', 'permessage-deflate; server_max_window_bits', 'permessage-deflate; foo',
    ...['7', '16', '0', '08', '010', '1', '100', '15.0', '-9', '1e1', '0x0a', 'ten', '256', '4294967304'].map((bits) => `permessage-deflate; server_max_window_bits=${bits}`),
    ...['7', '16', '0', '08', '-9', 'true'].map((bits) => `permessage-deflate; client_max_window_bits=${bits}`),
    ...['server_no_context_takeover', 'client_no_context_takeover'].flatMap((name) => ['=1', '=true', '=15'].map((value) => `permessage-deflate; ${name}${value}`)),
    ...['server_no_context_takeover', 'client_no_context_takeover', 'client_max_window_bits', 'server_max_window_bits=10'].map((name) => `permessage-deflate; ${name}; ${name}`),
    'permessage-deflate; client_max_window_bits=10; client_max_window_bits', 'permessage-deflate; server_max_window_bits=10; server_max_window_bits=11',
    'permessage-deflate; server_max_window_bits=10; unknown=1', 'permessage-deflate; unknown, permessage-deflate; server_max_window_bits=16',
  ]) {
    test(offer, async () => {
      const talk = await Conversation.open(nodes.without, { headers: { 'Sec-WebSocket-Extensions': offer } });
      assert.equal(talk.answer.headers['sec-websocket-extensions'], undefined);
      talk.send(text('a'.repeat(1_000)));
      assert.deepEqual(await talk.leave(), [saysText('a'.repeat(1_000)), 'close 1000', 'end']);
    });
  }
});

describe('A header that is not of the grammar fails the handshake (RFC 6455 §9.1)', { concurrency: 16 }, () => {
  for (const header of [
    'permessage-deflate;', 'permessage-deflate; ; client_max_window_bits', ';', '=', 'permessage-deflate; =15', 'permessage-deflate; server_max_window_bits=', 'permessage-deflate; a b',
    'permessage deflate', '"permessage-deflate"', 'permessage-deflate; x="open', 'permessage-deflate; x=[1]', 'permessage-deflate=1', 'permessage-deflate/1', 'permessage-deflate; client_no_context_takeover=""', 'permessage-deflate; server_max_window_bits=" 9"', 'x-other; ;, permessage-deflate',
  ]) test(header, async () => assert.equal(await answerTo(nodes.without, header), 400));
});
