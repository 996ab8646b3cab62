// What many strangers send to the login keeps nobody else out, and hides nobody's refusal.
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { foyerJson, serve } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { register, PASSWORD } from './support/people.mjs';
import { until } from './support/within.mjs';

const login = (node, name, password = PASSWORD) => ask(node, 'POST', '/auth/login', { body: { name, password } });

// A hundred addresses that send logins again and again, five of each under way.
function flood(node) {
  const counts = { hashed: 0, busy: 0 };
  let on = true;
  const loops = [];
  for (let i = 0; i < 100; i += 1) {
    for (let k = 0; k < 5; k += 1) {
      loops.push((async () => {
        for (let n = 0; on; n += 1) {
          const answer = await login({ ...node, from: `127.10.${i}.1` }, `nobody-${i}-${k}-${n}`).catch(() => null);
          if (answer?.status === 401) counts.hashed += 1;
          if (answer?.status === 503) counts.busy += 1;
        }
      })());
    }
  }
  return { counts, stop: async () => { on = false; await Promise.all(loops); } };
}

test('somebody signs in at the next turn while a hundred addresses send logins, known there or not', async (t) => {
  const node = await serve(t, { args: ['--hashing-threads', '1', '--registration', 'open'] });
  const here = { host: node.host, port: node.port };
  await register({ ...here, from: '127.20.1.1' }, 'ann');
  const attack = flood(here);
  try {
    await until('the queue to be full', () => attack.counts.busy > 200 && attack.counts.hashed > 5);
    for (const [from, who] of [['127.20.1.1', 'known there'], ['127.30.1.1', 'from a new address'], ['127.20.1.1', 'again']]) {
      const before = attack.counts.hashed;
      const answer = await login({ ...here, from }, 'ann');
      assert.equal(answer.status, 200, `${who}: ${answer.text}`);
      const overtaken = attack.counts.hashed - before;
      assert.ok(overtaken < 32, `${who}: ${overtaken} logins of the attack were served first, of 64 that wait`);
    }
  } finally {
    await attack.stop();
  }
});

test('70 failed logins from elsewhere leave the refusal of somebody else to `foyer why`', async (t) => {
  const node = await serve(t);
  const here = { host: node.host, port: node.port };
  const mine = await login({ ...here, from: '127.20.1.1' }, 'ann', 'a wrong and quiet sentence');
  assert.equal(mine.json.code, 'CREDENTIALS_REJECTED');
  for (let i = 1; i <= 70; i += 1) await login({ ...here, from: `127.30.1.${i}` }, `nobody-${i}`);
  const { code, json } = await foyerJson(['why', mine.json.ref, '--json', '--data', node.data]);
  assert.equal(code, 0);
  assert.equal(json.address, '127.20.1.1');
});

test('a thousand equal failures are one row of the audit', async (t) => {
  const node = await serve(t, { args: ['--address-auth-requests', '100000'] });
  const here = { host: node.host, port: node.port };
  await Promise.all([...Array(20).keys()].map(async (worker) => {
    for (let i = 0; i < 50; i += 1) await ask({ ...here, from: '127.20.1.1' }, 'POST', '/auth/refresh', { body: { refresh_token: `${worker}-${i}` } });
  }));
  const db = new DatabaseSync(`${node.data}/accounts.sqlite`, { readOnly: true });
  const rows = db.prepare("SELECT outcome, repeats FROM audit WHERE action = 'refresh'").all();
  db.close();
  assert.deepEqual(rows.map((r) => [r.outcome, r.repeats]), [['REFRESH_UNKNOWN', 999]]);
});
