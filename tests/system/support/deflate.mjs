// permessage-deflate (RFC 7692) for a client that wants to know: an inflater of our own, which
// tells what zlib's forgives (a reference further back than the window that was agreed on, a
// message that does not end with a block), a packer, and what an answer to an offer may say.
import zlib from 'node:zlib';
import { Violation } from './frames.mjs';

const TAIL = Buffer.of(0x00, 0x00, 0xff, 0xff); // what a sender leaves out at the end of a message

// ---- packing

// One end's messages. bits: its window; takeover: a message may refer to those before it.
// zlib has no raw stream with 8 bits; with 9 it looks back 250 bytes at most, which fit them.
export class Packer {
  #stream = null;

  constructor({ bits = 15, takeover = false, level = 9 } = {}) {
    this.options = { windowBits: Math.max(9, bits), level, memLevel: 9 };
    if (takeover) this.#stream = zlib.createDeflateRaw(this.options);
  }

  async pack(payload) {
    const bytes = Buffer.from(payload);
    if (!bytes.length) return Buffer.of(0x00);
    if (!this.#stream) return withoutTail(zlib.deflateRawSync(bytes, { ...this.options, finishFlush: zlib.constants.Z_SYNC_FLUSH }));
    const pieces = [];
    const keep = (piece) => pieces.push(piece);
    this.#stream.on('data', keep);
    this.#stream.write(bytes);
    await new Promise((resolve) => { this.#stream.flush(zlib.constants.Z_SYNC_FLUSH, resolve); });
    this.#stream.off('data', keep);
    return withoutTail(Buffer.concat(pieces));
  }
}

function withoutTail(bytes) {
  if (!bytes.subarray(-4).equals(TAIL)) throw new Error('zlib did not end with an empty block');
  return bytes.subarray(0, -4);
}

export const pack = (payload, options) => new Packer(options).pack(payload);

// ---- unpacking (RFC 1951), bit by bit

const LENGTHS = { base: [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258], extra: [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0] };
const DISTANCES = { base: Array.from({ length: 30 }, (_, i) => (i < 4 ? i + 1 : ((2 + (i & 1)) << ((i >> 1) - 1)) + 1)), extra: Array.from({ length: 30 }, (_, i) => Math.max(0, (i >> 1) - 1)) };
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

// A canonical Huffman code: how many words of each length, and their symbols in order.
function codeOf(lengths) {
  const count = new Array(16).fill(0);
  for (const length of lengths) count[length] += 1;
  count[0] = 0;
  const next = [0];
  for (let i = 1; i < 16; i += 1) next[i] = next[i - 1] + count[i - 1];
  const symbols = [];
  lengths.forEach((length, symbol) => { if (length) symbols[next[length]++] = symbol; });
  return { count, symbols };
}

const FIXED = { literals: codeOf(Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8))), distances: codeOf(new Array(30).fill(5)) };

export class Unpacker {
  furthest = 0;      // the longest distance that was used
  #window = Buffer.alloc(0);

  constructor({ bits = 15, takeover = false } = {}) { this.size = 2 ** bits; this.takeover = takeover; }

  unpack(payload) {
    this.input = Buffer.concat([payload, TAIL]);
    this.at = 0; // in bits
    const past = this.takeover ? this.#window : Buffer.alloc(0);
    this.out = Buffer.alloc(Math.max(1_024, past.length + payload.length * 4));
    past.copy(this.out);
    this.end = past.length;
    let empty = false;
    while (this.at < this.input.length * 8) empty = this.#block();
    if (!empty) throw new Violation('a packed message does not end with a block');
    this.#window = Buffer.from(this.out.subarray(Math.max(0, this.end - this.size), this.end));
    return Buffer.from(this.out.subarray(past.length, this.end));
  }

  #bits(count) {
    let value = 0;
    for (let i = 0; i < count; i += 1, this.at += 1) {
      if (this.at >= this.input.length * 8) throw new Violation('a packed message ends inside a block');
      value |= ((this.input[this.at >> 3] >> (this.at & 7)) & 1) << i;
    }
    return value;
  }

