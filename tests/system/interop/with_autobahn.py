"""python3-autobahn on asyncio; plans and events as in standard.mjs. URL as argument, the plan on standard input."""
import asyncio
import base64
import hashlib
import json
import re
import ssl
import sys
from urllib.parse import urlsplit

from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol
from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateResponse, PerMessageDeflateResponseAccept


class Player(WebSocketClientProtocol):
    def onConnect(self, response):
        self.inbox = asyncio.Queue()
        self.pongs = asyncio.Queue()
        EVENTS.append(["open", response.protocol or "", response.headers.get("sec-websocket-extensions", "")])

    def onOpen(self):
        self.playing = asyncio.ensure_future(self.play())

    def onMessage(self, payload, isBinary):
        self.inbox.put_nowait((payload, isBinary))

    def onPong(self, payload):
        self.pongs.put_nowait(payload)

    def onClose(self, wasClean, code, reason):
        if hasattr(self, "playing"):
            self.inbox.put_nowait(None)
            EVENTS.append(["closed", self.remoteCloseCode, (self.remoteCloseReason or "").split(" ")[0]])
        else:
            status = re.search(r"upgrade failed \[(\d{3})\]", reason or "")
            EVENTS.append(["refused", int(status[1])] if status else ["failed", reason])
        ENDED.set_result(None)

    async def play(self):
        for what, *args in PLAN["steps"]:
            if what == "send":
                kind, data, size = args
                self.sendMessage(base64.b64decode(data), isBinary=kind == "binary", fragmentSize=size or None)
            elif what == "receive":
                if (got := await self.inbox.get()) is None:
                    return
                EVENTS.append(["binary" if got[1] else "text", len(got[0]), hashlib.sha256(got[0]).hexdigest()])
            elif what == "until":
                while args[0].encode() not in (got := await self.inbox.get())[0]:
                    pass
                EVENTS.append(["said", got[0].decode()])
            elif what == "ping":
                self.sendPing(b"are you there")
                if await self.pongs.get() == b"are you there":
                    EVENTS.append(["pong"])
            elif what == "close":
                self.sendClose(*args)


async def main(url):
    global ENDED
    loop = asyncio.get_running_loop()
    ENDED = loop.create_future()
    factory = WebSocketClientFactory(url, protocols=PLAN["protocols"], headers=PLAN.get("headers") or {}, loop=loop)
    factory.protocol = Player
    factory.setProtocolOptions(utf8validateIncoming=True)
    if PLAN["compression"]:
        factory.setProtocolOptions(
            perMessageCompressionOffers=[PerMessageDeflateOffer()],
            perMessageCompressionAccept=lambda answer: PerMessageDeflateResponseAccept(answer) if isinstance(answer, PerMessageDeflateResponse) else None)
    to = urlsplit(url)
    context = ssl.create_default_context(cafile=PLAN["ca"]) if PLAN.get("ca") else None
    await loop.create_connection(factory, to.hostname, to.port, ssl=context)
    await ENDED


EVENTS = []
PLAN = json.load(sys.stdin)
asyncio.run(main(sys.argv[1]))
print(json.dumps(EVENTS))
