// One room on the screen: its messages, its strip (who types, what the line does)
// and the field to write in. Rows are kept and changed in place, so that nothing
// jumps: a reader who has scrolled up stays where they are.
import { $, dayOf, fullTimeOf, h, timeOf } from '../lib/dom.mjs';
import { refusalCard } from './refusal_card.mjs';

const NEAR_BOTTOM = 80;       // px: nearer than this is "at the newest"
const GROUP_MS = 5 * 60_000;  // one name over messages that follow each other so closely

export class RoomView {
  #chat;
  #connection;
  #acts;              // { person(user), invite(room) }
  #room = null;
  #rows = new Map();  // offset or key → node
  #drafts = new Map();
  #below = 0;         // messages that came while the reader was above
  #atBottom = true;
  #newSince = 0;      // offset after which messages are new to this reader
  #ticking = null;

  constructor(chat, connection, acts) {
    this.#chat = chat;
    this.#connection = connection;
    this.#acts = acts;
    const scroll = $('scroll');
    scroll.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => { if (this.#atBottom) this.#toBottom(); }).observe(scroll);
    $('to-newest').addEventListener('click', () => { this.#toBottom(); $('compose').focus(); });
    const compose = $('compose');
    compose.addEventListener('input', () => {
      this.#fit();
      this.#note();
      if (compose.value.trim() && this.#room) chat.typing(this.#room.name);
    });
    compose.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.#say();
      }
    });
    $('compose-form').addEventListener('submit', (event) => { event.preventDefault(); this.#say(); });
  }

  show(room) {
    if (this.#room) this.#drafts.set(this.#room.name, $('compose').value);
    this.#room = room;
    this.#rows.clear();
    this.#below = 0;
    this.#newSince = room.unread ? (room.messages.at(-room.unread)?.offset ?? 0) : 0;
    this.#chat.show(room.name);
    $('messages').replaceChildren();
    $('compose').value = this.#drafts.get(room.name) ?? '';
    this.#fit();
    this.#atBottom = true;
    this.update();
    this.#toBottom();
    if (matchMedia('(hover: hover)').matches) $('compose').focus();
    else $('room-title').focus();
  }

  clear() { this.#room = null; }

  changed(what) {
    if (!this.#room) return;
    if (what === 'message' && !this.#atBottom) this.#below += 1;
    if (what === 'mine') this.#atBottom = true;
    if (what === 'typing') return this.#strip();
    this.update();
    if (what === 'message') {
      const last = this.#room.messages.at(-1);
      if (last && last.from.id !== this.#chat.me.id) $('said').textContent = `${last.from.name}: ${last.text}`;
    }
  }

  // Heading, messages, empty state, strip: all of it from the model.
  update() {
    const room = this.#room;
    if (!room) return;
    const chat = this.#chat;
    $('room-title').textContent = chat.title(room);
    document.title = `${chat.title(room)} · Foyer`;
    $('room-kind').textContent = this.#about(room);
    $('compose').setAttribute('placeholder', `Message ${chat.title(room)}`);
    this.#refused(room);

    const scroll = $('scroll');
    const fromBottom = scroll.scrollHeight - scroll.scrollTop;
    const firstBefore = $('messages').firstElementChild;
    this.#draw(room);
    const prepended = firstBefore && $('messages').firstElementChild !== firstBefore && firstBefore.isConnected;
    if (this.#atBottom) this.#toBottom();
    else if (prepended) scroll.scrollTop = scroll.scrollHeight - fromBottom;

    $('older').replaceChildren(...(room.loadingOlder ? ['Loading older messages…'] : room.more ? [h('button', { type: 'button', class: 'link', onclick: () => chat.older(room.name) }, 'Load older messages')] : []));
    this.#empty(room);
    this.#newest();
    this.#strip();
    this.#note();
    if (room.more && scroll.scrollHeight <= scroll.clientHeight + 1) chat.older(room.name);
  }

  #about(room) {
    const words = { public: 'Public, open to everybody on this server', private: 'Private, by invitation', direct: 'Between the two of you', own: 'Only you can see this' }[room.kind];
    return room.durable ? words : `${words} · lost when the server restarts`;
  }

  #refused(room) {
    const slot = $('room-refusal');
    if (room.state !== 'refused') return void slot.replaceChildren();
    if (slot.dataset.ref === room.refusal.ref && slot.firstChild) return;
    slot.dataset.ref = room.refusal.ref;
    const again = h('button', { type: 'button', class: 'outlined', onclick: () => this.#chat.join(room.name) }, 'Try again');
    const drop = h('button', { type: 'button', onclick: () => this.#chat.leave(room.name) }, 'Remove from my list');
    slot.replaceChildren(refusalCard(room.refusal, again, drop));
  }

  #draw(room) {
    const list = $('messages');
    const wanted = [];
    let before = null;
    for (const m of room.messages) {
      const at = new Date(m.time);
      const newDay = !before || dayOf(at) !== dayOf(new Date(before.time));
      if (newDay) wanted.push(this.#kept(`day ${at.toDateString()}`, () => h('li', { class: 'day' }, dayOf(at))));
      const first = newDay || before.from.id !== m.from.id || at - new Date(before.time) > GROUP_MS;
      wanted.push(this.#message(room, m, first));
      before = m;
    }
    for (const p of room.pending) {
      const first = !before || before.from?.id !== this.#chat.me.id || p.since - new Date(before.time) > GROUP_MS;
      wanted.push(this.#pending(room, p, first));
      before = { from: this.#chat.me, time: new Date(p.since).toISOString() };
    }
    // The order is nearly always right already; move only what is not.
    let cursor = list.firstElementChild;
    const keep = new Set(wanted);
    for (const [key, node] of this.#rows) if (!keep.has(node)) this.#rows.delete(key);
    for (const node of wanted) {
      while (cursor && !keep.has(cursor)) {
        const next = cursor.nextElementSibling;
        cursor.remove();
        cursor = next;
      }
      if (cursor === node) cursor = cursor.nextElementSibling;
      else list.insertBefore(node, cursor);
    }
    while (cursor) {
      const next = cursor.nextElementSibling;
      cursor.remove();
      cursor = next;
    }
  }

  #kept(key, make) {
    let node = this.#rows.get(key);
    if (!node) this.#rows.set(key, node = make());
    return node;
  }

  #message(room, m, first) {
    const mine = m.from.id === this.#chat.me.id;
    const node = this.#kept(m.offset, () => h('li', {}));
    const look = `${first}|${m.deleted}|${m.from.name}`;
    if (node.dataset.look === look) return node;
    node.dataset.look = look;
    const at = new Date(m.time);
    node.className = `message${first ? ' first' : ''}${m.deleted ? ' gone' : ''}${this.#newSince && m.offset === this.#newSince ? ' new-line' : ''}`;
    node.replaceChildren(
      h('time', { class: 'at', datetime: m.time, title: fullTimeOf(at) }, timeOf(at)),
      first ? h('p', { class: 'who' }, mine ? `${m.from.name} (you)` : h('button', { type: 'button', onclick: () => this.#acts.person(m.from) }, m.from.name)) : h('span', { class: 'away' }, mine ? 'You: ' : `${m.from.name}: `),
      h('p', { class: 'text' }, m.deleted ? 'Deleted' : m.text),
      ...(mine && !m.deleted ? [h('p', { class: 'tools' }, h('button', { type: 'button', class: 'link', 'aria-label': `Delete your message of ${timeOf(at)}`, onclick: () => this.#acts.delete(room, m) }, 'Delete'))] : []));
    return node;
  }

  #pending(room, p, first) {
    const node = this.#kept(p.key, () => h('li', {}));
    const online = this.#connection.phase === 'online';
    const look = `${first}|${p.state}|${online}`;
    if (node.dataset.look === look) return node;
    node.dataset.look = look;
    node.className = `message sending${first ? ' first' : ''}`;
    const retry = h('button', { type: 'button', class: 'outlined', onclick: () => this.#chat.retry(room.name, p.key) }, 'Send again');
    const drop = h('button', { type: 'button', onclick: () => {
      const text = this.#chat.discard(room.name, p.key);
      if (!$('compose').value) $('compose').value = text;
      this.#fit();
      $('compose').focus();
    } }, 'Discard');
    node.replaceChildren(...[
      h('time', { class: 'at' }, timeOf(new Date(p.since))),
      first ? h('p', { class: 'who' }, `${this.#chat.me.name} (you)`) : null,
      h('p', { class: 'text' }, p.text),
      p.state === 'failed' ? refusalCard(p.refusal, retry, drop) : h('p', { class: 'mark' }, online ? 'Sending…' : 'Waiting for the connection'),
    ].filter(Boolean));
    return node;
  }

  #empty(room) {
    const slot = $('empty');
    if (room.messages.length || room.pending.length || room.state !== 'joined') return void slot.replaceChildren();
    const title = this.#chat.title(room);
    const invite = h('button', { type: 'button', class: 'outlined', onclick: () => this.#acts.invite(room) }, 'Invite somebody');
    const texts = {
      public: ['No messages yet', `Everybody with an account on this server can join: they open a room and type “${room.name}”. Write the first message below.`],
      private: ['This room is empty', `Nobody else can see ${title} until you invite them and they accept.`, invite],
      direct: ['A direct conversation', 'Only the two of you can read what you write here.'],
      own: ['Notes to yourself', 'Nobody else can read or enter this room. You see it on every device where you log in.'],
    }[room.kind];
    if (slot.dataset.for === room.name && slot.firstChild) return;
    slot.dataset.for = room.name;
    slot.replaceChildren(h('h2', {}, texts[0]), h('p', {}, texts[1]), ...(texts[2] ? [h('div', { class: 'actions' }, texts[2])] : []));
  }

  // How long the text is, or who types; page.mjs writes here while there is no connection.
  #strip() {
    const strip = $('strip');
    const { phase } = this.#connection;
    if (phase !== 'online' || !this.#room) return; // page.mjs writes the line here
    const names = [...this.#room.typing.values()].map((t) => t.name);
    const text = this.#lengthWords() || (names.length === 0 ? '' : names.length === 1 ? `${names[0]} is typing` : names.length === 2 ? `${names[0]} and ${names[1]} are typing` : 'Several people are typing');
    if (strip.textContent !== text) strip.textContent = text;
  }

  #bytesLeft() { return (this.#chat.limits?.text_bytes ?? 16_384) - new TextEncoder().encode($('compose').value).length; }

  // The length of the text, when it comes near the limit.
  #lengthWords() {
    const left = this.#bytesLeft();
    if (left < 0) return `${-left} bytes too long for one message`;
    return left < (this.#chat.limits?.text_bytes ?? 16_384) * 0.1 ? `${left} bytes left` : '';
  }

  #note() {
    $('send').disabled = this.#bytesLeft() < 0 || $('compose').value.trim() === '';
    this.#strip();
  }

  #say() {
    const compose = $('compose');
    const text = compose.value.trim();
    if (!text || !this.#room || $('send').disabled) return;
    compose.value = '';
    this.#newSince = 0;
    this.#fit();
    this.#chat.say(this.#room.name, text);
    this.#note();
    compose.focus();
  }

  #fit() {
    const compose = $('compose');
    compose.rows = 1;
    const line = parseFloat(getComputedStyle(compose).lineHeight) || 24;
    compose.rows = Math.max(1, Math.min(10, Math.floor((compose.scrollHeight - 18) / line)));
  }

  #scrolled() {
    const scroll = $('scroll');
    this.#atBottom = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_BOTTOM;
    if (this.#atBottom) this.#below = 0;
    this.#newest();
    if (scroll.scrollTop < 400 && this.#room?.more) this.#chat.older(this.#room.name);
  }

  #newest() {
    const button = $('to-newest');
    button.hidden = this.#atBottom || this.#below === 0;
    if (!button.hidden) button.textContent = this.#below === 1 ? '1 new message below' : `${this.#below} new messages below`;
  }

  #toBottom() {
    const scroll = $('scroll');
    scroll.scrollTop = scroll.scrollHeight;
    this.#atBottom = true;
    this.#below = 0;
    this.#newest();
  }
}
