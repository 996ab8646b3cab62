// Logging in again where one is: the same person, the rooms and what was written
// stay as they are.
import { $, closeDialog, h, openDialog } from '../lib/dom.mjs';
import { CodeField } from './code_field.mjs';
import { Login } from '../page/login.mjs';
import { drawRefusal } from './waiting_card.mjs';

// acts: { done(), leave() }
export function openRelogin(session, world, acts) {
  const slot = h('div', { class: 'slot', role: 'alert' });
  const name = h('input', { type: 'text', autocomplete: 'username', class: 'away', tabindex: '-1', readonly: true, 'aria-hidden': 'true' });
  name.value = session.user.name;
  const password = h('input', { id: 'again-password', type: 'password', autocomplete: 'current-password', maxlength: '512' });
  const first = h('p', { class: 'field' }, h('label', { for: 'again-password' }, `Password of ${session.user.name}`), password);
  const code = new CodeField('again-code');
  const submit = h('button', { type: 'submit', class: 'primary' }, 'Log in');
  const later = h('button', { type: 'button', onclick: closeDialog }, 'Not now');
  const other = h('button', { type: 'button', onclick: () => { closeDialog(); acts.leave(); } }, 'Use another account');
  const form = h('form', { novalidate: true }, name, first, code.node, slot, h('div', { class: 'row' }, submit, later, other));

  const login = new Login((_, entry) => session.beginAgain(entry), world, {
    changed: () => draw(),
    done: () => { closeDialog(); acts.done(); },
  });
  let step = '';
  function draw() {
    const { state, refusal } = login;
    submit.disabled = state === 'asking' || state === 'locked';
    submit.textContent = state === 'asking' ? 'Logging in…' : 'Log in';
    first.hidden = login.step === 'code';
    code.node.hidden = login.step !== 'code';
    drawRefusal(slot, refusal, login);
    if (step !== login.step) {
      step = login.step;
      if (step === 'code') code.clear();
      (step === 'code' ? code : password).focus();
    } else if (refusal?.code === 'TOTP_REJECTED') code.reject();
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (password.value) login.submit({ kind: 'login', password: password.value, code: code.value });
    else password.focus();
  });
  const dialog = openDialog('Log in again', h('p', { class: 'note lower' }, 'Your rooms and what you have written are kept.'), form);
  dialog.addEventListener('close', () => login.reset(), { once: true });
  draw();
  $('again-password').focus();
}
