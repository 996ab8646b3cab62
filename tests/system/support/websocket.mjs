// A WebSocket client that controls every byte, and `Client` on top of it, which
// speaks foyer.v1. (Tests with a client that somebody else wrote use `ws`.)
import crypto from 'node:crypto';
import { frame } from './frames.mjs';
import { connected, head, readAnswer } from './http.mjs';
import { Inbox, within } from './within.mjs';

export { frame };

export const upgradeHeaders = () => ({
  Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': crypto.randomBytes(16).toString('base64'),
});

// The handshake with these headers changed (undefined: left out). Resolves to
// { refused: answer }, or { socket, rest, answer } where socket is the TCP connection and
// rest what came behind the answer. half: the server's end of the stream does not end ours.
export async function upgrade(node, { path = '/ws/chat', headers = {}, half = false } = {}) {
  const socket = await connected(node, { half });
  const all = { ...upgradeHeaders(), ...headers };
  socket.write(head(node, 'GET', path, all));
  const answer = await within('the answer to a handshake', readAnswer(socket));
  if (answer.status !== 101) {
    socket.destroy();
    return { refused: answer };
  }
  const expected = crypto.createHash('sha1').update(`${all['Sec-WebSocket-Key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  if (answer.headers['sec-websocket-accept'] !== expected) throw new Error(`wrong Sec-WebSocket-Accept: ${answer.headers['sec-websocket-accept']}`);
  return { socket, rest: answer.rest, answer };
}

// The same, to { refused } or { socket: WebSocketBytes, answer }.
export async function handshake(node, options) {
  const { refused, socket, rest, answer } = await upgrade(node, options);
  if (refused) return { refused };
  const bytes = new WebSocketBytes(socket, rest);
  if (node.invariants) bytes.watchedBy(node.invariants.connection());
  return { socket: bytes, answer };
}

export class WebSocketBytes {
  messages = new Inbox('the socket');
  received = [];      // every message, in order
  closed;             // → { code, reason, clean }
  #socket;
  #seen;
  #fragments = [];
  #close = null;
  #watch = null;      // of invariants.mjs

  constructor(socket, rest) {
    this.#socket = socket;
    this.#seen = rest;
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#watch?.closed();
        const end = this.#close ?? { code: 1006, reason: '', clean: false };
        this.messages.end(`closed with ${end.code} ${end.reason}`);
        resolve(end);
      });
    });
    socket.on('data', (chunk) => { this.#seen = this.#seen.length ? Buffer.concat([this.#seen, chunk]) : chunk; this.#read(); });
    this.#read();
  }

  watchedBy(watch) {
    this.#watch = watch;
    for (const message of this.received) watch.heard(message);
  }

  sendText(text) {
    this.#watch?.said(text);
    this.sendFrame(0x1, Buffer.from(text));
  }
  sendFrame(opcode, payload = Buffer.alloc(0), { fin = true, masked = true, rsv = 0 } = {}) {
    this.#socket.write(frame(opcode, payload, { fin, masked, rsv }));
  }
  sendBytes(bytes) { this.#socket.write(bytes); }
  close(code = 1000, reason = '') {
    const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
    payload.writeUInt16BE(code);
    payload.write(reason, 2);
    this.sendFrame(0x8, payload);
    return within('the close', this.closed);
  }
  destroy() { this.#socket.destroy(); }
  pause() { this.#socket.pause(); }   // a reader that does not read
  resume() { this.#socket.resume(); }
  ended(ms) { return within('the socket to close', this.closed, ms); }

  #read() {
    for (;;) {
      const b = this.#seen;
      if (b.length < 2) return;
      if (b[1] & 0x80) throw new Error('a server frame is masked');
      let length = b[1] & 0x7f;
      let at = 2;
      if (length === 126) { if (b.length < 4) return; length = b.readUInt16BE(2); at = 4; }
      else if (length === 127) { if (b.length < 10) return; length = Number(b.readBigUInt64BE(2)); at = 10; }
      if (b.length < at + length) return;
      const payload = b.subarray(at, at + length);
      this.#seen = b.subarray(at + length);
      this.#frame(b[0] & 0x0f, (b[0] & 0x80) !== 0, payload);
    }
  }

  #frame(opcode, fin, payload) {
    if (opcode === 0x9) return this.sendFrame(0xa, payload);
    if (opcode === 0xa) return;
    if (opcode === 0x8) {
      this.#close = { code: payload.length >= 2 ? payload.readUInt16BE(0) : 1005, reason: payload.subarray(2).toString('utf8'), clean: true };
      if (!this.#socket.destroyed) this.sendFrame(0x8, payload.subarray(0, 2));
      this.#socket.end();
      return;
    }
    this.#fragments.push(payload);
    if (!fin) return;
    const whole = Buffer.concat(this.#fragments);
    this.#fragments = [];
    const message = opcode === 0x2 ? whole : JSON.parse(whole.toString('utf8'));
    this.received.push(message);
    this.#watch?.heard(message);
    this.messages.push(message);
  }
}

// One signed-in connection that speaks foyer.v1.
export class Client {
  #next = 1;

  // token: by first message. Or headers / path with a credential of the handshake.
  static async open(node, { token, path, headers } = {}) {
    const { socket, refused } = await handshake(node, { path, headers });
    if (refused) throw new Error(`the handshake was refused: ${refused.status} ${refused.text}`);
    const client = new Client(socket);
    if (token) socket.sendText(JSON.stringify({ type: 'authenticate', token }));
    client.welcome = await client.next('authentication_success');
    client.user = client.welcome.user;
    return client;
  }

  constructor(socket) { this.socket = socket; }

  send(message) { this.socket.sendText(typeof message === 'string' ? message : JSON.stringify(message)); }

  // The next message of this type that has these fields; others stay.
  next(type, fields = {}, ms) {
    return this.socket.messages.take(`${type} ${JSON.stringify(fields)}`, (m) => m.type === type && matches(m, fields), ms);
  }

  // Sends a command and returns its answer, whatever it is.
  ask(type, fields = {}) {
    const id = this.#next++;
    this.send({ type, id, ...fields });
    return this.socket.messages.take(`the answer to ${type} (${id})`, (m) => m.id === id);
  }

  // Everything that the server had sent before it answered this is here when it resolves.
  async barrier() { await this.ask('ping'); }

  // What has come and was not taken.
  get kept() { return this.socket.messages.items; }

  join(room, fields = {}) { return this.ask('join', { room, ...fields }); }
  say(room, message, fields = {}) { return this.ask('chat', { room, message, ...fields }); }
  ended(ms) { return this.socket.ended(ms); }
  close() { return this.socket.close(); }
}

function matches(value, shape) {
  if (shape === null || typeof shape !== 'object') return value === shape;
  return value !== null && typeof value === 'object' && Object.entries(shape).every(([k, v]) => matches(value[k], v));
}
