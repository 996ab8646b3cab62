// WebSocket frames as bytes (RFC 6455 §5.2): made exactly as a test wants them, wrong
// ones included; and read back by a reader that forgives a server nothing.
import crypto from 'node:crypto';

export const [MORE, TEXT, BINARY, CLOSE, PING, PONG] = [0x0, 0x1, 0x2, 0x8, 0x9, 0xa];

// One frame of a client. masked: false leaves the mask out, as only servers may; key is the
// mask; wide is the number of bytes of the extended length (0, 2, 8), by default as many as
// it takes; declared is the length that is told, by default the true one.
export function frame(opcode, payload = '', { fin = true, masked = true, rsv = 0, key = crypto.randomBytes(4), declared, wide } = {}) {
  const body = Buffer.from(payload);
  const length = BigInt(declared ?? body.length);
  const size = wide ?? (length < 126n ? 0 : length < 65_536n ? 2 : 8);
  const start = Buffer.alloc(2 + size);
  start[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  start[1] = (masked ? 0x80 : 0) | (size === 0 ? Number(length) : size === 2 ? 126 : 127);
  if (size === 2) start.writeUInt16BE(Number(length), 2);
  if (size === 8) start.writeBigUInt64BE(length, 2);
  if (!masked) return Buffer.concat([start, body]);
  for (let i = 0; i < body.length; i += 1) body[i] ^= key[i & 3];
  return Buffer.concat([start, key, body]);
}

export const text = (payload, options) => frame(TEXT, payload, options);
export const binary = (payload, options) => frame(BINARY, payload, options);
export const more = (payload, options) => frame(MORE, payload, options); // a continuation
export const ping = (payload, options) => frame(PING, payload, options);
export const pong = (payload, options) => frame(PONG, payload, options);
export const close = (code, reason = '', options) => frame(CLOSE, closePayload(code, reason), options);

export function closePayload(code, reason = '') {
  if (code === undefined) return Buffer.alloc(0);
  return Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(reason)]);
}

// A message as frames: `pieces` are their payloads.
export function fragmented(opcode, pieces, { rsv = 0 } = {}) {
  return pieces.map((piece, i) => frame(i === 0 ? opcode : MORE, piece, { fin: i === pieces.length - 1, rsv: i === 0 ? rsv : 0 }));
}

// The pieces of `bytes`, each of `size` (the last may be shorter).
export function cut(bytes, size) {
  const all = Buffer.from(bytes);
  const pieces = [];
  for (let at = 0; at < all.length; at += size) pieces.push(all.subarray(at, at + size));
  return pieces;
}

// What a peer did that RFC 6455 forbids.
export class Violation extends Error {}

const require = (holds, what) => { if (!holds) throw new Violation(what); };
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const utf8 = (bytes) => { try { return strict.decode(bytes); } catch { throw new Violation(`not UTF-8: ${bytes.toString('hex').slice(0, 80)}`); } };

// Reads a server's frames and puts messages together. With permessage-deflate, `inflate` takes
// a compressed payload and returns the message (sync or not).
export class ServerFrames {
  #bytes = Buffer.alloc(0);
  #chunks = [];       // behind #bytes, put together when a frame may be whole
  #size = 0;          // of them
  #wanted = 2;        // bytes until there is more to know
  #pieces = [];
  #kind = null;       // of the message that is unfinished
  #packed = false;
  #closed = false;

  constructor({ inflate = null } = {}) { this.inflate = inflate; }

  // Whether a frame or message is unfinished.
  get inside() { return this.#bytes.length + this.#size > 0 || this.#kind !== null; }

  // The events that these bytes complete: { kind, payload, packed?, wire? } or { kind: 'close', code, reason }.
  feed(chunk) {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#bytes.length + this.#size < this.#wanted) return [];
    this.#bytes = Buffer.concat([this.#bytes, ...this.#chunks]);
    this.#chunks = [];
    this.#size = 0;
    const events = [];
    for (let frame = this.#frame(); frame; frame = this.#frame()) {
      const event = this.#take(frame);
      if (event) events.push(event);
    }
    return events;
  }

  #frame() {
    const b = this.#bytes;
    if (b.length < (this.#wanted = 2)) return null;
    const short = b[1] & 0x7f;
    const wide = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (b.length < (this.#wanted = 2 + wide)) return null;
    const length = wide === 0 ? short : wide === 2 ? b.readUInt16BE(2) : Number(b.readBigUInt64BE(2));
    require((b[1] & 0x80) === 0, 'a frame of a server is masked');
    require(wide === 0 || length >= (wide === 2 ? 126 : 65_536), `a length of ${length} in ${wide} bytes`);
    if (b.length < (this.#wanted = 2 + wide + length)) return null;
    this.#bytes = b.subarray(2 + wide + length);
    return { opcode: b[0] & 0x0f, fin: (b[0] & 0x80) !== 0, rsv: (b[0] >> 4) & 7, payload: b.subarray(2 + wide, 2 + wide + length) };
  }

  #take({ opcode, fin, rsv, payload }) {
    require(!this.#closed, 'a frame follows a Close');
    require([MORE, TEXT, BINARY, CLOSE, PING, PONG].includes(opcode), `the opcode ${opcode}`);
    if (opcode & 8) {
      require(rsv === 0, 'a control frame with a reserved bit');
      require(fin, 'a control frame in fragments');
      require(payload.length <= 125, 'a control frame of more than 125 bytes');
      if (opcode !== CLOSE) return { kind: opcode === PING ? 'ping' : 'pong', payload };
      this.#closed = true;
      require(this.#kind === null, 'a Close inside a message');
      require(payload.length !== 1, 'half a close code');
      const code = payload.length ? payload.readUInt16BE(0) : 1005;
      require(!payload.length || mayBeSent(code), `the close code ${code}`);
      return { kind: 'close', code, reason: utf8(payload.subarray(2)) };
    }
    const first = opcode !== MORE;
    require(first === (this.#kind === null), first ? 'a message inside a message' : 'a continuation of nothing');
    require(rsv === 0 || (rsv === 4 && first && this.inflate), `reserved bits ${rsv.toString(2)}`);
    if (first) {
      this.#kind = opcode === TEXT ? 'text' : 'binary';
      this.#packed = rsv === 4;
    }
    this.#pieces.push(payload);
    if (!fin) return null;
    const kind = this.#kind;
    const packed = this.#packed;
    const wire = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#kind = null;
    const whole = packed ? this.inflate(wire) : wire;
    if (kind === 'text') utf8(whole);
    return { kind, payload: whole, packed, wire: wire.length };
  }
}

// RFC 6455 §7.4 and the codes registered since.
const mayBeSent = (code) => (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999);
