// What this person sees of the conversations: messages, who is here, who types, what was
// written but not yet acknowledged, and what waits for an answer. No DOM; it listens to the
// client, which keeps the rooms in step with the server, and tells its listeners which
// conversation changed.
//
// A message of ours is in `pending` from the key press until it is stored.
import { Conversation } from './conversation.mjs';

const PAGE = 50;             // messages in one step of history
const KEEP = 2_000;          // messages of a room held in memory

const invitationOf = ({ room, from, expires_at: expiresAt }) => ({ room, from, expiresAt });

// What a program published is shown as it is written in JSON.
const textOf = (m) => ('data' in m ? JSON.stringify(m.data) : m.message);

// { answer } or { refusal }
const settled = (asked) => asked.then((answer) => ({ answer }), (error) => ({ refusal: error.refusal }));

export class Chat {
  me = null;
  limits = null;
  rooms = new Map();    // name → Conversation
  current = '';         // the room on the screen
  people = new Map();   // id → name, everybody seen
  invitations = new Map(); // room → { room, from, expiresAt }: rooms that wait for this person's answer

  #client;
  #world;               // now(), newKey(), remembered() → [names], remember([names])
  #listeners = [];

  constructor(client, world) {
    this.#client = client;
    this.#world = world;
    client.on('online', (m) => this.#welcomed(m));
    client.on('invitation', (m) => this.#invited(m));
    client.on('declined', (m) => this.#answered(m.room));
    client.on('room_added', (m) => {
      this.#answered(m.room);
      this.#conversation(m.room);
      this.join(m.room);
    });
    // A room that the server put us into is there before anything of it is heard.
    client.on('room', (room) => { if (!this.rooms.has(room.name)) this.rooms.set(room.name, new Conversation(room)); });
    this.#followRooms();
  }

  // What happens in the rooms of the client, for those that are conversations here.
  #followRooms() {
    const on = (type, act) => this.#client.on(type, (value, room, how) => {
      const conversation = this.rooms.get(room.name);
      if (conversation?.room === room) act(conversation, value, how);
    });
    on('room_state', (conversation, state) => {
      if (state === 'removed') this.#gone(conversation.name);
      else if (state !== 'left' && state !== 'joined') this.#changed(conversation.name, 'state');
    });
    on('history', (conversation, { messages, more }) => {
      Object.assign(conversation, { messages: [], more });
      for (const m of messages) this.#place(conversation, m);
    });
    on('joined', (conversation) => this.#joined(conversation));
    on('message', (conversation, m, { recovered }) => this.#heard(conversation, m, recovered));
    for (const type of ['deleted', 'author_detached']) {
      on(type, (conversation, change) => {
        this.#apply(conversation, change);
        this.#changed(conversation.name, 'deleted');
      });
    }
    on('members', (conversation, { joined }) => {
      if (joined) this.people.set(joined.id, joined.name);
      this.#changed(conversation.name, 'people');
    });
    on('typing', (conversation) => this.#changed(conversation.name, 'typing'));
  }

  // listener(room name | null, what): null is the list of rooms; what is 'gone' when a room left the list
  onChange(listener) { this.#listeners.push(listener); }
  #changed(name, what = '') { for (const listener of this.#listeners) listener(name, what); }

  forget() {
    this.me = null;
    this.rooms.clear();
    this.people.clear();
    this.invitations.clear();
    this.current = '';
    this.#client.forget();
    this.#changed(null);
  }

  // Rooms

  #known(name) {
    if (!this.rooms.has(name)) this.#client.room(name); // brings its conversation
    return this.rooms.get(name);
  }

  #conversation(name) {
    const isNew = !this.rooms.has(name);
    const conversation = this.#known(name);
    if (isNew) this.#changed(null);
    return conversation;
  }

  async #welcomed(m) {
    if (this.me && this.me.id !== m.user.id) this.forget();
    this.me = m.user;
    this.limits = m.limits;
    this.people.set(m.user.id, m.user.name);
    if (this.rooms.has(this.current)) this.join(this.current); // before the others
    // Listeners hear of the list when it is complete, so that the page chooses a room once.
    const { answer: rows } = await settled(this.#client.list());
    if (!rows || this.me !== m.user) return;
    for (const row of rows) this.#known(row.room);
    for (const name of this.#world.remembered(this.me.id)) this.#known(name);
    this.#known(`user:${this.me.id}`);
    this.#changed(null);
    this.#askForInvitations();
    // The room on the screen first.
    const names = [...this.rooms.keys()].sort((a, b) => (b === this.current) - (a === this.current));
    for (const name of names.slice(0, this.limits?.rooms ?? names.length)) this.join(name);
  }

  // Resolves when it is joined or refused, or the connection is lost.
  async join(name) {
    const conversation = this.#conversation(name);
    const { room } = conversation;
    room.limit = PAGE;
    await room.enter();
    return conversation;
  }

  #joined(conversation) {
    for (const user of conversation.members.values()) this.people.set(user.id, user.name);
    this.#remember();
    this.#changed(conversation.name, 'joined');
    this.#changed(null);
    for (const p of conversation.pending) if (p.state === 'sending') this.#send(conversation, p);
  }

  // A room that this person opens by name; a private one is created if it is not there.
  async open(name) {
    const conversation = this.rooms.get(name);
    if (conversation?.live) return { room: conversation };
    const joined = await this.join(name);
    return joined.state === 'refused' ? { refusal: joined.refusal, room: joined } : { room: joined };
  }

  async create(name) {
    const { refusal, answer } = await this.#client.ask('create', { room: name });
    if (refusal) return { refusal };
    return this.open(answer.room);
  }

  // who: { user: id } or { name }
  async direct(who) {
    const { refusal, answer } = await this.#client.ask('direct', who);
    if (refusal) return { refusal };
    return this.open(answer.room);
  }

  // who: { user: id } or { name }
  invite(name, who) { return this.#client.ask('invite', { room: name, ...who }); }

  #invited(m) {
    this.invitations.set(m.room, invitationOf(m));
    this.people.set(m.from.id, m.from.name);
    this.#changed(null, 'invitations');
  }

  async #askForInvitations() {
    const { answer } = await this.#client.ask('invitations');
    if (!answer) return;
    this.invitations = new Map(answer.invitations.map((each) => [each.room, invitationOf(each)]));
    for (const { from } of this.invitations.values()) this.people.set(from.id, from.name);
    this.#changed(null, 'invitations');
  }

  #answered(room) {
    if (this.invitations.delete(room)) this.#changed(null, 'invitations');
  }

