// The measured part of the native protocol on npm's `ws`, written as one would
// who wants it fast: the key is prepared once, a message is framed once for all.
//
//   node ws-chat.mjs PORT SECRET
import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [port, secret, modules] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${modules}/`));
const { WebSocketServer, Sender } = require('ws');
const key = createSecretKey(Buffer.from(secret));

function admitted(header) {
  const token = /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(header ?? '');
  if (!token) return null;
  const expected = createHmac('sha256', key).update(`${token[1]}.${token[2]}`).digest();
  const given = Buffer.from(token[3], 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  const claims = JSON.parse(Buffer.from(token[2], 'base64url'));
  return claims.exp * 1000 > Date.now() ? claims : null;
}

const rooms = new Map(); // name → Set of sockets
const epoch = 'bench';
let offset = 0;
const pong = Buffer.from('{"type":"pong"}');
const text = { binary: false };

const http = createServer();
const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, handleProtocols: () => 'foyer.v1' });
http.on('upgrade', (request, socket, head) => {
  const claims = admitted(request.headers.authorization);
  if (!claims) return socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
  server.handleUpgrade(request, socket, head, (ws) => open(ws, claims));
});

function open(ws, claims) {
  const user = { id: claims.sub, name: claims.sub };
  ws.on('error', () => {});
  ws.on('message', (data) => command(ws, user, JSON.parse(data)));
  ws.on('close', () => { for (const name of ws.joined ?? []) rooms.get(name).delete(ws); });
  ws.send(JSON.stringify({ type: 'authentication_success', user, connection: 'c', session: '', permissions: claims.scope.split(' '),
    expires_at: new Date(claims.exp * 1000).toISOString(), heartbeat_ms: 25000, limits: { message_bytes: 65536, text_bytes: 16384 } }));
}

function command(ws, user, m) {
  switch (m.type) {
    case 'ping': return ws.send(pong, text);
    case 'join': {
      if (!rooms.has(m.room)) rooms.set(m.room, new Set());
      rooms.get(m.room).add(ws);
      (ws.joined ??= []).push(m.room);
      return ws.send(JSON.stringify({ type: 'joined', room: m.room, epoch, offset, members: [], messages: [] }));
    }
    case 'chat': {
      const time = new Date().toISOString();
      const message = JSON.stringify({ type: 'message', room: m.room, epoch, offset: ++offset, from: user, message: m.message, time });
      const frame = Buffer.concat(Sender.frame(Buffer.from(message), { fin: true, rsv1: false, opcode: 1, mask: false, readOnly: false }));
      for (const other of rooms.get(m.room) ?? []) other._socket.write(frame);
      return ws.send(JSON.stringify({ type: 'sent', room: m.room, epoch, offset, time, duplicate: false }));
    }
  }
}

http.listen(Number(port), '127.0.0.1', 4096, () => console.log('listening'));
