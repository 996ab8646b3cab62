import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../core/client.mjs';
import { Chat } from './chat.mjs';

// A connection that keeps what is asked until the test answers it.
function scene() {
  const listeners = { message: [], phase: [] };
  const asked = [];
  let keys = 0;
  let names = [];
  const timers = []; // that nobody lets run unless it asks
  const connection = {
    phase: 'online',
    lines: 0, // times that it was told to connect again
    lost: () => { connection.lines += 1; },
    onMessage: (l) => listeners.message.push(l),
    onPhase: (l) => listeners.phase.push(l),
    tell: (type, fields) => asked.push({ type, ...fields }),
    request: (type, fields = {}) => new Promise((resolve) => asked.push({ type, ...fields, resolve })),
  };
  const world = { now: () => 100_000, after: (ms, fn) => { timers.push({ ms, fn }); return () => {}; }, newKey: () => `k${(keys += 1)}` };
  const chat = new Chat(new Client(connection, world), { ...world, remembered: () => names, remember: (_, list) => { names = list; } });
  const s = {
    chat, asked, connection,
    async later(ms) { for (const timer of timers.splice(0)) if (timer.ms <= ms) timer.fn(); await settle(); },
    remembered: () => names,
    async hear(message) { for (const l of listeners.message) l(message); await settle(); },
    async answer(type, answer) {
      const at = asked.findIndex((each) => each.type === type && each.resolve && (type !== 'join' || each.room === answer.room));
      const [question] = asked.splice(at, 1);
      question.resolve(answer.code ? { refusal: { retry: 'never', retryAfterMs: null, ...answer } } : { answer });
      await settle();
      return { ...question, resolve: undefined };
    },
    async lose() {
      connection.phase = 'waiting';
      for (const question of asked.splice(0)) question.resolve?.({ refusal: { lost: true, retry: 'after' } });
      for (const l of listeners.phase) l(connection);
      await settle();
    },
    async welcome() {
      connection.phase = 'online';
      await s.hear({ type: 'authentication_success', user: ann, limits: { rooms: 100, text_bytes: 100 } });
      await s.answer('rooms', { rooms: [] });
    },
  };
  return s;
}
const settle = async () => { for (let i = 0; i < 30; i += 1) await null; };
const ann = { id: 'a', name: 'Ann' };
const bob = { id: 'b', name: 'Bob' };
const says = (offset, from, message, key) => ({ room: 'tea', epoch: 'e1', offset, from, message, time: '2030-01-01T10:00:00.000Z', ...(key ? { key } : {}) });
const joined = (fields = {}) => ({ type: 'joined', room: 'tea', kind: 'public', durable: true, epoch: 'e1', offset: 0, recovered: false, messages: [], more: false, members: [ann], member_count: 1, ...fields });

async function inTea(fields) {
  const s = scene();
  await s.welcome();
  await s.answer('join', { ...joined(), room: 'user:a', kind: 'own' });
  s.chat.join('tea');
  await s.answer('join', joined(fields));
  return { ...s, tea: s.chat.rooms.get('tea') };
}
const texts = (room) => room.messages.map((m) => `${m.offset} ${m.from.name}: ${m.text}`);

test('a list of rooms that comes in pages is shown whole', async () => {
  const s = scene();
  s.chat.limits = null;
  await s.hear({ type: 'authentication_success', user: ann, limits: { rooms: 1, text_bytes: 100 } });
  assert.equal((await s.answer('rooms', { rooms: [{ room: 'apple', kind: 'public' }, { room: 'berry', kind: 'public' }], more: true })).after, undefined);
  assert.equal((await s.answer('rooms', { rooms: [{ room: 'cherry', kind: 'public' }], more: false })).after, 'berry');
  assert.deepEqual([...s.chat.rooms.keys()], ['apple', 'berry', 'cherry', 'user:a']);
});

