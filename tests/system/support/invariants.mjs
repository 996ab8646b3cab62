// What docs/protocol.md promises, watched from outside on every socket of the tests' own
// clients: one content per room, epoch and offset; a listener hears a room in order, without
// a gap or a repeat, unless a close or an honest `recovered:false` follows; `recovered:true` brings
// all that was missed. What breaks is a fault, and fails the test whose server it was
// (`serve` asks at its end). tests/harness/invariants.h is the same for the node in one thread.
const FAULTS = 20;
const histories = new Map(); // by data directory: a server that comes back has the same one

// The body of a message, if it is told here: a client without the feature `data` hears an empty text for data.
const bodyOf = (m) => (m.data === undefined ? m.message || undefined : `data ${JSON.stringify(m.data)}`);

export function invariantsOf(data) {
  if (!histories.has(data)) histories.set(data, new Invariants());
  return histories.get(data);
}

export class Invariants {
  faults = [];
  #truths = new Map();        // room, epoch → Map offset → content
  #seats = new Set();         // of open connections

  connection(name = 'a client') { return new Watched(this, name); }

  // The data of a room is as it was at this offset: what was told beyond it may be told otherwise.
  wentBack(room, to) {
    for (const [key, truth] of this.#truths) {
      if (!key.startsWith(`${room} `)) continue;
      for (const offset of [...truth.keys()]) if (offset > to) truth.delete(offset);
    }
  }

  fault(who, what, heard) {
    if (this.faults.length < FAULTS) this.faults.push(`${who}: ${what}${heard ? `\n  heard ${JSON.stringify(heard).slice(0, 600)}` : ''}`);
  }

