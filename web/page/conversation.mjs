// One conversation as this window shows it: the room of the client (where it stands, who is in it), its messages here, what was
// written but not yet stored, and what was not read yet. No DOM.

export { kindOf } from '../core/room.mjs';

export const KIND_TITLES = { public: 'Public', private: 'Private', direct: 'Direct', own: 'Only you' };

export class Conversation {
  constructor(room) {
    this.room = room;
    this.messages = [];       // ascending by offset
    this.more = false;        // older ones are on the server
    this.loadingOlder = false;
    this.pending = [];        // { key, text, state: sending | failed, refusal, inFlight, since }
    this.unread = 0;
  }

  get name() { return this.room.name; }
  get kind() { return this.room.kind; }
  get state() { return this.room.state; }
  get live() { return this.room.joined; }
  get refusal() { return this.room.error?.refusal ?? null; }
  get epoch() { return this.room.epoch; }
  get offset() { return this.room.offset; }
  get change() { return this.room.change; }
  get durable() { return this.room.durable; }
  get members() { return this.room.members; }
  get memberCount() { return this.room.memberCount; }
  get typing() { return this.room.typing; }

  // What it is called on the screen of `me`.
  title(me) {
    if (this.kind === 'own') return 'Notes to yourself';
    if (this.kind === 'private') return this.name.replace(/^private:/, '');
    if (this.kind === 'direct') {
      const others = [...this.members.values(), ...this.messages.map((m) => m.from)].filter((u) => u && u.id !== me?.id);
      if (others.length) this.peer = others[0].name;
      return this.peer ?? 'Direct conversation';
    }
    return this.name;
  }
}