test('a room that may not be joined yet is joined when the server says', async () => {
  const s = await inTea();
  s.chat.join('milk');
  await s.answer('join', { room: 'milk', code: 'RATE_LIMITED', retry: 'after', retryAfterMs: 300 });
  assert.equal(s.chat.rooms.get('milk').state, 'known');
  await s.later(300);
  await s.answer('join', joined({ room: 'milk' }));
  assert.equal(s.chat.rooms.get('milk').state, 'joined');
});

test('a message is on the screen at once and settles when it is sent', async () => {
  const { chat, tea, answer, hear } = await inTea();
  chat.say('tea', 'hello');
  assert.deepEqual(tea.pending.map((p) => [p.text, p.state]), [['hello', 'sending']]);
  const { key, message } = await answer('chat', { type: 'sent', room: 'tea', epoch: 'e1', offset: 1, time: '2030-01-01T10:00:00.000Z', duplicate: false });
  assert.deepEqual([key, message], ['k1', 'hello']);
  await hear({ type: 'message', ...says(1, ann, 'hello', 'k1') });
  assert.deepEqual([texts(tea), tea.pending, tea.offset], [['1 Ann: hello'], [], 1]);
});

test('our own message may come before its `sent`; it is there once', async () => {
  const { chat, tea, answer, hear } = await inTea();
  chat.say('tea', 'hello');
  await hear({ type: 'message', ...says(1, ann, 'hello', 'k1') });
  await answer('chat', { type: 'sent', room: 'tea', epoch: 'e1', offset: 1, time: '2030-01-01T10:00:00.000Z', duplicate: false });
  assert.deepEqual([texts(tea), tea.pending], [['1 Ann: hello'], []]);
});

test('a `sent` that overtakes others does not move the position over what was not seen', async () => {
  const { chat, tea, answer, hear } = await inTea();
  chat.say('tea', 'mine');
  await answer('chat', { type: 'sent', room: 'tea', epoch: 'e1', offset: 2, time: '2030-01-01T10:00:00.000Z', duplicate: false });
  assert.equal(tea.offset, 0);
  await hear({ type: 'message', ...says(1, bob, 'his') });
  await hear({ type: 'message', ...says(2, ann, 'mine', 'k1') });
  assert.deepEqual([texts(tea), tea.offset], [['1 Bob: his', '2 Ann: mine'], 2]);
});

test('after a lost line the room is joined with `since` and the unanswered message goes again under its key', async () => {
  const { chat, tea, asked, answer, hear, lose, welcome } = await inTea();
  await hear({ type: 'message', ...says(1, bob, 'one') });
  chat.say('tea', 'lost?');
  await lose();
  assert.equal(tea.pending.length, 1);
  await welcome();
  const join = asked.find((each) => each.type === 'join' && each.room === 'tea');
  assert.deepEqual(join.since, { epoch: 'e1', offset: 1, change: 0, time: '2030-01-01T10:00:00.000Z' });
  await answer('join', joined({ offset: 2, recovered: true, messages: [says(2, bob, 'two')] }));
  const again = asked.find((each) => each.type === 'chat');
  assert.deepEqual([again.message, again.key], ['lost?', 'k1']);
  await answer('chat', { type: 'sent', room: 'tea', epoch: 'e1', offset: 3, time: '2030-01-01T10:00:00.000Z', duplicate: false });
  assert.deepEqual(texts(tea), ['1 Bob: one', '2 Bob: two', '3 Ann: lost?']);
});

test('a message that was stored before the line broke is recognised in what is recovered', async () => {
  const { chat, tea, asked, answer, lose, welcome } = await inTea();
  chat.say('tea', 'stored');
  await lose();
  await welcome();
  await answer('join', joined({ offset: 1, recovered: true, messages: [says(1, ann, 'stored', 'k1')] }));
  assert.equal(asked.some((each) => each.type === 'chat'), false);
  assert.deepEqual([texts(tea), tea.pending], [['1 Ann: stored'], []]);
});

