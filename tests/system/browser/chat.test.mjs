// The page in a real browser: people meet, talk, scroll, and leave.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PHONE, closeBrowser, connected, logInOnPage, message, openRoom, openWindow, registerOnPage, screenshot, write } from '../support/browser.mjs';
import { fileScope, serve } from '../support/foyer.mjs';
import { arrive } from '../support/people.mjs';

const file = fileScope(after);
let node;
before(async () => { node = await serve(file, { args: ['--presence-grace', '300ms'] }); });
after(closeBrowser);

// Nothing sticks out sideways, and nothing was complained about.
async function tidy(page) {
  assert.deepEqual(page.complaints, []);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, 'the page is wider than the window');
}

test('two people register, open a room and chat', async (t) => {
  const mira = await openWindow(t, node, { colorScheme: 'light' });
  const tomas = await openWindow(t, node, { ...PHONE, colorScheme: 'dark' });
  await mira.locator('#server-version', { hasText: /\d/ }).waitFor();
  await screenshot(mira, 'arrival-desktop-light');
  await screenshot(tomas, 'arrival-phone-dark');
  await registerOnPage(mira, 'Mira');
  await registerOnPage(tomas, 'Tomas');
  const ines = await arrive(node, 'Ines');
  for (const line of ['Good afternoon. The post is on the sideboard.', 'And somebody left an umbrella, green, with a wooden handle.']) await ines.say('tea', line);
  await openRoom(mira, 'garden');
  await openRoom(mira, 'staircase', 'Private');
  await openRoom(mira, 'tea');
  await openRoom(tomas, 'tea');
  await ines.say('garden', 'The roses are cut.');
  await ines.say('garden', 'Mind the ladder.');
  await ines.join('tea');
  await mira.getByRole('link', { name: 'garden 2 unread' }).waitFor();
  await write(mira, 'The kettle is on. Who would like a cup?');
  await message(tomas, 'The kettle is on').waitFor();
  await write(tomas, 'I would. The long table by the window?');
  await message(mira, 'The long table').waitFor();
  await write(mira, 'It is free until four. Bring the drawings of the staircase, and whoever else has time.');
  await message(tomas, 'until four').waitFor();
  await ines.say('tea', 'Me, if there is any of the smoked one left.');
  await message(mira, 'smoked one').waitFor();
  await mira.getByRole('button', { name: '3 here' }).click();
  await mira.locator('#people-list', { hasText: 'Tomas' }).waitFor();
  await tomas.getByRole('textbox', { name: 'Message' }).pressSequentially('On my way');
  await mira.getByText('Tomas is typing').waitFor();
  assert.equal(await mira.locator('.message.sending').count(), 0);
  await screenshot(mira, 'room-desktop-light');
  await screenshot(tomas, 'room-phone-dark');
  await mira.emulateMedia({ colorScheme: 'dark' });
  await screenshot(mira, 'room-desktop-dark');
  await tomas.emulateMedia({ colorScheme: 'light' });
  await screenshot(tomas, 'room-phone-light');
  await tidy(mira);
  await tidy(tomas);
  await tomas.getByRole('button', { name: 'All rooms' }).click();
  await tomas.getByRole('link', { name: 'tea' }).waitFor();
  await write(mira, 'Still there?');
  await tomas.getByRole('link', { name: 'tea 1 unread' }).waitFor();
  await screenshot(tomas, 'rooms-phone-light');
  await tomas.close();
  await mira.getByRole('button', { name: '2 here' }).waitFor();
});

test('a second person in another window of the same browser does not push the first one out', async (t) => {
  const first = await openWindow(t, node);
  const second = await openWindow(t, node, { context: first.context() });
  await registerOnPage(first, 'Window.One');
  await second.reload();
  await connected(second); // the same person, by the cookie
  await second.getByRole('button', { name: /Account of/ }).click();
  await second.getByRole('button', { name: 'Use another account in this window' }).click();
  await second.getByText('Window.One is signed in on this browser').waitFor();
  await registerOnPage(second, 'Window.Two');
  await openRoom(first, 'pair');
  await openRoom(second, 'pair');
  await write(second, 'both here');
  await message(first, 'both here').waitFor();
  await first.reload();
  await connected(first);
  assert.equal(await first.locator('#account-name').textContent(), 'Window.One');
});

