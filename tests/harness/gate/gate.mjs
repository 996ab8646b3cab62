// A TCP gate between a gateway and its auth service. It passes requests on, byte
// for byte, until a test tells it a fault; it keeps what it was asked. It knows
// HTTP/1.1 only as far as to tell one request from the next.
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { pass } from './faults.mjs';
import { MessageReader } from './message.mjs';

// The system gives no port below its ephemeral range to anybody who did not ask for it,
// so a gate that closes finds its port free when it opens again.
const FIRST_PORT = 20_000;
const PORTS = 12_000;

export class Gate {
  seen = [];            // { at, method, path, target, headers, body, fault, status }: every request, in order
  connections = 0;      // accepted so far
  upstream;             // { host, port }; may be changed at any time
  host = '127.0.0.1';
  #server = null;
  #open = new Set();    // { socket, upstream }
  #rules = [];          // { fault, path, times }, the newest first
  #ended = false;

  static async open(upstream) {
    const gate = new Gate();
    gate.upstream = upstream;
    for (let tries = 0; ; tries += 1) {
      gate.port = FIRST_PORT + Math.floor(Math.random() * PORTS);
      try {
        await gate.#listen();
        break;
      } catch (error) {
        if (error.code !== 'EADDRINUSE' || tries > 100) throw error;
      }
    }
    gate.url = `http://${gate.host}:${gate.port}`;
    return gate;
  }

  // From now on: requests (of this path; so many) meet this fault. The newest that fits counts.
  async fault(fault, { path, times = Infinity } = {}) {
    if ((fault.closed || fault.request) && path) throw new Error(`"${fault.name}" is met before there is a path`);
    this.#rules.unshift({ fault, path, times });
    if (fault.request) this.cut(); // met by connections that are new
    await this.#follow();
  }

  // All is well again; what hangs goes on hanging, unless `cut`.
  async heal({ cut = true } = {}) {
    this.#rules = [];
    if (cut) this.cut();
    await this.#follow();
  }

  // Resets all connections that there are.
  cut() {
    for (const { socket } of this.#open) socket.resetAndDestroy();
  }

  forget() { this.seen.length = 0; }
  asked(path) { return this.seen.filter((request) => request.path === path); }
  count(path) { return this.asked(path).length; }

  async close() {
    this.#ended = true;
    this.cut();
    await this.#stopListening();
  }

  async #follow() {
    const closed = this.#rules.find((rule) => !rule.path && rule.times > 0)?.fault.closed;
    if (closed) {
      this.cut();
      await this.#stopListening();
    } else if (!this.#server) {
      await this.#listen();
    }
  }

  #listen() {
    return new Promise((resolve, reject) => {
      const server = net.createServer({ noDelay: true }, (socket) => this.#accept(socket));
      server.once('error', reject);
      server.listen({ host: this.host, port: this.port, backlog: 1_024 }, () => {
        server.off('error', reject);
        this.#server = server;
        resolve();
      });
    });
  }

  #stopListening() {
    const server = this.#server;
    this.#server = null;
    return server ? new Promise((resolve) => { server.close(resolve); }) : undefined;
  }

  #accept(socket) {
    this.connections += 1;
    const connection = { socket, upstream: null };
    this.#open.add(connection);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#open.delete(connection);
      connection.upstream?.destroy();
    });
    const early = this.#rules.find((rule) => !rule.path && rule.times > 0);
    const limit = early?.fault.request?.reset;
    if (limit !== undefined) early.times -= 1;
    if (limit === 0) return void socket.resetAndDestroy();
    const reader = new MessageReader('request');
    let bytes = 0;
    let turn = Promise.resolve();
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (limit !== undefined && bytes >= limit) return void socket.resetAndDestroy();
      if (limit !== undefined) return;
      for (const request of reader.feed(chunk)) turn = turn.then(() => this.#serve(connection, request)).catch(() => socket.resetAndDestroy());
    });
  }

  #choose(path) {
    const rule = this.#rules.find((each) => each.times > 0 && (!each.path || each.path === path));
    if (!rule) return pass;
    rule.times -= 1;
    return rule.fault;
  }

  async #serve(connection, request) {
    const { socket } = connection;
    if (socket.destroyed) return;
    const fault = this.#choose(request.path);
    const { method, path, target, headers } = request;
    const record = { at: Date.now(), method, path, target, headers, body: request.body.toString(), fault: fault.name, status: null };
    this.seen.push(record);
    if (fault.silent) return;
    if (fault.instead) {
      record.status = fault.status;
      socket.end(fault.instead);
      return;
    }
    const answer = await this.#ask(connection, request);
    record.status = answer.status;
    const { bytes, then } = fault.answer ? fault.answer(answer) : { bytes: answer.bytes };
    if (fault.before) await pause(fault.before, undefined, { ref: false });
    await this.#write(socket, bytes, fault.each);
    if (socket.destroyed || then === 'nothing') return;
    if (then === 'reset') socket.resetAndDestroy();
    else if (then === 'end' || closes(request) || closes(answer)) socket.end();
  }

  async #write(socket, bytes, each) {
    if (!each) {
      if (!socket.destroyed && bytes.length) await new Promise((resolve) => { socket.write(bytes, resolve); });
      return;
    }
    for (const byte of bytes) {
      if (socket.destroyed) return;
      socket.write(Buffer.of(byte));
      await pause(each, undefined, { ref: false });
    }
  }

  // The service's own answer, whole. Each request has a connection of its own.
  #ask(connection, request) {
    return new Promise((resolve, reject) => {
      if (this.#ended) return void reject(new Error('the gate is closed'));
      const reader = new MessageReader('answer');
      const bodiless = request.method === 'HEAD';
      const upstream = net.connect({ host: this.upstream.host, port: this.upstream.port, noDelay: true });
      connection.upstream = upstream;
      const take = (chunk, ended) => {
        const [answer] = reader.feed(chunk, { bodiless, ended });
        if (!answer) return;
        upstream.destroy();
        resolve(answer);
      };
      upstream.on('connect', () => upstream.write(request.bytes));
      upstream.on('data', (chunk) => take(chunk, false));
      upstream.on('end', () => take(Buffer.alloc(0), true));
      upstream.on('error', reject);
      upstream.on('close', () => reject(new Error('the service ended its connection without an answer')));
    });
  }
}

const closes = (message) => /\bclose\b/i.test(message.headers.connection ?? '');
