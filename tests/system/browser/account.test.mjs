// The account in a real browser: sessions and their end, the second factor, the
// password, lockout, and a session whose end is near.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { PHONE, closeBrowser, connected, logInOnPage, message, openRoom, openWindow, registerOnPage, screenshot, write } from '../support/browser.mjs';
import { fileScope, foyer, serve } from '../support/foyer.mjs';
import { ask } from '../support/http.mjs';
import { PASSWORD } from '../support/people.mjs';
import { totpCode } from '../support/totp.mjs';

const file = fileScope(after);
let node;
before(async () => { node = await serve(file); });
after(closeBrowser);

const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1';
const dialogOf = (page) => page.getByRole('dialog');
const notice = (page) => page.locator('#notice');
const logInElsewhere = async (name, device = IPHONE, password = PASSWORD) => (await ask(node, 'POST', '/auth/login', { body: { name, password }, headers: { 'User-Agent': device } })).json;

async function openAccount(page) {
  const back = page.getByRole('button', { name: 'All rooms' });
  if (await back.isVisible()) await back.click();
  await page.getByRole('button', { name: /Account of/ }).click();
  await dialogOf(page).getByText('This session').waitFor();
  return dialogOf(page);
}

// Turns the second factor on, as its owner would. Returns { secret, codes }.
async function turnOn(page) {
  const dialog = await openAccount(page);
  await dialog.getByRole('button', { name: 'Turn on' }).click();
  await dialog.getByLabel('Password').fill(PASSWORD);
  await dialog.getByRole('button', { name: 'Continue' }).click();
  const link = dialog.getByRole('link', { name: 'Open in the authenticator app' });
  await link.waitFor();
  const secret = new URL(await link.getAttribute('href')).searchParams.get('secret');
  assert.equal((await dialog.locator('.secret').textContent()).replaceAll(' ', ''), secret);
  const done = dialog.getByRole('heading', { name: 'Your recovery codes' });
  const now = () => Math.floor(Date.now() / 30_000);
  let step;
  do {
    step = now();
    await dialog.getByLabel('Code', { exact: true }).fill(totpCode(secret, -1)); // leaves those of now and later unused
    await dialog.getByRole('button', { name: 'Turn on' }).click();
    await done.or(dialog.locator('.mistake')).first().waitFor();
  } while (now() !== step && !await done.isVisible()); // it was two steps old when it came
  await done.waitFor();
  const codes = await dialog.locator('.codes li').allTextContents();
  return { dialog, secret, codes };
}

async function keepCodes(dialog) {
  await dialog.getByLabel('I have saved them').check();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await dialog.getByRole('heading', { name: 'Two-factor authentication' }).waitFor();
}

test('the link of an invitation opens the form to register, with the code in it and out of the address', async (t) => {
  const invited = await serve(t, { args: ['--registration', 'invite'] });
  const { link } = JSON.parse((await foyer(['user', 'invite', '--json', '--data', invited.data])).out);
  const page = await openWindow(t, invited, { at: link.slice(invited.url.length) });
  await page.getByLabel('Invitation code').waitFor();
  assert.equal(await page.getByLabel('Invitation code').inputValue(), new URL(link).hash.split('=')[1]);
  assert.equal(new URL(page.url()).hash, '');
  await page.getByLabel('Name', { exact: true }).fill('invited');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Register' }).click();
  await connected(page);
});

test('where one is signed in, in words; another session is ended, and its window is told why', async (t) => {
  const page = await openWindow(t, node, { colorScheme: 'light' });
  await registerOnPage(page, 'Holder');
  await logInElsewhere('Holder');
  const other = await openWindow(t, node, { ...PHONE, colorScheme: 'dark' });
  await logInOnPage(other, 'Holder');
  await connected(other);
  const dialog = await openAccount(page);
  assert.deepEqual(await dialog.locator('.device').allTextContents(), ['Chrome on LinuxThis session', 'Chrome on Linux', 'Safari on iPhone']);
  await screenshot(page, 'account-desktop-light');
  const onPhone = await openAccount(other);
  await screenshot(other, 'account-phone-dark');
  await onPhone.getByRole('button', { name: 'Close' }).click();
  await dialog.getByRole('button', { name: 'End the session Chrome on Linux, 127.0.0.1' }).click();
  await dialog.getByText('Ended: Chrome on Linux.').waitFor();
  assert.equal(await dialog.locator('.device').count(), 2);
  await notice(other).getByText('SESSION_REVOKED').waitFor();
  await notice(other).getByText('Next step').waitFor();
  await screenshot(other, 'session-ended-phone-dark');
  assert.deepEqual([page.complaints, other.complaints], [[], []]);
});

