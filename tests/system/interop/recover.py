"""Recovers a room from its beginning with a library's defaults. Arguments: websockets or aiohttp, the URL, the room, the epoch;
the token on standard input. Tells how many messages came, how long the longest frame was, and what `joined` said."""
import asyncio
import json
import sys


async def recover(send, receive, token, room, epoch):
    longest = 0

    async def answer(kind):
        nonlocal longest
        while True:
            text = await receive()
            longest = max(longest, len(text.encode()))
            message = json.loads(text)
            if message["type"] == kind:
                return message

    await send({"type": "authenticate", "token": token, "features": ["pages"]})
    await answer("authentication_success")
    await send({"type": "join", "room": room, "since": {"epoch": epoch, "offset": 0}})
    joined = await answer("joined")
    messages, more, pages = joined["messages"], joined["more"], 1
    while more:
        await send({"type": "history", "room": room, "after": messages[-1]["offset"], "limit": 300})
        page = await answer("history")
        messages, more, pages = messages + page["messages"], page["more"], pages + 1
    return {"recovered": joined["recovered"], "offsets": [m["offset"] for m in messages], "longest": longest, "pages": pages}


async def with_websockets(url, *rest):
    import websockets
    async with websockets.connect(url) as socket:
        return await recover(lambda message: socket.send(json.dumps(message)), socket.recv, *rest)


async def with_aiohttp(url, *rest):
    import aiohttp
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        return await recover(socket.send_json, socket.receive_str, *rest)


library, url, room, epoch = sys.argv[1:]
play = {"websockets": with_websockets, "aiohttp": with_aiohttp}[library]
print(json.dumps(asyncio.run(play(url, sys.stdin.read().strip(), room, epoch))))
