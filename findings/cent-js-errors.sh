#!/usr/bin/env bash
# cent.js 6.1.0, a server library for Centrifugo's HTTP API, and answers that refuse.
#
# The exception of a refused call says "[object Object]" and has neither code nor text, since the error of the answer is
# given to Error as its message. `pipeline` throws nothing: a refused command is `undefined` between the results of the
# others, as a command without a result would be. The HTTP status is not looked at: a JSON document without `error` is a
# success, whatever its status, so a wrong address can look as if everything was published.
#
# Seen on 2026-11-30:
#   publish, refused: CentException, message "[object Object]", code undefined
#   pipeline, second of three refused: [{"offset":1},undefined,{"offset":2}]
#   publish, status 404: {}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund cent.js@6.1.0 >/dev/null
cat >calls.mjs <<'JS'
import http from 'node:http';
import cent from 'cent.js';

const refused = '{"error":{"code":103,"message":"permission denied"}}';
const answers = {
  '/api/publish': [200, refused],
  '/api': [200, `{"result":{"offset":1}}\n${refused}\n{"result":{"offset":2}}`],
  '/elsewhere/publish': [404, '{"title":"There is nothing here."}'],
};
const server = http.createServer((request, response) => {
  const [status, text] = answers[request.url];
  request.resume().on('end', () => response.writeHead(status, { 'Content-Type': 'application/json' }).end(text));
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const at = (path) => new cent.CentClient({ url: `http://127.0.0.1:${server.address().port}${path}`, apiKey: 'key' });
const message = { channel: 'news', data: {} };
const command = { method: 'publish', params: message };

const error = await at('/api').publish(message).then(() => null, (thrown) => thrown);
console.log(`publish, refused: ${error?.constructor.name}, message "${error?.message}", code ${error?.code}`);
const results = await at('/api').pipeline([command, command, command]);
console.log(`pipeline, second of three refused: [${results.map((result) => JSON.stringify(result) ?? 'undefined')}]`);
console.log(`publish, status 404: ${JSON.stringify(await at('/elsewhere').publish(message))}`);
server.close();
JS
node calls.mjs | tee seen
diff - seen <<'TEXT'
publish, refused: CentException, message "[object Object]", code undefined
pipeline, second of three refused: [{"offset":1},undefined,{"offset":2}]
publish, status 404: {}
TEXT
