// foyer-client, packed and installed into an empty project: what is in it, its types, and a chat from Node.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { call } from './support/api.mjs';
import { SOURCE, VERSION, project } from './support/client_package.mjs';
import { ROOT, cleanEnv, fileScope, freePort, serve, temporary } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { arrive, expired, now, register, resign, withSecret } from './support/people.mjs';
import { Inbox, until, within } from './support/within.mjs';

const scope = fileScope(after);
let installed;
let foyer; // the module, as an application imports it
before(async () => {
  installed = await project(scope);
  foyer = await installed.module();
});

// A client of ann's that ends with the test; `heard` has what its room's listeners heard.
function connect(t, node, options) {
  const client = foyer.connect({ url: node.origin, ...options });
  t.after(() => client.close());
  return client;
}

const hears = (room) => {
  const heard = new Inbox(`messages of ${room.name}`);
  room.on('message', (m, how) => heard.push({ text: m.message, ...how }));
  return (text) => heard.take(text, (m) => m.text === text);
};

test('the package has the version of the repository, its licence, and nothing that is not needed', () => {
  const manifest = JSON.parse(fs.readFileSync(path.join(SOURCE, 'package.json'), 'utf8'));
  assert.equal(manifest.version, VERSION);
  assert.equal(manifest.dependencies, undefined);
  assert.equal(fs.readFileSync(path.join(SOURCE, 'LICENSE'), 'utf8'), fs.readFileSync(path.join(ROOT, 'LICENSE'), 'utf8'));
  const modules = fs.readdirSync(SOURCE).filter((name) => name.endsWith('.mjs') && !name.endsWith('.test.mjs'));
  assert.deepEqual(installed.list, ['LICENSE', 'README.md', 'index.d.mts', 'package.json', ...modules].sort());
  // Every module of it is needed by index.mjs, and needs nothing outside.
  const needed = new Set(['index.mjs']);
  for (const name of needed) {
    for (const [, from] of fs.readFileSync(path.join(SOURCE, name), 'utf8').matchAll(/ from '([^']+)'/g)) {
      assert.match(from, /^\.\/[a-z]+\.mjs$/, name);
      needed.add(from.slice(2));
    }
  }
  assert.deepEqual([...needed].sort(), modules.sort());
});

const tsc = (dir, ...args) => within('tsc', new Promise((resolve) => {
  execFile(process.execPath, [path.join(ROOT, 'tests/system/node_modules/typescript/bin/tsc'), '--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--lib', 'es2023,dom', ...args],
    { cwd: dir, env: cleanEnv() }, (error, out) => resolve(error ? out : ''));
}), 120_000);

test('the types are those of the code', async (t) => {
  // The code beside its types under other names: what the types promise, the code has.
  const dir = temporary(t);
  for (const name of fs.readdirSync(SOURCE)) if (/(?<!\.test)\.mjs$/.test(name)) fs.copyFileSync(path.join(SOURCE, name), path.join(dir, name));
  fs.copyFileSync(path.join(SOURCE, 'index.d.mts'), path.join(dir, 'promised.d.mts'));
  fs.writeFileSync(path.join(dir, 'check.mts'), `
    import type * as promised from './promised.mjs';
    import type { Client } from './client.mjs';
    import type { Room } from './room.mjs';
    import type * as code from './index.mjs';
    type Same<A, B> = [Exclude<keyof A, keyof B>, Exclude<keyof B, keyof A>] extends [never, never] ? true : { missing: Exclude<keyof A, keyof B>, extra: Exclude<keyof B, keyof A> };
    type Covers<Code, Promised> = Exclude<keyof Promised, keyof Code> extends never ? true : { missing: Exclude<keyof Promised, keyof Code> };
    const exports: Same<typeof code, typeof promised> = true;
    const client: Covers<Client, promised.Client> = true;
    const room: Covers<Room, promised.Room> = true;
    const error: Covers<code.FoyerError & { code: 1, who: 1, next: 1, retry: 1, retryAfterMs: 1, ref: 1, field: 1, step: 1, status: 1 }, promised.FoyerError> = true;
    // Methods take what is promised: a function of the code may be called as the types say.
    declare const c: Client; declare const r: Room;
    const calls: Partial<promised.Client> = { start: () => c.start(), close: () => c.close(), retryNow: () => c.retryNow() };
    type Arity<F> = F extends (...args: infer A) => unknown ? A['length'] : never;
    const type: Arity<promised.Room['type']> = 0 as Parameters<typeof r.type>['length'];
    void [exports, client, room, error, calls, type];
  `);
  assert.equal(await tsc(dir, '--allowJs', 'check.mts'), '');
});

