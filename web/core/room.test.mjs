import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from './client.mjs';
import { FoyerError } from './error.mjs';
import { settle as settleTwenty, world } from '../testing/world.test.mjs';

const settle = async () => { await settleTwenty(); await settleTwenty(); };
const ann = { id: 'a', name: 'Ann' };
const bob = { id: 'b', name: 'Bob' };
const at = '2030-01-01T10:00:00.000Z';
const message = (offset, from, fields = {}) => ({ type: 'message', room: 'tea', epoch: 'e1', offset, from, message: `m${offset}`, time: at, ...fields });
const joined = (fields = {}) => ({ type: 'joined', room: 'tea', kind: 'public', durable: true, epoch: 'e1', offset: 0, recovered: false, messages: [], more: false, members: [ann], member_count: 1, ...fields });
const sent = (offset) => ({ type: 'sent', room: 'tea', epoch: 'e1', offset, time: at, duplicate: false });

// A client whose connection keeps what is asked until the test answers it.
function scene() {
  const w = Object.assign(world(), { newKey: () => `k${(w.keys = (w.keys ?? 0) + 1)}` });
  const hears = [];
  const moves = [];
  const s = {
    w, asked: [], told: [],
    connection: {
      phase: 'stopped', because: null, retryAt: null, lines: 0,
      lost: () => { s.connection.lines += 1; },
      onMessage: (listener) => hears.push(listener),
      onPhase: (listener) => moves.push(listener),
      request: (type, fields = {}) => new Promise((resolve) => s.asked.push({ type, ...fields, resolve })),
      tell: (type, fields) => s.told.push({ type, ...fields }),
      stop: () => s.enter('stopped'),
    },
    async enter(phase, because = null) {
      Object.assign(s.connection, { phase, because });
      for (const listener of moves) listener(s.connection);
      if (phase !== 'online') for (const { resolve } of s.asked.splice(0)) resolve({ refusal: { lost: true, retry: 'after', retryAfterMs: null } });
      await settle();
    },
    async hear(m) { for (const listener of hears) listener(m); await settle(); },
    async online(user = ann) { await s.enter('online'); await s.hear({ type: 'authentication_success', user, permissions: ['chat:read'], limits: { rooms: 100 } }); },
    async answer(type, answer) {
      const [question] = s.asked.splice(s.asked.findIndex((each) => each.type === type), 1);
      assert.equal(question?.type, type);
      question.resolve(answer.code ? { refusal: { retry: 'never', retryAfterMs: null, ...answer } } : { answer });
      await settle();
      const { resolve, ...fields } = question;
      return fields;
    },
  };
  s.client = new Client(s.connection, w);
  return s;
}

// In the room, with everything written down that its listeners hear.
async function inTea(fields) {
  const s = scene();
  s.connection.phase = 'connecting';
  s.tea = s.client.room('tea');
  s.seen = [];
  s.tea.on('history', ({ messages, more }) => s.seen.push(`history ${messages.map((m) => m.offset)}${more ? ' more' : ''}`));
  s.tea.on('message', (m, { recovered }) => s.seen.push(`${m.offset}${recovered ? ' recovered' : ''}`));
  s.tea.on('deleted', (m) => s.seen.push(`deleted ${m.offset}`));
  const join = s.tea.join({ limit: 5 });
  await s.online();
  assert.equal((await s.answer('join', joined(fields))).limit, 5);
  assert.equal(await join, s.tea);
  return s;
}

test('a join waits for the connection, and brings the history once', async () => {
  const { tea, seen } = await inTea({ offset: 2, messages: [message(1, bob), message(2, bob)], more: true });
  assert.deepEqual([seen, tea.state, tea.offset, tea.messages.length], [['history 1,2 more'], 'joined', 2, 2]);
});

test('what was missed comes as messages, in order and once, and then what is live', async () => {
  const s = await inTea();
  await s.hear(message(1, bob));
  await s.enter('waiting');
  await s.online();
  const { since } = await s.answer('join', joined({ offset: 3, recovered: true, change: 1, messages: [message(2, bob), message(3, bob)], changes: [{ type: 'deleted', offset: 1, change: 1 }] }));
  await s.hear(message(3, bob));
  await s.hear(message(4, bob));
  assert.deepEqual(since, { epoch: 'e1', offset: 1, change: 0, time: at });
  assert.deepEqual(s.seen, ['history ', '1', '2 recovered', '3 recovered', 'deleted 1', '4']);
});

test('what cannot be recovered begins a new history', async () => {
  const s = await inTea();
  await s.hear(message(1, bob));
  await s.enter('waiting');
  await s.online();
  await s.answer('join', joined({ epoch: 'e2', offset: 9, messages: [{ ...message(9, bob), epoch: 'e2' }], more: true }));
  assert.deepEqual([s.seen, s.tea.epoch, s.tea.offset], [['history ', '1', 'history 9 more'], 'e2', 9]);
});

