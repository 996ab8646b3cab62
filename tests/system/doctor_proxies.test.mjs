// `foyer doctor` through real proxies, each set up wrongly in one way. A row: the proxy, its configuration, what is behind it, the
// code that must come first and how sure. Behind it is Foyer, which names what it sees, or a server of the npm package ws, which does not.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { WebSocketServer } from 'ws';
import { Authority } from './support/certificates.mjs';
import { atEnd, fileScope, foyer, foyerJson, freePort, serve, temporary } from './support/foyer.mjs';
import { register } from './support/people.mjs';
import { apache, caddy, haproxy, lighttpd, nghttpx, nginx, squid, stunnel, tinyproxy, varnish } from './support/proxies.mjs';

const scope = fileScope(after);
let node, other;
before(async () => { node = await serve(scope); other = await plainServer(); });

// A page at every path, and sockets at /ws/chat.
async function plainServer() {
  const server = http.createServer((request, response) => response.end('a page'));
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, rest) => sockets.handleUpgrade(request, socket, rest, (client) => client.on('message', (text) => client.send(text))));
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  atEnd(scope, () => { for (const client of sockets.clients) client.terminate(); server.close(); server.closeAllConnections(); });
  return { host: '127.0.0.1', port: server.address().port };
}

const at = ({ host, port }) => `http://${host}:${port}`;
const nobody = async () => ({ host: '127.0.0.1', port: await freePort() });
const PASS = 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; proxy_set_header Host $http_host;';
const inNginx = (lines, more = '') => (t, to) => nginx(t, `${more} location / { ${lines} proxy_pass ${at(to)}; }`);
const socketInNginx = (lines) => (t, to) => nginx(t, `location / { ${PASS} proxy_pass ${at(to)}; } location = /ws/chat { ${lines} }`);
const inCaddy = (lines = '') => (t, to) => caddy(t, `reverse_proxy ${to.host}:${to.port} {\n${lines}\n}`);
const inHaproxy = (options) => (t, to) => haproxy(t, to, options);
const inApache = (lines) => (t, to) => apache(t, lines(`${to.host}:${to.port}`));

