// One conversation as this window knows it: where it stands, its messages, and who is in it. No DOM, no connection.

export const KIND_TITLES = { public: 'Public', private: 'Private', direct: 'Direct', own: 'Only you' };

export function kindOf(name) {
  if (name.startsWith('private:')) return 'private';
  if (name.startsWith('direct:')) return 'direct';
  if (name.startsWith('user:')) return 'own';
  return 'public';
}

export class Room {
  constructor(name, kind) {
    this.name = name;
    this.kind = kind ?? kindOf(name);
    this.state = 'known';     // known → joining → joined; or `refused`, with `refusal`
    this.refusal = null;
    this.epoch = '';
    this.offset = 0;          // the last one seen
    this.change = 0;          // the number of the last change that was heard of
    this.time = '';           // of the message at that offset, as the server wrote it
    this.durable = true;
    this.messages = [];       // ascending by offset
    this.more = false;        // older ones are on the server
    this.loadingOlder = false;
    this.pending = [];        // { key, text, state: sending | failed, refusal, tries }
    this.members = new Map(); // id → user; of those who are here
    this.memberCount = 0;
    this.typing = new Map();  // id → { name, until }
    this.unread = 0;
  }

  get live() { return this.state === 'joined'; }

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