test('another epoch begins the room anew', async () => {
  const { tea, asked, answer, hear, lose, welcome } = await inTea();
  await hear({ type: 'message', ...says(1, bob, 'old') });
  await lose();
  await welcome();
  await answer('join', joined({ epoch: 'e2', offset: 7, recovered: false, more: true, messages: [{ ...says(7, bob, 'new'), epoch: 'e2' }] }));
  assert.deepEqual([texts(tea), tea.offset, tea.more, tea.epoch], [['7 Bob: new'], 7, true, 'e2']);
});

test('a refused message stays, with its refusal, until it is sent again or taken back', async () => {
  const { chat, tea, asked, answer } = await inTea();
  chat.say('tea', 'too long');
  await answer('chat', { code: 'MESSAGE_TOO_LARGE' });
  assert.deepEqual([tea.pending[0].state, tea.pending[0].refusal.code], ['failed', 'MESSAGE_TOO_LARGE']);
  chat.retry('tea', 'k1');
  assert.equal(asked.at(-1).key, 'k1');
  await answer('chat', { code: 'MESSAGE_TOO_LARGE' });
  assert.equal(chat.discard('tea', 'k1'), 'too long');
  assert.deepEqual(tea.pending, []);
});

test('older messages are put above', async () => {
  const { chat, tea, answer } = await inTea({ offset: 3, more: true, messages: [says(3, bob, 'three')] });
  chat.older('tea');
  const { before, limit } = await answer('history', { room: 'tea', epoch: 'e1', messages: [says(1, bob, 'one'), says(2, ann, 'two')], more: false });
  assert.deepEqual([before, limit], [3, 50]);
  assert.deepEqual([texts(tea), tea.more], [['1 Bob: one', '2 Ann: two', '3 Bob: three'], false]);
});

test('who comes and goes is counted once', async () => {
  const { tea, hear } = await inTea();
  await hear({ type: 'member_joined', room: 'tea', user: bob });
  await hear({ type: 'member_joined', room: 'tea', user: bob });
  assert.equal(tea.memberCount, 2);
  await hear({ type: 'member_left', room: 'tea', user: bob });
  assert.deepEqual([tea.memberCount, [...tea.members.keys()]], [1, ['a']]);
});

test('messages in another room are counted until it is shown', async () => {
  const { chat, tea, hear } = await inTea();
  chat.show('user:a');
  await hear({ type: 'message', ...says(1, bob, 'psst') });
  await hear({ type: 'message', ...says(2, ann, 'from my phone') });
  assert.equal(tea.unread, 1);
  chat.show('tea');
  assert.equal(tea.unread, 0);
});

test('a deleted message keeps its place without its text', async () => {
  const { tea, hear } = await inTea();
  await hear({ type: 'message', ...says(1, bob, 'oops') });
  await hear({ type: 'deleted', room: 'tea', offset: 1 });
  assert.deepEqual([tea.messages[0].deleted, tea.messages[0].text], [true, '']);
});

test('being removed takes the room away; being invited brings it', async () => {
  const { chat, asked, hear } = await inTea();
  await hear({ type: 'room_added', room: 'private:plan' });
  assert.equal(asked.at(-1).room, 'private:plan');
  await hear({ type: 'room_removed', room: 'private:plan' });
  assert.equal(chat.rooms.has('private:plan'), false);
});

test('only public rooms are remembered on this device', async () => {
  const { remembered } = await inTea();
  assert.deepEqual(remembered(), ['tea']);
});

test('a message behind a gap is not shown: the line is taken for lost, and all of it comes with the next join', async () => {
  const s = await inTea();
  await s.hear({ type: 'message', ...says(1, bob, 'one') });
  await s.hear({ type: 'message', ...says(3, bob, 'three') });
  assert.equal(s.connection.lines, 1);
  assert.deepEqual(texts(s.tea), ['1 Bob: one']);
  await s.lose();
  await s.welcome();
  await s.answer('join', { ...joined(), room: 'user:a', kind: 'own' });
  const join = await s.answer('join', joined({ offset: 3, recovered: true, messages: [says(2, bob, 'two'), says(3, bob, 'three')] }));
  assert.deepEqual(join.since, { epoch: 'e1', offset: 1, change: 0, time: '2030-01-01T10:00:00.000Z' });
  assert.deepEqual(texts(s.tea), ['1 Bob: one', '2 Bob: two', '3 Bob: three']);
});

