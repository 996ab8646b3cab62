// Rules of rooms by pattern and tokens for rooms, with both databases, one process and two.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { call, error } from './support/api.mjs';
import { fileScope, foyer, foyerJson, serve, serveFails, temporary } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { API_KEY, bearer, startPair, ticket } from './support/pair.mjs';
import { arrive, now, parts, register, resign, sign, withSecret } from './support/people.mjs';
import { Postgres } from './support/postgres.mjs';
import { Client, handshake } from './support/websocket.mjs';

const STORE_KEY = 'qG7r0c2Jm1Yb8wZ4xK9tPd3nVh6sLf5u';
const scope = fileScope(after);
let postgres;
before(async () => { postgres = await Postgres.start(scope); });
const PLACES = {
  SQLite: async () => ({}),
  PostgreSQL: async () => ({ DATABASE_URL: await postgres.fresh(), STORE_KEY }),
};

const RULES = [
  { match: 'orders-7', join: 'nobody' },
  { match: 'orders-*', join: 'token', write: 'server' },
  { match: 'live-*', durable: false, history_messages: 2 },
  { match: 'brief-*', history_messages: 2 },
  { match: 'none-*', history_messages: 0 },
  { match: 'club-*', join: 'members' },
  { match: 'stage-*', write: 'members' },
  { match: 'desk-*', durable: false, write: 'members' },
  { match: 'chat-*', join: 'token' },
  { match: 'private:lounge-*', join: 'anyone' },
  { match: 'private:vault-*', join: 'token' },
  { match: 'user:*', write: 'server' },
  { match: '*', typing: false },
];
const SECRETS = { shop: 'Vb7-rT2m_Qk9wXz5Lp0sNc8dYh3fJg6aEu', cafe: 'k2Wq-Ge8_Zr5Tn1Xp7Ls4Hc9Vd0Jb6Mf3Ya' };
function setting(more = {}) {
  const dir = temporary(scope);
  const issuers = Object.entries(SECRETS).map(([name, secret]) => {
    const file = path.join(dir, name);
    fs.writeFileSync(file, secret, { mode: 0o600 });
    return { name, issuer: name, secret_file: file, user_prefix: `${name}|` };
  });
  return { FOYER_ROOMS: JSON.stringify(RULES), FOYER_ISSUER: JSON.stringify(issuers), ...withSecret, ...more };
}
const shopToken = (claims = {}, typ = 'JWT') => sign({ header: { alg: 'HS256', typ }, claims: { iss: 'shop', sub: '7', exp: now() + 3_600, ...claims } }, SECRETS[claims.iss] ?? SECRETS.shop);
const roomToken = (room, claims = {}) => shopToken({ room, ...claims }, 'room+jwt');
const enter = (node, claims = {}) => Client.open(node, { token: shopToken(claims) });
const offsets = (answer) => answer.messages.map((message) => message.offset);
const code = async (answer) => (await answer).code ?? (await answer).type;

