"""The recorder, as the gateway sees it: accept a start, accept its end, promise the commit."""

import asyncio

from aibridge.recorder.records import End, Start
from aibridge.recorder.ticket import RecordingError, Ticket, settle
from aibridge.recorder.writer import Writer
from aibridge.store.database import Database

MAX_WAITING = 20_000
"""Tickets that may wait for the writer; past that the next start is refused."""
PATIENCE_SECONDS = 30.0
"""How long a busy or full database is tried again before its records are given up."""


class RecorderUnavailable(Exception):
    """No start is accepted now: the request must be refused."""


class Recorder:
    """Keeps interceptions. Belongs to the event loop that made it; a thread does the writing."""

    def __init__(self, database: Database, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._loop = asyncio.get_running_loop()
        self._writer = Writer(database, self._settled, patience_seconds=patience_seconds)
        self._writer.begin()

    def start(self, start: Start) -> Ticket:
        """Accept an interception. Raises `RecorderUnavailable`, and then nothing is kept of it."""
        if self._writer.failing or self._writer.waiting() > MAX_WAITING:
            raise RecorderUnavailable("the database does not take records at the moment")
        ticket = Ticket(start, self._loop.create_future(), self._loop.create_future())
        self._writer.put(ticket)
        return ticket

    def finish(self, ticket: Ticket, end: End) -> asyncio.Future[None]:
        """Accept the end of an interception; the result is done when it is committed.

        The future raises `RecordingError` if the record could not be written. Only the first
        end of an interception counts.
        """
        if ticket.end is None:
            ticket.end = end
            self._writer.put(ticket)
        return ticket.ended

    @property
    def ready(self) -> bool:
        """Whether records are being taken."""
        return not self._writer.failing

    async def close(self) -> None:
        """Write what was accepted, then stop."""
        await asyncio.to_thread(self._writer.stop)

    def _settled(self, tickets: list[Ticket], error: RecordingError | None) -> None:
        """Tell the event loop (from the writer's thread) what has become of the tickets."""
        done = [(ticket, ticket.end_is_written or error is not None) for ticket in tickets]
        self._loop.call_soon_threadsafe(_settle_all, done, error)


def _settle_all(tickets: list[tuple[Ticket, bool]], error: RecordingError | None) -> None:
    for ticket, ended in tickets:
        settle(ticket.started, error)
        if ended and ticket.end is not None:
            settle(ticket.ended, error)
