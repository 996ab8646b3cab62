// What a browser is told when it is turned away.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { PHONE, closeBrowser, connected, logInOnPage, message, openRoom, openWindow, registerOnPage, screenshot, write } from '../support/browser.mjs';
import { fileScope, freePort, serve } from '../support/foyer.mjs';
import { ask } from '../support/http.mjs';
import { PASSWORD, expired, register, withSecret } from '../support/people.mjs';

const file = fileScope(after);
let node;
before(async () => { node = await serve(file, { env: withSecret }); });
after(closeBrowser);

// Opens a WebSocket in the page: { messages, code, reason }
const socketIn = (page, url, protocols) => page.evaluate(([address, offers]) => new Promise((resolve) => {
  const socket = new WebSocket(address, offers);
  const messages = [];
  socket.onmessage = ({ data }) => messages.push(JSON.parse(data));
  socket.onclose = ({ code, reason }) => resolve({ messages, code, reason });
}), [url, protocols]);

test('connect with an expired token from a browser: close 4401, TOKEN_EXPIRED, not 1006', async (t) => {
  const { access_token: token } = await register(node, 'late');
  const page = await openWindow(t, node);
  const { messages, code, reason } = await socketIn(page, node.status.ws_url, ['foyer.v1', `bearer.${expired(token)}`]);
  assert.equal(code, 4401);
  assert.ok(reason.startsWith('TOKEN_EXPIRED '), reason);
  assert.deepEqual([messages.length, messages[0].type, messages[0].code, messages[0].retry], [1, 'authentication_error', 'TOKEN_EXPIRED', 'refresh']);
  assert.ok(reason.includes(messages[0].ref));
});

test('every decision of the door has a close code of its own in a browser, never 1006', async (t) => {
  const page = await openWindow(t, node);
  const chat = node.status.ws_url;
  for (const [url, protocols, expected, cause] of [
    [new URL('/ws/secure', chat).href, ['foyer.v1'], 4404, 'UNKNOWN_PATH'],
    [chat, ['foyer.v1', 'bearer.not-a-token'], 4401, 'INVALID_FORMAT'],
    [chat, ['mqtt'], 4400, 'SUBPROTOCOL_UNSUPPORTED'],
    [`${chat}?auth=header`, ['foyer.v1'], 4401, 'AUTH_HEADER_STRIPPED'],
    [`${chat}?ticket=${'A'.repeat(43)}`, ['foyer.v1'], 4401, 'TICKET_UNKNOWN'],
    [`${chat}?token=a.b.c`, ['foyer.v1'], 4401, 'TOKEN_IN_URL'],
  ]) {
    const { code, reason } = await socketIn(page, url, protocols);
    assert.deepEqual([code, reason.split(' ')[0]], [expected, cause]);
  }
});