test('a program in TypeScript is checked by them', async () => {
  const file = path.join(installed.dir, 'program.mts');
  fs.writeFileSync(file, `
    import { FoyerError, connect, type Client, type Message, type Room } from 'foyer-client';
    const client: Client = connect({ url: 'https://chat.example', token: async ({ again, error }) => (again ? error!.code : 't') });
    const off: () => void = client.on('refused', (e) => console.log(e.code.length, e.next, e.retry === 'after'));
    const room: Room = await client.join('tea', { limit: 10 });
    room.on('message', (m: Message, { recovered }) => console.log(m.from.name, m.message?.length, m.data, recovered));
    room.on('history', ({ messages, more }) => console.log(messages.map((m) => m.offset + 1), more));
    client.on('members', ({ joined }, where) => console.log(joined?.id, where.name));
    const { offset }: { offset: number } = await room.publish('Hello', { key: 'k' });
    try { await room.delete(offset); } catch (e) { if (e instanceof FoyerError) console.log(e.ref, await FoyerError.from(new Response())); }
    // @ts-expect-error there is no such event
    room.on('mesage', () => {});
    // @ts-expect-error a token is a string
    connect({ url: 'x', token: async () => 7 });
    // @ts-expect-error a text
    room.publish({ a: 1 });
    off();
  `);
  assert.equal(await tsc(installed.dir, 'program.mts'), '');
});

