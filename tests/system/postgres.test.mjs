// The shipped binary with its data in PostgreSQL: everything that SQLite keeps is
// kept there, and a server that dies is told, waited for and written to again.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileScope, serve, serveFails } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { arrive, register, PASSWORD } from './support/people.mjs';
import { Postgres } from './support/postgres.mjs';
import { Client } from './support/websocket.mjs';
import { until, within } from './support/within.mjs';

const fast = ['--messages-per-s', '100000', '--messages-burst', '100000'];
const STORE_KEY = 'qG7r0c2Jm1Yb8wZ4xK9tPd3nVh6sLf5u';
const scope = fileScope(after);
let server;
before(async () => { server = await Postgres.start(scope); });

const withDatabase = (url, extra = {}) => ({ env: { DATABASE_URL: url, STORE_KEY }, args: fast, ...extra });
// After an outage the chat may be back a moment before the accounts are.
const login = async (node, name) => (await until(`${name} to log in`, async () => {
  const answer = await ask(node, 'POST', '/auth/login', { body: { name, password: PASSWORD } });
  return answer.status === 200 ? answer : null;
})).json;
const open = async (node, name) => Client.open(node, { token: (await login(node, name)).access_token });
async function whole(client, room) {
  const all = [];
  for (let below; ;) {
    const page = await client.ask('history', { room, limit: 300, ...(below ? { before: below } : {}) });
    assert.equal(page.type, 'history', JSON.stringify(page));
    all.unshift(...page.messages);
    if (!page.more) return all;
    below = page.messages[0].offset;
  }
}

test('register, log in, talk; after a restart with an empty data directory everything is there', async (t) => {
  const url = await server.fresh();
  const first = await serve(t, withDatabase(url));
  const ann = await arrive(first, 'ann');
  const bob = await arrive(first, 'bob');
  const { epoch } = await ann.join('tea');
  await ann.say('tea', 'hello', { key: 'k1' });
  await bob.say('tea', 'a tab \u0009 and a \u{1F9C0}');
  await ann.ask('create', { room: 'private:plan' });
  await ann.say('private:plan', 'psst');
  await first.terminate();
  const second = await serve(t, withDatabase(url));
  const again = await open(second, 'ann');
  const joined = await again.join('tea', { since: { epoch, offset: 0 }, limit: 10 });
  assert.equal(joined.epoch, epoch);
  assert.deepEqual((await whole(again, 'tea')).map((m) => [m.offset, m.message]), [[1, 'hello'], [2, 'a tab \u0009 and a \u{1F9C0}']]);
  assert.deepEqual((await whole(again, 'private:plan')).map((m) => m.message), ['psst']);
  assert.equal((await again.say('tea', 'hello', { key: 'k1' })).duplicate, true);
  assert.equal(await server.sql('SELECT count(*) FROM foyer.users', url), '2');
  assert.equal(await server.sql('SELECT count(*) FROM foyer.messages', url), '3');
});

test('a second gateway on the same database: CHAT_STORE_IN_USE, exit 1, and the first one goes on', async (t) => {
  const url = await server.fresh();
  const node = await serve(t, withDatabase(url));
  await register(node, 'ann');
  const failed = await serveFails(t, withDatabase(url));
  assert.equal(failed.code, 1, failed.text);
  assert.match(failed.text, /CHAT_STORE_IN_USE/);
  assert.equal((await (await open(node, 'ann')).say('tea', 'still here')).type, 'sent');
});

test('no server at the start: DATABASE_UNREACHABLE, exit 1, without the password', async (t) => {
  const failed = await serveFails(t, { ...withDatabase('postgresql://foyer:the-password@127.0.0.1:1/foyer'), args: [...fast, '--start-wait', '0'] });
  assert.equal(failed.code, 1, failed.text);
  assert.match(failed.text, /DATABASE_UNREACHABLE/);
  assert.doesNotMatch(failed.text, /the-password/);
});

