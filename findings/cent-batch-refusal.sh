#!/usr/bin/env bash
# PyPI cent 5.2.0, a server library for Centrifugo's HTTP API, and a batch in which one command is refused.
#
# The API answers such a command with {"error":{…}} in its place. `batch` looks there for the name of the method, and ends
# with KeyError, which is none of the library's exceptions: which command was refused and why is lost, and so are the
# results of the others, though they were carried out.
#
# Seen on 2026-11-30:
#   all good: [PublishResult(offset=1, epoch='e'), PublishResult(offset=2, epoch='e')]
#   second refused: KeyError 'publish', a CentError: False
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check cent==5.2.0
cat >batch.py <<'PY'
import http.server, json, threading
from cent import BatchRequest, Client, PublishRequest
from cent.exceptions import CentError

good = [{"publish": {"offset": 1, "epoch": "e"}}, {"publish": {"offset": 2, "epoch": "e"}}]
answers = [good, [good[0], {"error": {"code": 103, "message": "permission denied"}}]]

class Api(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"replies": answers.pop(0)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Api)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = Client(f"http://127.0.0.1:{server.server_port}/api", "key")
batch = BatchRequest(requests=[PublishRequest(channel="news", data={}), PublishRequest(channel="secret", data={})])
print("all good:", client.batch(batch).replies)
try:
    print("second refused:", client.batch(batch).replies)
except Exception as error:
    print(f"second refused: {type(error).__name__} {error}, a CentError: {isinstance(error, CentError)}")
PY
venv/bin/python batch.py | tee seen
diff - seen <<'TEXT'
all good: [PublishResult(offset=1, epoch='e'), PublishResult(offset=2, epoch='e')]
second refused: KeyError 'publish', a CentError: False
TEXT
