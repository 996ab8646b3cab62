// `foyer doctor` against servers that are broken in one way each: small programs that speak the wrong bytes, and real
// servers that are set up wrongly. A row: the peer, the arguments, the code that must come first, and how sure.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';
import { atEnd, foyer, foyerJson, freePort, serve, temporary } from './support/foyer.mjs';
import { Authority, files } from './support/certificates.mjs';
import { register } from './support/people.mjs';

const accept = (head) => crypto.createHash('sha1').update(`${/Sec-WebSocket-Key: (.*)\r/i.exec(head)?.[1]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
const answer = (status, headers = {}, body = '') => `HTTP/1.1 ${status} X\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
const ok = (head, more = {}) => `HTTP/1.1 101 Switching Protocols\r\n${Object.entries({ Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Accept': accept(head), ...more }).filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
const isUpgrade = (head) => /^upgrade: *websocket\r$/im.test(head);
const value = (head, name) => new RegExp(`^${name}: *(.*)\r$`, 'im').exec(head)?.[1];

async function listening(t, server) {
  const sockets = new Set();
  server.on('connection', (socket) => { sockets.add(socket); socket.on('error', () => {}); socket.on('close', () => sockets.delete(socket)); });
  server.on('secureConnection', (socket) => socket.on('error', () => {}));
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  atEnd(t, () => new Promise((resolve) => { server.close(resolve); for (const socket of sockets) socket.destroy(); }));
  return server.address().port;
}

// A server of bytes: `reply` gets each head and the socket; what it returns is written, and a refusal ends the socket.
async function peer(t, reply, { secure } = {}) {
  const talk = (socket) => {
    let seen = '';
    socket.on('data', (bytes) => {
      if (seen === null) return;
      seen += bytes.toString('latin1');
      if (!seen.includes('\r\n\r\n')) return;
      const head = seen;
      seen = null;
      const text = reply(head, socket);
      if (text === undefined) return;
      socket.write(Buffer.from(text, 'latin1'));
      if (!/^HTTP\/1\.. 101/.test(text)) socket.end();
    });
  };
  const server = secure ? tls.createServer(secure, talk) : net.createServer(talk);
  const port = await listening(t, server);
  return `${secure ? 'wss' : 'ws'}://127.0.0.1:${port}/ws`;
}
// Plain requests are answered; upgrades by `reply`.
const upgrading = (reply, options) => (t) => peer(t, (head, socket) => (isUpgrade(head) ? reply(head, socket) : answer(200, {}, 'hello')), options);

// The frames of the peer; ours are masked.
const frame = (opcode, payload, first = 0x80) => Buffer.concat([Buffer.from([first | opcode, payload.length]), Buffer.from(payload)]);
function unmasked(bytes) {
  const out = [];
  for (let at = 0; at + 6 <= bytes.length;) {
    const size = bytes[at + 1] & 127;
    const mask = bytes.subarray(at + 2, at + 6);
    out.push({ opcode: bytes[at] & 15, payload: Buffer.from(bytes.subarray(at + 6, at + 6 + size).map((byte, i) => byte ^ mask[i % 4])) });
    at += 6 + size;
  }
  return out;
}
// A socket that works, apart from what `broken` does with a frame (true: it was dealt with).
const working = (broken = () => false) => (head, socket) => {
  socket.on('data', (bytes) => {
    if (bytes.toString('latin1', 0, 4) === 'GET ') return;
    for (const each of unmasked(bytes)) {
      if (broken(each, socket)) continue;
      if (each.opcode === 9) socket.write(frame(10, each.payload));
      if (each.opcode === 8) socket.end(frame(8, each.payload));
    }
  });
  return ok(head);
};
const after101 = (bytes, end = false) => (head, socket) => {
  setImmediate(() => { socket.write(bytes); if (end) socket.end(); });
  return ok(head);
};

// A JWT that nobody signed.
const jwt = (claims) => `${[{ alg: 'RS256' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.c2ln`;
// A hop that answers in Foyer's name and lets no message pass.
const asFoyer = (welcome) => (head, socket) => {
  if (!isUpgrade(head)) return answer(200, { 'X-Foyer': '1' });
  if (welcome && value(head, 'Authorization')) setImmediate(() => socket.write(frame(1, '{"type":"authentication_success"}')));
  return working()(head, socket).replace('\r\n\r\n', '\r\nX-Foyer: 1\r\n\r\n');
};

