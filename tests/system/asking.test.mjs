// An application that decides who joins a room and what is published there: a real one, on a port of its own, that
// agrees, refuses, changes, hangs, talks nonsense, is away and comes back. docs/asking.md says what happens then.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Application, ASK_SECRET, no, yes } from './support/application.mjs';
import { atEnd, foyer, foyerJson, freePort, ROOT, serve, temporary } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { arrive, register } from './support/people.mjs';
import { Client } from './support/websocket.mjs';
import { until } from './support/within.mjs';

const KEY = crypto.randomBytes(36).toString('base64url');
// What is stored is not what was said: the invariants, which compare the two, do not watch it.
const unwatched = (client) => client.socket.watchedBy({ said() {}, heard() {}, closed() {} });

// A server that asks an application about the rooms app-*; others are as always.
async function asked(t, { table = {}, rules = [], env = {}, args = [] } = {}) {
  const application = await Application.start(t);
  const node = await serve(t, {
    args,
    env: { FOYER_ASK: JSON.stringify([application.table({ rooms: ['app-*', 'private:*'], ...table })]), FOYER_ROOMS: JSON.stringify(rules), ...env },
  });
  t.after(() => assert.deepEqual(application.faults, [], 'every question is verified by the unmodified library'));
  return { application, node };
}