const STRIPPED = ['UPGRADE_STRIPPED proved'];
const ROWS = [
  ['nginx as it should be', inNginx(PASS), 'foyer', ['works']],
  ['nginx as it should be', inNginx(PASS), 'other', ['works']],
  ['nginx without a line for sockets', inNginx(''), 'foyer', STRIPPED, 'proxy_set_header Upgrade'],
  ['nginx without a line for sockets', inNginx(''), 'other', ['PROXY_STRIPS_UPGRADE proved', 'PROXY_STRIPS_UPGRADE likely'], 'proxy_set_header Upgrade'],
  ['nginx with Connection ""', inNginx('proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "";'), 'foyer', STRIPPED, 'proxy_set_header Upgrade'],
  ['nginx with HTTP/1.0', inNginx('proxy_http_version 1.0; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";'), 'foyer', STRIPPED],
  ['nginx without its server', inNginx(PASS), 'nobody', ['BACKEND_GONE proved']],
  ['nginx with another port for sockets', socketInNginx('proxy_pass http://127.0.0.1:1;'), 'foyer', ['BACKEND_GONE_FOR_SOCKETS likely']],
  ['nginx that answers 404', socketInNginx('return 404;'), 'foyer', ['PATH_404 likely']],
  ['nginx that redirects to a slash', socketInNginx('return 301 /ws/chat/;'), 'foyer', ['REDIRECT_SLASH proved']],
  ['nginx that redirects to https', socketInNginx('return 301 https://$host$request_uri;'), 'foyer', ['REDIRECT_TO_HTTPS proved']],
  ['nginx that redirects to a login', socketInNginx('return 302 https://$host/oauth2/start;'), 'foyer', ['REDIRECT_LOGIN likely']],
  ['nginx with Basic authentication', socketInNginx(`auth_basic "staff"; auth_basic_user_file /dev/null; ${PASS} proxy_pass http://127.0.0.1:1;`), 'foyer', ['PROXY_BASIC_AUTH proved']],
  ['nginx that denies', socketInNginx('deny all;'), 'foyer', ['UPGRADE_FORBIDDEN likely']],
  ['nginx with a single-page application', socketInNginx('default_type text/html; return 200 "<div id=root></div>";'), 'foyer', ['PATH_SPA_FALLBACK likely']],
  ['nginx whose check fails', (t, to) => nginx(t, `location / { ${PASS} proxy_pass ${at(to)}; } location = /check { return 500; } location = /ws/chat { auth_request /check; ${PASS} proxy_pass ${at(to)}; }`), 'foyer', ['AUTH_SUBREQUEST_ERROR possible']],
  ['nginx that limits requests', (t, to) => nginx(t, `location / { ${PASS} proxy_pass ${at(to)}; } location = /ws/chat { return 429; }`), 'foyer', ['TOO_MANY_HANDSHAKES proved']],
  ['nginx with small buffers', inNginx(PASS, 'large_client_header_buffers 2 4k;'), 'other', ['HEADERS_TOO_LARGE_AT_HOP likely', 'HEADERS_TOO_LARGE_AT_HOP proved'], 'large_client_header_buffers', ['--token', 'x'.repeat(6_000)]],
  ['nginx that ends quiet sockets', inNginx(`${PASS} proxy_read_timeout 2s;`), 'other', ['IDLE_TIMEOUT_AT_HOP likely'], 'proxy_read_timeout', ['--hold', '10s']],
  ['haproxy as it should be', inHaproxy(), 'foyer', ['works']],
  ['haproxy without its server', inHaproxy(), 'nobody', ['BACKEND_GONE likely']],
  ['haproxy that removes Upgrade', inHaproxy({ lines: '  http-request del-header Upgrade' }), 'foyer', STRIPPED],
  ['haproxy that denies', inHaproxy({ lines: '  http-request deny' }), 'other', ['UPGRADE_FORBIDDEN likely']],
  ['haproxy with the PROXY protocol', inHaproxy({ mode: 'tcp', server: 'send-proxy' }), 'foyer', ['PROXY_PROTOCOL_UNEXPECTED proved']],
  ['haproxy that ends quiet sockets', inHaproxy({ defaults: '  timeout tunnel 2s' }), 'other', ['IDLE_TIMEOUT_AT_HOP likely'], '', ['--hold', '10s']],
  ['caddy as it should be', inCaddy(), 'foyer', ['works']],
  ['caddy without its server', inCaddy(), 'nobody', ['BACKEND_GONE proved']],
  ['caddy that removes Upgrade', inCaddy('header_up -Upgrade'), 'other', ['PROXY_STRIPS_UPGRADE likely', 'PROXY_STRIPS_UPGRADE proved'], 'reverse_proxy'],
  ['apache with upgrade=websocket', inApache((to) => `ProxyPass "/" "http://${to}/" upgrade=websocket`), 'foyer', ['works']],
  ['apache without it', inApache((to) => `ProxyPass "/" "http://${to}/"`), 'foyer', STRIPPED, 'upgrade=websocket'],
  ['apache without its server', inApache((to) => `ProxyPass "/" "http://${to}/" upgrade=websocket`), 'nobody', ['BACKEND_GONE likely']],
  ['apache with a rule that knows one spelling', inApache((to) => `RewriteEngine On\nRewriteCond %{HTTP:Upgrade} =WebSocket\nRewriteRule ^/(.*) ws://${to}/$1 [P,L]\nProxyPass "/" "http://${to}/"`), 'foyer', ['UPGRADE_NAME_CASE proved']],
  ['squid without a rule', (t, to) => squid(t, to), 'foyer', STRIPPED, 'http_upgrade_request_protocols'],
  ['squid with a rule', (t, to) => squid(t, to, 'http_upgrade_request_protocols websocket allow all'), 'foyer', ['works']],
  ['squid with the spelling of its manual', (t, to) => squid(t, to, 'http_upgrade_request_protocols WebSocket allow all'), 'foyer', ['UPGRADE_NAME_CASE proved']],
  ['varnish as it comes', (t, to) => varnish(t, to), 'foyer', STRIPPED, 'vcl_pipe'],
  ['varnish with a pipe', (t, to) => varnish(t, to, 'sub vcl_recv { if (req.http.upgrade ~ "(?i)websocket") { return (pipe); } }\nsub vcl_pipe { if (req.http.upgrade) { set bereq.http.upgrade = req.http.upgrade; set bereq.http.connection = req.http.connection; } }'), 'foyer', ['works']],
  ['varnish without its server', (t, to) => varnish(t, to), 'nobody', ['BACKEND_GONE likely']],
  ['lighttpd without upgrade', (t, to) => lighttpd(t, to), 'foyer', STRIPPED, '"upgrade" => "enable"'],
  ['lighttpd with upgrade', (t, to) => lighttpd(t, to, 'proxy.header = ( "upgrade" => "enable" )'), 'foyer', ['works']],
  ['lighttpd without its server', (t, to) => lighttpd(t, to, 'proxy.header = ( "upgrade" => "enable" )'), 'nobody', ['BACKEND_GONE likely']],
  ['tinyproxy', (t, to) => tinyproxy(t, to), 'foyer', STRIPPED],
];

