// Foyer below a path of a host that has other things, too: PUBLIC_URL with a path,
// behind a proxy that takes the path away and behind one that does not.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { closeBrowser, openRoom, openWindow, registerOnPage, write, message } from '../support/browser.mjs';
import { freePort, serve } from '../support/foyer.mjs';
import { ask } from '../support/http.mjs';
import { PASSWORD } from '../support/people.mjs';
import { nginx } from '../support/proxies.mjs';
import { Client, handshake } from '../support/websocket.mjs';

after(closeBrowser);

const HOP = 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto $http_x_test_scheme;';

async function below(t, strips) {
  const port = await freePort();
  const at = `http://127.0.0.1:${port}`;
  const node = await serve(t, { args: ['--public-url', `${at}/chat`, '--trusted-proxies', '127.0.0.1'] });
  const front = await nginx(t, `
    location = /chat { return 308 /chat/; }
    location /chat/ { ${HOP} proxy_pass http://${node.host}:${node.port}${strips ? '/' : ''}; }
    location = /.well-known/oauth-authorization-server/chat { ${HOP} proxy_pass http://${node.host}:${node.port}; }
    location / { return 200 "another application"; }`, { port });
  return { node, front };
}

for (const strips of [true, false]) {
  const how = strips ? 'a proxy that takes the path away' : 'a proxy that leaves the path';

  test(`${how}: requests, sockets, tickets and answers know the path`, async (t) => {
    const { node, front } = await below(t, strips);
    assert.equal((await ask(front, 'GET', '/health')).text, 'another application');
    assert.equal((await ask(front, 'GET', '/chat/health')).json.status, 'ok');
    const who = (await ask(front, 'POST', '/chat/auth/register', { body: { name: 'alice', password: PASSWORD } })).json;
    const client = await Client.open(front, { path: '/chat/ws/chat', token: who.access_token });
    assert.equal(client.user.name, 'alice');
    client.socket.destroy();
    const ticket = (await ask(front, 'POST', '/chat/auth/tickets', { token: who.access_token, body: {} })).json;
    assert.equal(ticket.url, `ws://127.0.0.1:${front.port}/chat/ws/chat?ticket=${ticket.ticket}`);
    const { refused } = await handshake(front, { path: '/chat/ws/nowhere' });
    assert.deepEqual([refused.status, refused.json.type], [404, '/chat/causes/UNKNOWN_PATH']);
    assert.match((await node.logged('refused', { code: 'UNKNOWN_PATH' })).operator, new RegExp(`ws://127.0.0.1:${front.port}/chat/ws/`));
    assert.equal((await ask(front, 'GET', '/chat/causes/UNKNOWN_PATH')).json.code, 'UNKNOWN_PATH');
  });

  test(`${how}: the session cookie is for the path alone`, async (t) => {
    const { front } = await below(t, strips);
    const body = { name: 'alice', password: PASSWORD, cookie: true };
    const plain = (await ask(front, 'POST', '/chat/auth/register', { body })).headers['set-cookie'];
    assert.match(plain, /^foyer_session=[^;]+; Path=\/chat\/;/);
    const secure = (await ask(front, 'POST', '/chat/auth/login', { body, headers: { 'X-Test-Scheme': 'https' } })).headers['set-cookie'];
    assert.match(secure, /^__Secure-foyer_session=[^;]+; Path=\/chat\/;.* Secure;/);
    const again = await ask(front, 'POST', '/chat/auth/refresh', { body: {}, headers: { Cookie: secure.split(';')[0], Origin: `http://127.0.0.1:${front.port}`, 'X-Test-Scheme': 'https' } });
    assert.equal(again.status, 200, again.text);
    const { socket } = await handshake(front, { path: '/chat/ws/chat?auth=cookie', headers: { Cookie: again.headers['set-cookie'].split(';')[0], Origin: `http://127.0.0.1:${front.port}`, 'X-Test-Scheme': 'https' } });
    assert.equal((await socket.messages.take()).type, 'authentication_success');
    socket.destroy();
  });

  test(`${how}: two people chat on the page`, async (t) => {
    const { front } = await below(t, strips);
    const alice = await openWindow(t, front, { at: '/chat/' });
    await registerOnPage(alice, 'Alice');
    await openRoom(alice, 'tea');
    await write(alice, 'hello from below');
    await message(alice, 'hello from below').waitFor();
    await alice.reload();
    await message(alice, 'hello from below').waitFor();
    await alice.goto(`${front.origin}/chat/causes/NO_TOKEN`);
    assert.match(await alice.evaluate(() => getComputedStyle(document.body).fontFamily), /\S/);
    assert.equal(await alice.evaluate(() => [...document.styleSheets].length), 1);
    assert.deepEqual(alice.complaints, []);
  });
}

test('asked without the slash behind the path, the page is where relative addresses work', async (t) => {
  const { node } = await below(t, false);
  const answer = await ask(node, 'GET', '/chat');
  assert.deepEqual([answer.status, answer.headers.location], [308, '/chat/']);
});