  #symbol({ count, symbols }) {
    for (let length = 1, code = 0, first = 0, index = 0; length < 16; length += 1) {
      code |= this.#bits(1);
      if (code - first < count[length]) return symbols[index + code - first];
      index += count[length];
      first = (first + count[length]) << 1;
      code <<= 1;
    }
    throw new Violation('a packed message holds a word that is in no code');
  }

  #put(byte) {
    if (this.end === this.out.length) this.out = Buffer.concat([this.out, Buffer.alloc(this.out.length)]);
    this.out[this.end++] = byte;
  }

  // Whether it was an empty block without compression, as a message must end with.
  #block() {
    this.#bits(1); // the last of its stream or not: a message may have several
    const type = this.#bits(2);
    if (type === 3) throw new Violation('a packed message holds a block of type 3');
    if (type === 0) return this.#stored();
    const { literals, distances } = type === 1 ? FIXED : this.#tables();
    for (let symbol = this.#symbol(literals); symbol !== 256; symbol = this.#symbol(literals)) {
      if (symbol < 256) { this.#put(symbol); continue; }
      if (symbol > 285) throw new Violation('a packed message holds a length that there is not');
      const length = LENGTHS.base[symbol - 257] + this.#bits(LENGTHS.extra[symbol - 257]);
      const word = this.#symbol(distances);
      const distance = DISTANCES.base[word] + this.#bits(DISTANCES.extra[word]);
      if (distance > this.size) throw new Violation(`a packed message refers ${distance} bytes back, in a window of ${this.size}`);
      if (distance > this.end) throw new Violation('a packed message refers to before its beginning');
      this.furthest = Math.max(this.furthest, distance);
      for (let i = 0; i < length; i += 1) this.#put(this.out[this.end - distance]);
    }
    return false;
  }

  #stored() {
    this.at = (this.at + 7) & ~7;
    const [length, check] = [this.#bits(16), this.#bits(16)];
    if ((length ^ check) !== 0xffff) throw new Violation('a stored block whose lengths differ');
    for (let i = 0; i < length; i += 1) this.#put(this.#bits(8));
    return length === 0;
  }

  #tables() {
    const [literals, distances, words] = [this.#bits(5) + 257, this.#bits(5) + 1, this.#bits(4) + 4];
    const lengths = new Array(19).fill(0);
    for (let i = 0; i < words; i += 1) lengths[ORDER[i]] = this.#bits(3);
    const code = codeOf(lengths);
    const all = [];
    while (all.length < literals + distances) {
      const word = this.#symbol(code);
      if (word < 16) all.push(word);
      else if (word === 16) all.push(...new Array(3 + this.#bits(2)).fill(all.at(-1)));
      else all.push(...new Array(word === 17 ? 3 + this.#bits(3) : 11 + this.#bits(7)).fill(0));
    }
    return { literals: codeOf(all.slice(0, literals)), distances: codeOf(all.slice(literals)) };
  }
}

// ---- agreeing (RFC 7692 §7.1)

// The parameters of an answer, judged against the one offer that was made: what either end may
// do now. Throws when the server may not answer so.
export function terms(offer, answer) {
  const asked = parameters(offer);
  const told = parameters(answer);
  const forbid = (what) => { throw new Violation(`to the offer ${JSON.stringify(offer)} the answer ${JSON.stringify(answer)}: ${what}`); };
  const bits = (value) => (/^(8|9|1[0-5])$/.test(value ?? '') ? Number(value) : forbid(`a window of ${value}`));
  for (const [name, value] of told) {
    if (name.endsWith('_no_context_takeover')) { if (value !== undefined) forbid(`a value of ${name}`); }
    else if (name === 'server_max_window_bits') { if (asked.has(name) && bits(value) > Number(asked.get(name))) forbid('a larger window than was asked for'); else bits(value); }
    else if (name === 'client_max_window_bits') {
      if (!asked.has(name)) forbid('client_max_window_bits was not offered');
      if (bits(value) > Number(asked.get(name) ?? 15)) forbid('a larger window than the client has');
    } else forbid(`the parameter ${name}`);
  }
  for (const name of ['server_no_context_takeover', 'server_max_window_bits']) if (asked.has(name) && !told.has(name)) forbid(`${name} was asked for`);
  return {
    server: { bits: Number(told.get('server_max_window_bits') ?? 15), takeover: !told.has('server_no_context_takeover') },
    client: { bits: Number(told.get('client_max_window_bits') ?? asked.get('client_max_window_bits') ?? 15), takeover: !told.has('client_no_context_takeover') && !asked.has('client_no_context_takeover') },
  };
}

function parameters(text = '') {
  const [name, ...rest] = text.split(';').map((part) => part.trim());
  if (name !== 'permessage-deflate') throw new Violation(`the extension ${JSON.stringify(name)}`);
  const all = new Map();
  for (const part of rest) {
    const [key, value] = part.split('=');
    if (all.has(key)) throw new Violation(`${key} twice`);
    all.set(key, value);
  }
  return all;
}

// What Conversation.open wants for this offer, and, once it is open, the terms and both ends.
export function offering(offer = 'permessage-deflate') {
  const side = { headers: { 'Sec-WebSocket-Extensions': offer } };
  side.inflate = (answer) => {
    side.answer = answer.headers['sec-websocket-extensions'];
    if (side.answer === undefined) return null;
    side.terms = terms(offer, side.answer);
    side.packer = new Packer(side.terms.client);
    side.unpacker = new Unpacker(side.terms.server);
    return (wire) => side.unpacker.unpack(wire);
  };
  return side;
}
