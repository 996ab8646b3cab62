// What an operator reads: explanations by number, mistyped commands, invitations, metrics, the log.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { foyer, foyerJson, serve, temporary } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { PASSWORD, arrive } from './support/people.mjs';
import { handshake } from './support/websocket.mjs';
import { until } from './support/within.mjs';

const apiKey = (node) => fs.readFileSync(path.join(node.data, 'api_key'), 'utf8').trim();
const metricsOf = async (node) => (await ask(node, 'GET', '/metrics', { headers: { 'X-API-Key': apiKey(node) } })).text;

test('foyer explain 4401 and 401 list the codes that are reported so; 1006 says who makes it', async () => {
  const close = await foyerJson(['explain', '4401', '--json']);
  assert.equal(close.code, 0);
  assert.ok(close.json.causes.some((c) => c.code === 'TOKEN_EXPIRED'));
  assert.deepEqual(close.json.causes.filter((c) => c.close !== 4401 && c.http !== 4401), []);
  const all = (await foyerJson(['explain', '--all', '--json'])).json;
  assert.deepEqual((await foyerJson(['explain', '401', '--json'])).json.causes.map((c) => c.code), all.filter((c) => c.http === 401).map((c) => c.code));
  assert.match((await foyer(['explain', '4401'])).out, /4401 is the close code of \d+ codes:[\s\S]*TOKEN_EXPIRED/);
  const bare = await foyer(['explain', '1006']);
  assert.deepEqual([bare.code, /Never sent[\s\S]*library[\s\S]*proxy/.test(bare.out)], [0, true]);
  assert.match((await foyer(['explain', '1001'])).out, /SERVER_SHUTDOWN/);
  const unknown = await foyer(['explain', '4777']);
  assert.deepEqual([unknown.code, unknown.out], [1, '']);
});

test('foyer explain of a near miss names the code and explains it', async () => {
  for (const [written, meant] of [['TOKEN_EXPIERD', 'TOKEN_EXPIRED'], ['expired-token', 'TOKEN_EXPIRED'], ['LISTEN_IN_USE', 'LISTEN_ADDRESS_IN_USE']]) {
    const { code, out, err } = await foyer(['explain', written]);
    assert.equal(code, 1, written);
    assert.match(err, new RegExp(meant), written);
    if (/Did you mean/.test(err)) assert.match(out, new RegExp(`^\\s*${meant}\\n`), written);
  }
  assert.match((await foyer(['explain', 'tls'])).err, /PLAIN_ON_TLS_PORT|TLS_HANDSHAKE_FAILED/);
});

test('a mistyped command of foyer user, service, key or token: did you mean', async () => {
  for (const [args, meant] of [[['user', 'lst'], 'list'], [['user', 'disabel', 'ann'], 'disable'], [['service', 'rotat', 'x'], 'rotate'], [['key', 'rm', 'x'], null], [['key', 'remov', 'x'], 'remove'], [['token', 'verfy', 'x'], 'verify'],
    [['user', 'add', 'ann', '--admn'], '--admin'], [['srve'], 'serve']]) {
    const { code, err } = await foyer(args);
    assert.equal(code, 2, args.join(' '));
    if (meant) assert.match(err, new RegExp(`[Dd]id you mean "${meant}"\\?`), args.join(' '));
    else assert.doesNotMatch(err, /did you mean/i, args.join(' '));
  }
  assert.match((await foyer(['user'])).err, /missing command: one of add, list/);
});

test('foyer user invite: a link where an invitation counts; where it does not, how to change that', async (t) => {
  const invited = await serve(t, { args: ['--registration', 'invite'] });
  const { json } = await foyerJson(['user', 'invite', '--json', '--data', invited.data]);
  assert.equal(json.link, `${invited.url}/#invitation=${json.invitation}`);
  const answer = await ask(invited, 'POST', '/auth/register', { body: { name: 'ann', password: PASSWORD, invitation: json.invitation } });
  assert.equal(answer.status, 201, answer.text);
  const closed = await serve(t, { args: ['--registration', 'closed'] });
  const refused = await foyer(['user', 'invite', '--data', closed.data]);
  assert.deepEqual([refused.code, refused.out], [1, '']);
  assert.match(refused.err, /REGISTRATION_CLOSED[\s\S]*in the server that runs[\s\S]*sets registration to invite/);
  const open = await serve(t);
  assert.match((await foyer(['user', 'invite', '--data', open.data])).out, /no invitation is needed/);
  const nowhere = await foyer(['user', 'invite', '--data', temporary(t)], { env: { ENVIRONMENT: 'production' } });
  assert.match(nowhere.err, /REGISTRATION_CLOSED[\s\S]*in this configuration/);
});

