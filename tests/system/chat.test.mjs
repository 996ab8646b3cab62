// The native protocol: every statement of docs/protocol about rooms, messages,
// presence and refusals that a client can observe.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileScope, serve } from './support/foyer.mjs';
import { arrive, register } from './support/people.mjs';
import { Client } from './support/websocket.mjs';

const file = fileScope(after);
let node;
before(async () => { node = await serve(file, { args: ['--presence-grace', '200ms', '--non-durable-rooms', 'live-*', '--address-auth-requests', '1000'] }); });

// A new person per test, so that tests do not meet.
let people = 0;
const somebody = (name = 'person') => arrive(node, `${name}${(people += 1)}`);
let roomsMade = 0;
const someRoom = (prefix = 'tea') => `${prefix}-${(roomsMade += 1)}`;

function isError(answer, code, field) {
  assert.deepEqual([answer.type, answer.code], ['error', code], JSON.stringify(answer));
  for (const name of ['message', 'retry', 'ref']) assert.notEqual(answer[name] ?? '', '', name);
  if (field !== undefined) assert.equal(answer.field, field, JSON.stringify(answer));
  return answer;
}
const texts = (messages) => messages.map((m) => `${m.offset} ${m.message}`);

// Rooms

test('a public room is made by its first join; an empty room is at 0', async () => {
  const ann = await somebody();
  const room = someRoom();
  const joined = await ann.join(room);
  assert.deepEqual({ ...joined, epoch: undefined, id: undefined }, { type: 'joined', id: undefined, room, kind: 'public', durable: true, epoch: undefined, offset: 0, recovered: false, messages: [], more: false, members: [ann.user], member_count: 1 });
  assert.notEqual(joined.epoch, '');
});

