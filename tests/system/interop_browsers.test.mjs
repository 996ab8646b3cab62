// Debian's Chromium and Firefox against our server: what their WebSocket says and hears.
import { after, before } from 'node:test';
import { endBrowsers, inBrowser } from './interop/browsers.mjs';
import { rounds, servers } from './interop/rounds.mjs';
import { play } from './interop/standard.mjs';
import { fileScope } from './support/foyer.mjs';
import { within } from './support/within.mjs';

const file = fileScope(after);
let at;
before(async () => { at = await servers(file); });
after(endBrowsers);

// In a page of the server's own, whose origin it allows.
const page = (browser) => (url, plan) => within(browser, inBrowser(browser, url.replace(/^ws/, 'http').replace(/\/ws\/.*/, '/'), play, url, plan), 120_000);

for (const name of ['Chromium', 'Firefox']) rounds({ name, play: page(name.toLowerCase()) }, () => at);