  learn(who, room, epoch, offset, content, heard) {
    const key = `${room} ${epoch}`;
    if (!this.#truths.has(key)) this.#truths.set(key, new Map());
    const truth = this.#truths.get(key);
    const known = truth.get(offset);
    if (!known) { truth.set(offset, { ...content }); return; }
    const differ = (a, b) => a !== undefined && b !== undefined && a !== b;
    if (differ(known.author, content.author) || differ(known.time, content.time) || (!known.deleted && !content.deleted && differ(known.text, content.text))) {
      this.fault(who, `offset ${offset} of ${room} in epoch ${epoch} has two contents: ${JSON.stringify(known)}; ${JSON.stringify(content)}`, heard);
    }
    for (const [name, value] of Object.entries(content)) if (known[name] === undefined || name === 'deleted') known[name] = known[name] || value;
  }

  deleted(room, offset) {
    for (const [key, truth] of this.#truths) {
      const known = key.startsWith(`${room} `) ? truth.get(offset) : undefined;
      if (known) known.deleted = true;
    }
  }

  opened(seat) { this.#seats.add(seat); }
  closed(seat) { this.#seats.delete(seat); }

  // At the end of a test: a gap that nothing has made good by now stays one.
  verdict() {
    for (const watched of this.#seats) watched.gaps();
    this.#seats.clear();
    if (this.faults.length) throw new Error(`a promise of the protocol was broken:\n${this.faults.join('\n')}`);
  }
}

class Watched {
  #all;
  #name;
  #rooms = new Map();   // room → { live, epoch, last, gap, gapAfter, joins }
  #chats = new Map();   // id → text

  constructor(all, name) { this.#all = all; this.#name = name; all.opened(this); }

  #seat(room) {
    if (!this.#rooms.has(room)) this.#rooms.set(room, { live: false, epoch: '', last: 0, gap: '', gapAfter: 0, catchingUp: false, joins: [] });
    return this.#rooms.get(room);
  }
  #fault(what, heard) { this.#all.fault(this.#name, what, heard); }

  said(text) {
    let command;
    try { command = JSON.parse(text); } catch { return; }
    if (command === null || typeof command !== 'object') return;
    if (['chat', 'publish'].includes(command.type) && command.id !== undefined) this.#chats.set(command.id, bodyOf(command));
    if (command.type === 'join' && typeof command.room === 'string') this.#seat(command.room).joins.push({ id: command.id, since: command.since });
  }

  heard(m) {
    if (m === null || typeof m !== 'object' || Buffer.isBuffer(m)) return;
    switch (m.type) {
      case 'authentication_success': this.#name = `${m.user?.name} (${m.connection})`; break;
      case 'joined': this.#joined(m); break;
      case 'message': this.#message(m); break;
      case 'history': this.#history(m); break;
      case 'sent':
        this.#all.learn(this.#name, m.room, m.epoch, m.offset, { time: m.time, text: this.#chats.get(m.id) }, m);
        this.#chats.delete(m.id);
        break;
      case 'deleted': this.#all.deleted(m.room, m.offset); break;
      case 'left': case 'room_removed': case 'room_reset': Object.assign(this.#seat(m.room), { live: false, gap: '' }); break;
      case 'error': for (const seat of this.#rooms.values()) if (m.id !== undefined) seat.joins = seat.joins.filter((j) => j.id !== m.id); break;
      default:
    }
  }

  closed() {
    this.#rooms.clear();
    this.#all.closed(this);
  }

  gaps() {
    for (const [room, seat] of this.#rooms) if (seat.live && seat.gap) this.#fault(`a gap in ${room} that nothing made good: ${seat.gap}`);
  }

  #know(row, heard) {
    const content = { author: row.from?.id, time: row.time, deleted: row.deleted === true };
    if (!content.deleted && !row.too_large) content.text = bodyOf(row);
    this.#all.learn(this.#name, row.room, row.epoch, row.offset, content, heard);
  }

  #message(m) {
    const seat = this.#seat(m.room);
    this.#know(m, m);
    if (!seat.live) return this.#fault('a message of a room that it is not in', m);
    if (m.epoch !== seat.epoch) return this.#fault(`a message of another epoch than ${seat.epoch}, in which it joined`, m);
    if (m.offset <= seat.last) return this.#fault(`a message that it has: it is at ${seat.last}`, m);
    if (m.offset > seat.last + 1 && !seat.gap) Object.assign(seat, { gap: `${m.offset} came behind ${seat.last}`, gapAfter: seat.last });
    seat.last = m.offset;
    return undefined;
  }

  #joined(m) {
    const seat = this.#seat(m.room);
    const at = seat.joins.findIndex((j) => j.id === m.id);
    const [join] = at < 0 ? [] : seat.joins.splice(at, 1);
    const byServer = m.by === 'server' && m.id === undefined;
    if (!join !== byServer) this.#fault('an answer to a join that it did not ask', m);
    for (const row of m.messages) this.#know(row, m);
    // Of a join by the server: the position that the application gave.
    const since = byServer ? { epoch: m.epoch, offset: (m.messages[0]?.offset ?? m.offset + 1) - 1 } : join?.since;
    if (m.recovered) {
      if (since?.epoch !== m.epoch) this.#fault('recovered:true to a client that showed no position of this epoch', m);
      else {
        const expected = m.more ? m.messages.length : m.offset - since.offset;
        const whole = m.messages.length === expected && m.messages.every((row, i) => row.offset === since.offset + 1 + i);
        if (!whole) this.#fault(`recovered:true without all that was missed since ${since.offset}`, m);
      }
    }
    if (!m.recovered || (since && since.offset <= seat.gapAfter)) seat.gap = '';
    Object.assign(seat, { live: true, epoch: m.epoch, last: m.offset, catchingUp: m.recovered && m.more === true });
    if (seat.catchingUp) seat.last = m.messages.at(-1)?.offset ?? since.offset;
  }

  #history(m) {
    const seat = this.#seat(m.room);
    let before = 0;
    for (const row of m.messages) {
      if (row.offset <= before) this.#fault('a history that is not in order', m);
      before = row.offset;
      this.#know(row, m);
      if (seat.catchingUp && row.offset === seat.last + 1) seat.last += 1;
    }
  }
}
