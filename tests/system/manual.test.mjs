// The manual: links lead somewhere, the index names every page, and the session of
// docs/protocol.md happens as it is written there.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ROOT, foyer, serve } from './support/foyer.mjs';
import { arrive, register } from './support/people.mjs';
import { handshake } from './support/websocket.mjs';

const text = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8');
const prose = (file) => text(file).replace(/^```[\s\S]*?^```/gm, '');

// Every .md file below a folder, from the root.
function pages(folder) {
  const skipped = ['.git', 'build', 'data', 'node_modules'];
  return fs.readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory()) return skipped.includes(entry.name) ? [] : pages(name);
    return entry.name.endsWith('.md') ? [name] : [];
  });
}

const anchors = (file) => [...prose(file).matchAll(/^#+ (.*)$/gm)]
  .map(([, title]) => title.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase().replace(/[^\p{L}\p{N}_\- ]/gu, '').replaceAll(' ', '-'));

test('every link in a document of the repository leads somewhere', () => {
  const all = pages('.');
  assert.ok(all.length > 60, `${all.length} documents`);
  const broken = [];
  for (const page of all) {
    for (const [, target] of prose(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file, anchor] = target.split('#');
      const there = file ? path.join(path.dirname(page), file) : page;
      if (!fs.existsSync(path.join(ROOT, there))) broken.push(`${page}: ${target}`);
      else if (anchor && there.endsWith('.md') && !anchors(there).includes(anchor)) broken.push(`${page}: ${target} (no such heading)`);
    }
  }
  assert.deepEqual(broken, []);
});

test('docs/README.md names every page of docs/, and docs/decisions/README.md every decision', () => {
  for (const folder of ['docs', 'docs/decisions']) {
    const index = text(`${folder}/README.md`);
    const files = fs.readdirSync(path.join(ROOT, folder)).filter((name) => name.endsWith('.md') && name !== 'README.md');
    assert.deepEqual(files.filter((name) => !index.includes(`](${name}`)), []);
  }
});

// ---- the session

// What another run has other values for.
const VOLATILE = new Set(['id', 'connection', 'session', 'expires_at', 'epoch', 'time', 'ref', 'version', 'build', 'config', 'retry_after_ms']);

// { who, what: '>' | '<' | '*', said } for each line. Continued lines are indented; one that breaks between words lost a blank.
function recorded() {
  const section = /^## A session[\s\S]*?(?=^## )/m.exec(text('docs/protocol.md'))[0];
  const blocks = [...section.matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)].filter(([, language]) => language === '');
  return blocks.flatMap(([, , block]) => block.replace(/,\n {8}/g, ',').replace(/\n {8}/g, ' ').trimEnd().split('\n'))
    .map((line) => { const [, who, what, said] = /^(\w{3}) ([<>*]) (.*)$/.exec(line); return { who, what, said }; });
}

// Both have the same members with the same values; of the volatile ones `seen` learns which stands for which.
function compare(written, actual, seen, at = '') {
  if (Array.isArray(written)) {
    assert.equal(actual.length, written.length, at);
    const byName = (a, b) => (a.name ?? '').localeCompare(b.name ?? '');
    const [left, right] = at.endsWith('.members') ? [[...written].sort(byName), [...actual].sort(byName)] : [written, actual];
    left.forEach((each, i) => compare(each, right[i], seen, `${at}[${i}]`));
  } else if (typeof written === 'object') {
    assert.deepEqual(Object.keys(actual).sort(), Object.keys(written).sort(), at);
    for (const [name, value] of Object.entries(written)) {
      // A command's id is a number of the client's and comes back as it was.
      if (!VOLATILE.has(name) || (name === 'id' && typeof value === 'number')) compare(value, actual[name], seen, `${at}.${name}`);
      else {
        assert.equal(typeof actual[name], typeof value, `${at}.${name}`);
        if (name !== 'retry_after_ms') assert.equal(seen.get(value) ?? actual[name], actual[name], `${at}.${name}`);
        seen.set(value, actual[name]);
      }
    }
  } else {
    const unnamed = (value) => (typeof value === 'string' ? value.replace(/key [\w-]+\.$/, 'key K.') : value);
    assert.equal(unnamed(actual), unnamed(written), at);
  }
}

test('the session of docs/protocol.md', async (t) => {
  const node = await serve(t);
  const bob = await arrive(node, 'bob');
  await bob.join('tea');
  await bob.say('tea', 'Anybody here?');
  const { access_token: token } = await register(node, 'ann');
  const sockets = { bob: bob.socket };
  const seen = new Map();
  const actual = (said) => [...seen].reduce((out, [written, value]) => out.replaceAll(`"${written}"`, `"${value}"`), said)
    .replace('"eyJ…"', `"${token}"`).replace('"eyJ…AAAA"', `"${token.slice(0, -4)}${token.endsWith('AAAA') ? 'BBBB' : 'AAAA'}"`);
  const outside = {
    'the connection is lost': ({ who }) => sockets[who].destroy(),
    'an operator runs `foyer user revoke ann`': async () => assert.equal((await foyer(['user', 'revoke', 'ann', '--data', node.data])).code, 0),
    'the server gets SIGTERM': () => node.child.kill('SIGTERM'),
  };
  const lines = recorded();
  assert.ok(lines.length > 25, `${lines.length} lines`);
  for (const line of lines) {
    const { who, what, said } = line;
    if (what === '*') await outside[said](line);
    else if (what === '>') {
      if (said.includes('"authenticate"')) sockets[who] = (await handshake(node, { headers: { 'Sec-WebSocket-Protocol': 'foyer.v1' } })).socket;
      sockets[who].sendText(actual(said));
    } else if (said.startsWith('Close ')) {
      const [, code, reason] = said.split(' ');
      const end = await sockets[who].ended();
      assert.deepEqual([end.code, end.reason.split(' ')[0]], [Number(code), reason], said);
    } else {
      const written = JSON.parse(said);
      // bob's part is not written out whole.
      const wanted = (m) => who !== 'bob' || (m.type === written.type && m.id === written.id && m.message === written.message);
      compare(written, await sockets[who].messages.take(said, wanted), seen, said.slice(0, 60));
    }
  }
});
