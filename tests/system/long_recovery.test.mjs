// Whoever was away for long comes back with a library's defaults: no answer is longer than 256 KiB.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileScope, serve } from './support/foyer.mjs';
import { arrive } from './support/people.mjs';
import { within } from './support/within.mjs';

const MESSAGES = 300;
const ANSWER = 256 * 1024;
const SCRIPT = path.join(import.meta.dirname, 'interop', 'recover.py');

const file = fileScope(after);
let node;
let ann;
let epoch;
before(async () => {
  node = await serve(file, { args: ['--messages-burst', '1000'] });
  ann = await arrive(node, 'ann');
  ({ epoch } = await ann.join('tea'));
  for (let i = 1; i <= MESSAGES; i += 1) await ann.say('tea', `${i} ${'x'.repeat(15_000)}`);
});

const recover = (library) => within(library, new Promise((resolve, reject) => {
  const child = spawn('/usr/bin/python3', [SCRIPT, library, `${node.url.replace('http', 'ws')}/ws/chat`, 'tea', epoch], { stdio: ['pipe', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => { out += text; });
  child.stderr.setEncoding('utf8').on('data', (text) => { err += text; });
  child.on('error', reject);
  child.on('close', (code) => (code === 0 ? resolve(JSON.parse(out)) : reject(new Error(`${library} ended with ${code}: ${err}`))));
  child.stdin.end(ann.token);
}));

for (const library of ['websockets', 'aiohttp']) {
  test(`${library} recovers ${MESSAGES} long messages with its defaults`, async () => {
    const seen = await recover(library);
    assert.equal(seen.recovered, true);
    assert.deepEqual(seen.offsets, Array.from({ length: MESSAGES }, (_, i) => i + 1));
    assert.ok(seen.longest <= ANSWER, `a frame of ${seen.longest} bytes`);
    assert.ok(seen.pages > 1);
  });
}
