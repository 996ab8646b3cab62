// The clients in README.md do what it says, and so does the one in docs/protocol.md.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { VERSION, project } from './support/client_package.mjs';
import { ROOT, fileScope, serve } from './support/foyer.mjs';
import { arrive, register } from './support/people.mjs';
import { within } from './support/within.mjs';

const readme = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
const protocol = fs.readFileSync(path.join(ROOT, 'docs/protocol.md'), 'utf8');

const inNode = (file) => [process.execPath, file];
const PROGRAMS = {
  'the client in JavaScript': { page: readme, language: 'js', command: inNode('client.mjs'), prints: /^ann: Hello$/m },
  'the client in Python': { page: readme, language: 'python', command: ['/usr/bin/python3', '-u', 'client.py'], prints: /'message': 'from another'/ },
  'the client without a library': { page: protocol, language: 'js', command: inNode('bare.mjs'), prints: /^ann: Hello$/m },
};

const installed = fileScope(after);
let cwd; // an empty project with foyer-client, as README.md has it
before(async () => { ({ dir: cwd } = await project(installed)); });

// A program of the documents as a file, for this server; started as they say.
function program(t, node, name, change = (source) => source) {
  const { page, language, command: [command, ...args] } = PROGRAMS[name];
  const source = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(page)[1];
  fs.writeFileSync(path.join(cwd, args.at(-1)), change(source.replaceAll('127.0.0.1:8000', `127.0.0.1:${node.port}`)));
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const run = { out: '', look: () => {}, ended: new Promise((resolve, reject) => child.on('error', reject).on('close', resolve)) };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { run.out += text; run.look(); });
  return run;
}

// Runs until it has printed something that matches.
async function prints(run, wanted) {
  await within(`${wanted} from the program; so far: ${run.out}`, new Promise((resolve, reject) => {
    run.look = () => { if (wanted.test(run.out)) resolve(); };
    run.look();
    run.ended.then(() => reject(new Error(`it ended: ${run.out}`)), reject);
  }));
}

for (const [name, { prints: wanted }] of Object.entries(PROGRAMS)) {
  test(name, async (t) => {
    const node = await serve(t);
    await register(node, 'ann');
    const other = await arrive(node, 'other');
    await other.join('tea');
    await other.say('tea', 'from another');
    await prints(program(t, node, name), wanted);
  });

  test(`${name} with a wrong password ends and says so`, async (t) => {
    const node = await serve(t);
    await register(node, 'ann');
    const run = program(t, node, name, (source) => source.replace('a long and quiet sentence', 'another sentence'));
    assert.notEqual(await within('the program to end', run.ended), 0);
    assert.match(run.out, /CREDENTIALS_REJECTED: \S/);
    assert.doesNotMatch(run.out, /NO_TOKEN/);
  });
}

test('every file that README.md links to is there', () => {
  for (const [, target] of readme.matchAll(/\]\(([^)#:]+)\)|src="([^"]+)"/g)) if (target) assert.ok(fs.existsSync(path.join(ROOT, target)), target);
});

test('README.md and docs/README.md list each thing once', () => {
  const rows = [...readme.matchAll(/^\| `(foyer [a-z]+)/gm)].map(([, name]) => name);
  assert.deepEqual(rows, [...new Set(rows)]);
  const pages = [...fs.readFileSync(path.join(ROOT, 'docs/README.md'), 'utf8').matchAll(/^- \[[^\]]+\]\(([^)]+)\)/gm)].map(([, page]) => page);
  assert.deepEqual(pages, [...new Set(pages)]);
  assert.match(readme, /Node 22 or later[\s\S]*client\.mjs/);
  assert.ok(readme.includes(`foyer-client-${VERSION}.tgz`), 'the name of the package');
  assert.match(readme, /pip install websockets/);
});
