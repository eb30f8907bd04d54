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
        self._open = 0
        self._waiting = 0

    def start(self, start: Start) -> Ticket:
        """Accept an interception. Raises `RecorderUnavailable`, and then nothing is kept of it."""
        if self._writer.failing or self._writer.waiting() > MAX_WAITING:
            raise RecorderUnavailable("the database does not take records at the moment")
        ticket = Ticket(start, self._loop.create_future(), self._loop.create_future())
        self._open += 1
        self._writer.put(ticket)
        return ticket

    async def started(self, ticket: Ticket) -> None:
        """Wait until the start is committed. Raises `RecordingError` if it could not be."""
        if not ticket.started.done():
            await self._commit_of(ticket.started)
        ticket.started.result()

    def finish(self, ticket: Ticket, end: End) -> None:
        """Accept the end of an interception; only its first end counts."""
        if ticket.end is None:
            ticket.end = end
            self._writer.put(ticket)

    async def ended(self, ticket: Ticket) -> None:
        """Wait until the end is committed. Raises `RecordingError` if it could not be."""
        if not ticket.ended.done():
            await self._commit_of(ticket.ended)
        ticket.ended.result()

    @property
    def ready(self) -> bool:
        """Whether records are being taken."""
        return not self._writer.failing

    async def close(self) -> None:
        """Write what was accepted, then stop."""
        await asyncio.to_thread(self._writer.stop)

    async def _commit_of(self, promise: asyncio.Future[None]) -> None:
        """Wait for the writer, which has no reason to linger once everybody waits for it."""
        self._waiting += 1
        if self._waiting >= self._open:
            self._writer.hurry()
        try:
            await promise
        finally:
            self._waiting -= 1

    def _settled(self, tickets: list[Ticket], error: RecordingError | None) -> None:
        """Tell the event loop (from the writer's thread) what has become of the tickets."""
        done = [(ticket, ticket.end_is_written or error is not None) for ticket in tickets]
        self._loop.call_soon_threadsafe(self._settle, done, error)

    def _settle(self, tickets: list[tuple[Ticket, bool]], error: RecordingError | None) -> None:
        for ticket, is_over in tickets:
            settle(ticket.started, error)
            if is_over and ticket.end is not None and not ticket.is_over:
                ticket.is_over = True
                self._open -= 1
                settle(ticket.ended, error)