test('the application is asked, with the shapes of a proxy of Centrifugo, signed as webhooks are', async (t) => {
  const { application, node } = await asked(t);
  const ann = await arrive(node, 'ann');
  assert.equal((await ann.join('app-1')).type, 'joined');
  const join = await application.questions.take('the join');
  const common = { client: ann.welcome.connection, transport: 'websocket', protocol: 'json', encoding: 'json', user: ann.user.id, info: { name: 'ann' } };
  const { headers, url, ...body } = join;
  assert.deepEqual(body, { event: 'subscribe', ...common, channel: 'app-1' });
  assert.equal(url, '/foyer?from=chat');
  assert.match(headers['user-agent'], /^foyer\//);
  assert.equal((await ann.say('app-1', 'hello "you"')).type, 'sent');
  assert.deepEqual((await application.questions.take('the text')).data, { message: 'hello "you"' });
  assert.equal((await ann.ask('publish', { room: 'app-1', data: { state: ['paid', 7] } })).type, 'sent');
  const { event, channel, data } = await application.questions.take('the data');
  assert.deepEqual({ event, channel, data }, { event: 'publish', channel: 'app-1', data: { state: ['paid', 7] } });
  assert.equal((await ann.join('tea')).type, 'joined');
  assert.equal((await ann.say('tea', 'nobody is asked here')).type, 'sent');
  assert.equal(application.asked, 3);
});

test('a no is a no, with the code and the text of the application', async (t) => {
  const { application, node } = await asked(t);
  const ann = await arrive(node, 'ann');
  application.answer = ({ event }) => (event === 'subscribe' ? no(4001, 'sold out') : yes());
  const refused = await ann.join('app-1');
  assert.deepEqual([refused.type, refused.code, refused.retry], ['error', 'APP_REFUSED', 'never']);
  assert.match(refused.message, /4001: sold out/);
  application.answer = ({ event, data }) => (event === 'publish' && data.message === 'bad' ? no(17, 'watch your tongue') : yes());
  assert.equal((await ann.join('app-1')).type, 'joined');
  const said = await ann.say('app-1', 'bad');
  assert.deepEqual([said.code, /17: watch your tongue/.test(said.message)], ['APP_REFUSED', true]);
  assert.equal((await ann.say('app-1', 'good')).offset, 1, 'what was refused is not in the history');
});

test('disconnect closes the connection with the words of the application', async (t) => {
  const { application, node } = await asked(t);
  const ann = await arrive(node, 'ann');
  application.answer = () => ({ json: { disconnect: { code: 4501, reason: 'account closed' } } });
  ann.send({ type: 'join', id: 1, room: 'app-1' });
  const end = await ann.ended();
  assert.equal(end.code, 4403);
  assert.match(end.reason, /^APP_REFUSED \S+ 4501: account closed$/);
});

test('the answer changes what is published, in its own kind', async (t) => {
  const { application, node } = await asked(t);
  const ann = await arrive(node, 'ann');
  await ann.join('app-1');
  unwatched(ann);
  application.answer = ({ data }) => yes({ data: data.message ? { message: data.message.replace('damn', 'd***') } : { ...data, checked: true } });
  await ann.say('app-1', 'damn it');
  assert.equal((await ann.next('message')).message, 'd*** it');
  await ann.ask('publish', { room: 'app-1', data: { a: 1 } });
  const { messages } = await ann.ask('history', { room: 'app-1' });
  assert.equal(messages.length, 2);
  for (const data of ['text', { message: 7 }, { message: `${'x'.repeat(200_000)}` }, { message: '\u0007' }]) {
    application.answer = () => yes({ data });
    const refused = await ann.say('app-1', 'hi');
    assert.equal(refused.code, 'APP_ANSWER_INVALID', JSON.stringify(data).slice(0, 40));
  }
});

test('a subscription ends when the application said so', async (t) => {
  const { application, node } = await asked(t);
  const ann = await arrive(node, 'ann');
  application.answer = () => yes({ expire_at: Math.floor(Date.now() / 1_000) + 2 });
  assert.equal((await ann.join('app-1')).type, 'joined');
  assert.equal((await ann.next('room_removed', { room: 'app-1' })).code, 'ROOM_TOKEN_EXPIRED');
  application.answer = () => yes();
  assert.equal((await ann.join('app-1')).type, 'joined', 'it is asked again');
});

test('join = app and write = app: without the application nobody enters or writes', async (t) => {
  const { application, node } = await asked(t, { rules: [{ match: 'app-*', join: 'app', write: 'app' }] });
  const ann = await arrive(node, 'ann');
  for (const [type, fields] of [['chat', { message: 'hi' }], ['history', {}], ['presence', {}]])
    assert.equal((await ann.ask(type, { room: 'app-1', ...fields })).code, 'NOT_JOINED', type);
  assert.equal((await ann.join('app-1')).type, 'joined');
  assert.equal((await ann.say('app-1', 'hi')).type, 'sent');
  assert.equal((await ann.ask('history', { room: 'app-1' })).messages.length, 1);
  const bob = await arrive(node, 'bob');
  application.answer = ({ user }) => (user === bob.user.id ? no(1, 'no') : yes());
  assert.equal((await bob.join('app-1')).code, 'APP_REFUSED');
  assert.equal((await bob.ask('history', { room: 'app-1' })).code, 'NOT_JOINED');
});

test('the rules of a room hold beside the application', async (t) => {
  const { application, node } = await asked(t, { rules: [{ match: 'app-closed', join: 'nobody' }, { match: 'app-quiet', write: 'server' }] });
  const ann = await arrive(node, 'ann');
  assert.equal((await ann.join('app-closed')).code, 'PERMISSION_DENIED');
  await ann.join('app-quiet');
  assert.equal((await ann.say('app-quiet', 'hi')).code, 'PERMISSION_DENIED');
  assert.equal((await ann.join('private:of-others')).code, 'NOT_A_MEMBER');
  assert.ok(application.asked >= 3);
});

test('while a question hangs, only its room waits: other rooms, other people and other commands go on', async (t) => {
  const { application, node } = await asked(t, { table: { timeout: '20s' } });
  const [ann, bob] = [await arrive(node, 'ann'), await arrive(node, 'bob')];
  for (const who of [ann, bob]) for (const room of ['app-1', 'app-2', 'tea']) await who.join(room);
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  application.answer = async ({ channel, data }) => { if (channel === 'app-1' && data?.message === 'slow') await held; return yes(); };
  ann.send({ type: 'chat', id: 100, room: 'app-1', message: 'slow' });
  ann.send({ type: 'chat', id: 101, room: 'app-1', message: 'behind it' });
  ann.send({ type: 'history', id: 102, room: 'app-1' });
  await until('the question', () => application.questions.items.some(({ data }) => data?.message === 'slow'));
  assert.equal((await ann.say('app-2', 'another room')).type, 'sent');
  assert.equal((await ann.say('tea', 'a room that is not asked about')).type, 'sent');
  assert.equal((await ann.ask('create', { room: 'private:den' })).type, 'created');
  assert.equal((await ann.join('coffee')).type, 'joined');
  assert.equal((await bob.say('app-1', 'somebody else')).type, 'sent');
  assert.deepEqual(ann.kept.filter(({ id }) => id >= 100), [], 'the room itself waits');
  release();
  const answers = [];
  for (let i = 0; i < 3; i += 1) answers.push(await ann.socket.messages.take('an answer', ({ id }) => id >= 100));
  assert.deepEqual(answers.map(({ id }) => id), [100, 101, 102], 'in order');
  assert.deepEqual(answers[2].messages.map(({ message }) => message), ['somebody else', 'slow', 'behind it']);
});

test('a connection that closes while its question is under way leaves nothing behind', async (t) => {
  const { application, node } = await asked(t, { table: { timeout: '20s' } });
  const ann = await arrive(node, 'ann');
  await ann.join('app-1');
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  application.answer = async () => { await held; return yes(); };
  ann.send({ type: 'chat', id: 1, room: 'app-1', message: 'too late' });
  ann.send({ type: 'join', id: 2, room: 'app-2' });
  await application.questions.take('the message', ({ event }) => event === 'publish');
  await application.questions.take('the join', ({ channel }) => channel === 'app-2');
  await ann.close();
  release();
  application.answer = () => yes();
  const bob = await arrive(node, 'bob');
  await bob.join('app-1');
  await bob.join('app-2');
  assert.deepEqual((await bob.ask('history', { room: 'app-1' })).messages, []);
  assert.deepEqual((await bob.ask('presence', { room: 'app-2' })).members.map(({ id }) => id), [bob.user.id]);
});

test('what is not an answer is said as what it is, and nobody is let in or refused because of it', async (t) => {
  const { application, node } = await asked(t);
  const ann = await arrive(node, 'ann');
  const page = '<html><body>Please log in</body></html>';
  const rows = [
    [{ headers: { 'content-type': 'text/html' }, body: page }, 'APP_ANSWER_INVALID', /answered 200 with text\/html, 39 bytes that begin with <html>/],
    [{ status: 404, headers: { 'content-type': 'text/html' }, body: page }, 'APP_ANSWER_INVALID', /answered 404 with text\/html/],
    [{ status: 302, headers: { location: 'https://login.example/?secret=1' }, body: '' }, 'APP_ANSWER_INVALID', /a redirect to login\.example; redirects are not followed/],
    [{ status: 500, body: '' }, 'APP_UNAVAILABLE', /answered 500/],
    [{ status: 429, headers: { 'retry-after': '7' }, body: '' }, 'APP_UNAVAILABLE', /answered 429/],
    [{ body: '{"result":{' }, 'APP_ANSWER_INVALID', /not JSON/],
    [{ body: '' }, 'APP_ANSWER_INVALID', /an empty body/],
    [{ json: {} }, 'APP_ANSWER_INVALID', /none of result, error and disconnect/],
    [{ json: { result: 'yes' } }, 'APP_ANSWER_INVALID', /result is a text and not an object/],
    [{ json: { result: { expire_at: 'tomorrow' } } }, 'APP_ANSWER_INVALID', /result\.expire_at is a text/],
    [{ json: { result: { expires: 1 } } }, 'APP_ANSWER_INVALID', /result\.expires is unknown/],
    [{ json: { result: {}, padding: 'x'.repeat(300_000) } }, 'APP_ANSWER_INVALID', /reading: /],
  ];
  for (const [answer, code, evidence] of rows) {
    application.answer = () => answer;
    const refused = await ann.join('app-1');
    assert.equal(refused.code, code, refused.message);
    assert.match(refused.message, evidence); // in development the client sees the operator's text
    if (answer.status === 429) assert.ok(refused.retry_after_ms >= 7_000, refused.retry_after_ms);
  }
  application.answer = (question, response) => { response.writeHead(200, { 'content-length': '100' }); response.write('{"result"'); response.destroy(); };
  const torn = await ann.join('app-1');
  assert.match(torn.code, /APP_(ANSWER_INVALID|UNAVAILABLE)/);
  application.answer = () => yes();
  assert.equal((await ann.join('app-1')).type, 'joined', 'none of this opened the breaker');
  const line = node.log.find(({ event }) => event === 'application_did_not_answer');
  assert.match(line.evidence, /ask "app", subscribe: /);
  assert.ok(!node.text.includes('secret=1') && !node.text.includes(ASK_SECRET));
});

test('an application that hangs: APP_TIMEOUT within the time of its table, and a message is not sent twice', async (t) => {
  const { application, node } = await asked(t, { table: { timeout: '200ms' } });
  const ann = await arrive(node, 'ann');
  await ann.join('app-1');
  application.answer = () => undefined;
  const refused = await ann.say('app-1', 'hello');
  assert.deepEqual([refused.code, refused.retry], ['APP_TIMEOUT', 'after']);
  assert.match(refused.message, /not your fault|did not answer in time/);
  assert.equal(application.questions.items.filter(({ event }) => event === 'publish').length, 1);
});

test('an application that is away: APP_UNAVAILABLE; then it is not asked for a while; it comes back and is asked again', async (t) => {
  const port = await freePort();
  const application = await Application.start(t, { port });
  const node = await serve(t, { env: { FOYER_ASK: JSON.stringify([application.table({ rooms: ['app-*'] })]) } });
  const ann = await arrive(node, 'ann');
  assert.equal((await ann.join('app-1')).type, 'joined');
  await application.stop();
  for (let i = 0; i < 6; i += 1) assert.equal((await ann.say('app-1', 'hello')).code, 'APP_UNAVAILABLE');
  await node.logged('application_not_asked', { ask: 'app' });
  const refused = await ann.say('app-1', 'hello');
  assert.match(refused.message, /stopped calling at .*next try at/);
  assert.ok(refused.retry_after_ms > 0);
  assert.equal((await ann.say('tea', 'hello')).type, 'sent', 'rooms that it has nothing to do with go on');
  await application.listen(port);
  await until('the application to be asked again', async () => (await ann.say('app-1', 'hello')).type === 'sent', 30_000);
  await node.logged('application_answers_again', { ask: 'app' });
});

test('ask_cache remembers answers about joins for their time, and none about messages', async (t) => {
  const { application, node } = await asked(t, { table: { ask_cache: '1h' } });
  const ann = await arrive(node, 'ann');
  for (let i = 0; i < 3; i += 1) {
    assert.equal((await ann.join('app-1')).type, 'joined');
    await ann.ask('leave', { room: 'app-1' });
  }
  assert.equal(application.asked, 1);
  await ann.join('app-1');
  for (let i = 0; i < 3; i += 1) await ann.say('app-1', `m${i}`);
  assert.equal(application.asked, 4);
});

test('named headers of the handshake are passed on, and no others', async (t) => {
  const { application, node } = await asked(t, { table: { headers: ['X-Tenant'] } });
  const { access_token: token } = await register(node, 'ann');
  const ann = await Client.open(node, { token, headers: { 'X-Tenant': 'blue', 'X-Other': 'no' } });
  await ann.join('app-1');
  const { headers } = await application.questions.take('the join');
  assert.deepEqual([headers['x-tenant'], headers['x-other'], headers.authorization], ['blue', undefined, undefined]);
});

test('the server API does not ask', async (t) => {
  const { application, node } = await asked(t, { env: { API_KEY: KEY } });
  const answer = await ask(node, 'POST', '/api/publish', { headers: { 'X-API-Key': KEY }, body: { channel: 'app-1', data: { a: 1 } } });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(application.asked, 0);
});

test('metrics tell how often, how long and why not', async (t) => {
  const { application, node } = await asked(t, { env: { API_KEY: KEY } });
  const ann = await arrive(node, 'ann');
  await ann.join('app-1');
  application.answer = () => no(1, 'no');
  await ann.say('app-1', 'x');
  application.answer = () => ({ body: 'nonsense' });
  await ann.say('app-1', 'x');
  const { text } = await ask(node, 'GET', '/metrics', { headers: { 'X-API-Key': KEY } });
  for (const row of ['foyer_ask_questions_total{ask="app",event="subscribe",outcome="allowed"} 1', 'foyer_ask_questions_total{ask="app",event="publish",outcome="refused"} 1',
    'foyer_ask_questions_total{ask="app",event="publish",outcome="failed"} 1', 'foyer_ask_failed_attempts_total{ask="app",cause="APP_ANSWER_INVALID"} 1', 'foyer_ask_seconds_count{ask="app"} 3'])
    assert.ok(text.includes(row), row);
});

test('the configuration is checked before anything runs', async (t) => {
  const check = async (tables, rules = []) => {
    const { json } = await foyerJson(['check', '--dev', '--json'], { env: { FOYER_ASK: JSON.stringify(tables), FOYER_ROOMS: JSON.stringify(rules), FOYER_DATA: temporary(t) } });
    return json.findings.filter(({ severity }) => severity === 'error').map(({ message }) => message).join('\n');
  };
  const good = { name: 'app', url: 'http://127.0.0.1:9/', events: ['publish'], secret: ASK_SECRET };
  assert.equal(await check([good]), '');
  assert.match(await check([{ ...good, url: 'ftp://x/' }]), /ask "app": url is not a valid http or https URL/);
  assert.match(await check([{ ...good, events: ['publsh'] }]), /events has a word that is no event/);
  assert.match(await check([{ ...good, secret: 'whsec_c2hvcnQ=' }]), /secret is not usable/);
  assert.match(await check([{ ...good, secret: '' }]), /secret is missing/);
  assert.match(await check([{ ...good, timeout: '1h' }]), /timeout takes a duration from 100ms to 30s/);
  assert.match(await check([{ ...good, headers: ['Host'] }]), /Host is a header of the question itself/);
  assert.match(await check([good, good]), /name is also that of ask 1[^]*publish is never asked here/);
  assert.match(await check([{ ...good, ask_cache: '10s' }]), /ask_cache has no effect/);
  assert.match(await check([good], [{ match: 'x-*', join: 'app' }]), /join is app, but no \[\[ask\]\] table has subscribe/);
  assert.equal(await check([{ ...good, events: ['subscribe'], rooms: ['x-*'] }], [{ match: 'x-1*', join: 'app' }]), '');
  const shown = await foyer(['check', '--dev', '--json'], { env: { FOYER_ASK: JSON.stringify([good]), FOYER_DATA: temporary(t) } });
  assert.ok(!shown.out.includes(ASK_SECRET), 'the secret is not shown');
});

test('docs/asking.md: the example application and the questions that are shown', async (t) => {
  const page = fs.readFileSync(path.join(ROOT, 'docs/asking.md'), 'utf8');
  const [, program] = /```js\n([^]*?)```/.exec(page);
  const port = await freePort();
  const file = path.join(import.meta.dirname, `.asking-example-${process.pid}.mjs`); // beside node_modules
  fs.writeFileSync(file, program.replace('listen(3000)', `listen(${port}, '127.0.0.1', () => console.log('listening'))`));
  const child = spawn(process.execPath, [file], { env: { ...process.env, ASK_SECRET }, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => { child.kill(); fs.rmSync(file, { force: true }); });
  await new Promise((resolve) => { child.stdout.once('data', resolve); });
  const [, toml] = /```toml\n([^]*?)```/.exec(page);
  const data = temporary(t);
  const secret = path.join(data, 'ask.secret');
  fs.writeFileSync(secret, `${ASK_SECRET}\n`, { mode: 0o600 });
  const config = path.join(data, 'foyer.toml');
  fs.writeFileSync(config, toml.replace('https://app.example.com/foyer', `http://127.0.0.1:${port}/foyer`).replace('/etc/foyer/ask.secret', secret), { mode: 0o600 });
  const node = await serve(t, { data, args: ['--config', config] });
  const ann = await arrive(node, 'ann');
  assert.equal((await ann.join('orders-ann')).type, 'joined');
  assert.equal((await ann.say('orders-ann', 'hello')).type, 'sent');
  const refused = await ann.join('orders-7');
  assert.equal(refused.code, 'APP_REFUSED');
  assert.match(refused.message, /4001: not your order/);

  // The questions of the page have the members of real ones; its answers are taken.
  const blocks = [...page.matchAll(/```json\n(.*)\n```/g)].map(([, text]) => JSON.parse(text));
  const shown = blocks.filter(({ event }) => event);
  const answers = blocks.filter(({ result }) => result);
  const taken = ({ event }) => ({ json: answers[shown.findIndex((question) => question.event === event)] });
  const asIsShown = async (application, event) => {
    const { headers, url, ...real } = await application.questions.take(event, (question) => question.event === event);
    assert.deepEqual(Object.keys(shown.find((question) => question.event === event)), Object.keys(real));
  };
  const { application, node: other } = await asked(t);
  application.answer = taken;
  const bob = await arrive(other, 'bob');
  unwatched(bob);
  assert.equal((await bob.join('app-1')).type, 'joined');
  assert.equal((await bob.say('app-1', 'damn it')).type, 'sent');
  assert.equal((await bob.next('message')).message, 'd*** it');
  for (const event of ['subscribe', 'publish']) await asIsShown(application, event);
  const { application: atTheDoor, node: third } = await asked(t, { table: { events: ['connect', 'refresh'], rooms: undefined } });
  atTheDoor.answer = taken;
  const eve = await arrive(third, 'eve');
  assert.equal(eve.user.name, answers[shown.findIndex(({ event }) => event === 'connect')].result.info.name);
  assert.equal((await eve.ask('refresh', { token: eve.token })).type, 'refreshed');
  for (const event of ['connect', 'refresh']) await asIsShown(atTheDoor, event);
});