test('a message of an unknown type names the nearest; the first message that is no authenticate reads well', async (t) => {
  const node = await serve(t);
  const ann = await arrive(node, 'ann');
  assert.match(JSON.stringify(await ann.ask('joni', { room: 'tea' })), /the nearest is \\"join\\"/);
  const first = async (message) => {
    const { socket } = await handshake(node, {});
    socket.sendText(message);
    await socket.ended();
    const { json } = await ask(node, 'GET', '/api/refusals?code=NO_TOKEN&limit=1', { headers: { 'X-API-Key': apiKey(node) } });
    return json.refusals[0].operator;
  };
  assert.match(await first('{"type":"authenticate"}'), /Seen: the first message was not a usable authenticate: token and ticket are both missing; one of them is required\.$/);
});

test('metrics: counters are typed as counters and end in _total, nothing else does; process_* and foyer_build_info are there', async (t) => {
  const node = await serve(t);
  const text = await metricsOf(node);
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));
  assert.deepEqual([...types].filter(([name, type]) => (type === 'counter') !== name.endsWith('_total')), []);
  for (const [name, type] of [['process_cpu_seconds_total', 'counter'], ['process_resident_memory_bytes', 'gauge'], ['process_open_fds', 'gauge'], ['process_max_fds', 'gauge'], ['process_start_time_seconds', 'gauge'], ['process_virtual_memory_bytes', 'gauge']]) {
    assert.equal(types.get(name), type, name);
    assert.ok(Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)[1]) > 0, name);
  }
  const version = fs.readFileSync('VERSION', 'utf8').trim();
  assert.match(text, new RegExp(`^foyer_build_info\\{version="${version}",build="[^"]+",environment="development"\\} 1$`, 'm'));
  assert.ok(Math.abs(Number(/^process_start_time_seconds (\S+)$/m.exec(text)[1]) - Date.parse(node.status.started) / 1_000) < 1);
  // A counter only grows.
  const sent = async () => Number(/^foyer_loop_sent_bytes_total\{loop="0"\} (\S+)$/m.exec(await metricsOf(node))[1]);
  const before = await sent();
  await until('more bytes sent', async () => (await sent()) > before);
});

test('the log tells at info who registered, logged in, was admitted and left, why and after how long, and no password', async (t) => {
  const node = await serve(t);
  const ann = await arrive(node, 'ann');
  const registered = await node.logged('registered');
  assert.deepEqual([registered.level, registered.user, registered.address], ['info', ann.user.id, '127.0.0.1']);
  const admitted = await node.logged('admitted');
  assert.deepEqual([admitted.level, admitted.user, admitted.address, admitted.path], ['info', ann.user.id, '127.0.0.1', '/ws/chat']);
  await ann.socket.sendFrame(0x8, Buffer.from([0x03, 0xe8]));
  const ended = await node.logged('socket_ended');
  assert.deepEqual([ended.level, ended.user, ended.way, ended.close, ended.reason], ['info', ann.user.id, 'client_close', 1000, '']);
  assert.ok(ended.age_ms >= 0);
  const bob = await arrive(node, 'bob');
  assert.equal((await foyer(['user', 'revoke', 'bob', '--data', node.data])).code, 0);
  const { reason } = await bob.ended();
  assert.deepEqual(Object.values(await node.logged('socket_ended', { user: bob.user.id })).filter((value) => value === reason), [reason]);
  await ask(node, 'POST', '/auth/login', { body: { name: 'ann', password: PASSWORD } });
  assert.equal((await node.logged('logged_in')).user, ann.user.id);
  assert.doesNotMatch(node.text, new RegExp(PASSWORD));
});

test('foyer upkeep takes the key from the file that API_KEY_FILE names', async (t) => {
  const node = await serve(t);
  const file = path.join(temporary(t), 'operators.key');
  fs.writeFileSync(file, `${apiKey(node)}\n`, { mode: 0o600 });
  const elsewhere = ['upkeep', '--url', node.url, '--data', temporary(t)];
  const without = await foyer(elsewhere);
  assert.deepEqual([without.code, /no API key/.test(without.err)], [2, true]);
  const { code, out, err } = await foyer(elsewhere, { env: { API_KEY_FILE: file } });
  assert.deepEqual([code, /deleted every hour/.test(out)], [0, true], err);
});
