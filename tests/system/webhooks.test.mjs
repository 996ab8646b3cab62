// Webhooks: what happens is posted to an application, verified there by npm standardwebhooks, through receivers that
// are away, slow or refuse, and through kill -9.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { foyer, foyerJson, freePort, serve, temporary } from './support/foyer.mjs';
import { call } from './support/api.mjs';
import { ask } from './support/http.mjs';
import { arrive, PASSWORD } from './support/people.mjs';
import { Postgres } from './support/postgres.mjs';
import { Receiver } from './support/receiver.mjs';
import { Client } from './support/websocket.mjs';
import { until, within } from './support/within.mjs';

const fast = ['--messages-per-s', '100000', '--messages-burst', '100000'];

// `foyer webhook …` on the data of a server.
function hooksOf(data, env = {}) {
  const run = async (...args) => {
    const done = await foyer(['webhook', ...args, '--data', data], { env });
    assert.equal(done.code, 0, done.err);
    return done;
  };
  return {
    run,
    async add(url, ...args) {
      const { out, err } = await run('add', url, ...args);
      assert.match(out, /^whsec_[A-Za-z0-9+/]{43}=$/, 'the secret alone, without a line end');
      const id = /hook_[A-Za-z0-9_-]+/.exec(err)[0];
      return { id, secret: out };
    },
    json: async (...args) => (await foyerJson(['webhook', ...args, '--json', '--data', data], { env })).json,
  };
}

// A server, a receiver, and a hook for everything about rooms.
async function told(t, { data = temporary(t), types = ['message.published'], rooms = [], args = [], env = {}, dev = true } = {}) {
  const node = await serve(t, { data, args: [...fast, ...args], env, dev });
  const receiver = await Receiver.start(t);
  const hooks = hooksOf(data, env);
  const made = await hooks.add(receiver.url, ...types.flatMap((type) => ['--type', type]), ...rooms.flatMap((room) => ['--room', room]));
  receiver.secret = made.secret;
  await hooks.run('test', made.id);
  await receiver.events.take('the test event', (e) => e.type === 'hook.test');
  return { node, receiver, hooks, data, ...made };
}
const message = (receiver, text) => receiver.events.take(`the message ${text}`, (e) => e.data.message === text);

test('an application is told what happens, in the order of the room, and verifies it with an unmodified library', async (t) => {
  const { node, receiver } = await told(t, { types: ['all'] });
  const ann = await arrive(node, 'ann');
  const bob = await arrive(node, 'bob');
  const { epoch } = await ann.join('tea');
  const created = await receiver.events.take('the room', (e) => e.type === 'room.created' && e.data.room === 'tea');
  assert.equal(created.data.kind, 'public');
  await ann.say('tea', 'first "quoted" \u{1F600}', { key: 'k1' });
  await ann.say('tea', 'second');
  const first = await receiver.events.take('a message', (e) => e.type === 'message.published');
  assert.deepEqual({ ...first.data, user: first.data.user.name }, { room: 'tea', epoch, offset: 1, user: 'ann', message: 'first "quoted" \u{1F600}', key: 'k1' });
  assert.ok(Math.abs(Date.parse(first.timestamp) - Date.now()) < 60_000);
  assert.equal((await receiver.events.take('a message', (e) => e.type === 'message.published')).data.offset, 2);
  assert.equal((await ann.ask('delete', { room: 'tea', offset: 2 })).type, 'deleted');
  assert.equal((await receiver.events.take('the deletion', (e) => e.type === 'message.deleted')).data.offset, 2);
  assert.equal((await ann.ask('create', { room: 'private:den' })).type, 'created');
  assert.equal((await ann.ask('invite', { room: 'private:den', user: bob.user.id })).type, 'invited');
  assert.equal((await bob.ask('accept', { room: 'private:den' })).type, 'accepted');
  await receiver.events.take('bob', (e) => e.type === 'member.added' && e.data.user === bob.user.id);
  assert.equal((await ann.ask('remove', { room: 'private:den', user: bob.user.id })).type, 'removed');
  await receiver.events.take('bob', (e) => e.type === 'member.removed' && e.data.user === bob.user.id);
  assert.deepEqual(receiver.faults, []);
  const { headers } = receiver.requests.at(-1);
  assert.equal(headers['content-type'], 'application/json');
  assert.match(headers['user-agent'], /^foyer\//);
  assert.equal(receiver.requests.at(-1).url, '/hook?from=foyer');
});

test('who is there is told too, as best effort', async (t) => {
  const { node, receiver } = await told(t, { types: ['room.occupied', 'room.vacated', 'user.online', 'session.revoked'] });
  const ann = await arrive(node, 'ann');
  const of = (type) => receiver.events.take(type, (e) => e.type === type);
  const online = await of('user.online');
  assert.equal(online.data.best_effort, true);
  await ann.join('tea');
  assert.deepEqual((await of('room.occupied')).data, { room: 'tea', best_effort: true });
  assert.equal((await ann.ask('leave', { room: 'tea' })).type, 'left');
  assert.deepEqual((await of('room.vacated')).data, { room: 'tea', best_effort: true });
  const { json } = await ask(node, 'POST', '/auth/login', { body: { name: 'ann', password: PASSWORD } });
  assert.equal((await ask(node, 'POST', '/auth/logout', { headers: { authorization: `Bearer ${json.access_token}` } })).status < 300, true);
  assert.equal((await of('session.revoked')).data.best_effort, true);
  assert.deepEqual(await call(node, 'invalidate_user_tokens', { user: ann.user.id, issued_before: 1_000_000_000 }), {});
  assert.deepEqual((await of('session.revoked')).data, { user: ann.user.id, issued_before: '2001-09-09T01:46:40.000Z', best_effort: true });
  assert.deepEqual(await call(node, 'revoke_token', { uid: 'some-token' }), {});
  assert.deepEqual((await of('session.revoked')).data, { token: 'some-token', best_effort: true });
});

test('a user who is blocked is told, with or without an account', async (t) => {
  const { node, receiver } = await told(t, { types: ['user.blocked'] });
  const blocked = () => receiver.events.take('user.blocked', (e) => e.type === 'user.blocked');
  await call(node, 'block_user', { user: 'shop|7' });
  assert.deepEqual((await blocked()).data, { user: 'shop|7' });
  await call(node, 'block_user', { user: 'shop|7', expire_at: 4_102_444_800 });
  assert.deepEqual((await blocked()).data, { user: 'shop|7', until: '2100-01-01T00:00:00.000Z' });
});

test('a signature covers the body, the id and the time', async (t) => {
  const { node, receiver, secret } = await told(t);
  const ann = await arrive(node, 'ann');
  await ann.join('tea');
  await ann.say('tea', 'hello');
  const { headers, body } = await message(receiver, 'hello');
  const webhook = new Webhook(secret);
  webhook.verify(body, headers);
  for (const wrong of [[body.replace('hello', 'hullo'), headers], [body, { ...headers, 'webhook-id': 'evt_other' }],
    [body, { ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) + 1) }], [`${body}\n`, headers]])
    assert.throws(() => webhook.verify(...wrong), /No matching signature/);
});

