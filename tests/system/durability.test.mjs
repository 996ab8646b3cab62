// What was answered `sent` is kept: through kill -9, SIGTERM, a locked, a full and a
// read-only database; and a copy can be taken while the server runs.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { asNobody, atEnd, foyer, isRoot, run, serve, serveFails, temporary } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { arrive, register, PASSWORD } from './support/people.mjs';
import { Client } from './support/websocket.mjs';
import { until, within } from './support/within.mjs';

const fast = ['--messages-per-s', '100000', '--messages-burst', '100000'];
const login = async (node, name) => Client.open(node, { token: (await ask(node, 'POST', '/auth/login', { body: { name, password: PASSWORD } })).json.access_token });
async function whole(client, room, limit = 300) {
  const all = [];
  for (let before; ;) {
    const page = await client.ask('history', { room, limit, ...(before ? { before } : {}) });
    assert.equal(page.type, 'history', JSON.stringify(page));
    all.unshift(...page.messages);
    if (!page.more) return all;
    before = page.messages[0].offset;
  }
}

for (const round of [1, 2, 3]) {
  test(`kill -9 in the middle of writing (${round}): nothing that was answered is lost, nothing is there twice`, async (t) => {
    const first = await serve(t, { args: fast });
    const ann = await arrive(first, 'ann');
    const { epoch } = await ann.join('tea');
    const answered = new Set();
    const enough = new Promise((resolve) => {
      for (let i = 0; i < 2_000; i += 1) {
        ann.say('tea', `m${i}`, { key: `k${i}` }).then((a) => {
          if (a.type !== 'sent') return;
          answered.add(i);
          if (answered.size === round * 150) resolve();
        }, () => {});
      }
    });
    await within('the first answers', enough);
    await first.kill9();
    const second = await serve(t, { data: first.data, args: fast });
    const again = await login(second, 'ann');
    const joined = await again.join('tea', { since: { epoch, offset: 0 }, limit: 1 });
    assert.equal(joined.epoch, epoch, 'a durable room keeps its epoch');
    const stored = await whole(again, 'tea');
    const texts = stored.map((m) => m.message);
    for (const i of answered) assert.ok(texts.includes(`m${i}`), `m${i} was answered and is lost`);
    assert.equal(new Set(texts).size, texts.length);
    assert.deepEqual(stored.map((m) => m.offset), stored.map((_, i) => i + 1), 'no gap');
    // Sent again under their keys, all are there exactly once.
    for (let i = 0; i < 2_000; i += 200) {
      const answers = await Promise.all([...Array(200).keys()].map((k) => again.say('tea', `m${i + k}`, { key: `k${i + k}` })));
      answers.forEach((a, k) => { if (answered.has(i + k)) assert.equal(a.duplicate, true, `k${i + k}`); });
    }
    const all = (await whole(again, 'tea')).map((m) => m.message);
    assert.deepEqual([all.length, new Set(all).size], [2_000, 2_000]);
  });
}

test('SIGTERM during a message: what was answered is there, what was not is not half there', async (t) => {
  const first = await serve(t, { args: fast });
  const ann = await arrive(first, 'ann');
  const answered = new Set();
  let asked = 0;
  const writing = (async () => {
    for (; asked < 5_000; asked += 1) {
      const i = asked;
      ann.say('tea', `m${i}`, { key: `k${i}` }).then((a) => { if (a.type === 'sent') answered.add(i); }, () => {});
      if (i % 50 === 0) await ann.barrier().catch(() => { asked = 5_000; });
      if (i === 500) {
        await until('an answer', () => answered.size > 0);
        first.child.kill('SIGTERM');
      }
    }
  })();
  assert.equal((await ann.ended()).code, 1001);
  await writing;
  assert.deepEqual(await first.ended(), { code: 0, signal: null });
  const second = await serve(t, { data: first.data });
  const texts = (await whole(await login(second, 'ann'), 'tea')).map((m) => m.message);
  assert.ok(answered.size > 0);
  for (const i of answered) assert.ok(texts.includes(`m${i}`), `m${i}`);
  assert.equal(new Set(texts).size, texts.length);
});

test('a key is remembered through a restart', async (t) => {
  const first = await serve(t);
  const sent = await (await arrive(first, 'ann')).say('tea', 'once', { key: 'the-key' });
  await first.terminate();
  const second = await serve(t, { data: first.data });
  const again = await (await login(second, 'ann')).say('tea', 'once', { key: 'the-key' });
  assert.deepEqual({ ...again, id: 0 }, { ...sent, id: 0, duplicate: true });
});