test('what is said goes to everybody who joined, in one order, and to the sender with its key', async () => {
  const [ann, bob] = [await somebody('ann'), await somebody('bob')];
  const room = someRoom();
  const { epoch } = await ann.join(room);
  await bob.join(room);
  const sent = await ann.say(room, 'hello', { key: 'k-1' });
  assert.deepEqual([sent.type, sent.room, sent.epoch, sent.offset, sent.duplicate], ['sent', room, epoch, 1, false]);
  assert.match(sent.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const expected = { type: 'message', room, epoch, offset: 1, from: ann.user, message: 'hello', time: sent.time };
  const atBob = await bob.next('message', { room });
  assert.deepEqual({ ...atBob, key: undefined }, { ...expected, key: undefined });
  assert.deepEqual(await ann.next('message', { room }), { ...expected, key: 'k-1' });
});

test('two who write at once are read in the same order by all', async () => {
  const [ann, bob, cleo] = [await somebody(), await somebody(), await somebody()];
  const room = someRoom();
  for (const each of [ann, bob, cleo]) await each.join(room);
  await Promise.all([...Array(50).keys()].flatMap((i) => [ann.say(room, `a${i}`), bob.say(room, `b${i}`)]));
  const read = async (who) => { const list = []; for (let i = 0; i < 100; i += 1) list.push(await who.next('message', { room })); return texts(list); };
  const order = await read(cleo);
  assert.deepEqual(order.map((t) => Number(t.split(' ')[0])), Array.from({ length: 100 }, (_, i) => i + 1));
  assert.deepEqual(await read(ann), order);
  assert.deepEqual(await read(bob), order);
});

test('chat needs the right, not a join; without a room it goes to one’s own', async () => {
  const ann = await somebody();
  const room = someRoom();
  assert.equal((await ann.say(room, 'over the fence')).type, 'sent');
  const own = await ann.ask('chat', { message: 'a note' });
  assert.deepEqual([own.type, own.room], ['sent', `user:${ann.user.id}`]);
  const joined = await ann.join(`user:${ann.user.id}`, { limit: 10 });
  assert.deepEqual([joined.kind, texts(joined.messages)], ['own', ['1 a note']]);
});

test('a private room: members come in; to others it is as if it were not there', async () => {
  const [ann, bob] = [await somebody(), await somebody()];
  const room = `private:${someRoom('plan')}`;
  assert.deepEqual((({ type, room: r }) => [type, r])(await ann.ask('create', { room })), ['created', room]);
  const absent = `private:${someRoom('absent')}`;
  for (const ask of [(r) => bob.join(r), (r) => bob.say(r, 'x'), (r) => bob.ask('history', { room: r }), (r) => bob.ask('presence', { room: r }), (r) => bob.ask('invite', { room: r, user: bob.user.id })]) {
    const strip = ({ id, ref, ...rest }) => rest;
    const [there, notThere] = [isError(await ask(room), 'NOT_A_MEMBER'), isError(await ask(absent), 'NOT_A_MEMBER')];
    assert.deepEqual({ ...strip(there), message: '' }, { ...strip(notThere), message: '' });
  }
  isError(await bob.ask('create', { room }), 'NOT_A_MEMBER');
  isError(await ann.ask('create', { room }), 'ROOM_EXISTS');
  const invited = await ann.ask('invite', { room, user: bob.user.id });
  assert.deepEqual([invited.type, invited.room, invited.user], ['invited', room, bob.user.id]);
  isError(await bob.join(room), 'NOT_A_MEMBER');
  assert.equal((await bob.ask('accept', { room })).type, 'accepted');
  assert.deepEqual(await bob.next('room_added'), { type: 'room_added', room });
  assert.equal((await bob.join(room)).kind, 'private');
});

test('a user who was removed hears nothing of the room from then on', async () => {
  const [ann, bob] = [await somebody(), await somebody()];
  const room = `private:${someRoom('secret')}`;
  await ann.ask('create', { room });
  await ann.ask('invite', { room, user: bob.user.id });
  await bob.ask('accept', { room });
  await ann.join(room);
  await bob.join(room);
  const removed = await ann.ask('remove', { room, user: bob.user.id });
  assert.deepEqual([removed.type, removed.room, removed.user], ['removed', room, bob.user.id]);
  await ann.say(room, 'between us');
  assert.deepEqual(await bob.next('room_removed'), { type: 'room_removed', room });
  await bob.barrier();
  assert.equal(bob.socket.received.some((m) => m.message === 'between us'), false);
  isError(await bob.join(room), 'NOT_A_MEMBER');
  isError(await bob.ask('history', { room }), 'NOT_A_MEMBER');
});

test('a direct room is between two, the same from both sides', async () => {
  const [ann, bob, cleo] = [await somebody(), await somebody(), await somebody()];
  const made = await ann.ask('direct', { user: bob.user.id });
  assert.equal(made.type, 'created');
  assert.match(made.room, /^direct:/);
  isError(await bob.join(made.room), 'NOT_A_MEMBER');
  assert.equal((await bob.ask('direct', { user: ann.user.id })).room, made.room);
  assert.equal((await bob.next('room_added')).room, made.room);
  assert.equal((await bob.join(made.room)).kind, 'direct');
  isError(await cleo.join(made.room), 'NOT_A_MEMBER');
});

test('another’s own room is closed', async () => {
  const [ann, bob] = [await somebody(), await somebody()];
  isError(await bob.join(`user:${ann.user.id}`), 'NOT_A_MEMBER');
  isError(await bob.say(`user:${ann.user.id}`, 'psst'), 'NOT_A_MEMBER');
});

test('`rooms` lists one’s rooms with kind, epoch and offset', async () => {
  const ann = await somebody();
  const room = `private:${someRoom('list')}`;
  await ann.ask('create', { room });
  const sent = await ann.say(room, 'x');
  const { type, rooms } = await ann.ask('rooms');
  assert.equal(type, 'rooms');
  assert.deepEqual(rooms.find((r) => r.room === room), { room, kind: 'private', epoch: sent.epoch, offset: 1 });
});

test('names of rooms', async () => {
  const ann = await somebody();
  for (const room of ['', ':x', 'te a', 'tea\u0000', 'tea\n', 'ü', 'a'.repeat(65), 'private:', 'private:Ä', 'other:', 'User:x', 'a/b', 'private:a:b']) {
    isError(await ann.join(room), 'ROOM_NAME_INVALID');
  }
  for (const room of ['a', 'a'.repeat(64), '0._-z', 'Tea', 'news:42']) assert.equal((await ann.join(room)).type, 'joined', room);
});

test('nothing of a room comes before `joined`, and nothing after `left`', async () => {
  const [ann, bob] = [await somebody(), await somebody()];
  const room = someRoom();
  await ann.join(room);
  const flood = (async () => { for (let i = 0; i < 100; i += 1) await ann.say(room, `m${i}`); })();
  const joined = await bob.join(room);
  await flood;
  await ann.barrier();
  const before = bob.socket.received.slice(0, bob.socket.received.indexOf(joined));
  assert.equal(before.some((m) => m.room === room), false);
  assert.deepEqual((({ type, room: r }) => [type, r])(await bob.ask('leave', { room })), ['left', room]);
  const at = bob.socket.received.length;
  await ann.say(room, 'after');
  await bob.barrier();
  assert.equal(bob.socket.received.slice(at).some((m) => m.room === room), false);
  isError(await bob.ask('leave', { room }), 'NOT_JOINED');
});

test('limits.rooms rooms at once and no more: ROOM_LIMIT', async (t) => {
  const own = await serve(t, { args: ['--rooms-per-connection', '3'] });
  const ann = await arrive(own, 'ann');
  assert.equal(ann.welcome.limits.rooms, 3);
  for (let i = 0; i < 3; i += 1) assert.equal((await ann.join(`r${i}`)).type, 'joined');
  isError(await ann.join('r3'), 'ROOM_LIMIT');
  await ann.ask('leave', { room: 'r0' });
  assert.equal((await ann.join('r3')).type, 'joined');
});

// Recovery and history

test('join with `since` brings what was missed, without gap or repeat', async () => {
  const [ann, bob] = [await somebody(), await somebody()];
  const room = someRoom();
  const { epoch } = await ann.join(room);
  for (let i = 1; i <= 10; i += 1) await ann.say(room, `m${i}`);
  const joined = await bob.join(room, { since: { epoch, offset: 4 } });
  assert.deepEqual([joined.recovered, joined.more, joined.offset, texts(joined.messages)], [true, false, 10, ['5 m5', '6 m6', '7 m7', '8 m8', '9 m9', '10 m10']]);
  for (const m of joined.messages) assert.deepEqual(Object.keys(m).sort(), ['epoch', 'from', 'message', 'offset', 'room', 'time'], JSON.stringify(m));
  const from0 = await (await somebody()).join(room, { since: { epoch, offset: 0 } });
  assert.deepEqual([from0.recovered, from0.messages.length], [true, 10]);
  const nothing = await (await somebody()).join(room, { since: { epoch, offset: 10 } });
  assert.deepEqual([nothing.recovered, nothing.messages], [true, []]);
});

test('three hundred missed are all brought; more, or another epoch, are the newest and `more`', async () => {
  const ann = await somebody();
  const room = someRoom();
  const { epoch } = await ann.join(room);
  for (let i = 0; i < 310; i += 50) await Promise.all([...Array(Math.min(50, 310 - i)).keys()].map((k) => ann.say(room, `m${i + k + 1}`)));
  const some = await (await somebody()).join(room, { since: { epoch, offset: 10 } });
  assert.deepEqual([some.recovered, some.messages.length, some.messages[0].offset], [true, 300, 11]);
  const tooMany = await (await somebody()).join(room, { since: { epoch, offset: 9 }, limit: 5 });
  assert.deepEqual([tooMany.recovered, tooMany.more, tooMany.messages.map((m) => m.offset)], [false, true, [306, 307, 308, 309, 310]]);
  const otherEpoch = await (await somebody()).join(room, { since: { epoch: 'another', offset: 300 }, limit: 2 });
  assert.deepEqual([otherEpoch.recovered, otherEpoch.more, otherEpoch.messages.map((m) => m.offset)], [false, true, [309, 310]]);
  const plain = await (await somebody()).join(room);
  assert.deepEqual([plain.recovered, plain.messages], [false, []]);
});

test('history goes back page by page, ascending, and says whether there is more', async () => {
  const ann = await somebody();
  const room = someRoom();
  for (let i = 1; i <= 7; i += 1) await ann.say(room, `m${i}`);
  const first = await ann.ask('history', { room, limit: 3 });
  assert.deepEqual([first.type, texts(first.messages), first.more], ['history', ['5 m5', '6 m6', '7 m7'], true]);
  const second = await ann.ask('history', { room, before: 5, limit: 3 });
  assert.deepEqual([texts(second.messages), second.more], [['2 m2', '3 m3', '4 m4'], true]);
  const third = await ann.ask('history', { room, before: 2, limit: 3 });
  assert.deepEqual([texts(third.messages), third.more], [['1 m1'], false]);
  const bad = await ann.ask('history', { room, limit: 301 });
  assert.ok(bad.type === 'history' ? bad.messages.length <= 300 : bad.field === 'limit', JSON.stringify(bad));
});

test('a room that is not durable says so and keeps its newest in memory', async () => {
  const ann = await somebody();
  const joined = await ann.join(someRoom('live'));
  assert.equal(joined.durable, false);
  await ann.say(joined.room, 'x');
  assert.deepEqual(texts((await ann.ask('history', { room: joined.room })).messages), ['1 x']);
});

// Keys and deletion

test('the same key again is the first `sent` again, and nothing is published', async () => {
  const [ann, bob] = [await somebody(), await somebody()];
  const room = someRoom();
  await bob.join(room);
  const first = await ann.say(room, 'once', { key: 'k' });
  const again = await ann.say(room, 'once', { key: 'k' });
  assert.deepEqual({ ...again, id: 0 }, { ...first, id: 0, duplicate: true });
  await bob.next('message', { room });
  await bob.barrier();
  assert.equal(bob.kept.some((m) => m.type === 'message' && m.room === room), false);
  isError(await ann.say(room, 'other words', { key: 'k' }), 'KEY_REUSED');
  assert.equal((await bob.say(room, 'mine', { key: 'k' })).offset, 2, 'a key is one’s own');
  assert.equal((await ann.say(someRoom(), 'once', { key: 'k' })).duplicate, false, 'and of one room');
});

test('one’s own message can be deleted, another’s not', async () => {
  const [ann, bob] = [await somebody(), await somebody()];
  const room = someRoom();
  await bob.join(room);
  const { offset } = await ann.say(room, 'oops');
  isError(await bob.ask('delete', { room, offset }), 'PERMISSION_DENIED');
  const answer = await ann.ask('delete', { room, offset });
  assert.deepEqual([answer.type, answer.room, answer.offset], ['deleted', room, offset]);
  assert.deepEqual(await bob.next('deleted'), { type: 'deleted', room, offset });
  assert.doesNotMatch(JSON.stringify(await ann.ask('history', { room })), /oops/);
});

// Presence and typing

test('who is here: first connection in, last one out, after the grace', async () => {
  const [ann, bob] = [await somebody(), await somebody()];
  const room = someRoom();
  await ann.join(room);
  const joined = await bob.join(room);
  assert.deepEqual([joined.member_count, joined.members.map((u) => u.id).sort()], [2, [ann.user.id, bob.user.id].sort()]);
  assert.deepEqual(await ann.next('member_joined'), { type: 'member_joined', room, user: bob.user });
  const second = await Client.open(node, { token: bob.token });
  await second.join(room);
  const presence = await ann.ask('presence', { room });
  assert.deepEqual([presence.type, presence.member_count, presence.members.length], ['presence', 2, 2]);
  await bob.close();
  await ann.barrier();
  assert.equal(ann.kept.some((m) => m.type === 'member_left' || m.type === 'member_joined'), false, 'one of two connections is nothing to tell');
  await second.close();
  assert.deepEqual(await ann.next('member_left'), { type: 'member_left', room, user: bob.user });
});

test('who comes back within the grace never left', async (t) => {
  const own = await serve(t, { args: ['--presence-grace', '5s'] });
  const [ann, bob] = [await arrive(own, 'ann'), await arrive(own, 'bob')];
  await ann.join('tea');
  await bob.join('tea');
  await ann.next('member_joined');
  await bob.close();
  const again = await Client.open(own, { token: bob.token });
  await again.join('tea');
  await ann.barrier();
  assert.equal(ann.socket.received.filter((m) => m.type === 'member_left' || m.type === 'member_joined').length, 1);
});

test('a large room tells numbers instead of names', async (t) => {
  const own = await serve(t, { args: ['--presence-events-limit', '2'] });
  const crowd = [];
  for (const name of ['a', 'b', 'c', 'd']) crowd.push(await arrive(own, `crowd-${name}`));
  for (const each of crowd) await each.join('square');
  const changed = await crowd[0].next('members_changed');
  assert.equal(changed.room, 'square');
  assert.ok(changed.member_count >= 3);
});

test('typing reaches others, not oneself, and lapses', async () => {
  const [ann, bob] = [await somebody(), await somebody()];
  const room = someRoom();
  await ann.join(room);
  await bob.join(room);
  ann.send({ type: 'typing', room, on: true });
  assert.deepEqual(await bob.next('typing'), { type: 'typing', room, user: ann.user, on: true });
  ann.send({ type: 'typing', room, on: false });
  assert.equal((await bob.next('typing')).on, false);
  await ann.barrier();
  assert.equal(ann.socket.received.some((m) => m.type === 'typing'), false);
  isError(await ann.ask('typing', { room: someRoom(), on: true }), 'NOT_JOINED');
});

// What is not understood, and limits

test('wrong types and missing fields are BAD_MESSAGE naming the field, and the connection stays', async () => {
  const ann = await somebody();
  for (const [message, field] of [
    [{ type: 'join' }, 'room'], [{ type: 'join', room: 7 }, 'room'], [{ type: 'chat', room: 'tea' }, 'message'], [{ type: 'chat', room: 'tea', message: 1 }, 'message'],
    [{ type: 'history', room: 'tea', limit: 'x' }, 'limit'], [{ type: 'teleport' }, 'type'], [{ type: 5 }, 'type'], [{}, 'type'],
  ]) isError(await (ann.send({ id: 900, ...message }), ann.next('error')), 'BAD_MESSAGE', field);
  assert.equal((await ann.ask('ping')).type, 'pong');
});

test('what is not one JSON object is BAD_MESSAGE', async () => {
  for (const text of ['hello', '', '[]', '1', '{"type":"ping"} x', '{"type":"ping","type":"ping"}', '{"type":"ping","x":'.padEnd(18) + '[[[[[[[[[[1]]]]]]]]]]}', '{"type":"ping","id":-1}', '{"type":"ping","id":1.5}', '{"type":"ping","id":9007199254740992}']) {
    const ann = await somebody();
    ann.send(text);
    isError(await ann.next('error'), 'BAD_MESSAGE');
    assert.equal((await ann.ask('ping')).type, 'pong', text);
    ann.socket.destroy();
  }
});

test('members in any order and unknown ones are well', async () => {
  const ann = await somebody();
  ann.send('{"room":"order","unknown":{"a":[1,2,{"b":null}]},"id":77,"type":"join"}');
  assert.equal((await ann.next('joined')).id, 77);
});

test('more than ten bad messages in ten seconds end the connection with 4429', async () => {
  const ann = await somebody();
  for (let i = 0; i < 11; i += 1) ann.send('nonsense');
  const { code, reason } = await ann.ended();
  assert.deepEqual([code, reason.split(' ')[0]], [4429, 'TOO_MANY_BAD_MESSAGES']);
});

test('a binary frame closes with 1003, bytes that are not UTF-8 with 1007, an unmasked frame with 1002', async () => {
  const cases = [
    [(s) => s.sendFrame(0x2, Buffer.from('{}')), 1003, 'UNSUPPORTED_DATA'],
    [(s) => s.sendFrame(0x1, Buffer.from([0xff, 0xfe])), 1007, 'INVALID_UTF8'],
    [(s) => s.sendFrame(0x1, Buffer.from('{}'), { masked: false }), 1002, 'PROTOCOL_ERROR'],
    [(s) => s.sendFrame(0x3, Buffer.from('x')), 1002, 'PROTOCOL_ERROR'],
    [(s) => s.sendFrame(0x1, Buffer.from('x'), { rsv: 4 }), 1002, 'PROTOCOL_ERROR'],
  ];
  for (const [send, code, cause] of cases) {
    const ann = await somebody();
    send(ann.socket);
    const ended = await ann.ended();
    assert.deepEqual([ended.code, ended.reason.split(' ')[0]], [code, cause]);
  }
});

test('text over text_bytes is MESSAGE_TOO_LARGE and stays; a message over message_bytes closes with 1009', async () => {
  const ann = await somebody();
  const room = someRoom();
  assert.equal((await ann.say(room, 'x'.repeat(16_384))).type, 'sent');
  isError(await ann.say(room, 'x'.repeat(16_385)), 'MESSAGE_TOO_LARGE');
  isError(await ann.say(room, ''), 'BAD_MESSAGE', 'message');
  ann.say(room, 'x'.repeat(70_000)).catch(() => {});
  const { code, reason } = await ann.ended();
  assert.deepEqual([code, reason.split(' ')[0]], [1009, 'MESSAGE_TOO_BIG']);
});

test('a message in fragments with a ping between them is one message', async () => {
  const ann = await somebody();
  const text = Buffer.from('{"type":"ping","id":5}');
  ann.socket.sendFrame(0x1, text.subarray(0, 7), { fin: false });
  ann.socket.sendFrame(0x9, Buffer.from('hi'));
  ann.socket.sendFrame(0x0, text.subarray(7, 9), { fin: false });
  ann.socket.sendFrame(0x0, text.subarray(9));
  assert.equal((await ann.next('pong')).id, 5);
});

test('too many commands are RATE_LIMITED with a time to wait, and the connection stays', async () => {
  const ann = await somebody();
  const answers = await Promise.all(Array.from({ length: 700 }, () => ann.ask('ping')));
  const limited = answers.filter((a) => a.type === 'error');
  assert.ok(limited.length > 0 && limited.length < 400, String(limited.length));
  for (const each of limited) assert.ok(isError(each, 'RATE_LIMITED').retry_after_ms > 0);
});

test('authenticate again is ALREADY_AUTHENTICATED; agent_request is NOT_AVAILABLE for now', async () => {
  const ann = await somebody();
  isError(await ann.ask('authenticate', { token: ann.token }), 'ALREADY_AUTHENTICATED');
  isError(await ann.ask('agent_request', { request: 'sum up' }), 'NOT_AVAILABLE');
  isError(await ann.ask('agent_cancel', { run: 'x' }), 'NOT_AVAILABLE');
});

test('reading and writing are two rights', async (t) => {
  const { resign, withSecret } = await import('./support/people.mjs');
  const own = await serve(t, { env: withSecret });
  const { access_token: token } = await register(own, 'reader');
  const reader = await Client.open(own, { token: resign(token, { claims: { scope: 'chat:read' } }) });
  assert.equal((await reader.join('tea')).type, 'joined');
  isError(await reader.say('tea', 'x'), 'PERMISSION_DENIED');
  const writer = await Client.open(own, { token: resign(token, { claims: { scope: 'chat:write' } }) });
  assert.equal((await writer.say('tea', 'x')).type, 'sent');
  isError(await writer.join('tea'), 'PERMISSION_DENIED');
  isError(await writer.ask('history', { room: 'tea' }), 'PERMISSION_DENIED');
});

test('an admin deletes the messages of others', async (t) => {
  const { resign, withSecret } = await import('./support/people.mjs');
  const own = await serve(t, { env: withSecret });
  const [ann, chief] = [await register(own, 'ann'), await register(own, 'chief')];
  const at = await Client.open(own, { token: ann.access_token });
  const { offset } = await at.say('tea', 'rude');
  const admin = await Client.open(own, { token: resign(chief.access_token, { claims: { scope: 'chat:read chat:write admin' } }) });
  assert.equal((await admin.ask('delete', { room: 'tea', offset })).type, 'deleted');
});

test('connect, authenticate, send a chat message, read the answer, reconnect, read the history', async () => {
  const ann = await somebody();
  const room = someRoom();
  await ann.join(room);
  const sent = await ann.say(room, 'I was here');
  await ann.close();
  const again = await Client.open(node, { token: ann.token });
  const { messages } = await again.ask('history', { room });
  assert.deepEqual(texts(messages), [`${sent.offset} I was here`]);
});
