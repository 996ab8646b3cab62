// One WebSocket as a conversation: exactly these bytes are sent, and everything that comes
// back is put down in order, each thing as a line:
//
//     text "Hello"   binary 65536 bytes 1f3c…   pong ""   close 1002 PROTOCOL_ERROR   end
//
// `end` is the end of the stream (FIN), `reset` a connection that broke. A server that breaks
// a rule ends the conversation with `violation: …`.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { describe, test } from 'node:test';
import { ServerFrames, Violation, close, cut } from './frames.mjs';
import { Inbox, within } from './within.mjs';
import { upgrade } from './websocket.mjs';

// What a message looks like in a transcript; long ones by length and digest.
export function line(kind, payload = '') {
  const bytes = Buffer.from(payload);
  const digest = () => crypto.createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  if (bytes.length > 80) return `${kind} ${bytes.length} bytes ${digest()}`;
  return kind === 'binary' ? `binary ${bytes.toString('hex')}` : `${kind} ${JSON.stringify(bytes.toString(kind === 'text' ? 'utf8' : 'latin1'))}`;
}
export const saysText = (payload) => line('text', payload);
export const saysBinary = (payload) => line('binary', payload);
export const saysPong = (payload) => line('pong', payload);

export class Conversation {
  lines = new Inbox('the conversation');
  events = [];      // as ServerFrames told them
  ended;            // resolves when the stream has ended
  #socket;
  #frames;
  #answered = false;  // we have sent a Close

  // inflate: (answer) => a function for ServerFrames, for tests that agree on permessage-deflate.
  static async open(node, { path = '/ws/echo', headers = {}, inflate } = {}) {
    const { refused, socket, rest, answer } = await upgrade(node, { path, headers: { ...node.credential, ...headers }, half: true });
    if (refused) throw new Error(`the handshake was refused: ${refused.status} ${refused.text}`);
    return new Conversation(socket, rest, answer, inflate?.(answer) ?? null);
  }

  constructor(socket, rest, answer, inflate) {
    this.#socket = socket;
    this.answer = answer;
    this.#frames = new ServerFrames({ inflate });
    this.ended = new Promise((resolve) => {
      let how = 'reset';
      const finish = (what) => { how = what; this.#put(what); socket.destroy(); };
      socket.on('data', (chunk) => { if (!this.#feed(chunk)) { finish('violation'); } });
      socket.on('end', () => { if (how === 'reset') finish(this.#frames.inside ? 'end inside a frame' : 'end'); });
      socket.on('close', () => { if (how === 'reset') this.#put('reset'); this.lines.end('the stream ended'); resolve(); });
      if (rest.length && !this.#feed(rest)) finish('violation');
    });
  }

  #put(what) { this.lines.push(what); }

  #feed(chunk) {
    try {
      for (const event of this.#frames.feed(chunk)) {
        this.events.push(event);
        if (event.kind !== 'close') { this.#put(line(event.kind, event.payload)); continue; }
        // The reason is a code and a reference; only the code is the same every time.
        this.#put(['close', event.code, ...event.reason.split(' ').slice(0, 1)].join(' ').trim());
        if (!this.#answered) this.send(close(event.code === 1005 ? undefined : event.code));
      }
      return true;
    } catch (error) {
      this.#put(error instanceof Violation ? `violation: ${error.message}` : `not read: ${error.message}`);
      return false;
    }
  }

  // In one write. Where a Close comes first, the server's is not answered by another.
  send(...bytes) {
    const all = Buffer.concat(bytes.flat(2));
    if ((all[0] & 0x0f) === 8) this.#answered = true;
    if (!this.#socket.destroyed && !this.#socket.writableEnded) this.#socket.write(all);
  }

  // In writes of `size` bytes, each handed to the system before the next.
  async sendIn(size, ...bytes) {
    for (const piece of cut(Buffer.concat(bytes.flat(2)), size)) {
      if (this.#socket.destroyed) return;
      await new Promise((resolve) => { this.#socket.write(piece, resolve); });
    }
  }

  // The client's half of the stream ends.
  sendEnd() { return new Promise((resolve) => { this.#socket.end(resolve); }); }
  destroy() { this.#socket.destroy(); }

  next() { return this.lines.take('the next line'); }

  // The next `count` lines.
  async take(count) {
    const lines = [];
    for (let i = 0; i < count; i += 1) lines.push(await this.next());
    return lines;
  }

  // Everything until the stream has ended.
  async rest(ms) {
    await within(`the stream to end; so far: ${JSON.stringify(this.lines.items).slice(0, 2_000)}`, this.ended, ms).catch((error) => { this.destroy(); throw error; });
    const lines = this.lines.items;
    return lines;
  }

  // Says Close and returns everything until the stream has ended.
  leave(code = 1000, ms) {
    this.#answered = true;
    this.send(close(code));
    return this.rest(ms);
  }
}

// A row of a table: { name, send, slice?, back?, close?, headers? }. `send` (bytes, or lists of
// them) is sent, in writes of `slice` bytes where that is given. The server must then say exactly
// `back`. Where `close` is given it must have ended the connection by itself with that code and
// cause; otherwise we close, and it must have kept everything up to then.
export async function check(node, { send, slice = 0, back = [], close: expected, ...options }) {
  const conversation = await Conversation.open(node, options);
  const bytes = Buffer.concat([send].flat(3));
  if (slice) await conversation.sendIn(slice, bytes);
  else conversation.send(bytes);
  const seen = expected === undefined ? await conversation.leave() : await conversation.rest();
  assert.deepEqual(seen, [...[back].flat(3), `close ${expected ?? 1000}`, 'end']);
}

// One test per row, many at a time: most of them wait for the server to hang up.
export function cases(title, node, rows) {
  describe(title, { concurrency: 128 }, () => {
    for (const row of rows) test(row.name, () => check(node(), row));
  });
}

export const PROTOCOL = '1002 PROTOCOL_ERROR';
export const NOT_UTF8 = '1007 INVALID_UTF8';
export const TOO_BIG = '1009 MESSAGE_TOO_BIG';
