#!/usr/bin/env bash
# Caddy 2.6.2, the version of Debian 12, closes proxied WebSockets when its configuration is reloaded, and sends both
# sides the same Close frame (1001, without a mask).
#
# Towards the backend Caddy is in the client's place, where every frame must be masked (RFC 6455 section 5.1). A backend
# that follows the standard reports a protocol error of its client (1002), though no client did anything, and its
# statistics blame the application's clients for each reload of the proxy.
#
# Seen on 2026-11-29, the bytes after the handshake:
#   client:  880203e9
#   backend: 880203e9
set -euo pipefail
version=2.6.2-5
folder=$(mktemp -d)
pids=()
trap 'for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq "caddy=$version*" >/dev/null
dpkg -x caddy_*.deb .
cat >sides.py <<'PY'
import base64, hashlib, pathlib, socket, sys, threading

def head(sock):
    text = b''
    while b'\r\n\r\n' not in text:
        text += sock.recv(4096)
    return text.split(b'\r\n\r\n', 1)

def rest(sock, start, name):
    seen = start
    sock.settimeout(10)
    try:
        while part := sock.recv(4096):
            seen += part
    except OSError:
        pass
    pathlib.Path(name).write_text(seen.hex())

backend = socket.create_server(('127.0.0.1', 0))
pathlib.Path('backend.port').write_text(str(backend.getsockname()[1]))

def serve():
    sock, _ = backend.accept()
    request, more = head(sock)
    key = next(line.split(b':', 1)[1].strip() for line in request.split(b'\r\n') if line.lower().startswith(b'sec-websocket-key:'))
    accept = base64.b64encode(hashlib.sha1(key + b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest())
    sock.sendall(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ' + accept + b'\r\n\r\n')
    rest(sock, more, 'backend.seen')

thread = threading.Thread(target=serve)
thread.start()
sys.stdin.readline()  # the proxy runs
client = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
client.sendall(b'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n')
answer, more = head(client)
assert b' 101 ' in answer, answer
pathlib.Path('upgraded').touch()
rest(client, more, 'client.seen')
thread.join()
PY
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port)
admin=$(free_port)
mkfifo go
python3 sides.py "$port" <go &
sides=$!
pids+=("$sides")
exec 3>go
until [ -s backend.port ]; do sleep 0.1; done
configuration() { # COMMENT
  printf '{\n\tadmin 127.0.0.1:%s\n\tauto_https off\n}\nhttp://localhost:%s {\n\theader X-Round %s\n\treverse_proxy 127.0.0.1:%s\n}\n' "$admin" "$port" "$1" "$(cat backend.port)" >Caddyfile
}
configuration 1
export XDG_DATA_HOME=$folder/data XDG_CONFIG_HOME=$folder/config
usr/bin/caddy run --adapter caddyfile --config Caddyfile >caddy.log 2>&1 &
pids+=($!)
until (exec 4<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do sleep 0.1; done
echo >&3
until [ -e upgraded ]; do sleep 0.1; done
configuration 2
usr/bin/caddy reload --adapter caddyfile --config Caddyfile --address "127.0.0.1:$admin" >reload.log 2>&1
wait "$sides"
result=0
for side in client backend; do
  seen=$(cat "$side.seen")
  printf 'caddy %s, %-8s %s\n' "$(usr/bin/caddy version)" "$side:" "$seen"
  [ "$seen" = 880203e9 ] || { echo "  changed; it was: 880203e9"; result=1; }
done
exit "$result"