test('types and rooms choose what is told', async (t) => {
  const { node, receiver } = await told(t, { rooms: ['orders-*'] });
  const ann = await arrive(node, 'ann');
  for (const room of ['tea', 'orders-1']) {
    await ann.join(room);
    await ann.say(room, `in ${room}`);
  }
  await message(receiver, 'in orders-1');
  assert.deepEqual(receiver.requests.map(({ body }) => JSON.parse(body).data.room).filter(Boolean), ['orders-1']);
});

test('a receiver that is away gets everything later, in order, and the room does not wait for it', async (t) => {
  const { node, receiver } = await told(t);
  const ann = await arrive(node, 'ann');
  await ann.join('tea');
  await receiver.stop();
  for (let i = 0; i < 50; i += 1) assert.equal((await ann.say('tea', `m${i}`)).type, 'sent');
  await node.lines.take('the failure in the log', (line) => line.event === 'webhook_failing' && line.code === 'WEBHOOK_UNREACHABLE');
  await receiver.listen(receiver.port);
  for (let i = 0; i < 50; i += 1) assert.equal((await receiver.events.take(`m${i}`)).data.message, `m${i}`);
  await node.lines.take('the recovery in the log', (line) => line.event === 'webhook_recovered');
  assert.deepEqual(receiver.faults, []);
});

test('a slow receiver holds back its room alone, and no sender', async (t) => {
  const { node, receiver } = await told(t);
  const ann = await arrive(node, 'ann');
  for (const room of ['tea', 'chess']) await ann.join(room);
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  receiver.answer = async ({ body }) => { if (JSON.parse(body).data.room === 'tea') await held; return { status: 200 }; };
  await ann.say('tea', 't1');
  await ann.say('tea', 't2');
  for (let i = 0; i < 20; i += 1) await ann.say('chess', `c${i}`);
  for (let i = 0; i < 20; i += 1) await message(receiver, `c${i}`);
  assert.deepEqual(receiver.requests.filter(({ body }) => body.includes('"room":"tea"')).length, 1, 'one at a time');
  release();
  await message(receiver, 't1');
  await message(receiver, 't2');
});

