// What page code sees of a refusal and of a close: in Chromium and Firefox, direct and
// through a front that carries WebSockets over HTTP/2, and in Node.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { endBrowsers, inBrowser } from './interop/browsers.mjs';
import { Authority } from './support/certificates.mjs';
import { atEnd, fileScope, freePort, serve, temporary } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { register } from './support/people.mjs';
import { nghttpx } from './support/proxies.mjs';
import { frame, upgrade } from './support/websocket.mjs';
import { until, within } from './support/within.mjs';

// Between the front and the server: sees in which version of HTTP the front was asked for a socket.
const handshakes = [];
async function watched(t, { host, port }) {
  const relay = net.createServer((client) => {
    const server = net.connect({ host, port });
    client.on('data', (bytes) => { if (/^GET \/ws\//.test(bytes)) handshakes.push(/^via: (\S+)/im.exec(bytes)?.[1]); });
    for (const [from, to] of [[client, server], [server, client]]) from.on('error', () => to.destroy()).pipe(to);
  });
  await new Promise((resolve) => relay.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => new Promise((resolve) => relay.close(resolve)));
  return { host: '127.0.0.1', port: relay.address().port };
}

const file = fileScope(after);
after(endBrowsers);
let node, front, token;
before(async () => {
  const [port, at] = [await freePort(), await freePort()];
  node = await serve(file, { listen: `127.0.0.1:${port}`, args: ['--allowed-origins', `http://127.0.0.1:${port},https://127.0.0.1:${at}`] });
  front = await nghttpx(file, await watched(file, node), new Authority(temporary(file)).issue('front', 'IP:127.0.0.1'), { port: at });
  token = (await register(node, 'alice')).access_token;
});

// In a page or in Node: the events of one socket, in order, and how it closed.
function story(url, protocols, text) {
  return new Promise((resolve) => {
    const seen = [];
    const socket = new WebSocket(url, protocols);
    socket.onopen = () => { seen.push('open'); if (text) socket.send(text); };
    socket.onmessage = ({ data }) => { const { type, code } = JSON.parse(data); seen.push(code ? `${type} ${code}` : type); };
    socket.onerror = () => { seen.push('error'); setTimeout(() => resolve({ seen, code: null }), 3_000); };
    socket.onclose = ({ code, reason, wasClean }) => resolve({ seen, code, reason: reason.split(' ')[0], wasClean });
  });
}

const CASES = {
  'a ticket that is not known': { path: '/ws/chat?ticket=none', seen: ['open', 'authentication_error TICKET_UNKNOWN'], code: 4401, reason: 'TICKET_UNKNOWN' },
  'a token that is none, as a subprotocol': { protocols: ['foyer.v1', 'bearer.a.b.c'], seen: ['open', 'authentication_error INVALID_FORMAT'], code: 4401, reason: 'INVALID_FORMAT' },
  'a path that does not exist': { path: '/ws/chatt', seen: ['open', 'authentication_error UNKNOWN_PATH'], code: 4404, reason: 'UNKNOWN_PATH' },
  'a first message that is no login': { text: '{"type":"join"}', seen: ['open', 'authentication_error NO_TOKEN'], code: 4401, reason: 'NO_TOKEN' },
};

function holds(seen, wanted) {
  assert.deepEqual(seen, { seen: wanted.seen, code: wanted.code, reason: wanted.reason, wasClean: true });
}

for (const browser of ['chromium', 'firefox']) {
  for (const way of ['direct', 'over HTTP/2 through nghttpx']) {
    test(`${browser}, ${way}: page code sees why it was refused, and a clean close`, async () => {
      const at = way === 'direct' ? node.origin : front.origin;
      for (const [name, wanted] of Object.entries(CASES)) {
        const seen = await within(name, inBrowser(browser, `${at}/`, story, `${at.replace(/^http/, 'ws')}${wanted.path ?? '/ws/chat'}`, wanted.protocols ?? [], wanted.text ?? null), 60_000);
        holds(seen, wanted);
      }
      if (way !== 'direct') assert.deepEqual(handshakes.splice(0), Object.keys(CASES).map(() => '2'), 'every socket came over HTTP/2');
    });
  }

  test(`${browser}: a close in the middle of a conversation arrives with its code`, async () => {
    const url = `${node.origin.replace(/^http/, 'ws')}/ws/chat`;
    const play = async (at, protocols) => new Promise((resolve) => {
      const seen = [];
      const socket = new WebSocket(at, protocols);
      socket.onmessage = ({ data }) => { seen.push(JSON.parse(data).type); socket.send(new Uint8Array([1, 2, 3])); };
      socket.onclose = ({ code, reason, wasClean }) => resolve({ seen, code, reason: reason.split(' ')[0], wasClean });
    });
    const seen = await within('the close', inBrowser(browser, `${node.origin}/`, play, url, ['foyer.v1', `bearer.${token}`]), 60_000);
    assert.deepEqual(seen, { seen: ['authentication_success'], code: 1003, reason: 'UNSUPPORTED_DATA', wasClean: true });
  });
}

test('Node: a refused handshake ends with a close and its code, not with an error alone', async () => {
  for (const [name, wanted] of Object.entries(CASES)) {
    const seen = await within(name, story(`${node.origin.replace(/^http/, 'ws')}${wanted.path ?? '/ws/chat'}`, wanted.protocols ?? [], wanted.text ?? null));
    holds(seen, wanted);
  }
});

test('after its Close the server keeps TCP open until the client has answered with its own', async (t) => {
  const patient = await serve(t, { args: ['--close-linger', '1m'] });
  const { socket, rest } = await upgrade(patient, { half: true });
  const said = [rest];
  let ended = false;
  socket.on('data', (bytes) => said.push(bytes));
  socket.on('end', () => { ended = true; });
  socket.write(frame(0x1, Buffer.from('{"type":"authenticate","token":"none"}')));
  await until('the Close', () => Buffer.concat(said).includes('INVALID_FORMAT '));
  socket.write(frame(0x1, Buffer.from('{"type":"ping"}'))); // a client may be in the middle of something
  assert.equal((await ask(patient, 'GET', '/health/live')).status, 200);
  assert.equal(ended, false);
  const end = within('the end of TCP', new Promise((resolve) => { socket.once('end', resolve); }));
  socket.write(frame(0x8, Buffer.from([0x11, 0x31])));
  await end;
  socket.destroy();
});

test('a front that closed without an answer leaves nothing behind: the place is free after close_linger', async (t) => {
  const hasty = await serve(t, { args: ['--close-linger', '100ms', '--refusal-upgrades', '1'] });
  const refusedByClose = async () => {
    const { socket, rest, refused } = await upgrade(hasty, { path: '/ws/chat?ticket=none', headers: { Origin: hasty.origin }, half: true });
    if (refused) return false;
    const said = [rest];
    socket.on('data', (bytes) => said.push(bytes));
    await until('the Close', () => Buffer.concat(said).includes('TICKET_UNKNOWN '));
    return socket;
  };
  const deaf = await refusedByClose();
  assert.ok(deaf);
  await until('the place to be free again', refusedByClose);
  deaf.destroy();
});
