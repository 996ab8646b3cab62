// The list of rooms, the people in a room, and the dialogs: open a room, invite,
// write to somebody.
import { $, closeDialog, copyButton, h, openDialog } from '../lib/dom.mjs';
import { KIND_TITLES, kindOf } from '../page/conversation.mjs';
import { isMistake } from '../core/refusal.mjs';
import { formRefusal } from './refusal_card.mjs';

export const hrefOf = (name) => `#${encodeURIComponent(name)}`;

export class Hall {
  #chat;
  #acts; // { go(room name) }
  #entries = new Map(); // name → its row
  #order = '';
  #invited = '[]';

  constructor(chat, acts) {
    this.#chat = chat;
    this.#acts = acts;
    $('new-room').addEventListener('click', () => this.openRoom());
    $('room-more').addEventListener('click', () => this.room(chat.rooms.get(chat.current)));
    $('people-toggle').addEventListener('click', () => this.togglePeople());
    $('people-close').addEventListener('click', () => this.togglePeople(false));
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && !$('people').hidden && !$('dialog').open) this.togglePeople(false);
    });
  }

  // Rows are changed in place, and put anew only when their order changes: a row that
  // is taken away between press and release swallows the click.
  drawRooms() {
    this.#drawInvitations();
    const rooms = [...this.#chat.rooms.values()];
    const groups = ['public', 'private', 'direct', 'own']
      .map((kind) => [kind, rooms.filter((r) => r.kind === kind).sort((a, b) => this.#chat.title(a).localeCompare(this.#chat.title(b)))])
      .filter(([, list]) => list.length > 0);
    const empty = !rooms.some((r) => r.kind !== 'own');
    const order = JSON.stringify([empty, groups.map(([kind, list]) => [kind, list.map((r) => r.name)])]);
    if (order !== this.#order) {
      this.#order = order;
      for (const name of this.#entries.keys()) if (!this.#chat.rooms.has(name)) this.#entries.delete(name);
      const focused = document.activeElement?.closest?.('#rooms a')?.dataset.room;
      const teach = empty ? [h('p', { class: 'note teach' }, 'No rooms yet. A public room is created when somebody opens it: choose “Open a room” and type a name.', h('button', { type: 'button', class: 'outlined', onclick: () => this.#acts.go('tea') }, 'Open “tea”'))] : [];
      $('rooms').replaceChildren(...teach, ...groups.flatMap(([kind, list]) => [
        h('h2', { id: `rooms-${kind}` }, KIND_TITLES[kind]),
        h('ul', { 'aria-labelledby': `rooms-${kind}` }, list.map((r) => h('li', {}, this.#entry(r)))),
      ]));
      if (focused) this.#entries.get(focused)?.focus();
    }
    for (const room of rooms) this.#drawEntry(room, this.#entry(room));
  }

  // Rooms that wait for an answer, above those that this person belongs to. Redrawn only when
  // they change: a button that is taken away between press and release swallows the click.
  #drawInvitations() {
    const all = [...this.#chat.invitations.values()];
    const look = JSON.stringify(all.map(({ room, from }) => [room, from.name]));
    if (look === this.#invited) return;
    this.#invited = look;
    const answer = (label, about, act, style) => {
      const button = h('button', { type: 'button', class: style, 'aria-label': `${label}: ${about}` }, label);
      button.addEventListener('click', async () => {
        button.disabled = true;
        await act(button);
        button.disabled = false;
      });
      return button;
    };
    $('invitations').replaceChildren(...(all.length === 0 ? [] : [
      h('h2', { id: 'invitations-title' }, 'Waiting for your answer'),
      h('ul', { 'aria-labelledby': 'invitations-title' }, all.map((each) => this.#invitation(each, answer))),
    ]));
  }

  #invitation({ room, from }, answer) {
    const direct = kindOf(room) === 'direct';
    const about = direct ? `${from.name} wants to chat with you` : `${from.name} invites you to ${room.replace(/^private:/, '')}`;
    const fault = h('p', { class: 'note', role: 'alert' });
    const tell = ({ refusal }) => { fault.textContent = refusal && !refusal.lost ? refusal.message : ''; };
    const accept = async () => {
      const result = await this.#chat.accept(room);
      tell(result);
      if (!result.refusal) this.#acts.go(room);
    };
    return h('li', { class: 'invitation' }, h('p', {}, about), fault,
      h('div', { class: 'row' }, answer('Accept', about, accept, 'outlined'), answer('Decline', about, async () => tell(await this.#chat.decline(room)), '')));
  }

  #entry(room) {
    let a = this.#entries.get(room.name);
    if (!a) {
      a = h('a', { href: hrefOf(room.name) }, h('span', { class: 'name' }), h('span', { class: 'count' }), h('span', { class: 'away' }, ' unread'), h('span', { class: 'note' }, 'refused'));
      a.dataset.room = room.name;
      this.#entries.set(room.name, a);
    }
    return a;
  }

  #drawEntry(room, a) {
    const [name, count, unread, refused] = a.children;
    const write = (node, text) => { if (node.textContent !== text) node.textContent = text; };
    write(name, this.#chat.title(room));
    write(count, room.unread > 99 ? '99+' : String(room.unread));
    count.hidden = unread.hidden = room.unread === 0;
    refused.hidden = room.state !== 'refused';
    a.className = room.unread ? 'has-unread' : '';
    if (room.name === this.#chat.current) a.setAttribute('aria-current', 'page');
    else a.removeAttribute('aria-current');
  }

  drawPeople(room) {
    const people = [...room.members.values()].sort((a, b) => a.name.localeCompare(b.name));
    // While the line is down the last known answer stays: nothing jumps.
    $('people-toggle').hidden = room.kind === 'own' || room.memberCount === 0;
    $('people-toggle').textContent = `${room.memberCount} here`;
    if ($('people-toggle').hidden) $('people').hidden = true;
    $('people-list').replaceChildren(...people.map((user) => h('li', {},
      user.id === this.#chat.me.id ? `${user.name} (you)` : h('button', { type: 'button', onclick: () => this.person(user) }, user.name))));
    const unseen = room.memberCount - people.length;
    $('people-note').textContent = unseen > 0 ? `and ${unseen} more` : '';
  }

  togglePeople(open = $('people').hidden) {
    const had = $('people').contains(document.activeElement);
    $('people').hidden = !open;
    $('people-toggle').setAttribute('aria-expanded', String(open));
    if (open) {
      this.#chat.refreshPresence(this.#chat.current);
      if (matchMedia('(max-width: 1099px)').matches) $('people-close').focus();
    } else if (had) {
      $('people-toggle').focus();
    }
  }

  // Dialogs. A form whose refusal is shown in it, and which closes when it succeeded.
  #form(title, { intro, fields, submit, act, extra = [] }) {
    const slot = h('div', { class: 'slot', role: 'alert' });
    const button = h('button', { type: 'submit', class: 'primary' }, submit);
    const form = h('form', { method: 'dialog', novalidate: true }, fields, slot, extra, h('div', { class: 'row' }, button, h('button', { type: 'button', onclick: closeDialog }, 'Cancel')));
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      button.disabled = true;
      slot.replaceChildren();
      const { refusal, done } = await act(form);
      button.disabled = false;
      field?.removeAttribute('aria-invalid');
      if (refusal) {
        slot.replaceChildren(formRefusal(refusal));
        if (isMistake(refusal)) field?.setAttribute('aria-invalid', 'true'), field?.focus();
      } else if (done !== false) closeDialog();
    });
    const field = form.querySelector('input:not([type=radio])');
    field?.addEventListener('input', () => { slot.replaceChildren(); field.removeAttribute('aria-invalid'); });
    openDialog(title, intro ? h('p', { class: 'note lower' }, intro) : null, form);
    field?.focus();
  }

  #textField(name, label, note, properties = {}) {
    const id = `dialog-${name}`;
    return h('p', { class: 'field' }, h('label', { for: id }, label), h('input', { id, name, autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', 'aria-describedby': `${id}-note`, ...properties }), h('span', { class: 'note', id: `${id}-note` }, note));
  }

  openRoom() {
    this.#form('Open a room', {
      fields: [
        h('fieldset', { class: 'choice' }, h('legend', { class: 'away' }, 'Kind of room'),
          h('label', {}, h('input', { type: 'radio', name: 'kind', value: 'public', checked: true }), h('span', {}, 'Public')),
          h('label', {}, h('input', { type: 'radio', name: 'kind', value: 'private' }), h('span', {}, 'Private'))),
        this.#textField('room', 'Name', 'Lower-case letters, digits, dot, dash and underscore; at most 64. A public room is created if it does not exist; a private room is for you and the people you invite.', { maxlength: '72' }),
      ],
      submit: 'Open',
      act: async (form) => {
        const kind = form.elements.kind.value;
        const name = form.elements.room.value.trim().toLowerCase();
        if (!name) return { done: false };
        const { refusal, room } = kind === 'private' && !name.startsWith('private:') ? await this.#chat.create(`private:${name}`) : await this.#chat.open(name);
        if (refusal) {
          if (room?.state === 'refused' && room.messages.length === 0) this.#chat.leave(room.name);
          return { refusal };
        }
        this.#acts.go(room.name);
        return {};
      },
    });
  }

  invite(room) {
    const known = [...this.#chat.people].filter(([id]) => id !== this.#chat.me.id && !room.members.has(id));
    this.#form(`Invite to ${this.#chat.title(room)}`, {
      intro: 'They can accept or decline, and see the room only after accepting.',
      fields: this.#textField('user', 'Their name', 'As shown to them at the bottom of the room list.', { list: 'dialog-known' }),
      extra: [h('datalist', { id: 'dialog-known' }, known.map(([, name]) => h('option', { value: name })))],
      submit: 'Invite',
      act: async (form) => {
        const name = form.elements.user.value.trim();
        if (!name) return { done: false };
        const met = known.filter(([, each]) => each === name);
        return this.#chat.invite(room.name, met.length === 1 ? { user: met[0][0] } : { name });
      },
    });
  }

  person(user) {
    const room = this.#chat.rooms.get(this.#chat.current);
    const slot = h('div', { class: 'slot', role: 'alert' });
    const write = h('button', { type: 'button', class: 'primary', onclick: async () => {
      const { refusal, room: direct } = await this.#chat.direct({ user: user.id });
      if (refusal) return slot.replaceChildren(formRefusal(refusal));
      direct.peer = user.name;
      closeDialog();
      this.#acts.go(direct.name);
    } }, `Write to ${user.name}`);
    const expel = room?.kind === 'private' ? h('button', { type: 'button', onclick: async () => {
      const { refusal } = await this.#chat.expel(room.name, user.id);
      if (refusal) slot.replaceChildren(formRefusal(refusal));
      else closeDialog();
    } }, `Remove from ${this.#chat.title(room)}`) : null;
    openDialog(user.name, slot, h('p', { class: 'note' }, 'Id'), h('p', { class: 'copy' }, h('code', {}, user.id), copyButton(user.id)), h('div', { class: 'row' }, [write, expel, h('button', { type: 'button', onclick: closeDialog }, 'Close')].filter(Boolean)));
  }

  room(room) {
    if (!room) return;
    const title = this.#chat.title(room);
    const invite = room.kind === 'private' ? h('button', { type: 'button', class: 'outlined', onclick: () => this.invite(room) }, 'Invite somebody') : null;
    const leave = room.kind === 'own' ? null : h('button', { type: 'button', onclick: async () => {
      closeDialog();
      await this.#chat.leave(room.name); // the page goes elsewhere as soon as the room is gone
    } }, room.kind === 'public' ? `Leave ${title}` : 'Remove from my list');
    openDialog(title, h('p', { class: 'note' }, 'Name of the room'), h('p', { class: 'copy' }, h('code', {}, room.name), copyButton(room.name)),
      h('div', { class: 'row' }, [invite, leave, h('button', { type: 'button', onclick: closeDialog }, 'Close')].filter(Boolean)));
  }

  confirmDelete(room, message) {
    this.#form('Delete this message?', {
      intro: 'It is removed for everybody and cannot be restored.',
      fields: [],
      submit: 'Delete',
      act: () => this.#chat.delete(room.name, message.offset),
    });
  }
}
