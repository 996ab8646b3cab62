// What this person sees of the conversations: rooms, messages, who is here, who
// types, and what was written but not yet acknowledged. No DOM; it listens to the
// connection and tells its listeners which room changed.
//
// A message of ours is in `pending` from the key press until it is `sent`, and is
// sent again with the same `key` after every reconnection, so the server stores it
// once however often the line breaks.
import { Room, kindOf } from './room.mjs';

const PAGE = 50;             // messages in one step of history
const TYPING_LAPSE_MS = 6_000;
const TYPING_REPEAT_MS = 4_000;
const KEEP = 2_000;                 // messages of a room held in memory

const invitationOf = ({ room, from, expires_at: expiresAt }) => ({ room, from, expiresAt });

export class Chat {
  me = null;
  limits = null;
  rooms = new Map();
  current = '';         // the room on the screen
  people = new Map();   // id → name, everybody seen
  invitations = new Map(); // room → { room, from, expiresAt }: rooms that wait for this person's answer

  #connection;
  #world;               // now(), after(ms, fn), newKey(), remembered() → [names], remember([names])
  #listeners = [];
  #typingSent = 0;

  constructor(connection, world) {
    this.#connection = connection;
    this.#world = world;
    connection.onMessage((m) => this.#receive(m));
    connection.onPhase((c) => { if (c.phase !== 'online') this.#offline(); });
  }

  // listener(room name | null, what): null is the list of rooms; what is 'gone' when a room left the list
  onChange(listener) { this.#listeners.push(listener); }
  #changed(name, what = '') { for (const listener of this.#listeners) listener(name, what); }

  #offline() {
    for (const room of this.rooms.values()) {
      if (room.state === 'joined' || room.state === 'joining') room.state = 'known';
      room.typing.clear();
      for (const p of room.pending) p.inFlight = false;
      this.#changed(room.name, 'state');
    }
  }

  forget() {
    this.me = null;
    this.rooms.clear();
    this.people.clear();
    this.invitations.clear();
    this.current = '';
    this.#changed(null);
  }

  // Rooms

  #known(name, kind) {
    let room = this.rooms.get(name);
    if (!room) {
      room = new Room(name, kind);
      this.rooms.set(name, room);
    }
    return room;
  }

  #room(name, kind) {
    const isNew = !this.rooms.has(name);
    const room = this.#known(name, kind);
    if (isNew) this.#changed(null);
    return room;
  }

  // Listeners hear of the list when it is complete, so that the page chooses a room once.
  async #arrived() {
    for (let page, after; !page || page.more; after = page.rooms.at(-1)?.room) {
      ({ answer: page } = await this.#connection.request('rooms', after ? { after } : {}));
      if (!page) return;
      for (const row of page.rooms) this.#known(row.room, row.kind);
      if (page.rooms.length === 0) break;
    }
    for (const name of this.#world.remembered(this.me.id)) this.#known(name);
    this.#known(`user:${this.me.id}`, 'own');
    this.#changed(null);
    this.#askForInvitations();
    // The room on the screen first.
    const names = [...this.rooms.keys()].sort((a, b) => (b === this.current) - (a === this.current));
    for (const name of names.slice(0, this.limits?.rooms ?? names.length)) this.join(name);
  }

  async join(name) {
    const room = this.#room(name);
    if (room.state === 'joining' || room.state === 'joined') return room;
    room.state = 'joining';
    room.refusal = null;
    this.#changed(name, 'state');
    const fields = { room: name, limit: PAGE };
    if (room.epoch) fields.since = { epoch: room.epoch, offset: room.offset, change: room.change, ...(room.time ? { time: room.time } : {}) };
    const { answer, refusal } = await this.#connection.request('join', fields);
    if (refusal) {
      if (refusal.lost) return room;
      if (refusal.retry === 'after') { // too many rooms at once, or a busy server: again when it says
        room.state = 'known';
        this.#world.after(refusal.retryAfterMs ?? 1_000, () => { if (this.rooms.get(name) === room && room.state === 'known') this.join(name); });
        return room;
      }
      room.state = 'refused';
      room.refusal = refusal;
      this.#changed(name, 'state');
      return room;
    }
    this.#joined(room, answer);
    return room;
  }

  #joined(room, answer) {
    const before = room.offset;
    const sameStory = room.epoch === answer.epoch && answer.recovered;
    if (!sameStory) {
      const fresh = !room.epoch;
      room.messages = [];
      room.more = answer.more;
      if (!fresh && room.epoch !== answer.epoch) room.pending.forEach((p) => { p.inFlight = false; });
    }
    room.kind = answer.kind;
    room.epoch = answer.epoch;
    room.durable = answer.durable;
    room.state = 'joined';
    for (const m of answer.messages) this.#place(room, m);
    if (sameStory) for (const change of answer.changes ?? []) this.#apply(room, change);
    room.change = answer.change ?? 0;
    if (answer.offset >= room.offset || !sameStory) {
      room.offset = answer.offset;
      room.time = answer.time ?? answer.messages.find((m) => m.offset === answer.offset)?.time ?? (sameStory && answer.offset === before ? room.time : '');
    }
    if (sameStory && before && room.name !== this.current) room.unread += answer.messages.filter((m) => m.from.id !== this.me.id).length;
    this.#setMembers(room, answer);
    this.#remember();
    this.#changed(room.name, 'joined');
    this.#changed(null);
    for (const p of room.pending) if (p.state === 'sending') this.#send(room, p);
  }

  #setMembers(room, { members, member_count: count }) {
    room.members = new Map(members.map((u) => [u.id, u]));
    room.memberCount = count;
    for (const user of members) this.people.set(user.id, user.name);
  }

