// What Chromium's console, ws and Node print about a broken handshake, and that the doctor knows what it means.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import http from 'node:http';
import net from 'node:net';
import { after, before, test } from 'node:test';
import Ws from 'ws';
import { closeBrowser, openWindow } from '../support/browser.mjs';
import { atEnd, foyer, fileScope } from '../support/foyer.mjs';
import { until, within } from '../support/within.mjs';

const accepted = (key, more = '') => `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')}\r\n${more}\r\n`;
const status = (number, more = '') => () => `HTTP/1.1 ${number} Any\r\nContent-Length: 2\r\n${more}\r\nno`;
const then = (...bytes) => (key) => Buffer.concat([Buffer.from(accepted(key)), ...bytes.map((b) => Buffer.from(b))]);
const without = (header) => (key) => accepted(key).replace(new RegExp(`${header}: .*\r\n`), '');

// What the server answers a handshake with → the code that the doctor gives first for the words of Chromium, ws and Node; null: they say nothing
// that tells, '': known, and no code belongs to it.
const ANSWERS = {
  'a page': [status(200, 'Content-Type: text/html\r\n'), 'PATH_SPA_FALLBACK', 'PATH_SPA_FALLBACK', ''],
  'a redirect': [status(301, 'Location: /x\r\n'), 'REDIRECT_TO_HTTPS', 'REDIRECT_TO_HTTPS', ''],
  '401': [status(401), 'NO_TOKEN', 'NO_TOKEN', ''],
  '403': [status(403), 'ORIGIN_NOT_ALLOWED', 'ORIGIN_NOT_ALLOWED', ''],
  '404': [status(404), 'UNKNOWN_PATH', 'UNKNOWN_PATH', ''],
  '426': [status(426), 'UPGRADE_STRIPPED', 'UPGRADE_STRIPPED', ''],
  '502': [status(502), 'BACKEND_GONE', 'BACKEND_GONE', ''],
  '503': [status(503), 'NOT_READY', 'NOT_READY', ''],
  'another accept': [(key) => accepted(`other${key}`), 'ACCEPT_MISMATCH', 'ACCEPT_MISMATCH', 'ACCEPT_MISMATCH'],
  'no accept': [without('Sec-WebSocket-Accept'), 'RESPONSE_101_MANGLED', 'ACCEPT_MISMATCH', 'ACCEPT_MISMATCH'],
  'no upgrade': [without('Upgrade'), 'RESPONSE_101_MANGLED', 'RESPONSE_101_MANGLED', ''],
  'no connection': [without('Connection'), 'RESPONSE_101_MANGLED', 'RESPONSE_101_MANGLED', ''],
  'a subprotocol': [(key) => accepted(key, 'Sec-WebSocket-Protocol: other\r\n'), '', '', 'SUBPROTOCOL_NOT_ECHOED'],
  'an extension': [(key) => accepted(key, 'Sec-WebSocket-Extensions: x-foo\r\n'), 'EXTENSION_UNREQUESTED', 'EXTENSION_UNREQUESTED', 'EXTENSION_UNREQUESTED'],
  'nothing': [() => '', 'UPGRADE_CUT', 'UPGRADE_CUT', ''],
  'no HTTP': [() => 'SSH-2.0-any\r\n', 'NOT_HTTP', 'NOT_HTTP', ''],
  'a masked frame': [then([0x81, 0x85, 1, 2, 3, 4, 105, 103, 111, 104, 110]), 'BROKEN_FRAMES', 'BROKEN_FRAMES', 'BROKEN_FRAMES'],
  'a packed frame': [then([0xc1, 1, 0x61]), 'PMD_CORRUPT', 'PMD_CORRUPT', 'PMD_CORRUPT'],
  'no UTF-8': [then([0x81, 1, 0xff]), 'BROKEN_FRAMES', 'BROKEN_FRAMES', 'BROKEN_FRAMES'],
  'packed bytes': [then([0x1f, 0x8b, 8, 0, 0, 0]), 'TUNNEL_CORRUPTED', 'TUNNEL_CORRUPTED', 'TUNNEL_CORRUPTED'],
  'a page in the socket': [then('<html><body>bad gateway'), 'TUNNEL_CORRUPTED', 'TUNNEL_CORRUPTED', 'TUNNEL_CORRUPTED'],
  'a Close with 1005': [then([0x88, 2, 0x03, 0xed]), 'BROKEN_FRAMES', 'BROKEN_FRAMES', 'BROKEN_FRAMES'],
};

const file = fileScope(after);
let broken;
let page;
before(async () => {
  broken = net.createServer((socket) => {
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (data) => {
      if (text === null) return;
      text += data.toString('latin1');
      if (!text.includes('\r\n\r\n')) return;
      const answer = Object.values(ANSWERS)[Number(/^GET \/(\d+)/.exec(text)[1])][0](/sec-websocket-key: (.*)\r\n/i.exec(text)?.[1]);
      text = null;
      socket.write(answer);
      if (!String(answer).startsWith('HTTP/1.1 101') || !Buffer.isBuffer(answer)) socket.end(); // a broken frame ends it from the other side
    });
  });
  await new Promise((resolve) => { broken.listen(0, '127.0.0.1', resolve); });
  page = http.createServer((request, response) => response.setHeader('Content-Type', 'text/html').end('<!doctype html>'));
  await new Promise((resolve) => { page.listen(0, '127.0.0.1', resolve); });
  atEnd(file, () => { broken.close(); page.close(); });
});
after(closeBrowser);

async function firstCode(text) {
  const { code, out, err } = await foyer(['doctor', '--browser-says', text, '--json']);
  assert.equal(code, 1, err);
  const said = JSON.parse(out);
  assert.ok(said.means, text);
  return said.codes[0]?.code ?? '';
}

const urlOf = (i) => `ws://127.0.0.1:${broken.address().port}/${i}`;

test('Chromium', async (t) => {
  const window = await openWindow(t, { origin: `http://127.0.0.1:${page.address().port}` });
  const lines = [];
  window.on('console', (line) => lines.push(line.text()));
  for (const [i, [name, [, expected]]] of Object.entries(ANSWERS).entries()) {
    await window.evaluate((url) => { new WebSocket(url); }, urlOf(i));
    const line = await until(`Chromium about ${name}`, () => lines.find((each) => each.includes(`/${i}'`)));
    assert.equal(await firstCode(line), expected, `${name}: ${line}`);
  }
});

test('ws', async () => {
  for (const [i, [name, [, , expected]]] of Object.entries(ANSWERS).entries()) {
    const socket = new Ws(urlOf(i));
    const { message } = await within(name, new Promise((resolve) => { socket.on('error', resolve); }));
    assert.equal(await firstCode(message), expected, `${name}: ${message}`);
  }
});

test('Node', async () => {
  for (const [i, [name, [, , , expected]]] of Object.entries(ANSWERS).entries()) {
    const socket = new WebSocket(urlOf(i));
    const { message } = await within(name, new Promise((resolve) => { socket.onerror = resolve; }));
    assert.equal(await firstCode(message), expected, `${name}: ${message}`);
  }
});
