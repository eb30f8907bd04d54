"""The client's side of an exchange: its request's body in, our answer out."""

import asyncio
from collections.abc import Callable, Iterable
from typing import cast

from aibridge.listener.cycle import Cycle


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


class BodyTooLarge(Exception):
    """The request's body is larger than the bridge accepts."""


class Client:
    """A client while one request of it is served."""

    __slots__ = ("_cycle", "adds", "received", "task")

    def __init__(self, cycle: Cycle) -> None:
        self._cycle = cycle
        self.task = cast("asyncio.Task[None]", asyncio.current_task())
        """What serves it: it is cancelled where the client leaves."""
        self.received = 0
        """Bytes of the request's body that have come."""
        self.adds: tuple[tuple[bytes, bytes], ...] = ()
        """Headers that the answer has beside its own."""

    @property
    def began(self) -> bool:
        """Whether the answer has begun."""
        return self._cycle.response_started

    @property
    def gone(self) -> bool:
        """Whether the client has left."""
        return self._cycle.disconnected

    async def body(self, limit: int, grow: Callable[[int], None]) -> bytes:
        """Return the whole body; ``grow`` is told of its size as it comes, and may raise.

        Raises `BodyTooLarge` over ``limit`` bytes, or `ClientGone`.
        """
        parts: list[bytes] = []
        more = True
        while more:
            part, more = await self._cycle.take()
            if self._cycle.disconnected:
                raise ClientGone
            parts.append(part)
            self.received += len(part)
            if self.received > limit:
                raise BodyTooLarge
            grow(self.received)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def begin(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Begin the answer: its status and headers are sent with the first `write`."""
        self._cycle.begin(status, [*headers, *self.adds])

    async def write(self, data: bytes, *, more: bool = True) -> None:
        """Send a piece of the answer, waiting while the client is slow to take it."""
        if self._cycle.is_slow:
            await self._cycle.drain()
        self._cycle.write(data, more=more)

    @property
    def is_ready(self) -> bool:
        """Whether the client is there, and has taken enough of what was written."""
        return not (self._cycle.disconnected or self._cycle.is_slow)

    def write_now(self, data: bytes) -> None:
        """Send a piece of the answer that does not end it, without waiting."""
        self._cycle.write(data, more=True)

    def watch(self, on_leaving: Callable[[], object]) -> None:
        """Have a function called when the client leaves, or at once if it has left."""
        self._cycle.watch(on_leaving)

    def unwatch(self) -> None:
        """Have nothing called any more."""
        self._cycle.unwatch()
