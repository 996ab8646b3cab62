// foyer-client in a page of an application with an origin of its own: installed from npm's file, and from the server.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { closeBrowser, openWindow } from '../support/browser.mjs';
import { project } from '../support/client_package.mjs';
import { fileScope, serve } from '../support/foyer.mjs';
import { arrive, register } from '../support/people.mjs';
import { until, within } from '../support/within.mjs';

after(closeBrowser);
const scope = fileScope(after);
let installed;
before(async () => { installed = await project(scope); });

// The application: its page, and its node_modules.
async function application(t) {
  const server = http.createServer((request, response) => {
    if (request.url === '/') return void response.setHeader('Content-Type', 'text/html').end('<!doctype html><html lang="en"><title>Shop</title><h1>Shop</h1>');
    const file = path.join(installed.dir, path.normalize(new URL(request.url, 'http://x').pathname));
    if (!fs.existsSync(file)) return void response.writeHead(404).end();
    response.setHeader('Content-Type', 'text/javascript').end(fs.readFileSync(file));
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => { server.closeAllConnections(); server.close(); });
  return { origin: `http://127.0.0.1:${server.address().port}` };
}

// What the page of an application does: chats, and keeps what it heard.
const chat = async ({ library, url, token }) => {
  const { connect } = await import(library);
  const client = connect({ url, token: async () => token });
  globalThis.client = client;
  globalThis.heard = [];
  client.on('message', (m) => globalThis.heard.push(`${m.from.name}: ${m.message}`));
  try {
    const room = await client.join('tea');
    await room.publish('Hello from the page');
    return { user: client.user.name };
  } catch (error) {
    return { code: error.code, next: error.next, who: error.who, state: client.state };
  }
};

for (const [from, library] of [['npm’s file', () => '/node_modules/foyer-client/index.mjs'], ['the server', (node) => `${node.origin}/foyer-client.mjs`]]) {
  test(`a page of an application chats with the library of ${from}, and comes back`, async (t) => {
    const app = await application(t);
    const node = await serve(t, { env: { ALLOWED_ORIGINS: app.origin } });
    const bob = await arrive(node, 'bob');
    await bob.join('tea');
    const { access_token: token } = await register(node, 'ann');
    const page = await openWindow(t, app);
    assert.deepEqual(await page.evaluate(chat, { library: library(node), url: node.origin, token }), { user: 'ann' });
    assert.equal((await bob.next('message')).message, 'Hello from the page');
    await bob.say('tea', 'Hello from Node');
    await until('bob’s message', () => page.evaluate(() => globalThis.heard.includes('bob: Hello from Node')));

    await page.evaluate(() => globalThis.dispatchEvent(new Event('pagehide')));
    assert.equal(await page.evaluate(() => globalThis.client.state), 'suspended');
    await bob.say('tea', 'while it was away');
    await page.evaluate(() => globalThis.dispatchEvent(new Event('pageshow')));
    await until('what was missed', () => page.evaluate(() => globalThis.heard.includes('bob: while it was away')));
    assert.deepEqual(await page.evaluate(() => globalThis.heard), ['ann: Hello from the page', 'bob: Hello from Node', 'bob: while it was away']);
    assert.deepEqual(page.complaints, []);
  });
}

test('a page that may not connect learns why, from a bare 1006', async (t) => {
  const app = await application(t);
  const node = await serve(t, { env: { ALLOWED_ORIGINS: 'https://shop.example' } });
  const { access_token: token } = await register(node, 'ann');
  const page = await openWindow(t, app);
  const told = await within('the refusal', page.evaluate(chat, { library: `${node.origin}/foyer-client.mjs`, url: node.origin, token }));
  const { next, who } = await (await fetch(`${node.origin}/causes/ORIGIN_NOT_ALLOWED`)).json();
  assert.deepEqual(told, { code: 'ORIGIN_NOT_ALLOWED', next, who, state: 'refused' });
});
