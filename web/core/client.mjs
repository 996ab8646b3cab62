// One user's connection to a Foyer server, and the rooms in it. connect() is what applications
// call; the page at `/` uses the same.
import { Causes } from './causes.mjs';
import { Connection, probeSocketPath } from './connection.mjs';
import { Emitter } from './emitter.mjs';
import { FoyerError } from './error.mjs';
import { refusal } from './refusal.mjs';
import { Room } from './room.mjs';
import { Tokens } from './tokens.mjs';
import { followWindow } from './window.mjs';

const OF_THE_USER = new Set(['invitation', 'declined', 'room_added', 'room_removed', 'token_expiring', 'closing']);

export class Client extends Emitter {
  user = null;          // { id, name }
  limits = null;
  permissions = [];
  error = null;         // why it is not online, or was not before
  rooms = new Map();    // name → Room

  #causes;
  #ready = [];          // { resolve, reject } of ready()
  #unfollow = () => {};

  // world: now(), random(), after(ms, act) → cancel, newKey()
  constructor(connection, world, causes = null) {
    super();
    this.connection = connection;
    this.world = world;
    this.#causes = causes;
    connection.onPhase(() => this.#moved());
    connection.onMessage((m) => this.#receive(m));
  }

  get state() { return this.connection.phase; }
  get online() { return this.state === 'online'; }
  get retryAt() { return this.connection.retryAt; }

  // The error with which everything ends that is asked while no connection will come by itself; or null.
  get over() {
    if (this.state === 'refused') return this.error;
    return this.state === 'stopped' ? new FoyerError(closed()) : null;
  }

  // Again after close() or a refusal: with a new token, perhaps of another user.
  start() { this.connection.start(); }

  close() {
    this.#unfollow();
    this.connection.stop();
  }

  // Instead of waiting for retryAt.
  retryNow() { this.connection.retryNow(); }

  // In a browser: the connection goes and comes with the window.
  follow(window) { this.#unfollow = followWindow(this.connection, window); }

  // Resolves when it is online; rejects when it will not be by itself.
  ready() {
    if (this.online) return Promise.resolve(this);
    if (this.over) return Promise.reject(this.over);
    return new Promise((resolve, reject) => { this.#ready.push({ resolve, reject }); });
  }

  // Asking. The answer, or a FoyerError; it is not asked again if the connection is lost meanwhile.
  async request(type, fields = {}) {
    if (!this.online) await this.ready();
    const { answer, refusal: refused } = await this.ask(type, fields);
    if (refused) throw await this.explain(refused);
    return answer;
  }

  // The same without waiting or throwing: { answer } or { refusal }.
  ask(type, fields) { return this.connection.request(type, fields); }
  tell(type, fields) { this.connection.tell(type, fields); }

  async explain(refused) {
    return new FoyerError(this.#causes ? await this.#causes.explain(refused) : refused);
  }

  // Rooms

  // A room by name; it is not joined by that.
  room(name) {
    let room = this.rooms.get(name);
    if (!room) {
      room = new Room(name, this);
      this.rooms.set(name, room);
      this.emit('room', room);
    }
    return room;
  }

  join(name, options) { return this.room(name).join(options); }

  // Every room that this user can see: [{ room, kind, epoch, offset }].
  async list() {
    const rows = [];
    for (let page; page === undefined || (page.more && page.rooms.length > 0);) {
      page = await this.request('rooms', rows.length ? { after: rows.at(-1).room } : {});
      rows.push(...page.rooms);
    }
    return rows;
  }

  // As if nothing had been joined or published.
  forget() {
    const rooms = [...this.rooms.values()];
    this.rooms.clear();
    this.user = null;
    for (const room of rooms) room.drop('left', closed());
  }

  // From the connection

  #moved() {
    const { phase, because } = this.connection;
    if (phase !== 'online') for (const room of [...this.rooms.values()]) room.offline();
    this.error = phase === 'online' || !because ? null : new FoyerError(because);
    this.emit('state', phase);
    if (phase === 'refused') this.#refused(because);
    else if (phase === 'stopped') this.#giveUp(new FoyerError(closed()));
  }

  // The next step is asked for before anybody is told.
  async #refused(because) {
    const error = await this.explain(because);
    if (this.state !== 'refused' || this.connection.because !== because) return;
    this.error = error;
    this.#giveUp(error);
    this.emit('refused', error);
  }

  #giveUp(error) {
    for (const { reject } of this.#ready.splice(0)) reject(error);
    for (const room of [...this.rooms.values()]) room.giveUp(error);
  }

  #receive(m) {
    if (m.type === 'authentication_success') return this.#welcomed(m);
    if (m.type === 'joined' && m.id === undefined) return this.room(m.room).arrive(m);
    this.rooms.get(m.room)?.hear(m);
    if (OF_THE_USER.has(m.type) && m.id === undefined) this.emit(m.type, m);
  }

  #welcomed(m) {
    // What one user was doing is not done as another.
    if (this.user && this.user.id !== m.user.id) this.forget();
    this.user = m.user;
    this.limits = m.limits ?? null;
    this.permissions = m.permissions ?? [];
    this.emit('online', m);
    for (const { resolve } of this.#ready.splice(0)) resolve(this);
    for (const room of [...this.rooms.values()]) room.online();
  }
}

const closed = () => refusal({ code: 'CLIENT_CLOSED', heard: 'client', message: 'The client was closed.', who: 'client', next: 'Call start() to connect again.' });

// The addresses of a server: of its socket, and of what is beside it.
export function addresses(url, base = globalThis.location?.href) {
  const socket = new URL(url, base);
  if (!/^(https?|wss?):$/.test(socket.protocol)) throw new TypeError(`connect() takes an http, https, ws or wss address, not ${url}`);
  socket.protocol = socket.protocol.replace('http', 'ws');
  socket.search = '';
  socket.hash = '';
  if (!socket.pathname.endsWith('/ws/chat')) socket.pathname = socket.pathname.replace(/\/?$/, '/ws/chat');
  const home = new URL('..', socket);
  home.protocol = home.protocol.replace('ws', 'http');
  return { socket: socket.href, home: home.href };
}

// Names a publication. It must not come twice from one user, and need not be secret (Node 18 has no global crypto).
function newKey() {
  const bytes = new Uint8Array(12);
  if (globalThis.crypto?.getRandomValues) crypto.getRandomValues(bytes);
  else bytes.forEach((_, i) => { bytes[i] = Math.random() * 256; });
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}

function after(ms, act) {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
}

export function connect({ url, token, WebSocket = globalThis.WebSocket, fetch = globalThis.fetch, start = true } = {}) {
  if (!url) throw new TypeError('connect() needs `url`, the address of the server');
  if (typeof token !== 'function') throw new TypeError('connect() needs `token`, a function that gives a token');
  if (typeof WebSocket !== 'function') throw new TypeError('this runtime has no WebSocket; give connect() one, such as that of the package `ws`');
  const { socket, home } = addresses(url);
  const causes = new Causes(home, fetch);
  const world = { now: () => Date.now(), random: () => Math.random(), after, newKey };
  const connection = new Connection({
    ...world, url: socket, session: new Tokens(token, after),
    open: (address) => new WebSocket(address, ['foyer.v1']),
    probe: () => probeSocketPath(socket, fetch),
    retryOf: (code) => causes.retryOf(code),
  });
  const client = new Client(connection, world, causes);
  if (globalThis.document) client.follow(globalThis);
  if (start) client.start();
  return client;
}
