// The server API: keys, shapes and errors as Centrifugo's server libraries read them, and what an application does in rooms.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { call, error, keyOf, post } from './support/api.mjs';
import { fileScope, foyerJson, serve } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { arrive, withSecret } from './support/people.mjs';
import { Client } from './support/websocket.mjs';
import { until } from './support/within.mjs';

async function lines(node, text) {
  const answer = await ask(node, 'POST', '/api', { body: text, headers: { 'X-API-Key': keyOf(node) } });
  assert.equal(answer.status, 200, answer.text);
  assert.ok(!answer.text.endsWith('\n'), 'no newline after the last line');
  return answer.text.split('\n').map((line) => JSON.parse(line));
}

for (const [kind, args] of [['stored', []], ['in memory', ['--non-durable-rooms', '*']]]) {
  describe(`rooms ${kind}`, () => {
    let node;
    const scope = fileScope(after);
    before(async () => { node = await serve(scope, { args }); });

    test('publish: a message as the application, heard by who has joined, with position', async () => {
      const ann = await arrive(node, 'ann');
      const { epoch } = await ann.join('news:42');
      const result = await call(node, 'publish', { channel: 'news:42', message: 'hello' });
      assert.deepEqual(result, { offset: 1, epoch });
      const heard = await ann.next('message', { room: 'news:42' });
      assert.deepEqual([heard.message, heard.from, heard.offset], ['hello', { id: 'app:operator', name: 'Operator' }, 1]);
      const { offset } = await call(node, 'publish', { room: 'news:42', message: 'in the name of a person', from: { id: 'u_7', name: 'Seven' } });
      assert.deepEqual([offset, (await ann.next('message', { offset: 2 })).from], [2, { id: 'u_7', name: 'Seven' }]);
      await ann.close();
    });

    test('data: any JSON, to the letter, heard by who understands it and read again', async () => {
      const ann = await arrive(node, 'ann_data');
      await ann.join('orders:1');
      const bodies = ['{"b":1.0,"a":[1e2,"\\u00e9",{}]}', '{}', '[]', '""', 'false', '0', '12345678901234567890', '"text"'];
      for (const [i, data] of bodies.entries()) {
        const answer = await post(node, 'publish', `{"channel":"orders:1","data": ${data} }`);
        assert.deepEqual(answer.json.result?.offset, i + 1, `${data} ${answer.text}`);
      }
      const { text } = await post(node, 'history', { channel: 'orders:1', limit: -1 });
      for (const data of bodies) assert.ok(text.includes(`"data":${data},`), `${data} in ${text}`);
      assert.equal((await ann.next('message', { offset: 1 })).offset, 1);
      assert.deepEqual(await error(node, 'publish', { channel: 'orders:1', data: 1, message: 'x' }), [107, 'BAD_REQUEST']);
      assert.deepEqual(await error(node, 'publish', { channel: 'orders:1', data: 'x'.repeat(60_000) }), [107, 'MESSAGE_TOO_LARGE']);
      const { responses } = await call(node, 'broadcast', { channels: ['orders:2', 'orders:3'], data: { n: 1 } });
      assert.deepEqual(responses.map((r) => r.result.offset), [1, 1]);
      await ann.close();
    });

    test('publish reaches private and own rooms, of which the application is no member', async () => {
      const ann = await arrive(node, 'ann_private');
      await ann.ask('create', { room: 'private:den' });
      await ann.join('private:den');
      assert.equal((await call(node, 'publish', { channel: 'private:den', message: 'x' })).offset, 1);
      await ann.next('message', { room: 'private:den', message: 'x' });
      const own = `user:${ann.user.id}`;
      await ann.join(own);
      await call(node, 'publish', { channel: own, message: 'for you' });
      await ann.next('message', { room: own, message: 'for you' });
      assert.deepEqual(await error(node, 'publish', { channel: 'private:nowhere', message: 'x' }), [103, 'NOT_A_MEMBER']);
      await ann.close();
    });

    test('an idempotency key publishes once, and another content under it is refused', async () => {
      const first = await call(node, 'publish', { channel: 'once', message: 'a', idempotency_key: 'k1' });
      assert.deepEqual(await call(node, 'publish', { channel: 'once', message: 'a', idempotency_key: 'k1' }), first);
      assert.deepEqual(await error(node, 'publish', { channel: 'once', message: 'b', idempotency_key: 'k1' }), [409, 'KEY_REUSED']);
      assert.equal((await call(node, 'history', { channel: 'once', limit: -1 })).publications.length, 1);
    });

    test('broadcast: a response for each room, in order; a bad room refuses the whole', async () => {
      const { responses } = await call(node, 'broadcast', { channels: ['b1', 'private:nowhere', 'b2'], message: 'to all' });
      assert.deepEqual(responses.map((r) => r.result?.offset ?? r.error.code), [1, 103, 1]);
      assert.equal(responses[1].error.cause, 'NOT_A_MEMBER');
      const { json } = await ask(node, 'GET', `/api/refusals?ref=${responses[1].error.ref}`, { headers: { 'X-API-Key': keyOf(node) } });
      assert.equal(json.refusals[0]?.code, 'NOT_A_MEMBER', 'the reference finds it');
      assert.deepEqual(await error(node, 'broadcast', { channels: ['b1', 'not a room'], message: 'x' }), [107, 'ROOM_NAME_INVALID']);
      assert.equal((await call(node, 'history', { channel: 'b1' })).offset, 1);
    });

    const kept = kind === 'stored' ? 700 : 300; // of 700: rooms in memory keep 300 messages

    test('history: pages of any length, since, reverse, and only the position', async () => {
      assert.deepEqual(await call(node, 'history', { channel: 'never_used', limit: 5 }), { publications: [], offset: 0, epoch: '' });
      const many = 700; // more than two pages of the log
      const text = Array.from({ length: many }, (_, i) => JSON.stringify({ method: 'publish', params: { channel: 'long', message: `m${i + 1}` } })).join('\n');
      assert.deepEqual((await lines(node, text)).map((r) => r.result.offset), Array.from({ length: many }, (_, i) => i + 1));
      const position = await call(node, 'history', { channel: 'long' });
      assert.deepEqual([position.publications, position.offset], [[], many]);
      const { epoch } = position;
      const history = async (fields) => (await call(node, 'history', { channel: 'long', ...fields })).publications;
      const all = await history({ limit: -1 });
      assert.deepEqual(all.map((p) => [p.offset, p.data.message]), Array.from({ length: kept }, (_, i) => [many - kept + i + 1, `m${many - kept + i + 1}`]));
      assert.deepEqual(all[0].info, { user: 'app:operator', client: '', conn_info: { name: 'Operator' } });
      assert.deepEqual((await history({ limit: 2, since: { offset: 410, epoch } })).map((p) => p.offset), [411, 412]);
      assert.deepEqual((await history({ limit: 2, reverse: true })).map((p) => p.offset), [700, 699]);
      assert.deepEqual((await history({ limit: 400, reverse: true, since: { offset: 700, epoch } })).map((p) => p.offset), Array.from({ length: Math.min(400, kept - 1) }, (_, i) => 699 - i));
      assert.deepEqual((await history({ limit: 5, since: { offset: 700, epoch } })), []);
      assert.deepEqual(await error(node, 'history', { channel: 'long', limit: 1, since: { offset: 1, epoch: 'other' } }), [112, 'POSITION_UNKNOWN']);
      assert.deepEqual(await error(node, 'history', { channel: 'long', limit: 1, since: { offset: 701, epoch } }), [112, 'POSITION_UNKNOWN']);
    });

    test('presence, presence_stats and channels: who has joined', async () => {
      const [ann, bob] = [await arrive(node, 'ann_p'), await arrive(node, 'bob_p')];
      await ann.join('Lobby:1');
      await bob.join('Lobby:1');
      await bob.join('Lobby:2');
      const phone = await Client.open(node, { token: ann.account.access_token });
      await phone.join('Lobby:1');
      const { presence } = await call(node, 'presence', { channel: 'Lobby:1' });
      const entry = (client, name) => [client.welcome.connection, { client: client.welcome.connection, user: client.user?.id ?? ann.user.id, conn_info: { name } }];
      assert.deepEqual(presence, Object.fromEntries([entry(ann, 'ann_p'), entry(phone, 'ann_p'), entry(bob, 'bob_p')]), 'each connection');
      assert.deepEqual(await call(node, 'presence_stats', { channel: 'Lobby:1' }), { num_clients: 3, num_users: 2 });
      await phone.close();
      await until('the connection to be gone', async () => (await call(node, 'presence_stats', { channel: 'Lobby:1' })).num_clients === 2);
      assert.deepEqual(Object.keys((await call(node, 'presence', { channel: 'Lobby:1' })).presence).sort(), [ann, bob].map((c) => c.welcome.connection).sort());
      await phone.ended();
      assert.deepEqual((await call(node, 'channels', { pattern: 'Lobby:*' })).channels, { 'Lobby:1': { num_clients: 2 }, 'Lobby:2': { num_clients: 1 } });
      assert.deepEqual((await call(node, 'channels', { pattern: 'no_such_*' })).channels, {});
      assert.deepEqual(await call(node, 'presence', { channel: 'nobody_here' }), { presence: {} });
      assert.deepEqual(await call(node, 'presence_stats', { channel: 'nobody_here' }), { num_clients: 0, num_users: 0 });
      const { nodes } = await call(node, 'info');
      assert.equal(nodes.length, 1);
      assert.deepEqual(Object.keys(nodes[0]).sort(), ['name', 'num_channels', 'num_clients', 'num_subs', 'num_users', 'uid', 'uptime', 'version']);
      assert.deepEqual([nodes[0].num_clients, nodes[0].num_users, nodes[0].num_channels, nodes[0].num_subs], [2, 2, 2, 3]);
      await ann.close();
      await bob.close();
    });

    test('batch: replies in order without `result`, each under its method, errors among them', async () => {
      const answer = await post(node, 'batch', { commands: [{ publish: { channel: 'batch', message: '1' } }, { history: { channel: 'batch', limit: 1 } }, { publish: { channel: 'batch', message: '2' } },
        { nonsense: {} }, { publish: { channel: 'no no', message: 'x' } }, { presence_stats: { channel: 'batch' } }, {}, { batch: { commands: [] } }], parallel: true });
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(Object.keys(answer.json), ['replies']);
      const { replies } = answer.json;
      assert.deepEqual(replies.map((r) => Object.keys(r)[0]), ['publish', 'history', 'publish', 'error', 'error', 'presence_stats', 'error', 'error']);
      assert.deepEqual([replies[0].publish.offset, replies[1].history.publications.length, replies[1].history.offset, replies[2].publish.offset], [1, 1, 1, 2]);
      assert.deepEqual([3, 4, 6, 7].map((i) => [replies[i].error.code, replies[i].error.cause]), [[104, 'API_METHOD_UNKNOWN'], [107, 'ROOM_NAME_INVALID'], [107, 'BAD_REQUEST'], [107, 'BAD_REQUEST']]);
      assert.deepEqual((await post(node, 'batch', { commands: [] })).json, { replies: [] });
      assert.equal((await post(node, 'batch', { commands: [{ info: [] }] })).json.replies[0].info.nodes.length, 1, 'an empty list is how PHP writes {}');
    });

    test('lines: as many answers in order, and nothing runs if one line is unreadable', async () => {
      const replies = await lines(node, '{"method":"publish","params":{"channel":"lines","message":"1"}}\n{"method":"nope","params":{}}\n{"method":"info"}\n{"Method":"publish","Params":{"Channel":"lines","message":"2"}}\n');
      assert.deepEqual(replies.map((r) => r.result?.offset ?? r.error?.code ?? r.result.nodes.length), [1, 104, 1, 2]);
      const broken = await ask(node, 'POST', '/api', { body: '{"method":"publish","params":{"channel":"lines","message":"3"}}\n{"method":', headers: { 'X-API-Key': keyOf(node) } });
      assert.deepEqual([broken.status, broken.json.code, broken.json.error.code], [400, 'BAD_REQUEST', 107]);
      const nameless = await ask(node, 'POST', '/api', { body: '{"method":"publish","params":{"channel":"lines","message":"3"}}\n{"params":null}', headers: { 'X-API-Key': keyOf(node) } });
      assert.deepEqual([nameless.status, nameless.json.error.code], [400, 107]);
      assert.equal((await call(node, 'history', { channel: 'lines' })).offset, 2);
    });

    test('what the libraries send: names in any case, null, empty values, // in the path', async () => {
      const fields = { Channel: 'gocent', MESSAGE: 'x', tags: null, skip_history: false, b64data: '', version: 0, idempotency_key: '', delta: false };
      assert.equal((await call(node, 'publish', fields)).offset, 1);
      assert.equal((await post(node, '/publish', { channel: 'gocent', message: 'y' })).json.result.offset, 2);
      assert.equal((await ask(node, 'POST', '//api//publish', { body: { channel: 'gocent', message: 'z' }, headers: { 'X-API-Key': keyOf(node) } })).json.result.offset, 3);
      for (const [name, value] of [['b64data', 'aGk='], ['skip_history', true], ['tags', { a: 'b' }], ['delta', true], ['version', 3], ['version_epoch', 'v']]) {
        const answer = await post(node, 'publish', { channel: 'gocent', message: 'x', [name]: value });
        assert.deepEqual([answer.status, answer.json.error.code, answer.json.error.cause, answer.json.error.field], [200, 107, 'API_FIELD_REFUSED', name]);
      }
      assert.equal((await call(node, 'history', { channel: 'gocent' })).offset, 3);
    });
  });
}

