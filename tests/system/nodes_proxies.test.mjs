// The proxies of docs/many-nodes.md, as they stand there, in front of two gateways: sockets go to both, and whoever comes
// while one node is drained or dead gets in at the other.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT, SANITIZED, fileScope, freePort, serve, temporary } from './support/foyer.mjs';
import { ask } from './support/http.mjs';
import { options } from './support/nodes.mjs';
import { register } from './support/people.mjs';
import { Postgres } from './support/postgres.mjs';
import { documented } from './support/proxies.mjs';
import { Client } from './support/websocket.mjs';
import { until } from './support/within.mjs';

const DELAY = SANITIZED ? '9s' : '3s'; // longer than the interval of the proxies' checks
const text = fs.readFileSync(path.join(ROOT, 'docs/many-nodes.md'), 'utf8');
const scope = fileScope(after);
let server;
before(async () => { server = await Postgres.start(scope); });

// The block of this language, for these nodes.
function recipe(language, port, [a, b]) {
  const [, block] = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(text);
  const own = block.replace('127.0.0.1:8001', `127.0.0.1:${a.port}`).replace('127.0.0.1:8002', `127.0.0.1:${b.port}`).replaceAll('8080', String(port));
  assert.ok(!/\b80(01|02|80)\b/.test(own), own);
  return own;
}
const admitted = (node) => node.log.filter((line) => line.event === 'admitted').length;
const refused = (node) => node.log.filter((line) => line.event === 'refused').map((line) => line.code);

for (const name of Object.keys(documented)) {
  test(`${name}: clients get in while one node is drained, and when one is dead`, async (t) => {
    const shared = options(await server.fresh(), { args: ['--drain-delay', DELAY, '--drain-timeout', '2s', '--trusted-proxies', '127.0.0.1', '--address-handshakes', '1000000'] });
    const begin = async (listen, data = temporary(t)) => serve(t, { ...shared, data, listen });
    const ports = [await freePort(), await freePort()];
    const nodes = await Promise.all(ports.map((port) => begin(`127.0.0.1:${port}`)));
    const [a, b] = nodes;
    const port = await freePort();
    const proxy = await documented[name](t, port, recipe(name, port, nodes));
    const ann = await register(a, 'ann');
    const come = () => Client.open({ ...proxy, invariants: a.invariants }, { token: ann.access_token });

    const here = [];
    await until('sockets at both nodes', async () => {
      here.push(await come());
      return here.length >= 6 && nodes.every((node) => admitted(node) > 0);
    });
    for (const client of here) assert.equal((await client.join('tea')).type, 'joined');

    const drained = a.terminate();
    await until('the node to say so', async () => (await ask(a, 'GET', '/health/ready').catch(() => null))?.json.checks.accepting.code === 'DRAINING');
    for (let over = false; !over;) {
      drained.then(() => { over = true; });
      const client = await come();
      assert.equal((await client.say('tea', 'hello')).type, 'sent');
      await client.close();
    }
    assert.equal((await drained).code, 0);
    const gone = here.filter((client) => client.kept.some((m) => m.type === 'closing'));
    assert.ok(gone.length > 0 && gone.length < here.length, 'those of the other node stayed');
    for (const client of gone) assert.deepEqual((await client.ended()).code, 1001);
    if (name !== 'nginx') assert.deepEqual(refused(a), [], 'it was out before it refused anybody');

    const again = await begin(`127.0.0.1:${a.port}`, a.data);
    await until('the proxy to use the node again', async () => { await (await come()).close(); return admitted(again) > 0; }, 60_000);
    await b.kill9();
    for (let i = 0; i < 5; i += 1) {
      const client = await come();
      assert.equal((await client.say('tea', `still here ${i}`)).type, 'sent');
      await client.close();
    }
  });
}
