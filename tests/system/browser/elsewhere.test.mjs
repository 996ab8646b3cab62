// Accounts at another application (identity = external): the page says where to sign in, and takes a token.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { accessible } from '../support/axe.mjs';
import { closeBrowser, connected, message, openRoom, openWindow, write } from '../support/browser.mjs';
import { fileScope, serve, temporary } from '../support/foyer.mjs';
import { now } from '../support/people.mjs';

const SECRET = 'Vb7-rT2m_Qk9wXz5Lp0sNc8dYh3fJg6aEu';
const b64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
function token(claims) {
  const input = `${b64({ alg: 'HS256', typ: 'JWT' })}.${b64({ iss: 'shop', ...claims })}`;
  return `${input}.${crypto.createHmac('sha256', SECRET).update(input).digest('base64url')}`;
}

const file = fileScope(after);
let node;
before(async () => {
  const dir = temporary(file);
  fs.writeFileSync(path.join(dir, 'secret'), SECRET, { mode: 0o600 });
  node = await serve(file, { env: { FOYER_IDENTITY: 'external', FOYER_SIGN_IN_URL: 'https://app.example.com/login',
    FOYER_ISSUER: JSON.stringify([{ name: 'shop', issuer: 'shop', secret_file: path.join(dir, 'secret') }]) } });
});
after(closeBrowser);

test('the page names the place to sign in, and a token opens it', async (t) => {
  const page = await openWindow(t, node);
  const link = page.getByRole('link', { name: 'Sign in there' });
  await link.waitFor();
  assert.equal(await link.getAttribute('href'), 'https://app.example.com/login');
  assert.equal(await page.getByRole('button', { name: 'Log in' }).count(), 0);
  await accessible(page, 'accounts elsewhere');
  const field = page.getByLabel('Access token');
  await field.fill('nonsense');
  await page.getByRole('button', { name: 'Use this token' }).click();
  await page.getByText('This is not an access token.').waitFor();
  await field.fill(token({ sub: '7', name: 'Seven', exp: now() + 600 }));
  await page.getByRole('button', { name: 'Use this token' }).click();
  await connected(page);
  await openRoom(page, 'tea');
  await write(page, 'hello from elsewhere');
  await message(page, 'hello from elsewhere').waitFor();
  assert.deepEqual(page.complaints, []);
});

test('a token that has ended brings back the form, with the reason', async (t) => {
  const page = await openWindow(t, node);
  await page.getByLabel('Access token').fill(token({ sub: '7', exp: now() - 600 }));
  await page.getByRole('button', { name: 'Use this token' }).click();
  await page.getByRole('button', { name: 'Log in again' }).click();
  await page.getByLabel('Access token').waitFor();
  await page.getByText('Your access token has ended.').waitFor();
  assert.deepEqual(page.complaints, []);
});