test('a session that was ended elsewhere is no loop; logging in again in place keeps what was written', async (t) => {
  const page = await openWindow(t, node);
  await registerOnPage(page, 'Ended');
  await openRoom(page, 'desk');
  await page.getByRole('textbox', { name: 'Message' }).fill('half a sentence');
  const other = await logInElsewhere('Ended');
  assert.ok((await ask(node, 'DELETE', '/auth/sessions?others=true', { token: other.access_token })).status < 300);
  await notice(page).getByText('SESSION_REVOKED').waitFor();
  assert.deepEqual([page.sockets.length, page.sockets[0].closed], [1, true]);
  await notice(page).getByRole('button', { name: 'Log in again' }).click();
  await dialogOf(page).getByLabel('Password of Ended').fill('not the password');
  await dialogOf(page).getByRole('button', { name: 'Log in', exact: true }).click();
  await dialogOf(page).locator('.mistake').waitFor();
  await dialogOf(page).getByLabel('Password of Ended').fill(PASSWORD);
  await dialogOf(page).getByRole('button', { name: 'Log in', exact: true }).click();
  await connected(page);
  assert.equal(await notice(page).textContent(), '');
  assert.equal(await page.getByRole('textbox', { name: 'Message' }).inputValue(), 'half a sentence');
  await page.getByRole('textbox', { name: 'Message' }).press('Enter');
  await page.locator('.message:not(.sending) .text', { hasText: 'half a sentence' }).waitFor();
  await page.reload();
  await connected(page); // by the new cookie
});

test('a disabled account is told so, and nothing tries again', async (t) => {
  const page = await openWindow(t, node);
  await registerOnPage(page, 'Barred');
  const { code, err } = await foyer(['user', 'disable', 'Barred', '--data', node.data]);
  assert.equal(code, 0, err);
  await notice(page).getByText('USER_DISABLED').waitFor();
  assert.equal(await notice(page).getByRole('button', { name: 'Log in again' }).count(), 0);
  assert.equal(page.sockets.length, 1);
  await notice(page).getByRole('button', { name: 'Use another account' }).click();
  await page.getByRole('button', { name: 'Log in', exact: true }).waitFor();
});

test('signing out everywhere else leaves this window; signing out everywhere leaves none', async (t) => {
  const page = await openWindow(t, node);
  await registerOnPage(page, 'Leaver');
  const elsewhere = await logInElsewhere('Leaver');
  const dialog = await openAccount(page);
  await dialog.getByRole('button', { name: 'Sign out everywhere else' }).click();
  await dialog.getByText('One other session ended.').waitFor();
  assert.equal((await ask(node, 'GET', '/auth/me', { token: elsewhere.access_token })).status, 401);
  const other = await openWindow(t, node);
  await logInOnPage(other, 'Leaver');
  await connected(other);
  await dialog.getByRole('button', { name: 'Sign out everywhere', exact: true }).click();
  await dialog.getByText('All sessions of this account end at once').waitFor();
  await dialog.getByRole('button', { name: 'Sign out everywhere', exact: true }).click();
  await page.getByText('You have been signed out everywhere.').waitFor();
  await notice(other).getByText('SESSION_REVOKED').waitFor();
  await page.reload();
  await page.getByRole('button', { name: 'Log in', exact: true }).waitFor();
  assert.deepEqual([page.complaints, other.complaints], [[], []]);
});

test('signing out here ends this session and nothing else', async (t) => {
  const page = await openWindow(t, node);
  await registerOnPage(page, 'Goer');
  const elsewhere = await logInElsewhere('Goer');
  await (await openAccount(page)).getByRole('button', { name: 'Sign out', exact: true }).click();
  await page.getByRole('button', { name: 'Log in', exact: true }).waitFor();
  const { sessions } = (await ask(node, 'GET', '/auth/sessions', { token: elsewhere.access_token })).json;
  assert.deepEqual(sessions.map((s) => s.current), [true]);
  await page.reload();
  await page.getByRole('button', { name: 'Log in', exact: true }).waitFor();
});

