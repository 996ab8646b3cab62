// Above the rooms: that the session ends, has ended, or that the line waits for the
// auth service; since when, why, and what to do. It stays until it is no longer so.
import { $, h, ticking, timeOf } from '../lib/dom.mjs';
import { isAuthAway } from '../core/refusal.mjs';
import { refusalCard } from './refusal_card.mjs';
import { waitNodes } from './waiting_card.mjs';
import { leftWords } from '../lib/words.mjs';

// What to tell of a connection, or null. Pure.
//   { kind: 'over' | 'ending' | 'waiting', because, at?, retryAt? }
export function noticeOf({ phase, because, retryAt, ending }) {
  if (phase === 'refused') return { kind: 'over', because };
  if (phase === 'online' && ending) return { kind: 'ending', because: ending.because, at: ending.at, retryAt: ending.retryAt };
  if (phase === 'waiting' && because && retryAt !== null && isAuthAway(because)) return { kind: 'waiting', because, retryAt };
  return null;
}

// What a person can do about it: logging in again helps when a session or a token
// is over, and not when the account or the address is what is refused.
export const loginHelps = (because) => because.retry !== 'after' && (because.status === 401 || because.status === 4401 || /^(TOKEN|SESSION|REFRESH|CREDENTIALS)_/.test(because.code));

export class Notice {
  #acts; // { login(), leave(), again(), now() }
  #shown = '';
  #retryAt = null; // read by the card, which stays while the same is asked again

  constructor(acts) { this.#acts = acts; }

  draw(connection) {
    const told = noticeOf(connection);
    const look = told ? `${told.kind} ${told.because.code} ${told.because.message} ${told.at} ${told.retryAt == null}` : '';
    this.#retryAt = told?.retryAt ?? null;
    if (look === this.#shown) return;
    this.#shown = look;
    $('notice').replaceChildren(...(told ? [this.#head(told), refusalCard(told.because, ...this.#actions(told))].filter(Boolean) : []));
  }

  #head({ kind, at }) {
    if (kind !== 'ending') return null;
    const words = () => (at > Date.now() ? `Your session ends in ${leftWords(at - Date.now())}` : 'Your session ends now');
    return h('p', { class: 'notice-head' }, ticking(words), h('span', { class: 'note' }, ` at ${timeOf(new Date(at))}. Everything works until then, and what you have written is kept.`));
  }

  #actions({ kind, because, retryAt = null }) {
    const button = (label, act, look = 'outlined') => h('button', { type: 'button', class: look, onclick: act }, label);
    if (retryAt !== null) {
      const notice = this;
      return waitNodes({ state: 'away', get until() { return notice.#retryAt; }, now: () => this.#acts.now() });
    }
    if (loginHelps(because)) return [button('Log in again', () => this.#acts.login(), 'primary')];
    if (kind === 'ending') return [];
    return [button('Try again', () => this.#acts.again()), button('Use another account', () => this.#acts.leave(), '')];
  }
}
