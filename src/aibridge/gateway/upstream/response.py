"""One answer on its way in: filled by its connection, read by the relay."""

import asyncio
from collections.abc import Callable

from aibridge.gateway.upstream.errors import BrokenAnswer, UpstreamError

HIGH_WATER = 64 * 1024
"""Bytes of an answer that may wait for the client before reading from the provider pauses."""
PIECE_COST = 64
"""Bytes that a piece counts beside its own: many small ones take memory and time too."""
MAX_PORTION = 64 * 1024
"""Bytes of a body that a reader gets at once: what it does with them holds up the event loop."""

Headers = list[tuple[bytes, bytes]]


class Response:
    """An answer: its head, and its body as it comes.

    ``flow`` is called with true to pause the connection, with false to let it go on;
    ``finished`` once, with whether the answer was read to its end.
    """

    __slots__ = (
        "_finished",
        "_flow",
        "_has_rest",
        "_parts",
        "_take",
        "_waiter",
        "buffered",
        "complete",
        "ended",
        "error",
        "head_done",
        "headers",
        "paused",
        "sends",
        "status",
    )

    def __init__(self, flow: Callable[[bool], None], finished: Callable[[bool], None]) -> None:
        self._flow = flow
        self._finished = finished
        self._parts: list[bytes] = []
        self._has_rest = False
        self.buffered = 0
        """Bytes that have come and were not taken, with what their pieces cost."""
        self._waiter: asyncio.Future[None] | None = None
        self._take: Callable[[], bool] | None = None
        self.status = 0
        self.headers: Headers = []
        self.head_done = False
        self.complete = False
        """Whether the whole answer has come."""
        self.ended = False
        """Whether the whole answer has been read."""
        self.error: UpstreamError | None = None
        self.paused = False
        self.sends = 1
        """How many times the request was sent until this came."""

    @property
    def waiting(self) -> bool:
        """Whether nothing of the body has come yet, though some may."""
        return not self._parts and not self.complete

    @property
    def has_news(self) -> bool:
        """Whether `read` has something to return, or to raise, at once."""
        return not self.waiting or self.error is not None

    async def head(self) -> None:
        """Wait for the status and headers. Raises an `UpstreamError`."""
        while not self.head_done:
            if self.error is not None:
                raise self.error
            await self._wait()

    async def arrived(self) -> None:
        """Wait until there is news."""
        while not self.has_news:
            await self._wait()

    async def read(self) -> bytes:
        """Return what has come of the body since the last call, waiting for some; empty at the end.

        At most `MAX_PORTION` bytes; before the rest of what has come other tasks have their turn.
        Raises `BrokenAnswer` or `TimedOut` when the rest will not come.
        """
        if self._has_rest:
            await asyncio.sleep(0)
        while not self._parts and not self.complete:
            if self.error is not None:
                raise self.error
            await self._wait()
        return self.taken()

    async def hand_to(self, take: Callable[[], bool]) -> None:
        """Have ``take`` called whenever something has come, until it returns false.

        It is called where that comes, between two turns of whoever waits for this.
        """
        while self.has_news:
            if not take():
                return
        self._take = take
        try:
            await self._wait()
        finally:
            self._take = None

    @property
    def has_one_piece(self) -> bool:
        """Whether something has come that is `taken` at once, be it the end."""
        return not self.waiting and self.buffered <= MAX_PORTION

    def taken(self) -> bytes:
        """Return what has come, without waiting for any; see `read`."""
        data = self._portion()
        if self.complete and not self._parts:
            self._end(read=True)
        elif self.paused and not self._parts:
            self.paused = False
            self._flow(False)
        return data

    def _portion(self) -> bytes:
        """Take out what has come, or the first of it."""
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self.buffered = 0
        self._has_rest = len(data) > MAX_PORTION
        if self._has_rest:
            self.take(data[MAX_PORTION:])
            data = data[:MAX_PORTION]
        return data

    def close(self) -> None:
        """Give the answer up, unless it has been read to its end."""
        self._end(read=self.complete and not self._parts)

    # What the connection calls.

    def take(self, body: bytes) -> None:
        """Keep a piece of the body until it is read."""
        self._parts.append(body)
        self.buffered += len(body) + PIECE_COST

    def hold_back(self) -> None:
        """Pause the connection if more has come than the client takes."""
        if self.buffered > HIGH_WATER and not self.paused and not self.complete:
            self.paused = True
            self._flow(True)

    def fail(self, error: UpstreamError) -> None:
        """Tell the reader that no more will come; the first reason counts."""
        if self.error is None:
            self.error = error
        self.wake()

    def wake(self) -> None:
        """Have the reader look at what there is now."""
        if self._take is not None:
            if not self.has_news or self._take():
                return
            self._take = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _end(self, *, read: bool) -> None:
        if not self.ended:
            self.ended = True
            if not read:
                self.fail(BrokenAnswer("the answer was given up"))
            self._finished(read)

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