for (const [place, where] of Object.entries(PLACES)) {
  test(`${place}: the first rule that matches says who joins, who writes and what is kept, also after kill -9`, async (t) => {
    const env = setting(await where());
    const first = await serve(t, { env });
    const [ann, bob] = [await arrive(first, 'ann'), await arrive(first, 'bob')];
    const publish = (node, room, message) => call(node, 'publish', { channel: room, message });

    assert.equal(await code(ann.join('orders-7')), 'PERMISSION_DENIED', 'the rule above the one for orders-*');
    assert.equal(await code(ann.join('orders-8')), 'ROOM_TOKEN_REQUIRED');
    await publish(first, 'orders-7', 'from the server');

    for (const room of ['live-1', 'brief-1', 'none-1', 'other-1']) {
      await bob.join(room);
      for (let i = 1; i <= 4; i += 1) assert.equal((await ann.say(room, `m${i}`)).offset, i);
      for (let i = 1; i <= 4; i += 1) await bob.next('message', { room, offset: i });
    }
    const kept = async (client, room) => offsets(await client.ask('history', { room }));
    assert.deepEqual(await Promise.all(['live-1', 'brief-1', 'none-1', 'other-1'].map((room) => kept(ann, room))), [[3, 4], [3, 4], [], [1, 2, 3, 4]]);
    assert.deepEqual([(await ann.join('live-1')).durable, (await ann.join('brief-1')).durable], [false, true]);
    for (const method of ['history', 'history_remove']) assert.deepEqual(await error(first, method, { channel: 'none-1' }), [108, 'HISTORY_OFF']);
    assert.equal(await code(bob.ask('typing', { room: 'other-1', on: true })), 'NOT_AVAILABLE');

    await publish(first, 'club-1', 'welcome');
    await publish(first, 'stage-1', 'welcome');
    assert.equal(await code(ann.join('club-1')), 'NOT_A_MEMBER');
    assert.deepEqual(await call(first, 'member_add', { channel: 'club-1', user: ann.user.id }), { added: true });
    assert.deepEqual(await call(first, 'member_add', { channel: 'stage-1', user: ann.user.id }), { added: true });
    await ann.next('room_added', { room: 'club-1' });
    assert.equal((await ann.join('club-1')).kind, 'public');
    assert.equal(await code(ann.say('club-1', 'thanks')), 'sent');
    await bob.join('stage-1');
    await ann.join('stage-1');
    assert.equal(await code(bob.say('stage-1', 'hello')), 'NOT_A_MEMBER');
    assert.equal(await code(ann.say('stage-1', 'hello')), 'sent');
    assert.equal(await code(ann.ask('invite', { room: 'club-1', user: bob.user.id })), 'PERMISSION_DENIED', 'the application says who belongs to it');

    assert.equal(await code(ann.ask('create', { room: 'private:lounge-1' })), 'created');
    assert.equal(await code(ann.ask('create', { room: 'private:den' })), 'created');
    assert.equal(await code(bob.join('private:lounge-1')), 'joined');
    assert.equal(await code(bob.join('private:den')), 'NOT_A_MEMBER', 'the rule for * does not reach it');
    assert.equal(await code(bob.join(`user:${ann.user.id}`)), 'NOT_A_MEMBER');
    assert.equal(await code(ann.say(`user:${ann.user.id}`, 'to myself')), 'PERMISSION_DENIED');
    await publish(first, `user:${ann.user.id}`, 'a parcel');

    await first.kill9();
    const second = await serve(t, { env, data: first.data });
    const again = await Client.open(second, { token: ann.token });
    assert.deepEqual(await Promise.all(['live-1', 'brief-1', 'none-1', 'other-1'].map((room) => kept(again, room))), [[], [3, 4], [], [1, 2, 3, 4]]);
    assert.equal((await again.say('none-1', 'm5')).offset, 5, 'offsets go on');
    assert.equal(await code(again.join('club-1')), 'joined');
    assert.equal((await again.join(`user:${ann.user.id}`, { limit: 5 })).messages[0].message, 'a parcel');
    assert.deepEqual((await call(second, 'room_members', { channel: 'club-1' })).members, [ann.user.id]);

    // Taken out of a room that only members enter, and of one where they only write.
    await again.join('stage-1');
    for (const channel of ['club-1', 'stage-1']) await call(second, 'member_remove', { channel, user: ann.user.id });
    await again.next('room_removed', { room: 'club-1' });
    assert.equal(await code(again.say('club-1', 'x')), 'NOT_A_MEMBER');
    assert.equal(await code(again.say('stage-1', 'x')), 'NOT_A_MEMBER');
    await publish(second, 'stage-1', 'for everybody');
    await again.next('message', { room: 'stage-1', message: 'for everybody' });
  });

  test(`${place}: a room with join = token is open to whoever has a token that names it, and to nobody else`, async (t) => {
    const node = await serve(t, { env: setting(await where()) });
    const seven = await enter(node);
    assert.equal(await code(seven.join('orders-8', { token: roomToken('orders-8') })), 'joined');
    assert.equal(await code(seven.say('orders-8', 'x')), 'PERMISSION_DENIED', 'write = server');
    await call(node, 'publish', { channel: 'orders-8', data: { state: 'paid' } });
    await seven.next('message', { room: 'orders-8', offset: 1 });
    assert.deepEqual(offsets(await seven.ask('history', { room: 'orders-8' })), [1]);
    for (const [token, expected, why] of [
      [shopToken({ channel: 'orders-9' }), 'joined', 'a claim channel is enough'],
      [roomToken('orders-8'), 'ROOM_TOKEN_REQUIRED', 'for another room'],
      [roomToken('orders-*'), 'ROOM_TOKEN_REQUIRED', 'no pattern'],
      [roomToken('Orders-9'), 'ROOM_TOKEN_REQUIRED', 'case counts'],
      [roomToken(''), 'CLAIM_MISSING', 'no name'],
      [roomToken(['orders-9']), 'CLAIM_MISSING', 'a list'],
      [roomToken('orders-9', { sub: '8' }), 'USER_MISMATCH', 'of another user'],
      [roomToken('orders-9', { iss: 'cafe' }), 'USER_MISMATCH', 'of the same subject of another issuer'],
      [roomToken('orders-9', { iss: 'nobody' }), 'ISSUER_MISMATCH', 'of an unknown issuer'],
      [sign({ header: { alg: 'HS256', typ: 'room+jwt' }, claims: { iss: 'shop', sub: '7', room: 'orders-9', exp: now() + 60 } }, 'another secret of many bytes 123456'), 'SIGNATURE_INVALID', 'with another key'],
      [sign({ header: { alg: 'none', typ: 'room+jwt' }, claims: { iss: 'shop', sub: '7', room: 'orders-9', exp: now() + 60 } }), 'ALGORITHM_NOT_ALLOWED', 'without one'],
      [shopToken(), 'WRONG_TOKEN_TYPE', 'one for connections'],
      [roomToken('orders-9', { exp: now() - 3_600 }), 'TOKEN_EXPIRED', 'of yesterday'],
      [roomToken('orders-9', { exp: undefined }), 'CLAIM_MISSING', 'without an end'],
      ['', 'BAD_MESSAGE', 'empty'],
      ['a.b', 'INVALID_FORMAT', 'no token'],
    ]) {
      const client = await enter(node);
      assert.equal(await code(client.join('orders-9', { token })), expected, why);
      assert.equal(await code(client.ask('history', { room: 'orders-9' })), expected === 'joined' ? 'history' : 'ROOM_TOKEN_REQUIRED', why);
      await client.close();
    }
    const other = await enter(node, { sub: '8' });
    assert.equal(await code(other.ask('history', { room: 'orders-8' })), 'ROOM_TOKEN_REQUIRED', 'the token of another connection opens nothing');
    // At the door.
    for (const token of [roomToken('orders-8'), shopToken({ room: 'orders-8' }), shopToken({ channel: 'orders-8' }), shopToken({}, 'room+jwt')]) {
      const { refused } = await handshake(node, bearer(token));
      assert.deepEqual([refused.status, refused.json.code], [401, 'WRONG_TOKEN_TYPE']);
    }
    // An own account's token, signed with JWT_SECRET_KEY.
    const ann = await arrive(node, 'ann');
    const own = (room, claims = {}) => resign(ann.token, { header: { typ: 'room+jwt' }, claims: { room, ...claims } });
    assert.equal(await code(ann.join('orders-8', { token: roomToken('orders-8') })), 'USER_MISMATCH');
    assert.equal(await code(ann.join('orders-8', { token: own('orders-8', { sub: 'shop|7' }) })), 'CLAIM_MISSING', 'who signs own tokens claims no user of another issuer');
    assert.equal(await code(seven.join('orders-9', { token: own('orders-9', { sub: 'shop|7' }) })), 'CLAIM_MISSING');
    assert.equal(await code(ann.join('orders-8', { token: own('orders-8') })), 'joined');
    // Private rooms keep their members, and need the token as well.
    await call(node, 'room_create', { channel: 'private:vault-1', members: ['shop|7'] });
    assert.equal(await code(seven.join('private:vault-1')), 'ROOM_TOKEN_REQUIRED');
    assert.equal(await code(ann.join('private:vault-1', { token: own('private:vault-1') })), 'joined');
  });
}

