// The clients in README.md do what it says.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ROOT, serve } from './support/foyer.mjs';
import { arrive, register } from './support/people.mjs';
import { within } from './support/within.mjs';

const readme = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
const block = (language) => new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(readme)[1];

// Runs a program until it has printed something that matches.
async function prints(t, command, args, source, wanted) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let out = '';
  const seen = new Promise((resolve, reject) => {
    const look = (text) => { out += text; if (wanted.test(out)) resolve(); };
    child.stdout.setEncoding('utf8').on('data', look);
    child.stderr.setEncoding('utf8').on('data', look);
    child.on('error', reject);
    child.on('close', () => reject(new Error(`it ended: ${out}`)));
  });
  child.stdin.end(source);
  await within(`${wanted} from the program; so far: ${out}`, seen);
}

for (const [language, command, args, wanted] of [
  ['js', process.execPath, ['--input-type=module', '-'], /^ann: Hello$/m],
  ['python', '/usr/bin/python3', ['-u', '-'], /'message': 'from another'/],
]) {
  test(`the client in ${language === 'js' ? 'JavaScript' : 'Python'}`, async (t) => {
    const node = await serve(t);
    await register(node, 'ann');
    const other = await arrive(node, 'other');
    await other.join('tea');
    await other.say('tea', 'from another');
    await prints(t, command, args, block(language).replaceAll('127.0.0.1:8000', `127.0.0.1:${node.port}`), wanted);
  });
}

test('every file that README.md links to is there', () => {
  for (const [, target] of readme.matchAll(/\]\(([^)#:]+)\)|src="([^"]+)"/g)) if (target) assert.ok(fs.existsSync(path.join(ROOT, target)), target);
});
