// No state of the page breaks a rule of axe-core: desktop and phone, light and dark.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible } from '../support/axe.mjs';
import { DESKTOP, PHONE, closeBrowser, connected, logInOnPage, message, openRoom, openWindow, registerOnPage, screenshot, write } from '../support/browser.mjs';
import { fileScope, freePort, serve } from '../support/foyer.mjs';
import { ask } from '../support/http.mjs';
import { PASSWORD, arrive } from '../support/people.mjs';

const file = fileScope(after);
let node;
before(async () => { node = await serve(file); });
after(closeBrowser);

test('what axe-core finds fails a test', async (t) => {
  const page = await openWindow(t, node);
  await page.locator('#server-version', { hasText: /\d/ }).waitFor();
  await page.evaluate(() => document.querySelector('#entry').append(document.createElement('button')));
  await assert.rejects(accessible(page, 'a button without a name'), /button-name/);
});

const LOOKS = [
  ['desktop, light', { ...DESKTOP, colorScheme: 'light' }],
  ['desktop, dark', { ...DESKTOP, colorScheme: 'dark' }],
  ['phone, light', { ...PHONE, colorScheme: 'light' }],
  ['phone, dark', { ...PHONE, colorScheme: 'dark' }],
];

for (const [index, [look, options]] of LOOKS.entries()) {
  const is = (page, state) => accessible(page, `${state} (${look})`);
  const phone = look.startsWith('phone');
  const person = (name) => `${name}.${index}`;

  test(`before the login: ${look}`, async (t) => {
    const page = await openWindow(t, node, options);
    await page.locator('#server-version', { hasText: /\d/ }).waitFor();
    await is(page, 'the form to log in');
    await page.getByRole('radio', { name: 'Register' }).check();
    await is(page, 'the form to register');
    await page.getByRole('button', { name: 'Register' }).click();
    await page.getByText('Enter a name.').waitFor();
    await is(page, 'fields that are empty');
    await page.getByRole('radio', { name: 'Log in' }).check();
    await logInOnPage(page, person('nobody'), 'not a password of anybody');
    await page.locator('#entry-password-mistake .mistake').waitFor();
    await is(page, 'a wrong password');
    await page.getByText('Details').click();
    await is(page, 'a wrong password with its details');
    await page.route('**/auth/login', (route) => route.fulfill({ status: 503, headers: { 'x-foyer': '1', 'content-type': 'application/problem+json' }, body: JSON.stringify({ code: 'AUTH_SERVICE_TIMEOUT', detail: 'Your login cannot be checked at the moment.', step: 'auth_service', retry: 'after', retry_after_ms: 60_000, ref: 'r1' }) }));
    await logInOnPage(page, person('nobody'));
    await page.locator('#arrival-refusal .refusal').waitFor();
    await is(page, 'a login that waits for the auth service');
  });

  test(`rooms and messages: ${look}`, async (t) => {
    const page = await openWindow(t, node, options);
    await registerOnPage(page, person('Axe'));
    if (phone) await page.getByRole('link', { name: 'Notes to yourself' }).waitFor();
    await is(page, 'the first sight after the login');
    await page.getByRole('button', { name: 'Open a room' }).click();
    await is(page, 'the dialog that opens a room');
    await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('not a name');
    await page.getByRole('dialog').getByRole('button', { name: 'Open', exact: true }).click();
    await page.getByRole('dialog').locator('.mistake').waitFor();
    await is(page, 'a room name that cannot be');
    await page.keyboard.press('Escape');
    await openRoom(page, `axe-${index}`);
    await page.getByText('No messages yet').waitFor();
    await is(page, 'an empty room');
    const other = await arrive(node, person('Other'));
    await other.join(`axe-${index}`);
    await other.say(`axe-${index}`, 'Good morning.');
    await message(page, 'Good morning.').waitFor();
    await write(page, 'Good morning to you.');
    await page.locator('.message:not(.sending) .text', { hasText: 'to you' }).waitFor();
    await is(page, 'a room with messages');
    await page.getByRole('textbox', { name: 'Message' }).fill('x'.repeat(17_000));
    await is(page, 'a text that is too long');
    await page.getByRole('textbox', { name: 'Message' }).fill('');
    await page.getByRole('button', { name: '2 here' }).click();
    await page.locator('#people-list', { hasText: person('Other') }).waitFor();
    await is(page, 'who is here');
    await page.getByRole('button', { name: 'Close' }).click();
    await page.locator('.message .who button').first().click();
    await page.getByRole('dialog').waitFor();
    await is(page, 'a person');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Room', exact: true }).click();
    await is(page, 'about the room');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /^Delete your message/ }).focus();
    await page.keyboard.press('Enter');
    await is(page, 'the question before a deletion');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.locator('.message.gone').waitFor();
    await is(page, 'a deleted message');
    await page.evaluate(() => { location.hash = '#private:of-others'; });
    await page.locator('#room-refusal .refusal').waitFor();
    await is(page, 'a room that refuses');
  });

  test(`invitations: ${look}`, async (t) => {
    const page = await openWindow(t, node, options);
    await registerOnPage(page, person('Host'));
    const guest = await arrive(node, person('Guest'));
    await guest.ask('create', { room: `private:axe-${index}` });
    await guest.ask('invite', { room: `private:axe-${index}`, name: person('Host') });
    await guest.ask('direct', { name: person('Host') });
    await page.getByText(`${person('Guest')} wants to chat with you`).waitFor();
    await is(page, 'invitations that wait');
    await screenshot(page, `invitations-${look.replace(', ', '-')}`);
    await page.getByRole('button', { name: `Accept: ${person('Guest')} invites you to axe-${index}` }).click();
    await page.getByRole('heading', { name: `axe-${index}`, exact: true }).waitFor();
    await is(page, 'a private room');
    await page.getByRole('button', { name: 'Invite somebody' }).click();
    await page.getByLabel('Their name').fill('Nobody.At.All');
    await page.getByRole('dialog').getByRole('button', { name: 'Invite' }).click();
    await page.getByRole('dialog').locator('.mistake').waitFor();
    await is(page, 'somebody who does not exist');
  });

  test(`the account: ${look}`, async (t) => {
    const page = await openWindow(t, node, options);
    await registerOnPage(page, person('Account'));
    const back = page.getByRole('button', { name: 'All rooms' });
    if (await back.isVisible()) await back.click();
    await page.getByRole('button', { name: /Account of/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('This session').waitFor();
    await is(page, 'the account');
    await dialog.getByRole('button', { name: 'Change password' }).click();
    await is(page, 'the form to change the password');
    await dialog.getByLabel('Current password').fill('wrong wrong wrong');
    await dialog.getByLabel('New password').fill('another long and quiet sentence');
    await dialog.getByRole('button', { name: 'Change password' }).click();
    await dialog.locator('.mistake').waitFor();
    await is(page, 'a password that is wrong');
    await dialog.getByRole('button', { name: 'Back' }).click();
    await dialog.getByRole('button', { name: 'Turn on' }).click();
    await dialog.getByLabel('Password').fill(PASSWORD);
    await dialog.getByRole('button', { name: 'Continue' }).click();
    await dialog.getByLabel('Code', { exact: true }).waitFor();
    await is(page, 'the second factor is turned on');
  });

  test(`without the server, and the page of a cause: ${look}`, async (t) => {
    const away = await serve(t, { listen: `127.0.0.1:${await freePort()}` });
    const page = await openWindow(t, away, options);
    await registerOnPage(page, person('Away'));
    await openRoom(page, 'tea');
    await away.kill9();
    await page.getByRole('button', { name: 'Try now' }).first().waitFor();
    await write(page, 'is anybody there?');
    await page.getByText('Waiting for the connection').waitFor();
    await is(page, 'the server is away');
    const cause = await openWindow(t, node, { ...options, at: '/causes/NO_SUCH_PERSON' });
    await cause.getByRole('heading', { name: 'NO_SUCH_PERSON' }).waitFor();
    await is(cause, 'the page of a cause');
    assert.equal((await ask(node, 'GET', '/causes/NO_SUCH_PERSON')).status, 200);
  });
}
