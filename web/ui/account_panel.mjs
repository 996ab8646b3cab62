// The account on the screen: a dialog with the sessions, the password and the
// second factor. What one of them asks for takes the place of the whole, with a way
// back; the second factor's steps are in factor_steps.mjs.
import { $, closeDialog, copyButton, fullTimeOf, h, openDialog } from '../lib/dom.mjs';
import { Account } from '../page/account.mjs';
import { factorSection } from './factor_steps.mjs';
import { formRefusal, refusalCard } from './refusal_card.mjs';
import { waitNodes } from './waiting_card.mjs';
import { agoWords, deviceWords } from '../lib/words.mjs';

export class AccountPanel {
  #session;
  #world;
  #acts;              // { signOut(), signOutEverywhere(account), leaveWindow() }
  #account = null;
  #step = null;       // what stands in the place of the whole: a title
  #done = '';         // what was just done, told once

  constructor(session, world, acts) {
    this.#session = session;
    this.#world = world;
    this.#acts = acts;
  }

  get account() { return this.#account; }

  open() {
    this.#step = null;
    this.#done = '';
    this.#account = new Account(this.#session, this.#world, () => { if (!this.#step) this.#draw(); });
    const dialog = openDialog('');
    dialog.className = 'panel';
    dialog.addEventListener('close', () => this.#account.rest(), { once: true });
    this.#draw();
    this.#heading().focus();
    return this.#account.load();
  }

  #heading() { return $('dialog-title'); }

  #bar(title, back) {
    return h('header', { class: 'panel-bar' },
      back ? h('button', { type: 'button', class: 'quiet back', onclick: back }, 'Back') : null,
      h('h2', { id: 'dialog-title', tabindex: '-1' }, title),
      back ? null : h('button', { type: 'button', class: 'quiet', onclick: closeDialog }, 'Close'));
  }

  #draw() {
    const { user } = this.#session;
    if (!user || !$('dialog').open) return;
    const held = document.activeElement?.dataset?.keep ?? (document.activeElement === this.#heading() ? 'title' : '');
    const account = this.#account;
    const slot = h('div', { class: 'slot', role: 'alert' });
    if (account.refusal) {
      const wait = waitNodes({ state: account.retryAt === null ? 'open' : 'away', get until() { return account.retryAt; }, now: () => account.retryNow() });
      if (wait[0]) wait[0].dataset.keep = 'now';
      slot.append(refusalCard(account.refusal, ...wait));
    }
    $('dialog').replaceChildren(...[
      this.#bar(user.name),
      h('p', { class: 'note', role: 'status' }, this.#done),
      slot,
      h('p', { class: 'note' }, 'Your id. Others can find you by name'), h('p', { class: 'copy' }, h('code', {}, user.id), copyButton(user.id)),
      this.#sessions(account, slot),
      account.me ? this.#password() : null,
      account.me && 'second_factor' in account.me ? factorSection(account, (title, make) => this.step(title, make)) : null,
      h('section', {}, h('h3', {}, 'This window'), h('div', { class: 'row' },
        h('button', { type: 'button', class: 'outlined', onclick: () => { closeDialog(); this.#acts.signOut(); } }, 'Sign out'),
        h('button', { type: 'button', onclick: () => { closeDialog(); this.#acts.leaveWindow(); } }, 'Use another account in this window'))),
    ].filter(Boolean));
    if (held === 'title') this.#heading().focus();
    else if (held) ($('dialog').querySelector(`[data-keep="${CSS.escape(held)}"]`) ?? this.#heading()).focus();
  }

  #sessions(account, slot) {
    const list = account.sessions;
    const others = list?.filter((s) => !s.current).length ?? 0;
    const rows = list?.map((s) => {
      const device = deviceWords(s.device);
      const end = h('button', { type: 'button', 'aria-label': `End the session ${device}, ${s.address}`, onclick: () => this.#act(slot, end, () => account.endSession(s.id), `Ended: ${device}.`) }, 'End');
      end.dataset.keep = `end ${s.id}`;
      return h('li', {},
        h('div', { title: s.device },
          h('p', { class: 'device' }, device, s.current ? h('span', { class: 'tag' }, 'This session') : null),
          h('p', { class: 'note figures' }, s.address, ' · last seen ', h('time', { datetime: s.last_seen, title: fullTimeOf(s.lastSeen) }, agoWords(s.lastSeen, new Date(), fullTimeOf))),
          h('p', { class: 'note figures' }, 'since ', h('time', { datetime: s.created }, fullTimeOf(s.created)))),
        s.current ? null : end);
    });
    const elsewhere = h('button', { type: 'button', class: 'outlined', disabled: others === 0, onclick: () => this.#act(slot, elsewhere, () => account.endOthers(), others === 1 ? 'One other session ended.' : `${others} other sessions ended.`) }, 'Sign out everywhere else');
    elsewhere.dataset.keep = 'elsewhere';
    return h('section', { 'aria-labelledby': 'sessions-title' },
      h('h3', { id: 'sessions-title' }, 'Where you are signed in'),
      h('ul', { class: 'sessions' }, rows ?? h('li', { class: 'note' }, account.refusal ? 'Not available at the moment' : 'Loading…')),
      h('div', { class: 'row' }, elsewhere, h('button', { type: 'button', onclick: () => this.#everywhere() }, 'Sign out everywhere')));
  }

  // Does it and draws the whole anew; a refusal stays in the slot.
  async #act(slot, button, act, done) {
    button.disabled = true;
    this.#done = done;
    const { refusal } = await act();
    button.disabled = false;
    if (!refusal) return;
    this.#done = '';
    slot.replaceChildren(refusalCard(refusal));
  }

  #everywhere() {
    this.step('Sign out everywhere?', (show) => show.form({
      intro: 'All sessions of this account end at once, on all devices and in this window. Use this if somebody else may be signed in as you; then change your password.',
      fields: [], submit: 'Sign out everywhere',
      act: async () => ({ refusal: await this.#acts.signOutEverywhere(this.#account), done: () => {} }),
    }));
  }

  #password() {
    return h('section', {}, h('h3', {}, 'Password'), h('p', { class: 'note' }, 'A new password ends all other sessions.'),
      h('div', { class: 'row' }, h('button', { type: 'button', class: 'outlined', onclick: () => this.#change() }, 'Change password')));
  }

  #change() {
    const name = h('input', { type: 'text', class: 'away', autocomplete: 'username', tabindex: '-1', readonly: true, 'aria-hidden': 'true' });
    name.value = this.#session.user.name;
    this.step('Change password', (show) => show.form({
      fields: [name, ...passwordField('old', 'Current password', 'current-password'), ...passwordField('new', 'New password', 'new-password', 'At least 8 characters. A sentence works well.')],
      submit: 'Change password',
      act: async (value) => {
        if (!value('old') || !value('new')) return { missing: value('old') ? 'new' : 'old' };
        const { refusal } = await this.#account.changePassword(value('old'), value('new'));
        return { refusal, field: refusal?.field === 'password' || refusal?.code === 'CREDENTIALS_REJECTED' ? 'old' : 'new', done: () => this.whole('Your password has been changed, and all other sessions have ended.') };
      },
    }));
  }

  // Back to the whole, saying what was done.
  whole(done = '') {
    this.#step = null;
    this.#done = done;
    $('dialog').oncancel = null;
    this.#draw();
    this.#heading().focus();
  }

  // One step in the place of the whole. `make` is given { form, content, whole }.
  step(title, make) {
    this.#step = title;
    const show = {
      whole: (done) => this.whole(done),
      // nodes with a way back; final: the only way out is the one among the nodes
      content: (nodes, { final = false } = {}) => {
        const dialog = $('dialog');
        dialog.replaceChildren(this.#bar(title, final ? () => {} : () => this.whole()), ...nodes);
        if (final) {
          dialog.querySelector('.panel-bar .back').remove();
          dialog.oncancel = (event) => event.preventDefault();
          dialog.onclick = null;
        } else {
          dialog.onclick = (event) => { if (event.target === dialog) closeDialog(); };
        }
        (dialog.querySelector('input:not(.away)') ?? this.#heading()).focus();
      },
      form: (options) => show.content([stepForm(show, options)]),
      retitle: (next) => { title = next; },
    };
    make(show);
  }
}

const passwordField = (name, label, autocomplete, note = '') => [h('p', { class: 'field' },
  h('label', { for: `account-${name}` }, label),
  h('input', { id: `account-${name}`, name, type: 'password', autocomplete, maxlength: '512', 'aria-describedby': `account-${name}-note` }),
  h('span', { class: 'note', id: `account-${name}-note` }, note))];

// act(value, form) → { refusal?, field?, missing?, done? }; done() when nothing was refused
function stepForm(show, { intro, fields, submit, act }) {
  const slot = h('div', { class: 'slot', role: 'alert' });
  const button = h('button', { type: 'submit', class: 'primary' }, submit);
  const form = h('form', { novalidate: true }, intro ? h('p', { class: 'lower' }, intro) : null, fields, slot, h('div', { class: 'row' }, button, h('button', { type: 'button', onclick: () => show.whole() }, 'Cancel')));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    button.disabled = true;
    const { refusal, field, missing, done } = await act((name) => form.elements[name]?.value ?? '', form);
    button.disabled = false;
    slot.replaceChildren(...(refusal ? [formRefusal(refusal)] : []));
    for (const input of form.querySelectorAll('input')) input.removeAttribute('aria-invalid');
    const at = form.elements[missing ?? (refusal ? field : '')];
    if (at) {
      at.setAttribute('aria-invalid', 'true');
      if (refusal) at.closest('.field')?.append(slot); // under the field that it is about
      at.focus();
      at.select();
    }
    if (!refusal && !missing) done?.();
  });
  return form;
}
