// A wrong clock refuses at most, and deletes nothing: when it is right again every message
// is there and every session works. What stands behind it is docs/clocks.md.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foyer, foyerJson, serve } from './support/foyer.mjs';
import { startAuth, startGateway } from './support/pair.mjs';
import { ask } from './support/http.mjs';
import { clockOff, DAY, movableClock, noFaketime } from './support/faketime.mjs';
import { arrive, register, PASSWORD } from './support/people.mjs';
import { Postgres } from './support/postgres.mjs';
import { Client } from './support/websocket.mjs';

if (noFaketime) console.log(`Tests with a wrong clock are skipped: ${noFaketime}.`);
const withWrongClock = { skip: noFaketime };
const month = ['--history-days', '30'];

const refresh = (node, account) => ask(node, 'POST', '/auth/refresh', { body: { refresh_token: account.refresh_token } });
const texts = async (client, room) => (await client.ask('history', { room, limit: 50 })).messages.map((m) => m.message);
const upkeep = async (node, args = []) => (await foyerJson(['upkeep', '--json', '--data', node.data, ...args])).json.stores;

// Ann has a session, and three messages in a room.
async function withHistory(node) {
  const ann = await arrive(node, 'ann');
  await ann.join('tea');
  for (const text of ['one', 'two', 'three']) assert.equal((await ann.say('tea', text)).type, 'sent');
  return ann.account;
}

async function allIsThere(node, account) {
  const again = await refresh(node, account);
  assert.equal(again.status, 200, again.text);
  const ann = await Client.open(node, { token: again.json.access_token });
  await ann.join('tea');
  assert.deepEqual(await texts(ann, 'tea'), ['one', 'two', 'three']);
  return { ...account, refresh_token: again.json.refresh_token };
}

test('after a boot with the clock 60 days ahead every message is there and every session works', withWrongClock, async (t) => {
  const first = await serve(t, { args: month });
  let ann = await withHistory(first);
  await first.terminate();

  for (const boot of ['the first boot ahead', 'another one, with rows that were written ahead']) {
    const ahead = await serve(t, { data: first.data, args: month, env: clockOff(60 * DAY) });
    const noticed = await ahead.logged('clock_doubted', { store: 'accounts' });
    assert.equal(noticed.doubt, 'ahead', boot);
    assert.ok(Math.abs(noticed.off_s - 60 * DAY) < DAY, `${noticed.off_s}`);
    await ahead.logged('clock_doubted', { store: 'chat' });
    assert.deepEqual((await upkeep(ahead)).map((s) => [s.store, s.waits, s.doubt]), [['accounts', true, 'ahead'], ['chat', true, 'ahead']]);
    assert.equal((await refresh(ahead, ann)).status, 401);
    await register(ahead, boot.startsWith('the') ? 'bob' : 'cid');
    assert.equal(ahead.log.filter((line) => line.event === 'clock_doubted').length, 2, 'one line of each store');
    assert.ok(!ahead.log.some((line) => line.event === 'deletion_by_age'));
    await ahead.terminate();
  }

  const right = await serve(t, { data: first.data, args: month });
  assert.equal((await right.logged('clock_doubted', { store: 'accounts' })).doubt, 'behind');
  await allIsThere(right, ann);
});

test('an operator who says that the clock is right has old messages and sessions deleted at once, and reads before and after how many', withWrongClock, async (t) => {
  const first = await serve(t, { args: month });
  const ann = await withHistory(first);
  await first.terminate();
  const later = await serve(t, { data: first.data, args: month, env: clockOff(60 * DAY) });
  await later.logged('clock_doubted', { store: 'chat' });
  const { code, out } = await foyer(['upkeep', '--now', '--data', later.data]);
  assert.equal(code, 0);
  assert.match(out, /chat: deletion by age was waiting and continues now \(clock ahead, \+\d+ s\)/);
  assert.equal((await later.logged('deletion_by_age', { store: 'chat' })).history_days, 30);
  assert.equal((await later.logged('deletion_by_age_done', { store: 'chat' })).rows, 3);
  assert.equal((await later.logged('deletion_by_age', { store: 'accounts' })).sessions, 1);
  await later.logged('deletion_by_age_done', { store: 'accounts' });
  assert.deepEqual((await upkeep(later)).map((s) => s.waits), [false, false]);
  await later.terminate();
  const right = await serve(t, { data: first.data, args: month });
  const gone = await refresh(right, ann);
  assert.equal(gone.json.code, 'REFRESH_UNKNOWN', 'it was deleted');
});

for (const [name, off] of [['60 s back', -60], ['2 h ahead', 7_200], ['60 days ahead', 60 * DAY]]) {
  test(`a clock that is set ${name} while the server runs, and then right: one line says so, and every session and message is there`, withWrongClock, async (t) => {
    const clock = movableClock(t);
    const node = await serve(t, { args: month, env: clock.env });
    const ann = await withHistory(node);
    clock.set(off);
    const noticed = await node.logged('clock_doubted', { store: 'chat', doubt: 'jumped' }, 30_000);
    assert.ok(Math.abs(noticed.off_s - off) <= 15, `${noticed.off_s}`);
    await node.logged('clock_doubted', { store: 'accounts', doubt: 'jumped' }, 30_000);
    clock.set(0);
    await node.logged('clock_doubted', { store: 'chat', doubt: 'jumped' }, 30_000);
    assert.ok(!node.log.some((line) => line.event === 'deletion_by_age'));
    await allIsThere(node, ann);
  });
}

