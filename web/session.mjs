// Who is signed in in this window: the user and the token, set together and
// forgotten together. Two forms:
//
//   cookie   the session lies in an HttpOnly cookie; other windows share it
//   window   the refresh token lies in this window's memory and ends with it
//
// localStorage holds one word that is no secret: the name of the person to whom
// the cookie belongs, so that a second person does not overwrite it unawares.
import { call } from './http.mjs';

const OWNER = 'foyer.browser';

export class Session {
  user = null;        // { id, name }
  id = '';            // of the session
  #token = null;
  #refreshToken = null; // window form only
  #form = 'cookie';
  #renewing = null;   // one renewal at a time
  #call;
  #storage;

  constructor({ request = call, storage = globalThis.localStorage } = {}) {
    this.#call = request;
    this.#storage = storage;
  }

  token() { return this.#token; }
  browserOwner() { try { return this.#storage.getItem(OWNER) ?? ''; } catch { return ''; } }

  // kind: 'login' | 'register'. Returns a refusal or null.
  async begin(kind, { name, password, invitation, stay }) {
    const body = { name, password };
    if (stay) body.cookie = true;
    if (kind === 'register' && invitation) body.invitation = invitation;
    const { refusal, body: answer } = await this.#call('POST', `/auth/${kind}`, { body });
    if (refusal) return refusal;
    this.#form = stay ? 'cookie' : 'window';
    this.#adopt(answer);
    return null;
  }

  // At load: the cookie of an earlier visit. Returns { resumed } or { refusal }.
  async resume() {
    if (!this.browserOwner()) return { resumed: false };
    this.#form = 'cookie';
    const refusal = await this.renew();
    return refusal ? { resumed: false, refusal } : { resumed: true };
  }

  // A fresh access token. Returns a refusal or null.
  renew() {
    this.#renewing ??= this.#renew().finally(() => { this.#renewing = null; });
    return this.#renewing;
  }

  async #renew() {
    const body = this.#form === 'window' ? { refresh_token: this.#refreshToken } : {};
    const { refusal, body: answer } = await this.#call('POST', '/auth/refresh', { body });
    if (refusal) {
      // "Could not ask" keeps the session; only a decision ends it.
      if (refusal.status === 401 || refusal.status === 403) {
        const who = this.user;
        this.forget();
        return { ...refusal, endedFor: who };
      }
      return refusal;
    }
    if (this.user && answer.user.id !== this.user.id) {
      // Somebody else has signed in on this browser meanwhile.
      const before = this.user;
      this.forget({ keepOwner: true });
      return { code: '', heard: 'foyer', retry: 'never', status: 401, who: 'user', ref: '', field: '', retryAfterMs: null, endedFor: before,
        message: `${answer.user.name} has signed in on this browser, so this window is no longer ${before.name}’s.`, next: 'Log in again; without “stay signed in” both can be here at once.' };
    }
    this.#adopt(answer);
    return null;
  }

  #adopt(answer) {
    this.user = answer.user;
    this.id = answer.session;
    this.#token = answer.access_token;
    this.#refreshToken = answer.refresh_token ?? null;
    if (this.#form === 'cookie') this.#mark(answer.user.name);
  }

  #mark(name) { try { name ? this.#storage.setItem(OWNER, name) : this.#storage.removeItem(OWNER); } catch { /* private mode */ } }

  forget({ keepOwner = false } = {}) {
    if (this.#form === 'cookie' && !keepOwner) this.#mark('');
    this.user = null;
    this.id = '';
    this.#token = null;
    this.#refreshToken = null;
  }

  // This window lets go of the account; the cookie and other windows keep it.
  leaveWindow() { this.forget({ keepOwner: true }); }

  async end() {
    const token = this.#token;
    this.forget();
    return (await this.#call('POST', '/auth/logout', { token })).refusal ?? null;
  }

  // GET /auth/sessions and the like, with a renewed token if the old one has run out.
  async ask(method, path) {
    let answer = await this.#call(method, path, { token: this.#token });
    if (answer.refusal?.code === 'TOKEN_EXPIRED' && !(await this.renew())) answer = await this.#call(method, path, { token: this.#token });
    return answer;
  }
}