  async accept(name) {
    const { refusal, answer } = await this.#client.ask('accept', { room: name });
    if (refusal && refusal.code !== 'NO_INVITATION') return { refusal };
    const from = this.invitations.get(name)?.from;
    this.#answered(name);
    if (refusal) return { refusal };
    const conversation = this.#conversation(answer.room);
    if (conversation.kind === 'direct') conversation.peer ??= from?.name;
    return this.open(answer.room);
  }

  async decline(name) {
    const { refusal } = await this.#client.ask('decline', { room: name });
    if (!refusal || refusal.code === 'NO_INVITATION') this.#answered(name);
    return { refusal };
  }

  expel(name, user) { return this.#client.ask('remove', { room: name, user }); }

  async leave(name) {
    const conversation = this.rooms.get(name);
    if (!conversation) return {};
    const { refusal } = await settled(conversation.room.leave());
    if (refusal) return { refusal };
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
    const conversation = this.rooms.get(name);
    if (conversation?.unread) {
      conversation.unread = 0;
      this.#changed(null);
    }
  }

  async older(name) {
    const conversation = this.rooms.get(name);
    if (!conversation || !conversation.more || conversation.loadingOlder || !conversation.live) return;
    conversation.loadingOlder = true;
    this.#changed(name, 'older');
    const before = conversation.messages[0]?.offset ?? conversation.offset + 1;
    const { answer } = await settled(conversation.room.history({ before, limit: PAGE }));
    conversation.loadingOlder = false;
    if (answer && answer.epoch === conversation.epoch) {
      conversation.more = answer.more && answer.messages.length > 0;
      for (const m of answer.messages) this.#place(conversation, m);
    }
    this.#changed(name, 'older');
  }

  async refreshPresence(name) {
    const conversation = this.rooms.get(name);
    if (!conversation?.live) return;
    const { answer } = await settled(conversation.room.presence());
    for (const user of answer?.members ?? []) this.people.set(user.id, user.name);
  }

  // Messages

  // What happened to messages that are here already.
  #apply(conversation, change) {
    if (change.type === 'deleted') {
      const message = conversation.messages.find((each) => each.offset === change.offset);
      if (message) Object.assign(message, { deleted: true, text: '' });
    } else if (change.type === 'author_detached') {
      this.people.set(change.user.id, change.user.name);
      for (const message of conversation.messages) {
        if (message.from.id !== change.user.id) continue;
        message.from = { ...message.from, name: change.user.name };
        if (change.erased) Object.assign(message, { deleted: true, text: '' });
      }
    }
  }