test('after a boot 2 h ahead and back every session works, that from before and that from between', withWrongClock, async (t) => {
  const first = await serve(t, { args: month });
  const ann = await withHistory(first);
  await first.terminate();
  const ahead = await serve(t, { data: first.data, args: month, env: clockOff(7_200) });
  const bob = await register(ahead, 'bob');
  await ahead.terminate();
  const right = await serve(t, { data: first.data, args: month });
  const noticed = await right.logged('clock_doubted', { store: 'accounts' });
  assert.equal(noticed.doubt, 'behind');
  assert.ok(Math.abs(noticed.off_s + 7_200) < 600, `${noticed.off_s}`);
  await allIsThere(right, ann);
  assert.equal((await refresh(right, bob)).status, 200);
});

test('two tabs refresh the same token: a step of the clock between them, 60 s back or 60 days ahead, ends no session', withWrongClock, async (t) => {
  const clock = movableClock(t);
  const node = await serve(t, { env: clock.env });
  for (const [name, off, status] of [['ann', -60, 200], ['bob', 7_200, 200], ['cid', 60 * DAY, 401]]) {
    const account = await register(node, name);
    const first = await refresh(node, account);
    assert.equal(first.status, 200);
    clock.set(off);
    const second = await refresh(node, account);
    assert.equal(second.status, status, `${off}: ${second.text}`);
    if (status === 200) assert.equal(second.json.refresh_token, first.json.refresh_token);
    else assert.equal(second.json.code, 'REFRESH_EXPIRED');
    clock.set(0);
    assert.equal((await refresh(node, { refresh_token: first.json.refresh_token })).status, 200, `${off}: the clock is right again`);
  }
});

test('a command under a wrong clock deletes nothing', withWrongClock, async (t) => {
  const node = await serve(t);
  const ann = await withHistory(node);
  const { code } = await foyer(['user', 'list', '--data', node.data], { env: clockOff(400 * DAY) });
  assert.equal(code, 0);
  await allIsThere(node, ann);
});

test('`foyer user revoke` under a clock 1 h ahead signs out whoever is in, and lets them in again, also after a restart', withWrongClock, async (t) => {
  const node = await serve(t);
  const ann = await arrive(node, 'ann');
  const { code } = await foyer(['user', 'revoke', 'ann', '--data', node.data], { env: clockOff(3_600) });
  assert.equal(code, 0);
  await node.logged('revocation_ahead');
  assert.match((await ann.ended()).reason, /REVOKED/);
  const login = () => ask(node, 'POST', '/auth/login', { body: { name: 'ann', password: PASSWORD } });
  await assert.rejects(Client.open(node, { token: ann.token }), /REVOKED/);
  const again = (await login()).json;
  await Client.open(node, { token: again.access_token });
  await node.terminate();
  const next = await serve(t, { data: node.data });
  await Client.open(next, { token: again.access_token });
  assert.equal((await refresh(next, again)).status, 200);
});

test('the same with the auth service in a process of its own: a gateway that starts later lets them in', withWrongClock, async (t) => {
  const auth = await startAuth(t);
  const first = await startGateway(t, { to: auth });
  const ann = await register(auth, 'ann');
  const client = await Client.open(first, { token: ann.access_token });
  const { code } = await foyer(['user', 'revoke', 'ann', '--data', auth.data], { env: clockOff(3_600) });
  assert.equal(code, 0);
  await auth.logged('revocation_ahead');
  assert.match((await client.ended()).reason, /REVOKED/);
  const again = (await ask(auth, 'POST', '/auth/login', { body: { name: 'ann', password: PASSWORD } })).json;
  await Client.open(first, { token: again.access_token });
  await first.terminate();
  const next = await startGateway(t, { to: auth });
  await Client.open(next, { token: again.access_token });
});

test('with PostgreSQL a boot 60 days ahead of the database server deletes nothing, and one line of each store says that the two clocks differ', withWrongClock, async (t) => {
  const server = await Postgres.start(t);
  const env = { DATABASE_URL: await server.fresh(), STORE_KEY: 'qG7r0c2Jm1Yb8wZ4xK9tPd3nVh6sLf5u' };
  const first = await serve(t, { args: month, env });
  const ann = await withHistory(first);
  await first.terminate();
  const ahead = await serve(t, { data: first.data, args: month, env: { ...env, ...clockOff(60 * DAY) } });
  for (const store of ['accounts', 'chat']) {
    const noticed = await ahead.logged('clock_doubted', { store });
    assert.equal(noticed.doubt, 'server');
    assert.ok(Math.abs(noticed.off_s - 60 * DAY) < 600, `${noticed.off_s}`);
  }
  assert.equal((await refresh(ahead, ann)).status, 401);
  await ahead.terminate();
  const right = await serve(t, { data: first.data, args: month, env });
  await allIsThere(right, ann);
});