const deaths = [
  ['kill -9', () => server.kill9()],
  ['an immediate stop', () => server.crash()],
  ['a fast stop', () => server.stop()],
];
for (const [name, die] of deaths) {
  test(`PostgreSQL ends by ${name} under traffic: what was answered is there once, and sending works again by itself`, async (t) => {
    const node = await serve(t, withDatabase(await server.fresh()));
    const people = await Promise.all(['ann', 'bob', 'eve'].map((person) => arrive(node, person)));
    const answered = new Map();   // text → offset
    const refusals = [];
    let enough = false;
    // Each sends its next message when the last one is stored; one that is refused, again under its key.
    const talk = people.map(async (person, p) => {
      for (let i = 0; !enough; i += 1) {
        const text = `${p}-${i}`;
        for (let stored = false; !stored;) {
          const answer = await within(`an answer to ${text}`, person.say('tea', text, { key: text }), 30_000);
          if (answer.type === 'sent') {
            answered.set(text, answer.offset);
            stored = true;
          } else {
            refusals.push(answer);
            await new Promise((resolve) => { setTimeout(resolve, Math.min(answer.retry_after_ms ?? 50, 100)); });
          }
        }
      }
    });
    const more = (n) => { const until_ = answered.size + n; return until(`${n} more messages`, () => answered.size >= until_, 30_000); };
    await more(100);
    await die();
    await until('a refusal', () => refusals.length > 0, 30_000);
    const ready = await until('/health/ready to say no', async () => { const r = await ask(node, 'GET', '/health/ready'); return r.status === 503 ? r : null; });
    assert.match(ready.text, /DATABASE_UNREACHABLE/, 'it names the store');
    assert.equal((await people[0].ask('ping')).type, 'pong', 'the socket lives on');
    await server.start();
    const began = Date.now();
    await more(100);
    t.diagnostic(`writing again after ${Date.now() - began} ms`);
    await until('/health/ready to say yes', async () => (await ask(node, 'GET', '/health/ready')).status === 200);
    enough = true;
    await Promise.all(talk);

    for (const refusal of refusals) assert.deepEqual([refusal.type, refusal.code, refusal.retry], ['error', 'DATABASE_UNREACHABLE', 'after'], JSON.stringify(refusal));
    const stored = await whole(await open(node, 'ann'), 'tea');
    assert.deepEqual(stored.map((m) => m.offset), stored.map((_, i) => i + 1), 'no hole');
    assert.equal(new Set(stored.map((m) => m.message)).size, stored.length, 'nothing twice');
    assert.equal(stored.length, answered.size);
    for (const m of stored) assert.equal(answered.get(m.message), m.offset, m.message);
  });
}

test('the answer to a COMMIT is lost: who is in the room gets that message all the same, in its place and once', async (t) => {
  const relay = await server.relay(t, await server.fresh());
  const node = await serve(t, withDatabase(relay.url));
  const [ann, bob] = [await arrive(node, 'ann'), await arrive(node, 'bob')];
  await bob.join('tea');
  await ann.say('tea', 'before');
  relay.lose('the lost one');
  const lost = await within('an answer', ann.say('tea', 'the lost one', { key: 'k' }), 30_000);
  assert.deepEqual([lost.type, lost.code], ['error', 'DATABASE_UNREACHABLE'], JSON.stringify(lost));
  await until('the store to be written again', async () => (await ann.say('tea', 'after', { key: 'k2' })).type === 'sent');
  const heard = [];
  while (heard.length < 3) heard.push(await bob.next('message'));
  assert.deepEqual(heard.map((m) => [m.offset, m.message]), [[1, 'before'], [2, 'the lost one'], [3, 'after']]);
  const again = await ann.say('tea', 'the lost one', { key: 'k' });
  assert.deepEqual([again.type, again.offset, again.duplicate], ['sent', 2, true]);
  await ann.say('tea', 'last');
  assert.equal((await bob.next('message')).message, 'last', 'nothing twice');
});

test('while PostgreSQL is away nobody logs in, and is told why; afterwards they do', async (t) => {
  const node = await serve(t, withDatabase(await server.fresh()));
  await register(node, 'ann');
  await server.kill9();
  const refused = await ask(node, 'POST', '/auth/login', { body: { name: 'ann', password: PASSWORD } });
  assert.deepEqual([refused.status, refused.json.code], [503, 'DATABASE_UNREACHABLE'], refused.text);
  assert.ok(refused.headers['retry-after'], 'with a time to come again');
  await server.start();
  await until('a login', async () => (await login(node, 'ann')).access_token);
});
