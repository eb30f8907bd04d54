"""The client's side of an exchange: its request's body in, our answer out."""

from collections.abc import Callable, Iterable

from aibridge.listener.cycle import Cycle


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


class BodyTooLarge(Exception):
    """The request's body is larger than the bridge accepts."""


class Client:
    """A client while one request of it is served."""

    __slots__ = ("_cycle", "received")

    def __init__(self, cycle: Cycle) -> None:
        self._cycle = cycle
        self.received = 0
        """Bytes of the request's body that have come."""

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

    async def begin(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Send the status and headers of the answer."""
        if self._cycle.is_slow:
            await self._cycle.drain()
        self._cycle.begin(status, list(headers))

    async def write(self, data: bytes, *, more: bool = True) -> None:
        """Send a piece of the answer, waiting while the client is slow to take it."""
        if self._cycle.is_slow:
            await self._cycle.drain()
        self._cycle.write(data, more=more)

    def watch(self, on_leaving: Callable[[], object]) -> None:
        """Have a function called when the client leaves, or at once if it has left."""
        self._cycle.watch(on_leaving)

    def unwatch(self) -> None:
        """Have nothing called any more."""
        self._cycle.unwatch()
