// docs/beside-your-app.md, as it is written: an application with users of its own, and a chat in its page.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, test } from 'node:test';
import { accessible } from '../support/axe.mjs';
import { closeBrowser, openWindow } from '../support/browser.mjs';
import { VERSION } from '../support/client_package.mjs';
import { ROOT, cleanEnv, freePort, serve, temporary } from '../support/foyer.mjs';
import { until } from '../support/within.mjs';

after(closeBrowser);

const page = fs.readFileSync(path.join(ROOT, 'docs/beside-your-app.md'), 'utf8');
const block = (language) => new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(page)[1];
const listens = (port) => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
  socket.on('error', () => resolve(false));
});

// Foyer and the application, each at a free port instead of 8000 and 5000.
async function beside(t) {
  const ports = { 8000: await freePort(), 5000: await freePort() };
  const here = (text) => text.replaceAll('127.0.0.1:8000', `127.0.0.1:${ports[8000]}`).replaceAll('127.0.0.1:5000', `127.0.0.1:${ports[5000]}`).replaceAll('"127.0.0.1", 5000', `"127.0.0.1", ${ports[5000]}`);
  const cwd = temporary(t);
  execFileSync('sh', ['-e', '-c', block('sh')], { cwd });
  fs.writeFileSync(path.join(cwd, 'foyer.toml'), here(block('toml')).replace('"shop.secret"', `"${cwd}/shop.secret"`));
  fs.writeFileSync(path.join(cwd, 'shop.py'), here(block('python')));
  fs.writeFileSync(path.join(cwd, 'shop.html'), here(block('html')));
  const data = temporary(t);
  const foyer = () => serve(t, { data, listen: `127.0.0.1:${ports[8000]}`, args: ['--config', path.join(cwd, 'foyer.toml')] });
  const node = await foyer();
  const shop = spawn('/usr/bin/python3', ['shop.py'], { cwd, env: cleanEnv(), stdio: 'ignore' });
  t.after(() => shop.kill('SIGKILL'));
  await until('the application to listen', () => listens(ports[5000]));
  return { node, again: foyer, origin: `http://127.0.0.1:${ports[5000]}` };
}

const says = async (window, text) => {
  await window.getByRole('textbox', { name: 'Message' }).fill(text);
  await window.getByRole('button', { name: 'Send' }).click();
};
const shown = (window) => window.getByRole('listitem').allTextContents();

test('two users of the application chat in its page, also over a restart of Foyer', async (t) => {
  const { node, again, origin } = await beside(t);
  const ann = await openWindow(t, { origin }, { httpCredentials: { username: 'ann', password: 'apple' } });
  await says(ann, 'Hello');
  await until('her message', async () => (await shown(ann)).length === 1);
  const bob = await openWindow(t, { origin }, { httpCredentials: { username: 'bob', password: 'berry' } });
  await until('the history', async () => (await shown(bob)).join() === 'ann: Hello');
  await says(bob, 'Hello ann');
  await until('his message', async () => (await shown(ann)).length === 2);
  await accessible(ann, 'the page of the application');

  assert.equal((await node.terminate()).code, 0);
  await until('the page to say so', async () => /\S/.test(await ann.getByRole('status').textContent()));
  await says(ann, 'Are you there?');
  await again();
  for (const window of [ann, bob]) await until('what was written meanwhile', async () => (await shown(window)).length === 3);
  assert.deepEqual(await shown(bob), ['ann: Hello', 'bob: Hello ann', 'ann: Are you there?']);
  await until('the page to be well', async () => (await ann.getByRole('status').textContent()) === '');
});

test('a page of another origin than the permitted one says what to do', async (t) => {
  const { origin } = await beside(t);
  const window = await openWindow(t, { origin: origin.replace('127.0.0.1', 'localhost') }, { httpCredentials: { username: 'ann', password: 'apple' } });
  await until('the note', async () => /^ORIGIN_NOT_ALLOWED: .*ALLOWED_ORIGINS/.test(await window.getByRole('status').textContent()));
});

test('the tutorial names the package of this version', () => {
  assert.ok(page.includes(`foyer-client-${VERSION}.tgz`));
});
