// `foyer check` and `foyer serve` say the same, whatever is wrong.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { Authority } from './support/certificates.mjs';
import { asNobody, atEnd, fileScope, foyer, foyerJson, freePort, isRoot, run, serve, serveFails, temporary } from './support/foyer.mjs';
import { API_KEY, SERVICE_SECRET } from './support/pair.mjs';
import { arrive, withSecret } from './support/people.mjs';
import { Postgres } from './support/postgres.mjs';
import { until } from './support/within.mjs';

const server = await Postgres.start(fileScope(after));
const STORE_KEY = 'w9Kd2-Lm5Np7Qr9St1Uv3Wx6Yz0Ab4Cd';
const TEST = { ENVIRONMENT: 'test', SERVICE_SECRET, ...withSecret };

// A data directory that a server has used.
async function used(t, options = {}) {
  const node = await serve(t, options);
  await arrive(node, 'ann');
  await node.terminate();
  return node.data;
}
const sqlite = (file, sql) => run('/usr/bin/python3', ['-c', 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.commit()', file, sql]);

// A file system without room but for what is removed again: `free()`.
async function fullDisk(t) {
  const mount = temporary(t);
  await run('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=0700', 'tmpfs', mount]);
  atEnd(t, () => run('umount', ['--lazy', mount]));
  const data = path.join(mount, 'data');
  const filler = path.join(mount, 'filler');
  fs.mkdirSync(data, { mode: 0o700 });
  await run('sh', ['-c', 'cat /dev/zero >"$0" 2>/dev/null || true', filler]);
  return { data, free: () => fs.rmSync(filler) };
}

// A database of PostgreSQL whose note of the schema was changed: `version` and `oldest`, as docs/decisions/0054 has them.
async function newer(t, note) {
  const env = { DATABASE_URL: await server.fresh(), STORE_KEY };
  await used(t, { env });
  await server.sql(`UPDATE foyer.foyer_chat_version SET ${note}`, env.DATABASE_URL);
  return { env };
}

// What is wrong → the codes; `make` gives { data, args, env, dev, listen, wrap }.
const INPUTS = [
  ['nothing is wrong', [], async (t) => ({ data: temporary(t) })],
  ['nothing is wrong, and there is data', [], async (t) => ({ data: await used(t) })],
  ['another program has the port', ['LISTEN_ADDRESS_IN_USE'], async (t) => ({ listen: `127.0.0.1:${(await serve(t)).port}` })],
  ['another program has the port of the metrics', ['LISTEN_ADDRESS_IN_USE'], async (t) => ({ args: ['--metrics-listen', `127.0.0.1:${(await serve(t)).port}`] })],
  ['the address is not of this machine', ['LISTEN_ADDRESS_UNAVAILABLE'], async () => ({ listen: '192.0.2.1:0', args: ['--allow-exposed-development'] })],
  ['another server has the data', ['DATA_IN_USE'], async (t) => ({ data: (await serve(t)).data })],
  ['--data is a file', ['DATA_UNWRITABLE'], async (t) => { const data = path.join(temporary(t), 'file'); fs.writeFileSync(data, ''); return { data }; }],
  ['--data lies below a file', ['DATA_UNWRITABLE'], async (t) => { const data = path.join(temporary(t), 'file'); fs.writeFileSync(data, ''); return { data: path.join(data, 'data') }; }],
  ['--data cannot be made', ['DATA_UNWRITABLE'], async (t) => { const dir = temporary(t); fs.chmodSync(dir, 0o555); return { data: path.join(dir, 'data'), wrap: asNobody }; }],
  ['the data belongs to another environment', ['DATA_ENVIRONMENT_MISMATCH'], async (t) => ({ data: await used(t), dev: false, env: TEST })],
  ['the database of the accounts is damaged', ['STORE_FAILED'], async (t) => { const data = await used(t); fs.writeFileSync(path.join(data, 'accounts.sqlite'), 'no database '.repeat(1_000)); return { data }; }],
  ['the database of the chat is damaged', ['STORE_FAILED'], async (t) => { const data = await used(t); fs.writeFileSync(path.join(data, 'chat.sqlite'), 'no database '.repeat(1_000)); return { data }; }],
  ['the database of the accounts is from a newer version', ['STORE_TOO_NEW'], async (t) => { const data = await used(t); await sqlite(path.join(data, 'accounts.sqlite'), 'UPDATE schema_version SET version = 999'); return { data }; }],
  ['the database of the chat is from a newer version', ['STORE_TOO_NEW'], async (t) => { const data = await used(t); await sqlite(path.join(data, 'chat.sqlite'), 'UPDATE schema_version SET version = 999'); return { data }; }],
  ...(isRoot ? [['the disk is full', ['STORE_FULL'], fullDisk]] : []), // only root can mount one
  ['store.key is another one', ['STORE_KEY_MISMATCH'], async (t) => { const data = await used(t); fs.writeFileSync(path.join(data, 'store.key'), STORE_KEY, { mode: 0o600 }); return { data }; }],
  ['store.key is too short', ['WEAK_SECRET'], async (t) => { const data = temporary(t); fs.writeFileSync(path.join(data, 'store.key'), 'short', { mode: 0o600 }); return { data }; }],
  ['PostgreSQL cannot be reached', ['DATABASE_UNREACHABLE'], async () => ({ env: { DATABASE_URL: 'postgresql://foyer:the-password@127.0.0.1:1/foyer', STORE_KEY } })],
  ['another gateway has the chat in PostgreSQL', ['CHAT_STORE_IN_USE'], async (t) => {
    const env = { DATABASE_URL: await server.fresh(), STORE_KEY };
    await serve(t, { env });
    return { env };
  }],
  ['PostgreSQL is from a newer version that this program may not use', ['STORE_TOO_NEW'], async (t) => newer(t, 'version = 999, oldest = 999')],
  ['PostgreSQL is from a newer version that only added', [], async (t) => newer(t, 'version = 999')],
  ['PostgreSQL belongs to another environment', ['DATA_ENVIRONMENT_MISMATCH'], async (t) => {
    const env = { DATABASE_URL: await server.fresh(), STORE_KEY };
    await used(t, { env });
    return { dev: false, args: ['--role', 'gateway'], env: { ...TEST, ...env, AUTH_SERVICE_URL: 'http://127.0.0.1:1' } };
  }],
  ['a gateway points at itself', ['GATEWAY_POINTS_AT_ITSELF'], async () => {
    const port = await freePort();
    return { dev: false, args: ['--role', 'gateway'], listen: `127.0.0.1:${port}`, env: { ...TEST, API_KEY, AUTH_SERVICE_URL: `http://localhost:${port}` } };
  }],
  ['certificate and key are swapped', ['KEY_PAIR_MISMATCH'], async (t) => {
    const dir = temporary(t);
    const { certificate, key } = new Authority(dir).issue('server', 'DNS:localhost');
    return { env: { TLS_CERT_FILE: key, TLS_KEY_FILE: certificate } };
  }],
  ['the configuration file is missing', ['FILE_UNREADABLE'], async (t) => ({ dev: false, args: ['--config', path.join(temporary(t), 'no.toml')] })],
  ['two things at once', ['DATA_IN_USE', 'LISTEN_ADDRESS_IN_USE'], async (t) => { const node = await serve(t); return { data: node.data, listen: `127.0.0.1:${node.port}` }; }],
];

const codesIn = (text) => [...text.matchAll(/^✗ ([A-Z_]+)$/gm)].map(([, code]) => code).sort();

for (const [what, codes, make] of INPUTS) {
  test(`check and serve say the same: ${what}`, async (t) => {
    const { data = temporary(t), args = [], env = {}, dev = true, listen = '127.0.0.1:0', wrap } = await make(t);
    const options = [...(dev ? ['--dev'] : []), '--data', data, '--listen', listen, '--start-wait', '0', ...args];
    const before = fs.existsSync(data) && fs.statSync(data).isDirectory() ? fs.readdirSync(data).sort() : null;
    const check = await foyerJson(['check', '--json', ...options], { env, wrap });
    assert.deepEqual(check.json.findings.filter((f) => f.severity === 'error').map((f) => f.code).sort(), codes, JSON.stringify(check.json.findings));
    assert.equal(check.code, codes.length === 0 ? 0 : 1);
    assert.deepEqual(fs.existsSync(data) && fs.statSync(data).isDirectory() ? fs.readdirSync(data).sort() : null, before, 'the check leaves nothing behind');
    if (codes.length === 0) {
      await serve(t, { data, dev, env, listen, args });
      return;
    }
    const failed = await serveFails(t, { data, dev, env, listen, wrap, args: ['--start-wait', '0', ...args] });
    assert.deepEqual([failed.code, codesIn(failed.text)], [1, codes], failed.text);
    assert.doesNotMatch(failed.text + JSON.stringify(check.json), /the-password/);
  });
}

test('findings come first, then the options that are not at their default; --all shows the rest', async (t) => {
  const data = temporary(t);
  const args = ['check', '--dev', '--data', data, '--listen', ':0', '--history-days', '30'];
  const short = await foyer(args);
  assert.match(short.out, /^✗ INVALID_VALUE\n[\s\S]*history_days +30 +command line[\s\S]*Not fit to serve: 1 error\./);
  assert.doesNotMatch(short.out, /drain_timeout/);
  assert.match((await foyer([...args, '--all'])).out, /drain_timeout +8s +default/);
});

test('a read-only database is a warning of both: what is there can be read', async (t) => {
  const data = await used(t);
  fs.chmodSync(path.join(data, 'chat.sqlite'), 0o400);
  if (isRoot) { await run('chown', ['-R', '65534:65534', data]); fs.chmodSync(path.dirname(data), 0o755); }
  const { json, code } = await foyerJson(['check', '--json', '--dev', '--data', data, '--listen', '127.0.0.1:0'], { wrap: asNobody });
  assert.deepEqual([code, json.findings.map((f) => [f.code, f.severity])], [0, [['STORE_READ_ONLY', 'warning']]]);
  const node = await serve(t, { data, wrap: asNobody });
  await node.logged('configuration', { code: 'STORE_READ_ONLY' });
});

test('beside a running server the check says whose the data is', async (t) => {
  const node = await serve(t);
  const { json } = await foyerJson(['check', '--json', '--dev', '--data', node.data, '--listen', '127.0.0.1:0']);
  assert.match(json.findings.find((f) => f.code === 'DATA_IN_USE').message, new RegExp(`process ${node.pid} at ${node.url}`));
});

test('a start waits for a database that comes later, and says so', async (t) => {
  const url = await server.fresh();
  await server.stop();
  const log = path.join(temporary(t), 'log');
  const starting = serve(t, { env: { DATABASE_URL: url, STORE_KEY }, args: ['--start-wait', '1m'], wrap: ['sh', '-c', 'exec "$@" 2>"$0"', log] });
  const waiting = await until('the log to say what is waited for', () => fs.existsSync(log) && /.*"waiting_to_start".*/.exec(fs.readFileSync(log, 'utf8')));
  assert.match(waiting[0], /"code":"DATABASE_UNREACHABLE".*"for_at_most":"1m"/);
  await server.start();
  await starting;
});

test('a start waits for room on a full disk, and says so', { skip: !isRoot && 'mounting needs root' }, async (t) => {
  const { data, free } = await fullDisk(t);
  const log = path.join(temporary(t), 'log');
  const starting = serve(t, { data, args: ['--start-wait', '1m'], wrap: ['sh', '-c', 'exec "$@" 2>"$0"', log] });
  await until('the log to say what is waited for', () => fs.existsSync(log) && /"waiting_to_start".*"code":"STORE_FULL"/.test(fs.readFileSync(log, 'utf8')));
  free();
  await starting;
});

test('a secret that Docker or Kubernetes mounted for everybody to read is a warning that names the mode', async (t) => {
  if (!isRoot) return t.skip('mounting needs root');
  const mount = temporary(t);
  await run('mount', ['-t', 'tmpfs', 'tmpfs', mount]);
  atEnd(t, () => run('umount', ['--lazy', mount]));
  // A volume of Kubernetes: the file is a link through ..data into a directory with a date.
  fs.mkdirSync(path.join(mount, '..2026_11_29_12_00_00.1'));
  fs.writeFileSync(path.join(mount, '..2026_11_29_12_00_00.1', 'service'), SERVICE_SECRET);
  fs.chmodSync(path.join(mount, '..2026_11_29_12_00_00.1', 'service'), 0o644);
  fs.symlinkSync('..2026_11_29_12_00_00.1', path.join(mount, '..data'));
  fs.symlinkSync('..data/service', path.join(mount, 'service'));
  fs.writeFileSync(path.join(mount, 'plain'), SERVICE_SECRET);
  fs.chmodSync(path.join(mount, 'plain'), 0o644);
  const finding = async (file) => {
    const { json } = await foyerJson(['check', '--json', '--dev', '--data', temporary(t), '--listen', '127.0.0.1:0'], { env: { SERVICE_SECRET_FILE: file } });
    return json.findings.map((f) => [f.code, f.severity, /defaultMode: 0400/.test(f.fix)]);
  };
  assert.deepEqual(await finding(path.join(mount, 'service')), [['SECRET_FILE_EXPOSED', 'warning', true]]);
  assert.deepEqual(await finding(path.join(mount, 'plain')), [['SECRET_FILE_EXPOSED', 'error', false]]);
  await run('mount', ['-o', 'remount,ro', mount]);
  assert.deepEqual(await finding(path.join(mount, 'plain')), [['SECRET_FILE_EXPOSED', 'warning', true]]);
  const node = await serve(t, { env: { SERVICE_SECRET_FILE: path.join(mount, 'service') } });
  await node.logged('configuration', { code: 'SECRET_FILE_EXPOSED' });
});
