// The one state machine of the connection. No DOM, no global: time, sockets and
// credentials enter through `world`, so that it runs under node:test.
//
//   stopped ──start──▶ renewing ──▶ connecting ──▶ authenticating ──▶ online
//                         ▲             │ closed        │ refused        │ closed
//                         └──refresh────┴───────────────┴───────┬────────┘
//                                          waiting ◀──after─────┤
//                                          refused ◀──never─────┘
//
// Any of them but stopped and refused ──suspend──▶ suspended ──wake──▶ connecting
//
// Each phase says why it is there (`because`, a refusal) and `waiting` says until
// when (`retryAt`). A refusal with retry `refresh` gets one new token; the same
// code again after it is `never`.
//
// While it is online and the token is about to end without a new one, `ending` says
// when ({ at, because, retryAt }); it is asked again as long as asking may help.
import { Again } from './again.mjs';
import { fromClose, fromMessage, fromResponse, isPassing, refusal, silence, stoppedByProxy, telling } from './refusal.mjs';

const CONNECT_MS = 10_000;    // from the first packet to the verdict
const ERROR_MS = 1_000;       // from an `error` to the `close` that ought to follow
export const FEATURES = ['changes', 'room_reset', 'people', 'data']; // what this client understands (docs/protocol.md)
const PONG_MS = 10_000;       // silence after our own ping
const BACKOFF_FIRST_MS = 500;
const BACKOFF_LAST_MS = 15_000;

export class Connection {
  phase = 'stopped';
  because = null;
  retryAt = null;
  welcome = null;      // authentication_success of the current socket
  lostAt = 0;          // when the connection was lost, or was first tried
  ending = null;       // the session's end is near and was not put off

  #world;
  #socket = null;
  #cancelTimer = () => {};
  #cancelSilence = () => {};
  #attempts = 0;       // failures since the last time online
  #refreshedFor = '';  // the code that made us renew since the last time online
  #stale = false;      // the token at hand was refused: a new one first
  #again;              // asking for a new token while the old one still counts
  #reached = false;    // this socket was opened
  #verdict = null;     // authentication_error of this socket
  #retryAfter = null;  // of `closing`
  #nextId = 1;
  #asked = new Map();  // id → { resolve }
  #onPhase = [];
  #onMessage = [];

  // world: url, now(), random(), after(ms, fn) → cancel, open(url) → WebSocket-like,
  //        probe() → Promise<refusal | null> (a plain GET on the socket path),
  //        retryOf(code) → Promise<'never' | 'refresh' | 'after' | undefined> (the catalogue's word),
  //        session: { token(), renew(because) → Promise<refusal | null>, forget() }
  constructor(world) {
    this.#world = world;
    this.#again = new Again(world);
  }

