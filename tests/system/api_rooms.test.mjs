// The server API: rooms, who belongs to them, and people.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileScope, serve } from './support/foyer.mjs';
import { call, error, keyOf, post } from './support/api.mjs';
import { ask } from './support/http.mjs';
import { arrive, register } from './support/people.mjs';
import { Client } from './support/websocket.mjs';

// The lines of a chunked body.
function linesOf({ text }) {
  let body = '';
  for (let rest = text; rest;) {
    const length = Number.parseInt(rest, 16);
    if (length === 0) break;
    const start = rest.indexOf('\r\n') + 2;
    body += rest.slice(start, start + length);
    rest = rest.slice(start + length + 2);
  }
  return body.trim().split('\n').map((line) => JSON.parse(line));
}

for (const [kind, args] of [['stored', []], ['in memory', ['--non-durable-rooms', '*']]]) {
  describe(`rooms ${kind}`, () => {
    let node;
    const scope = fileScope(after);
    before(async () => { node = await serve(scope, { args }); });

    test('a private room is created with members, who learn of it and may use it', async () => {
      const [ann, bob] = [await arrive(node, 'ann'), await arrive(node, 'bob')];
      assert.deepEqual(await call(node, 'room_create', { channel: 'private:team', members: [ann.user.id] }), {});
      await ann.next('room_added', { room: 'private:team' });
      assert.equal((await ann.join('private:team')).type, 'joined');
      assert.equal((await bob.join('private:team')).code, 'NOT_A_MEMBER');
      assert.deepEqual(await error(node, 'room_create', { channel: 'private:team', members: ['x'] }), [409, 'ROOM_EXISTS']);
      assert.deepEqual(await error(node, 'room_create', { channel: 'public_one', members: ['x'] }), [107, 'ROOM_NAME_INVALID']);
      assert.deepEqual(await call(node, 'member_add', { channel: 'private:team', user: bob.user.id }), { added: true });
      await bob.next('room_added', { room: 'private:team' });
      assert.deepEqual(await call(node, 'member_add', { channel: 'private:team', user: bob.user.id }), { added: false });
      assert.equal((await bob.join('private:team')).type, 'joined');
      const { members } = await call(node, 'room_members', { channel: 'private:team' });
      assert.deepEqual([...members].sort(), [ann.user.id, bob.user.id].sort());
      assert.deepEqual(await call(node, 'member_remove', { channel: 'private:team', user: bob.user.id }), {});
      await bob.next('room_removed', { room: 'private:team' });
      assert.equal((await bob.join('private:team')).code, 'NOT_A_MEMBER');
      assert.deepEqual((await call(node, 'room_members', { channel: 'private:team' })).members, [ann.user.id]);
      for (const method of ['member_add', 'member_remove']) {
        assert.deepEqual(await error(node, method, { channel: 'private:none', user: 'x' }), [103, 'NOT_A_MEMBER']);
        assert.deepEqual(await error(node, method, { channel: 'public_one', user: 'x' }), [103, 'PERMISSION_DENIED']);
      }
      assert.deepEqual(await error(node, 'member_add', { channel: 'private:team', user: 'app:me' }), [107, 'BAD_REQUEST']);
      await ann.close();
      await bob.close();
    });

    test('room_delete: members are put out, subscribers start afresh, and the name is free', async () => {
      const { access_token: token } = await register(node, 'ann_d');
      const ann = await Client.open(node, { token, path: '/ws/chat?features=room_reset' });
      await call(node, 'room_create', { channel: 'private:short', members: [ann.user.id] });
      await ann.join('private:short');
      await ann.say('private:short', 'secret');
      assert.deepEqual(await call(node, 'room_delete', { channel: 'private:short' }), {});
      await ann.next('room_removed', { room: 'private:short' });
      assert.equal((await ann.join('private:short')).code, 'NOT_A_MEMBER');
      await call(node, 'room_create', { channel: 'private:short', members: [ann.user.id] });
      const again = await ann.join('private:short', { limit: 10 });
      assert.deepEqual([again.offset, again.messages], [0, []]);

      const { epoch } = await ann.join('pub');
      await ann.say('pub', 'one');
      await call(node, 'room_delete', { channel: 'pub' });
      await ann.next('room_reset', { room: 'pub' });
      const fresh = await ann.join('pub', { limit: 10 });
      assert.deepEqual([fresh.offset, fresh.messages], [0, []]);
      assert.notEqual(fresh.epoch, epoch);
      assert.equal((await ann.say('pub', 'first again')).offset, 1);
      assert.deepEqual(await error(node, 'room_delete', { channel: 'never_there' }), [102, 'NOT_FOUND']);
      await ann.close();
    });

    test('history_remove: the messages are gone, the positions continue', async () => {
      const ann = await arrive(node, 'ann_h');
      const { epoch } = await ann.join('log');
      for (const text of ['a', 'b', 'c']) await call(node, 'publish', { channel: 'log', message: text });
      assert.deepEqual(await call(node, 'history_remove', { channel: 'log' }), {});
      assert.deepEqual(await call(node, 'history', { channel: 'log', limit: 10 }), { publications: [], offset: 3, epoch });
      assert.equal((await call(node, 'publish', { channel: 'log', message: 'd' })).offset, 4);
      assert.deepEqual((await call(node, 'history', { channel: 'log', limit: 10 })).publications.map((p) => [p.offset, p.data.message]), [[4, 'd']]);
      assert.equal((await ann.next('message', { offset: 4 })).message, 'd');
      assert.deepEqual(await error(node, 'history_remove', { channel: 'never_there' }), [102, 'NOT_FOUND']);
      await ann.close();
    });

    test('message_delete: of anybody, heard by who has joined', async () => {
      const ann = await arrive(node, 'ann_m');
      await ann.join('mod');
      await ann.say('mod', 'rude');
      assert.deepEqual(await call(node, 'message_delete', { channel: 'mod', offset: 1 }), { offset: 1 });
      await ann.next('deleted', { room: 'mod', offset: 1 });
      const [publication] = (await call(node, 'history', { channel: 'mod', limit: 1 })).publications;
      assert.deepEqual(publication.data, { message: '', deleted: true });
      assert.deepEqual(await error(node, 'message_delete', { channel: 'mod', offset: 9 }), [102, 'NOT_FOUND']);
      await ann.close();
    });

    test('user_forget: name and texts are gone, for readers who are connected, in history and in recovery', async () => {
      const reader = await arrive(node, 'reader_f');
      const numbered = await Client.open(node, { path: '/ws/chat?features=changes,data', headers: { Authorization: `Bearer ${reader.token}` } });
      const { epoch } = await reader.join('memory');
      await numbered.join('memory');
      await call(node, 'publish', { channel: 'memory', message: 'x', from: { id: 'gone_1', name: 'Gone' } });
      await call(node, 'publish', { channel: 'memory', data: { secret: 1 }, from: { id: 'gone_1', name: 'Gone' } });
      await reader.say('memory', 'stays');
      assert.deepEqual(await call(node, 'user_forget', { user: 'gone_1' }), { found: kind === 'stored' });
      const event = { type: 'author_detached', room: 'memory', user: { id: 'gone_1', name: 'deleted user' }, erased: true };
      assert.deepEqual(await reader.next('author_detached'), event);
      assert.deepEqual(await numbered.next('author_detached'), { ...event, change: 1 });
      const { publications } = await call(node, 'history', { channel: 'memory', limit: 3 });
      assert.deepEqual(publications.map((p) => [p.info.user, p.info.conn_info.name, p.data]), [
        ['gone_1', 'deleted user', { message: '', deleted: true }], ['gone_1', 'deleted user', { message: '', deleted: true }],
        [reader.user.id, 'reader_f', { message: 'stays' }]]);
      const back = await numbered.join('memory', { since: { epoch, offset: 0, change: 0 } });
      assert.deepEqual(back.messages.map((m) => [m.message, m.deleted ?? false]), [['', true], ['', true], ['stays', false]]);
      assert.deepEqual(back.changes, [{ type: 'author_detached', user: event.user, erased: true, change: 1 }]);
      await Promise.all([reader.close(), numbered.close()]);
      assert.deepEqual(await call(node, 'user_forget', { user: 'never_here' }), { found: false });
    });
  });
}

