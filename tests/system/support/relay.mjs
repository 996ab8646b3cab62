// TCP between two programs, with what a network does to it: silence, delay, an end.
import net from 'node:net';
import { atEnd, freePort } from './foyer.mjs';

export class Relay {
  host = '127.0.0.1';
  held = false;
  lag = 0;                 // milliseconds
  #targets;
  #server;
  #pairs = new Set();
  #next = 0;

  // targets: { host, port } or { path }. With several, each connection goes to the next one, or past those that refuse.
  // Ends with `t`.
  static async open(t, ...targets) {
    const relay = new Relay();
    relay.#targets = targets;
    relay.#server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => relay.#pairs.add(new Pair(relay, client)));
    relay.port = await freePort();
    await relay.welcome();
    atEnd(t, () => relay.refuse());
    return relay;
  }

  get url() { return `http://${this.host}:${this.port}`; }

  // Nothing arrives any more, in either direction, and nobody is told.
  hold() { this.held = true; for (const pair of this.#pairs) pair.follow(); }
  // What was under way arrives after all; or, with `cut`, the connections that hung are reset.
  release({ cut = false } = {}) {
    this.held = false;
    if (cut) this.cut();
    for (const pair of this.#pairs) pair.follow();
  }
  delay(ms) { this.lag = ms; }
  // As if nobody listened there; and as before.
  refuse() { this.#server.close(); this.cut(); }
  welcome() { return new Promise((resolve) => { this.#server.listen(this.port, this.host, resolve); }); }
  cut() { for (const pair of [...this.#pairs]) pair.reset(); }

  // The next target that takes a connection; null: none does.
  async connect() {
    for (const _ of this.#targets) {
      const socket = net.connect({ noDelay: true, allowHalfOpen: true, ...this.#targets[this.#next++ % this.#targets.length] });
      const up = await new Promise((resolve) => { socket.once('connect', () => resolve(true)).once('error', () => resolve(false)); });
      if (up) return socket;
    }
    return null;
  }
  gone(pair) { this.#pairs.delete(pair); }
}

// One connection: what each side does is done to the other one, in order.
class Pair {
  #relay;
  #sockets;
  #due = [];               // { at, act }
  #timer = null;

  constructor(relay, client) {
    this.#relay = relay;
    this.#sockets = [client];
    client.setNoDelay(true);
    client.on('error', () => this.#later(() => this.reset()));
    relay.connect().then((server) => {
      if (server === null || client.destroyed) { server?.destroy(); return this.reset(); }
      this.#sockets.push(server);
      server.on('error', () => this.#later(() => this.reset()));
      this.#pass(client, server);
      this.#pass(server, client);
      return this.follow();
    });
  }

  reset() {
    clearTimeout(this.#timer);
    this.#due = [];
    for (const socket of this.#sockets) if (socket.remoteAddress) socket.resetAndDestroy(); else socket.destroy(); // a unix socket knows no reset
    this.#relay.gone(this);
  }

  follow() {
    if (this.#sockets.length < 2) return;
    for (const socket of this.#sockets) if (this.#relay.held) socket.pause(); else socket.resume();
    this.#play();
  }

  #pass(from, to) {
    from.on('data', (data) => this.#later(() => { if (to.writable) to.write(data); }));
    from.on('end', () => this.#later(() => { if (to.writable) to.end(); }));
    from.on('close', () => { if (to.destroyed) this.#relay.gone(this); });
  }

  #later(act) {
    this.#due.push({ at: performance.now() + this.#relay.lag, act });
    this.#play();
  }
  #play() {
    clearTimeout(this.#timer);
    while (!this.#relay.held && this.#due.length && this.#due[0].at <= performance.now()) this.#due.shift().act();
    if (!this.#relay.held && this.#due.length) this.#timer = setTimeout(() => this.#play(), this.#due[0].at - performance.now());
  }
}
