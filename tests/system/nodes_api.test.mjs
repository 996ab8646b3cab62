// Several gateways on one database: what the server API and the operator's commands answer holds for all of them,
// whichever is asked, with a bus between them and with PostgreSQL alone.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { call, error } from './support/api.mjs';
import { fileScope, foyer, foyerJson, whileStopped } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { arriveAt, at, key, nodes } from './support/nodes.mjs';
import { Postgres } from './support/postgres.mjs';
import { Redis } from './support/redis.mjs';
import { Client, handshake } from './support/websocket.mjs';
import { until } from './support/within.mjs';

const scope = fileScope(after);
let server;
before(async () => { server = await Postgres.start(scope); });

const api = { key };
const TICK = '300ms';
const uids = async (node) => (await call(node, 'info', {}, api)).nodes.map((each) => each.uid);

// Until each of them knows all others.
async function met(all) {
  for (const node of all) {
    await until('the nodes to know each other', async () => {
      const answer = await call(node, 'info', {}, api);
      return answer.nodes.length === all.length && !answer.missing_nodes;
    }, 30_000);
  }
  return all;
}

const operator = (node) => ['--url', `http://127.0.0.1:${node.port}`, '--api-key', key];
// The reference of a refusal at this node.
async function refusedAt(node) {
  const { refused } = await handshake(node, { headers: { Authorization: 'Bearer no.token.at_all' } });
  assert.ok(refused.json.ref, refused.text);
  return refused.json;
}

