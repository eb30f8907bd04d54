"""Waiting until what was appended to a journal is durable, on an event loop."""

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from aibridge.journal.writer import Journal

Then = Callable[[bool], None]
"""Is told whether everything that was waited for is durable; where not, it is lost."""


class Durability:
    """Calls back on a loop's thread once spans of a journal are on the disk, or lost.

    `told` is for the journal to call, by its own thread. There is one wake-up of the loop for all
    that one sync has settled.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._journal: Journal | None = None
        self._waiting: list[tuple[int, int, int, Then]] = []
        self._order = count()

    def follow(self, journal: Journal) -> None:
        """Say which journal is waited for."""
        self._journal = journal

    def told(self) -> None:
        """Look on the loop's thread what is settled. For any thread."""
        try:
            self._loop.call_soon_threadsafe(self._settle)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return

    def when(self, start: int, end: int, then: Then) -> None:
        """Have ``then`` called, at once or later, when all from ``start`` to ``end`` is settled."""
        assert self._journal is not None  # noqa: S101 - `follow` comes first
        if self._journal.durable >= end:
            then(self._journal.holds(start, end))
            return
        heappush(self._waiting, (end, next(self._order), start, then))

    async def until(self, start: int, end: int) -> bool:
        """Wait until all from ``start`` to ``end`` is settled, and return whether it is durable."""
        settled: asyncio.Future[bool] = self._loop.create_future()

        def tell(is_durable: bool) -> None:
            if not settled.done():
                settled.set_result(is_durable)

        self.when(start, end, tell)
        return await settled

    def _settle(self) -> None:
        journal = self._journal
        assert journal is not None  # noqa: S101 - see above
        while self._waiting and self._waiting[0][0] <= journal.durable:
            end, _, start, then = heappop(self._waiting)
            then(journal.holds(start, end))