describe('the door', () => {
  let node;
  const scope = fileScope(after);
  before(async () => { node = await serve(scope); });
  const problem = async (answer, status, cause, code) => {
    assert.deepEqual([answer.status, answer.headers['content-type'], answer.json.code], [status, 'application/problem+json', cause], answer.text);
    assert.deepEqual([answer.json.error.code, answer.json.error.cause, answer.json.error.ref], [code, cause, answer.json.ref]);
    assert.equal(typeof answer.json.error.message, 'string');
    const { json } = await ask(node, 'GET', `/api/refusals?ref=${answer.json.ref}`, { headers: { 'X-API-Key': keyOf(node) } });
    assert.equal(json.refusals[0]?.code, cause, 'the reference finds it');
  };

  test('three ways to send the key, and no other', async () => {
    const key = keyOf(node);
    const body = { channel: 'door', message: 'x' };
    for (const sent of [{ headers: { 'X-API-Key': key } }, { headers: { Authorization: `apikey ${key}` } }, { query: `?api_key=${encodeURIComponent(key)}` }]) {
      const answer = await ask(node, 'POST', `/api/publish${sent.query ?? ''}`, { body, headers: sent.headers });
      assert.equal(answer.status, 200, answer.text);
    }
    for (const sent of [{}, { headers: { 'X-API-Key': 'wrong' } }, { headers: { Authorization: `Bearer ${key}` } }, { query: '?api_key=' }])
      await problem(await ask(node, 'POST', `/api/publish${sent.query ?? ''}`, { body, headers: sent.headers }), 401, 'API_KEY_REJECTED', 101);
    await problem(await ask(node, 'POST', '/api/publish?api_key=other', { body, headers: { 'X-API-Key': key } }), 400, 'AMBIGUOUS_CREDENTIALS', 107);
    assert.equal((await call(node, 'history', { channel: 'door' })).offset, 3);
    assert.equal(JSON.stringify(node.log).includes(key), false, 'the key is not in the log');
  });

  test('a body that is no JSON object, another type, a long one, another method, an unknown one', async () => {
    for (const body of ['', '[]', '"x"', '{', '{"channel":"a","channel":"b"}', '[[[[[[']) await problem(await post(node, 'publish', body), 400, 'BAD_REQUEST', 107);
    const deep = `{"channel":"a","tags":${'{"a":'.repeat(40)}1${'}'.repeat(40)}}`;
    await problem(await post(node, 'publish', deep), 400, 'BAD_REQUEST', 107);
    await problem(await post(node, 'publish', '{}', { headers: { 'Content-Type': 'text/plain' } }), 415, 'CONTENT_TYPE_UNSUPPORTED', 107);
    await problem(await post(node, 'publish', JSON.stringify({ channel: 'a', message: 'x'.repeat(70_000) })), 413, 'BODY_TOO_LARGE', 107);
    for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'QUERY', 'PATCH']) {
      const answer = await ask(node, method, '/api/publish', { headers: { 'X-API-Key': keyOf(node) } });
      assert.equal(answer.headers.allow, 'POST', method);
      await problem(answer, 405, 'METHOD_NOT_ALLOWED', 107);
    }
    await problem(await post(node, 'rpc', {}), 404, 'API_METHOD_UNKNOWN', 104);
    await problem(await ask(node, 'POST', '/publish', { body: {}, headers: { 'X-API-Key': keyOf(node) } }), 404, 'UNKNOWN_PATH', 104); // without /api in its address
    await problem(await ask(node, 'POST', '/api', { body: '', headers: { 'X-API-Key': keyOf(node) } }), 400, 'BAD_REQUEST', 107);
  });

  test('fields: unknown, missing, twice, of the wrong type, beyond their limits; the field is named', async () => {
    for (const [method, body, field] of [['publish', { message: 'x' }, 'channel'], ['publish', { channel: 'a' }, 'body'], ['publish', { channel: 'a', message: 'x', mesage: 'y' }, 'mesage'],
      ['publish', { channel: 1, message: 'x' }, 'channel'], ['publish', { channel: 'a', message: {} }, 'message'], ['publish', '{"channel":"a","CHANNEL":"b","message":"x"}', 'channel'],
      ['publish', { channel: 'a', message: 'x', from: {} }, 'id'], ['publish', { channel: 'a', message: 'x', from: { id: 'a b' } }, 'id'], ['publish', { channel: 'a', message: 'x', from: { id: 'app:other' } }, 'id'], ['publish', { channel: 'a', message: 'x', idempotency_key: 'x'.repeat(65) }, 'idempotency_key'],
      ['history', { channel: 'a', limit: -2 }, 'limit'], ['history', { channel: 'a', limit: 1.5 }, 'limit'], ['history', { channel: 'a', limit: '1' }, 'limit'], ['history', { channel: 'a', since: 1 }, 'since'],
      ['broadcast', { channels: [], message: 'x' }, 'channels'], ['broadcast', { channels: 'a', message: 'x' }, 'channels'], ['broadcast', { channels: [1], message: 'x' }, 'channels'],
      ['channels', { pattern: 'a b' }, 'pattern'], ['batch', {}, 'commands'], ['batch', { commands: [1] }, 'commands']]) {
      const answer = await post(node, method, body);
      assert.deepEqual([answer.status, answer.json.error?.code, answer.json.error?.cause, answer.json.error?.field], [200, 107, 'BAD_REQUEST', field], JSON.stringify(body));
    }
    for (const channel of ['', 'te a', 'Private:x', 'x:', 'a'.repeat(65)]) assert.deepEqual(await error(node, 'publish', { channel, message: 'x' }), [107, 'ROOM_NAME_INVALID'], channel);
    assert.deepEqual(await error(node, 'publish', { channel: 'a', message: 'x'.repeat(60_000) }), [107, 'MESSAGE_TOO_LARGE']);
    const whole = await post(node, 'history', '{"channel":"a","limit":1.0}');
    assert.deepEqual(whole.json.result.publications, []);
  });

  test('X-Centrifugo-Error-Mode: transport answers with a status', async () => {
    const transport = { headers: { 'X-Centrifugo-Error-Mode': 'transport' } };
    for (const [method, body, status, code, cause] of [['publish', {}, 400, 107, 'BAD_REQUEST'], ['publish', { channel: 'private:no', message: 'x' }, 403, 103, 'NOT_A_MEMBER'],
      ['history', { channel: 'door', limit: 1, since: { offset: 1, epoch: 'no' } }, 409, 112, 'POSITION_UNKNOWN']]) {
      await call(node, 'publish', { channel: 'door', message: 'x' });
      const answer = await post(node, method, body, transport);
      assert.deepEqual([answer.status, answer.json.code, answer.json.error.code, answer.json.error.cause], [status, code, code, cause]);
      assert.equal(answer.json.message, answer.json.error.message);
    }
    assert.equal((await post(node, 'publish', { channel: 'door', message: 'x' }, transport)).status, 200);
    const why = (await post(node, 'history', { channel: 'door', limit: 1, since: { offset: 1, epoch: 'no' } })).json.error.ref;
    const { json } = await foyerJson(['why', why, '--json', '--data', node.data]);
    assert.match(JSON.stringify(json), /POSITION_UNKNOWN/);
  });

  test('a key that sends too many requests is told when to try again; a batch is one request', async (t) => {
    const slow = await serve(t, { args: ['--api-requests-per-s', '1', '--api-requests-burst', '2'] });
    const commands = Array.from({ length: 50 }, () => ({ publish: { channel: 'rate', data: {} } }));
    const answers = await Promise.all(Array.from({ length: 12 }, () => post(slow, 'batch', { commands })));
    const refused = answers.filter((answer) => answer.status !== 200);
    assert.ok(refused.length > 0 && refused.length < 12, `${refused.length} of 12`);
    for (const answer of refused) {
      assert.deepEqual([answer.status, answer.json.code, answer.json.error.code], [429, 'API_RATE_LIMIT', 111]);
      assert.ok(Number(answer.headers['retry-after']) >= 1);
    }
  });

  test('without API_KEY the API does not exist', async (t) => {
    const bare = await serve(t, { dev: false, env: { ENVIRONMENT: 'test', SERVICE_SECRET: 'w8Jk2-Lm5Np7Qr9St1Uv3Wx6Yz0Ab4Cd', ...withSecret } });
    const answer = await ask(bare, 'POST', '/api/publish', { body: {}, headers: { 'X-API-Key': 'anything' } });
    assert.deepEqual([answer.status, answer.json.code, answer.json.error.code], [404, 'UNKNOWN_PATH', 104]);
  });
});