test('a room that is not durable has a new epoch after a restart', async (t) => {
  const args = ['--non-durable-rooms', 'live-*'];
  const first = await serve(t, { args });
  const ann = await arrive(first, 'ann');
  const before = await ann.join('live-one');
  await ann.say('live-one', 'gone soon');
  await first.terminate();
  const second = await serve(t, { data: first.data, args });
  const after = await (await login(second, 'ann')).join('live-one', { since: { epoch: before.epoch, offset: 1 }, limit: 10 });
  assert.notEqual(after.epoch, before.epoch);
  assert.deepEqual([after.recovered, after.messages], [false, []]);
});

test('members, direct rooms and deletions outlive kill -9', async (t) => {
  const first = await serve(t);
  const [ann, bob] = [await arrive(first, 'ann'), await arrive(first, 'bob')];
  await ann.ask('create', { room: 'private:plan' });
  await ann.ask('invite', { room: 'private:plan', user: bob.user.id });
  const { room: direct } = await ann.ask('direct', { user: bob.user.id });
  for (const room of ['private:plan', direct]) assert.equal((await bob.ask('accept', { room })).type, 'accepted');
  const { offset } = await ann.say('private:plan', 'regret');
  await ann.ask('delete', { room: 'private:plan', offset });
  await first.kill9();
  const second = await serve(t, { data: first.data });
  const again = await login(second, 'bob');
  const { rooms } = await again.ask('rooms');
  for (const room of ['private:plan', direct]) assert.ok(rooms.some((r) => r.room === room), room);
  assert.equal((await again.join('private:plan')).type, 'joined');
  assert.doesNotMatch(JSON.stringify(await again.ask('history', { room: 'private:plan' })), /regret/);
});

test('retention: history_messages keeps the newest', async (t) => {
  const node = await serve(t, { args: [...fast, '--history-messages', '10'] });
  const ann = await arrive(node, 'ann');
  for (let i = 0; i < 40; i += 1) await ann.say('tea', `m${i}`);
  await node.terminate();
  const again = await serve(t, { data: node.data, args: ['--history-messages', '10'] });
  const client = await login(again, 'ann');
  await client.say('tea', 'last');
  const deadline = Date.now() + 15_000;
  let kept;
  do { kept = await whole(client, 'tea'); } while (kept.length > 10 && Date.now() < deadline);
  assert.ok(kept.length <= 10, `${kept.length} are kept`);
  assert.equal(kept.at(-1).message, 'last');
});

test('foyer backup copies a running server, and the copy serves', async (t) => {
  const node = await serve(t);
  const ann = await arrive(node, 'ann');
  await ann.say('tea', 'before the copy');
  const dir = temporary(t);
  const file = path.join(dir, 'copy.tar');
  const backup = await foyer(['backup', file, '--data', node.data]);
  assert.equal(backup.code, 0, backup.err);
  assert.equal(fs.statSync(file).mode & 0o077, 0, 'it holds secrets');
  await ann.say('tea', 'after the copy');
  const restored = path.join(dir, 'restored');
  fs.mkdirSync(restored, { mode: 0o700 });
  await run('tar', ['-xpf', file, '-C', restored]);
  const copy = await serve(t, { data: restored });
  const texts = (await whole(await login(copy, 'ann'), 'tea')).map((m) => m.message);
  assert.deepEqual(texts, ['before the copy']);
  assert.equal((await ann.ask('ping')).type, 'pong', 'the first one runs on');
});

// The databases of the data directory, whatever they are called.
const databases = (data) => fs.readdirSync(data).filter((f) => fs.readFileSync(path.join(data, f)).subarray(0, 15).toString() === 'SQLite format 3').map((f) => path.join(data, f));

test('a database that somebody else has locked is STORE_LOCKED; afterwards writing goes on', async (t) => {
  const node = await serve(t, { args: fast });
  const ann = await arrive(node, 'ann');
  await ann.say('tea', 'before');
  const { DatabaseSync } = await import('node:sqlite');
  const held = databases(node.data).map((file) => { const db = new DatabaseSync(file); db.exec('BEGIN IMMEDIATE'); return db; });
  const refused = await within('STORE_LOCKED', ann.say('tea', 'while locked', { key: 'k' }), 60_000);
  assert.deepEqual([refused.type, refused.code, refused.retry], ['error', 'STORE_LOCKED', 'after'], JSON.stringify(refused));
  assert.equal((await ann.ask('ping')).type, 'pong');
  held.forEach((db) => { db.exec('ROLLBACK'); db.close(); });
  assert.equal((await ann.say('tea', 'while locked', { key: 'k' })).type, 'sent');
  assert.deepEqual((await ann.ask('history', { room: 'tea' })).messages.map((m) => m.message), ['before', 'while locked']);
});