test('no token in a URL or at rest; the session survives a reload by its cookie', async (t) => {
  const page = await openWindow(t, node);
  const urls = [];
  page.on('request', (request) => urls.push(request.url()));
  await registerOnPage(page, 'Careful');
  await page.reload();
  await connected(page);
  const auth = page.sockets.at(-1).sent[0];
  assert.equal(auth.type, 'authenticate');
  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  for (const where of [stored, ...urls, ...page.sockets.map((s) => s.url)]) {
    assert.ok(!where.includes(auth.token) && !where.includes(auth.token.split('.')[2]));
    assert.doesNotMatch(where, /token=|ticket=/);
  }
  await tidy(page);
});

test('all of it by keyboard', async (t) => {
  const page = await openWindow(t, node);
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());
  const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
  assert.equal(await focused(), 'entry-name');
  await page.keyboard.type('Keys');
  await press('Tab');
  await page.keyboard.type('a long and quiet sentence');
  await press('Shift+Tab', 'Shift+Tab', 'ArrowRight'); // the choice: register
  await press('Tab', 'Tab', 'Enter');
  await connected(page);
  await page.getByRole('button', { name: 'Open a room' }).focus();
  await press('Enter');
  await page.getByRole('dialog').waitFor();
  assert.equal(await focused(), 'dialog-room');
  await press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  assert.equal(await focused(), 'new-room');
  await press('Enter');
  await page.keyboard.type('keyboards');
  await press('Enter');
  await page.getByRole('heading', { name: 'keyboards' }).waitFor();
  await page.locator('#compose:focus').waitFor();
  await page.keyboard.type('first line');
  await press('Shift+Enter');
  await page.keyboard.type('second line');
  await press('Enter');
  await message(page, 'first line').waitFor();
  assert.equal(await message(page, 'first line').textContent(), 'first line\nsecond line');
  await page.locator('.messages .tools button').focus();
  await press('Enter');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).focus();
  await press('Enter');
  await page.locator('.message.gone').waitFor();
  assert.equal(await message(page, 'first line').count(), 0);
  await tidy(page);
});

test('an invitation that is declined goes, on every device, and its sender sees nothing of it', async (t) => {
  const [asker, tablet, phone] = [await openWindow(t, node), await openWindow(t, node), await openWindow(t, node, { ...PHONE })];
  await registerOnPage(asker, 'Asker');
  await registerOnPage(tablet, 'Asked');
  await logInOnPage(phone, 'Asked');
  await connected(phone);
  await openRoom(asker, 'party', 'Private');
  await asker.getByRole('button', { name: 'Invite somebody' }).click();
  await asker.getByLabel('Their name').fill('Asked');
  await asker.getByRole('dialog').getByRole('button', { name: 'Invite' }).click();
  await tablet.getByText('Asker invites you to party').waitFor();
  await phone.getByText('Asker invites you to party').waitFor();
  await screenshot(phone, 'invitation-phone');
  const heard = asker.sockets[0].received.length;
  await phone.getByRole('button', { name: 'Decline: Asker invites you to party' }).click();
  await tablet.getByText('Asker invites you to party').waitFor({ state: 'detached' });
  await phone.getByText('Asker invites you to party').waitFor({ state: 'detached' });
  assert.equal(asker.sockets[0].received.length, heard);
  await tablet.reload();
  await connected(tablet);
  await tablet.getByRole('link', { name: 'Notes to yourself' }).waitFor();
  assert.equal(await tablet.getByText('Asker invites you to party').count(), 0);
});