const doctor = async (url, ...args) => {
  const { code, json } = await foyerJson(['doctor', url, '--json', ...args]);
  return { code, ...json, shown: json.diagnosis ? `${json.diagnosis.code} ${json.diagnosis.confidence}` : json.verdict };
};

const ROWS = [
  ['a port on which nothing listens', async () => `ws://127.0.0.1:${await freePort()}/ws`, 'TCP_REFUSED proved'],
  ['a server of another kind', async (t) => `ws://127.0.0.1:${await listening(t, net.createServer((socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n')))}/`, 'NOT_HTTP proved'],
  ['a server that accepts and ends', async (t) => `ws://127.0.0.1:${await listening(t, net.createServer((socket) => socket.destroy()))}/`, 'TCP_RESET_AFTER_ACCEPT proved'],
  ['a server that answers nothing', async (t) => `ws://127.0.0.1:${await listening(t, net.createServer(() => {}))}/`, 'SERVER_SILENT proved'],
  ['a server that works', upgrading(working()), 'works'],
  ['wss:// to a port of plain HTTP', async (t) => (await upgrading(working())(t)).replace('ws:', 'wss:'), 'TLS_PEER_IS_PLAINTEXT proved'],
  ['a redirect to https', upgrading((head) => answer(301, { Location: `https://${value(head, 'Host')}/ws` })), 'REDIRECT_TO_HTTPS proved'],
  ['a redirect to a slash', upgrading(() => answer(301, { Location: '/ws/' })), 'REDIRECT_SLASH proved'],
  ['a redirect to a login', upgrading(() => answer(302, { Location: '/login?next=%2Fws' })), 'REDIRECT_LOGIN likely'],
  ['a redirect to another host', upgrading(() => answer(308, { Location: 'https://other.example/ws' })), 'REDIRECT_ELSEWHERE proved'],
  ['a login page', upgrading(() => answer(200, { 'Content-Type': 'text/html' }, '<input type="password">')), 'LOGIN_PAGE_200 likely'],
  ['a single-page application', upgrading(() => answer(200, { 'Content-Type': 'text/html' }, '<div id="root"></div>')), 'PATH_SPA_FALLBACK likely'],
  ['Basic authentication', upgrading(() => answer(401, { 'WWW-Authenticate': 'Basic realm="x"' })), 'PROXY_BASIC_AUTH proved'],
  ['a server that wants a token', upgrading(() => answer(401)), 'TOKEN_MISSING proved'],
  ['no route', (t) => peer(t, () => answer(404)), 'PATH_404 likely'],
  ['a doubled path', async (t) => (await peer(t, (head, socket) => (/^GET \/ws /.test(head) && isUpgrade(head) ? working()(head, socket) : answer(404)))).replace('/ws', '/ws/ws'), 'URL_DOUBLE_PATH proved'],
  ['a socket at another path', (t) => peer(t, (head, socket) => (/^GET \/ /.test(head) && isUpgrade(head) ? working()(head, socket) : answer(404))), 'PROXY_LOCATION_WITHOUT_UPGRADE proved'],
  ['a path without its slash', (t) => peer(t, (head, socket) => (/^GET \/ws\/ /.test(head) && isUpgrade(head) ? working()(head, socket) : answer(404))), 'URL_SLASH proved'],
  ['a firewall', upgrading(() => answer(403, { Server: 'cloudflare', 'CF-Ray': '8c1-FRA' })), 'WAF_BLOCK likely'],
  ['an access rule', upgrading(() => answer(403)), 'UPGRADE_FORBIDDEN possible'],
  ['a rule about the spelling', (t) => peer(t, (head, socket) => (/^Upgrade: WebSocket\r$/m.test(head) ? working()(head, socket) : answer(426))), 'UPGRADE_NAME_CASE proved'],
  ['a server that saw no upgrade', upgrading(() => answer(426, { Upgrade: 'websocket' })), 'PROXY_STRIPS_UPGRADE proved'],
  ['an old version', upgrading(() => answer(426, { 'Sec-WebSocket-Version': '8' })), 'WS_VERSION_UNSUPPORTED proved'],
  ['another site', upgrading(() => answer(421)), 'VHOST_UNKNOWN proved'],
  ['too many handshakes', upgrading(() => answer(429, { 'Retry-After': '7' })), 'TOO_MANY_HANDSHAKES proved'],
  ['a gateway without a server', (t) => peer(t, () => answer(502)), 'BACKEND_GONE proved'],
  ['a gateway without a server for sockets', upgrading(() => answer(502)), 'BACKEND_GONE_FOR_SOCKETS likely'],
  ['a gateway that waited', upgrading(() => answer(504)), 'PROXY_504 likely'],
  ['a full server', upgrading(() => answer(503, { 'Retry-After': '5' })), 'SERVER_FULL likely'],
  ['a failing server', upgrading(() => answer(500)), 'SERVER_ERROR possible'],
  ['a failing check in nginx', upgrading(() => answer(500, { Server: 'nginx/1.22.1' })), 'AUTH_SUBREQUEST_ERROR possible'],
  ['an upgrade that nobody answers', upgrading(() => undefined), 'UPGRADE_UNANSWERED proved'],
  ['an upgrade that is cut', upgrading((head, socket) => { socket.destroy(); }), 'UPGRADE_CUT proved'],
  ['a 101 without Upgrade', upgrading((head) => ok(head, { Upgrade: undefined })), 'RESPONSE_101_MANGLED proved'],
  ['a 101 with another Connection', upgrading((head) => ok(head, { Connection: 'keep-alive' })), 'RESPONSE_101_MANGLED proved'],
  ['a 101 of HTTP/1.0', upgrading((head) => ok(head).replace('HTTP/1.1', 'HTTP/1.0')), 'RESPONSE_101_MANGLED proved'],
  ['a 101 for another key', upgrading((head) => ok(head, { 'Sec-WebSocket-Accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' })), 'ACCEPT_MISMATCH proved'],
  ['a 101 from a cache', upgrading((head) => ok(head, { 'Sec-WebSocket-Accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=', Age: '30' })), 'CACHED_REPLY proved'],
  ['a list of origins', upgrading((head, socket) => (value(head, 'Origin') ? answer(403) : working()(head, socket))), 'ORIGIN_FORBIDDEN proved'],
  ['an origin that is not on the list', upgrading((head, socket) => (value(head, 'Origin') === `http://${value(head, 'Host')}` ? working()(head, socket) : answer(403))), 'ORIGIN_FORBIDDEN proved', ['--origin', 'https://elsewhere.example']],
  ['a token that is not accepted', upgrading((head, socket) => (value(head, 'Authorization') ? answer(401) : working()(head, socket))), 'TOKEN_REFUSED proved', ['--token', 'secret-token-1']],
  ['a token with quotation marks', upgrading((head, socket) => (value(head, 'Authorization') ? answer(401) : working()(head, socket))), 'TOKEN_HAS_PREFIX likely', ['--token', '"a.b.c"']],
  ['a token that was cut off', upgrading((head, socket) => (value(head, 'Authorization') ? answer(401) : working()(head, socket))), 'TOKEN_MALFORMED likely', ['--token', 'eyJhbGciOiJSUzI1NiJ9.eyJ']],
  ['an encrypted token', upgrading((head, socket) => (value(head, 'Authorization') ? answer(401) : working()(head, socket))), 'TOKEN_ENCRYPTED likely', ['--token', 'eyJ.b.c.d.e']],
  ['an old token', upgrading((head, socket) => (value(head, 'Authorization') ? answer(401) : working()(head, socket))), 'TOKEN_LOOKS_EXPIRED likely', ['--token', jwt({ exp: 1_700_000_000 })]],
  ['a token of the future', upgrading((head, socket) => (value(head, 'Authorization') ? answer(403) : working()(head, socket))), 'TOKEN_LOOKS_EARLY likely', ['--token', jwt({ nbf: 9_000_000_000 })]],
  ['a server that ignores long messages', (t) => peer(t, asFoyer(true)), 'BIG_MESSAGE_LOST likely', ['--token', jwt({})]],
  ['a server that does not see the token', (t) => peer(t, asFoyer(false)), 'TOKEN_UNREAD likely', ['--token', jwt({})]],
  ['a token that is too long', upgrading((head, socket) => (head.length > 4_000 ? answer(431) : working()(head, socket))), 'HEADERS_TOO_LARGE_AT_HOP proved', ['--token', 'x'.repeat(6_000)]],
  ['a subprotocol that is ignored', upgrading(working()), 'SUBPROTOCOL_NOT_ECHOED proved', ['--subprotocol', 'a']],
  ['a subprotocol that was not offered', upgrading((head) => ok(head, { 'Sec-WebSocket-Protocol': 'b' })), 'SUBPROTOCOL_UNKNOWN proved'],
  ['a subprotocol that is refused', upgrading((head, socket) => (value(head, 'Sec-WebSocket-Protocol') ? answer(400) : working()(head, socket))), 'SUBPROTOCOL_REFUSED proved', ['--subprotocol=a']],
  ['an extension that was not offered', upgrading((head) => ok(head, { 'Sec-WebSocket-Extensions': 'x-foo' })), 'EXTENSION_UNREQUESTED proved'],
  ['bad parameters of compression', upgrading((head) => ok(head, value(head, 'Sec-WebSocket-Extensions') ? { 'Sec-WebSocket-Extensions': 'permessage-deflate; server_max_window_bits=99' } : {})), 'PMD_PARAMS_BAD proved'],
  ['a refusal of compression', upgrading((head, socket) => (value(head, 'Sec-WebSocket-Extensions') ? answer(400) : working()(head, socket))), 'PMD_REFUSED proved'],
  ['a message that does not inflate', upgrading((head, socket) => {
    if (!value(head, 'Sec-WebSocket-Extensions')) return working()(head, socket);
    setImmediate(() => socket.write(frame(1, Buffer.from('ffffffffff', 'hex'), 0xc0)));
    return ok(head, { 'Sec-WebSocket-Extensions': 'permessage-deflate' });
  }), 'PMD_CORRUPT proved'],
  ['a page in the tunnel', upgrading(after101('<html>sorry</html>')), 'TUNNEL_CORRUPTED proved'],
  ['gzip in the tunnel', upgrading(after101(Buffer.from('1f8b08000000', 'hex'))), 'TUNNEL_CORRUPTED proved'],
  ['an HTTP answer in the tunnel', upgrading(after101('HTTP/1.1 500 Internal Server Error\r\n\r\n', true)), 'PROXY_SPOKE_HTTP_IN_SOCKET proved'],
  ['masked frames', upgrading(after101(Buffer.from('818100000000ff', 'hex'))), 'BROKEN_FRAMES proved'],
  ['pings that are not answered', upgrading(working((each) => each.opcode === 9)), 'PING_UNANSWERED proved'],
  ['answers that are held back', upgrading((head, socket) => {
    let held = Buffer.alloc(0);
    return working((each) => {
      if (each.opcode === 9) held = frame(10, each.payload);
      if (each.opcode === 8) socket.write(held);
      return each.opcode === 9;
    })(head, socket);
  }), 'TUNNEL_BUFFERED proved'],
  ['a tunnel that leads nowhere', upgrading((head) => ok(head)), 'TUNNEL_SILENT proved'],
  ['a Close at once', upgrading(after101(frame(8, Buffer.concat([Buffer.from([0x0f, 0xa1]), Buffer.from('no')])), true)), 'CLOSED_AFTER_UPGRADE proved'],
  ['an end at once', upgrading((head, socket) => { setImmediate(() => socket.end()); return ok(head); }), 'PEER_VANISHED proved'],
  ['one connection at a time', async (t) => {
    let open = 0;
    return upgrading((head, socket) => {
      if (open > 0) return answer(503);
      open += 1;
      socket.on('close', () => { open -= 1; });
      return working()(head, socket);
    })(t);
  }, 'SECOND_REFUSED likely'],
  ['a pool of which one differs', async (t) => {
    let count = 0;
    return upgrading((head, socket) => ((count += 1) > 6 && count % 2 === 0 ? answer(403) : working()(head, socket)))(t);
  }, 'POOL_MEMBER_BAD likely', ['--repeat', '4']],
  ['a quiet connection that nobody ends', upgrading(working()), 'works', ['--hold', '300ms']],
  ['a server that closes quiet connections', upgrading((head, socket) => { socket.setTimeout(1_500, () => socket.end(frame(8, Buffer.concat([Buffer.from([0x0f, 0xa1]), Buffer.from('idle')])))); return working()(head, socket); }), 'IDLE_CLOSED proved', ['--hold', '10s']],
  ['a time-out that is shorter', upgrading((head, socket) => { socket.setTimeout(1_500, () => socket.destroy()); return working()(head, socket); }), 'IDLE_TIMEOUT_AT_HOP likely', ['--hold', '10s']],
];
for (const [name, start, expected, args = []] of ROWS) {
  test(`${name}: ${expected}`, async (t) => {
    const seen = await doctor(await start(t), ...args);
    assert.equal(seen.shown, expected, JSON.stringify(seen, null, 1));
    assert.equal(seen.code, expected === 'works' ? 0 : 1);
  });
}