test('a refused join is an error with its code, and is not tried again by itself', async () => {
  const s = scene();
  await s.online();
  const refused = s.client.join('private:plan').catch((error) => error);
  await s.answer('join', { code: 'NOT_A_MEMBER', message: 'You are not a member.', ref: 'r1', next: 'Ask for an invitation.' });
  const error = await refused;
  assert.ok(error instanceof FoyerError);
  assert.deepEqual([error.code, error.ref, error.retry, String(error)], ['NOT_A_MEMBER', 'r1', 'never', 'NOT_A_MEMBER: You are not a member. Ask for an invitation. (r1)']);
  assert.equal(s.client.rooms.get('private:plan').state, 'refused');
  await s.enter('waiting');
  await s.online();
  assert.deepEqual(s.asked, []);
});

test('a join that the server postpones is made again when it says', async () => {
  const s = scene();
  await s.online();
  const join = s.client.join('tea');
  await s.answer('join', { code: 'RATE_LIMITED', retry: 'after', retryAfterMs: 300 });
  await s.w.pass(299);
  assert.deepEqual(s.asked, []);
  await s.w.pass(1);
  await s.answer('join', joined());
  assert.equal((await join).state, 'joined');
});

test('a room with tokens of its own asks for one at each join, and goes on with another when it ends', async () => {
  const s = scene();
  await s.online();
  const asked = [];
  const join = s.client.join('orders-7', { token: ({ error }) => { asked.push(error?.code); return `t${asked.length}`; } });
  await settle();
  assert.equal((await s.answer('join', { code: 'TOKEN_EXPIRED', retry: 'refresh' })).token, 't1');
  assert.equal((await s.answer('join', joined({ room: 'orders-7', offset: 3, time: at }))).token, 't2');
  const room = await join;
  await s.hear({ type: 'room_removed', room: 'orders-7', code: 'ROOM_TOKEN_EXPIRED' });
  const again = await s.answer('join', joined({ room: 'orders-7', offset: 3, recovered: true }));
  assert.deepEqual([again.token, again.since.offset, room.state], ['t3', 3, 'joined']);
  assert.deepEqual(asked, [undefined, 'TOKEN_EXPIRED', 'ROOM_TOKEN_EXPIRED']);
});

test('a room token that the application cannot give now is asked for again with growing waits; none at all is a refusal', async () => {
  const s = scene();
  await s.online();
  let tries = 0;
  const join = s.client.join('orders-7', { token: async () => { tries += 1; if (tries < 3) throw new Error('shop is down'); return null; } }).catch((error) => error.code);
  await settle();
  await s.w.pass(1_000);
  assert.equal(tries, 2);
  await s.w.pass(1_999);
  assert.equal(tries, 2);
  await s.w.pass(1);
  assert.deepEqual([await join, tries, s.asked], ['CLIENT_NO_TOKEN', 3, []]);
});

test('a publication resolves when it is stored, under one key over as many connections as that takes', async () => {
  const s = await inTea();
  const publication = s.tea.publish('hello');
  assert.equal(s.asked[0].key, 'k1');
  await s.enter('waiting');
  await s.online();
  await s.answer('join', joined({ offset: 0, recovered: true }));
  const { key, message: text } = await s.answer('chat', { ...sent(1), duplicate: true });
  assert.deepEqual([key, text], ['k1', 'hello']);
  assert.deepEqual(await publication, { room: 'tea', epoch: 'e1', offset: 1, time: at, duplicate: true, key: 'k1' });
});

test('a publication that is found in what was recovered is not sent again', async () => {
  const s = await inTea();
  const publication = s.tea.publish('hello');
  await s.enter('waiting');
  await s.online();
  await s.answer('join', joined({ offset: 1, recovered: true, messages: [message(1, ann, { key: 'k1' })] }));
  assert.deepEqual([(await publication).offset, s.asked], [1, []]);
});

test('a publication that the server refuses, or cannot take five times, is an error', async () => {
  const s = await inTea();
  const tooLong = s.tea.publish('long').catch((error) => error.code);
  await s.answer('chat', { code: 'MESSAGE_TOO_LARGE' });
  assert.equal(await tooLong, 'MESSAGE_TOO_LARGE');
  const busy = s.tea.publish('busy').catch((error) => error.code);
  for (let i = 0; i < 4; i += 1) {
    await s.answer('chat', { code: 'BUSY', retry: 'after', retryAfterMs: 100 });
    await s.w.pass(100);
  }
  await s.answer('chat', { code: 'BUSY', retry: 'after', retryAfterMs: 100 });
  assert.equal(await busy, 'BUSY');
});

