// `connect` and `refresh` asked of an application: a real one, on a port of its own, that lets in, refuses, hangs, is away
// or answers with something else. docs/asking.md says what happens then.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Application, no, yes } from './support/application.mjs';
import { freePort, serve } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { watch } from './support/metrics.mjs';
import { now, register } from './support/people.mjs';
import { Client, handshake } from './support/websocket.mjs';
import { until } from './support/within.mjs';

async function asked(t, { args = [], ...table } = {}) {
  const application = await Application.start(t);
  const node = await serve(t, { args, env: { FOYER_ASK: JSON.stringify([application.table({ events: ['connect'], timeout: '5s', ...table })]) } });
  t.after(() => assert.deepEqual(application.faults, [], 'every question is verified by the unmodified library'));
  return { application, node, ann: await register(node, 'ann') };
}
const bearer = (person) => ({ Authorization: `Bearer ${person.access_token}` });
const page = (node) => ({ Origin: `http://${node.host}:${node.port}` });

// As a page: the credential in the first message.
async function arriving(node, person) {
  const { socket } = await handshake(node, { headers: page(node) });
  socket.sendText(JSON.stringify({ type: 'authenticate', token: person.access_token }));
  return socket;
}

// A program reads an HTTP answer, a page the error and the Close.
async function refused(node, person, code, status, close) {
  const { refused: answer } = await handshake(node, { headers: bearer(person) });
  assert.deepEqual([answer?.status, answer?.json.code, answer?.json.step], [status, code, 'application']);
  const socket = await arriving(node, person);
  const { code: closed, reason } = await socket.ended();
  const error = socket.received.at(-1);
  assert.deepEqual([error.type, error.code, error.step, closed], ['authentication_error', code, 'application', close]);
  assert.match(reason, new RegExp(`^${code} `));
  return { answer: answer.json, error };
}

test('the application lets a client in, names it, joins it to rooms, and reads the headers that it may', async (t) => {
  const { application, node, ann } = await asked(t, { headers: ['X-Device'] });
  application.answer = () => yes({ info: { name: 'Dr. Ann' }, channels: ['lobby'], meta: { plan: 'gold' } });
  const client = await Client.open(node, { headers: { ...bearer(ann), 'X-Device': 'phone', 'X-Other': 'kept here', Cookie: 'a=b' } });
  assert.equal(client.user.name, 'Dr. Ann');
  const joined = await client.next('joined');
  assert.deepEqual([joined.room, joined.by], ['lobby', 'server']);
  const { headers, url, ...question } = await application.questions.take('the question');
  assert.deepEqual(question, { event: 'connect', client: client.welcome.connection, transport: 'websocket', protocol: 'json', encoding: 'json', user: client.user.id, info: { name: 'ann' } });
  assert.equal(headers['x-device'], 'phone');
  for (const name of ['x-other', 'cookie', 'authorization']) assert.equal(headers[name], undefined, name);
});

test('the application says no with its own code and text, and nobody comes in without a credential', async (t) => {
  const { application, node, ann } = await asked(t);
  application.answer = () => no(1402, 'Your subscription has ended.');
  const { answer, error } = await refused(node, ann, 'APP_REFUSED', 403, 4403);
  for (const text of [answer.detail, error.message]) assert.match(text, /1402: Your subscription has ended\./);
  assert.deepEqual([answer.retry, error.retry], ['never', 'never']);
  application.answer = () => ({ json: { disconnect: { code: 4501, reason: 'Banned.' } } });
  assert.match((await refused(node, ann, 'APP_REFUSED', 403, 4403)).error.message, /4501: Banned\./);
  const message = await ask(node, 'GET', '/rooms/tea/messages/1', { token: ann.access_token });
  assert.deepEqual([message.status, message.json.code], [403, 'APP_REFUSED'], 'single messages are read by nobody else either');
  application.answer = () => yes();
  const before = application.asked;
  for (const token of ['a.b.c', `${ann.access_token}x`]) assert.equal((await handshake(node, { headers: { Authorization: `Bearer ${token}` } })).refused.status, 401);
  assert.equal(application.asked, before, 'nobody is asked about them');
});

