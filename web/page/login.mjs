// Logging in, step by step, without DOM: what is asked for now, what the server
// said, and when it may be tried again.
//
//   password ──TOTP_REQUIRED──▶ code ──▶ in
//      ▲  └───────────────────────┼─────▶ in
//      └──── CREDENTIALS_REJECTED ┘
//
// Beside the step stands what it waits for: `asking` the server, `locked` until a
// time (LOGIN_LOCKED, RATE_LIMITED), or `away`: the server cannot ask its auth service, and what
// was typed is sent again by itself. A code of an authenticator is not sent again:
// it is good for half a minute.
import { Again } from '../core/again.mjs';
import { isPassing } from '../core/refusal.mjs';
import { plainCode } from '../lib/words.mjs';

// The code of a link `/#invitation=CODE`, as `foyer user invite` prints it; else empty.
export const invitationIn = (hash) => /^#invitation=([\w-]{1,128})$/.exec(hash)?.[1] ?? '';

export class Login {
  step = 'password';   // or 'code'
  state = 'open';      // 'asking' | 'locked' | 'away'
  refusal = null;      // the last one that a person should see
  until = null;        // end of 'locked', or the next try of 'away'

  #begin;              // (kind, { name, password, invitation, stay, totp }) → Promise<refusal | null>
  #world;              // now(), random(), after(ms, fn) → cancel
  #on;                 // { changed(), done() }
  #again;
  #cancelLock = () => {};

  constructor(begin, world, on) {
    this.#begin = begin;
    this.#world = world;
    this.#on = on;
    this.#again = new Again(world);
  }

  // entry: { kind, name, password, invitation, stay, code }
  async submit(entry) {
    if (this.state === 'asking' || this.state === 'locked') return;
    this.#again.stop();
    await this.#ask(entry);
  }

  // "Try now" of `away`.
  now() { this.#again.now(); }

  // To name and password again; or the form is left.
  reset() {
    this.#again.stop();
    this.#cancelLock();
    this.#enter('password', 'open', null);
  }

  async #ask(entry, byItself = false) {
    const { code, ...rest } = entry;
    const asked = this.step;
    this.#enter(asked, 'asking', byItself ? this.refusal : null); // what stands there stays until there is news
    const refusal = await this.#begin(entry.kind, asked === 'code' ? { ...rest, totp: plainCode(code) } : rest);
    if (this.state !== 'asking') return; // the form was left meanwhile
    if (!refusal) {
      this.reset();
      this.#on.done();
      return;
    }
    if (refusal.code === 'TOTP_REQUIRED') this.#enter('code', 'open', asked === 'code' ? refusal : null);
    else if (refusal.status === 429) this.#lock(asked, refusal);
    else if (isPassing(refusal) && entry.kind === 'login') this.#away(asked, refusal, entry);
    else this.#enter(refusal.code === 'TOTP_REJECTED' ? 'code' : refusal.code === 'CREDENTIALS_REJECTED' ? 'password' : asked, 'open', refusal);
  }

  #lock(step, refusal) {
    const ms = refusal.retryAfterMs ?? 60_000;
    this.#cancelLock();
    this.#cancelLock = this.#world.after(ms, () => this.#enter(this.step, 'open', null));
    this.#enter(step, 'locked', refusal, this.#world.now() + ms);
  }

  #away(step, refusal, entry) {
    if (step === 'code') return this.#enter(step, 'open', refusal);
    this.#again.later(refusal, () => this.#ask(entry, true));
    this.#enter(step, 'away', refusal, this.#again.at);
  }

  #enter(step, state, refusal, until = null) {
    Object.assign(this, { step, state, refusal, until });
    this.#on.changed();
  }
}
