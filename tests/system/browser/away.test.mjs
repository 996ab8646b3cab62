// The page while the auth service, a process of its own, is dead: chatting goes on,
// logging in does not, and both go on by themselves when it is back.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { PHONE, closeBrowser, connected, logInOnPage, message, openRoom, openWindow, registerOnPage, screenshot, write } from '../support/browser.mjs';
import { freePort } from '../support/foyer.mjs';
import { again, startAuth, startPair } from '../support/pair.mjs';
import { register } from '../support/people.mjs';
import { Client } from '../support/websocket.mjs';

after(closeBrowser);

// The address that people use is that of the gateway, so it is known before either starts.
async function pairForBrowsers(t, args = []) {
  const port = await freePort();
  const env = { PUBLIC_URL: `http://127.0.0.1:${port}` };
  const pair = await startPair(t, { auth: { env, args }, gateway: { env, listen: `127.0.0.1:${port}` } });
  pair.gateway.origin = env.PUBLIC_URL;
  return { ...pair, returns: () => again(t, pair.auth, startAuth, { env, args }) };
}

test('with a dead auth service: chatting goes on, the end of the session is announced, a login waits; its return mends all of it unasked', async (t) => {
  const { auth, gateway, returns } = await pairForBrowsers(t, ['--access-token-ttl', '64s']);
  const mira = await openWindow(t, gateway, { colorScheme: 'light' });
  await registerOnPage(mira, 'Mira');
  await openRoom(mira, 'tea');
  const person = await register(gateway, 'bob');
  const bob = await Client.open(gateway, { token: person.access_token });
  await bob.join('tea');
  await auth.kill9();

  const late = await openWindow(t, gateway, { ...PHONE, colorScheme: 'dark' });
  await logInOnPage(late, 'bob');
  const card = late.locator('#arrival-refusal');
  await card.getByText('AUTH_SERVICE_CONNECTION_ERROR').waitFor();
  await card.getByText('Connected users can keep chatting').waitFor();
  await card.getByText(/Retrying in|Trying…/).waitFor();
  await screenshot(late, 'login-away-phone-dark');

  const notice = mira.locator('#notice');
  await notice.getByText(/Your session ends in/).waitFor();
  await notice.getByText('AUTH_SERVICE_CONNECTION_ERROR').waitFor();
  await write(mira, 'Is anybody there?');
  await bob.next('message', { message: 'Is anybody there?' });
  await bob.say('tea', 'All of us.');
  await message(mira, 'All of us.').waitFor();
  await screenshot(mira, 'session-ends-desktop-light');
  await mira.getByRole('button', { name: /Account of/ }).click();
  const dialog = mira.getByRole('dialog');
  await dialog.getByText('AUTH_SERVICE_CONNECTION_ERROR').waitFor();
  assert.equal(mira.sockets.length, 1);

  await returns();
  await connected(late);
  await dialog.getByText('This session').waitFor();
  await mira.waitForFunction(() => document.getElementById('notice').textContent === '');
  assert.deepEqual([mira.sockets.length, mira.sockets[0].closed], [1, false], 'the reader’s socket was never lost');
  assert.deepEqual([mira.complaints, late.complaints], [[], []]);
});

test('a page that is loaded, and one that signs out, while the auth service is dead say so and go on when it is back', async (t) => {
  const { auth, gateway, returns } = await pairForBrowsers(t);
  const [stays, goes] = [await openWindow(t, gateway), await openWindow(t, gateway)];
  await registerOnPage(stays, 'Stays');
  await registerOnPage(goes, 'Goes');
  await auth.kill9();
  await stays.reload();
  await stays.locator('#arrival-refusal').getByText('AUTH_SERVICE_CONNECTION_ERROR').waitFor();
  await goes.getByRole('button', { name: /Account of/ }).click();
  await goes.getByRole('dialog').getByRole('button', { name: 'Sign out', exact: true }).click();
  await goes.getByText('You are signed out in this window, but the server has not confirmed it yet.').waitFor();
  await returns();
  await connected(stays);
  await goes.waitForFunction(() => document.getElementById('arrival-refusal').textContent === '');
  await goes.reload();
  await goes.getByRole('button', { name: 'Log in', exact: true }).waitFor();
});