test('every control has a name, and new messages are announced', async (t) => {
  const page = await openWindow(t, node);
  await registerOnPage(page, 'Listener');
  await openRoom(page, 'spoken');
  const nameless = await page.evaluate(() => [...document.querySelectorAll('button, a[href], input, textarea, [role=region]')].filter((e) => e.checkVisibility() && !(e.textContent.trim() || e.ariaLabel || e.labels?.length || e.getAttribute('aria-labelledby'))).map((e) => e.outerHTML));
  assert.deepEqual(nameless, []);
  const other = await arrive(node, 'speaker');
  await other.join('spoken');
  await other.say('spoken', 'can you hear me');
  await page.locator('#said[aria-live=polite]', { hasText: 'speaker: can you hear me' }).waitFor({ state: 'attached' });
  assert.equal(await page.getByRole('main').count(), 1);
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
});

test('a reader who scrolled up stays there; what comes below is counted; older messages come by themselves', async (t) => {
  const other = await arrive(node, 'chatterbox');
  await other.join('long');
  for (let i = 1; i <= 130; i += 1) await other.say('long', `remark ${i}`);
  const page = await openWindow(t, node);
  await registerOnPage(page, 'Reader');
  await openRoom(page, 'long');
  await message(page, 'remark 130').waitFor();
  assert.equal(await message(page, /^remark 1$/).count(), 0);
  const scroll = page.locator('#scroll');
  const bottomGap = () => scroll.evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight);
  assert.ok(await bottomGap() < 5);
  await scroll.evaluate((e) => { e.scrollTop = 0; });
  await message(page, /^remark 60$/).waitFor({ state: 'attached' });
  const anchor = message(page, /^remark 81$/);
  await scroll.evaluate((e) => { e.scrollTop = 700; });
  const before = await anchor.evaluate((e) => e.getBoundingClientRect().top);
  await other.say('long', 'news');
  await page.getByRole('button', { name: '1 new message below' }).waitFor();
  assert.equal(await anchor.evaluate((e) => e.getBoundingClientRect().top), before, 'nothing jumped');
  await page.getByRole('button', { name: '1 new message below' }).click();
  await page.waitForFunction(() => { const e = document.getElementById('scroll'); return e.scrollHeight - e.scrollTop - e.clientHeight < 5; });
  await tidy(page);
});

test('private rooms: made, somebody invited, a direct word', async (t) => {
  const [host, guest] = [await openWindow(t, node), await openWindow(t, node)];
  await registerOnPage(host, 'Host');
  await registerOnPage(guest, 'Guest');
  await openRoom(host, 'study', 'Private');
  await host.getByText('This room is empty').waitFor();
  await host.getByRole('button', { name: 'Invite somebody' }).click();
  await host.getByLabel('Their name').fill('Nobody.Here');
  await host.getByRole('dialog').getByRole('button', { name: 'Invite' }).click();
  await host.getByText('There is no person with this name or id here.').waitFor();
  await screenshot(host, 'invite-nobody-desktop');
  await host.getByLabel('Their name').fill('guest');
  await host.getByRole('dialog').getByRole('button', { name: 'Invite' }).click();
  await guest.getByText('Host invites you to study').waitFor();
  assert.equal(await guest.getByRole('link', { name: 'study' }).count(), 0, 'nobody belongs to a room unasked');
  await screenshot(guest, 'invitation-desktop');
  await guest.getByRole('button', { name: 'Accept: Host invites you to study' }).click();
  await guest.getByRole('heading', { name: 'study' }).waitFor();
  await write(host, 'welcome in');
  await message(guest, 'welcome in').waitFor();
  await guest.locator('.who').getByRole('button', { name: 'Host' }).click();
  await guest.getByRole('button', { name: 'Write to Host' }).click();
  await guest.getByRole('heading', { name: 'Host', level: 1, exact: true }).waitFor(); // not the dialog's
  await write(guest, 'between us');
  await host.getByText('Guest wants to chat with you').waitFor();
  await host.getByRole('button', { name: 'Accept: Guest wants to chat with you' }).click();
  await host.getByRole('heading', { name: 'Guest', level: 1, exact: true }).waitFor();
  await message(host, 'between us').waitFor();
  await tidy(host);
  await tidy(guest);
});