let node;
before(async () => { node = await serve(scope, { env: setting({ FOYER_JWT_LEEWAY: '1s' }) }); });

test('when the token ends, so does the subscription, unless a newer one came', async () => {
  const [seven, eight] = [await enter(node), await enter(node, { sub: '8' })];
  await seven.join('orders-10', { token: roomToken('orders-10', { exp: now() + 2 }) });
  await eight.join('orders-10', { token: roomToken('orders-10', { sub: '8', exp: now() + 2 }) });
  assert.equal(await code(eight.join('orders-10', { token: roomToken('orders-10', { sub: '8', exp: now() + 600 }) })), 'joined');
  assert.equal(await code(eight.join('orders-10', { token: roomToken('orders-10', { sub: '8', exp: now() + 1 }) })), 'joined', 'an earlier end ends nothing');
  const ended = await seven.next('room_removed');
  assert.deepEqual([ended.room, ended.code], ['orders-10', 'ROOM_TOKEN_EXPIRED']);
  await call(node, 'publish', { channel: 'orders-10', message: 'later' });
  await eight.next('message', { room: 'orders-10', message: 'later' });
  assert.equal(await code(seven.ask('history', { room: 'orders-10' })), 'ROOM_TOKEN_REQUIRED');
  assert.ok(!seven.kept.some((m) => m.type === 'message'), 'nothing after the end');
  assert.equal(await code(seven.join('orders-10', { token: roomToken('orders-10') })), 'joined', 'the connection goes on');
  assert.ok(!eight.kept.some((m) => m.type === 'room_removed'));
});

