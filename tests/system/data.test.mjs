// Messages of applications: any JSON value in place of a text, kept in both databases as texts are.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileScope, foyer, run, serve, temporary } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { arrive, PASSWORD } from './support/people.mjs';
import { Postgres } from './support/postgres.mjs';
import { Client } from './support/websocket.mjs';

const STORE_KEY = 'qG7r0c2Jm1Yb8wZ4xK9tPd3nVh6sLf5u';
const scope = fileScope(after);
let postgres;
before(async () => { postgres = await Postgres.start(scope); });

const PLACES = {
  SQLite: async () => ({}),
  PostgreSQL: async () => ({ env: { DATABASE_URL: await postgres.fresh(), STORE_KEY } }),
};
const VALUES = [{ state: 'paid', items: [{ id: 7, price: 1.5 }], note: 'Käse \u0000 \u{1F9C0} "quoted"' }, [], null, false, 0, '', 'a text', -1.5e300, { b: 1, a: 2 }];
const enter = async (node, name) => {
  const { json } = await ask(node, 'POST', '/auth/login', { body: { name, password: PASSWORD } });
  return Client.open(node, { token: json.access_token, path: '/ws/chat?features=data,changes' });
};
const bodies = (messages) => messages.map((m) => ('data' in m ? { data: m.data } : { message: m.message, ...(m.deleted ? { deleted: true } : {}) }));

for (const [place, where] of Object.entries(PLACES)) {
  test(`${place}: what was published is there after kill -9, byte for byte, and its keys are known`, async (t) => {
    const setting = await where();
    const first = await serve(t, setting);
    const old = await arrive(first, 'ann');
    const ann = await enter(first, 'ann');
    const { epoch } = await ann.join('orders-7');
    await old.join('orders-7');
    for (const [i, data] of VALUES.entries()) {
      assert.equal((await ann.ask('publish', { room: 'orders-7', data, key: `k${i}` })).offset, i + 1);
      assert.deepEqual((await ann.next('message', { offset: i + 1 })).data, data);
      const heard = await old.next('message', { offset: i + 1 });
      assert.deepEqual([heard.message, 'data' in heard], ['', false], 'for a client that does not know data');
    }
    ann.send('{"type":"publish","id":900,"room":"orders-7","data": { "z" : 1.50, "a" : 12345678901234567890 } }');
    await ann.next('sent', { id: 900 });
    await ann.say('orders-7', 'a text');
    await ann.ask('delete', { room: 'orders-7', offset: 2 });
    await first.kill9();
    const second = await serve(t, { ...setting, data: first.data });
    const again = await enter(second, 'ann');
    const all = [...VALUES.map((data) => ({ data })), { data: { z: 1.5, a: 12345678901234567890 } }, { message: 'a text' }];
    all[1] = { message: '', deleted: true };
    assert.deepEqual(bodies((await again.ask('history', { room: 'orders-7' })).messages), all);
    const joined = await again.join('orders-7', { since: { epoch, offset: 8, change: 1 } });
    assert.deepEqual([joined.recovered, bodies(joined.messages)], [true, all.slice(8)]);
    const raw = (await ask(second, 'GET', '/rooms/orders-7/messages/10', { headers: { Authorization: `Bearer ${(await ask(second, 'POST', '/auth/login', { body: { name: 'ann', password: PASSWORD } })).json.access_token}` } })).text;
    assert.ok(raw.includes('"data":{"z":1.50,"a":12345678901234567890}'), raw);
    const repeated = await again.ask('publish', { room: 'orders-7', data: VALUES[0], key: 'k0' });
    assert.deepEqual([repeated.type, repeated.offset, repeated.duplicate], ['sent', 1, true]);
    assert.equal((await again.ask('publish', { room: 'orders-7', data: { other: true }, key: 'k0' })).code, 'KEY_REUSED');
    assert.equal((await again.ask('chat', { room: 'orders-7', message: 'a text', key: 'k6' })).code, 'KEY_REUSED', 'a text is another body than the same string as data');
  });
}

test('a backup holds data, and the copy serves it', async (t) => {
  const node = await serve(t);
  await arrive(node, 'ann');
  const ann = await enter(node, 'ann');
  await ann.ask('publish', { room: 'orders-7', data: { state: 'paid' } });
  const dir = temporary(t);
  const file = path.join(dir, 'copy.tar');
  assert.equal((await foyer(['backup', file, '--data', node.data])).code, 0);
  const restored = path.join(dir, 'restored');
  fs.mkdirSync(restored, { mode: 0o700 });
  await run('tar', ['-xpf', file, '-C', restored]);
  const copy = await serve(t, { data: restored });
  const { messages } = await (await enter(copy, 'ann')).ask('history', { room: 'orders-7' });
  assert.deepEqual(bodies(messages), [{ data: { state: 'paid' } }]);
});
