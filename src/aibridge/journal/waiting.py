"""Waiting until what was appended to a journal is safe, on an event loop."""

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from aibridge.journal.progress import Progress
from aibridge.journal.writer import Journal

LOOK_SECONDS = 0.002
"""How often it is looked how far the keeper has come, while somebody waits for that."""

Then = Callable[[bool], None]
"""Is told whether everything that was waited for is durable; where not, it is lost."""


class Durability:
    """Calls back on a loop's thread once spans of a journal are safe, or lost.

    Safe is what is on the disk, or with a keeper's ``progress`` what is in the database, as long as
    that takes anything. `told` is for the journal to call, by its own thread. There is one wake-up
    of the loop for all that one sync has settled.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, progress: Progress | None = None) -> None:
        self._loop = loop
        self._progress = progress
        self._journal: Journal | None = None
        self._waiting: list[tuple[int, int, int, Then]] = []
        self._order = count()
        self._is_looking = False

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
        outcome = self._outcome(start, end)
        if outcome is not None:
            then(outcome)
            return
        heappush(self._waiting, (end, next(self._order), start, then))
        if self._journal is not None:
            self._journal.hurry()
        self._look_again()

    async def until(self, start: int, end: int) -> bool:
        """Wait until all from ``start`` to ``end`` is settled, and return whether it is durable."""
        settled: asyncio.Future[bool] = self._loop.create_future()

        def tell(is_durable: bool) -> None:
            if not settled.done():
                settled.set_result(is_durable)

        self.when(start, end, tell)
        return await settled

    def _settle(self) -> None:
        while self._waiting:
            end, _, start, then = self._waiting[0]
            outcome = self._outcome(start, end)
            if outcome is None:
                return
            heappop(self._waiting)
            then(outcome)

    def _outcome(self, start: int, end: int) -> bool | None:
        """Return whether a span is safe, and nothing while that is not known."""
        journal, progress = self._journal, self._progress
        assert journal is not None  # noqa: S101 - `follow` comes first
        if end > journal.durable:
            return None
        if not journal.holds(start, end):
            return False
        is_there = progress is None or progress.is_held_up or progress.position >= end
        return True if is_there else None

    def _look_again(self) -> None:
        """Look again in a while, where the keeper is waited for, which calls nobody."""
        if self._progress is not None and not self._is_looking:
            self._is_looking = True
            self._loop.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._is_looking = False
        self._settle()
        if self._waiting:
            self._look_again()
