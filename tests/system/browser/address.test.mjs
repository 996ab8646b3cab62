// What the browser does with the page, in Chromium and in Firefox: a reload and a link, which open the room
// that the address names, and leaving the page and coming back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { endBrowsers, openTab } from '../interop/browsers.mjs';
import { fileScope, serve } from '../support/foyer.mjs';
import { PASSWORD, arrive } from '../support/people.mjs';
import { within } from '../support/within.mjs';

const file = fileScope(after);
let node;
before(async () => {
  node = await serve(file, { args: ['--presence-grace', '200ms'] });
  const host = await arrive(node, 'Host');
  // `tea` is the last by name: never the first of the list that the server sends.
  for (const room of ['tea', 'garden', 'library', 'stairs']) {
    await host.join(room);
    await host.say(room, `this is ${room}`);
  }
});
after(endBrowsers);

// These run in the page.
async function signIn(name, password) {
  localStorage.setItem('foyer.browser', name);
  const answer = await fetch('/auth/register', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ name, password, cookie: true }) });
  return answer.status;
}
async function settled(room, rooms = 5) {
  const text = (selector) => document.querySelector(selector)?.textContent ?? '';
  const there = () => text('#line').includes('Connected') && document.querySelectorAll('#rooms a').length >= rooms && text('#messages').includes(`this is ${room}`);
  while (!there()) await new Promise(requestAnimationFrame);
  return { hash: location.hash, heading: text('#room-title') };
}
const follow = (hash) => { location.hash = hash; };
const leaveRoom = () => { document.querySelector('#room-more').click(); [...document.querySelectorAll('dialog button')].find((b) => b.textContent.startsWith('Leave')).click(); };

async function arriveIn(t, browser, name) {
  const tab = await openTab(browser);
  t.after(() => tab.close());
  await tab.go(`${node.origin}/`);
  assert.equal(await tab.run(signIn, name, PASSWORD), 201);
  await tab.go('about:blank');
  return { ...tab, settled: (room, rooms) => within(`${room} in ${browser}`, tab.run(settled, room, rooms), 60_000) };
}

const mark = () => { globalThis.marked = true; };
async function shows(text) {
  while (![...document.querySelectorAll('.message .text')].some((each) => each.textContent === text)) await new Promise(requestAnimationFrame);
  return { kept: globalThis.marked === true, line: document.querySelector('#line').textContent };
}

for (const browser of ['chromium', 'firefox']) {
  test(`a page that the reader of ${browser} leaves has no socket, and shows what was missed when the reader comes back`, async (t) => {
    const watcher = await arrive(node, `Watcher.${browser}`);
    await watcher.join('stairs');
    const name = `Wanderer.${browser}`;
    const tab = await arriveIn(t, browser, name);
    await tab.go(`${node.origin}/#stairs`);
    await tab.settled('stairs');
    await tab.run(mark);
    await watcher.next('member_joined', { user: { name } });
    await tab.go(`${node.origin}/causes/NO_TOKEN`);
    await watcher.next('member_left', { user: { name } });
    await watcher.say('stairs', `while ${browser} was elsewhere`);
    await tab.back();
    const seen = await within(`the missed message in ${browser}`, tab.run(shows, `while ${browser} was elsewhere`), 60_000);
    // Chromium kept it whole; Firefox keeps no page that had a socket when it was left.
    assert.deepEqual(seen, { kept: browser === 'chromium', line: 'Connected' });
  });

  test(`a link to /#tea opens tea in ${browser}, and so does every reload`, async (t) => {
    const tab = await arriveIn(t, browser, `Link.${browser}`);
    await tab.go(`${node.origin}/#tea`);
    assert.deepEqual(await tab.settled('tea'), { hash: '#tea', heading: 'tea' });
    await tab.reload();
    assert.deepEqual(await tab.settled('tea'), { hash: '#tea', heading: 'tea' });
    await tab.run(follow, '#library');
    assert.deepEqual(await tab.settled('library'), { hash: '#library', heading: 'library' });
    await tab.reload();
    assert.deepEqual(await tab.settled('library'), { hash: '#library', heading: 'library' });
  });

  test(`the room that ${browser} opens without a link is named by the address, and a room that was left is not`, async (t) => {
    const tab = await arriveIn(t, browser, `Plain.${browser}`);
    await tab.go(`${node.origin}/`);
    assert.deepEqual(await tab.settled('garden'), { hash: '#garden', heading: 'garden' });
    await tab.run(leaveRoom);
    assert.deepEqual(await tab.settled('library', 4), { hash: '#library', heading: 'library' });
  });
}
