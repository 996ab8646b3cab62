// One room of a client: whether it is joined, where it stands, who is in it, who types, and what
// was published but not yet acknowledged. It is joined again after every reconnection, from the
// position at which it stands, so that `message` comes once for each message, in their order.
//
//   known ──enter──▶ joining ──▶ joined        removed: the server took it away
//     ▲                │  └────▶ refused       left: it was left here
//     └──offline, reset┴──────────┘
//
// A publication has a key from the beginning and is sent again under it until it is answered: the
// server stores it once, however often the line breaks.
import { Emitter } from './emitter.mjs';
import { FoyerError } from './error.mjs';
import { refusal } from './refusal.mjs';
import { Tokens } from './tokens.mjs';

const TYPING_LAPSE_MS = 6_000;
const TYPING_REPEAT_MS = 4_000;
const SEND_TRIES = 5;       // of one publication that the server cannot take now
const AGAIN_MS = 1_000;     // where nobody says when; each time twice as long
const AGAIN_LAST_MS = 30_000;
const TOKEN_OVER = new Set(['ROOM_TOKEN_EXPIRED', 'ROOM_TOKEN_REQUIRED']);

export function kindOf(name) {
  if (name.startsWith('private:')) return 'private';
  if (name.startsWith('direct:')) return 'direct';
  if (name.startsWith('user:')) return 'own';
  return 'public';
}

export class Room extends Emitter {
  state = 'known';
  error = null;         // the refusal, while `refused`
  wanted = false;       // join was called, leave was not
  epoch = '';
  offset = 0;           // of the last message
  change = 0;           // the number of the last change that was heard of
  time = '';            // of the message at that offset, as the server wrote it
  durable = true;
  members = new Map();  // id → { id, name }; of those who are here
  memberCount = 0;
  typing = new Map();   // id → { name, until }
  messages = [];        // what `history` had
  limit;                // of the messages that a join brings; undefined: as the server likes

  #client;
  #joining = [];        // { resolve, reject } of join()
  #tokens = null;       // of rooms that need one of their own
  #attempt = 0;         // the number of the last join
  #postponed = 0;       // joins that were put off in a row
  #refreshedFor = '';   // the code for which there was another token since it was joined
  #outbox = [];         // { key, type, fields, tries, inFlight, resolve, reject }
  #typedAt = 0;

  // client: ask(), tell(), online, user, world, connection, explain(), emit()
  constructor(name, client) {
    super();
    this.name = name;
    this.kind = kindOf(name);
    this.#client = client;
  }

  get joined() { return this.state === 'joined'; }