// ---- certificates

const pair = ({ certificate, key }) => ({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key) });
function selfSigned(dir) {
  const [key, cert] = ['self.key', 'self.pem'].map((name) => path.join(dir, name));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert, '-days', '3', '-subj', '/CN=self', '-addext', 'subjectAltName=IP:127.0.0.1'], { stdio: 'ignore' });
  return pair({ certificate: cert, key });
}
const CERTIFICATES = [
  ['a good one', (a) => pair(a.issue('a', 'IP:127.0.0.1')), 'works'],
  ['an expired one', (a) => pair(a.issue('a', 'IP:127.0.0.1', { from: -9 * 86_400_000, to: -3 * 86_400_000 })), 'TLS_CERT_EXPIRED proved'],
  ['one of the future', (a) => pair(a.issue('a', 'IP:127.0.0.1', { from: 86_400_000 })), 'TLS_CERT_NOT_YET_VALID proved'],
  ['one of another name', (a) => pair(a.issue('a', 'DNS:other.example')), 'TLS_NAME_MISMATCH proved'],
  ['one of an unknown authority', (a) => pair(a.issue('a', 'IP:127.0.0.1')), 'TLS_AUTHORITY_UNKNOWN proved', false],
  ['one that is its own issuer', (a) => selfSigned(a.dir), 'TLS_SELF_SIGNED proved', false],
  ['a wanted certificate of the client', (a) => ({ ...pair(a.issue('a', 'IP:127.0.0.1')), requestCert: true, ca: a.pem }), 'TLS_CLIENT_CERT_REQUIRED proved'],
  ['TLS 1.1 alone', (a) => ({ ...pair(a.issue('a', 'IP:127.0.0.1')), minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }), 'TLS_VERSION_OR_CIPHER proved'],
  ['HTTP/2 alone', (a) => ({ ...pair(a.issue('a', 'IP:127.0.0.1')), ALPNProtocols: ['h2'] }), 'TLS_ALPN_H2_ONLY proved'],
];
for (const [name, options, expected, trusted = true] of CERTIFICATES) {
  test(`a certificate, ${name}: ${expected}`, async (t) => {
    const authority = new Authority(temporary(t));
    const url = await upgrading(working(), { secure: options(authority) })(t);
    const seen = await doctor(url, ...(trusted ? ['--ca', authority.file] : []));
    assert.equal(seen.shown, expected, JSON.stringify(seen, null, 1));
  });
}