test('what was revoked opens no room, and closes the one that it had opened', async () => {
  const nine = await enter(node, { sub: '9', jti: 'of the connection', iat: now() - 10 });
  const token = (claims) => roomToken('orders-11', { sub: '9', ...claims });
  assert.equal(await code(nine.join('orders-11', { token: token({ jti: 'lost' }) })), 'joined');
  await call(node, 'revoke_token', { uid: 'lost' });
  const ended = await nine.next('room_removed');
  assert.deepEqual([ended.room, ended.code], ['orders-11', 'TOKEN_REVOKED']);
  assert.equal(await code(nine.join('orders-11', { token: token({ jti: 'lost' }) })), 'TOKEN_REVOKED');
  assert.equal(await code(nine.join('orders-11', { token: token({ jti: 'another' }) })), 'joined');
  const issued = now();
  await call(node, 'invalidate_user_tokens', { user: 'shop|9', issued_before: issued - 5 });
  await nine.ended();
  const again = await enter(node, { sub: '9', iat: issued });
  assert.equal(await code(again.join('orders-11', { token: token({ iat: issued - 10 }) })), 'TOKEN_REVOKED');
  assert.equal(await code(again.join('orders-11', { token: token({}) })), 'TOKEN_REVOKED', 'without iat it is older than any revocation');
  assert.equal(await code(again.join('orders-11', { token: token({ iat: issued }) })), 'joined');
});

test('the claim rooms names at most 100 rooms, to the letter', async () => {
  const names = (count) => Array.from({ length: count }, (_, i) => `orders-${i + 100}`);
  const full = await enter(node, { rooms: names(100) });
  assert.equal(await code(full.join('orders-199')), 'joined');
  assert.equal(await code(full.join('orders-200')), 'ROOM_TOKEN_REQUIRED');
  for (const rooms of [names(101), 'orders-100', [1], { a: 1 }]) {
    const { refused } = await handshake(node, bearer(shopToken({ rooms })));
    assert.deepEqual([refused.status, refused.json.code, refused.json.field], [401, 'CLAIM_MISSING', 'rooms'], JSON.stringify(rooms).slice(0, 40));
  }
  for (const rooms of [['orders-*'], ['*'], [''], ['Orders-100'], ['orders-100 '], []]) assert.equal(await code((await enter(node, { rooms })).join('orders-100')), 'ROOM_TOKEN_REQUIRED', JSON.stringify(rooms));
  // A refresh takes the rooms of the new token, and leaves those with a token of their own.
  await full.join('orders-300', { token: roomToken('orders-300') });
  await full.join('orders-198');
  assert.equal(await code(full.ask('refresh', { token: shopToken({ rooms: ['orders-198'] }) })), 'refreshed');
  const closed = await full.next('room_removed');
  assert.deepEqual([closed.room, closed.code], ['orders-199', 'ROOM_TOKEN_REQUIRED']);
  await call(node, 'broadcast', { channels: ['orders-198', 'orders-199', 'orders-300'], data: 1 });
  for (const room of ['orders-198', 'orders-300']) await full.next('message', { room });
  await full.barrier();
  assert.ok(!full.kept.some((m) => m.type === 'message' || m.type === 'room_removed'));
});