test('a new password: the old one must be right, and other sessions end', async (t) => {
  const page = await openWindow(t, node);
  await registerOnPage(page, 'Changer');
  const elsewhere = await logInElsewhere('Changer');
  const dialog = await openAccount(page);
  await dialog.getByRole('button', { name: 'Change password' }).click();
  await dialog.getByLabel('Current password').fill('not it');
  await dialog.getByLabel('New password').fill('another long sentence');
  await dialog.getByRole('button', { name: 'Change password' }).click();
  await dialog.locator('.field .mistake').waitFor();
  await dialog.getByLabel('Current password').fill(PASSWORD);
  await dialog.getByLabel('New password').fill('short');
  await dialog.getByRole('button', { name: 'Change password' }).click();
  await dialog.locator('.field .mistake', { hasText: 'PASSWORD_TOO_SHORT' }).waitFor();
  await dialog.getByLabel('New password').fill('another long sentence');
  await dialog.getByRole('button', { name: 'Change password' }).click();
  await dialog.getByText('Your password has been changed').waitFor();
  assert.equal(await dialog.locator('.device').count(), 1);
  assert.equal((await ask(node, 'GET', '/auth/me', { token: elsewhere.access_token })).status, 401);
  assert.equal((await logInElsewhere('Changer', IPHONE, 'another long sentence')).user.name, 'Changer');
  assert.equal(await page.locator('#line').textContent(), 'Connected');
});