for (const [way, over] of [['PostgreSQL alone', async () => ({})], ['a bus', async (t) => ({ BUS_URL: (await Redis.start(t)).url, FOYER_ROOMS: JSON.stringify([{ match: 'live-*', durable: false }]) })]]) {
  describe(`with ${way}`, () => {
    const cluster = async (t, many, tick = TICK, args = []) => met(await nodes(t, await server.fresh(), many, { args: ['--cluster-tick', tick, '--presence-grace', '100ms', ...args], env: await over(t) }));

    test('`foyer why REF` finds a refusal of any node from any node', async (t) => {
      const all = await cluster(t, 3);
      const { ref, code } = await refusedAt(all[1]);
      const [name] = (await Promise.all(all.map(async (node) => (await ask(node, 'GET', `/api/refusals?ref=${ref}`, { headers: { 'X-API-Key': key } })).json.refusals[0].node))).filter((each, i, them) => them.indexOf(each) === i);
      assert.ok((await uids(all[0])).includes(name));
      for (const node of all) {
        const { code: status, json, err } = await foyerJson(['why', ref, '--json', ...operator(node)]);
        assert.deepEqual([status, json?.code, json?.ref, json?.node], [0, code, ref, name], err);
      }
      const unknown = await foyer(['why', 'AnotherReference', ...operator(all[0])]);
      assert.equal(unknown.code, 1, unknown.err);
      // All of them, the newest first.
      for (const node of all) await refusedAt(node);
      const { json } = await ask(all[2], 'GET', `/api/refusals?code=${code}&limit=10`, { headers: { 'X-API-Key': key } });
      assert.deepEqual([...new Set(json.refusals.map((each) => each.node))].sort(), await uids(all[2]));
      assert.deepEqual(json.refusals.map((each) => each.time), json.refusals.map((each) => each.time).sort().reverse());
    });

    test('connections, presence and status list the clients of all nodes, page by page at any of them', async (t) => {
      const all = await cluster(t, 3);
      const people = await Promise.all(all.map((node, i) => arriveAt(node, `person-${i}`, { through: all[0] })));
      const again = await at(all[2], people[0].account);
      const clients = [...people, again];
      for (const each of clients) await each.join('tea');
      const names = clients.map((each) => each.welcome.connection);
      assert.equal(new Set(names).size, 4, 'each connection has a name of its own');
      for (const node of all) {
        const { connections, missing_nodes: missing } = await call(node, 'connections', { channel: 'tea' }, api);
        assert.equal(missing, undefined);
        assert.deepEqual(connections.map((row) => row.client).sort(), [...names].sort());
        assert.equal(new Set(connections.map((row) => row.node)).size, 3);
        const { connections: own } = await call(node, 'connections', { user: people[0].user.id }, api);
        assert.deepEqual(own.map((row) => row.client).sort(), [names[0], names[3]].sort());
        const { presence } = await call(node, 'presence', { channel: 'tea' }, api);
        assert.deepEqual(Object.keys(presence).sort(), [...names].sort());
        assert.deepEqual(await call(node, 'presence_stats', { channel: 'tea' }, api), { num_clients: 4, num_users: 3 });
        const { statuses } = await call(node, 'get_user_status', { users: [people[0].user.id, people[1].user.id, 'u_never'] }, api);
        assert.deepEqual(statuses.map((each) => [each.online, each.connections, each.last_seen > 0]), [[true, 2, true], [true, 1, true], [false, 0, false]]);
      }
      const listed = [];
      for (let after = '', turn = 0; after !== undefined; turn += 1) {
        const page = await call(all[turn % 3], 'connections', { limit: 1, ...(after ? { after } : {}) }, api);
        assert.ok(page.connections.length <= 1);
        listed.push(...page.connections.map((row) => row.client));
        after = page.next;
      }
      assert.deepEqual(listed.sort(), [...names].sort());
      await people[1].close();
      await until('the status to change everywhere', async () => {
        const states = await Promise.all(all.map(async (node) => (await call(node, 'get_user_status', { users: [people[1].user.id] }, api)).statuses[0]));
        return states.every((state) => !state.online && state.last_seen > 0);
      });
    });

    test('channels and info count all nodes', async (t) => {
      const all = await cluster(t, 2);
      const [ann, bob] = [await arriveAt(all[0], 'ann'), await arriveAt(all[1], 'bob', { through: all[0] })];
      await ann.join('tea');
      await bob.join('tea');
      await bob.join('coffee');
      for (const node of all) {
        assert.deepEqual(await call(node, 'channels', {}, api), { channels: { coffee: { num_clients: 1 }, tea: { num_clients: 2 } } });
        assert.deepEqual(await call(node, 'channels', { pattern: 'c*' }, api), { channels: { coffee: { num_clients: 1 } } });
        const { nodes: rows } = await call(node, 'info', {}, api);
        assert.deepEqual(rows.map((row) => [row.num_clients, row.num_users, row.num_channels, row.num_subs]).sort(), [[1, 1, 1, 1], [1, 1, 2, 2]]);
      }
      assert.deepEqual(await uids(all[0]), await uids(all[1]));
    });

    test('an action means the connection that it names, and its answer is that of the node that has it', async (t) => {
      const all = await cluster(t, 2);
      const here = await arriveAt(all[0], 'ann');
      const there = await at(all[1], here.account);
      const who = { user: here.user.id };
      assert.deepEqual(await error(all[0], 'subscribe', { ...who, channel: 'private:of_others' }, api), [103, 'NOT_A_MEMBER']);
      const bob = await arriveAt(all[1], 'bob');
      assert.deepEqual(await error(all[0], 'subscribe', { user: bob.user.id, channel: 'private:of_others' }, api), [103, 'NOT_A_MEMBER'], 'the other node refuses it');
      assert.deepEqual(await call(all[0], 'subscribe', { ...who, channel: 'news:1', client: there.welcome.connection }, api), {});
      await there.next('joined', { by: 'server' });
      await here.barrier();
      assert.deepEqual(here.kept.filter((m) => m.type === 'joined'), []);
      assert.deepEqual(await call(all[0], 'disconnect', { ...who, whitelist: [there.welcome.connection] }, api), {});
      assert.equal((await here.ended()).code, 4403);
      await there.barrier();
      assert.deepEqual(await call(all[0], 'disconnect', { ...who, client: here.welcome.connection }, api), {});
      await there.barrier();
      assert.deepEqual(await call(all[0], 'disconnect', { ...who, client: there.welcome.connection }, api), {});
      assert.equal((await there.ended()).code, 4403);
    });

    if (way === 'a bus') {
      test('a keyed publish into a room on the bus happens once, whichever node gets the repetition', async (t) => {
        const all = await cluster(t, 2);
        const body = { channel: 'live-1', message: 'once', idempotency_key: 'order-7' };
        const answers = await Promise.all(Array.from({ length: 6 }, (_, i) => call(all[i % 2], 'publish', body, api)));
        assert.deepEqual([...new Set(answers.map((each) => each.offset))], [1]);
        assert.deepEqual(await call(all[1], 'publish', body, api), answers[0]);
        assert.deepEqual(await error(all[1], 'publish', { ...body, message: 'another' }, api), [409, 'KEY_REUSED']);
        assert.equal((await call(all[0], 'history', { channel: 'live-1', limit: -1 }, api)).publications.length, 1);
      });
    }

    test('a user has as many connections as the limit says, over all nodes', async (t) => {
      const [a, b] = await cluster(t, 2, TICK, ['--user-connections', '4']);
      const ann = await arriveAt(a, 'ann');
      const token = { headers: { Authorization: `Bearer ${ann.token}` } };
      const open = [];
      for (const node of [a, b, b]) open.push(await Client.open(node, { token: ann.token }));
      const full = (node) => until('the limit to be reached', async () => {
        const { refused, socket } = await handshake(node, token);
        socket?.destroy(); // the others are not known yet
        return refused?.json.code === 'USER_CONNECTION_LIMIT' ? refused : null;
      }, 30_000);
      for (const node of [a, b]) await full(node);
      await open.pop().close();
      const one = await until('a place to be free', async () => Client.open(a, { token: ann.token }).catch(() => null));
      for (const node of [a, b]) await full(node);
      await b.kill9();
      await until('the connections of a dead node to be forgotten', async () => {
        const { refused, socket } = await handshake(a, token);
        socket?.destroy();
        return !refused;
      }, 30_000);
      await one.close();
    });

    test('a node that does not answer is named, until it is known to be dead', async (t) => {
      const all = await cluster(t, 3, '1s'); // whoever is silent for ten ticks is taken for dead
      const bob = await arriveAt(all[1], 'bob', { through: all[0] });
      await bob.join('tea');
      const [own, third] = await Promise.all([all[0], all[2]].map(async (node) => {
        const client = await arriveAt(node, `of-${node.port}`);
        return (await call(node, 'connections', { user: client.user.id }, api)).connections[0].node;
      }));
      const hanging = (await uids(all[0])).find((uid) => uid !== own && uid !== third);
      await whileStopped(all[1], async () => {
        const [listed, status, why] = await Promise.all([call(all[0], 'connections', {}, api), call(all[0], 'get_user_status', { users: [bob.user.id] }, api), foyer(['why', 'AnotherReference', ...operator(all[0])])]);
        assert.deepEqual([listed.connections.length, listed.missing_nodes], [2, [hanging]]);
        assert.deepEqual(status.missing_nodes, [hanging]);
        assert.equal(why.code, 2, why.err);
        assert.ok(why.err.includes(hanging), why.err);
      });
      await until('it to answer again', async () => !(await call(all[0], 'channels', {}, api)).missing_nodes, 30_000);
      await all[1].kill9();
      await until('it to be known to be dead', async () => !(await call(all[0], 'channels', {}, api)).missing_nodes, 60_000);
      assert.deepEqual(await uids(all[0]), [own, third].sort());
    });
  });
}
