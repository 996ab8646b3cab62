// Debian's Chromium and Firefox, without a window: run a function in a page of theirs.
// Chromium by playwright-core; Firefox as it is, by WebDriver BiDi over a WebSocket.
// A tab: go(url), reload(), back(), run(declaration, args), close().
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';
import WebSocket from 'ws';
import { within } from '../support/within.mjs';

const START_MS = 60_000;

async function startChromium() {
  const browser = await chromium.launch({ executablePath: process.env.FOYER_CHROMIUM ?? '/usr/bin/chromium', ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-dev-shm-usage'] });
  return {
    async tab() {
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      const page = await context.newPage();
      return {
        go: (url) => page.goto(url),
        reload: () => page.reload(),
        back: () => page.goBack({ waitUntil: 'commit' }), // a page that was kept is not loaded again
        run: (declaration, args) => page.evaluate(`(${declaration})(...${JSON.stringify(args)})`),
        close: () => context.close(),
      };
    },
    end: () => browser.close(),
  };
}

async function startFirefox() {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'foyer-firefox-'));
  const child = spawn(process.env.FOYER_FIREFOX ?? '/usr/bin/firefox-esr', ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0', 'about:blank'],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env.PATH, HOME: profile } });
  const gone = new Promise((resolve) => { child.on('exit', resolve); child.on('error', resolve); });
  const killed = () => child.kill('SIGKILL');
  process.on('exit', killed);
  const address = await within('Firefox to listen', new Promise((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => { const found = /BiDi listening on (ws:\S+)/.exec(line); if (found) resolve(found[1]); });
    gone.then(() => reject(new Error('Firefox ended')));
  }), START_MS);
  const socket = new WebSocket(`${address}/session`, { perMessageDeflate: false, maxPayload: 64 << 20 });
  const waiting = new Map();
  socket.on('message', (text) => {
    const answer = JSON.parse(text);
    const { resolve, reject } = waiting.get(answer.id) ?? {};
    waiting.delete(answer.id);
    if (answer.type === 'error') reject?.(new Error(`${answer.error}: ${answer.message}`));
    else resolve?.(answer.result);
  });
  await within('Firefox’s socket', new Promise((resolve, reject) => { socket.on('open', resolve); socket.on('error', reject); }));
  let id = 0;
  const ask = (method, params) => within(`Firefox: ${method}`, new Promise((resolve, reject) => {
    waiting.set(id += 1, { resolve, reject });
    socket.send(JSON.stringify({ id, method, params }));
  }), START_MS);
  await ask('session.new', { capabilities: { alwaysMatch: { acceptInsecureCerts: true } } });
  return {
    async tab() {
      const { context } = await ask('browsingContext.create', { type: 'tab' });
      return {
        go: (url) => ask('browsingContext.navigate', { context, url, wait: 'complete' }),
        reload: () => ask('browsingContext.reload', { context, wait: 'complete' }),
        back: () => ask('browsingContext.traverseHistory', { context, delta: -1 }),
        async run(declaration, args) {
          const answer = await ask('script.callFunction', {
            functionDeclaration: `async (text) => JSON.stringify(await (${declaration})(...JSON.parse(text)))`,
            arguments: [{ type: 'string', value: JSON.stringify(args) }], target: { context }, awaitPromise: true });
          if (answer.type !== 'success') throw new Error(`in Firefox: ${answer.exceptionDetails?.text}`);
          return answer.result.value === undefined ? undefined : JSON.parse(answer.result.value);
        },
        close: () => ask('browsingContext.close', { context }),
      };
    },
    async end() {
      socket.terminate();
      child.kill('SIGKILL');
      await gone;
      process.off('exit', killed);
      fs.rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}

const STARTS = { chromium: startChromium, firefox: startFirefox };
const running = new Map();

// A tab of that browser; its cookies are its own in Chromium, and of the whole profile in Firefox.
export async function openTab(name) {
  if (!running.has(name)) running.set(name, STARTS[name]());
  const tab = await (await running.get(name)).tab();
  return { ...tab, run: (fn, ...args) => tab.run(fn.toString(), args) };
}

// fn(...args) in a page of `at`, which must be a function of nothing but its arguments.
export async function inBrowser(name, at, fn, ...args) {
  const tab = await openTab(name);
  try {
    await tab.go(at);
    return await tab.run(fn, ...args);
  } finally {
    await tab.close();
  }
}

export async function endBrowsers() {
  for (const browser of running.values()) await (await browser).end();
  running.clear();
}