test('whom the application joined stays, whatever token comes', async () => {
  const ten = await enter(node, { sub: '10' });
  await call(node, 'subscribe', { user: 'shop|10', channel: 'orders-12' });
  await ten.next('joined', { room: 'orders-12', by: 'server' });
  assert.equal(await code(ten.ask('refresh', { token: shopToken({ sub: '10' }) })), 'refreshed');
  assert.equal(await code(ten.ask('history', { room: 'orders-12' })), 'history');
  assert.equal(await code(ten.join('orders-12', { token: roomToken('orders-12', { sub: '10', exp: now() + 1 }) })), 'joined');
  await call(node, 'publish', { channel: 'orders-12', message: 'there' });
  await ten.next('message', { room: 'orders-12' });
  await call(node, 'unsubscribe', { user: 'shop|10', channel: 'orders-12' });
  await ten.next('room_removed', { room: 'orders-12' });
  assert.equal(await code(ten.join('orders-12')), 'ROOM_TOKEN_REQUIRED');
});

test('where a token lets somebody in, every command works', async () => {
  const rooms = ['chat-1', 'private:vault-2'];
  const [seven, eight] = [await enter(node, { sub: '11', rooms }), await enter(node, { sub: '12', rooms })];
  await call(node, 'user_upsert', { user: 'shop|13', name: 'thirteen' });
  assert.equal(await code(seven.ask('create', { room: 'private:vault-2' })), 'created');
  for (const room of rooms) {
    for (const one of [seven, eight]) assert.equal(await code(one.join(room)), 'joined');
    assert.equal(await code(seven.ask('presence', { room })), 'presence');
    seven.send({ type: 'typing', room, on: true });
    await eight.next('typing', { room });
    const { offset } = await seven.say(room, 'wrong');
    assert.equal(await code(seven.ask('delete', { room, offset })), 'deleted');
  }
  assert.equal(await code(seven.ask('invite', { room: 'private:vault-2', user: 'shop|13' })), 'invited');
  assert.equal(await code(eight.ask('invite', { room: 'private:vault-2', user: 'shop|13' })), 'NOT_A_MEMBER');
  assert.equal(await code(seven.ask('remove', { room: 'private:vault-2', user: 'shop|11' })), 'removed');
});

test('whom the application joined reads there, whoever may join, and writes no more than before', async () => {
  const client = await enter(node, { sub: '14' });
  for (const [room, refusal] of [['orders-7', 'PERMISSION_DENIED'], ['club-new', 'NOT_A_MEMBER'], ['club-9', 'NOT_A_MEMBER']]) {
    if (room !== 'club-new') await call(node, 'publish', { channel: room, message: 'first' });
    assert.equal(await code(client.ask('history', { room })), refusal);
    await call(node, 'subscribe', { user: 'shop|14', channel: room });
    await client.next('joined', { room, by: 'server' });
    for (const type of ['history', 'presence']) assert.equal(await code(client.ask(type, { room })), type, room);
    assert.equal(await code(client.join(room)), 'joined');
    assert.equal(await code(client.say(room, 'x')), refusal);
    await call(node, 'unsubscribe', { user: 'shop|14', channel: room });
    await client.next('room_removed', { room });
    for (const type of ['history', 'presence', 'join']) assert.equal(await code(client.ask(type, { room })), refusal, room);
  }
});

test('the rooms of a token go with its ticket, from one process to another', async (t) => {
  const env = { FOYER_ROOMS: JSON.stringify(RULES) };
  const { auth, gateway } = await startPair(t, { gateway: { env } });
  const ann = await register(auth, 'ann');
  const named = { access_token: resign(ann.access_token, { claims: { rooms: ['orders-8'] } }) };
  const direct = await Client.open(gateway, { token: named.access_token });
  assert.equal(await code(direct.join('orders-8')), 'joined');
  const client = await Client.open(gateway, { path: await ticket(auth, named) });
  assert.equal(client.user.id, ann.user.id);
  assert.equal(await code(client.join('orders-8')), 'joined');
  assert.equal(await code(client.join('orders-9')), 'ROOM_TOKEN_REQUIRED');
  assert.equal(await code((await Client.open(gateway, { path: await ticket(auth, ann) })).join('orders-8')), 'ROOM_TOKEN_REQUIRED');
  const answer = await ask(gateway, 'POST', '/api/history', { body: { channel: 'none-1' }, headers: { 'X-API-Key': API_KEY } });
  assert.equal(answer.json.error.cause, 'HISTORY_OFF', answer.text);
});