test('ws:// to a port of TLS: TLS_REQUIRED, and Foyer names it itself', async (t) => {
  const authority = new Authority(temporary(t));
  const certificate = authority.issue('a', 'IP:127.0.0.1');
  const url = await upgrading(working(), { secure: pair(certificate) })(t);
  assert.equal((await doctor(url.replace('wss:', 'ws:'))).shown, 'TLS_REQUIRED proved');
  const node = await serve(t, { env: files(certificate) });
  assert.equal((await doctor(`ws://127.0.0.1:${node.port}/ws/chat`)).shown, 'PLAIN_ON_TLS_PORT proved');
});

// ---- Foyer

test('a good server is told so in a few lines', async (t) => {
  const node = await serve(t);
  const { code, out } = await foyer(['doctor', `ws://${node.host}:${node.port}/ws/chat`]);
  assert.equal(code, 0, out);
  assert.match(out, /^ws:\/\/.*\/ws\/chat: WebSockets work\.$/m);
  for (const rung of ['tcp', 'health', 'plain', 'upgrade', 'origin', 'deflate', 'echo', 'second']) assert.match(out, new RegExp(`^  ${rung} +ok `, 'm'));
  assert.ok(out.split('\n').length < 16, out);
});

test('what Foyer refuses is reported by its own code', async (t) => {
  const node = await serve(t);
  const wrong = await doctor(`ws://${node.host}:${node.port}/ws/chatt`);
  assert.equal(wrong.shown, 'UNKNOWN_PATH proved');
  assert.match(wrong.diagnosis.evidence.join('\n'), /\/ws\/chat\b/);
  assert.equal((await doctor(`ws://${node.host}:${node.port}/ws/chat`, '--origin', 'https://evil.example')).shown, 'ORIGIN_NOT_ALLOWED proved');
  assert.equal((await doctor(`ws://${node.host}:${node.port}/ws/chat`, '--token', 'a.b.c')).shown, 'INVALID_FORMAT proved');
  const who = await register(node, 'alice');
  const good = await doctor(`ws://${node.host}:${node.port}/ws/chat`, '--token', who.access_token);
  assert.equal(good.shown, 'works', JSON.stringify(good, null, 1));
  assert.deepEqual(['auth', 'big'].map((name) => good.rungs.find(({ rung }) => rung === name)?.status), ['passed', 'passed']);
});

