// Calls of the server API with an idempotency key: they happen once, whatever is lost.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { call, error, keyOf, post } from './support/api.mjs';
import { fileScope, foyer, serve } from './support/foyer.mjs';
import { Postgres } from './support/postgres.mjs';

const scope = fileScope(after);
const STORE_KEY = 'qG7r0c2Jm1Yb8wZ4xK9tPd3nVh6sLf5u';
const replayed = (answer) => answer.headers['idempotency-replayed'] ?? null;
const count = async (node, channel) => (await call(node, 'history', { channel, limit: -1 })).publications.length;

for (const [database, prepare] of [
  ['SQLite', async () => ({})],
  ['PostgreSQL', async () => ({ env: { DATABASE_URL: await (await Postgres.start(scope)).fresh(), STORE_KEY } })],
]) {
  describe(database, () => {
    let node;
    let options;
    before(async () => { options = await prepare(); node = await serve(scope, options); });

    test('a repetition gets the first answer and says so; it outlives a restart', async () => {
      const body = { channel: 'once', message: 'a', idempotency_key: 'k1' };
      const first = await post(node, 'publish', body);
      assert.deepEqual([first.status, replayed(first), first.json.result.offset], [200, null, 1]);
      const again = await post(node, 'publish', ` { "idempotency_key" : "k1", "message":"\\u0061", "channel":"once" }`);
      assert.deepEqual([again.status, replayed(again), again.text], [200, 'true', first.text]);
      await node.terminate();
      node = await serve(scope, { ...options, data: node.data });
      const later = await post(node, 'publish', body);
      assert.deepEqual([replayed(later), later.text], ['true', first.text]);
      assert.equal(await count(node, 'once'), 1);
    });

    test('another content under a used key is refused; another method and another API key have keys of their own', async () => {
      await call(node, 'publish', { channel: 'used', message: 'a', idempotency_key: 'k2' });
      assert.deepEqual(await error(node, 'publish', { channel: 'used', message: 'b', idempotency_key: 'k2' }), [409, 'KEY_REUSED']);
      assert.deepEqual(await error(node, 'publish', { channel: 'used2', message: 'a', idempotency_key: 'k2' }), [409, 'KEY_REUSED']);
      await call(node, 'broadcast', { channels: ['used3'], message: 'a', idempotency_key: 'k2' });
      const where = options.env ? [[], { env: { DATABASE_URL: options.env.DATABASE_URL } }] : [['--data', node.data], {}];
      const { out, err } = await foyer(['api-key', 'add', 'orders', '--may', 'publish:*', ...where[0]], where[1]);
      const key = out.trim();
      assert.match(key, /^foyer_key_/, err);
      const other = await post(node, 'publish', { channel: 'used', message: 'b', idempotency_key: 'k2' }, { key });
      assert.deepEqual([other.json.result.offset, replayed(other)], [2, null]);
    });

    test('twenty at once with one key are one message, and all get its answer', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => post(node, 'publish', { channel: 'crowd', message: 'x', idempotency_key: 'k3' })));
      assert.deepEqual([...new Set(answers.map((answer) => answer.text))].length, 1);
      assert.equal(answers.filter((answer) => replayed(answer) === null).length, 1);
      assert.equal(await count(node, 'crowd'), 1);
    });

    test('broadcast is repeated as a whole', async () => {
      const body = { channels: ['b1', 'private:none', 'b2'], message: 'x', idempotency_key: 'k4' };
      const first = await post(node, 'broadcast', body);
      assert.deepEqual(first.json.result.responses.map((r) => r.result?.offset ?? r.error.cause), [1, 'NOT_A_MEMBER', 1]);
      const again = await post(node, 'broadcast', body);
      assert.deepEqual([again.text, replayed(again)], [first.text, 'true']);
      assert.deepEqual([await count(node, 'b1'), await count(node, 'b2')], [1, 1]);
    });

    test('in a batch they keep their place', async () => {
      const publish = (message, extra) => ({ publish: { channel: 'batch', message, ...extra } });
      const commands = [publish('1'), publish('2', { Idempotency_Key: 'k5' }), publish('3'), publish('2', { Idempotency_Key: 'k5' })];
      const answer = await post(node, 'batch', { commands });
      assert.deepEqual(answer.json.replies.map((reply) => reply.publish.offset), [1, 2, 3, 2]);
      const { publications } = await call(node, 'history', { channel: 'batch', limit: -1 });
      assert.deepEqual(publications.map((publication) => publication.data.message), ['1', '2', '3']);
    });

    test('what is refused is not remembered', async () => {
      const body = { channel: 'private:den', message: 'x', idempotency_key: 'k6' };
      assert.deepEqual(await error(node, 'publish', body), [103, 'NOT_A_MEMBER']);
      assert.deepEqual(await error(node, 'publish', body), [103, 'NOT_A_MEMBER']);
      assert.equal((await post(node, 'publish', { ...body, channel: 'open' }, { key: keyOf(node) })).json.result.offset, 1);
    });
  });
}

test('in a room that is kept in memory a repetition is still one message; a restart forgets both', async (t) => {
  const node = await serve(t, { args: ['--non-durable-rooms', 'ram*'] });
  const body = { channel: 'ram', message: 'x', idempotency_key: 'k1' };
  const answers = await Promise.all(Array.from({ length: 20 }, () => post(node, 'publish', body)));
  assert.equal(new Set(answers.map((answer) => answer.text)).size, 1, 'all get the same answer');
  assert.equal(answers.filter((answer) => replayed(answer) === null).length, 1);
  assert.equal(await count(node, 'ram'), 1);
  assert.deepEqual(await error(node, 'publish', { ...body, message: 'y' }), [409, 'KEY_REUSED']);
  assert.deepEqual(await error(node, 'publish', { channel: 'ram.1', message: 'x', idempotency_key: 'k1' }), [409, 'KEY_REUSED']);
  // Far more keys than such a room remembers for its users.
  const command = (i) => ({ publish: { channel: 'ram.many', message: `${i}`, idempotency_key: `many-${i}` } });
  for (let i = 0; i < 10_500; i += 500) {
    const { replies } = (await post(node, 'batch', { commands: Array.from({ length: 500 }, (_, n) => command(i + n)) })).json;
    assert.equal(replies.at(-1).publish?.offset, i + 500, JSON.stringify(replies.at(-1)));
  }
  await node.terminate();
  const again = await serve(t, { data: node.data, args: ['--non-durable-rooms', 'ram*'] });
  const repeated = await post(again, 'publish', body);
  assert.deepEqual([repeated.json.result.offset, replayed(repeated)], [1, null]);
  assert.equal(await count(again, 'ram'), 1);
});
