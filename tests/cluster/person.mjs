// A client of a cluster that behaves as ours do. It is in some rooms, says something now and then until that is stored,
// notices a silent connection, and comes back at the next node with the positions that it has reached.
import { connected, head, readAnswer } from '../system/support/http.mjs';
import { SANITIZED } from '../system/support/foyer.mjs';
import { WebSocketBytes, upgradeHeaders } from '../system/support/websocket.mjs';

const SILENCE_MS = SANITIZED ? 6_000 : 2_000;   // from then on a connection counts as lost
const PING_MS = 400;
const LATE_MS = SANITIZED ? 15_000 : 5_000;     // for an answer to a handshake
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const short = (rows) => rows.map((m) => ({ epoch: m.epoch, offset: m.offset, text: m.message }));

let connections = 0;

export class Person {
  seats = new Map();       // room → { epoch, offset, time, live }
  conn = 0;                // 0: not connected
  node = 0;
  #socket = null;
  #answers = new Map();    // id → resolve
  #ids = 0;
  #stopped = false;
  #quiet = false;
  #said = 0;

  // doors: one for each node. account: as login returns it.
  constructor({ name, account, doors, node, rooms, pick, recorder, token }) {
    Object.assign(this, { name, account, doors, node, pick, recorder, token });
    for (const room of rooms) this.seats.set(room, { epoch: '', offset: 0, time: undefined, live: false });
    this.silent = this.#talk();     // resolves when it is quiet, and what it was saying is stored
    this.done = Promise.all([this.#stay(), this.silent]);
  }

  get here() { return [...this.seats.values()].every((seat) => seat.live); }
  quiet() { this.#quiet = true; }
  async stop() {
    this.#quiet = true;
    this.#stopped = true;
    this.#lost('stopped');
    await this.done;
  }
  // An answer, or null if the connection ended before.
  ask(type, fields = {}) {
    if (this.#socket === null) return Promise.resolve(null);
    const id = (this.#ids += 1);
    return new Promise((resolve) => {
      this.#answers.set(id, resolve);
      if (type === 'join') this.recorder.note('join', { conn: this.conn, id, room: fields.room, since: fields.since });
      this.#socket.sendText(JSON.stringify({ type, id, ...fields }));
    });
  }

  async #stay() {
    while (!this.#stopped) {
      const ended = await this.#connect().catch(() => null);
      if (ended) await ended;
      else this.node = (this.node + 1) % this.doors.length;
      if (!this.#stopped) await pause(50 + this.pick(250));
    }
  }

  // Resolves to the promise of the end.
  async #connect() {
    const door = this.doors[this.node];
    const node = this.node;
    let tcp;
    const timer = setTimeout(() => tcp?.destroy(), LATE_MS);
    try {
      tcp = await connected(door);
      tcp.write(head(door, 'GET', '/ws/chat?features=room_reset', { ...upgradeHeaders(), Authorization: `Bearer ${this.token}` }));
      const answer = await readAnswer(tcp, { toHead: true });
      if (answer.status !== 101 || this.#stopped) { tcp.destroy(); return null; }
      return this.#serve(new WebSocketBytes(tcp, answer.rest), tcp, node);
    } catch (error) {
      tcp?.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #serve(socket, tcp, node) {
    this.#socket = socket;
    this.conn = (connections += 1);
    let heard = performance.now();
    tcp.on('data', () => { heard = performance.now(); });
    const beat = setInterval(() => {
      if (performance.now() - heard > SILENCE_MS) this.#lost('silence');
      else socket.sendFrame(0x9);
    }, PING_MS);
    this.recorder.note('open', { conn: this.conn, who: this.account, node });
    return new Promise((resolve) => {
      this.#gone = (end) => {
        clearInterval(beat);
        this.#gone = () => {};
        this.recorder.note('end', { conn: this.conn, ...end });
        socket.destroy();
        this.#socket = null;
        this.conn = 0;
        for (const seat of this.seats.values()) seat.live = false;
        for (const answer of this.#answers.values()) answer(null);
        this.#answers.clear();
        this.node = (this.node + 1) % this.doors.length;
        resolve();
      };
      const gone = this.#gone;
      socket.closed.then(({ code, reason }) => gone({ code, reason, own: false }));
      socket.watchedBy({ heard: (m) => { if (this.#gone === gone) this.#heard(m); }, said() {}, closed() {} });
    });
  }
  #gone = () => {};
  #lost(reason) { this.#gone({ code: 1006, reason, own: true }); }

  #heard(m) {
    const seat = this.seats.get(m.room);
    if (m.type === 'authentication_success') for (const room of this.seats.keys()) this.#join(room);
    else if (m.type === 'joined') this.#joined(m, seat);
    else if (m.type === 'message') this.#message(m, seat);
    else if (m.type === 'closing') this.recorder.note('closing', { conn: this.conn, retry: m.retry_after_ms });
    else if (m.type === 'room_reset') {
      this.recorder.note('reset', { conn: this.conn, room: m.room, epoch: m.epoch });
      seat.live = false;
      this.#join(m.room);
    }
    if (m.id === undefined) return;
    this.#answers.get(m.id)?.(m);
    this.#answers.delete(m.id);
  }

  async #join(room) {
    const { conn } = this;
    const { epoch, offset, time } = this.seats.get(room);
    const answer = await this.ask('join', { room, limit: 300, ...(epoch ? { since: { epoch, offset, time } } : {}) });
    if (answer === null || answer.type === 'joined') return;
    await pause(100 + this.pick(200));
    if (this.conn === conn) this.#join(room);
  }

  #joined(m, seat) {
    this.recorder.note('joined', { conn: this.conn, id: m.id, room: m.room, epoch: m.epoch, offset: m.offset, recovered: m.recovered, more: m.more, messages: short(m.messages) });
    Object.assign(seat, { epoch: m.epoch, offset: m.offset, time: m.time, live: true });
  }

  #message(m, seat) {
    this.recorder.note('message', { conn: this.conn, room: m.room, epoch: m.epoch, offset: m.offset, text: m.message });
    if (m.epoch !== seat.epoch || m.offset !== seat.offset + 1) return this.#lost('a gap');
    return Object.assign(seat, { offset: m.offset, time: m.time });
  }

  async #talk() {
    const rooms = [...this.seats.keys()];
    while (!this.#quiet) {
      await pause(200 + this.pick(800));
      const room = rooms[this.pick(rooms.length)];
      if (this.#quiet || !this.seats.get(room).live) continue;
      const text = `${this.name}-${(this.#said += 1)}`;
      this.recorder.note('say', { who: this.name, room, text });
      await this.#say(room, text);
    }
  }

  async #say(room, text) {
    while (!this.#stopped) {
      const answer = this.seats.get(room).live ? await this.ask('chat', { room, message: text, key: text }) : null;
      if (answer?.type === 'sent') return this.recorder.note('sent', { who: this.name, room, text, epoch: answer.epoch, offset: answer.offset });
      await pause(100 + this.pick(200));
    }
    return undefined;
  }
}
