"""python3-websockets; plans and events as in standard.mjs. URL as argument, the plan on standard input."""
import asyncio
import base64
import hashlib
import json
import ssl
import sys

import websockets


async def play(url, plan):
    events = []
    context = ssl.create_default_context(cafile=plan["ca"]) if plan.get("ca") else None
    try:
        socket = await websockets.connect(
            url, subprotocols=plan["protocols"] or None, extra_headers=plan.get("headers") or {}, max_size=None,
            compression="deflate" if plan["compression"] else None, **({"ssl": context} if context else {}))
    except websockets.InvalidStatusCode as refused:
        return [["refused", refused.status_code]]
    events.append(["open", socket.subprotocol or "", socket.response_headers.get("Sec-WebSocket-Extensions", "")])
    try:
        for what, *args in plan["steps"]:
            if what == "send":
                kind, data, size = args
                data = base64.b64decode(data)
                pieces = [data[at:at + size] for at in range(0, len(data), size)] if size else []
                if kind == "text":  # an iterable is sent in fragments; text is cut between characters
                    text = data.decode()
                    pieces = [text[at:at + size] for at in range(0, len(text), size)] if size else []
                    data = text
                await socket.send(pieces or data)
            elif what == "receive":
                data = await socket.recv()
                raw = data.encode() if isinstance(data, str) else data
                events.append(["text" if isinstance(data, str) else "binary", len(raw), hashlib.sha256(raw).hexdigest()])
            elif what == "until":
                while args[0] not in (said := await socket.recv()):
                    pass
                events.append(["said", said])
            elif what == "ping":
                await (await socket.ping("are you there"))
                events.append(["pong"])
            elif what == "close":
                await socket.close(*args)
    except websockets.ConnectionClosed:
        pass
    await socket.wait_closed()
    return events + [["closed", socket.close_code, (socket.close_reason or "").split(" ")[0]]]


print(json.dumps(asyncio.run(play(sys.argv[1], json.load(sys.stdin)))))
