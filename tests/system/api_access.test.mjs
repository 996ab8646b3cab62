// The server API ends the access of users and of tokens: open sockets are closed, new ones are refused.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { call, post } from './support/api.mjs';
import { fileScope, foyer, serve } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { arrive } from './support/people.mjs';
import { Postgres } from './support/postgres.mjs';
import { Client, handshake } from './support/websocket.mjs';

const scope = fileScope(after);
const STORE_KEY = 'qG7r0c2Jm1Yb8wZ4xK9tPd3nVh6sLf5u';
const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
const closed = async (client) => { const { code, reason } = await client.ended(); return [code, reason.split(' ')[0]]; };
const refusedAtTheDoor = async (node, token) => {
  const { refused } = await handshake(node, { headers: { Authorization: `Bearer ${token}` } });
  return [refused.status, JSON.parse(refused.text).code];
};

for (const [database, prepare] of [
  ['SQLite', async () => ({})],
  ['PostgreSQL', async () => ({ env: { DATABASE_URL: await (await Postgres.start(scope)).fresh(), STORE_KEY } })],
]) {
  describe(database, () => {
    let node;
    let options;
    before(async () => { options = await prepare(); node = await serve(scope, options); });

    test('block_user closes every socket of the user, and holds across a restart until unblock_user', async () => {
      const ann = await arrive(node, 'ann');
      const phone = await Client.open(node, { token: ann.account.access_token });
      const bob = await arrive(node, 'bob');
      assert.deepEqual(await call(node, 'block_user', { user: ann.user.id }), {});
      assert.deepEqual(await Promise.all([closed(ann), closed(phone)]), [[4403, 'USER_BLOCKED'], [4403, 'USER_BLOCKED']]);
      assert.equal((await bob.ask('rooms')).type, 'rooms', 'others go on');
      await node.terminate();
      node = await serve(scope, { ...options, data: node.data });
      assert.deepEqual(await refusedAtTheDoor(node, ann.token), [403, 'USER_BLOCKED']);
      assert.deepEqual(await call(node, 'block_user', { user: ann.user.id }), {}, 'once more is no error');
      assert.deepEqual(await call(node, 'unblock_user', { user: ann.user.id }), {});
      assert.deepEqual(await call(node, 'unblock_user', { user: ann.user.id }), {});
      await (await Client.open(node, { token: ann.account.access_token })).close();
    });

    test('revoke_token ends one token, invalidate_user_tokens all until now', async () => {
      const cid = await arrive(node, 'cid');
      const other = (await ask(node, 'POST', '/auth/refresh', { body: { refresh_token: cid.account.refresh_token } })).json;
      const second = await Client.open(node, { token: other.access_token });
      await call(node, 'revoke_token', { uid: claims(cid.account.access_token).jti });
      assert.deepEqual(await closed(cid), [4401, 'TOKEN_REVOKED']);
      await call(node, 'revoke_user', { user: cid.user.id, issued_before: claims(other.access_token).iat });
      assert.equal((await second.ask('rooms')).type, 'rooms', 'issued at that time, not before');
      await call(node, 'invalidate_user_tokens', { user: cid.user.id });
      assert.deepEqual(await closed(second), [4401, 'TOKEN_REVOKED']);
    });

    test('it needs the right endings', async () => {
      const where = options.env ? [[], { env: { DATABASE_URL: options.env.DATABASE_URL } }] : [['--data', node.data], {}];
      const key = (await foyer(['api-key', 'add', 'reader', '--may', 'read:*', ...where[0]], where[1])).out.trim();
      for (const [method, body] of [['block_user', { user: 'u' }], ['unblock_user', { user: 'u' }], ['revoke_token', { uid: 't' }], ['invalidate_user_tokens', { user: 'u' }], ['revoke_user', { user: 'u' }]]) {
        const answer = await post(node, method, body, { key });
        assert.deepEqual([answer.status, answer.json.code, answer.json.needs], [403, 'PERMISSION_DENIED', 'endings'], method);
      }
    });
  });
}