describe('people and lists', () => {
  let node;
  const scope = fileScope(after);
  before(async () => { node = await serve(scope); });

  test('user_upsert makes a person known, who can be invited before the first visit', async () => {
    const ann = await arrive(node, 'ann');
    assert.equal((await ann.ask('direct', { user: 'shop|7' })).code, 'NO_SUCH_PERSON');
    assert.deepEqual(await call(node, 'user_upsert', { user: 'shop|7', name: 'Seven' }), {});
    assert.notEqual((await ann.ask('direct', { user: 'shop|7' })).type, 'error');
    assert.deepEqual(await error(node, 'user_upsert', { user: 'system:x', name: 'X' }), [107, 'BAD_REQUEST']);
    await ann.close();
  });

  test('user_export: all that is stored of a person, whole, line by line', async () => {
    const ann = await arrive(node, 'ann_export');
    await ann.ask('create', { room: 'private:diary' });
    await ann.join('private:diary');
    for (let i = 1; i <= 3; i += 1) await ann.say('private:diary', `line ${i}`);
    await ann.join('mixed');
    const text = Array.from({ length: 400 }, (_, i) => JSON.stringify({ method: 'publish', params: { channel: 'mixed', message: `${i}` } })).join('\n');
    await ask(node, 'POST', '/api', { body: text, headers: { 'X-API-Key': keyOf(node) } });
    await ann.say('mixed', 'mine');
    await ann.ask('delete', { room: 'private:diary', offset: 2 });
    const answer = await post(node, 'user_export', { user: ann.user.id });
    assert.deepEqual([answer.status, answer.headers['content-type']], [200, 'application/x-ndjson']);
    const lines = linesOf(answer);
    assert.deepEqual(lines[0], { type: 'person', user: ann.user.id });
    const { created, ...account } = lines[1];
    assert.deepEqual(account, { type: 'account', user: ann.user.id, name: 'ann_export', admin: false, disabled: false, second_factor: false });
    const { created: since, last_seen, device, address, ...session } = lines[2];
    assert.deepEqual([session, typeof device, address], [{ type: 'session', session: ann.account.session }, 'string', '127.0.0.1']);
    for (const time of [created, since, last_seen]) assert.ok(Math.abs(time - Date.now()) < 600_000, `${time}`);
    assert.doesNotMatch(answer.text, /argon2|\$2b\$|refresh/, 'no secret');
    assert.ok(lines.some((l) => l.type === 'member' && l.channel === 'private:diary'));
    assert.deepEqual(lines.filter((l) => l.type === 'message').map((l) => [l.channel, l.offset, l.data.message]), [['mixed', 401, 'mine'], ['private:diary', 1, 'line 1'], ['private:diary', 3, 'line 3']]);
    assert.deepEqual(lines.at(-1), { type: 'end' });
    assert.deepEqual(linesOf(await post(node, 'user_export', { user: 'nobody' })).map((l) => l.type), ['person', 'end']);
    assert.deepEqual((await post(node, 'batch', { commands: [{ user_export: { user: 'x' } }] })).json.replies[0].error.cause, 'BAD_REQUEST');
    await ann.close();
  });

  test('rooms: by name, page by page', async () => {
    for (const name of ['r:a', 'r:b', 'r:c', 's:a']) await call(node, 'publish', { channel: name, message: 'x' });
    const first = await call(node, 'rooms', { pattern: 'r:*', limit: 2 });
    assert.deepEqual(first.rooms.map((r) => [r.channel, r.kind, r.offset]), [['r:a', 'public', 1], ['r:b', 'public', 1]]);
    assert.equal(first.next, 'r:b');
    const second = await call(node, 'rooms', { pattern: 'r:*', limit: 2, after: first.next });
    assert.deepEqual([second.rooms.map((r) => r.channel), second.next], [['r:c'], undefined]);
    await call(node, 'room_delete', { channel: 'r:b' });
    assert.deepEqual((await call(node, 'rooms', { pattern: 'r:*' })).rooms.map((r) => r.channel), ['r:a', 'r:c']);
  });

  test('a change is a line of the log, with the key that made it', async () => {
    await call(node, 'user_upsert', { user: 'shop|8', name: 'Eight' });
    const line = await node.logged('api_change', { method: 'user_upsert', user: 'shop|8' });
    assert.deepEqual([line.key, line.name], ['operator', 'Operator']);
    await call(node, 'publish', { channel: 'named', message: 'x', from: { id: 'shop|8' } });
    assert.equal((await node.logged('api_change', { method: 'publish', user: 'shop|8' })).room, 'named');
  });
});
