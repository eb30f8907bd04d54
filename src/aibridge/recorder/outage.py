"""An outage: whose turn it is to take tickets, the writer's or the spooler's.

There is one turn, so that tickets are kept in the order in which they came: all that the spooler
took are older than those that the writer takes once the spool is replayed.
"""

import time
from collections.abc import Iterable
from enum import Enum
from threading import Event, Lock

import structlog

from aibridge.recorder.ticket import Ticket

HOLD_SECONDS = 2.0
"""How long the writer may have tickets in hand until it is taken for hanging."""
POLL_SECONDS = 0.05

_log = structlog.get_logger()


class Turn(Enum):
    """Who takes tickets."""

    WRITER = "writer"
    SPOOLER = "spooler"
    NOBODY = "nobody"
    """The writer replays the last of the spool, and goes on with the tickets behind it."""


class Outage:
    """What the writer and the spooler know of each other. Each method is for one of them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._news = Event()
        self._spooler_is_idle = Event()
        self._held: dict[Ticket, None] = {}
        self._held_since = 0.0
        self._left: list[Ticket] = []
        self._began = 0.0
        self.spooled = 0
        self.replayed = 0
        self.turn = Turn.WRITER
        self.trouble = ""
        """What is wrong with the database while it is away, in words for anybody."""
        self.is_doubtful = False
        """Whether something could not be written and nothing was committed to the database since.

        A start may then find no place to be kept, so its commit comes before the provider is asked.
        """

    @property
    def is_on(self) -> bool:
        """Whether the database is away, or what waited for it is not yet replayed."""
        return self.turn is not Turn.WRITER

    @property
    def is_overdue(self) -> bool:
        """Whether the writer has had something in hand for too long."""
        busy = bool(self._held) or self.turn is Turn.NOBODY
        return busy and time.monotonic() - self._held_since > HOLD_SECONDS

    def hold(self, batch: Iterable[Ticket]) -> None:
        """Writer: have these in hand, and nothing else."""
        with self._lock:
            self._held = dict.fromkeys(batch)
            self._held_since = time.monotonic()

    def holds(self, batch: Iterable[Ticket]) -> bool:
        """Writer: whether these are still in hand; they are taken away all or none."""
        return all(ticket in self._held for ticket in batch)

    def release(self, batch: Iterable[Ticket]) -> bool:
        """Writer: be done with these of the held ones; false if they were taken away meanwhile."""
        with self._lock:
            if not self.holds(batch):
                return False
            for ticket in batch:
                del self._held[ticket]
            self._held_since = time.monotonic()
            return True

    def begin(self, why: str) -> None:
        """Writer: leave what is in hand, and all that comes, to the spooler."""
        with self._lock:
            self._begin(why)

    def begin_return(self, stopping: Event) -> bool:
        """Writer: let nobody take tickets; true once the spooler has nothing in hand either."""
        with self._lock:
            self._spooler_is_idle.clear()
            self._held_since = time.monotonic()
            self.turn = Turn.NOBODY
        while not self._spooler_is_idle.wait(POLL_SECONDS):
            if stopping.is_set():
                return False
        return True

    def end_return(self) -> None:
        """Writer: take tickets again, unless that took so long that the spooler does."""
        with self._lock:
            if self.turn is not Turn.NOBODY:
                return
            self.turn = Turn.WRITER
            seconds = round(time.monotonic() - self._began, 3)
            _log.warning(
                "database_back", seconds=seconds, spooled=self.spooled, replayed=self.replayed
            )

    def go_on(self) -> None:
        """Either: the database is still away."""
        with self._lock:
            if self.turn is Turn.NOBODY:
                self.turn = Turn.SPOOLER

    def watch(self, seconds: float) -> None:
        """Spooler: wait for the turn, with nothing in hand, and see that the writer lives."""
        self._spooler_is_idle.set()
        self._news.wait(seconds)
        self._news.clear()
        with self._lock:
            if self.is_overdue:
                self.trouble = "the database does not answer"
                self._begin(f"no answer within {HOLD_SECONDS:g} seconds")

    def left(self) -> list[Ticket]:
        """Spooler: take over what the writer left."""
        with self._lock:
            left, self._left = self._left, []
        return left

    def wake(self) -> None:
        """Have the spooler look at once whether there is something for it."""
        self._news.set()

    def _begin(self, why: str) -> None:
        for ticket in self._held:
            ticket.unsure = True
        self._left += self._held
        self._held = {}
        self._news.set()
        self.is_doubtful = True
        if self.turn is Turn.WRITER:
            self._began = time.monotonic()
            self.spooled = self.replayed = 0
            _log.warning("database_away", error=why)
        self.turn = Turn.SPOOLER
