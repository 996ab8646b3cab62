// Several gateways on one PostgreSQL database, as processes.
import assert from 'node:assert/strict';
import { temporary, serve } from './foyer.mjs';
import { ask } from './http.mjs';
import { PASSWORD, register, withSecret } from './people.mjs';
import { Client } from './websocket.mjs';
import { until } from './within.mjs';

export const STORE_KEY = 'qG7r0c2Jm1Yb8wZ4xK9tPd3nVh6sLf5u';
export const key = 'Vd8-kQ2xRw5_Lm7Tp1Zs9Nb4';   // of the API, at every node
const fast = ['--messages-per-s', '100000', '--messages-burst', '100000', '--room-messages-per-s', '100000', '--room-messages-burst', '100000'];

export const options = (url, { args = [], env = {} } = {}) => ({
  env: { DATABASE_URL: url, STORE_KEY, FOYER_NODES: 'many', API_KEY: key, ...withSecret, ...env }, args: [...fast, ...args], history: url,
});

// `many` nodes on the database, each with a data directory of its own.
export async function nodes(t, url, many, more = {}) {
  return Promise.all(Array.from({ length: many }, () => serve(t, { data: temporary(t), ...options(url, more) })));
}

// A connection of somebody who has an account, at this node.
export async function at(node, person) {
  const answer = await ask(node, 'POST', '/auth/login', { body: { name: person.name, password: PASSWORD } });
  if (answer.status !== 200) throw new Error(`login of ${person.name}: ${answer.status} ${answer.text}`);
  const client = await Client.open(node, { token: answer.json.access_token });
  return Object.assign(client, { account: person, token: answer.json.access_token });
}

// Registered at one node, connected to another.
export async function arriveAt(node, name, { through = node } = {}) { return at(node, await register(through, name)); }

// The messages of a room that have come, until there are so many.
export async function hears(client, room, many, ms) {
  const all = [];
  while (all.length < many) all.push(await client.next('message', { room }, ms));
  return all;
}

export const texts = (messages) => messages.map((m) => m.message);
export const ids = (members) => members.map((m) => m.id).sort();

// Settings for nodes with a bus between them, in ticks of 100 ms; rooms that begin with `live-` are on the bus.
export const over = (url, more = {}) => ({ args: ['--cluster-tick', '100ms', '--presence-grace', '100ms'], env: { BUS_URL: url, FOYER_ROOMS: JSON.stringify([{ match: 'live-*', durable: false }]), ...more } });

export const health = async (node) => (await ask(node, 'GET', '/health/ready')).json;
export const isHealthy = (node) => until('the node to hear everybody', async () => ((await health(node)).status === 'ok' ? true : null), 60_000);
// The bus check has this code: the answer to the question for the health.
export const says = (node, code) => until(`the bus to be ${code}`, async () => {
  const answer = await ask(node, 'GET', '/health/ready');
  return answer.json.checks.bus.code === code ? answer : null;
}, 60_000);

// Somebody who is connected to both nodes comes once, and leaves with the last connection.
export async function isThereOnce([a, b]) {
  const ann = await arriveAt(a, 'ann');
  const bob = await arriveAt(a, 'bob');
  await ann.join('tea');
  await bob.join('tea');
  await ann.next('member_joined', { room: 'tea' });
  const second = await at(b, bob.account);
  await second.join('tea');
  await bob.close();
  const carl = await arriveAt(b, 'carl');
  await carl.join('tea');
  assert.equal((await ann.next('member_joined', { room: 'tea' })).user.id, carl.user.id);
  await second.close();
  assert.equal((await ann.next('member_left', { room: 'tea' })).user.id, bob.user.id);
  await ann.barrier();
  assert.deepEqual(ann.kept.filter((m) => /^member_/.test(m.type)), []);
}
