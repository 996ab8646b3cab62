// The second factor on the screen: its state, and the steps to turn it on, to get
// new recovery codes, to turn it off. Recovery codes are shown once.
import { copyButton, download, h, qrPicture } from '../lib/dom.mjs';
import { CodeField } from './code_field.mjs';
import { qr } from '../lib/qr.mjs';
import { formRefusal } from './refusal_card.mjs';
import { codesLeftWords, inGroups } from '../lib/words.mjs';

const FEW_CODES = 3;

// step(title, make): the panel's way to put one step in the place of the whole
export function factorSection(account, step) {
  const button = (label, act, look = 'outlined') => h('button', { type: 'button', class: look, onclick: act }, label);
  const head = h('h3', {}, 'Two-factor authentication');
  if (!account.factor) {
    return h('section', {}, head, h('p', { class: 'note' }, 'Off. When it is on, logging in also requires a code from an app on your phone, so that a stolen password is not enough.'),
      h('div', { class: 'row' }, button('Turn on', () => turnOn(account, step))));
  }
  const left = account.codesLeft;
  return h('section', {}, head,
    h('p', {}, h('span', { class: 'state good' }, 'On')),
    h('p', { class: 'note' }, `${codesLeftWords(left)}.`, left < FEW_CODES ? ' Get new ones before you need them.' : ''),
    h('div', { class: 'row' }, button('New recovery codes', () => newCodes(account, step)), button('Turn off', () => turnOff(account, step), '')));
}

function turnOn(account, step) {
  step('Turn on two-factor authentication', (show) => show.form({
    intro: 'You need an authenticator app, for example on your phone. First enter your password, so that nobody else can do this at an unlocked screen.',
    fields: [h('p', { class: 'field' }, h('label', { for: 'factor-password' }, 'Password'), h('input', { id: 'factor-password', name: 'password', type: 'password', autocomplete: 'current-password', maxlength: '512' }))],
    submit: 'Continue',
    act: async (value) => {
      if (!value('password')) return { missing: 'password' };
      const { body, refusal } = await account.factorBegin(value('password'));
      return { refusal, field: 'password', done: () => scan(account, show, body) };
    },
  }));
}

function scan(account, show, { secret, uri }) {
  const rows = qr(uri);
  const touch = matchMedia('(hover: none)').matches;
  const picture = rows ? h('div', { class: 'scan' }, qrPicture(rows, 'QR code for the authenticator app'), h('p', { class: 'note' }, 'Scan this with the app, open the link on the device that has the app, or type the secret.')) : null;
  askCode(show, {
    before: [
      touch ? null : picture,
      h('p', { class: 'row' }, h('a', { href: uri, class: 'button' }, 'Open in the authenticator app')),
      h('p', { class: 'note' }, 'Secret'), h('p', { class: 'copy' }, h('code', { class: 'secret' }, inGroups(secret)), copyButton(secret)),
      touch ? h('details', {}, h('summary', {}, 'The app is on another device'), picture) : null,
    ],
    lead: 'Then enter the code that the app shows. Two-factor authentication is on once the code is accepted.',
    submit: 'Turn on', recovery: false,
    act: (code) => account.factorConfirm(code),
    done: (body) => keep(show, body.recovery_codes, 'Two-factor authentication is on.'),
  });
}

function newCodes(account, step) {
  step('New recovery codes', (show) => askCode(show, {
    lead: 'Your current recovery codes will stop working.', submit: 'Create new codes', recovery: false,
    act: (code) => account.factorCodes(code),
    done: (body) => keep(show, body.recovery_codes, 'You have new recovery codes.'),
  }));
}

function turnOff(account, step) {
  step('Turn off two-factor authentication?', (show) => askCode(show, {
    lead: 'After that, the password alone is enough to log in.', submit: 'Turn off',
    act: (code) => account.factorOff(code),
    done: () => show.whole('Two-factor authentication is off.'),
  }));
}

// A step that is done with a code.
function askCode(show, { before = [], lead, submit, recovery = true, act, done }) {
  const slot = h('div', { class: 'slot', role: 'alert' });
  const code = new CodeField('factor-code', { recovery });
  const button = h('button', { type: 'submit', class: 'primary' }, submit);
  const form = h('form', { novalidate: true }, before, lead ? h('p', { class: 'lower' }, lead) : null, code.node, slot, h('div', { class: 'row' }, button, h('button', { type: 'button', onclick: () => show.whole() }, 'Cancel')));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (!code.value) return code.focus();
    button.disabled = true;
    const { refusal, body } = await act(code.value);
    button.disabled = false;
    slot.replaceChildren(...(refusal ? [formRefusal(refusal)] : []));
    if (refusal) code.reject();
    else done(body);
  });
  show.content([form]);
}

// The codes, once. The way out is to say that they are kept.
function keep(show, codes, done) {
  const text = `${codes.join('\n')}\n`;
  const kept = h('input', { type: 'checkbox', id: 'codes-kept' });
  const out = h('button', { type: 'button', class: 'primary', disabled: true, onclick: () => show.whole(done) }, 'Done');
  kept.addEventListener('change', () => { out.disabled = !kept.checked; });
  show.retitle('Your recovery codes');
  show.content([
    h('p', { class: 'lower' }, 'Each code logs you in once if you lose the app. They are shown only now; store them somewhere other than your phone.'),
    h('ol', { class: 'codes', 'aria-label': 'Recovery codes' }, codes.map((code) => h('li', {}, h('code', {}, code)))),
    h('div', { class: 'row' }, copyButton(text, 'Copy all', 'outlined'), h('button', { type: 'button', class: 'outlined', onclick: () => download('foyer-recovery-codes.txt', text) }, 'Download')),
    h('p', { class: 'tick' }, kept, h('label', { for: 'codes-kept' }, 'I have saved them')),
    h('div', { class: 'row' }, out),
  ], { final: true });
}
