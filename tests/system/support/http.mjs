// HTTP in two strengths: `ask` is a well-behaved client on one connection per
// request; `raw` sends exactly the bytes it is given and reads one answer.
import net from 'node:net';
import tls from 'node:tls';
import { within } from './within.mjs';

// { status, headers (lower case → value; repeated ones joined), body, json, text }
export async function raw(node, bytes, { ms } = {}) {
  const socket = await connected(node);
  try {
    socket.write(bytes);
    return await within('an HTTP answer', readAnswer(socket), ms);
  } finally {
    socket.destroy();
  }
}

// node.from: the address to connect from (any of 127.0.0.0/8), for what is counted by address.
// node.tls: what tls.connect is to know besides; with it the connection is a TLS one.
export function connected(node, { half = false } = {}) {
  return within('a connection', new Promise((resolve, reject) => {
    const where = { host: node.host, port: node.port, localAddress: node.from, noDelay: true, allowHalfOpen: half };
    const socket = node.tls ? tls.connect({ ...where, ...node.tls }) : net.connect(where);
    socket.once(node.tls ? 'secureConnect' : 'connect', () => { socket.removeListener('error', reject); socket.on('error', () => {}); resolve(socket); });
    socket.once('error', reject);
  }));
}

export function head(node, method, path, headers = {}) {
  const lines = [`${method} ${path} HTTP/1.1`];
  const all = { Host: `${node.host}:${node.port}`, ...headers };
  for (const [name, value] of Object.entries(all)) {
    if (value === undefined) continue;
    for (const each of Array.isArray(value) ? value : [value]) lines.push(`${name}: ${each}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

// body: an object (JSON), a string, or nothing
export async function ask(node, method, path, { body, headers = {}, token } = {}) {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  const all = { ...headers };
  if (token) all.Authorization = `Bearer ${token}`;
  if (body !== undefined && all['Content-Type'] === undefined) all['Content-Type'] = 'application/json';
  if (all['Content-Type'] === null) delete all['Content-Type'];
  if (body !== undefined || method === 'POST') all['Content-Length'] = Buffer.byteLength(text);
  all.Connection = 'close';
  return raw(node, head(node, method, path, all) + text, {});
}

// Reads one answer off a socket: status line, headers, a body by Content-Length or to
// the end. `rest` are the bytes behind it.
export function readAnswer(socket, { toHead = false } = {}) {
  return new Promise((resolve, reject) => {
    let seen = Buffer.alloc(0);
    let answer = null;
    const finish = (body, rest) => {
      socket.off('data', onData);
      socket.off('close', onClose);
      const text = body.toString('utf8');
      resolve({ ...answer, body, text, rest, get json() { return JSON.parse(text); } });
    };
    const step = (ended) => {
      if (!answer) {
        const end = seen.indexOf('\r\n\r\n');
        if (end < 0) {
          if (ended) reject(new Error(`the connection closed inside the head: ${JSON.stringify(seen.toString('latin1'))}`));
          return;
        }
        const [first, ...lines] = seen.subarray(0, end).toString('latin1').split('\r\n');
        const match = /^HTTP\/1\.1 (\d{3})(?: (.*))?$/.exec(first);
        if (!match) return reject(new Error(`not an HTTP/1.1 answer: ${JSON.stringify(first)}`));
        const headers = {};
        for (const line of lines) {
          const [, name, value] = /^([^:]+):\s*(.*?)\s*$/.exec(line) ?? [];
          const key = name.toLowerCase();
          headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
        }
        answer = { status: Number(match[1]), reason: match[2] ?? '', headers };
        seen = seen.subarray(end + 4);
        if (toHead || answer.status === 101 || answer.status === 204 || answer.status === 304) return finish(Buffer.alloc(0), seen);
      }
      const length = answer.headers['content-length'];
      if (length !== undefined && seen.length >= Number(length)) return finish(seen.subarray(0, Number(length)), seen.subarray(Number(length)));
      if (ended) {
        if (length !== undefined) return reject(new Error(`the connection closed inside the body: ${seen.length} of ${length}`));
        finish(seen, Buffer.alloc(0));
      }
    };
    const onData = (chunk) => { seen = Buffer.concat([seen, chunk]); step(false); };
    const onClose = () => step(true);
    socket.on('data', onData);
    socket.on('close', onClose);
  });
}