test('the second factor: on, login with a code, with a recovery code, new codes, off', async (t) => {
  const page = await openWindow(t, node, { colorScheme: 'light', permissions: ['clipboard-read', 'clipboard-write'] });
  await registerOnPage(page, 'Factor');
  const { dialog, secret, codes } = await turnOn(page);
  await screenshot(page, 'recovery-codes-desktop-light');
  assert.equal(new Set(codes).size, codes.length);
  await page.keyboard.press('Escape');
  assert.equal(await dialog.getByRole('heading', { name: 'Your recovery codes' }).isVisible(), true, 'not lost by a key');
  await dialog.getByRole('button', { name: 'Copy all' }).click();
  await dialog.getByRole('button', { name: 'Copied' }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${codes.join('\n')}\n`);
  const [file] = await Promise.all([page.waitForEvent('download'), dialog.getByRole('button', { name: 'Download' }).click()]);
  assert.equal(file.suggestedFilename(), 'foyer-recovery-codes.txt');
  assert.equal(fs.readFileSync(await file.path(), 'utf8'), `${codes.join('\n')}\n`);
  await keepCodes(dialog);
  await dialog.getByText(`${codes.length} recovery codes left`).waitFor();
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.waitForFunction(() => document.querySelector('dialog').textContent === ''); // no secret stays in the page

  const phone = await openWindow(t, node, { ...PHONE, colorScheme: 'dark' });
  await logInOnPage(phone, 'Factor');
  await phone.getByRole('heading', { name: 'Two-factor authentication' }).waitFor();
  await screenshot(phone, 'second-step-phone-dark');
  const code = phone.getByLabel('Code', { exact: true });
  await code.fill('000000');
  await phone.getByRole('button', { name: 'Log in', exact: true }).click();
  await phone.locator('#entry-code-mistake .mistake').waitFor();
  await phone.getByRole('button', { name: 'Use a recovery code instead' }).click();
  await phone.getByLabel('Recovery code').fill(codes[0]);
  await phone.getByRole('button', { name: 'Log in', exact: true }).click();
  await connected(phone);

  const desk = await openWindow(t, node);
  await logInOnPage(desk, 'Factor');
  await desk.getByLabel('Code', { exact: true }).fill(totpCode(secret));
  await desk.getByRole('button', { name: 'Log in', exact: true }).click();
  await connected(desk);

  const renewed = await openAccount(desk);
  await renewed.getByText(`${codes.length - 1} recovery codes left`).waitFor();
  await renewed.getByRole('button', { name: 'New recovery codes' }).click();
  await renewed.getByLabel('Code', { exact: true }).fill(totpCode(secret, 1));
  await renewed.getByRole('button', { name: 'Create new codes' }).click();
  await renewed.getByRole('heading', { name: 'Your recovery codes' }).waitFor();
  const fresh = await renewed.locator('.codes li').allTextContents();
  assert.equal(fresh.some((each) => codes.includes(each)), false);
  await keepCodes(renewed);

  const again = await openAccount(phone);
  await again.getByRole('button', { name: 'Turn off' }).click();
  await again.getByLabel('Code', { exact: true }).fill('000000');
  await again.getByRole('button', { name: 'Turn off' }).click();
  await again.locator('.mistake').waitFor();
  await again.getByRole('button', { name: 'Use a recovery code instead' }).click();
  await again.getByLabel('Recovery code').fill(fresh[0]);
  await again.getByRole('button', { name: 'Turn off' }).click();
  await again.getByText('Two-factor authentication is off.').waitFor();
  assert.ok((await logInElsewhere('Factor')).access_token, 'the password alone is enough again');
  assert.deepEqual([page.complaints, phone.complaints, desk.complaints], [[], [], []]);
});

test('a password that is guessed locks this name for this address, with the time that is left', async (t) => {
  const page = await openWindow(t, node, { colorScheme: 'dark' });
  await ask(node, 'POST', '/auth/register', { body: { name: 'Guessed', password: PASSWORD } });
  for (let i = 0; i < 5; i += 1) await ask(node, 'POST', '/auth/login', { body: { name: 'Guessed', password: `guess number ${i}` } });
  await logInOnPage(page, 'Guessed', PASSWORD);
  const card = page.locator('#arrival-refusal .refusal');
  await card.getByText('LOGIN_LOCKED').waitFor();
  await card.getByText(/Try again in (1 min|\d+ s)/).waitFor();
  await card.getByText('Next step').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Log in', exact: true }).isDisabled(), true);
  await screenshot(page, 'locked-desktop-dark');
});

test('a session that cannot be renewed says in time when it ends and why; logging in again goes on', async (t) => {
  const brief = await serve(t, { args: ['--access-token-ttl', '50s', '--jwt-leeway', '0s'] });
  const page = await openWindow(t, brief, { ...PHONE, colorScheme: 'light' });
  // Between the page and the server, as a fault would have it.
  const answer = (status, body) => page.route('**/auth/refresh', (route) => route.fulfill({ status, headers: { 'x-foyer': '1', 'content-type': 'application/problem+json' }, body: JSON.stringify(body) }));
  await answer(503, { code: 'AUTH_SERVICE_CONNECTION_ERROR', detail: 'Your login cannot be checked at the moment; it is not your fault.', step: 'auth_service', retry: 'after', retry_after_ms: 1_000, ref: 'r1' });
  await registerOnPage(page, 'Brief');
  await page.evaluate(() => { location.hash = '#tea'; });
  await page.getByRole('heading', { name: 'tea', level: 1, exact: true }).waitFor();
  await notice(page).getByText(/Your session ends in \d+ s/).waitFor();
  await notice(page).getByText('AUTH_SERVICE_CONNECTION_ERROR').waitFor();
  await notice(page).getByText('Connected users can keep chatting').waitFor();
  await write(page, 'still here');
  await message(page, 'still here').waitFor();
  await screenshot(page, 'session-ends-phone-light');
  await page.unroute('**/auth/refresh');
  await answer(401, { code: 'REFRESH_REUSED', detail: 'Your login was used twice and has been ended to protect you.', step: 'accounts', retry: 'never', ref: 'r2' });
  await notice(page).getByText('REFRESH_REUSED').waitFor();
  assert.equal(page.sockets[0].closed, false, 'until its time it goes on');
  await page.unroute('**/auth/refresh');
  await page.getByRole('textbox', { name: 'Message' }).fill('not sent yet');
  await notice(page).getByRole('button', { name: 'Log in again' }).click();
  await dialogOf(page).getByLabel('Password of Brief').fill(PASSWORD);
  await dialogOf(page).getByRole('button', { name: 'Log in', exact: true }).click();
  await page.waitForFunction(() => document.getElementById('notice').textContent === '');
  await connected(page);
  assert.equal(await page.getByRole('textbox', { name: 'Message' }).inputValue(), 'not sent yet');
  assert.equal(await message(page, 'still here').count(), 1);
});

test('the account by keyboard: every control has a name, Escape closes, focus goes back', async (t) => {
  const page = await openWindow(t, node);
  await registerOnPage(page, 'Fingers');
  await page.locator('#account').focus();
  await page.keyboard.press('Enter');
  await dialogOf(page).getByText('This session').waitFor();
  const nameless = await page.evaluate(() => [...document.querySelectorAll('dialog button, dialog a[href], dialog input')].filter((e) => e.checkVisibility() && !(e.textContent.trim() || e.ariaLabel || e.labels?.length)).map((e) => e.outerHTML));
  assert.deepEqual(nameless, []);
  await dialogOf(page).getByRole('button', { name: 'Change password' }).focus();
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'account-old');
  await dialogOf(page).getByRole('button', { name: 'Back' }).focus();
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'dialog-title');
  await page.keyboard.press('Escape');
  await dialogOf(page).waitFor({ state: 'hidden' });
  assert.equal(await page.evaluate(() => document.activeElement.id), 'account');
});