test('foyer check --room says what holds in a room, and where that is written', async (t) => {
  const dir = temporary(t);
  const file = path.join(dir, 'foyer.toml');
  fs.writeFileSync(file, ['history_days = 30', '[[rooms]]', 'match = "orders-*"', 'join = "token"', 'write = "server"', 'history_messages = 100', ''].join('\n'));
  const at = (line) => `${file} line ${line} column 1`;
  const text = await foyer(['check', '--dev', '--config', file, '--room', 'orders-7']);
  assert.deepEqual([text.code, text.err], [0, '']);
  assert.deepEqual(text.out.trimEnd().split('\n').map((line) => line.replaceAll(/ {2,}/g, ' ').trim()), [
    `orders-7 (public): the rule for orders-*, ${at(2)}.`,
    `join token ${at(4)}`,
    `write server ${at(5)}`,
    'durable true default',
    `history_messages 100 ${at(6)}`,
    `history_days 30 ${at(1)}`,
    'presence true default',
    'join_events true default',
    'typing true default',
  ]);
  const { json, code: exit } = await foyerJson(['check', '--dev', '--config', file, '--room=tea', '--json']);
  assert.deepEqual([exit, json.room, json.kind, json.rule, json.settings.join, json.settings.history_days],
    [0, 'tea', 'public', null, { value: 'anyone', source: 'default' }, { value: '30', source: at(1) }]);
  const variable = await foyerJson(['check', '--dev', '--room', 'orders-7', '--json'], { env: { FOYER_ROOMS: JSON.stringify(RULES) } });
  assert.deepEqual([variable.json.rule, variable.json.settings.join.value], [{ match: 'orders-7', source: 'environment FOYER_ROOMS, entry 1' }, 'nobody']);
  for (const name of ['', 'no name', 'Private:x', 'é', '%41', 'a'.repeat(65)]) {
    const wrong = await foyer(['check', '--dev', '--room', name]);
    assert.deepEqual([wrong.code, wrong.out], [1, ''], name);
    assert.match(wrong.err, /ROOM_NAME_INVALID/);
  }
  const none = await foyer(['check', '--dev', '--room']);
  assert.deepEqual([none.code, none.err], [2, 'foyer check: --room needs the name of a room.\n']);
});

test('a wrong rule is told before the server listens, in TOML and in JSON alike', async (t) => {
  const dir = temporary(t);
  const file = path.join(dir, 'foyer.toml');
  fs.writeFileSync(file, [
    '[[rooms]]', 'match = "a%b"', 'join = "apps"',
    '[[rooms]]', 'joni = "token"', 'write = "token"', 'durable = "no"',
    '[[rooms]]', 'match = "user:*"', 'join = "anyone"', 'history_messages = -1', ''].join('\n'));
  const json = JSON.stringify([{ match: 'a%b', join: 'apps' }, { joni: 'token', write: 'token', durable: 'no' }, { match: 'user:*', join: 'anyone', history_messages: -1 }]);
  for (const [place, options] of [['toml', { args: ['--config', file] }], ['json', { env: { FOYER_ROOMS: json } }]]) {
    const { code: exit, text } = await serveFails(t, options);
    assert.equal(exit, 1, text);
    for (const part of ['rooms 1: match takes', 'join takes one of anyone, members, token, app, nobody; it is another word', 'rooms 2: match is missing', 'unknown key joni', 'The nearest is join',
      'write takes one of anyone, members, app, server; it is another word', 'durable takes true or false; it is a text', 'history_messages takes a number from 0 to 1000000000'])
      assert.ok(text.includes(part), `${place}: ${part}:\n${text}`);
  }
  const tooMany = await serveFails(t, { env: { FOYER_ROOMS: JSON.stringify(Array.from({ length: 201 }, (_, i) => ({ match: `r${i}` }))) } });
  assert.equal(tooMany.code, 1);
  assert.match(tooMany.text, /200/);
  const many = await serve(t, { env: { FOYER_ROOMS: JSON.stringify(Array.from({ length: 200 }, (_, i) => ({ match: `${'*a'.repeat(61)}${i}`, join: 'nobody' }))) } });
  const ann = await arrive(many, 'ann');
  assert.equal(await code(ann.join('a'.repeat(64))), 'joined', 'two hundred long patterns, none of which matches');
});