// ---- reports

test('a rung that depends on a failed one is skipped because of it', async (t) => {
  const seen = await doctor(`ws://127.0.0.1:${await freePort()}/ws`);
  assert.deepEqual(seen.rungs.map(({ rung, status, because }) => [rung, status, because]), [
    ['tcp', 'failed', undefined], ...['health', 'plain', 'upgrade', 'origin', 'deflate', 'echo', 'second'].map((rung) => [rung, 'skipped', 'tcp'])]);
});

test('a probe that itself fails is shown as such, and nothing is said to be fine', async (t) => {
  const authority = new Authority(temporary(t));
  const url = await upgrading(working(), { secure: pair(authority.issue('a', 'IP:127.0.0.1')) })(t);
  const { code, out } = await foyer(['doctor', url, '--ca', path.join(authority.dir, 'missing.pem')]);
  assert.equal(code, 2, out);
  assert.match(out, /no verdict/);
  assert.match(out, /tls +unknown .*this probe itself failed: cannot read the certificates/);
});

test('a name that does not exist', async () => {
  const seen = await doctor('ws://no-such-host.invalid/ws');
  assert.match(seen.shown, /^(DNS_NXDOMAIN|DNS_SERVFAIL_OR_TIMEOUT) proved$/); // the second where there is no resolver
});

