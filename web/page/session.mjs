// Who is signed in in this window: the user and the token, set together and
// forgotten together. Two forms:
//
//   cookie   the session lies in an HttpOnly cookie; other windows share it
//   window   the refresh token lies in this window's memory and ends with it
//   token    an access token of another issuer, in this window's memory; there is no newer one here
// When the server says that the session is over, the person stays known: `over`
// is what was said, and logging in again in place goes on where they were.
//
// localStorage holds one word that is no secret: the name of the person to whom
// the cookie belongs, so that a second person does not overwrite it unawares.
import { call } from './http.mjs';
import { refusal as refused } from '../core/refusal.mjs';

const OWNER = 'foyer.browser';

export class Session {
  user = null;        // { id, name }
  id = '';            // of the session
  over = null;        // the refusal that ended it
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
  async begin(kind, { name, password, invitation, stay, totp }) {
    const body = { name, password };
    if (stay) body.cookie = true;
    if (totp) body.totp = totp;
    if (kind === 'register' && invitation) body.invitation = invitation;
    const { refusal, body: answer } = await this.#call('POST', `/auth/${kind}`, { body });
    if (refusal) return refusal;
    this.#form = stay ? 'cookie' : 'window';
    this.#adopt(answer);
    return null;
  }

  // With an access token of another issuer. Who that is, the server says; until then the
  // token's own words are shown. Returns a refusal or null.
  beginWithToken(token) {
    let claims = null;
    try { claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0)))); } catch { /* no token */ }
    if (claims === null || typeof claims !== 'object')
      return refused({ code: 'INVALID_FORMAT', retry: 'never', who: 'user', message: 'This is not an access token.', next: 'Copy the whole token: three parts with dots between them.' });
    this.#form = 'token';
    const id = String(claims.sub ?? '');
    this.#adopt({ user: { id, name: String(claims.preferred_username ?? claims.name ?? id) }, session: '', access_token: token });
    return null;
  }
  get byToken() { return this.#form === 'token'; }

  // The same person again, after the session ended: in the form it had, unless the
  // cookie is somebody else's by now.
  beginAgain({ password, totp }) {
    const owner = this.browserOwner();
    const stay = this.#form === 'cookie' && (owner === '' || owner === this.user.name);
    return this.begin('login', { name: this.user.name, password, totp, stay });
  }

  // At load: the cookie of an earlier visit. Returns { resumed } or { refusal }.
  async resume() {
    if (!this.browserOwner()) return { resumed: false };
    this.#form = 'cookie';
    const refusal = await this.renew();
    return refusal ? { resumed: false, refusal } : { resumed: true };
  }

  // A fresh access token. Returns a refusal or null; what has ended is not asked about again.
  renew() {
    if (this.over) return Promise.resolve(this.over);
    this.#renewing ??= this.#renew().finally(() => { this.#renewing = null; });
    return this.#renewing;
  }

  async #renew() {
    if (this.byToken)
      return this.#ended(refused({ code: 'TOKEN_EXPIRED', retry: 'never', status: 401, who: 'user', message: 'Your access token has ended.', next: 'Get a new one where you signed in, and use it here.' }));
    const body = this.#form === 'window' ? { refresh_token: this.#refreshToken } : {};
    const { refusal, body: answer } = await this.#call('POST', '/auth/refresh', { body });
    if (refusal) {
      // "Could not ask" keeps the session; only a decision ends it.
      return refusal.status === 401 || refusal.status === 403 ? this.#ended(refusal) : refusal;
    }
    if (this.user && answer.user.id !== this.user.id) {
      // Somebody else has signed in on this browser meanwhile.
      return this.#ended(refused({
        retry: 'never', status: 401, who: 'user', message: `${answer.user.name} has signed in on this browser, so this window is no longer ${this.user.name}’s.`,
        next: 'Log in again to use both accounts at once; you will be signed in in this window only.',
      }));
    }
    this.#adopt(answer);
    return null;
  }

  // The socket was told so.
  close(refusal) { if (!this.over && this.user) this.#ended(refusal); }

  #ended(refusal) {
    this.#unmark();
    this.#token = null;
    this.#refreshToken = null;
    if (!this.user) return refusal; // at load: there was nobody yet
    this.over = { ...refusal, endedFor: this.user };
    return this.over;
  }

  #adopt(answer) {
    this.over = null;
    this.user = answer.user;
    this.id = answer.session;
    this.#token = answer.access_token;
    this.#refreshToken = answer.refresh_token ?? null;
    if (this.#form === 'cookie') this.#mark(answer.user.name);
  }

  #mark(name) { try { name ? this.#storage.setItem(OWNER, name) : this.#storage.removeItem(OWNER); } catch { /* private mode */ } }

  // The cookie is no longer ours, unless it is somebody else's by now.
  #unmark() { if (this.#form === 'cookie' && (!this.user || this.browserOwner() === this.user.name)) this.#mark(''); }

  forget({ keepOwner = false } = {}) {
    if (!keepOwner) this.#unmark();
    this.user = null;
    this.id = '';
    this.over = null;
    this.#token = null;
    this.#refreshToken = null;
  }

  // This window lets go of the account; the cookie and other windows keep it.
  leaveWindow() { this.forget({ keepOwner: true }); }

  // Signs out here. A refusal comes with `again`: the server has not heard it yet, and
  // the session lives on there until it has.
  async end() {
    const token = this.byToken ? null : this.#token; // another issuer's sessions are not ended here
    this.forget();
    if (!token) return null;
    const tell = async () => {
      const { refusal } = await this.#call('POST', '/auth/logout', { token });
      return refusal && refusal.status !== 401 ? { refusal, again: tell } : null;
    };
    return tell();
  }

  // GET /auth/sessions and the like, with a renewed token if the old one has run out.
  async ask(method, path, body) {
    if (this.over) return { refusal: this.over };
    let answer = await this.#call(method, path, { token: this.#token, body });
    if (answer.refusal?.code === 'TOKEN_EXPIRED') {
      const refusal = await this.renew();
      if (refusal) return { refusal };
      answer = await this.#call(method, path, { token: this.#token, body });
    }
    return answer;
  }
}
