// docs/http.md: its table is what the server says of itself, and its examples run as written.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT, fileScope, serve } from './support/foyer.mjs';
import { ask } from './support/http.mjs';

const file = path.join(ROOT, 'docs/http.md');
const text = fs.readFileSync(file, 'utf8');
let node;
const scope = fileScope(after);
before(async () => { node = await serve(scope); });

const openapi = async () => (await ask(node, 'GET', '/openapi.json')).json;

function table(document) {
  const rows = ['', '| method | needs | field | | |', '|---|---|---|---|---|'];
  for (const [address, { post }] of Object.entries(document.paths)) {
    if (!address.startsWith('/api/')) continue;
    rows.push(`| **\`${post.operationId}\`** | ${post['x-needs'] || 'any key'} | | | ${post.summary} |`);
    const schema = post.requestBody.content['application/json'].schema;
    for (const [name, field] of Object.entries(schema.properties)) {
      if (name === 'room' || name === 'rooms') continue; // other names of channel and channels
      const says = field.description.replace(/^(Mapped|Refused unless it is empty): /, '');
      rows.push(`| | | \`${name}\` | ${field['x-treatment']} | ${says[0].toUpperCase()}${says.slice(1)} |`);
    }
  }
  return `${rows.join('\n')}\n\n`;
}

test('the table of methods is that of /openapi.json', async () => {
  const [start, end] = ['<!-- methods -->\n', '<!-- end of methods -->'];
  const [from, to] = [text.indexOf(start) + start.length, text.indexOf(end)];
  const wanted = table(await openapi());
  if (process.env.UPDATE_DOCS) fs.writeFileSync(file, text.slice(0, from) + wanted + text.slice(to));
  else assert.equal(text.slice(from, to), wanted);
});

test('the examples run as written', async () => {
  const script = /## Try it[\s\S]*?```sh\n([\s\S]*?)```/.exec(text)[1];
  const key = fs.readFileSync(path.join(node.data, 'api_key'), 'utf8').trim();
  const commands = script.split(/^# .*$/m).map((command) => command.trim()).filter(Boolean);
  const shown = [...script.matchAll(/^# (.*)$/gm)].map(([, line]) => line);
  assert.equal(commands.length, shown.length);
  for (const [i, command] of commands.entries()) {
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command], { env: { ...process.env, FOYER: node.url, KEY: key } });
    const pattern = shown[i].split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*?');
    assert.match(stdout, new RegExp(`^${pattern}$`, 's'), command);
  }
});

// Every reference has its target, every schema is one, and what the server answers is what it describes.
test('/openapi.json is whole, needs no key, and describes the answers', async () => {
  const answer = await ask(node, 'GET', '/openapi.json');
  assert.deepEqual([answer.status, answer.headers['content-type']], [200, 'application/json']);
  const document = answer.json;
  assert.equal(document.openapi, '3.1.0');
  for (const [, name] of answer.text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) assert.ok(document.components.schemas[name], name);
  const key = fs.readFileSync(path.join(node.data, 'api_key'), 'utf8').trim();
  const call = async (method, body) => (await ask(node, 'POST', `/api/${method}`, { body, headers: { 'X-API-Key': key } })).json;
  await call('publish', { channel: 'tea', message: 'x' });
  const samples = { publish: { channel: 'tea', message: 'y' }, broadcast: { channels: ['tea', 'private:no'], message: 'z' }, history: { channel: 'tea', limit: 10 }, presence: { channel: 'tea' },
    presence_stats: { channel: 'tea' }, channels: {}, info: {}, rooms: {}, room_create: { channel: 'private:x', members: ['u_1'] }, member_add: { channel: 'private:x', user: 'u_2' },
    room_members: { channel: 'private:x' }, member_remove: { channel: 'private:x', user: 'u_2' }, room_delete: { channel: 'private:x' }, message_delete: { channel: 'tea', offset: 1 },
    history_remove: { channel: 'tea' }, user_upsert: { user: 'u_3', name: 'Three' }, user_forget: { user: 'u_3' },
    connections: {}, get_user_status: { users: ['u_3'] }, disconnect: { user: 'u_3' }, subscribe: { user: 'u_3', channel: 'tea' }, unsubscribe: { user: 'u_3', channel: 'tea' }, refresh: { user: 'u_3', expired: true } };
  for (const [method, body] of Object.entries(samples)) {
    const [schema] = document.paths[`/api/${method}`].post.responses[200].content['application/json'].schema.oneOf;
    fits(document, schema, await call(method, body), method);
  }
});

function fits(document, schema, value, where) {
  if (schema.$ref) return fits(document, document.components.schemas[schema.$ref.split('/').at(-1)], value, where);
  const type = Array.isArray(value) ? 'array' : value === null ? 'null' : Number.isInteger(value) ? 'integer' : typeof value;
  if (schema.type) assert.equal(type, schema.type, where);
  for (const name of schema.required ?? []) assert.ok(name in value, `${where}.${name}`);
  if (type === 'object' && schema.properties)
    for (const [name, member] of Object.entries(value)) {
      assert.ok(schema.properties[name], `${where}.${name} is described`);
      fits(document, schema.properties[name], member, `${where}.${name}`);
    }
  if (type === 'object' && schema.additionalProperties) for (const [name, member] of Object.entries(value)) fits(document, schema.additionalProperties, member, `${where}.${name}`);
  if (type === 'array' && schema.items) value.forEach((item, i) => fits(document, schema.items, item, `${where}[${i}]`));
}
