// `foyer chat` as it is used from a pipe.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { BIN, cleanEnv, fileScope, foyer, freePort, serve } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { startPair } from './support/pair.mjs';
import { PASSWORD, arrive, expired, register, withSecret } from './support/people.mjs';
import { totpCode } from './support/totp.mjs';
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
  await bob.say('tea', 'hello back \u009b31m');
  await ann.shows(/bob: hello back/);
  assert.ok(!ann.out.includes('\u009b31m'), 'a peer’s control characters do not reach the terminal');
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
  const first = await serve(t, { listen: `127.0.0.1:${await freePort()}` });
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

// An account with a second factor, on with the code of now: { secret, codes }.
async function withFactor(name) {
  const { access_token: token } = await register(node, name);
  const { secret } = (await ask(node, 'POST', '/auth/totp', { token, body: { password: PASSWORD } })).json;
  const { recovery_codes: codes } = (await ask(node, 'POST', '/auth/totp/confirm', { token, body: { totp: totpCode(secret) } })).json;
  return { secret, codes };
}

test('the second factor comes from the second line, from the environment, or is asked for', async (t) => {
  const { secret, codes } = await withFactor('fay');
  const chatting = ['chat', node.url, '--name', 'fay', '--password-stdin'];
  const bare = await foyer(chatting, { input: `${PASSWORD}\n` });
  assert.equal(bare.code, 1);
  assert.match(bare.err, /TOTP_REQUIRED[\s\S]*Next: [\s\S]*--totp-stdin/);
  const wrong = await foyer([...chatting, '--totp-stdin'], { input: `${PASSWORD}\n000000\n` });
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /TOTP_REJECTED/);
  const fay = chat(t, node.url, ['--name', 'fay', '--password-stdin', '--totp-stdin', '--room', 'tea']);
  fay.type(PASSWORD);
  fay.type(totpCode(secret, 1)); // each counts once
  await fay.shows(/tea: \d+ here/);
  fay.type('/quit');
  assert.equal(await fay.ended(), 0);
  const recovered = await foyer(chatting, { env: { FOYER_TOTP: codes[0] }, input: `${PASSWORD}\n/sessions\n` });
  assert.equal(recovered.code, 0, recovered.err);
  assert.match(recovered.out, /1 {2}foyer chat .*127\.0\.0\.1/);
  assert.ok(![wrong, recovered].some((r) => (r.out + r.err).includes(codes[0])));
});

test('/sessions lists where one is signed in; /signout ends one, the others, or all of them', async (t) => {
  const sessions = async () => (await ask(node, 'POST', '/auth/login', { body: { name: 'gus', password: PASSWORD }, headers: { 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' } })).json;
  await register(node, 'gus');
  const browser = await sessions();
  const gus = chat(t, node.url, ['--name', 'gus', '--password-stdin', '--room', 'tea']);
  gus.type(PASSWORD);
  gus.type('/sessions');
  await gus.shows(/foyer chat .*this one[\s\S]*Firefox on Linux|Firefox on Linux[\s\S]*foyer chat .*this one/);
  const number = /^ +(\d+) +Firefox on Linux/m.exec(gus.out)[1];
  gus.type(`/signout ${number}`);
  await gus.shows(/That session has ended/);
  assert.equal((await ask(node, 'GET', '/auth/me', { token: browser.access_token })).status, 401);
  gus.type('/signout others');
  await gus.shows(/All your other sessions have ended/);
  const later = await sessions();
  gus.type('/signout all');
  await gus.shows(/Signed out everywhere/);
  assert.equal(await gus.ended(), 0);
  assert.equal((await ask(node, 'GET', '/auth/me', { token: later.access_token })).status, 401);
});

test('a session that is ended elsewhere ends the chat with its cause and 1', async (t) => {
  await register(node, 'hal');
  const hal = chat(t, node.url, ['--name', 'hal', '--password-stdin', '--room', 'tea']);
  hal.type(PASSWORD);
  await hal.shows(/tea: \d+ here/);
  const other = (await ask(node, 'POST', '/auth/login', { body: { name: 'hal', password: PASSWORD } })).json;
  await ask(node, 'DELETE', '/auth/sessions?others=true', { token: other.access_token });
  assert.equal(await hal.ended(), 1);
  assert.match(hal.out, /SESSION_REVOKED[\s\S]*Next: /);
});

test('too many guesses are answered with the time that is left', async () => {
  await register(node, 'ida');
  for (let i = 0; i < 5; i += 1) await ask(node, 'POST', '/auth/login', { body: { name: 'ida', password: `guess number ${i}` } });
  const locked = await foyer(['chat', node.url, '--name', 'ida', '--password-stdin'], { input: `${PASSWORD}\n` });
  assert.equal(locked.code, 1);
  assert.match(locked.err, /LOGIN_LOCKED[\s\S]*Time left: (1 min|\d+ s)/);
});

test('a token that was given says in time that it ends and cannot be renewed', async (t) => {
  const brief = await serve(t, { args: ['--access-token-ttl', '8s', '--jwt-leeway', '0s'] });
  const jo = chat(t, brief.url, ['--token-stdin', '--room', 'tea']);
  jo.type((await register(brief, 'jo')).access_token);
  await jo.shows(/Your session ends at \d\d:\d\d/);
  assert.equal(await jo.ended(), 1);
  assert.match(jo.out, /TOKEN_EXPIRED/);
});

test('with a dead auth service chatting goes on, and what needs it says so with the code', async (t) => {
  const { auth, gateway } = await startPair(t, { auth: { args: ['--access-token-ttl', '63s'] } });
  await register(gateway, 'kim');
  const kim = chat(t, gateway.url, ['--name', 'kim', '--password-stdin', '--room', 'tea']);
  kim.type(PASSWORD);
  await kim.shows(/tea: \d+ here/);
  await auth.kill9();
  kim.type('/sessions');
  await kim.shows(/AUTH_SERVICE_CONNECTION_ERROR[\s\S]*Connected users can keep chatting/);
  kim.type('still talking');
  await kim.shows(/kim: still talking/);
  await kim.shows(/Your session ends at \d\d:\d\d\.\nAUTH_SERVICE_CONNECTION_ERROR[\s\S]*Retrying until then/);
  const late = await foyer(['chat', gateway.url, '--name', 'kim', '--password-stdin'], { input: `${PASSWORD}\n` });
  assert.equal(late.code, 1);
  assert.match(late.err, /AUTH_SERVICE_CONNECTION_ERROR[\s\S]*Connected users can keep chatting/);
});

test('nobody there ends with 2', async (t) => {
  const gone = await serve(t);
  await gone.terminate();
  const { code, out, err } = await foyer(['chat', gone.url, '--name', 'ann', '--password-stdin'], { input: `${PASSWORD}\n`, ms: 60_000 });
  assert.equal(code, 2, out + err);
});
