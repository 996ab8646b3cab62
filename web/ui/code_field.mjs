// The field for the second factor's code: six digits of an authenticator, or, for
// who has lost it, a recovery code.
import { h } from '../lib/dom.mjs';

export class CodeField {
  #label = h('label', {});
  #note = h('span', { class: 'note' });
  #other = h('button', { type: 'button', class: 'link' });
  #recovers = false;

  // recovery: whether a recovery code counts here too
  constructor(id, { recovery = true } = {}) {
    this.#label.htmlFor = id;
    this.#note.id = `${id}-note`;
    this.input = h('input', { id, name: 'totp', autocomplete: 'one-time-code', autocapitalize: 'none', spellcheck: 'false', maxlength: '64', class: 'code-input', 'aria-describedby': this.#note.id });
    this.#other.addEventListener('click', () => { this.#turn(!this.#recovers); this.focus(); });
    this.node = h('div', { class: 'field' }, this.#label, this.input, this.#note, recovery ? h('p', { class: 'small' }, this.#other) : null);
    this.#turn(false);
  }

  #turn(recovers) {
    this.#recovers = recovers;
    this.#label.textContent = recovers ? 'Recovery code' : 'Code';
    this.#note.textContent = recovers ? 'One of the codes that you saved when you turned on two-factor authentication. Each works once.' : 'The six-digit code from your authenticator app.';
    this.#other.textContent = recovers ? 'Use the authenticator app' : 'Use a recovery code instead';
    this.input.inputMode = recovers ? 'text' : 'numeric';
    this.input.value = '';
    this.#fault(false);
  }

  #fault(is) { is ? this.input.setAttribute('aria-invalid', 'true') : this.input.removeAttribute('aria-invalid'); }

  get value() { return this.input.value.trim(); }
  clear() { this.#turn(false); }
  focus() { this.input.focus(); }
  reject() {
    this.#fault(true);
    this.input.select();
    this.focus();
  }
}