  // To the listeners of the room, then to those of the client.
  #tell(type, value, how) {
    this.emit(type, value, how);
    this.#client.emit(type, value, this, how);
  }

  #enters(state, error = null) {
    this.state = state;
    this.error = error;
    this.emit('state', state);
    this.#client.emit('room_state', state, this);
  }

  // Joining

  // Resolves when it is joined, however many connections that takes; rejects when it is refused.
  join({ limit, token } = {}) {
    if (limit !== undefined) this.limit = limit;
    if (token !== undefined) this.#tokens = token && new Tokens(token, this.#client.world.after);
    if (this.joined) return Promise.resolve(this);
    const over = this.#client.over;
    if (over) return Promise.reject(over);
    return new Promise((resolve, reject) => {
      this.#joining.push({ resolve, reject });
      this.enter();
    });
  }

  // One attempt, if there is a connection. Resolves when it is decided: the state tells.
  async enter(because = null) {
    this.wanted = true;
    if (!this.#client.online || this.state === 'joining' || this.state === 'joined') return;
    this.#enters('joining');
    this.#attempt += 1;
    const attempt = this.#attempt;
    if (this.#tokens) {
      const failed = await this.#tokens.renew(because);
      if (attempt !== this.#attempt || this.state !== 'joining') return;
      if (failed) return this.#refused(failed);
    }
    const { answer, refusal: refused } = await this.#client.ask('join', this.#position());
    if (!this.wanted) return void (answer && this.#client.ask('leave', { room: this.name }));
    if (answer) return this.arrive(answer);
    if (!refused.lost) return this.#refused(refused); // else it is entered again with the next connection
  }

  #position() {
    const fields = { room: this.name };
    if (this.#tokens) fields.token = this.#tokens.token();
    if (this.limit !== undefined) fields.limit = this.limit;
    if (this.epoch) fields.since = { epoch: this.epoch, offset: this.offset, change: this.change, ...(this.time ? { time: this.time } : {}) };
    return fields;
  }

  async #refused(refused) {
    if (refused.retry === 'after') { // too many rooms at once, a busy server or application: again when it says
      this.#enters('known');
      const ms = refused.retryAfterMs ?? Math.min(AGAIN_LAST_MS, AGAIN_MS * 2 ** this.#postponed);
      this.#postponed += 1;
      this.#client.world.after(ms, () => { if (this.wanted && this.state === 'known') this.enter(); });
      return;
    }
    if (refused.retry === 'refresh' && this.#tokens && this.#refreshedFor !== refused.code) {
      this.#refreshedFor = refused.code;
      this.#enters('known');
      return this.enter(refused);
    }
    this.wanted = false;
    this.#enters('refused', new FoyerError(refused));
    const error = await this.#client.explain(refused);
    for (const { reject } of this.#joining.splice(0)) reject(error);
  }

  // `joined`: as the answer to ours, or because the application put this connection into the room.
  arrive(answer) {
    const recovered = this.epoch === answer.epoch && answer.recovered;
    const before = this.offset;
    Object.assign(this, { wanted: true, kind: answer.kind, epoch: answer.epoch, durable: answer.durable, change: answer.change ?? 0 });
    if (!recovered || answer.offset >= before) {
      this.offset = answer.offset;
      this.time = answer.time ?? answer.messages.find((m) => m.offset === answer.offset)?.time ?? (recovered && answer.offset === before ? this.time : '');
    }
    this.#postponed = 0;
    this.#refreshedFor = '';
    this.#setMembers(answer);
    this.#enters('joined');
    if (!recovered) this.messages = answer.messages;
    for (const m of answer.messages) this.#settleOwn(m);
    if (recovered) {
      for (const m of answer.messages) this.#tell('message', m, { recovered: true });
      for (const change of answer.changes ?? []) this.#tell(change.type, change);
    } else {
      this.#tell('history', { messages: answer.messages, more: answer.more });
    }
    this.#tell('joined', { recovered, by: answer.by ?? 'client' });
    for (const { resolve } of this.#joining.splice(0)) resolve(this);
    this.#sendAll();
  }

  async leave() {
    this.wanted = false;
    if (this.joined) {
      const { refusal: refused } = await this.#client.ask('leave', { room: this.name });
      if (refused && refused.code !== 'NOT_JOINED' && !refused.lost) {
        this.wanted = true;
        throw await this.#client.explain(refused);
      }
    }
    this.drop('left', refusal({ code: 'CLIENT_LEFT', heard: 'client', message: 'The room was left.' }));
  }

  // It is no longer a room of this client.
  drop(state, because) {
    this.wanted = false;
    if (this.#client.rooms.get(this.name) === this) this.#client.rooms.delete(this.name);
    this.#enters(state);
    this.giveUp(new FoyerError(because));
  }

  // What waits, waits in vain.
  giveUp(error) {
    for (const { reject } of this.#joining.splice(0)) reject(error);
    for (const { reject } of this.#outbox.splice(0)) reject(error);
  }

  // There is no connection.
  offline() {
    this.typing.clear();
    for (const p of this.#outbox) p.inFlight = false;
    if (this.state === 'joined' || this.state === 'joining') this.#enters('known');
  }

  // There is one. What goes to a room that is not joined need not wait for that.
  online() {
    if (this.wanted) this.enter();
    else this.#sendAll();
  }

  // Publishing

  // A text to everybody in the room: { room, epoch, offset, time, duplicate, key } once it is stored.
  publish(message, { key = this.#client.world.newKey() } = {}) {
    if (typeof message !== 'string') return Promise.reject(new TypeError('publish() takes a text'));
    return this.#publish('chat', { room: this.name, message, key }, key);
  }

  // The same with any JSON value, for programs.
  publishData(data, { key = this.#client.world.newKey() } = {}) {
    if (data === undefined) return Promise.reject(new TypeError('publishData() takes a JSON value'));
    return this.#publish('publish', { room: this.name, data, key }, key);
  }

  #publish(type, fields, key) {
    const over = this.#client.over;
    if (over) return Promise.reject(over);
    this.type(false);
    return new Promise((resolve, reject) => {
      this.#outbox.push({ key, type, fields, tries: 0, inFlight: false, resolve, reject });
      this.#sendAll();
    });
  }

  #sendAll() { for (const p of [...this.#outbox]) this.#send(p); }

  async #send(p) {
    if (p.inFlight || !this.#client.online || (this.wanted && !this.joined)) return;
    p.inFlight = true;
    p.tries += 1;
    const { answer, refusal: refused } = await this.#client.ask(p.type, p.fields);
    if (!this.#outbox.includes(p)) return; // our own `message` came first
    if (answer) {
      const { room, epoch, offset, time, duplicate } = answer;
      return this.#settle(p, { room, epoch, offset, time, duplicate, key: p.key });
    }
    if (refused.lost) return; // sent again with the next connection
    if (refused.retry === 'after' && p.tries < SEND_TRIES) {
      this.#client.world.after(refused.retryAfterMs ?? AGAIN_MS * p.tries, () => {
        if (!this.#outbox.includes(p)) return;
        p.inFlight = false;
        this.#send(p);
      });
      return;
    }
    this.#outbox.splice(this.#outbox.indexOf(p), 1);
    p.reject(await this.#client.explain(refused));
  }

  #settle(p, sent) {
    this.#outbox.splice(this.#outbox.indexOf(p), 1);
    p.resolve(sent);
  }

  // A message of ours that comes back before its `sent`, or instead of it.
  #settleOwn(m) {
    if (!m.key || m.from?.id !== this.#client.user?.id) return;
    const p = this.#outbox.find((each) => each.key === m.key);
    if (p) this.#settle(p, { room: this.name, epoch: m.epoch, offset: m.offset, time: m.time, duplicate: false, key: m.key });
  }

  // Asking

  // { epoch, messages, more }: before or after an offset.
  history({ before, after, limit } = {}) { return this.#client.request('history', { room: this.name, before, after, limit }); }

  // Who is here, asked for anew: { members, member_count }.
  async presence() {
    const answer = await this.#client.request('presence', { room: this.name });
    this.#setMembers(answer);
    this.#tell('members', {});
    return answer;
  }

  async delete(offset) { await this.#client.request('delete', { room: this.name, offset }); }

  // To be called at every key press; publishing ends it.
  type(on = true) {
    const now = this.#client.world.now();
    if (!this.joined || (on ? this.#typedAt && now - this.#typedAt < TYPING_REPEAT_MS : !this.#typedAt)) return;
    this.#typedAt = on ? now : 0;
    this.#client.tell('typing', { room: this.name, on });
  }

  #setMembers({ members, member_count: count }) {
    this.members = new Map(members.map((user) => [user.id, user]));
    this.memberCount = count;
  }

  // From the server

  hear(m) {
    switch (m.type) {
      case 'message': return this.#heard(m);
      case 'deleted':
      case 'author_detached': return this.#changed(m);
      case 'member_joined':
      case 'member_left':
      case 'members_changed': return this.#membersMoved(m);
      case 'typing': return this.#typed(m);
      case 'room_reset': // its history begins anew, and nothing more of it comes before the next join
        for (const p of this.#outbox) p.inFlight = false;
        this.#enters('known');
        this.enter();
        break;
      case 'room_removed':
        if (this.#tokens && TOKEN_OVER.has(m.code)) { // goes on with another token, from where it stands
          this.#enters('known');
          this.enter(refusal({ code: m.code, retry: 'refresh' }));
          break;
        }
        this.drop('removed', refusal({ code: m.code ?? 'NOT_A_MEMBER', message: 'You no longer belong to this room.' }));
        break;
    }
  }

  #heard(m) {
    if (!this.joined || (m.epoch === this.epoch && m.offset <= this.offset)) return;
    // What is missing before it was lost on the way, as if the line had broken.
    if (m.offset > this.offset + 1 || m.epoch !== this.epoch) return void this.#client.connection.lost();
    this.offset = m.offset;
    this.time = m.time;
    this.typing.delete(m.from.id);
    this.#settleOwn(m);
    this.#tell('message', m, { recovered: false });
  }

  #changed(m) {
    // They are numbered without gaps, as messages are.
    if (this.joined && m.change > this.change + 1) return void this.#client.connection.lost();
    this.change = Math.max(this.change, m.change ?? 0);
    this.#tell(m.type, m);
  }

  #membersMoved(m) {
    if (m.type === 'member_joined') {
      if (!this.members.has(m.user.id)) this.memberCount += 1;
      this.members.set(m.user.id, m.user);
    } else if (m.type === 'member_left') {
      if (this.members.delete(m.user.id)) this.memberCount = Math.max(0, this.memberCount - 1);
      this.typing.delete(m.user.id);
    } else {
      this.memberCount = m.member_count;
    }
    this.#tell('members', m.user ? { [m.type === 'member_joined' ? 'joined' : 'left']: m.user } : {});
  }

  #typed(m) {
    const { id } = m.user;
    if (id === this.#client.user?.id) return;
    if (m.on) {
      const { now, after } = this.#client.world;
      const until = now() + TYPING_LAPSE_MS;
      this.typing.set(id, { name: m.user.name ?? this.members.get(id)?.name ?? 'Somebody', until });
      after(TYPING_LAPSE_MS, () => {
        if (this.typing.get(id)?.until !== until) return;
        this.typing.delete(id);
        this.#tell('typing', this.typing);
      });
    } else {
      this.typing.delete(id);
    }
    this.#tell('typing', this.typing);
  }
}