test('what is no answer is neither yes nor no', async (t) => {
  const { application, node, ann } = await asked(t);
  const answers = [
    { headers: { 'content-type': 'text/html' }, body: '<html>Sign in</html>' },
    { json: {} }, { json: { result: [] } }, { status: 404, json: { result: {} } }, { status: 302, headers: { location: 'http://127.0.0.1/' }, body: '' },
    yes({ user: 'u_somebody_else' }), yes({ expire_at: 1 }), yes({ channels: ['a room'] }), yes({ subs: { tea: {} } }), yes({ data: { hello: 1 } }), yes({ expires_at: now() + 60 }),
  ];
  for (const answer of answers) {
    application.answer = () => answer;
    const { error } = await refused(node, ann, 'APP_ANSWER_INVALID', 503, 4503);
    assert.equal(error.retry, 'after', JSON.stringify(answer));
  }
  application.answer = () => yes();
  assert.equal((await Client.open(node, { headers: bearer(ann) })).user.name, 'ann');
});

test('an application that is slow or away keeps people out for a while, and is asked again', async (t) => {
  const { application, node, ann } = await asked(t, { timeout: '300ms' });
  application.answer = () => undefined;
  assert.equal((await refused(node, ann, 'APP_TIMEOUT', 503, 4503)).error.retry, 'after');
  const { port } = application;
  await application.stop();
  await refused(node, ann, 'APP_UNAVAILABLE', 503, 4503);
  application.answer = () => yes();
  await application.listen(port);
  await until('the application is asked again', async () => {
    const { refused: answer, socket } = await handshake(node, { headers: bearer(ann) });
    socket?.destroy();
    if (answer) assert.equal(answer.json.code, 'APP_UNAVAILABLE');
    return !answer;
  });
});

test('an end that the application has set comes, and the server asks it once more, with its own meta', async (t) => {
  const { application, node, ann } = await asked(t, { events: ['connect', 'refresh'] });
  const end = now() + 2;
  application.answer = ({ event }) => (event === 'connect' ? yes({ expire_at: end, meta: { n: 1 } }) : yes({ expire_at: now() + 3_600, meta: { n: 2 } }));
  const client = await Client.open(node, { headers: bearer(ann) });
  assert.equal(Date.parse(client.welcome.expires_at), end * 1_000);
  assert.equal((await application.questions.take('connect', (q) => q.event === 'connect')).meta, undefined);
  const refresh = () => application.questions.take('refresh', (q) => q.event === 'refresh');
  assert.deepEqual((await refresh()).meta, { n: 1 });
  assert.ok(Date.parse((await client.next('refreshed')).expires_at) > (end + 3_000) * 1_000);
  // A new token is asked about as well; a "no" ends the connection.
  application.answer = () => no(7, 'Signed out.');
  client.send({ type: 'refresh', id: 9, token: ann.access_token });
  assert.deepEqual((await refresh()).meta, { n: 2 });
  const { code, reason } = await client.ended();
  assert.equal(code, 4403);
  assert.match(reason, /^APP_REFUSED \S+ 7: Signed out\.$/);
  const error = client.socket.received.at(-1);
  assert.deepEqual([error.type, error.id, error.code], ['error', 9, 'APP_REFUSED']);
});

test('fifty sockets wait for a hanging application: the rest of the server answers, and nothing of them stays', async (t) => {
  const port = await freePort();
  const { application, node, ann } = await asked(t, { timeout: '30s', args: ['--echo', 'token', '--metrics-listen', `127.0.0.1:${port}`] });
  const metrics = await watch(t, port);
  const held = [];
  application.answer = (_, response) => { held.push(response); };
  const sockets = await Promise.all(Array.from({ length: 50 }, () => arriving(node, ann)));
  await metrics.untilUsed('ask_questions', 50);
  assert.equal((await metrics.limit('pending_limit')).used, 50);
  for (const path of ['/health/live', '/health/ready', '/health']) assert.equal((await ask(node, 'GET', path)).status, 200, path);
  const echo = await handshake(node, { path: '/ws/echo', headers: bearer(ann) });
  echo.socket.sendText('{"n":1}');
  await echo.socket.messages.take('the echo', (m) => m.n === 1);
  echo.socket.destroy();
  for (const socket of sockets.slice(0, 25)) socket.destroy();
  application.answer = () => yes();
  for (const response of held) response.writeHead(200).end('{"result":{}}');
  for (const socket of sockets.slice(25)) await socket.messages.take('a welcome', (m) => m.type === 'authentication_success');
  for (const socket of sockets.slice(25)) socket.destroy();
  for (const limit of ['pending_limit', 'connection_limit', 'ask_questions']) await metrics.untilUsed(limit, 0);
});

test('a server that ends while the application hangs ends in time', async (t) => {
  const { application, node, ann } = await asked(t, { timeout: '1s' });
  application.answer = () => undefined;
  const socket = await arriving(node, ann);
  await application.questions.take('the question');
  assert.equal((await node.terminate()).code, 0);
  const { code } = await socket.ended();
  assert.ok([1001, 4503].includes(code), `closed with ${code}`);
});