test('a foreign origin is refused, and its page can read the cause', async (t) => {
  const foreign = http.createServer((_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html><title>elsewhere</title>'));
  await new Promise((resolve) => foreign.listen(0, '127.0.0.1', resolve));
  t.after(() => foreign.close());
  const page = await openWindow(t, { origin: `http://127.0.0.1:${foreign.address().port}` });
  const { code } = await socketIn(page, node.status.ws_url, ['foyer.v1']);
  assert.equal(code, 1006, 'the browser hides the answer to a handshake');
  const told = await page.evaluate(async (url) => { const answer = await fetch(url); return { status: answer.status, body: await answer.json() }; }, `${node.url}/ws/chat`);
  assert.deepEqual([told.status, told.body.code], [403, 'ORIGIN_NOT_ALLOWED']);
  for (const field of ['title', 'detail', 'ref']) assert.notEqual(told.body[field], '', field);
});

test('behind a proxy that swallows the upgrade the page says that it is the proxy', async (t) => {
  const proxy = http.createServer((request, response) => {
    const passed = http.request({ host: node.host, port: node.port, path: request.url, method: request.method, headers: { ...request.headers, host: `${node.host}:${node.port}` } }, (answer) => { response.writeHead(answer.statusCode, answer.headers); answer.pipe(response); });
    request.pipe(passed);
  });
  proxy.on('upgrade', (_, socket) => socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n'));
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.after(() => { proxy.closeAllConnections(); proxy.close(); });
  const page = await openWindow(t, { origin: `http://127.0.0.1:${proxy.address().port}` });
  await page.getByLabel('Stay signed in').uncheck();
  await page.getByRole('radio', { name: 'Register' }).check();
  await page.getByLabel('Name', { exact: true }).fill('proxied');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Register' }).click();
  await page.locator('#strip', { hasText: 'HTTP requests reach the server, but WebSocket connections do not.' }).waitFor();
});

test('a wrong password is one sentence under its field; code and reference are folded', async (t) => {
  const page = await openWindow(t, node, { permissions: ['clipboard-read', 'clipboard-write'] });
  await logInOnPage(page, 'nobody', 'not a password of anybody');
  const card = page.locator('#entry-password-mistake .mistake');
  await card.waitFor();
  assert.equal(await page.locator('#arrival-refusal').textContent(), '');
  assert.equal(await page.getByText('Who must act').count(), 0);
  assert.equal(await card.getByText('CREDENTIALS_REJECTED').isVisible(), false);
  await page.locator('#entry-password:focus').waitFor();
  await screenshot(page, 'mistake-desktop');
  await card.getByText('Details').click();
  await card.getByText('CREDENTIALS_REJECTED').waitFor();
  const ref = await card.locator('code').last().textContent();
  await card.getByRole('button', { name: 'Copy' }).click();
  await card.getByRole('button', { name: 'Copied' }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), ref);
  const [explained] = await Promise.all([page.context().waitForEvent('page'), card.getByRole('link', { name: 'What this means' }).click()]);
  await explained.getByRole('heading', { name: 'CREDENTIALS_REJECTED' }).waitFor();
  await screenshot(explained, 'cause-desktop');
  await page.getByLabel('Password').fill('another one');
  assert.equal(await card.count(), 0, 'it goes when the field is changed');
});

test('a room name that cannot be is told under its field, and the form stays where it is', async (t) => {
  const page = await openWindow(t, node, { ...PHONE });
  await registerOnPage(page, 'Namer');
  await page.getByRole('button', { name: 'Open a room' }).click();
  const dialog = page.getByRole('dialog');
  const field = dialog.getByRole('textbox', { name: 'Name' });
  await field.fill('no spaces please');
  const before = await field.boundingBox();
  await dialog.getByRole('button', { name: 'Open', exact: true }).click();
  await dialog.locator('.mistake').waitFor();
  assert.deepEqual(await field.boundingBox(), before, 'the form is where it was');
  assert.equal(await field.getAttribute('aria-invalid'), 'true');
  assert.equal(await dialog.getByText('ROOM_NAME_INVALID').isVisible(), false);
  await screenshot(page, 'mistake-room-phone');
  await field.fill('spaces');
  assert.equal(await dialog.locator('.mistake').count(), 0);
});

test('that a text is too long is no longer said when the field is empty', async (t) => {
  const page = await openWindow(t, node);
  await registerOnPage(page, 'Lengthy');
  await openRoom(page, 'brief');
  const field = page.getByRole('textbox', { name: 'Message' });
  await field.fill('x'.repeat(17_000));
  await page.locator('#strip', { hasText: 'bytes too long for one message' }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Send' }).isDisabled(), true);
  await field.fill('');
  assert.equal(await page.locator('#strip').textContent(), '');
});

test('before the login a visitor hears of the server’s health only when something is wrong', async (t) => {
  const page = await openWindow(t, node);
  await page.locator('#server-version', { hasText: /\d/ }).waitFor();
  assert.equal(await page.locator('#server-trouble').textContent(), '');
  assert.equal(await page.getByText('Health').count(), 0);
  await page.route('**/health', (route) => route.fulfill({ status: 200, headers: { 'x-foyer': '1', 'content-type': 'application/json' }, body: JSON.stringify({ status: 'degraded', version: '1', checks: { chat_store: { status: 'failing', code: 'STORE_FULL' } } }) }));
  await page.reload();
  await page.getByText('Some parts of this server are not working at the moment.').waitFor();
  assert.equal(await page.getByText('STORE_FULL').count(), 0, 'the code is for operators');
  await screenshot(page, 'arrival-degraded');
});

test('closed registration offers to log in instead', async (t) => {
  const closed = await serve(t, { args: ['--registration', 'closed'] });
  const page = await openWindow(t, closed);
  await page.getByRole('radio', { name: 'Register' }).check();
  await page.getByLabel('Name', { exact: true }).fill('hopeful');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Register' }).click();
  await page.getByText('REGISTRATION_CLOSED').waitFor();
  await page.getByRole('button', { name: 'Log in instead' }).click();
  assert.equal(await page.getByRole('radio', { name: 'Log in' }).isChecked(), true);
});

test('a token that runs out is renewed inside the socket; the reader notices nothing', async (t) => {
  const brief = await serve(t, { args: ['--access-token-ttl', '4s', '--jwt-leeway', '0s'] });
  const page = await openWindow(t, brief);
  await registerOnPage(page, 'Patient');
  for (let i = 0; i < 3; i += 1) await page.heard.take('refreshed', (m) => m.type === 'refreshed');
  assert.deepEqual([page.sockets.length, page.sockets[0].closed], [1, false]);
  assert.equal(await page.locator('#line').textContent(), 'Connected');
});

test('while the server is away the page says when it tries next, "now" tries now, and what was written goes out after', async (t) => {
  const first = await serve(t, { listen: `127.0.0.1:${await freePort()}` });
  const page = await openWindow(t, first);
  await registerOnPage(page, 'Waiting');
  await openRoom(page, 'tea');
  await first.kill9();
  await page.getByRole('button', { name: 'Try now' }).first().waitFor();
  await page.locator('#strip', { hasText: /Retrying in \d+ s/ }).waitFor();
  await write(page, 'written while away');
  await page.getByText('Waiting for the connection').waitFor();
  await screenshot(page, 'away-desktop');
  await serve(t, { data: first.data, listen: `127.0.0.1:${first.port}` });
  const now = page.getByRole('button', { name: 'Try now' }).first();
  await now.click({ timeout: 5_000 }).catch(() => { /* it was quicker */ });
  await connected(page);
  await page.locator('.message:not(.sending) .text', { hasText: 'written while away' }).waitFor();
  assert.equal(await message(page, 'written while away').count(), 1);
});