test('what a program published is shown as it is written in JSON', async () => {
  const { tea, hear } = await inTea({ offset: 1, messages: [{ ...says(1, bob), message: undefined, data: null }] });
  await hear({ type: 'message', ...says(2, bob), message: undefined, data: { state: 'paid' } });
  assert.deepEqual(texts(tea), ['1 Bob: null', '2 Bob: {"state":"paid"}']);
});

test('a room that the application joins this person to appears, live, and one that it ends disappears', async () => {
  const s = await inTea();
  await s.hear({ ...joined({ room: 'news', by: 'server', offset: 1, messages: [{ ...says(1, bob, 'hello'), room: 'news' }] }) });
  const news = s.chat.rooms.get('news');
  assert.deepEqual([news.state, texts(news)], ['joined', ['1 Bob: hello']]);
  await s.hear({ type: 'message', ...says(2, bob, 'live'), room: 'news' });
  assert.deepEqual(texts(news), ['1 Bob: hello', '2 Bob: live']);
  await s.hear({ type: 'room_removed', room: 'news', code: 'UNSUBSCRIBED_BY_APP' });
  assert.equal(s.chat.rooms.has('news'), false);
});

test('a room whose history begins anew is joined again, and shows the new one', async () => {
  const s = await inTea({ offset: 2, messages: [says(1, bob, 'one'), says(2, bob, 'old two')], time: '2030-01-01T10:00:00.000Z' });
  await s.hear({ type: 'room_reset', room: 'tea', epoch: 'e2', offset: 1, reason: 'r' });
  assert.equal(s.tea.state, 'joining');
  const join = await s.answer('join', joined({ epoch: 'e2', offset: 2, messages: [{ ...says(1, bob, 'one'), epoch: 'e2' }, { ...says(2, bob, 'new two'), epoch: 'e2' }] }));
  assert.deepEqual(join.since, { epoch: 'e1', offset: 2, change: 0, time: '2030-01-01T10:00:00.000Z' });
  assert.deepEqual([s.tea.epoch, ...texts(s.tea)], ['e2', '1 Bob: one', '2 Bob: new two']);
  assert.equal(s.connection.lines, 0);
});

test('a message that was deleted while the page was away loses its text when the page comes back', async () => {
  const s = await inTea({ offset: 2, change: 0, changes: [], messages: [says(1, bob, 'secret'), says(2, bob, 'hello')] });
  await s.lose();
  await s.welcome();
  const join = s.asked.find((each) => each.type === 'join' && each.room === 'tea');
  assert.deepEqual({ ...join.since, time: undefined }, { epoch: 'e1', offset: 2, change: 0, time: undefined });
  await s.answer('join', joined({ offset: 2, recovered: true, change: 2, changes: [{ type: 'deleted', offset: 1, change: 1 }, { type: 'author_detached', user: { id: 'b', name: 'deleted user' }, change: 2 }] }));
  const tea = s.chat.rooms.get('tea');
  assert.deepEqual(texts(tea), ['1 deleted user: ', '2 deleted user: hello']);
  assert.equal(tea.messages[0].deleted, true);
  assert.equal(tea.change, 2);
});

test('the messages of a person who was forgotten lose name and text', async () => {
  const s = await inTea({ offset: 2, change: 0, changes: [], messages: [says(1, bob, 'secret'), says(2, { id: 'c', name: 'carl' }, 'hello')] });
  await s.hear({ type: 'author_detached', room: 'tea', user: { id: 'b', name: 'deleted user' }, erased: true, change: 1 });
  const tea = s.chat.rooms.get('tea');
  assert.deepEqual(texts(tea), ['1 deleted user: ', '2 carl: hello']);
  assert.deepEqual(tea.messages.map((m) => m.deleted), [true, false]);
});