  onPhase(listener) { this.#onPhase.push(listener); }
  onMessage(listener) { this.#onMessage.push(listener); }

  start() {
    if (this.phase !== 'stopped' && this.phase !== 'refused') return;
    this.restart();
  }

  // With another session of the same person: what was being done goes on in a new socket.
  restart() {
    this.#drop(1000);
    this.#world.session.forget();
    this.#attempts = 0;
    this.#refreshedFor = '';
    this.#stale = false;
    this.because = null;
    this.lostAt = this.#world.now();
    this.#connect();
  }

  stop() {
    this.#drop(1000);
    this.#enter('stopped');
  }

  // The page is hidden for good, or kept by the browser in case the reader comes back: a kept
  // page answers pings and reads nothing, so it must not look connected.
  suspend() {
    if (this.phase === 'stopped' || this.phase === 'refused') return;
    this.#drop(1000);
    this.#enter('suspended');
  }

  // It is shown again.
  wake() {
    if (this.phase !== 'suspended') return;
    this.#attempts = 0;
    this.#connect();
  }

  // The reader's "now" button, and the browser's `online` event.
  retryNow() { if (this.phase === 'waiting') this.#connect(); }

  // The same for a new token while `ending`.
  renewNow() { this.#again.now(); }

  // Back from sleep: do not wait for the heartbeat to find a dead socket.
  check() {
    if (this.phase === 'waiting') this.#connect();
    else if (this.phase === 'online') this.#ping();
  }

  // Something that was sent to us did not arrive: the socket is as good as dead.
  lost() {
    if (this.phase !== 'online') return;
    this.#drop(4000);
    this.#closed(1006, '');
  }

  // Sends a command and resolves with { answer } or { refusal }; a lost connection is
  // a refusal with `lost: true`, and nobody knows whether the command was carried out.
  request(type, fields = {}) {
    if (this.phase !== 'online') return Promise.resolve({ refusal: { ...refusal({ retry: 'after', heard: 'nothing', message: 'There is no connection.' }), lost: true } });
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#asked.set(id, resolve);
      this.#write({ type, id, ...fields });
    });
  }

  // A command that has no answer (`typing`).
  tell(type, fields = {}) { if (this.phase === 'online') this.#write({ type, ...fields }); }

  #write(message) { this.#socket.send(JSON.stringify(message)); }

  #enter(phase, { because = null, retryAt = null } = {}) {
    this.phase = phase;
    this.because = because;
    this.retryAt = retryAt;
    this.#again.stop();
    this.ending = null;
    this.#tell();
  }

  #tell() { for (const listener of this.#onPhase) listener(this); }

  #connect() {
    this.#cancelTimer();
    if (this.#stale || !this.#world.session.token()) return void this.#renew();
    this.#reached = false;
    this.#verdict = null;
    this.#retryAfter = null;
    this.#enter('connecting', { because: this.because });
    const socket = this.#world.open(this.#world.url);
    this.#socket = socket;
    const ifCurrent = (react) => (event) => { if (this.#socket === socket) react(event); };
    socket.onopen = ifCurrent(() => {
      this.#reached = true;
      this.#enter('authenticating', { because: this.because });
      this.#write({ type: 'authenticate', token: this.#world.session.token(), features: FEATURES });
    });
    socket.onmessage = ifCurrent((event) => this.#receive(event.data));
    socket.onclose = ifCurrent((event) => this.#closed(event.code, event.reason ?? ''));
    const giveUp = ifCurrent(() => { this.#drop(4000); this.#closed(1006, ''); });
    // Node 22 tells of some failed handshakes by `error` alone.
    socket.onerror = ifCurrent(() => { if (!this.#reached) this.#in(ERROR_MS, giveUp); });
    this.#in(CONNECT_MS, giveUp);
  }

  #in(ms, act) {
    this.#cancelTimer();
    this.#cancelTimer = this.#world.after(ms, act);
  }

  async #renew() {
    this.#enter('renewing', { because: this.because });
    const refused = await this.#world.session.renew(this.because);
    if (this.phase !== 'renewing') return;
    this.#stale = refused !== null;
    if (!refused) this.#connect();
    else if (refused.retry === 'after') this.#wait(refused);
    else this.#enter('refused', { because: telling(this.because, refused) });
  }

  #receive(text) {
    let message;
    try { message = JSON.parse(text); } catch { return; }
    this.#heard();
    switch (message.type) {
      case 'authentication_success':
        this.#cancelTimer();
        this.#attempts = 0;
        this.#refreshedFor = '';
        this.welcome = message;
        this.#enter('online');
        this.#heard();
        break;
      case 'authentication_error':
        this.#verdict = fromMessage(message);
        break;
      case 'token_expiring':
        this.#renewInBand(Date.parse(message.expires_at));
        break;
      case 'closing':
        this.#retryAfter = message.retry_after_ms ?? null;
        break;
    }
    const resolve = message.id === undefined ? undefined : this.#asked.get(message.id);
    if (resolve) {
      this.#asked.delete(message.id);
      resolve(message.type === 'error' ? { refusal: fromMessage(message) } : { answer: message });
    }
    for (const listener of this.#onMessage) listener(message);
  }

  // One source of lifetimes: the server says when, we bring a new token into the
  // same socket. If that fails the socket ends at its time with TOKEN_EXPIRED, and
  // `ending` says so before.
  async #renewInBand(at) {
    const socket = this.#socket;
    const still = () => this.#socket === socket && this.phase === 'online';
    let refused = await this.#world.session.renew();
    if (!still()) return;
    if (!refused) {
      ({ refusal: refused = null } = await this.request('refresh', { token: this.#world.session.token() }));
      if (!still()) return;
    }
    if (!refused) this.#again.stop();
    else if (isPassing(refused) || refused.retryAfterMs !== null) this.#again.later(refused, () => this.#renewInBand(at));
    const had = this.ending !== null;
    this.ending = refused ? { at, because: refused, retryAt: this.#again.at } : null;
    if (had || refused) this.#tell();
  }

  // Something came: the peer lives. After a heartbeat of silence we ask.
  #heard() {
    this.#cancelSilence();
    if (this.phase === 'online') this.#cancelSilence = this.#world.after(this.welcome.heartbeat_ms ?? 25_000, () => this.#ping());
  }

  #ping() {
    this.#cancelSilence();
    this.#cancelSilence = this.#world.after(PONG_MS, () => { this.#drop(4000); this.#closed(1006, ''); });
    this.#write({ type: 'ping' });
  }

  #drop(code) {
    this.#cancelTimer();
    this.#cancelSilence();
    const socket = this.#socket;
    this.#socket = null;
    this.#lose();
    if (socket) { try { socket.close(code); } catch { /* not open yet */ } }
  }

  #lose() {
    const lost = { ...refusal({ retry: 'after', heard: 'nothing', message: 'The connection was lost.' }), lost: true };
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const resolve of asked) resolve({ refusal: lost });
  }

  async #closed(code, reason) {
    const wasOnline = this.phase === 'online';
    if (wasOnline) this.lostAt = this.#world.now();
    this.#cancelTimer();
    this.#cancelSilence();
    this.#socket = null;
    this.welcome = null;
    let why = this.#verdict ?? fromClose(code, reason);
    if (this.#retryAfter !== null) why = { ...why, retry: 'after', retryAfterMs: this.#retryAfter };
    const reached = this.#reached;
    this.#enter('waiting', { because: why });
    this.#lose();
    if (code === 1006 && !this.#verdict && !wasOnline) {
      // A browser cannot see a failed handshake; a plain GET on the same path tells.
      const told = await this.#world.probe();
      if (this.phase !== 'waiting' || this.retryAt !== null) return;
      if (told?.code === 'UPGRADE_MISSING') why = reached || this.#attempts === 0 ? why : stoppedByProxy();
      else if (told) why = told;
    }
    if (why.retry === 'refresh' && why.code && !this.#verdict) {
      // A Close has room for the code only; some of 4401 end the session for good.
      const retry = await this.#world.retryOf(why.code);
      if (this.phase !== 'waiting' || this.retryAt !== null) return;
      why = { ...why, retry: retry ?? why.retry };
    }
    if (why.retry === 'refresh' && this.#refreshedFor !== why.code) {
      this.#refreshedFor = why.code;
      this.because = why;
      return void this.#renew();
    }
    if (why.retry === 'after') this.#wait(why, wasOnline);
    else this.#enter('refused', { because: why });
  }

  #wait(because, wasOnline = false) {
    const { now, random, after } = this.#world;
    const backoff = Math.min(BACKOFF_LAST_MS, BACKOFF_FIRST_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    const jittered = wasOnline && because.retryAfterMs === null ? random() * 1_000 : backoff * (0.5 + random() / 2);
    const ms = because.retryAfterMs === null ? jittered : Math.max(because.retryAfterMs * (1 + random() / 5), this.#attempts > 1 ? jittered : 0);
    this.#enter('waiting', { because, retryAt: now() + ms });
    this.#cancelTimer = after(ms, () => this.#connect());
  }
}

// The plain GET that a page makes after a bare 1006 (a refusal, or null when nothing
// can be learnt).
export async function probeSocketPath(url, fetch = globalThis.fetch) {
  try {
    return await fromResponse(await fetch.call(globalThis, url.replace(/^ws/, 'http'), { cache: 'no-store' }));
  } catch {
    return silence();
  }
}
