// What can go wrong between two processes, as values. A fault says on which of
// these it acts; a gate does what it says:
//
//   closed      nothing listens; connections that there were are reset
//   request     { reset: n } a reset once n bytes of the request have come
//   instead     bytes that are answered without asking the service
//   silent      the request is taken and never answered, nor asked
//   answer      the service did its work; then (answer) => { bytes, then }: what
//               of its answer comes back, and how the connection goes on
//               (undefined: as HTTP says, 'end', 'reset', 'nothing')
//   before      milliseconds that pass before an answer
//   each        milliseconds that pass before each byte of it
import { compose, rewritten } from './message.mjs';

export const pass = { name: 'all is well' };

// ---- while connecting
export const refuse = { name: 'refuses the connection', closed: true };
export const resetAtOnce = { name: 'resets the connection once it is there', request: { reset: 0 } };
export const resetInRequest = (n) => ({ name: `resets after ${n} bytes of the request`, request: { reset: n } });

// ---- while waiting
export const hang = { name: 'never answers', silent: true };
export const delay = (ms) => ({ name: `answers ${ms} ms late`, before: ms, answer: (answer) => ({ bytes: answer.bytes }) });

// ---- while reading
export const trickle = (ms) => ({ name: `answers one byte in ${ms} ms`, each: ms, answer: (answer) => ({ bytes: answer.bytes }) });
const cut = (n, then) => (answer) => ({ bytes: answer.bytes.subarray(0, n < 0 ? answer.bytes.length + n : n), then });
// n < 0 counts from the end of the answer.
export const resetInAnswer = (n) => ({ name: `resets at byte ${n} of the answer`, answer: cut(n, 'reset') });
export const truncate = (n) => ({ name: `ends at byte ${n} of the answer`, answer: cut(n, 'end') });
export const stall = (n) => ({ name: `falls silent at byte ${n} of the answer`, answer: cut(n, 'nothing') });

// ---- another answer
const answered = (name, status, headers, body) => ({ name, instead: compose(status, headers, body), status });
const FOYER = { 'X-Foyer': '1.0.0; build=gate; ref=gate000000000000' };
export const plain = (status) => answered(`answers ${status}, and is none of ours`, status, { 'Content-Type': 'text/plain' }, `${status}\n`);
// A refusal of the auth service itself.
export const problem = (code, step, { status = 503, retryAfter = 1_500 } = {}) => answered(`refuses with ${code}`, status, { ...FOYER, 'Content-Type': 'application/problem+json' },
  JSON.stringify({ type: `/causes/${code}`, title: code, status, detail: code, code, step, ref: 'gate000000000000', retry: 'after', retry_after_ms: retryAfter }));
export const html = answered('answers with a web page', 200, { 'Content-Type': 'text/html; charset=utf-8' }, '<!doctype html><title>Log in</title><form method=post></form>');
export const redirect = answered('redirects', 302, { Location: 'https://login.example/', 'Content-Type': 'text/html' }, '<a href="https://login.example/">Found</a>');
export const notJson = answered('answers with something that is no JSON', 200, { ...FOYER, 'Content-Type': 'application/json' }, '{"valid":tru');
export const wrongJson = answered('answers with other JSON', 200, { ...FOYER, 'Content-Type': 'application/json' }, '{"active":true,"username":"ann"}');
export const foreignJson = answered('is another server that answers JSON', 200, { 'Content-Type': 'application/json', Server: 'other/2.1' }, '{"valid":true,"identity":{}}');

// ---- the truth, changed
// A clock that is wrong by so many milliseconds: the Date of answers, and `time` in their JSON.
export const clock = (ms) => ({
  name: `has a clock that is wrong by ${ms} ms`,
  answer: (answer) => {
    const headers = answer.headers.date ? { date: new Date(Date.parse(answer.headers.date) + ms).toUTCString() } : {};
    let body = answer.body;
    try {
      const json = JSON.parse(body.toString());
      if (Number.isSafeInteger(json.time)) body = JSON.stringify({ ...json, time: json.time + ms });
    } catch { /* no JSON: only its Date */ }
    return { bytes: rewritten(answer, { headers, body }) };
  },
});
// Another member of the JSON in an answer: change((json) => json)
export const changed = (name, change) => ({ name, answer: (answer) => ({ bytes: rewritten(answer, { body: JSON.stringify(change(JSON.parse(answer.body.toString()))) }) }) });