test('its README has a program that the types accept, and names all that they have', async () => {
  const readme = fs.readFileSync(path.join(SOURCE, 'README.md'), 'utf8');
  const types = fs.readFileSync(path.join(SOURCE, 'index.d.mts'), 'utf8');
  const [, program] = /```js\n([\s\S]*?)```/.exec(readme);
  fs.writeFileSync(path.join(installed.dir, 'readme.mts'), `import type { Message } from 'foyer-client';
    declare function show(messages: Message[]): void;
    declare function add(message: Message): void;
    ${program}`);
  assert.equal(await tsc(installed.dir, 'readme.mts'), '');
  for (const name of ['ConnectOptions', 'Client', 'ClientEvents', 'Room', 'RoomEvents', 'FoyerError']) {
    const [, body] = new RegExp(`(?:interface|class) ${name}\\b[^{]*\\{\n([\\s\\S]*?)\n\\}`).exec(types);
    const members = [...body.matchAll(/^  (?:static |readonly )*([a-z]\w*)\??[(:<]/gm)].map(([, member]) => member).filter((member) => !['constructor', 'toString'].includes(member));
    assert.ok(members.length > 3, name);
    assert.deepEqual(members.filter((member) => !new RegExp(`[\`{. ]${member}[\`(,} ]`).test(readme)), [], name);
  }
});

test('two programs chat; a token that is over is replaced before and at the door, and within the socket', async (t) => {
  const node = await serve(t, { env: withSecret });
  const { access_token: token } = await register(node, 'ann');
  const asked = [];
  const given = [expired(token), resign(token, { claims: { exp: now() + 50 } }), token];
  const ann = connect(t, node, { token: async (request) => { asked.push(request); return given[asked.length - 1]; } });
  const renewed = new Promise((resolve) => { ann.connection.onMessage((m) => { if (m.type === 'refreshed') resolve(m); }); });
  const room = await within('ann in the room', ann.join('tea'));
  assert.equal(ann.user.name, 'ann');
  await within('a new token in the same socket', renewed);
  assert.deepEqual(asked.map(({ again, error }) => [again, error?.code]), [[false, undefined], [true, 'TOKEN_EXPIRED'], [true, undefined]]);

  const bobs = await register(node, 'bob');
  const bob = connect(t, node, { url: node.origin.replace('http', 'ws') + '/ws/chat', token: () => bobs.access_token });
  const bobsRoom = await bob.join('tea');
  const said = hears(room);
  const sent = await room.publish('Hello');
  assert.deepEqual([sent.offset, sent.duplicate], [1, false]);
  bobsRoom.type();
  await until('bob to be seen typing', () => [...room.typing.values()].some(({ name }) => name === 'bob'));
  await bobsRoom.publish('Hello ann');
  assert.deepEqual(await said('Hello ann'), { text: 'Hello ann', recovered: false });
  assert.deepEqual([...room.members.values()].map(({ name }) => name).sort(), ['ann', 'bob']);
  assert.equal((await room.presence()).member_count, 2);
  assert.deepEqual((await room.history({ before: 3 })).messages.map((m) => m.message), ['Hello', 'Hello ann']);
  const deleted = new Promise((resolve) => { bobsRoom.on('deleted', resolve); });
  await room.delete(1);
  assert.equal((await within('the deletion', deleted)).offset, 1);
  assert.deepEqual((await ann.list()).map((row) => row.room), ['tea']);
  await room.leave();
  await until('ann to be gone', () => bobsRoom.memberCount === 1);
});

test('a room whose rule needs a token is joined with one of its own', async (t) => {
  const node = await serve(t, { env: { ...withSecret, FOYER_ROOMS: '[{"match":"orders-*","join":"token"}]' } });
  const { access_token: token } = await register(node, 'ann');
  const ann = connect(t, node, { token: () => token });
  assert.equal((await ann.join('orders-7').catch((e) => e)).code, 'ROOM_TOKEN_REQUIRED');
  const room = await ann.join('orders-7', { token: () => resign(token, { header: { typ: 'room+jwt' }, claims: { room: 'orders-7' } }) });
  assert.equal((await room.publish('Hello')).offset, 1);
  const other = await ann.join('orders-8', { token: () => resign(token, { header: { typ: 'room+jwt' }, claims: { room: 'orders-9' } }) }).catch((e) => e);
  assert.deepEqual([other.code, other.next !== ''], ['ROOM_TOKEN_REQUIRED', true]);
});

test('a room whose token ends goes on with the next one, and misses nothing', async (t) => {
  const node = await serve(t, { env: { ...withSecret, FOYER_JWT_LEEWAY: '1s', FOYER_ROOMS: '[{"match":"orders-*","join":"token"}]' } });
  const { access_token: token } = await register(node, 'ann');
  const roomToken = (seconds) => resign(token, { header: { typ: 'room+jwt' }, claims: { room: 'orders-7', exp: now() + seconds } });
  const ann = connect(t, node, { token: () => token });
  const asked = [];
  let server;
  const room = await ann.join('orders-7', { token: async ({ error }) => {
    asked.push(error?.code);
    if (asked.length === 2) await server; // while there is no subscription
    return roomToken(asked.length === 1 ? 1 : 600);
  } });
  server = until('the end of the first token', () => asked.length === 2).then(() => call(node, 'publish', { channel: 'orders-7', message: 'meanwhile' }));
  const heard = [];
  room.on('message', (message) => heard.push(message.message));
  await server;
  await until('what was said meanwhile', () => heard.includes('meanwhile'));
  assert.deepEqual([asked, room.state], [[undefined, 'ROOM_TOKEN_EXPIRED'], 'joined']);
  assert.equal((await room.publish('Hello')).offset, 2);
});

test('data goes as data', async (t) => {
  const node = await serve(t);
  const { access_token: token } = await register(node, 'ann');
  const room = await connect(t, node, { token: () => token }).join('orders-7');
  const heard = new Promise((resolve) => { room.on('message', resolve); });
  await room.publishData({ state: 'paid', sum: [1.5, null] });
  assert.deepEqual((await within('the data', heard)).data, { state: 'paid', sum: [1.5, null] });
});

test('a server that restarts: what was missed is recovered, once and in order, and what was written meanwhile is stored once', async (t) => {
  const data = temporary(t);
  const listen = `127.0.0.1:${await freePort()}`;
  let node = await serve(t, { data, listen });
  const { access_token: token } = await register(node, 'ann');
  // A socket that cannot be opened while the line is cut.
  let cut = false;
  class Line extends WebSocket {
    constructor(url, protocols) { super(cut ? 'ws://127.0.0.1:1/ws/chat' : url, protocols); }
  }
  const ann = connect(t, node, { token: () => token, WebSocket: Line });
  const seen = [];
  const room = ann.room('tea');
  room.on('history', ({ messages }) => seen.push(['history', ...messages.map((m) => m.message)]));
  room.on('message', (m, { recovered }) => seen.push([m.message, recovered]));
  await room.join();
  await room.publish('before');
  cut = true;
  assert.equal((await node.terminate()).code, 0);
  await until('ann to wait', () => ann.state === 'waiting');
  const written = room.publish('written meanwhile');
  node = await serve(t, { data, listen });
  const bob = await arrive(node, 'bob');
  await bob.join('tea');
  await bob.say('tea', 'missed one');
  await bob.say('tea', 'missed two');
  cut = false;
  await until('ann to be back', () => { ann.retryNow(); return ann.online && room.joined; });
  assert.deepEqual([(await within('the answer', written)).offset], [4]);
  await until('her own message', () => seen.length === 5);
  assert.deepEqual(seen, [['history'], ['before', false], ['missed one', true], ['missed two', true], ['written meanwhile', false]]);
});

test('a refusal has its code, the next step and the reference, and ends what waits', async (t) => {
  const node = await serve(t, { env: withSecret });
  const { access_token: token } = await register(node, 'ann');
  const row = async (code) => (await ask(node, 'GET', `/causes/${code}`)).json;

  const asked = [];
  const forged = connect(t, node, { token: (request) => { asked.push(request.error?.code); return resign(token, { secret: 'another secret, which is long enough' }); } });
  const refused = new Promise((resolve) => { forged.on('refused', resolve); });
  const error = await forged.join('tea').catch((e) => e);
  assert.ok(error instanceof foyer.FoyerError, String(error));
  assert.deepEqual([error.code, error.next, error.who], ['SIGNATURE_INVALID', (await row('SIGNATURE_INVALID')).next, (await row('SIGNATURE_INVALID')).who]);
  assert.ok(error.next && error.ref && error.message, String(error));
  assert.equal(await within('the event', refused), error);
  assert.deepEqual(asked, [undefined, 'SIGNATURE_INVALID'], 'one new token, and no more');
  assert.equal(forged.state, 'refused');

  const ann = connect(t, node, { token: () => token });
  const notMember = await ann.join('private:plan').catch((e) => e);
  assert.deepEqual([notMember.code, notMember.next], ['NOT_A_MEMBER', (await row('NOT_A_MEMBER')).next]);
  const room = await ann.join('tea');
  assert.equal((await room.publish('x'.repeat(20_000)).catch((e) => e)).code, 'MESSAGE_TOO_LARGE');
  assert.equal((await ann.request('create', { room: 'tea' }).catch((e) => e)).field, 'room');

  const nobody = connect(t, node, { token: () => null });
  assert.equal((await nobody.ready().catch((e) => e)).code, 'CLIENT_NO_TOKEN');
});

test('where the runtime has no WebSocket it says so, and takes that of the package ws', async (t) => {
  const node = await serve(t);
  const { access_token: token } = await register(node, 'ann');
  fs.writeFileSync(path.join(installed.dir, 'given.mjs'), `
    import { connect } from 'foyer-client';
    const options = { url: '${node.origin}', token: () => '${token}' };
    try { connect(options); } catch (error) { console.log(error.message); }
    const { default: WebSocket } = await import('${path.join(ROOT, 'tests/system/node_modules/ws/wrapper.mjs')}');
    const client = connect({ ...options, WebSocket });
    const room = await client.join('tea');
    console.log('stored at', (await room.publish('Hello')).offset);
    client.close();
  `);
  const child = spawn(process.execPath, ['--no-experimental-websocket', 'given.mjs'], { cwd: installed.dir, env: cleanEnv(), stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text) => { out += text; });
  assert.equal(await within('the program to end by itself', new Promise((resolve) => { child.on('close', resolve); })), 0);
  assert.match(out, /^this runtime has no WebSocket.*\nstored at 1\n$/);
});
