// Before login: the form, and what can be known of the server from outside.
import { Again } from '../core/again.mjs';
import { CodeField } from './code_field.mjs';
import { $, h } from '../lib/dom.mjs';
import { call } from '../page/http.mjs';
import { Login, invitationIn } from '../page/login.mjs';
import { isMistake } from '../core/refusal.mjs';
import { drawRefusal } from './waiting_card.mjs';

// Which field a refusal is about, so that it is told beside it.
const FIELD_OF = {
  NAME_TAKEN: 'name', NAME_INVALID: 'name', NAME_RESERVED: 'name',
  PASSWORD_TOO_SHORT: 'password', PASSWORD_TOO_LONG: 'password', PASSWORD_COMMON: 'password', PASSWORD_CHARACTER: 'password',
  INVITATION_REJECTED: 'invitation', CREDENTIALS_REJECTED: 'password', TOTP_REJECTED: 'code',
};
const FIELDS = ['name', 'password', 'invitation', 'code'];
const fieldOf = (r) => FIELD_OF[r.code] ?? (/^(NAME|PASSWORD|INVITATION|TOTP)_/.exec(r.code)?.[1].toLowerCase().replace('totp', 'code'));

// What a visitor needs to know of the server's health: nothing while it is well.
export const troubleWords = (body, refusal) => {
  if (body) return { ok: '', degraded: 'Some parts of this server are not working at the moment.' }[body.status] ?? 'This server is not working at the moment.';
  return refusal.heard === 'foyer' ? 'This server is not working at the moment.' : refusal.message;
};

export class Arrival {
  #session;
  #entered;
  #polling = null;
  #login;
  #code = new CodeField('entry-code');
  #again;              // for what is asked without the form: the cookie, a sign-out
  #step = 'password';

