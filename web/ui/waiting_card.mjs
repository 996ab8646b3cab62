// A refusal that something waits for: a lock that ends, or a service that is asked
// again. The card stays the same node while the same is asked again, so that
// nothing jumps and a screen reader hears it once.
import { h, ticking } from '../lib/dom.mjs';
import { formRefusal } from './refusal_card.mjs';
import { leftWords } from '../lib/words.mjs';

// What stands in the card. `wait`: { state, until, now() }, read anew every second;
// state is 'locked' or 'away', anything else waits for nothing.
export function waitNodes(wait) {
  const left = () => wait.until - Date.now();
  if (wait.state === 'locked') return [ticking(() => (left() > 0 ? `Try again in ${leftWords(left())}` : 'Try again now'))];
  if (wait.state !== 'away') return [];
  return [h('button', { type: 'button', class: 'outlined', onclick: () => wait.now() }, 'Try now'), ticking(() => (wait.until !== null && left() > 0 ? `Retrying in ${leftWords(left())}` : 'Trying…'))];
}

// Puts the refusal (or nothing) into the slot.
export function drawRefusal(slot, refusal, wait, ...actions) {
  const waits = refusal && (wait.state === 'away' || wait.state === 'asking');
  const key = waits ? refusal.code || refusal.heard : '';
  if (key && slot.dataset.waitsFor === key) return;
  slot.dataset.waitsFor = key;
  slot.replaceChildren(...(refusal ? [formRefusal(refusal, ...actions, ...waitNodes(wait))] : []));
}