const doctor = async (url, ...args) => {
  const { json } = await foyerJson(['doctor', url, '--json', ...args]);
  return { ...json, shown: json.diagnosis ? `${json.diagnosis.code} ${json.diagnosis.confidence}` : json.verdict };
};

for (const [name, start, behind, accepted, recipe = '', args = []] of ROWS) {
  test(`${name}, ${{ foyer: 'Foyer', other: 'another server', nobody: 'nobody' }[behind]} behind it: ${accepted[0]}`, async (t) => {
    const to = behind === 'foyer' ? node : behind === 'other' ? other : await nobody();
    const proxy = await start(t, to);
    const seen = await doctor(`ws://${proxy.host}:${proxy.port}/ws/chat`, ...(behind === 'foyer' ? ['--origin', at(node)] : []), ...args);
    assert.ok(accepted.includes(seen.shown), `${seen.shown}: ${JSON.stringify(seen, null, 1)}`);
    if (recipe) assert.ok(seen.diagnosis.recipe?.includes(recipe), JSON.stringify(seen.diagnosis, null, 1));
  });
}

// ---- TLS in front

test('stunnel: works, and ws:// to its port is named', async (t) => {
  const authority = new Authority(temporary(t));
  const proxy = await stunnel(t, node, authority.issue('front', 'IP:127.0.0.1'));
  assert.equal((await doctor(`wss://127.0.0.1:${proxy.port}/ws/chat`, '--ca', authority.file, '--origin', at(node))).shown, 'works');
  assert.equal((await doctor(`ws://127.0.0.1:${proxy.port}/ws/chat`)).shown, 'TLS_REQUIRED proved');
});

test('nghttpx: works over HTTP/1.1, and ws:// to its port is named', async (t) => {
  const authority = new Authority(temporary(t));
  const proxy = await nghttpx(t, node, authority.issue('front', 'IP:127.0.0.1'));
  assert.equal((await doctor(`wss://127.0.0.1:${proxy.port}/ws/chat`, '--ca', authority.file, '--origin', at(node))).shown, 'works');
  assert.equal((await doctor(`ws://127.0.0.1:${proxy.port}/ws/chat`)).shown, 'TLS_REQUIRED proved');
});

// ---- what a proxy does to a token, and to a server that works

test('nginx removes Authorization: Foyer says so itself', async (t) => {
  const who = await register(node, 'alice');
  const proxy = await inNginx(`${PASS} proxy_set_header Authorization "";`)(t, node);
  assert.equal((await doctor(`ws://127.0.0.1:${proxy.port}/ws/chat`, '--origin', at(node), '--token', who.access_token)).shown, 'AUTH_HEADER_STRIPPED proved');
});

test('--direct: the server works, and what stands in front of it does not', async (t) => {
  const proxy = await socketInNginx('return 418;')(t, other);
  const url = `ws://127.0.0.1:${proxy.port}/ws/chat`;
  assert.equal((await doctor(url)).shown, 'UPGRADE_REFUSED possible');
  const seen = await doctor(url, '--direct', `${other.host}:${other.port}`);
  assert.equal(seen.shown, 'NOT_THROUGH_PROXY proved');
  assert.match(seen.diagnosis.recipe, /proxy_set_header Upgrade/);
  const gone = await doctor(url, '--direct', `127.0.0.1:${await freePort()}`);
  assert.equal(gone.shown, 'UPGRADE_REFUSED possible');
  assert.match(gone.diagnosis.evidence.join('\n'), /at the server's own address: no connection: Connection refused/);
});

// ---- several servers behind one name

test('one server of a pool that differs', async (t) => {
  const strict = await serve(t, { args: ['--allowed-origins', 'https://elsewhere.example'] });
  const proxy = await nginx(t, `location / { ${PASS} proxy_pass http://pool; } } upstream pool { server ${other.host}:${other.port}; server ${strict.host}:${strict.port} max_fails=0; `);
  const seen = await doctor(`ws://127.0.0.1:${proxy.port}/ws/chat`, '--repeat', '6');
  assert.match(seen.shown, /^(POOL_MEMBER_BAD likely|ORIGIN_NOT_ALLOWED proved)$/, JSON.stringify(seen, null, 1));
});

test('the recipe is printed to be pasted', async (t) => {
  const proxy = await inNginx('')(t, other);
  const { out } = await foyer(['doctor', `ws://127.0.0.1:${proxy.port}/ws/chat`]);
  assert.match(out, /nginx \(Server: nginx\/[\d.]+\) needs:\n\n {6}map \$http_upgrade/);
  const text = fs.readFileSync(path.join(import.meta.dirname, '../../docs/findings.md'), 'utf8');
  assert.ok(text.includes('map $http_upgrade $connection_upgrade'));
});
