// foyer api-key: the keys of the server API, made and ended beside a running server, over both databases.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { call, post } from './support/api.mjs';
import { fileScope, foyer, foyerJson, serve, temporary } from './support/foyer.mjs';
import { arrive, withSecret } from './support/people.mjs';
import { Postgres } from './support/postgres.mjs';
import { until } from './support/within.mjs';

const KEY = /^foyer_key_[A-Za-z0-9_-]{43}\n$/;
const scope = fileScope(after);

const ok = async (args, options) => {
  const result = await foyer(['api-key', ...args], options);
  assert.equal(result.code, 0, result.err);
  return result;
};
const refused = async (args, code, why, options) => {
  const result = await foyer(['api-key', ...args], options);
  assert.deepEqual([result.code, result.out], [code, ''], result.err);
  assert.match(result.err, why);
};
const listed = async (at, options) => (await foyerJson(['api-key', 'list', '--json', ...at], options)).json;

// `at` says where: options of every command. `options.env` likewise.
async function story(at, options) {
  const added = await ok(['add', 'orders', '--may', 'publish:orders-*', '--may', 'read:*', ...at], options);
  assert.match(added.out, KEY, 'the key is alone on standard output');
  assert.match(added.err, /shown only once[\s\S]*publish:orders-\*, read:\*/);
  assert.doesNotMatch(added.err, new RegExp(added.out.trim()));
  const second = await foyerJson(['api-key', 'add', 'mail', '--may', 'export', '--json', ...at], options);
  assert.deepEqual([second.code, second.json.name, second.json.rights], [0, 'mail', ['export']]);
  assert.match(`${second.json.key}\n`, KEY);

  await refused(['add', 'orders', '--may', 'export', ...at], 1, /NAME_TAKEN/, options);
  const keys = await listed(at, options);
  assert.deepEqual(keys.map((key) => key.service), [null, null]);
  assert.deepEqual(keys.map(({ name, rights, disabled, used, secrets }) => [name, rights, disabled, used, secrets.length]),
    [['mail', ['export'], false, null, 1], ['orders', ['publish:orders-*', 'read:*'], false, null, 1]]);
  assert.doesNotMatch(JSON.stringify(keys), /foyer_key_/);

  assert.equal((await ok(['set', 'mail', '--may', 'export', '--may', 'users:read', ...at], options)).out, 'mail may now: export, users:read.\n');
  assert.deepEqual((await listed(at, options))[0].rights, ['export', 'users:read']);
  await refused(['set', 'none', '--may', 'export', ...at], 1, /NOT_FOUND/, options);

  const rotated = await ok(['rotate', 'orders', ...at], options);
  assert.match(rotated.out, KEY);
  assert.notEqual(rotated.out, added.out);
  assert.match(rotated.err, /previous key works until the next rotation/);
  assert.deepEqual((await listed(at, options))[1].secrets.map((secret) => secret.ends), [null, null]);
  assert.match((await ok(['rotate', 'orders', '--drop-old', ...at], options)).out, /no longer works/);
  assert.equal((await listed(at, options))[1].secrets.length, 1);
  await refused(['rotate', 'orders', '--drop-old', ...at], 1, /only one key/, options);
  await ok(['rotate', 'orders', '--old-ends-in', '7d', ...at], options);
  const [fresh, old] = (await listed(at, options))[1].secrets;
  assert.equal(fresh.ends, null);
  assert.ok(Math.abs(Date.parse(old.ends) - Date.now() - 7 * 86_400_000) < 60_000, old.ends);
  assert.match((await ok(['rotate', 'orders', '--old-ends-in', '0', ...at], options)).err, /No other key of that name works/);

  assert.equal((await ok(['disable', 'orders', ...at], options)).out, 'orders is disabled.\n');
  assert.equal((await ok(['disable', 'orders', ...at], options)).out, 'orders is disabled, as before.\n');
  assert.match((await ok(['list', ...at], options)).out, /^NAME +STATE +LIVE[\s\S]*\norders +disabled +1 [\s\S]*publish:orders-\* read:\*\n$/);
  assert.deepEqual((await foyerJson(['api-key', 'enable', 'orders', '--json', ...at], options)).json, { name: 'orders', disabled: false, changed: true });
  await refused(['rotate', 'none', ...at], 1, /NOT_FOUND[\s\S]*no API key named none/, options);
  await refused(['disable', 'none', ...at], 1, /NOT_FOUND/, options);
  return [added.out.trim(), rotated.out.trim()];
}