test('no report contains the token, and the Markdown one neither host nor address', async (t) => {
  const token = 'eyJhbGciOi.secret.part';
  const url = await upgrading((head, socket) => (value(head, 'Authorization') ? answer(403, { Via: value(head, 'Authorization') }, value(head, 'Authorization')) : working()(head, socket)))(t);
  for (const form of [[], ['--json'], ['--markdown']]) {
    const { out } = await foyer(['doctor', `${url}?ticket=hidden`, '--token', '-', ...form], { input: `${token}\n` });
    assert.match(out, /TOKEN_MALFORMED/);
    assert.doesNotMatch(out, /secret|hidden/);
    if (form[0] === '--markdown') assert.doesNotMatch(out, /127\.0\.0\.1/);
  }
});

test('the recipe is for the product that answered', async (t) => {
  const url = await upgrading(() => answer(426, { Server: 'Apache/2.4.57' }))(t);
  const { out } = await foyer(['doctor', url]);
  assert.match(out, /Apache \(Server: Apache\/2\.4\.57\) needs:\n\n[\s\S]*upgrade=websocket/);
});

test('the server\'s clock is compared with ours', async (t) => {
  const date = new Date(Date.now() - 94_000).toUTCString();
  const url = await peer(t, (head, socket) => (isUpgrade(head) ? working()(head, socket) : answer(200, { Date: date })));
  const seen = await doctor(url);
  assert.equal(seen.shown, 'works');
  assert.match(seen.notes.join(), /9[345] s behind/);
});

test('arguments that cannot be: exit status 2, and why', async () => {
  const wrong = async (...args) => {
    const { code, err } = await foyer(['doctor', ...args]);
    assert.equal(code, 2, err);
    return err;
  };
  assert.match(await wrong(), /the URL is missing/);
  assert.match(await wrong('chat.example/ws'), /INVALID_URL/);
  assert.match(await wrong('ws://a/b', '--subprotocol', 'a/b'), /SUBPROTOCOL_ILLEGAL/);
  assert.match(await wrong('ws://a/b', '--hold', 'long'), /--hold is a duration/);
  assert.match(await wrong('ws://a/b', '--repeat', '0'), /--repeat is a number/);
  assert.match(await wrong('ws://a/b', '--orign', 'x'), /did you mean "--origin"/);
  assert.match(await wrong('ws://a/b', '--token', 'a b'), /no header can hold/);
});

test('`foyer explain` knows the findings, too', async () => {
  const { code, out } = await foyer(['explain', 'proxy-strips-upgrade']);
  assert.equal(code, 0);
  assert.match(out, /found by +foyer doctor[\s\S]*proxy_set_header Upgrade/);
  assert.equal((await foyerJson(['explain', 'TLS_REQUIRED', '--json'])).json.code, 'TLS_REQUIRED');
});

test('docs/findings.md is what the program prints', async () => {
  const page = fs.readFileSync(path.join(import.meta.dirname, '../../docs/findings.md'), 'utf8');
  assert.equal((await foyer(['doctor', '--reference'])).out, page, 'run tools/generate-docs');
});
