// HTTP/1.1 messages taken off a stream of bytes, as values that keep their bytes:
// what goes through the gate unharmed goes through it unchanged. Bodies have a
// Content-Length, or (answers) last until the end; that is all that Foyer writes.

export class MessageReader {
  #bytes = Buffer.alloc(0);
  #kind;

  constructor(kind) { this.#kind = kind; } // 'request' or 'answer'

  get pending() { return this.#bytes.length; }

  // The messages that are whole with this chunk. `bodiless`: an answer to HEAD.
  feed(chunk, { bodiless = false, ended = false } = {}) {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    const whole = [];
    for (;;) {
      const message = this.#take(bodiless, ended);
      if (!message) return whole;
      whole.push(message);
    }
  }

  #take(bodiless, ended) {
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end < 0) return null;
    const head = parseHead(this.#bytes.subarray(0, end).toString('latin1'), this.#kind);
    const start = end + 4;
    let length = head.headers['content-length'] === undefined ? null : Number(head.headers['content-length']);
    if (bodiless || this.#kind === 'request' && length === null || head.status === 204 || head.status === 304) length = 0;
    if (length === null && !ended) return null;
    length ??= this.#bytes.length - start;
    if (this.#bytes.length < start + length) return null;
    const bytes = this.#bytes.subarray(0, start + length);
    this.#bytes = this.#bytes.subarray(start + length);
    return { ...head, bytes, body: bytes.subarray(start) };
  }
}

function parseHead(text, kind) {
  const [first, ...lines] = text.split('\r\n');
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const words = first.split(' ');
  if (kind === 'answer') return { first, status: Number(words[1]), headers };
  return { first, method: words[0], target: words[1], path: words[1].split('?')[0], headers };
}

const REASONS = { 200: 'OK', 302: 'Found', 404: 'Not Found', 500: 'Internal Server Error', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout' };

// The bytes of an answer.
export function compose(status, headers, body = '') {
  const content = Buffer.from(body);
  const lines = [`HTTP/1.1 ${status} ${REASONS[status] ?? 'Status'}`];
  for (const [name, value] of Object.entries({ ...headers, 'Content-Length': content.length, Connection: 'close' })) lines.push(`${name}: ${value}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), content]);
}

// An answer with another body and other headers, the rest as it was.
export function rewritten(answer, { headers = {}, body = answer.body } = {}) {
  const content = Buffer.from(body);
  const { 'content-length': _, ...kept } = { ...answer.headers, ...headers };
  const lines = [answer.first, ...Object.entries({ ...kept, 'content-length': content.length }).map(([name, value]) => `${name}: ${value}`)];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), content]);
}