test('keys are added, listed, rotated, disabled and enabled beside a running server', async (t) => {
  const node = await serve(t);
  const keys = await story(['--data', node.data]);
  await node.terminate();
  for (const key of keys) assert.doesNotMatch(node.text, new RegExp(key), 'no key is in the log');
  for (const file of fs.readdirSync(node.data)) {
    const bytes = fs.readFileSync(path.join(node.data, file));
    for (const key of keys) assert.equal(bytes.indexOf(key), -1, `no key is in ${file}`);
  }
});

test('the same with PostgreSQL, without the key of sealed secrets', async (t) => {
  const server = await Postgres.start(scope);
  const url = await server.fresh();
  const node = await serve(t, { env: { DATABASE_URL: url, STORE_KEY: 'qG7r0c2Jm1Yb8wZ4xK9tPd3nVh6sLf5u' } });
  await story([], { env: { DATABASE_URL: url } });
});

const problem = (answer, status, code) => assert.deepEqual([answer.status, answer.json.code], [status, code], answer.text);
// Used in the rooms of a running server; `at` and `options` as above.
async function used(node, at, options) {
  const make = async (name, ...may) => (await ok(['add', name, ...may.flatMap((right) => ['--may', right]), ...at], options)).out.trim();
  const key = await make('orders', 'publish:orders-*', 'read:*');
  const ann = await arrive(node, 'ann');
  const { epoch } = await ann.join('orders-7');
  assert.deepEqual(await call(node, 'publish', { channel: 'orders-7', message: 'paid' }, { key }), { offset: 1, epoch }, 'it is valid at once');
  const heard = await ann.next('message', { room: 'orders-7' });
  assert.deepEqual([heard.message, heard.from], ['paid', { id: 'app:orders', name: 'orders' }]);
  assert.equal((await call(node, 'history', { channel: 'orders-7', limit: 1 }, { key })).publications.length, 1);

  for (const channel of ['tea', 'private:den']) problem(await post(node, 'publish', { channel, message: 'x' }, { key }), 403, 'PERMISSION_DENIED');
  problem(await post(node, 'publish', { channel: 'orders-7', message: 'x', from: { id: 'u_7', name: 'Seven' } }, { key }), 403, 'PERMISSION_DENIED');
  problem(await post(node, 'publish', { channel: 'orders-7', message: 'x' }, { key: `foyer_key_${'a'.repeat(43)}` }), 401, 'API_KEY_REJECTED');

  await ok(['set', 'orders', '--may', 'publish:orders-*', '--may', 'read:*', '--may', 'publish:tea', ...at], options);
  await until('the new right', async () => (await post(node, 'publish', { channel: 'tea', message: 'x' }, { key })).status === 200);
  await ok(['set', 'orders', '--may', 'publish:orders-*', '--may', 'read:*', ...at], options);
  await until('the right to end', async () => (await post(node, 'publish', { channel: 'tea', message: 'x' }, { key })).status === 403);

  const second = (await ok(['rotate', 'orders', ...at], options)).out.trim();
  for (const each of [second, key]) assert.ok(await call(node, 'publish', { channel: 'orders-7', message: 'x' }, { key: each }));
  await ok(['rotate', 'orders', '--drop-old', ...at], options);
  const refusedSoon = (each) => until('the key to be refused', async () => (await post(node, 'history', { channel: 'orders-7' }, { key: each })).status === 401);
  await refusedSoon(key);
  assert.ok(await call(node, 'history', { channel: 'orders-7' }, { key: second }));
  await ok(['disable', 'orders', ...at], options);
  await refusedSoon(second);
  await ok(['enable', 'orders', ...at], options);
  assert.ok(await call(node, 'history', { channel: 'orders-7' }, { key: second }), 'it is valid at once');
  await until('its use is noted', async () => (await listed(at, options))[0].used);
  await ann.close();
}

test('a running server accepts a new key at once, within its rights, and refuses a disabled one', async (t) => {
  const node = await serve(t);
  await used(node, ['--data', node.data]);
});

