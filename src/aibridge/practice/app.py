"""The practice provider as an ASGI app: it reads requests, waits as told, and sends replies."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from aibridge.practice.desk import Desk
from aibridge.practice.exchange import Reply, Request
from aibridge.practice.script import DEFAULT, Script

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

KEPT_REQUESTS = 1000


class PracticeProvider:
    """An ASGI app that answers every dialect's requests from ``script``.

    ``requests`` holds the last ``keep`` requests, oldest first, unless ``log`` is false.
    """

    def __init__(
        self, script: Script = DEFAULT, *, log: bool = True, keep: int = KEPT_REQUESTS
    ) -> None:
        self.requests: deque[Request] = deque(maxlen=keep if log else 0)
        self._desk = Desk(script, born=int(time.time()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or the server's words on its own start and end."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)
        else:
            await send({"type": "websocket.close"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _body(receive)
        if body is None:
            return
        request = Request(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            headers=scope["headers"],
            body=body,
        )
        self.requests.append(request)
        if await _sent(self._desk.reply(request), receive, send):
            return
        request.gone.set()


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        event = (await receive())["type"]
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return


async def _body(receive: Receive) -> bytes | None:
    """Read a request's body; None if the client left in its middle."""
    pieces = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(pieces)


async def _sent(reply: Reply, receive: Receive, send: Send) -> bool:
    """Send ``reply``; false if the client left while it waited for the rest.

    A reply that is cut stops short of its end: the server then closes the connection.
    """
    if await _left(receive, reply.delay):
        return False
    start = {"type": "http.response.start", "status": reply.status, "headers": reply.headers}
    await send(start)
    last = len(reply.frames) - 1
    for number, frame in enumerate(reply.frames):
        if number and await _left(receive, reply.pause):
            return False
        more = reply.cut or number < last
        await send({"type": "http.response.body", "body": frame, "more_body": more})
    if not reply.frames and not reply.cut:
        await send({"type": "http.response.body", "body": b""})
    return True


async def _left(receive: Receive, seconds: float) -> bool:
    """Wait ``seconds``; return at once, and true, if the client leaves meanwhile."""
    if not seconds:
        return False
    try:
        async with asyncio.timeout(seconds):
            message = await receive()
    except TimeoutError:
        return False
    return bool(message["type"] == "http.disconnect")
