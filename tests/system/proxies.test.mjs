// What proxies of other people do to a WebSocket, and that each fault is named for what
// it is: to the client, in the log, in the metrics and by `foyer why`.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';
import { foyer, serve, temporary } from './support/foyer.mjs';
import { Authority, files } from './support/certificates.mjs';
import { ask, connected, head, raw, readAnswer } from './support/http.mjs';
import { register } from './support/people.mjs';
import { caddy, haproxy, nginx, privoxy, stunnel } from './support/proxies.mjs';
import { Client, frame, handshake, upgrade, upgradeHeaders } from './support/websocket.mjs';
import { until, within } from './support/within.mjs';

const DEBUG = ['--log-level', 'debug'];
// Quiet sockets: the proxies' time-outs are shorter than our pings.
const QUIET = [...DEBUG, '--heartbeat-interval', '10m', '--proxy-idle-timeout', '20m', '--heartbeat-timeout', '1m'];

const metrics = async (node) => (await ask(node, 'GET', '/metrics', { headers: { 'X-API-Key': fs.readFileSync(path.join(node.data, 'api_key'), 'utf8').trim() } })).text;
async function metric(node, name) {
  const line = (await metrics(node)).split('\n').find((each) => each.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.split(' ').at(-1));
}

// However long the sockets had been quiet.
async function ends(node, way) {
  return (await metrics(node)).split('\n').filter((line) => line.startsWith(`foyer_socket_ends_total{way="${way}",idle=`)).reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

// The refusal as the operator finds it, by its reference.
async function named(node, code, { next, ref } = {}) {
  const line = await node.logged('refused', ref ? { code, ref } : { code });
  assert.ok(await until(`${code} in the metrics`, () => metric(node, `foyer_refusals_total{code="${code}",step="${line.step}"}`)) >= 1);
  const why = await foyer(['why', line.ref, '--data', node.data]);
  assert.equal(why.code, 0, why.err);
  assert.match(why.out, new RegExp(`^${code} `));
  if (next) {
    assert.match(why.out, next);
    assert.match(line.next, next);
  }
  return line;
}

// ---- the upgrade

const NGINX = {
  'nginx with Connection ""': ['proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "";', /proxy_set_header Connection "upgrade"/],
  'nginx without proxy_http_version 1.1': ['proxy_http_version 1.0; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";', /proxy_http_version 1\.1/],
  'nginx without a line for sockets': ['proxy_http_version 1.0;', /proxy_set_header Upgrade \$http_upgrade/],
};
for (const [name, [lines, next]] of Object.entries(NGINX)) {
  test(`${name} is told which line is missing, and the client is not blamed`, async (t) => {
    const node = await serve(t);
    const proxy = await nginx(t, `location / { ${lines} proxy_pass http://${node.host}:${node.port}; }`);
    const { refused } = await handshake(proxy);
    assert.deepEqual([refused.status, refused.json.code], [426, 'UPGRADE_STRIPPED']);
    assert.match(refused.json.next, next);
    await named(node, 'UPGRADE_STRIPPED', { next });
  });
}

test('privoxy, which closes every connection, is told from a fault of the client: use wss', async (t) => {
  const node = await serve(t);
  const proxy = await privoxy(t);
  const answer = await raw(proxy, head(node, 'GET', `http://${node.host}:${node.port}/ws/chat`, upgradeHeaders()));
  assert.deepEqual([answer.status, answer.json.code], [426, 'UPGRADE_STRIPPED']);
  await named(node, 'UPGRADE_STRIPPED', { next: /Use wss:\/\// });
});

for (const [name, start] of Object.entries({
  nginx: (t, node) => nginx(t, `location / { proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; proxy_set_header Host $http_host; proxy_pass http://${node.host}:${node.port}; }`),
  caddy: (t, node) => caddy(t, `reverse_proxy ${node.host}:${node.port}`),
  haproxy: (t, node) => haproxy(t, node),
})) {
  test(`${name} as it should be carries a conversation`, async (t) => {
    const node = await serve(t);
    const proxy = await start(t, node);
    const who = await register(node, 'alice');
    const client = await Client.open(proxy, { token: who.access_token });
    await client.join('tea');
    assert.equal((await client.ask('chat', { room: 'tea', message: 'hello' })).type, 'sent');
    const end = await client.socket.close(1000);
    assert.deepEqual([end.code, end.clean], [1000, true]);
  });
}

// ---- the PROXY protocol

for (const [version, server] of [[1, 'send-proxy'], [2, 'send-proxy-v2']]) {
  test(`haproxy with ${server}: version ${version} of the PROXY protocol is named where nobody expects it`, async (t) => {
    const node = await serve(t);
    const proxy = await haproxy(t, node, { mode: 'tcp', server });
    const { refused } = await handshake(proxy);
    assert.deepEqual([refused.status, refused.json.code], [400, 'PROXY_PROTOCOL_UNEXPECTED']);
    await named(node, 'PROXY_PROTOCOL_UNEXPECTED', { next: /proxy_protocol/ });
  });

  test(`haproxy with ${server}: where it is accepted the client's own address counts`, async (t) => {
    const node = await serve(t, { args: [...DEBUG, '--trusted-proxies', '127.0.0.1', '--proxy-protocol', 'required'] });
    const proxy = await haproxy(t, node, { mode: 'tcp', server });
    const from = { ...proxy, from: '127.0.0.77' };
    const { refused } = await handshake(from, { headers: { Authorization: 'Bearer a.b.c' } });
    assert.equal(refused.json.code, 'INVALID_FORMAT');
    const line = await node.logged('refused', { code: 'INVALID_FORMAT' });
    assert.equal(line.address, '127.0.0.77');
  });
}

test('a header is believed from trusted proxies alone', async (t) => {
  const node = await serve(t, { args: ['--trusted-proxies', '127.0.0.99', '--proxy-protocol', 'optional'] });
  const announce = (from, bytes) => raw({ ...node, from }, bytes);
  const get = head(node, 'GET', '/health/live', { Connection: 'close' });
  const line = 'PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n';
  assert.equal((await announce('127.0.0.1', line + get)).json.code, 'PROXY_PROTOCOL_UNEXPECTED');
  assert.equal((await announce('127.0.0.99', line + get)).status, 200);
  assert.equal((await announce('127.0.0.99', get)).status, 200, 'optional: the proxy speaks for itself');
  const bad = await announce('127.0.0.99', `PROXY TCP4 192.0.2.7\r\n${get}`);
  assert.equal(bad.json.code, 'PROXY_PROTOCOL_INVALID');
  await named(node, 'PROXY_PROTOCOL_INVALID');
});

test('where it is required, a connection of the proxy without a header is refused and named', async (t) => {
  const node = await serve(t, { args: ['--trusted-proxies', '127.0.0.1', '--proxy-protocol', 'required'] });
  const answer = await raw(node, head(node, 'GET', '/health/live', { Connection: 'close' }));
  assert.deepEqual([answer.status, answer.json.code], [400, 'PROXY_PROTOCOL_INVALID']);
});

test('stunnel with protocol = proxy: named where nobody expects it, and read before TLS where it is accepted', async (t) => {
  const certificate = new Authority(temporary(t)).issue('front', 'IP:127.0.0.1');
  const over = (proxy) => ({ ...proxy, tls: { rejectUnauthorized: false } });
  const plain = await serve(t);
  const front = over(await stunnel(t, plain, certificate, 'protocol = proxy'));
  assert.equal((await handshake(front)).refused.json.code, 'PROXY_PROTOCOL_UNEXPECTED');
  await named(plain, 'PROXY_PROTOCOL_UNEXPECTED');
  const accepting = await serve(t, { args: ['--trusted-proxies', '127.0.0.1', '--proxy-protocol', 'required'] });
  const other = over(await stunnel(t, accepting, certificate, 'protocol = proxy'));
  const { refused } = await handshake({ ...other, from: '127.0.0.78' }, { headers: { Authorization: 'Bearer a.b.c' } });
  assert.equal(refused.json.code, 'INVALID_FORMAT');
  assert.equal((await accepting.logged('refused', { code: 'INVALID_FORMAT' })).address, '127.0.0.78');
});

test('on a TLS port the header comes before the handshake: named, or accepted', async (t) => {
  const certificate = new Authority(temporary(t)).issue('front', 'IP:127.0.0.1');
  const closed = await serve(t, { env: files(certificate) });
  const haproxied = await haproxy(t, closed, { mode: 'tcp', server: 'send-proxy-v2' });
  const socket = await connected(haproxied);
  socket.write(Buffer.from('1603010000', 'hex'));
  assert.equal((await within('an answer', readAnswer(socket))).json.code, 'PROXY_PROTOCOL_UNEXPECTED');
  const open = await serve(t, { env: files(certificate), args: ['--trusted-proxies', '127.0.0.1', '--proxy-protocol', 'required'] });
  const proxy = await haproxy(t, open, { mode: 'tcp', server: 'send-proxy-v2' });
  assert.equal((await ask({ ...proxy, tls: { rejectUnauthorized: false } }, 'GET', '/health/live')).status, 200);
});

// ---- how sockets end

test('caddy before 2.7 is reloaded: the proxy is named, and no client is blamed', async (t) => {
  const node = await serve(t, { args: DEBUG });
  const site = `reverse_proxy ${node.host}:${node.port}`;
  const proxy = await caddy(t, site);
  const who = await register(node, 'alice');
  const client = await Client.open(proxy, { token: who.access_token });
  // A client that answers Caddy's Close before Caddy's other Close is out ends the connection
  // properly, and there is nothing to name: this one does not read until then.
  client.socket.pause();
  await proxy.reload(`${site}\nheader X-Changed yes`);
  const line = await named(node, 'PROXY_RELOADED', { next: /2\.7/ });
  assert.equal(line.user, who.user.id);
  client.socket.resume();
  assert.equal((await client.socket.ended()).code, 1001);
});

const IDLE = {
  nginx: { way: 'fin', start: (t, node) => nginx(t, `location / { proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; proxy_read_timeout 2s; proxy_pass http://${node.host}:${node.port}; }`) },
  haproxy: { way: 'reset', start: (t, node) => haproxy(t, node, { defaults: '  timeout tunnel 2s' }) },
};
for (const [name, { way, start }] of Object.entries(IDLE)) {
  test(`${name} cuts quiet sockets after 2 s: four of one age are named as its time-out`, async (t) => {
    const node = await serve(t, { args: QUIET });
    const proxy = await start(t, node);
    const who = await register(node, 'alice');
    // Four are enough, unless the machine was so busy that their ages were not alike.
    const found = () => node.log.some((line) => line.code === 'PROXY_IDLE_TIMEOUT');
    for (let i = 0; i < 20 && !found(); i += 1) {
      const client = await Client.open(proxy, { token: who.access_token });
      assert.equal((await client.socket.ended()).code, 1006);
      const ended = await node.logged('socket_ended');
      assert.equal(ended.way, way);
    }
    assert.ok(await ends(node, way) >= 4);
    const line = await named(node, 'PROXY_IDLE_TIMEOUT', { next: /timeout/ });
    assert.equal(line.address, '127.0.0.1');
  });
}

test('every way in which a socket ends has its line and its count', async (t) => {
  const node = await serve(t, { args: [...DEBUG, '--close-linger', '200ms'] });
  const who = await register(node, 'alice');
  const ended = async (way) => {
    assert.equal((await node.logged('socket_ended', { way })).way, way);
    assert.ok(await until(`${way} in the metrics`, () => ends(node, way)) >= 1);
  };
  const open = () => Client.open(node, { token: who.access_token });
  await (await open()).socket.close(1000);
  await ended('client_close');
  const bad = await open();
  bad.socket.sendFrame(0x2, Buffer.from('binary'));
  assert.equal((await bad.socket.ended()).code, 1003);
  await ended('server_close');
  const fin = await upgrade(node);
  fin.socket.write(Buffer.from('8a8000000000', 'hex')); // a pong, so that something came
  fin.socket.end();
  await ended('fin');
  const reset = await upgrade(node);
  reset.socket.write(Buffer.from('8a8000000000', 'hex'));
  reset.socket.resetAndDestroy();
  await ended('reset');
  (await upgrade(node)).socket.end();
  await ended('unused');
  const deaf = await upgrade(node, { half: true });
  deaf.socket.write(frame(0x1, Buffer.from(JSON.stringify({ type: 'authenticate', token: 'none' })))); // its refusal is not answered with a Close
  await ended('close_unanswered');
});
