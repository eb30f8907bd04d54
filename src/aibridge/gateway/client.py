"""The client's side of an exchange: its request's body in, our answer out."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


class BodyTooLarge(Exception):
    """The request's body is larger than the bridge accepts."""


class Client:
    """One request of a client over ASGI."""

    __slots__ = ("_receive", "_send", "began", "gone", "received")

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.began = False
        self.gone = False
        self.received = 0
        """Bytes of the request's body that have come."""

    async def body(self, limit: int, grow: Callable[[int], None]) -> bytes:
        """Return the whole body; ``grow`` is told of its size as it comes, and may raise.

        Raises `BodyTooLarge` over ``limit`` bytes, or `ClientGone`.
        """
        parts: list[bytes] = []
        more = True
        while more:
            message = await self._piece()
            parts.append(message["body"])
            if self.received > limit:
                raise BodyTooLarge
            grow(self.received)
            more = message["more_body"]
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def begin(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Send the status and headers of the answer."""
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        self.began = True

    async def write(self, data: bytes, *, more: bool = True) -> None:
        """Send a piece of the answer, waiting while the client is slow to take it."""
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def wait_for_leaving(self) -> None:
        """Wait until the client has left; `gone` is true then."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True

    async def _piece(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        self.received += len(message["body"])
        return message
