// A refusal as the pages hold it: what the server said, whole. It comes from a
// problem+json answer, an `error` or `authentication_error` message, a close
// reason, or from the network when nothing was said at all.
//
//   { code, message, who, next, ref, retry, retryAfterMs, field, status, step, heard }
//
// `code` is empty when no Foyer spoke: then `heard` is 'nothing' or 'stranger'. What was
// found on this side has a code that begins with CLIENT_, and `heard` is 'client'.

// What a close code alone says about trying again (the reason's code says the rest).
const RETRY_BY_CLOSE = new Map([
  [1001, 'after'], [1006, 'after'], [1011, 'after'], [1012, 'after'], [1013, 'after'],
  [4400, 'never'], [4401, 'refresh'], [4403, 'never'], [4404, 'never'], [4408, 'after'], [4409, 'never'],
  [4429, 'after'], [4500, 'after'], [4503, 'after'],
]);

export function refusal(fields) {
  return { code: '', message: '', who: '', next: '', ref: '', retry: 'never', retryAfterMs: null, field: '', status: 0, step: '', heard: 'foyer', ...fields };
}

// `error`, `authentication_error`
export function fromMessage(message) {
  return refusal({
    code: message.code, message: message.message, ref: message.ref ?? '', retry: message.retry ?? 'never',
    retryAfterMs: message.retry_after_ms ?? null, field: message.field ?? '', step: message.step ?? '',
  });
}

// A Close frame: the reason is `CODE ref`, perhaps with more behind it. With a code of the application it is the application's text.
export function fromClose(code, reason) {
  const [, cause = '', ref = ''] = /^([A-Z][A-Z0-9_]+)(?: (\S+))?/.exec(reason) ?? [];
  const theirs = code >= 4000 && code < 5000 && !RETRY_BY_CLOSE.has(code); // a code of the application
  if (theirs && !cause && reason) return refusal({ code: 'DISCONNECTED_BY_APP', retry: code < 4500 ? 'after' : 'never', status: code, message: reason });
  const retry = RETRY_BY_CLOSE.get(code) ?? (theirs && code >= 4500 ? 'never' : 'after');
  return refusal({ code: cause, ref, retry, status: code, message: cause ? '' : 'The connection was lost.', heard: cause ? 'foyer' : 'nothing' });
}

// An answer that is not 2xx. A page of another origin does not see X-Foyer; there the type of the problem tells.
export async function fromResponse(response) {
  const body = await response.json().catch(() => null);
  const ours = response.headers.has('x-foyer') || body?.type?.endsWith?.(`/causes/${body.code}`);
  if (!ours || typeof body?.code !== 'string') {
    return refusal({
      heard: 'stranger', status: response.status, retry: 'after',
      message: `Something between this client and Foyer answered with ${response.status}.`,
      who: 'operator', next: 'Check the proxy, the firewall or the other server at this address.',
    });
  }
  return refusal({
    code: body.code, message: body.detail || body.title || '', ref: body.ref ?? '', retry: body.retry ?? 'never',
    retryAfterMs: body.retry_after_ms ?? null, field: body.field ?? '', status: response.status, step: body.step ?? '', next: body.next ?? '',
  });
}

export function silence() {
  return refusal({ heard: 'nothing', retry: 'after', message: 'The server does not answer.', who: 'nobody', next: 'The next attempt comes by itself.' });
}

export function stoppedByProxy() {
  return refusal({
    heard: 'stranger', retry: 'after', who: 'operator',
    message: 'HTTP requests reach the server, but WebSocket connections do not.',
    next: 'Configure the proxy in front of the server to pass WebSocket upgrades, and check that ALLOWED_ORIGINS contains the address of this page.',
  });
}

// It passes by itself: asking again later is worth it, and nobody has been judged.
export const isPassing = (r) => r.retry === 'after' && r.status !== 429;

// What was typed is at fault, and whoever typed it can say it otherwise.
const MISTAKES = new Set(['CREDENTIALS_REJECTED', 'NOT_A_MEMBER', 'NO_SUCH_PERSON', 'NO_INVITATION', 'PERMISSION_DENIED', 'BAD_MESSAGE']);
export const isMistake = (r) => r.heard === 'foyer' && r.retry !== 'after' && (MISTAKES.has(r.code) || /^(NAME|PASSWORD|TOTP|ROOM|INVITATION)_/.test(r.code));

// The server is there, but the service that knows the accounts is not.
export const isAuthAway = (r) => r.step === 'auth_service' || r.step === 'service_identity' || r.code.startsWith('AUTH_SERVICE_');

// Two refusals of one event: the close that made us ask for a new token, and the
// answer to that. REFRESH_UNKNOWN says only that the session is gone; why it went
// stands in the close.
export function telling(close, answer) {
  const closeSaysMore = answer.code === 'REFRESH_UNKNOWN' && close?.code && close.code !== 'TOKEN_EXPIRED';
  return closeSaysMore ? { ...close, retry: answer.retry, status: answer.status, endedFor: answer.endedFor } : answer;
}

// Who must act, in words.
export const WHO = {
  operator: 'the server operator',
  user: 'you',
  client: 'the developer of this page',
  nobody: 'no action needed; this is temporary',
};