test('the same with PostgreSQL', async (t) => {
  const server = await Postgres.start(scope);
  const url = await server.fresh();
  const node = await serve(t, { env: { DATABASE_URL: url, STORE_KEY: 'qG7r0c2Jm1Yb8wZ4xK9tPd3nVh6sLf5u' } });
  await used(node, [], { env: { DATABASE_URL: url } });
});

test('a stored key is enough: without API_KEY the API exists as soon as there is one', async (t) => {
  const node = await serve(t, { dev: false, env: { ENVIRONMENT: 'test', SERVICE_SECRET: 'w8Jk2-Lm5Np7Qr9St1Uv3Wx6Yz0Ab4Cd', ...withSecret } });
  problem(await post(node, 'info', {}, { key: 'anything' }), 404, 'UNKNOWN_PATH');
  problem(await post(node, 'info', {}, { key: `foyer_key_${'a'.repeat(43)}` }), 404, 'UNKNOWN_PATH');
  const key = (await ok(['add', 'orders', '--may', 'read:*', '--data', node.data])).out.trim();
  assert.ok((await call(node, 'info', {}, { key })).nodes);
  problem(await post(node, 'info', {}, { key: 'anything' }), 401, 'API_KEY_REJECTED');
  problem(await post(node, 'info', {}, { key: null }), 401, 'API_KEY_REJECTED');
});

test('a key may be made before the server has ever run; a directory without a chat has none', async (t) => {
  const data = temporary(t);
  const added = await ok(['add', 'orders', '--may', 'read:*', '--data', data]);
  assert.match(added.out, KEY);
  assert.match(added.err, /chat\.sqlite did not exist and has been created/);
  assert.deepEqual((await listed(['--data', data])).map((key) => key.name), ['orders']);
  await serve(t, { data });
  await refused(['list', '--data', temporary(t)], 1, /FILE_UNREADABLE[\s\S]*no server has used this data directory/);
});

test('a backup has the keys', async (t) => {
  const node = await serve(t);
  await ok(['add', 'orders', '--may', 'read:*', '--data', node.data]);
  const archive = path.join(temporary(t), 'foyer.tar');
  assert.equal((await foyer(['backup', archive, '--data', node.data])).code, 0);
  const copy = temporary(t);
  const { execFileSync } = await import('node:child_process');
  execFileSync('tar', ['-xpf', archive, '-C', copy]);
  assert.deepEqual((await listed(['--data', copy])).map((key) => key.name), ['orders']);
});

test('wrong arguments say what is right, and change nothing', async (t) => {
  const at = ['--data', temporary(t)];
  const misuse = (args, why) => refused([...args, ...at], 2, why);
  await misuse([], /missing command: one of add, list, set, rotate, disable, enable/);
  await misuse(['ad'], /did you mean "add"/);
  await misuse(['add', 'orders'], /a key without rights can do nothing/);
  await misuse(['add', '--may', 'read:*'], /exactly one NAME/);
  await misuse(['list', 'x'], /takes no NAME/);
  await misuse(['set', 'x'], /a key without rights can do nothing/);
  await misuse(['set', 'x', '--may', 'export', '--for-service', 'y'], /--for-service works only with/);
  await misuse(['disable', 'x', '--may', 'read:*'], /--may works only with/);
  await misuse(['rotate', 'x', '--old-ends-in', 'soon'], /--old-ends-in takes a duration/);
  await misuse(['rotate', 'x', '--drop-old', '--old-ends-in', '1d'], /omit --old-ends-in/);
  await misuse(['rotate', 'x', '--drop-ol'], /did you mean "--drop-old"/);
  await refused(['add', 'x', '--may', 'write:*', ...at], 1, /INVALID_VALUE[\s\S]*--may[\s\S]*"write:\*"; the rights are publish:ROOM, read:ROOM/);
  await refused(['add', 'x', '--may', 'read', ...at], 1, /needs a pattern of room names/);
  await refused(['add', 'x', '--may', 'export', '--for-service', 'a b', ...at], 1, /INVALID_VALUE[\s\S]*--for-service/);
  await refused(['add', 'a|b', '--may', 'export', ...at], 1, /NAME_INVALID/);
  const help = await foyer(['api-key', '--help']);
  assert.deepEqual([help.code, help.err], [0, '']);
  assert.match(help.out, /Examples:\n {2}foyer api-key add orders --may 'publish:orders-\*'/);
});