  constructor(session, world, entered) {
    this.#session = session;
    this.#entered = entered;
    this.#again = new Again(world);
    this.#login = new Login((kind, entry) => session.begin(kind, entry), world, { changed: () => this.#draw(), done: () => this.#done() });
    $('entry-second').append(this.#code.node);
    $('entry').addEventListener('submit', (event) => { event.preventDefault(); this.#submit(); });
    $('entry-choice').addEventListener('change', () => { this.#login.reset(); this.#choose(); });
    $('entry-back').addEventListener('click', () => { this.#login.reset(); $('entry-password').focus(); });
    for (const name of ['name', 'password', 'invitation']) $(`entry-${name}`).addEventListener('input', () => { this.#fault(name, ''); $(`entry-${name}-mistake`).replaceChildren(); });
    $('elsewhere').addEventListener('submit', (event) => { event.preventDefault(); this.#useToken(); });
    $('server-address').textContent = location.origin;
  }

  // Accounts are elsewhere (identity = external): the page names the place, and takes a token.
  #useToken() {
    const field = $('elsewhere-token');
    const refusal = this.#session.beginWithToken(field.value.trim());
    drawRefusal($('elsewhere-mistake'), refusal, {});
    if (refusal) return field.focus();
    field.value = '';
    this.#entered();
  }

  #sendElsewhere({ identity, sign_in_url: url }) {
    const external = identity === 'external';
    $('entry').hidden = external;
    $('elsewhere').hidden = !external;
    $('elsewhere-link').hidden = !/^https?:/.test(url ?? '');
    if (!$('elsewhere-link').hidden) $('elsewhere-link').href = url;
  }

  get #kind() { return $('entry').elements.kind.value; }

  // retry: what is asked again by itself, while the refusal is one that passes
  show(refusal, retry = null) {
    document.title = 'Foyer';
    $('arrival').hidden = false;
    this.#login.reset();
    this.#again.stop();
    if (retry) this.#again.later(refusal, retry);
    this.#said(refusal, retry ? this.#waits : {});
    if (refusal?.endedFor) $('entry-name').value = refusal.endedFor.name;
    $('entry-password').value = '';
    const invitation = this.#takeInvitation();
    $('entry').elements.kind.value = invitation ? 'register' : 'login';
    if (invitation) $('entry-invitation').value = invitation;
    this.#choose();
    this.#noteOwner();
    const empty = $('entry-name').value === '' ? $('entry-name') : $('entry-password');
    if (matchMedia('(hover: hover)').matches) empty.focus();
    this.#ask();
  }

  // Out of a link, /#invitation=CODE. It is in the address only until it stands in the form.
  #takeInvitation() {
    const code = invitationIn(location.hash);
    if (code) history.replaceState(null, '', location.pathname);
    return code;
  }

  hide() {
    $('arrival').hidden = true;
    clearTimeout(this.#polling);
    this.#again.stop();
  }

  // A sign-out that the server has not heard of yet ({ refusal, again } or null).
  unheard(told) {
    if (!told) {
      this.#again.stop();
      return this.#said(null, {});
    }
    const { refusal, again } = told;
    this.#again.later(refusal, async () => this.unheard(await again()));
    this.#said({ ...refusal, message: `You are signed out in this window, but the server has not confirmed it yet. ${refusal.message}` }, this.#waits);
  }

  // What is asked again without the form, as a card reads it.
  get #waits() {
    const again = this.#again;
    return { state: 'away', get until() { return again.at; }, now: () => again.now() };
  }

  tell(text) {
    this.#said(null, {});
    $('arrival-refusal').replaceChildren(h('p', { class: 'told' }, text));
  }

  // A mistake stands under its field, anything else above the form.
  #said(refusal, wait, ...actions) {
    const field = refusal && isMistake(refusal) ? fieldOf(refusal) : undefined;
    drawRefusal($('arrival-refusal'), field ? null : refusal, wait, ...actions);
    for (const each of FIELDS) drawRefusal($(`entry-${each}-mistake`), each === field ? refusal : null, wait, ...(each === field ? actions : []));
  }

  #choose() {
    const registers = this.#kind === 'register';
    $('entry-submit').textContent = registers ? 'Register' : 'Log in';
    $('entry-password').autocomplete = registers ? 'new-password' : 'current-password';
    $('entry-invitation-field').hidden = !registers;
    this.#fault('name', '');
    this.#fault('password', '');
    if (registers) {
      $('entry-name-note').textContent = 'Visible to others. Letters, digits, dot, dash, underscore.';
      $('entry-password-note').textContent = 'At least 8 characters. A sentence works well.';
    }
  }

  // A second person on the same browser must not push the first one out.
  #noteOwner() {
    const owner = this.#session.browserOwner();
    $('entry-stay').checked = owner === '';
    $('entry-stay-note').textContent = owner ? `${owner} is signed in on this browser. Clear the box to sign in in this window only and keep ${owner} signed in.` : '';
  }

  #fault(name, text) {
    const note = $(`entry-${name}-note`);
    const input = $(`entry-${name}`);
    input.toggleAttribute('aria-invalid', false);
    if (text) input.setAttribute('aria-invalid', 'true');
    if (note) {
      note.textContent = text;
      note.classList.toggle('fault', text !== '');
    }
  }

  #submit() {
    const name = $('entry-name').value.trim();
    const password = $('entry-password').value;
    if (!name || !password) {
      if (!name) this.#fault('name', 'Enter a name.');
      if (!password) this.#fault('password', 'Enter a password.');
      (name ? $('entry-password') : $('entry-name')).focus();
      return;
    }
    if (this.#login.step === 'code' && !this.#code.value) return this.#code.focus();
    this.#again.stop();
    this.#login.submit({ kind: this.#kind, name, password, invitation: $('entry-invitation').value.trim(), stay: $('entry-stay').checked, code: this.#code.value });
  }

  #done() {
    $('entry-password').value = '';
    this.#code.clear();
    this.#entered();
  }

  // The form as the login stands: which step, what was refused, what is waited for.
  #draw() {
    const { step, state, refusal } = this.#login;
    const second = step === 'code';
    const submit = $('entry-submit');
    const registers = this.#kind === 'register';
    submit.disabled = state === 'asking' || state === 'locked';
    submit.textContent = state === 'asking' ? (registers ? 'Registering…' : 'Logging in…') : registers ? 'Register' : 'Log in';
    $('entry-choice').hidden = $('entry-first').hidden = second;
    $('entry-second').hidden = $('entry-back').hidden = !second;
    if (second) $('entry-second-who').textContent = $('entry-name').value.trim();
    this.#said(refusal, this.#login, ...(refusal ? this.#nextStep(refusal) : []));
    if (this.#step !== step) {
      this.#step = step;
      this.#code.clear();
      if (second) return this.#code.focus();
    }
    if (!refusal) return;
    const field = fieldOf(refusal);
    if (field && field !== 'code') $(`entry-${field}`).setAttribute('aria-invalid', 'true');
    if (refusal.code === 'TOTP_REJECTED') this.#code.reject();
    else if (second) this.#code.focus();
    else if (state === 'open') (field ? $(`entry-${field}`) : submit).focus();
  }

  #nextStep({ code }) {
    const button = (label, act) => h('button', { type: 'button', class: 'outlined', onclick: act }, label);
    if (code === 'NAME_TAKEN') return [button('Log in with this name', () => this.#switch('login'))];
    if (code === 'REGISTRATION_CLOSED') return [button('Log in instead', () => this.#switch('login'))];
    return [];
  }

  #switch(kind) {
    $('entry').elements.kind.value = kind;
    this.#login.reset();
    this.#choose();
    $('entry-password').focus();
  }

  async #ask() {
    clearTimeout(this.#polling);
    const { body, refusal } = await call('GET', '/health');
    // A failing server answers 503 with the same body; fromResponse keeps the code only.
    $('server-trouble').textContent = troubleWords(body, refusal);
    if (body) {
      const environment = body.environment && body.environment !== 'production' ? ` · ${body.environment}` : '';
      $('server-version').textContent = `${body.version}${environment}`;
      this.#sendElsewhere(body);
    } else if (refusal.heard !== 'foyer') {
      $('server-version').textContent = 'unknown';
    }
    this.#polling = setTimeout(() => { if (!$('arrival').hidden) this.#ask(); }, body ? 30_000 : 5_000);
  }
}
