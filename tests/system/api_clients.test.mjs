// The server API about connected clients, over real sockets. What each client sees in which case is in
// tests/scenarios/app_*.scenario.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { call, error } from './support/api.mjs';
import { fileScope, serve } from './support/foyer.mjs';
import { arrive } from './support/people.mjs';

describe('connected clients', () => {
  let node;
  const scope = fileScope(after);
  before(async () => { node = await serve(scope); });

  test('connections: who is connected, by user and room, page by page', async () => {
    const [ann, bob] = [await arrive(node, 'ann_c'), await arrive(node, 'bob_c')];
    await ann.join('listed');
    await bob.join('listed');
    const { connections } = await call(node, 'connections', { user: ann.user.id });
    assert.equal(connections.length, 1);
    const [row] = connections;
    assert.deepEqual([row.client, row.user, row.name, row.session, row.transport, row.address, row.rooms], [ann.welcome.connection, ann.user.id, 'ann_c', ann.welcome.session, 'websocket', '127.0.0.1', 1]);
    assert.ok(row.since <= row.last_heard && row.last_heard <= Date.now() + 1_000 && row.expires_at > Date.now());
    const seen = [];
    for (let after; after !== null;) {
      const page = await call(node, 'connections', { room: 'listed', limit: 1, ...(after ? { after } : {}) });
      assert.ok(page.connections.length <= 1);
      seen.push(...page.connections.map((each) => each.client));
      after = page.next ?? null;
    }
    assert.deepEqual(seen.sort(), [ann.welcome.connection, bob.welcome.connection].sort());
    assert.deepEqual(await call(node, 'connections', { room: 'nobody_here' }), { connections: [] });
    assert.deepEqual(await error(node, 'connections', { after: 'the second page' }), [107, 'BAD_REQUEST']);
    await ann.close();
    await bob.close();
  });

  test('get_user_status: online, when last seen, and nothing of a user who was never here', async () => {
    const ann = await arrive(node, 'ann_s');
    const { statuses } = await call(node, 'get_user_status', { users: [ann.user.id, 'u_never'] });
    assert.deepEqual(statuses.map((s) => [s.user, s.online, s.connections]), [[ann.user.id, true, 1], ['u_never', false, 0]]);
    assert.ok(statuses[0].last_seen > 0);
    assert.equal('last_seen' in statuses[1], false);
    await ann.close();
  });

  test('subscribe and unsubscribe: the client hears that it is in the room, and that it is not any more', async () => {
    const ann = await arrive(node, 'ann_j');
    const { epoch } = await call(node, 'publish', { channel: 'News:1', message: 'before' });
    assert.deepEqual(await call(node, 'subscribe', { user: ann.user.id, channel: 'News:1', client: '', recover_since: { offset: 0, epoch } }), {});
    const joined = await ann.next('joined', { by: 'server' });
    assert.deepEqual([joined.room, joined.recovered, joined.messages.map((m) => m.message)], ['News:1', true, ['before']]);
    await call(node, 'publish', { channel: 'News:1', message: 'live' });
    assert.equal((await ann.next('message')).message, 'live');
    assert.deepEqual(await call(node, 'unsubscribe', { user: ann.user.id, channel: 'News:1' }), {});
    assert.equal((await ann.next('room_removed')).code, 'UNSUBSCRIBED_BY_APP');
    assert.deepEqual(await error(node, 'subscribe', { user: ann.user.id, channel: 'private:of_others' }), [103, 'NOT_A_MEMBER']);
    assert.deepEqual(await error(node, 'subscribe', { user: ann.user.id, channel: 'News:1', expire_at: 1 }), [107, 'API_FIELD_REFUSED']);
    assert.deepEqual(await error(node, 'subscribe', { channel: 'News:1' }), [107, 'BAD_REQUEST']);
    // The options of gocent v3: what they ask for is so.
    assert.deepEqual(await call(node, 'subscribe', { user: ann.user.id, channel: 'News:2', presence: true, join_leave: true, position: true, recover: true }), {});
    await ann.next('joined', { room: 'News:2' });
    await ann.close();
  });

  test('refresh and disconnect: the end of a connection is the application\'s', async () => {
    const [ann, bob] = [await arrive(node, 'ann_d'), await arrive(node, 'bob_d')];
    const at = Math.floor(Date.now() / 1_000) + 3_600;
    assert.deepEqual(await call(node, 'refresh', { user: ann.user.id, expire_at: at }), {});
    assert.equal(Date.parse((await ann.next('refreshed')).expires_at), at * 1_000);
    assert.deepEqual(await call(node, 'disconnect', { User: ann.user.id, Client: '', Whitelist: [ann.welcome.connection], Disconnect: null }), {});
    // As gocent v3 writes it.
    assert.deepEqual(await call(node, 'disconnect', { user: ann.user.id, Disconnect: { reason: 'bye', reconnect: false }, ClientWhitelist: [ann.welcome.connection] }), {});
    assert.equal((await call(node, 'connections', { user: ann.user.id })).connections.length, 1, 'it is on the whitelist');
    assert.deepEqual(await error(node, 'disconnect', { user: ann.user.id, disconnect: { reconnect: true } }), [107, 'API_FIELD_REFUSED']);
    assert.deepEqual(await call(node, 'disconnect', { user: 'u_nobody', Disconnect: null, ClientWhitelist: null }), {});
    assert.deepEqual(await call(node, 'disconnect', { user: ann.user.id, disconnect: { code: 3503, reason: 'force disconnect' } }), {});
    const closed = await ann.ended();
    assert.deepEqual([closed.code, closed.reason.replace(/ \S{16} /, ' REF ')], [4403, 'DISCONNECTED_BY_APP REF 3503 force disconnect']);
    assert.deepEqual(await call(node, 'refresh', { user: bob.user.id, expired: true }), {});
    assert.equal((await bob.ended()).code, 4401);
  });
});