test('a deletion that did not arrive is taken for a lost connection', async () => {
  const s = await inTea({ offset: 2, change: 4, changes: [], messages: [says(1, bob, 'one'), says(2, bob, 'two')] });
  await s.hear({ type: 'deleted', room: 'tea', offset: 1, change: 5 });
  assert.equal(s.connection.lines, 0);
  await s.hear({ type: 'deleted', room: 'tea', offset: 2, change: 7 });
  assert.equal(s.connection.lines, 1);
});

const invitation = (room, fields = {}) => ({ room, from: bob, expires_at: '2030-01-15T10:00:00.000Z', ...fields });

test('an invitation is listed until it is answered, here or on another device', async () => {
  const { chat, asked, answer, hear } = await inTea();
  await answer('invitations', { type: 'invitations', invitations: [invitation('private:den')], more: false });
  await hear({ type: 'invitation', ...invitation('direct:1') });
  await hear({ type: 'invitation', ...invitation('private:hall') });
  assert.deepEqual([...chat.invitations.keys()], ['private:den', 'direct:1', 'private:hall']);
  assert.equal(chat.rooms.has('private:den'), false, 'nobody belongs to a room unasked');
  await hear({ type: 'declined', room: 'direct:1' });
  await hear({ type: 'room_added', room: 'private:hall' });
  assert.deepEqual([...chat.invitations.keys()], ['private:den']);
  assert.equal(asked.filter((each) => each.type === 'join' && each.room === 'private:hall').length, 1);
});

test('accepting opens the room, and declining tells nobody else', async () => {
  const { chat, asked, answer } = await inTea();
  await answer('invitations', { type: 'invitations', invitations: [invitation('direct:1'), invitation('private:den')], more: false });
  const accepted = chat.accept('direct:1');
  await answer('accept', { type: 'accepted', room: 'direct:1' });
  await answer('join', joined({ room: 'direct:1', kind: 'direct', members: [ann] }));
  const { room } = await accepted;
  assert.deepEqual([room.state, chat.title(room)], ['joined', 'Bob']);
  chat.decline('private:den');
  await answer('decline', { type: 'declined', room: 'private:den' });
  assert.deepEqual([[...chat.invitations.keys()], chat.rooms.has('private:den')], [[], false]);
  assert.equal(asked.some((each) => each.room === 'private:den'), false);
});

test('an invitation that lapsed meanwhile goes from the list when it is answered', async () => {
  const { chat, answer } = await inTea();
  await answer('invitations', { type: 'invitations', invitations: [invitation('private:den')], more: false });
  const accepted = chat.accept('private:den');
  await answer('accept', { code: 'NO_INVITATION' });
  assert.equal((await accepted).refusal.code, 'NO_INVITATION');
  assert.deepEqual([chat.invitations.size, chat.rooms.has('private:den')], [0, false]);
});

test('the list of rooms is announced when it is complete, and a room that is gone is named', async () => {
  const s = scene();
  const seen = [];
  s.chat.onChange((name, what) => { if (name === null || what === 'gone') seen.push([name, what, s.chat.rooms.size]); });
  await s.hear({ type: 'authentication_success', user: ann, limits: { rooms: 100, text_bytes: 100 } });
  await s.answer('rooms', { rooms: ['garden', 'library', 'tea'].map((room) => ({ room, kind: 'public' })) });
  assert.deepEqual(seen[0], [null, '', 4]);
  await s.answer('join', joined());
  seen.length = 0;
  const left = s.chat.leave('tea');
  await s.answer('leave', { type: 'left', room: 'tea' });
  await left;
  assert.deepEqual(seen[0], ['tea', 'gone', 3]);
});
