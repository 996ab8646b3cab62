// docs/http.md behind <!-- examples -->: its shell blocks run one after the other in one shell, and each JSON block behind one is what that
// block prints: the same members and types, equal texts, `…` for any text, and any number for a number of a changing
// thing (a status is exact).
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT, fileScope, foyerJson, serve } from './support/foyer.mjs';
import { until } from './support/within.mjs';

const whole = fs.readFileSync(path.join(ROOT, 'docs/http.md'), 'utf8');
const text = whole.slice(whole.indexOf('<!-- examples -->'));
const blocks = [...text.matchAll(/^```(sh|json)\n([\s\S]*?)^```/gm)].map(([, language, body]) => ({ language, body }));
const END = '-- end of block --';

const file = fileScope(after);
let printed;
before(async () => {
  const node = await serve(file);
  const added = await foyerJson(['service', 'add', 'billing', '--may-call', 'ledger', '--json', '--data', node.data, '--dev']);
  await foyerJson(['service', 'add', 'ledger', '--json', '--data', node.data, '--dev']);
  await until('the services to be known', async () => {
    const { stdout } = await bash(`curl -s -u "billing:${added.json.secret}" -d grant_type=client_credentials -d audience=ledger ${node.url}/oauth2/token`);
    return JSON.parse(stdout).access_token;
  });
  const script = blocks.filter(({ language }) => language === 'sh').map(({ body }) => `${body}\nprintf '\\n${END}\\n'\n`).join('');
  const { stdout } = await bash(script, { FOYER: node.url, BILLING_SECRET: added.json.secret });
  printed = stdout.split(`\n${END}\n`);
});

const bash = (script, env = {}) => new Promise((resolve, reject) => {
  execFile('/bin/bash', ['-eu', '-c', script], { env: { PATH: process.env.PATH, ...env } }, (error, stdout, stderr) => {
    if (error) reject(new Error(`${error.message}\n${stdout}\n${stderr}`)); else resolve({ stdout });
  });
});

// Where `seen` is not what `shown` promises; undefined: nowhere.
function difference(shown, seen, at = '') {
  if (typeof shown === 'string') {
    if (typeof seen !== 'string') return `${at}: ${JSON.stringify(seen)} is not a text`;
    const pattern = shown.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[\\s\\S]*');
    return new RegExp(`^${pattern}$`).test(seen) ? undefined : `${at}: ${JSON.stringify(seen)} is not ${JSON.stringify(shown)}`;
  }
  if (typeof shown === 'number') {
    if (typeof seen !== 'number') return `${at}: ${JSON.stringify(seen)} is not a number`;
    return Math.abs(shown) >= 1_000_000_000 || shown === seen ? undefined : `${at}: ${seen} is not ${shown}`;
  }
  if (Array.isArray(shown)) {
    if (!Array.isArray(seen)) return `${at}: not a list`;
    if (shown.length > 0 && seen.length === 0) return `${at}: an empty list`;
    return shown.map((each, i) => difference(each, seen[i], `${at}/${i}`)).find(Boolean);
  }
  if (shown !== null && typeof shown === 'object') {
    if (seen === null || typeof seen !== 'object') return `${at}: ${JSON.stringify(seen)} is not an object`;
    const missing = Object.keys(shown).find((name) => !(name in seen));
    if (missing) return `${at}/${missing} is missing: ${JSON.stringify(seen)}`;
    const more = at.includes('/checks') ? undefined : Object.keys(seen).find((name) => !(name in shown));
    if (more) return `${at}/${more} is not shown`;
    return Object.keys(shown).map((name) => difference(shown[name], seen[name], `${at}/${name}`)).find(Boolean);
  }
  return shown === seen ? undefined : `${at}: ${JSON.stringify(seen)} is not ${JSON.stringify(shown)}`;
}

let shell = -1;
for (const { language, body } of blocks) {
  if (language === 'sh') shell += 1;
  else {
    const at = shell;
    const command = blocks.filter((block) => block.language === 'sh')[at].body.trim().split('\n').at(-1);
    test(`docs/http.md: ${command.slice(0, 100)}`, () => {
      assert.equal(difference(JSON.parse(body), JSON.parse(printed[at])), undefined, printed[at]);
    });
  }
}
