// A proxy that asks GET /auth/check before it lets a request pass: caddy's forward_auth
// and nginx's auth_request, in front of another application and of our own sockets.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { WebSocketServer } from 'ws';
import { atEnd, fileScope, freePort, serve } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { PASSWORD, register } from './support/people.mjs';
import { caddy, nginx } from './support/proxies.mjs';
import { Client, handshake } from './support/websocket.mjs';

// An application that knows nothing of logins: it believes X-Foyer-User.
async function application(t) {
  const server = http.createServer((request, response) => { response.end(JSON.stringify({ user: request.headers['x-foyer-user'] ?? null })); });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, request) => socket.send(JSON.stringify({ type: 'hello', user: request.headers['x-foyer-user'] ?? null })));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => { for (const socket of sockets.clients) socket.terminate(); server.closeAllConnections(); return new Promise((resolve) => server.close(resolve)); });
  return server.address().port;
}

const PROXIES = {
  caddy: (t, node, app) => caddy(t, `
  @guarded path /app/* /ws/*
  forward_auth @guarded ${node.host}:${node.port} {
    uri /auth/check
    copy_headers X-Foyer-User
  }
  reverse_proxy /app/* 127.0.0.1:${app}
  reverse_proxy ${node.host}:${node.port}`),
  nginx: (t, node, app) => nginx(t, `
    location = /check {
      internal;
      proxy_pass http://${node.host}:${node.port}/auth/check;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Original-URI $request_uri;
      proxy_set_header X-Forwarded-For $remote_addr;
    }
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    location /app/ {
      auth_request /check;
      auth_request_set $user $upstream_http_x_foyer_user;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Foyer-User $user;
      proxy_pass http://127.0.0.1:${app};
    }
    location /ws/ { auth_request /check; proxy_pass http://${node.host}:${node.port}; }
    location / { proxy_pass http://${node.host}:${node.port}; }`),
};

const file = fileScope(after);
let node, twice, app;
const fronts = {};
before(async () => {
  app = await application(file);
  const page = await freePort(); // the proxies' pages are one origin to browsers in these tests
  const origins = ['--allowed-origins', `http://127.0.0.1:${page}`, '--trusted-proxies', '127.0.0.1'];
  node = await serve(file, { args: origins });
  node.page = `http://127.0.0.1:${page}`;
  // Gateway and auth service as two processes: the gateway passes the question on.
  const secret = 'a service secret for two processes of one test';
  const key = 'Zq7-mXw2_Vt9Kd4pLs8Nc6Rb3Hy5Jf1G0aEu';
  const env = { SERVICE_SECRET: secret, SERVICE_ID: 'auth', JWT_SECRET_KEY: key };
  const auth = await serve(file, { env, args: ['--role', 'auth', ...origins] });
  twice = await serve(file, { env, args: ['--role', 'gateway', '--auth-service-url', auth.url, ...origins] });
  twice.page = node.page;
});

async function front(name, at) {
  const key = `${name} ${at.port}`;
  fronts[key] ??= PROXIES[name](file, at, app);
  return fronts[key];
}

let people = 0;
async function person(at) {
  const name = `forward-${people += 1}`;
  const account = await register(at, name);
  const login = await ask(at, 'POST', '/auth/login', { body: { name, password: PASSWORD, cookie: true } });
  assert.equal(login.status, 200, login.text);
  return { id: account.user.id, token: account.access_token, cookie: login.headers['set-cookie'].split(';')[0] };
}

for (const how of ['one process', 'two processes']) {
  const server = () => (how === 'one process' ? node : twice);
  for (const name of Object.keys(PROXIES)) {
    const scene = `${name}, ${how}`;

    test(`${scene}: without a login nothing passes, neither a page nor a socket`, async () => {
      const proxy = await front(name, server());
      assert.equal((await ask(proxy, 'GET', '/app/page')).status, 401);
      const { refused } = await handshake(proxy, { path: '/app/socket', headers: { Origin: node.page } });
      assert.equal(refused.status, 401);
    });

    test(`${scene}: with a Bearer token the application learns who asks, on pages and on sockets`, async () => {
      const proxy = await front(name, server());
      const who = await person(server());
      const page = await ask(proxy, 'GET', '/app/page', { token: who.token, headers: { 'X-Foyer-User': 'somebody else' } });
      assert.deepEqual([page.status, page.json], [200, { user: who.id }]);
      const { socket } = await handshake(proxy, { path: '/app/socket', headers: { Authorization: `Bearer ${who.token}` } });
      assert.deepEqual(await socket.messages.take(), { type: 'hello', user: who.id });
      socket.destroy();
    });

    test(`${scene}: with the session cookie a browser's page and its socket pass`, async () => {
      const proxy = await front(name, server());
      const who = await person(server());
      const page = await ask(proxy, 'GET', '/app/page', { headers: { Cookie: who.cookie } });
      assert.deepEqual([page.status, page.json], [200, { user: who.id }]);
      const { socket } = await handshake(proxy, { path: '/app/socket', headers: { Cookie: who.cookie, Origin: node.page } });
      assert.deepEqual(await socket.messages.take(), { type: 'hello', user: who.id });
      socket.destroy();
      const foreign = await handshake(proxy, { path: '/app/socket', headers: { Cookie: who.cookie, Origin: 'https://evil.example' } });
      assert.equal(foreign.refused.status, 403);
    });

    test(`${scene}: our own socket behind the check comes in by cookie, subprotocol and ticket`, async () => {
      const proxy = await front(name, server());
      const who = await person(server());
      const byCookie = await Client.open(proxy, { path: '/ws/chat?auth=cookie', headers: { Cookie: who.cookie, Origin: node.page } });
      assert.equal(byCookie.user.id, who.id);
      const bySubprotocol = await Client.open(proxy, { headers: { 'Sec-WebSocket-Protocol': `foyer.v1, bearer.${who.token}`, Origin: node.page } });
      assert.equal(bySubprotocol.user.id, who.id);
      const { json } = await ask(server(), 'POST', '/auth/tickets', { token: who.token, body: { origin: node.page } });
      const byTicket = await Client.open(proxy, { path: `/ws/chat?ticket=${json.ticket}`, headers: { Origin: node.page } });
      assert.equal(byTicket.user.id, who.id, 'the check did not use the ticket up');
      for (const client of [byCookie, bySubprotocol, byTicket]) client.socket.destroy();
    });
  }
}

test('a path with a route is HTTP whatever its headers say', async () => {
  for (const path of ['/auth/check', '/auth/me']) {
    const { refused } = await handshake(node, { path, headers: { Origin: node.page } });
    assert.deepEqual([refused.status, refused.json.code], [401, 'NO_TOKEN'], path);
  }
  const { refused } = await handshake(node, { path: '/health/live' });
  assert.equal(refused.status, 200);
  assert.equal((await handshake(node, { path: '/nowhere' })).refused.json.code, 'UNKNOWN_PATH');
});
