// The account of the person in this window: what the server knows of it, and what
// can be done to it. No DOM. What cannot be read because the auth service is away
// is asked for again by itself; what a person asked to be *done* never is.
import { Again } from '../core/again.mjs';
import { isPassing } from '../core/refusal.mjs';
import { plainCode } from '../lib/words.mjs';

export class Account {
  me = null;         // GET /auth/me
  sessions = null;   // this one first, then by the time they were last seen
  refusal = null;    // why they could not be read
  #session;
  #changed;
  #again;

  constructor(session, world, changed) {
    this.#session = session;
    this.#changed = changed;
    this.#again = new Again(world);
  }

  get retryAt() { return this.#again.at; }
  get factor() { return this.me?.second_factor ?? false; }
  get codesLeft() { return this.me?.recovery_codes_left ?? 0; }

  async load() {
    this.#again.stop();
    await this.#load();
  }

  async #load() {
    const [me, list] = await Promise.all([this.#session.ask('GET', '/auth/me'), this.#session.ask('GET', '/auth/sessions')]);
    this.refusal = me.refusal ?? list.refusal ?? null;
    if (this.refusal) {
      if (isPassing(this.refusal)) this.#again.later(this.refusal, () => this.#load());
    } else {
      this.#again.stop();
      this.me = me.body;
      this.sessions = list.body.sessions.map((s) => ({ ...s, created: new Date(s.created), lastSeen: new Date(s.last_seen) }))
        .sort((a, b) => b.current - a.current || b.lastSeen - a.lastSeen);
    }
    this.#changed();
  }

  retryNow() { this.#again.now(); }

  // The panel is closed: nobody waits any more.
  rest() { this.#again.stop(); }

  // All below: { refusal } or { body }, and what is shown is read anew.

  endSession(id) { return this.#do('DELETE', `/auth/sessions/${encodeURIComponent(id)}`); }
  endOthers() { return this.#do('DELETE', '/auth/sessions?others=true'); }
  endAll() { return this.#session.ask('DELETE', '/auth/sessions'); }
  changePassword(password, next) { return this.#do('POST', '/auth/password', { password, new_password: next }); }

  // → body { secret, uri }
  factorBegin(password) { return this.#session.ask('POST', '/auth/totp', { password }); }
  // → body { recovery_codes }
  factorConfirm(code) { return this.#do('POST', '/auth/totp/confirm', { totp: plainCode(code) }); }
  factorCodes(code) { return this.#do('POST', '/auth/totp/recovery', { totp: plainCode(code) }); }
  factorOff(code) { return this.#do('DELETE', '/auth/totp', { totp: plainCode(code) }); }

  async #do(method, path, body) {
    const result = await this.#session.ask(method, path, body);
    if (!result.refusal) await this.load();
    return result;
  }
}
