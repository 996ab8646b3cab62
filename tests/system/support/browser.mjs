// Debian's Chromium, driven by playwright-core; and the page as its readers use it.
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { ROOT } from './foyer.mjs';
import { PASSWORD } from './people.mjs';
import { Inbox } from './within.mjs';

const ARGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];
export const DESKTOP = { viewport: { width: 1280, height: 800 } };
export const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

let browser = null;

// A window of a browser of its own, or a second one of `context`. What the page complains
// about is kept in `complaints`.
export async function openWindow(t, node, { context, at = '/', ...options } = {}) {
  browser ??= await chromium.launch({ executablePath: process.env.FOYER_CHROMIUM ?? '/usr/bin/chromium', args: ARGS });
  const own = context ?? await browser.newContext({ ...DESKTOP, locale: 'en-GB', reducedMotion: 'reduce', ...options });
  if (!context) t.after(() => own.close());
  const page = await own.newPage();
  page.setDefaultTimeout(20_000);
  page.complaints = [];
  page.sockets = [];
  page.heard = new Inbox('the page’s socket');
  page.on('pageerror', (error) => page.complaints.push(String(error.stack ?? error)));
  page.on('console', (m) => { if (m.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(m.text())) page.complaints.push(m.text()); });
  page.on('websocket', (socket) => {
    const record = { url: socket.url(), received: [], sent: [], closed: false };
    page.sockets.push(record);
    socket.on('framereceived', ({ payload }) => {
      const frame = JSON.parse(payload);
      record.received.push(frame);
      page.heard.push(frame);
    });
    socket.on('framesent', ({ payload }) => record.sent.push(JSON.parse(payload)));
    socket.on('close', () => { record.closed = true; });
  });
  await page.goto(`${node.origin}${at}`);
  return page;
}

export async function closeBrowser() {
  await browser?.close();
  browser = null;
}

export async function registerOnPage(page, name) {
  await page.getByRole('radio', { name: 'Register' }).check();
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Register' }).click();
  await connected(page);
}

export async function logInOnPage(page, name, password = PASSWORD) {
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
}

export const connected = (page) => page.locator('#line', { hasText: 'Connected' }).waitFor({ state: 'attached' });

export async function openRoom(page, name, kind = 'Public') {
  await page.getByRole('button', { name: 'Open a room' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('radio', { name: kind }).check();
  await dialog.getByRole('textbox', { name: 'Name' }).fill(name);
  await dialog.getByRole('button', { name: 'Open', exact: true }).click();
  await page.getByRole('heading', { name, level: 1, exact: true }).waitFor();
}

export async function write(page, text) {
  const field = page.getByRole('textbox', { name: 'Message' });
  await field.fill(text);
  await field.press('Enter');
}

export const message = (page, text) => page.locator('.message .text', { hasText: text });

export async function screenshot(page, name) {
  const dir = path.join(ROOT, 'build/screenshots');
  fs.mkdirSync(dir, { recursive: true });
  await page.screenshot({ path: path.join(dir, `${name}.png`) });
}
