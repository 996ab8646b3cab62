// What nobody who means well sends, each as a story that ends by itself: a name and
// a function of (node, token). Tests hold that the server is as it was afterwards;
// tests/bench/hostile measures what others noticed meanwhile.
import fs from 'node:fs';
import zlib from 'node:zlib';
import { connected, head, readAnswer } from './http.mjs';
import { frame, handshake, upgradeHeaders } from './websocket.mjs';
import { until, within } from './within.mjs';

const gone = (socket) => within('the server to close', new Promise((resolve) => { if (socket.destroyed) resolve(); else socket.once('close', resolve); }));

// A socket of the echo service, with what was agreed on.
export async function echo(node, token, extensions) {
  const { socket, answer, refused } = await handshake(node, { path: '/ws/echo', headers: { Authorization: `Bearer ${token}`, 'Sec-WebSocket-Extensions': extensions } });
  if (refused) throw new Error(`refused: ${refused.status} ${refused.text}`);
  return { socket, answer };
}

// Bytes that end an echo socket with this close code.
async function ends(node, token, bytes, code, extensions) {
  const { socket } = await echo(node, token, extensions);
  socket.sendBytes(bytes);
  const end = await socket.ended();
  if (end.code !== code) throw new Error(`closed with ${end.code} ${end.reason}, not ${code}`);
}

const length63 = (top) => Buffer.from([0x82, 0xff, top, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]);

// A message of `size` zeros, deflated: a thousandth of it on the wire.
const bombs = new Map();
export function bomb(size) {
  if (!bombs.has(size)) bombs.set(size, makeBomb(size));
  return bombs.get(size);
}
function makeBomb(size) {
  const packed = zlib.deflateRawSync(Buffer.alloc(size), { finishFlush: zlib.constants.Z_SYNC_FLUSH, level: 9 });
  return frame(0x2, packed.subarray(0, packed.length - 4), { rsv: 4 });
}

// What is written of `bytes` is cut off by a reset after `at` bytes.
async function resetAt(node, bytes, at, { first } = {}) {
  const socket = await connected(node);
  if (first) {
    socket.write(first);
    await readAnswer(socket);
  }
  await new Promise((resolve) => { socket.write(bytes.subarray(0, at), resolve); });
  socket.resetAndDestroy();
  await gone(socket);
}

const inTurns = async (count, width, each) => {
  let next = 0;
  await Promise.all(Array.from({ length: width }, async () => { while (next < count) await each(next++); }));
};

export const hostile = {
  'an unmasked frame': (node, token) => ends(node, token, frame(0x1, Buffer.from('x'), { masked: false }), 1002),
  'reserved bits': async (node, token) => { for (const rsv of [1, 2, 3, 4, 5, 6, 7]) await ends(node, token, frame(0x1, Buffer.from('x'), { rsv }), 1002); },
  'a length of 2^63 and more': (node, token) => ends(node, token, length63(0xff), 1002),
  'a length of 2^63 − 1': (node, token) => ends(node, token, length63(0x7f), 1009),
  'a deflate bomb of 64 MiB': (node, token) => ends(node, token, bomb(64 * 1024 * 1024), 1009, 'permessage-deflate'),
  '50 deflate bombs at once': (node, token) => inTurns(50, 50, () => ends(node, token, bomb(16 * 1024 * 1024), 1009, 'permessage-deflate')),
  'a million empty fragments': async (node, token) => {
    const { socket } = await echo(node, token);
    const fragment = Buffer.concat(Array.from({ length: 10_000 }, () => frame(0x0, Buffer.alloc(0), { fin: false })));
    socket.sendBytes(frame(0x2, Buffer.alloc(0), { fin: false }));
    for (let i = 0; i < 100; i += 1) socket.sendBytes(fragment);
    socket.sendBytes(frame(0x0, Buffer.from('end')));
    await within('an end of either kind', Promise.race([socket.messages.take(), socket.closed]));
    socket.destroy();
  },
  '10,000 unknown messages': async (node, token) => {
    const { socket } = await handshake(node, { headers: { Authorization: `Bearer ${token}` } });
    const many = Buffer.concat(Array.from({ length: 10_000 }, (_, id) => frame(0x1, Buffer.from(`{"type":"nonsense","id":${id}}`))));
    socket.sendBytes(many);
    const end = await socket.ended();
    if (end.code !== 4429) throw new Error(`closed with ${end.code} ${end.reason}`);
  },
  '100,000 pings without reading': async (node, token) => {
    const { socket } = await echo(node, token);
    socket.pause();
    const many = Buffer.concat(Array.from({ length: 10_000 }, () => frame(0x9, Buffer.alloc(125))));
    for (let i = 0; i < 10; i += 1) socket.sendBytes(many);
    await new Promise((resolve) => { setTimeout(resolve, 200); });
    socket.destroy();
  },
  'a token of 1 MB': async (node) => {
    for (const headers of [{ Authorization: `Bearer ${'A'.repeat(1 << 20)}` }, { 'Sec-WebSocket-Protocol': `foyer.v1, bearer.${'A'.repeat(1 << 20)}` }]) {
      const { refused } = await handshake(node, { headers });
      if (refused?.status !== 431) throw new Error(`${refused?.status} ${refused?.text}`);
    }
    const { socket } = await handshake(node);
    socket.sendText(JSON.stringify({ type: 'authenticate', token: 'A'.repeat(1 << 20) }));
    const { code } = await socket.ended();
    if (code !== 1009) throw new Error(`closed with ${code}`);
  },
  '1 MB of headers': async (node) => {
    const socket = await connected(node);
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n');
    for (let i = 0; i < 1_000; i += 1) socket.write(`X-${i}: ${'x'.repeat(1_000)}\r\n`);
    const answer = await readAnswer(socket);
    socket.destroy();
    if (answer.status !== 431) throw new Error(`${answer.status}`);
  },
  'a reset at every byte of a handshake': async (node, token) => {
    const bytes = Buffer.from(head(node, 'GET', '/ws/chat', { ...upgradeHeaders(), Authorization: `Bearer ${token}` }));
    await inTurns(bytes.length + 1, 8, (at) => resetAt(node, bytes, at));
  },
  'a reset at every byte of a message': async (node, token) => {
    const first = Buffer.from(head(node, 'GET', '/ws/chat', { ...upgradeHeaders(), Authorization: `Bearer ${token}` }));
    const bytes = Buffer.concat([frame(0x1, Buffer.from('{"type":"join","room":"tea","id":1}'), { fin: false }), frame(0x9, Buffer.from('are you there')), frame(0x0, Buffer.alloc(0))]);
    await inTurns(bytes.length + 1, 8, (at) => resetAt(node, bytes, at, { first }));
  },
};

// What a process holds: descriptors, and its memory in KiB.
export function holds(node) {
  const rss = /VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${node.pid}/status`, 'utf8'));
  return { descriptors: fs.readdirSync(`/proc/${node.pid}/fd`).length, kib: Number(rss[1]) };
}

// The descriptors are as many as they were.
export const settled = (node, descriptors) => until(`${descriptors} descriptors`, () => holds(node).descriptors <= descriptors);
