// After each of these the server holds what it held before, and serves the others.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileScope, serve } from './support/foyer.mjs';
import { hostile, holds, settled } from './support/hostile.mjs';
import { register } from './support/people.mjs';
import { Client } from './support/websocket.mjs';
import { until } from './support/within.mjs';

const file = fileScope(after);
let node;
let ann;
let friends;
before(async () => {
  node = await serve(file, { args: ['--echo', 'token', '--address-refusals', '100000', '--address-handshakes', '100000', '--user-connections', '1000'] });
  ann = await register(node, 'ann');
  friends = await Promise.all(['bob', 'eve'].map(async (name) => Client.open(node, { token: (await register(node, name)).access_token })));
  for (const friend of friends) assert.equal((await friend.join('tea')).type, 'joined');
});

// A word of one is heard by both.
async function chat(word) {
  assert.equal((await friends[0].say('tea', word)).type, 'sent');
  for (const friend of friends) await friend.next('message', { message: word });
}

for (const [name, attack] of Object.entries(hostile)) {
  test(`${name}: nothing is left of it, and the others go on`, async () => {
    await chat(`before ${name}`);
    const first = holds(node);
    await attack(node, ann.access_token);
    await settled(node, first.descriptors);
    await chat(`after ${name}`);
  });
}

test('all of them again and again: the memory does not grow', async () => {
  const round = async () => { for (const attack of Object.values(hostile)) await attack(node, ann.access_token); };
  await round();
  const { kib, descriptors } = holds(node);
  for (let i = 0; i < 2; i += 1) await round();
  await settled(node, descriptors);
  // The sanitizers keep freed memory in quarantine: there only descriptors and leaks count.
  if (!process.env.FOYER_BIN?.includes('/asan/')) await until(`no more than 16 MiB beyond ${kib} KiB`, () => holds(node).kib < kib + 16 * 1024);
});
