// Calls of the server API, with the key that a server in development makes for itself.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { ask } from './http.mjs';

export const keyOf = (node) => fs.readFileSync(path.join(node.data, 'api_key'), 'utf8').trim();
// POST /api/METHOD: the whole answer.
export const post = (node, method, body, { key = keyOf(node), headers = {} } = {}) => ask(node, 'POST', `/api/${method}`, { body, headers: { ...(key ? { 'X-API-Key': key } : {}), ...headers } });
// The result; an error fails the test.
export async function call(node, method, body = {}, options) {
  const answer = await post(node, method, body, options);
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(Object.keys(answer.json), ['result'], answer.text);
  return answer.json.result;
}
// The error of an answer with status 200: [code, cause].
export async function error(node, method, body, options) {
  const answer = await post(node, method, body, options);
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(Object.keys(answer.json), ['error'], answer.text);
  const { code, message, cause, ref } = answer.json.error;
  assert.equal(typeof message, 'string');
  assert.ok(message.length > 0 && ref.length > 0, answer.text);
  return [code, cause];
}
