// Before login: the form, and what can be known of the server from outside.
import { $, h } from './dom.mjs';
import { call } from './http.mjs';
import { refusalCard } from './refusal_card.mjs';

// Which field a refusal is about, so that it is told beside it.
const FIELD_OF = {
  NAME_TAKEN: 'name', NAME_INVALID: 'name',
  PASSWORD_TOO_SHORT: 'password', PASSWORD_TOO_LONG: 'password', PASSWORD_COMMON: 'password',
  INVITATION_REJECTED: 'invitation',
};

export class Arrival {
  #session;
  #entered;
  #polling = null;

  constructor(session, entered) {
    this.#session = session;
    this.#entered = entered;
    $('entry').addEventListener('submit', (event) => { event.preventDefault(); this.#submit(); });
    $('entry-choice').addEventListener('change', () => this.#choose());
    for (const name of ['name', 'password', 'invitation']) $(`entry-${name}`).addEventListener('input', () => this.#fault(name, ''));
    $('server-address').textContent = location.origin;
  }

  get #kind() { return $('entry').elements.kind.value; }

  show(refusal) {
    document.title = 'Foyer';
    $('arrival').hidden = false;
    $('arrival-refusal').replaceChildren(...(refusal ? [refusalCard(refusal)] : []));
    if (refusal?.endedFor) $('entry-name').value = refusal.endedFor.name;
    $('entry-password').value = '';
    $('entry').elements.kind.value = 'login';
    this.#choose();
    this.#noteOwner();
    const empty = $('entry-name').value === '' ? $('entry-name') : $('entry-password');
    if (matchMedia('(hover: hover)').matches) empty.focus();
    this.#ask();
  }

  hide() {
    $('arrival').hidden = true;
    clearTimeout(this.#polling);
  }

  #choose() {
    const registers = this.#kind === 'register';
    $('entry-submit').textContent = registers ? 'Register' : 'Log in';
    $('entry-password').autocomplete = registers ? 'new-password' : 'current-password';
    $('entry-invitation-field').hidden = !registers;
    this.#fault('name', '');
    this.#fault('password', '');
    if (registers) {
      $('entry-name-note').textContent = 'What others see. Letters, digits, dot, dash, underscore.';
      $('entry-password-note').textContent = 'At least 8 characters. A sentence is good.';
    }
  }

  // A second person on the same browser must not push the first one out.
  #noteOwner() {
    const owner = this.#session.browserOwner();
    $('entry-stay').checked = owner === '';
    $('entry-stay-note').textContent = owner ? `${owner} is signed in on this browser. Without the tick you are signed in in this window only, beside ${owner}.` : '';
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

  async #submit() {
    const name = $('entry-name').value.trim();
    const password = $('entry-password').value;
    if (!name || !password) {
      if (!name) this.#fault('name', 'A name is needed.');
      if (!password) this.#fault('password', 'A password is needed.');
      (name ? $('entry-password') : $('entry-name')).focus();
      return;
    }
    const submit = $('entry-submit');
    submit.disabled = true;
    submit.textContent = this.#kind === 'register' ? 'Registering…' : 'Logging in…';
    $('arrival-refusal').replaceChildren();
    const refusal = await this.#session.begin(this.#kind, { name, password, invitation: $('entry-invitation').value.trim(), stay: $('entry-stay').checked });
    submit.disabled = false;
    submit.textContent = this.#kind === 'register' ? 'Register' : 'Log in';
    if (!refusal) {
      $('entry-password').value = '';
      this.#entered();
      return;
    }
    $('arrival-refusal').replaceChildren(refusalCard(refusal, ...this.#nextStep(refusal)));
    const field = FIELD_OF[refusal.code];
    if (field) $(`entry-${field}`).setAttribute('aria-invalid', 'true');
    (field ? $(`entry-${field}`) : refusal.code === 'CREDENTIALS_REJECTED' ? $('entry-password') : submit).focus();
  }

  #nextStep({ code }) {
    const button = (label, act) => h('button', { type: 'button', class: 'outlined', onclick: act }, label);
    if (code === 'NAME_TAKEN') return [button('Log in with this name', () => this.#switch('login'))];
    if (code === 'REGISTRATION_CLOSED') return [button('Log in instead', () => this.#switch('login'))];
    return [];
  }

  #switch(kind) {
    $('entry').elements.kind.value = kind;
    this.#choose();
    $('arrival-refusal').replaceChildren();
    $('entry-password').focus();
  }

  async #ask() {
    clearTimeout(this.#polling);
    const { body, refusal } = await call('GET', '/health');
    // A failing server answers 503 with the same body; fromResponse keeps the code only.
    const words = { ok: ['good', 'Well'], degraded: ['half', 'Degraded'], failing: ['', 'Failing'] };
    if (body) {
      const [look, word] = words[body.status] ?? ['', body.status];
      const troubled = Object.entries(body.checks ?? {}).filter(([, check]) => check.status !== 'ok').map(([name, check]) => check.code ? `${name}: ${check.code}` : `${name}: ${check.status}`);
      $('server-health').replaceChildren(h('span', { class: `state ${look}` }, word), troubled.length ? ` (${troubled.join(', ')})` : '');
      const environment = body.environment && body.environment !== 'production' ? ` · ${body.environment}` : '';
      $('server-version').textContent = `${body.version}${environment}`;
    } else {
      $('server-health').replaceChildren(h('span', { class: 'state' }, refusal.heard === 'foyer' ? refusal.code : refusal.message));
      if (refusal.heard !== 'foyer') $('server-version').textContent = 'not known';
    }
    this.#polling = setTimeout(() => { if (!$('arrival').hidden) this.#ask(); }, body ? 30_000 : 5_000);
  }
}
