// The application's function for tokens as the connection's session. The function is asked when
// there is no token, when the server says `refresh` of the one at hand, and a minute before that
// one ends; never twice at once.
import { FoyerError } from './error.mjs';
import { refusal } from './refusal.mjs';

const ASK_MS = 30_000; // a function that has not answered by then has failed

const failed = (message) => refusal({ code: 'CLIENT_TOKEN_FAILED', heard: 'client', retry: 'after', who: 'client', message: `There is no token: ${message}`,
  next: 'Look at the function `token` that the application gave to connect() or join(); it is asked again.' });

const none = () => refusal({ code: 'CLIENT_NO_TOKEN', heard: 'client', who: 'user', message: 'The application has no token for this user, or for this room.',
  next: 'Sign in to the application, then call start() or, for a room, join().' });

export class Tokens {
  #ask;
  #after;
  #token = null;
  #renewing = null;

  // ask({ again, error }) → Promise<string>; again: an earlier token was given before this one
  constructor(ask, after) {
    this.#ask = ask;
    this.#after = after;
  }

  token() { return this.#token; }

  // The user may be another one.
  forget() { this.#token = null; }

  // A new token. Returns a refusal or null.
  renew(because = null) {
    this.#renewing ??= this.#renew(because).finally(() => { this.#renewing = null; });
    return this.#renewing;
  }

  async #renew(because) {
    let cancel = () => {};
    const tooLate = new Promise((_, reject) => { cancel = this.#after(ASK_MS, () => reject(new Error('the function did not answer in time.'))); });
    try {
      const asked = this.#ask({ again: this.#token !== null, error: because && new FoyerError(because) });
      const token = await Promise.race([asked, tooLate]);
      if (token === null || token === undefined || token === '') return none();
      if (typeof token !== 'string') return failed(`the function gave ${typeof token}, not a string.`);
      this.#token = token;
      return null;
    } catch (error) {
      return error instanceof FoyerError ? refusal(error.refusal) : failed(String(error?.message ?? error));
    } finally {
      cancel();
    }
  }
}