  // Puts a message at its offset; one that is there already is replaced.
  #place(conversation, m) {
    const list = conversation.messages;
    let at = list.length;
    while (at > 0 && list[at - 1].offset >= m.offset) at -= 1;
    const message = { offset: m.offset, from: m.from, text: m.deleted ? '' : textOf(m), time: m.time, deleted: m.deleted === true };
    if (list[at]?.offset === m.offset) list[at] = message;
    else list.splice(at, 0, message);
    if (m.from) this.people.set(m.from.id, m.from.name);
    if (m.key && m.from.id === this.me.id) this.#settle(conversation, m.key);
  }

  #settle(conversation, key) { conversation.pending = conversation.pending.filter((p) => p.key !== key); }

  say(name, text) {
    const conversation = this.#conversation(name);
    const p = { key: this.#world.newKey(), text, state: 'sending', refusal: null, inFlight: false, since: this.#world.now() };
    conversation.pending.push(p);
    this.#changed(name, 'mine');
    this.#send(conversation, p);
    return p;
  }

  async #send(conversation, p) {
    if (p.inFlight) return;
    p.inFlight = true;
    const { answer, refusal } = await settled(conversation.room.publish(p.text, { key: p.key }));
    p.inFlight = false;
    if (!conversation.pending.includes(p)) return; // our own `message` came first
    if (answer) {
      this.#place(conversation, { offset: answer.offset, from: this.me, message: p.text, time: answer.time });
      this.#settle(conversation, p.key);
      this.#changed(conversation.name, 'sent');
    } else if (!this.#client.over) {
      p.state = 'failed';
      p.refusal = refusal;
      this.#changed(conversation.name, 'failed');
    } // else the session is over: it goes again with the next one
  }

  retry(name, key) {
    const conversation = this.rooms.get(name);
    const p = conversation?.pending.find((each) => each.key === key);
    if (!p) return;
    Object.assign(p, { state: 'sending', refusal: null });
    this.#changed(name, 'mine');
    this.#send(conversation, p);
  }

  discard(name, key) {
    const conversation = this.rooms.get(name);
    if (!conversation) return '';
    const p = conversation.pending.find((each) => each.key === key);
    this.#settle(conversation, key);
    this.#changed(name, 'mine');
    return p?.text ?? '';
  }

  delete(name, offset) { return this.#client.ask('delete', { room: name, offset }); }

  // At every key press in the field of a conversation.
  typing(name) { this.rooms.get(name)?.room.type(true); }

  #heard(conversation, m, recovered) {
    const mine = m.from.id === this.me.id;
    this.#place(conversation, m);
    const elsewhere = !mine && conversation.name !== this.current;
    if (elsewhere) conversation.unread += 1;
    if (recovered) return; // drawn when all of them are here
    while (conversation.messages.length > KEEP && conversation.name !== this.current) {
      conversation.messages.shift();
      conversation.more = true;
    }
    this.#changed(conversation.name, mine ? 'own' : 'message');
    if (elsewhere) this.#changed(null);
  }

  title(conversation) { return conversation.title(this.me); }
}
