// A refusal as an error: what promises of this package reject with. The codes of the server are
// those of docs/causes.md; a code that begins with CLIENT_ was made here, because the server said
// nothing.
import { fromResponse, refusal } from './refusal.mjs';

function codeOf(r) {
  if (r.code) return r.code;
  if (r.lost) return 'CLIENT_CONNECTION_LOST';
  return { nothing: 'CLIENT_NO_ANSWER', stranger: 'CLIENT_NOT_FOYER' }[r.heard] ?? 'CLIENT_REFUSED';
}

export class FoyerError extends Error {
  name = 'FoyerError';

  // of: a refusal (core/refusal.mjs), or those members of one that are known
  constructor(of) {
    const whole = refusal(of);
    const code = codeOf(whole);
    super(whole.message || code);
    const { who, next, retry, retryAfterMs, ref, field, step, status } = whole;
    Object.assign(this, { code, who, next, retry, retryAfterMs, ref, field, step, status });
    Object.defineProperty(this, 'refusal', { value: of }); // not for the eye
  }

  // What an HTTP answer that is not 2xx says: for the function that gets tokens.
  static async from(response) { return new FoyerError(await fromResponse(response)); }

  toString() { return `${this.code}: ${[this.message, this.next].filter(Boolean).join(' ')}${this.ref ? ` (${this.ref})` : ''}`; }
}