  // A room that this person opens by name; a private one is created if it is not there.
  async open(name) {
    const room = this.rooms.get(name);
    if (room?.live) return { room };
    const joined = await this.join(name);
    return joined.state === 'refused' ? { refusal: joined.refusal, room: joined } : { room: joined };
  }

  async create(name) {
    const { refusal, answer } = await this.#connection.request('create', { room: name });
    if (refusal) return { refusal };
    return this.open(answer.room);
  }

  // who: { user: id } or { name }
  async direct(who) {
    const { refusal, answer } = await this.#connection.request('direct', who);
    if (refusal) return { refusal };
    return this.open(answer.room);
  }

  // who: { user: id } or { name }
  invite(name, who) { return this.#connection.request('invite', { room: name, ...who }); }

  async #askForInvitations() {
    const { answer } = await this.#connection.request('invitations');
    if (!answer) return;
    this.invitations = new Map(answer.invitations.map((each) => [each.room, invitationOf(each)]));
    for (const { from } of this.invitations.values()) this.people.set(from.id, from.name);
    this.#changed(null, 'invitations');
  }

  #answered(room) {
    if (this.invitations.delete(room)) this.#changed(null, 'invitations');
  }

  async accept(name) {
    const { refusal, answer } = await this.#connection.request('accept', { room: name });
    if (refusal && refusal.code !== 'NO_INVITATION') return { refusal };
    const from = this.invitations.get(name)?.from;
    this.#answered(name);
    if (refusal) return { refusal };
    const room = this.#room(answer.room);
    if (room.kind === 'direct') room.peer ??= from?.name;
    return this.open(answer.room);
  }

  async decline(name) {
    const { refusal } = await this.#connection.request('decline', { room: name });
    if (!refusal || refusal.code === 'NO_INVITATION') this.#answered(name);
    return { refusal };
  }

  expel(name, user) { return this.#connection.request('remove', { room: name, user }); }

  async leave(name) {
    const room = this.rooms.get(name);
    if (!room) return {};
    const result = room.live ? await this.#connection.request('leave', { room: name }) : {};
    if (result.refusal && result.refusal.code !== 'NOT_JOINED') return result;
    this.#gone(name);
    return {};
  }

  #gone(name) {
    this.rooms.delete(name);
    if (this.current === name) this.current = '';
    this.#remember();
    this.#changed(name, 'gone');
    this.#changed(null);
  }

  #remember() { this.#world.remember(this.me.id, [...this.rooms.values()].filter((r) => r.kind === 'public' && r.state !== 'refused').map((r) => r.name)); }

  show(name) {
    this.current = name;
    const room = this.rooms.get(name);
    if (room?.unread) {
      room.unread = 0;
      this.#changed(null);
    }
  }

  async older(name) {
    const room = this.rooms.get(name);
    if (!room || !room.more || room.loadingOlder || !room.live) return;
    room.loadingOlder = true;
    this.#changed(name, 'older');
    const { answer } = await this.#connection.request('history', { room: name, before: room.messages[0]?.offset ?? room.offset + 1, limit: PAGE });
    room.loadingOlder = false;
    if (answer && answer.epoch === room.epoch) {
      room.more = answer.more && answer.messages.length > 0;
      for (const m of answer.messages) this.#place(room, m);
    }
    this.#changed(name, 'older');
  }

  async refreshPresence(name) {
    const room = this.rooms.get(name);
    if (!room?.live) return;
    const { answer } = await this.#connection.request('presence', { room: name });
    if (answer) {
      this.#setMembers(room, answer);
      this.#changed(name, 'people');
    }
  }

  // Messages

  // What happened to messages that are here already.
  #apply(room, change) {
    if (change.type === 'deleted') {
      const message = room.messages.find((each) => each.offset === change.offset);
      if (message) Object.assign(message, { deleted: true, text: '' });
    } else if (change.type === 'author_detached') {
      this.people.set(change.user.id, change.user.name);
      for (const message of room.messages) if (message.from.id === change.user.id) message.from = { ...message.from, name: change.user.name };
    }
  }

  // Puts a message at its offset; one that is there already is replaced.
  #place(room, m) {
    const list = room.messages;
    let at = list.length;
    while (at > 0 && list[at - 1].offset >= m.offset) at -= 1;
    const message = { offset: m.offset, from: m.from, text: m.deleted ? '' : m.message, time: m.time, deleted: m.deleted === true };
    if (list[at]?.offset === m.offset) list[at] = message;
    else list.splice(at, 0, message);
    if (m.from) this.people.set(m.from.id, m.from.name);
    if (m.key && m.from.id === this.me.id) this.#settle(room, m.key);
  }

  #settle(room, key) { room.pending = room.pending.filter((p) => p.key !== key); }

  say(name, text) {
    const room = this.#room(name);
    const p = { key: this.#world.newKey(), text, state: 'sending', refusal: null, tries: 0, inFlight: false, since: this.#world.now() };
    room.pending.push(p);
    this.stopTyping(name);
    this.#changed(name, 'mine');
    if (room.live) this.#send(room, p);
    return p;
  }

  async #send(room, p) {
    if (p.inFlight) return;
    p.inFlight = true;
    p.tries += 1;
    const { answer, refusal } = await this.#connection.request('chat', { room: room.name, message: p.text, key: p.key });
    if (answer) {
      if (!room.pending.includes(p)) return; // our own `message` came first
      this.#place(room, { offset: answer.offset, from: this.me, message: p.text, time: answer.time });
      this.#settle(room, p.key);
      // It may come before messages of others with smaller offsets: the position moves only over what we hold.
      if (answer.epoch === room.epoch && answer.offset === room.offset + 1) Object.assign(room, { offset: answer.offset, time: answer.time });
      this.#changed(room.name, 'sent');
      return;
    }
    p.inFlight = false;
    if (refusal.lost) return; // sent again after the next join
    if (refusal.retry === 'after' && p.tries < 5) {
      this.#world.after(refusal.retryAfterMs ?? 1_000 * p.tries, () => { if (p.state === 'sending' && room.live) this.#send(room, p); });
      return;
    }
    p.state = 'failed';
    p.refusal = refusal;
    this.#changed(room.name, 'failed');
  }

  retry(name, key) {
    const room = this.rooms.get(name);
    const p = room?.pending.find((each) => each.key === key);
    if (!p) return;
    Object.assign(p, { state: 'sending', refusal: null, tries: 0 });
    // A text that was refused for good under its key needs a new one.
    this.#changed(name, 'mine');
    if (room.live) this.#send(room, p);
  }

  discard(name, key) {
    const room = this.rooms.get(name);
    if (!room) return '';
    const p = room.pending.find((each) => each.key === key);
    this.#settle(room, key);
    this.#changed(name, 'mine');
    return p?.text ?? '';
  }

  delete(name, offset) { return this.#connection.request('delete', { room: name, offset }); }

  // Typing

  typing(name) {
    const now = this.#world.now();
    if (now - this.#typingSent < TYPING_REPEAT_MS) return;
    if (!this.rooms.get(name)?.live) return;
    this.#typingSent = now;
    this.#connection.tell('typing', { room: name, on: true });
  }

  stopTyping(name) {
    if (!this.#typingSent) return;
    this.#typingSent = 0;
    if (this.rooms.get(name)?.live) this.#connection.tell('typing', { room: name, on: false });
  }

  // From the server

  #receive(m) {
    if (this.#receiveOfMe(m)) return;
    const room = this.rooms.get(m.room);
    if (!room) return;
    switch (m.type) {
      case 'message': return this.#heard(room, m);
      case 'deleted':
      case 'author_detached':
        // They are numbered without gaps, as messages are.
        if (room.live && m.change > room.change + 1) return void this.#connection.lost();
        this.#apply(room, m);
        room.change = Math.max(room.change, m.change ?? 0);
        this.#changed(room.name, 'deleted');
        break;
      case 'member_joined':
      case 'member_left':
      case 'members_changed': return this.#membersMoved(room, m);
      case 'typing': return this.#typed(room, m);
      case 'room_reset': // its history begins anew, and nothing more of it comes before the next join
        room.state = 'known';
        for (const p of room.pending) p.inFlight = false;
        this.join(room.name);
        break;
      case 'room_removed':
        this.#gone(room.name);
        break;
    }
  }

  // What concerns this person and not a room that is known. False: it is something else.
  #receiveOfMe(m) {
    if (m.type === 'authentication_success') {
      if (this.me && this.me.id !== m.user.id) this.forget();
      this.me = m.user;
      this.limits = m.limits;
      this.people.set(m.user.id, m.user.name);
      this.#arrived();
    } else if (m.type === 'invitation') {
      this.invitations.set(m.room, invitationOf(m));
      this.people.set(m.from.id, m.from.name);
      this.#changed(null, 'invitations');
    } else if (m.type === 'declined' && m.id === undefined) {
      this.#answered(m.room);
    } else if (m.type === 'room_added') {
      this.#answered(m.room);
      this.#room(m.room);
      this.join(m.room);
    } else {
      return false;
    }
    return true;
  }

  #heard(room, m) {
    // What is missing before it was lost on the way, as if the line had broken.
    if (room.live && (m.offset > room.offset + 1 || m.epoch !== room.epoch)) return void this.#connection.lost();
    const mine = m.from.id === this.me.id;
    this.#place(room, m);
    if (m.offset > room.offset) Object.assign(room, { offset: m.offset, time: m.time });
    room.typing.delete(m.from.id);
    if (!mine && room.name !== this.current) room.unread += 1;
    while (room.messages.length > KEEP && room.name !== this.current) {
      room.messages.shift();
      room.more = true;
    }
    this.#changed(room.name, mine ? 'own' : 'message');
    if (!mine && room.name !== this.current) this.#changed(null);
  }

  #membersMoved(room, m) {
    if (m.type === 'member_joined') {
      if (!room.members.has(m.user.id)) room.memberCount += 1;
      room.members.set(m.user.id, m.user);
      this.people.set(m.user.id, m.user.name);
    } else if (m.type === 'member_left') {
      if (room.members.delete(m.user.id)) room.memberCount = Math.max(0, room.memberCount - 1);
      room.typing.delete(m.user.id);
    } else {
      room.memberCount = m.member_count;
    }
    this.#changed(room.name, 'people');
  }

  #typed(room, m) {
    if (m.user.id === this.me.id) return;
    if (m.on) {
      const until = this.#world.now() + TYPING_LAPSE_MS;
      room.typing.set(m.user.id, { name: m.user.name ?? this.people.get(m.user.id) ?? 'Somebody', until });
      this.#world.after(TYPING_LAPSE_MS, () => {
        if (room.typing.get(m.user.id)?.until !== until) return;
        room.typing.delete(m.user.id);
        this.#changed(room.name, 'typing');
      });
    } else {
      room.typing.delete(m.user.id);
    }
    this.#changed(room.name, 'typing');
  }

  title(room) { return room.title(this.me); }
}
