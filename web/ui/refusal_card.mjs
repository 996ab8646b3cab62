// A refusal on the page: the code, the sentence, who must act, the next step, and
// the reference by which the operator finds it. It stays until it is answered.
import { copyButton, h, prose } from '../lib/dom.mjs';
import { WHO, isAuthAway, isMistake } from '../core/refusal.mjs';
import { explain } from '../page/causes.mjs';

// A mistake in a form, which a person corrects at once: one sentence under the field;
// code and reference are folded.
function mistakeNote(r, ...actions) {
  const sentence = h('p', {}, prose(r.message));
  const folded = h('details', {}, h('summary', {}, 'Details'),
    h('p', { class: 'note' }, h('code', {}, r.code), ' ', h('a', { href: `/causes/${encodeURIComponent(r.code)}`, target: '_blank', rel: 'noopener' }, 'What this means')),
    r.ref ? h('p', { class: 'note' }, 'Reference ', h('code', {}, r.ref), ' ', copyButton(r.ref)) : null);
  explain(r).then((told) => { if (told !== r) sentence.replaceChildren(...prose(told.message)); });
  return h('div', { class: 'mistake' }, sentence, actions.length ? h('p', { class: 'row' }, actions) : null, folded);
}

// What a form shows of a refusal: a mistake as a sentence, anything else whole.
export const formRefusal = (r, ...actions) => (isMistake(r) ? mistakeNote(r, ...actions) : refusalCard(r, ...actions));

// actions: nodes (buttons) for the next step, where this page can take it
export function refusalCard(r, ...actions) {
  const card = h('section', { class: 'refusal' });
  const draw = (told) => {
    const foot = [...actions];
    if (told.code) foot.push(h('a', { href: `causes/${encodeURIComponent(told.code)}`, target: '_blank', rel: 'noopener' }, 'What this means'));
    card.replaceChildren(
      h('p', { class: 'code' }, told.code ? h('code', {}, told.code) : told.heard === 'stranger' ? 'The answer is not from Foyer' : told.heard === 'nothing' ? 'No answer' : 'Refused'),
      h('p', { class: 'sentence' }, prose(told.message || 'The server gave no further details.')),
      told.more ? h('p', { class: 'more' }, prose(told.more)) : '',
      h('dl', {},
        told.who ? h('div', {}, h('dt', {}, 'Who must act'), h('dd', {}, WHO[told.who] ?? told.who)) : null,
        told.next ? h('div', {}, h('dt', {}, 'Next step'), h('dd', {}, prose(told.next))) : null,
        isAuthAway(told) ? h('div', {}, h('dt', {}, 'Meanwhile'), h('dd', {}, 'Connected users can keep chatting. Logins and account changes wait until the auth service is back.')) : null,
        told.ref ? h('div', {}, h('dt', {}, 'Reference'), h('dd', {}, h('code', {}, told.ref), ' ', copyButton(told.ref))) : null),
      h('div', { class: 'actions' }, foot));
  };
  draw(r);
  explain(r).then((told) => { if (told !== r) draw(told); });
  return card;
}
