"""How many bytes of request bodies may be in memory at once, of all clients and of one person."""

import asyncio
from collections import Counter
from typing import Self

SHARE = 4
"""One person may have a quarter of the bytes: who sends much must not keep others from it."""
PATIENCE_SECONDS = 10.0
"""How long a request waits for room."""
STEP = 256 * 1024
"""For how many bytes a body of unknown length holds room at first."""


class NoRoom(Exception):
    """There is no room for a body now: the request must be refused."""


class BodyBudget:
    """Gives bodies room, from before they are read until they are let go, at most ``most`` bytes.

    A body of up to ``largest`` bytes has room at any rate when there are no others. Belongs to an
    event loop.
    """

    def __init__(
        self, most: int, largest: int, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._most = max(most, largest)
        self._most_of_one = max(most // SHARE, largest)
        self._patience = patience_seconds
        self._of: Counter[str] = Counter()
        self._waiting: list[asyncio.Future[None]] = []
        self.held = 0
        """Bytes for which there is room held now."""

    async def room(self, person: str, size: int) -> "Room":
        """Return room for a body of ``size`` bytes of a person, waiting until there is some.

        Raises `NoRoom`.
        """
        room = Room(self, person)
        if size and not self.take(person, size):
            try:
                async with asyncio.timeout(self._patience):
                    await self._take_later(person, size)
            except TimeoutError:
                raise NoRoom from None
        room.size = size
        return room

    def take(self, person: str, size: int) -> bool:
        """Take room if there is some."""
        if self.held + size > self._most or self._of[person] + size > self._most_of_one:
            return False
        self.held += size
        self._of[person] += size
        return True

    def give_back(self, person: str, size: int) -> None:
        """Give room back, and have those who wait look whether it is enough."""
        self.held -= size
        self._of[person] -= size
        if not self._of[person]:
            del self._of[person]
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)

    async def _take_later(self, person: str, size: int) -> None:
        while not self.take(person, size):
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn


class Room:
    """Room for one body, given back at the end of its context or before."""

    __slots__ = ("_budget", "_person", "size")

    def __init__(self, budget: BodyBudget, person: str) -> None:
        self._budget = budget
        self._person = person
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.give_back()

    def grow(self, size: int) -> None:
        """Have room for ``size`` bytes in all, at once: who holds some must not wait for more.

        Raises `NoRoom`.
        """
        if size <= self.size:
            return
        wanted = max(size, 2 * self.size)
        if not self._budget.take(self._person, wanted - self.size):
            raise NoRoom
        self.size = wanted

    def give_back(self) -> None:
        """Give it back, once."""
        if self.size:
            size, self.size = self.size, 0
            self._budget.give_back(self._person, size)
