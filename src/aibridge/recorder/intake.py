"""The intake: what the event loop hands over, and a thread takes in batches."""

from queue import Empty, SimpleQueue
from threading import Event
from typing import Final

from aibridge.recorder.ticket import Ticket

MAX_BATCH = 512
"""Tickets in one transaction: bounds how long the first of them waits."""
LINGER_SECONDS = 0.004
"""How long a ticket waits for company, unless all that are under way wait for the commit.

A start is not in a hurry: its commit runs beside the upstream call, which takes far longer. An
answer that is quick all the same is then written together with its start, in half the commits.
"""

_END: Final = "end"


class Intake:
    """Tickets in the order in which they came, for one taker at a time."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Ticket | str] = SimpleQueue()
        self._hurry = Event()
        self.ended = False
        """Whether everything was taken, and nothing more comes."""

    def put(self, ticket: Ticket) -> None:
        """Have the ticket taken, as far as it is known when its turn comes."""
        self._queue.put(ticket)

    def end(self) -> None:
        """Say that nothing more comes."""
        self._queue.put(_END)

    def hurry(self) -> None:
        """Say that nobody is left whose ticket could join."""
        self._hurry.set()

    def waiting(self) -> int:
        """Return about how many tickets wait for their turn."""
        return self._queue.qsize()

    def take(self, seconds: float | None = None) -> list[Ticket]:
        """Wait for a ticket and return it with all others that are there.

        There is none when the time is up, and at the end.
        """
        batch: dict[Ticket, None] = {}
        try:
            item = self._queue.get(timeout=seconds)
            if isinstance(item, Ticket):
                self._hurry.wait(LINGER_SECONDS)
            self._hurry.clear()
            while isinstance(item, Ticket):
                batch[item] = None
                if len(batch) >= MAX_BATCH:
                    return list(batch)
                item = self._queue.get_nowait()
            self._met_end(alone=not batch)
        except Empty:
            pass
        return list(batch)

    def _met_end(self, *, alone: bool) -> None:
        if alone:
            self.ended = True
        else:
            self.end()  # to be met again after this batch