test('an event that is refused three times is a dead letter, the room goes on, and it can be sent again', async (t) => {
  const { node, receiver, hooks, id } = await told(t);
  const ann = await arrive(node, 'ann');
  await ann.join('tea');
  receiver.answer = ({ body }) => (body.includes('poison') ? { status: 422, headers: { 'content-type': 'text/html' }, body: '<h1>no</h1>' } : { status: 200 });
  await ann.say('tea', 'poison');
  await ann.say('tea', 'after');
  await message(receiver, 'after');
  const tries = receiver.requests.filter(({ body }) => body.includes('poison'));
  assert.equal(tries.length, 3);
  assert.equal(new Set(tries.map((r) => r.id)).size, 1, 'always the same id');
  // The event after it is sent when the third answer is there, and that it is dead is stored meanwhile.
  const letter = await until('the dead letter', async () => (await hooks.json('dead', id))[0]);
  assert.equal(letter.id, tries[0].id);
  assert.equal(letter.tries, 3);
  assert.match(letter.why, /^WEBHOOK_REFUSED: the receiver answered 422 with text\/html/);
  receiver.answer = () => ({ status: 200 });
  assert.deepEqual(await hooks.json('replay', id, letter.id), { hook: id, events: 1 });
  assert.equal((await message(receiver, 'poison')).id, letter.id);
  assert.deepEqual(await hooks.json('dead'), []);
});

test('errors, HTML and redirects are tried again; where they point to is not asked', async (t) => {
  const { node, receiver } = await told(t);
  const elsewhere = await Receiver.start(t);
  const ann = await arrive(node, 'ann');
  await ann.join('tea');
  const answers = [{ status: 502, headers: { 'content-type': 'text/html' }, body: '<html>bad gateway</html>' },
    { status: 307, headers: { location: elsewhere.url } }, { status: 429, headers: { 'retry-after': '1' } }, { status: 204 }];
  receiver.answer = () => answers.shift() ?? { status: 204 };
  await ann.say('tea', 'hello');
  await message(receiver, 'hello');
  assert.deepEqual(answers, []);
  assert.deepEqual(elsewhere.requests, []);
});

test('410 disables a hook; enabled again, it gets what waits', async (t) => {
  const { node, receiver, hooks, id } = await told(t);
  const ann = await arrive(node, 'ann');
  await ann.join('tea');
  receiver.answer = () => ({ status: 410 });
  await ann.say('tea', 'one');
  await until('the hook to be disabled', async () => (await hooks.json('list'))[0].disabled);
  const [row] = await hooks.json('list');
  assert.match(row.why, /^WEBHOOK_GONE/);
  receiver.answer = () => ({ status: 200 });
  assert.deepEqual(await hooks.json('enable', id), { id, disabled: false, changed: true });
  await message(receiver, 'one');
});

test('while a secret is rotated both verify; then the new one alone', async (t) => {
  const { node, receiver, hooks, id, secret } = await told(t);
  const ann = await arrive(node, 'ann');
  await ann.join('tea');
  const { out: fresh } = await hooks.run('rotate', id);
  assert.match(fresh, /^whsec_[A-Za-z0-9+/]{43}=$/);
  const signedBy = async (text) => {
    await ann.say('tea', text);
    const { body, headers } = await message(receiver, text);
    return [secret, fresh].map((s) => { try { new Webhook(s).verify(body, headers); return true; } catch { return false; } });
  };
  let n = 0;
  await until('both to sign', async () => String(await signedBy(`both ${n += 1}`)) === 'true,true');
  assert.match(receiver.requests.at(-1).headers['webhook-signature'], /^v1,[A-Za-z0-9+/]{43}= v1,[A-Za-z0-9+/]{43}=$/);
  receiver.secret = fresh;
  await hooks.run('rotate', id, '--drop-old');
  await until('the new one alone to sign', async () => String(await signedBy(`new ${n += 1}`)) === 'false,true');
  assert.deepEqual(receiver.faults, []);
});

test('a hook that is removed gets nothing more, and one that is added is used by the running server', async (t) => {
  const { node, receiver, hooks, id } = await told(t);
  const ann = await arrive(node, 'ann');
  await ann.join('tea');
  await hooks.run('remove', id);
  const other = await Receiver.start(t);
  const added = await hooks.add(other.url, '--type', 'message.published');
  other.secret = added.secret;
  await hooks.run('test', added.id);
  await other.events.take('the test event'); // the server knows both changes
  const before = receiver.requests.length;
  for (const text of ['one', 'two']) await ann.say('tea', text);
  for (const text of ['one', 'two']) await message(other, text);
  assert.equal(receiver.requests.length, before);
  assert.equal((await hooks.json('list')).length, 1);
});

