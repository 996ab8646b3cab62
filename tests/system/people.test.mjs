// Whom one can name, and who is put into whose list: as people see it, in one process and in two.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { fileScope, serve } from './support/foyer.mjs';
import { startAuth, startGateway } from './support/pair.mjs';
import { arrive, parts, register } from './support/people.mjs';
import { Client } from './support/websocket.mjs';
import { until } from './support/within.mjs';

const file = fileScope(after);
const MANY = ['--messages-per-s', '100000', '--messages-burst', '100000', '--user-messages-per-s', '1000000', '--user-messages-burst', '1000000', '--new-rooms-per-h', '100000'];
let node;
before(async () => { node = await serve(file, { args: MANY }); });

const withPeople = (to, token) => Client.open(to, { path: '/ws/chat?features=people', token });
const code = (answer) => answer.code ?? answer.type;

test('a stranger who makes 1,000 rooms puts five invitations into somebody’s list, and no room', async () => {
  const victim = await register(node, 'Victim');
  const page = await withPeople(node, victim.access_token);
  const stranger = await arrive(node, 'Stranger');
  const answers = {};
  for (let i = 0; i < 1_000; i += 1) {
    assert.equal(code(await stranger.ask('create', { room: `private:room-${i}` })), 'created');
    const invited = code(await stranger.ask('invite', { room: `private:room-${i}`, name: 'Victim' }));
    answers[invited] = (answers[invited] ?? 0) + 1;
  }
  assert.deepEqual(answers, { invited: 5, INVITATION_LIMIT: 995 });
  const waiting = await page.ask('invitations');
  assert.deepEqual([waiting.invitations.length, waiting.more], [5, false]);
  assert.deepEqual((await page.ask('rooms')).rooms, []);
  const friend = await arrive(node, 'Friend');
  assert.equal(code(await friend.ask('direct', { name: 'victim' })), 'created');
  assert.equal((await page.next('invitation', { from: { name: 'Friend' } })).room.startsWith('direct:'), true, 'others still reach the list');
});

test('direct and invite with an invented id or name: NO_SUCH_PERSON, and no room is made', async () => {
  const ann = await arrive(node, 'Ann');
  const bob = await register(node, 'Bob');
  assert.equal(code(await ann.ask('direct', { user: 'invented-id' })), 'NO_SUCH_PERSON');
  assert.equal(code(await ann.ask('direct', { name: 'Invented' })), 'NO_SUCH_PERSON');
  assert.equal(code(await ann.ask('direct', { user: 'Bob' })), 'NO_SUCH_PERSON', 'a name is no id');
  assert.equal(code(await ann.ask('direct', { user: bob.user.id })), 'created');
  assert.equal(code(await ann.ask('direct', { name: 'bob' })), 'created');
  assert.equal((await ann.ask('rooms')).rooms.filter((each) => each.kind === 'direct').length, 1);
});

test('an invitation outlives a restart', async (t) => {
  const first = await serve(t);
  const ann = await arrive(first, 'Ann');
  const bob = await register(first, 'Bob');
  await ann.ask('create', { room: 'private:plan' });
  assert.equal(code(await ann.ask('invite', { room: 'private:plan', name: 'Bob' })), 'invited');
  await first.terminate();
  const second = await serve(t, { data: first.data });
  const back = await withPeople(second, bob.access_token);
  assert.equal((await back.ask('invitations')).invitations[0].room, 'private:plan');
  assert.equal(code(await back.ask('accept', { room: 'private:plan' })), 'accepted');
  assert.equal(code(await back.join('private:plan')), 'joined');
});

// An issuer of its own, whose people have no account here.
async function foreignIssuer(t) {
  const { publicKey, privateKey } = crypto.generateKeyPairSync('ed25519');
  const jwks = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'EdDSA', kid: 'theirs' }] });
  const server = http.createServer((_, response) => response.setHeader('content-type', 'application/json').end(jwks));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => { server.closeAllConnections(); server.close(); });
  const b64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return {
    url: `http://127.0.0.1:${server.address().port}/jwks.json`,
    sign: (claims) => {
      const signed = `${b64({ alg: 'EdDSA', typ: 'at+jwt', kid: 'theirs' })}.${b64(claims)}`;
      return `${signed}.${crypto.sign(null, Buffer.from(signed), privateKey).toString('base64url')}`;
    },
  };
}

test('a gateway of its own asks its auth service; people of another issuer are known once they were admitted', async (t) => {
  const auth = await startAuth(t);
  const account = await register(auth, 'Account');
  const issuer = await foreignIssuer(t);
  const gateway = await startGateway(t, { to: auth, env: { JWT_SECRET_KEY: '', JWT_JWKS_URL: issuer.url } });
  const { claims } = parts(account.access_token);
  const token = (sub, name) => issuer.sign({ ...claims, sid: undefined, sub, name, jti: crypto.randomUUID() });
  const zoe = await withPeople(gateway, token('idp|zoe', 'Zoë'));
  assert.equal(code(await zoe.ask('direct', { name: 'account' })), 'created', 'somebody with an account here');
  assert.equal(code(await zoe.ask('direct', { user: account.user.id })), 'created');
  assert.equal(code(await zoe.ask('direct', { user: 'idp|max' })), 'NO_SUCH_PERSON');
  const max = await withPeople(gateway, token('idp|max', 'Max'));
  // The store is told of him while he is admitted, and may take a moment longer.
  await until('Max to be known', async () => code(await zoe.ask('direct', { user: 'idp|max' })) === 'created');
  assert.equal((await max.next('invitation')).from.name, 'Zoë');
  assert.equal(code(await max.ask('direct', { name: 'Zoë' })), 'created');
});