test('data is published as data, whatever its value', async () => {
  const s = await inTea();
  s.tea.publishData(null);
  assert.deepEqual(await s.answer('publish', sent(1)), { type: 'publish', room: 'tea', data: null, key: 'k1' });
  await assert.rejects(s.tea.publishData(undefined), TypeError);
  await assert.rejects(s.tea.publish({}), TypeError);
});

test('a gap in the offsets is taken for a lost line; what came before is not told twice', async () => {
  const s = await inTea();
  await s.hear(message(1, bob));
  await s.hear(message(1, bob));
  await s.hear(message(3, bob));
  assert.deepEqual([s.seen, s.connection.lines], [['history ', '1'], 1]);
});

test('a room that the server put this connection into is there, and is joined again', async () => {
  const s = scene();
  await s.online();
  const rooms = [];
  s.client.on('joined', ({ by }, room) => rooms.push([room.name, by]));
  await s.hear(joined({ by: 'server' }));
  assert.deepEqual(rooms, [['tea', 'server']]);
  await s.enter('waiting');
  await s.online();
  assert.equal(s.asked[0].type, 'join');
});

test('a room that is taken away ends what waits in it', async () => {
  const s = await inTea();
  const publication = s.tea.publish('hello').catch((error) => error.code);
  await s.hear({ type: 'room_removed', room: 'tea' });
  assert.deepEqual([await publication, s.tea.state, s.client.rooms.has('tea')], ['NOT_A_MEMBER', 'removed', false]);
});

test('leaving while the join is under way leaves', async () => {
  const s = scene();
  await s.online();
  const join = s.client.join('tea').catch((error) => error.code);
  const left = s.client.room('tea').leave();
  await s.answer('join', joined());
  await s.answer('leave', { type: 'left', room: 'tea' });
  await left;
  assert.deepEqual([await join, s.client.rooms.size], ['CLIENT_LEFT', 0]);
});

test('typing is told every four seconds while keys are pressed, and ends with the publication', async () => {
  const s = await inTea();
  s.w.clock = 10_000;
  s.tea.type();
  s.tea.type();
  await s.w.pass(4_000);
  s.tea.type();
  s.tea.publish('hello');
  s.tea.type(false);
  assert.deepEqual(s.told.map(({ on }) => on), [true, true, false]);
});

test('somebody who types is taken for silent after six seconds', async () => {
  const s = await inTea();
  await s.hear({ type: 'typing', room: 'tea', user: bob, on: true });
  assert.deepEqual([...s.tea.typing.keys()], ['b']);
  await s.w.pass(6_000);
  assert.equal(s.tea.typing.size, 0);
});

test('when no connection comes by itself, everything that waits ends with its reason', async () => {
  const s = await inTea();
  const publication = s.tea.publish('hello').catch((error) => error);
  const refusals = [];
  s.client.on('refused', (error) => refusals.push(error.code));
  await s.enter('refused', { code: 'USER_DISABLED', message: 'no', ref: 'r2', retry: 'never', heard: 'foyer' });
  assert.deepEqual([(await publication).code, refusals], ['USER_DISABLED', ['USER_DISABLED']]);
  await assert.rejects(s.client.ready(), { code: 'USER_DISABLED' });
  await assert.rejects(s.tea.publish('more'), { code: 'USER_DISABLED' });
  await assert.rejects(s.client.request('rooms'), { code: 'USER_DISABLED' });
});

test('a closed client ends what waits, and says so', async () => {
  const s = scene();
  s.connection.phase = 'connecting';
  const join = s.client.join('tea').catch((error) => error.code);
  s.client.close();
  assert.equal(await join, 'CLIENT_CLOSED');
});

test('another user does not send what the one before has written', async () => {
  const s = await inTea();
  const publication = s.tea.publish('ann’s').catch((error) => error.code);
  await s.enter('waiting');
  await s.online(bob);
  assert.deepEqual([await publication, s.asked, s.client.rooms.size, s.client.user], ['CLIENT_CLOSED', [], 0, bob]);
});

test('a request that is refused is an error, and one without an answer says that the line was lost', async () => {
  const s = scene();
  await s.online();
  const invite = s.client.request('invite', { room: 'private:plan', name: 'nobody' }).catch((error) => error.code);
  await s.answer('invite', { code: 'NO_SUCH_PERSON' });
  assert.equal(await invite, 'NO_SUCH_PERSON');
  const lost = s.client.request('presence', { room: 'tea' }).catch((error) => error.code);
  await s.enter('waiting');
  assert.equal(await lost, 'CLIENT_CONNECTION_LOST');
});

test('the list of rooms comes page by page', async () => {
  const s = scene();
  await s.online();
  const list = s.client.list();
  await s.answer('rooms', { rooms: [{ room: 'apple' }, { room: 'berry' }], more: true });
  assert.equal((await s.answer('rooms', { rooms: [{ room: 'cherry' }], more: false })).after, 'berry');
  assert.deepEqual((await list).map(({ room }) => room), ['apple', 'berry', 'cherry']);
});
