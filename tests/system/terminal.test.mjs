// `foyer chat` as it is used from a pipe.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { BIN, cleanEnv, fileScope, foyer, serve } from './support/foyer.mjs';
import { PASSWORD, arrive, expired, register, withSecret } from './support/people.mjs';
import { within } from './support/within.mjs';

const file = fileScope(after);
let node;
before(async () => { node = await serve(file, { env: withSecret }); });

// A chat whose lines are typed one by one, and whose output can be waited for.
function chat(t, url, args, env = {}) {
  const child = spawn(BIN, ['chat', url, ...args], { env: cleanEnv(env), stdio: ['pipe', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const c = { out: '', type: (line) => child.stdin.write(`${line}\n`), pid: child.pid };
  const looks = new Set();
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { c.out += text; for (const look of looks) look(); });
  const closed = new Promise((resolve) => child.on('close', (code) => resolve(code)));
  c.ended = () => within('foyer chat to end', closed);
  c.shows = (pattern) => within(`${pattern} on the terminal; so far:\n${c.out}`, new Promise((resolve) => {
    const look = () => { if (pattern.test(c.out)) { looks.delete(look); resolve(); } };
    looks.add(look);
    look();
  }));
  return c;
}

test('logs in, joins, shows history and who is here, talks both ways, and ends with 0', async (t) => {
  await register(node, 'ann');
  const bob = await arrive(node, 'bob');
  await bob.join('tea');
  await bob.say('tea', 'an older remark');
  const ann = chat(t, node.url, ['--name', 'ann', '--password-stdin', '--room', 'tea']);
  ann.type(PASSWORD);
  await ann.shows(/bob: an older remark/);
  await bob.next('member_joined');
  ann.type('hello from the terminal');
  assert.equal((await bob.next('message', { message: 'hello from the terminal' })).from.name, 'ann');
  await bob.say('tea', 'hello back \u001b[31m');
  await ann.shows(/bob: hello back/);
  assert.ok(!ann.out.includes('\u001b[31m'), 'a peer’s control characters do not reach the terminal');
  ann.type('/who');
  await ann.shows(/tea: 2 here.*bob/);
  ann.type('/quit');
  assert.equal(await ann.ended(), 0);
  assert.ok(!ann.out.includes(PASSWORD));
});

test('a refusal is our code with its next step, and ends with 1', async () => {
  const wrong = await foyer(['chat', node.url, '--name', 'ann', '--password-stdin'], { input: 'not the password\n' });
  assert.equal(wrong.code, 1);
  assert.match(wrong.out + wrong.err, /CREDENTIALS_REJECTED[\s\S]*Next: /);
  const { access_token: token } = await register(node, 'late');
  const late = await foyer(['chat', node.url, '--token-stdin'], { input: `${expired(token)}\n` });
  assert.equal(late.code, 1);
  assert.match(late.out + late.err, /TOKEN_EXPIRED[\s\S]*Next: /);
});

test('a refused command says why and goes on', async (t) => {
  const { access_token: token } = await register(node, 'cleo');
  const cleo = chat(t, node.url, ['--token-stdin', '--room', 'tea']);
  cleo.type(token);
  cleo.type('/join private:closed');
  await cleo.shows(/NOT_A_MEMBER[\s\S]*Next: /);
  cleo.type('/quit');
  assert.equal(await cleo.ended(), 0);
});

test('after kill -9 it connects again and shows what was missed', async (t) => {
  const first = await serve(t);
  await register(first, 'ann');
  const bob = await arrive(first, 'bob');
  const ann = chat(t, first.url, ['--name', 'ann', '--password-stdin', '--room', 'tea']);
  ann.type(PASSWORD);
  await ann.shows(/tea: 1 here|tea/);
  await bob.say('tea', 'before');
  await ann.shows(/bob: before/);
  await first.kill9();
  const second = await serve(t, { data: first.data, listen: `127.0.0.1:${first.port}` });
  const again = await (await import('./support/websocket.mjs')).Client.open(second, { token: bob.token });
  await again.say('tea', 'meanwhile');
  await ann.shows(/bob: meanwhile/);
  assert.equal(ann.out.match(/bob: before/g).length, 1);
  ann.type('still me');
  await again.join('tea', { limit: 10 });
  await ann.shows(/still me/);
});

test('nobody there ends with 2', async (t) => {
  const gone = await serve(t);
  await gone.terminate();
  const { code, out, err } = await foyer(['chat', gone.url, '--name', 'ann', '--password-stdin'], { input: `${PASSWORD}\n`, ms: 60_000 });
  assert.equal(code, 2, out + err);
});