test('a read-only database is STORE_READ_ONLY; reading still works', async (t) => {
  const data = temporary(t);
  if (isRoot) await run('chown', ['65534:65534', data]);
  const first = await serve(t, { data, wrap: asNobody });
  const ann = await arrive(first, 'ann');
  await ann.say('tea', 'kept');
  await first.terminate();
  for (const file of databases(data).filter((f) => !/accounts/.test(f))) fs.chmodSync(file, 0o400);
  const second = await serve(t, { data, wrap: asNobody });
  const client = await Client.open(second, { token: ann.token });
  const refused = await client.say('tea', 'not kept');
  assert.deepEqual([refused.type, refused.code], ['error', 'STORE_READ_ONLY'], JSON.stringify(refused));
  assert.deepEqual((await client.ask('history', { room: 'tea' })).messages.map((m) => m.message), ['kept']);
  assert.equal((await ask(second, 'GET', '/health/live')).status, 200);
  const ready = await ask(second, 'GET', '/health');
  assert.match(ready.text, /STORE_READ_ONLY/, 'health names it');
});

test('read-only accounts: who has a token chats on, registering is STORE_READ_ONLY', async (t) => {
  const data = temporary(t);
  if (isRoot) await run('chown', ['65534:65534', data]);
  const first = await serve(t, { data, wrap: asNobody });
  const ann = await arrive(first, 'ann');
  await first.terminate();
  for (const file of databases(data).filter((f) => /accounts/.test(f))) fs.chmodSync(file, 0o400);
  const second = await serve(t, { data, wrap: asNobody });
  const client = await Client.open(second, { token: ann.token });
  assert.equal((await client.say('tea', 'still here')).type, 'sent');
  const answer = await ask(second, 'POST', '/auth/register', { body: { name: 'late', password: PASSWORD } });
  assert.deepEqual([answer.status, answer.json.code], [503, 'STORE_READ_ONLY']);
  assert.match((await ask(second, 'GET', '/health')).text, /STORE_READ_ONLY/, 'health names it');
});

test('a full disk is STORE_FULL; nothing answered is lost, and with room again writing goes on', async (t) => {
  const mount = temporary(t);
  const data = path.join(mount, 'data');
  let inside = () => mount;
  let node;
  if (isRoot) {
    try {
      await run('mount', ['-t', 'tmpfs', '-o', 'size=6m,mode=0700', 'tmpfs', mount]);
    } catch (error) {
      return t.skip(`no file system can be mounted here: ${error.err}`);
    }
    atEnd(t, () => run('umount', ['--lazy', mount]));
    fs.writeFileSync(path.join(mount, 'filler'), Buffer.alloc(2_000_000));
    node = await serve(t, { data, args: fast });
  } else {
    // In a mount namespace of the server's own, seen from here through /proc/PID/root.
    const pidFile = path.join(temporary(t), 'pid');
    const script = 'mount -t tmpfs -o size=6m,mode=0700 tmpfs "$0" && head -c 2000000 /dev/zero >"$0/filler" && echo $$ >"$1" && exec "${@:2}"';
    inside = () => `/proc/${fs.readFileSync(pidFile, 'utf8').trim()}/root${mount}`;
    node = await serve(t, { data, wrap: ['unshare', '--map-root-user', '--mount', 'bash', '-c', script, mount, pidFile], args: fast, statusFile: () => `${inside()}/data/foyer.json` });
  }
  const ann = await arrive(node, 'ann');
  const kept = [];
  let refused = null;
  for (let i = 0; i < 2_000 && !refused; i += 1) {
    const answer = await ann.say('tea', `${i} ${'x'.repeat(8_000)}`);
    if (answer.type === 'sent') kept.push(i);
    else refused = answer;
  }
  assert.deepEqual([refused?.code, refused?.retry], ['STORE_FULL', 'after'], JSON.stringify(refused));
  assert.equal((await ann.ask('ping')).type, 'pong');
  fs.rmSync(`${inside()}/filler`);
  assert.equal((await ann.say('tea', 'room again')).type, 'sent');
  const texts = (await whole(ann, 'tea', 50)).map((m) => m.message.split(' ')[0]);
  assert.deepEqual(texts, [...kept.map(String), 'room']);
});

test('the chat store belongs to one gateway', async (t) => {
  const node = await serve(t);
  await register(node, 'ann');
  const failed = await serveFails(t, { data: node.data });
  assert.match(failed.text, /DATA_IN_USE|CHAT_STORE_IN_USE/);
});