for (const round of [1, 2, 3]) {
  test(`kill -9 while 200 messages a second are told (${round}): none is lost, none has another id`, async (t) => {
    const { node, receiver, data } = await told(t);
    const ann = await arrive(node, 'ann');
    await ann.join('tea');
    const answered = new Set();
    let n = 0;
    const talk = setInterval(() => {
      const text = `m${n += 1}`;
      ann.say('tea', text).then((a) => { if (a.type === 'sent') answered.add(text); }, () => {});
    }, 5);
    try {
      await until('enough messages', () => answered.size >= 100 * round);
      await node.kill9();
    } finally {
      clearInterval(talk);
    }
    const second = await serve(t, { data, args: fast });
    const again = await Client.open(second, { token: (await ask(second, 'POST', '/auth/login', { body: { name: 'ann', password: PASSWORD } })).json.access_token });
    await again.join('tea');
    await again.say('tea', 'the end');
    await message(receiver, 'the end');
    const arrived = new Map(); // text → ids
    const offsets = [];
    for (const { body, id } of receiver.requests) {
      const { type, data: said } = JSON.parse(body);
      if (type !== 'message.published') continue;
      if (!arrived.has(said.message)) offsets.push(said.offset);
      arrived.set(said.message, (arrived.get(said.message) ?? new Set()).add(id));
    }
    for (const text of answered) assert.ok(arrived.has(text), `${text} was answered and not told`);
    for (const [text, ids] of arrived) assert.equal(ids.size, 1, `${text} came under ${[...ids]}`);
    assert.deepEqual(offsets, offsets.map((_, i) => i + 1), 'in order, without a gap');
    assert.deepEqual(receiver.faults, []);
  });
}

test('with PostgreSQL it is the same', async (t) => {
  const postgres = await Postgres.start(t);
  const env = { DATABASE_URL: await postgres.fresh(), STORE_KEY: 'qG7r0c2Jm1Yb8wZ4xK9tPd3nVh6sLf5u' };
  const { node, receiver, hooks, id } = await told(t, { env });
  const ann = await arrive(node, 'ann');
  await ann.join('tea');
  receiver.answer = ({ body }) => ({ status: body.includes('poison') ? 400 : 200 });
  await ann.say('tea', 'poison');
  await ann.say('tea', 'after');
  await message(receiver, 'after');
  receiver.answer = () => ({ status: 200 });
  await hooks.run('replay', id, '--all');
  await message(receiver, 'poison');
  assert.deepEqual(receiver.faults, []);
});

test('the command says what is wrong', async (t) => {
  const data = temporary(t);
  const failing = async (args, code, words) => {
    const done = await foyer(['webhook', ...args, '--data', data]);
    assert.equal(done.code, code, `${args}: ${done.err}`);
    assert.match(done.err, words);
    assert.equal(done.out, '');
  };
  await failing(['list'], 1, /FILE_UNREADABLE/);
  await failing(['add'], 2, /exactly one URL/);
  await failing(['add', 'https://a.example'], 2, /--type/);
  await failing(['add', 'app.example.com', '--type', 'all'], 1, /INVALID_URL/);
  await failing(['add', 'https://u:p@a.example', '--type', 'all'], 1, /INVALID_URL/);
  await failing(['add', 'https://a.example', '--type', 'message.publish'], 1, /did you mean "message.published"/);
  await failing(['add', 'https://a.example', '--type', 'all', '--room', 'tea room'], 1, /INVALID_VALUE/);
  await failing(['ad', 'https://a.example'], 2, /did you mean "add"/);
  await failing(['replay', 'hook_x'], 2, /--all/);
  const { code, out } = await foyer(['webhook', 'add', 'https://a.example/hook', '--type', 'all', '--data', data]);
  assert.equal(code, 0);
  assert.equal(out.length, 50);
  assert.ok(!fs.readFileSync(path.join(data, 'chat.sqlite')).includes(out.slice(6)), 'it is stored sealed');
  await failing(['test', 'hook_none'], 1, /NOT_FOUND/);
  await failing(['rotate', 'hook_none'], 1, /NOT_FOUND/);
  await failing(['replay', 'hook_none', '--all'], 1, /NOT_FOUND/);
});

test('without a receiver the metrics show how much waits', async (t) => {
  const port = await freePort();
  const data = temporary(t);
  const node = await serve(t, { data, args: [...fast, '--api-key', 'a key of the operator, long enough for it'] });
  await hooksOf(data).add(`http://127.0.0.1:${port}/`, '--type', 'message.published');
  const ann = await arrive(node, 'ann');
  await ann.join('tea');
  await until('a failed attempt', async () => {
    await ann.say('tea', 'hello');
    return node.log.some((line) => line.event === 'webhook_failing');
  });
  const read = async () => (await within('the metrics', ask(node, 'GET', '/metrics', { headers: { 'X-API-Key': 'a key of the operator, long enough for it' } }))).text;
  assert.match(await read(), /foyer_webhook_attempts_total\{outcome="failed"\} [1-9]/);
  await until('the lag', async () => /foyer_webhook_lag_seconds [0-9.]*[1-9]/.test(await read()));
});
