// Clients of nodes: who listens in rooms, and who writes.
import { join } from 'node:path';
import { installPeers } from '../servers.mjs';

const { WebSocket } = await import(join(installPeers(), 'ws/wrapper.mjs'));

// An admitted socket; each line that comes is given to `heard`.
export function open(speak, url, user, heard) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, speak.protocols);
    let admitted = false;
    socket.onerror = () => reject(new Error(`no socket to ${url}`));
    socket.onclose = ({ code, reason }) => { if (!socket.left) heard(null, new Error(`the server closed: ${code} ${reason}`)); };
    socket.onopen = () => socket.send(speak.hello(user));
    socket.onmessage = ({ data }) => {
      for (const line of data.split('\n')) {
        if (speak.ping && line === speak.ping) socket.send(line);
        else if (admitted) heard(line);
        else if (line.includes(speak.admitted)) { admitted = true; resolve(socket); } else reject(new Error(`refused: ${line}`));
      }
    };
  });
}

const idOf = (line) => Number(/"id":(\d+)/.exec(line)?.[1]);

// In these rooms; counts what comes. `message`: gets each line of a message.
export class Listener {
  heard = 0;
  #waiting = new Map();

  static async enter(speak, url, user, rooms, message = () => {}) {
    const listener = new Listener();
    listener.socket = await open(speak, url, user, (line, error) => {
      if (error) { process.stderr.write(`${user}: ${error.message}\n`); return undefined; }
      if (line.includes(speak.heard)) { listener.heard += 1; return message(line); }
      const id = idOf(line);
      if (listener.#waiting.has(id)) listener.#waiting.get(id)(line);
      return undefined;
    });
    for (let first = 0; first < rooms.length; first += 50) {
      await Promise.all(rooms.slice(first, first + 50).map((room, i) => new Promise((resolve, reject) => {
        const id = 10 + first + i;
        listener.#waiting.set(id, (line) => (line.includes(speak.joined) ? resolve() : reject(new Error(`not joined: ${line}`))));
        listener.socket.send(speak.join(id, room));
      })));
    }
    return listener;
  }
  leave() { this.socket.left = true; this.socket.close(); }
}

// Keeps `outstanding` messages unanswered, each in the next of its rooms, until it is stopped.
export class Writer {
  answered = 0;
  times = [];          // milliseconds from the message to its answer
  #since = new Map();
  #id = 100;
  #on = true;

  static async begin(speak, url, user, { rooms, outstanding, bytes }) {
    const writer = new Writer();
    writer.done = new Promise((resolve, reject) => { writer.end = resolve; writer.fail = reject; });
    const text = 'x'.repeat(bytes);
    const next = () => {
      const id = (writer.#id += 1);
      writer.#since.set(id, performance.now());
      writer.socket.send(speak.say(id, rooms[id % rooms.length], text));
    };
    writer.socket = await open(speak, url, user, (line, error) => {
      if (error) return writer.fail(error);
      if (!line.includes(speak.said)) return writer.fail(new Error(`refused: ${line}`));
      const id = idOf(line);
      writer.answered += 1;
      writer.times.push(performance.now() - writer.#since.get(id));
      writer.#since.delete(id);
      if (writer.#on) return next();
      return writer.#since.size === 0 ? writer.end() : undefined;
    });
    for (let i = 0; i < outstanding; i += 1) next();
    return writer;
  }
  async stop() {
    this.#on = false;
    await this.done;
    this.socket.left = true;
    this.socket.close();
  }
}

export const all = (writers) => writers.reduce((sum, each) => sum + each.answered, 0);
export const quantile = (list, q) => [...list].sort((a, b) => a - b)[Math.floor(list.length * q)];

// Waits, unless a writer fails before.
export function pause(ms, writers = []) {
  let timer;
  const over = new Promise((resolve) => { timer = setTimeout(resolve, ms); });
  return Promise.race([over, ...writers.map((each) => each.done)]).finally(() => clearTimeout(timer));
}
