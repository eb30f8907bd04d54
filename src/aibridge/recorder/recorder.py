"""The recorder, as the gateway sees it: accept a start, accept its end, promise the commit."""

import asyncio

from aibridge.recorder.intake import Intake
from aibridge.recorder.outage import Outage
from aibridge.recorder.records import End, Start
from aibridge.recorder.replay import Replay
from aibridge.recorder.spooler import Spooler
from aibridge.recorder.ticket import NotYetKept, RecordingError, Ticket, settle
from aibridge.recorder.writer import Writer
from aibridge.store.correlation import PAUSE
from aibridge.store.database import Database
from aibridge.store.servers import Lease
from aibridge.store.spool import Spool
from aibridge.store.trouble import plainly
from aibridge.store.watched import FileReplaced

MAX_WAITING = 20_000
"""Tickets that may wait for the writer; past that the next start is refused."""
PATIENCE_SECONDS = 30.0
"""How long a busy or full database is tried again before its records are given up."""
SPOOL_PATIENCE_SECONDS = 0.5
"""How long it is tried again before they go to the spool, which is as good a place."""

LOOK_SECONDS = 1.0
MAX_LATE = 1_000
"""Ends that are kept in memory when nothing else could take them, to be tried again."""


class RecorderUnavailable(Exception):
    """No start is accepted now: the request must be refused."""


class Recorder:
    """Keeps interceptions. Belongs to the event loop that made it; threads do the writing.

    While the database is away they are kept on the ``spool``. Without one they are refused. Where
    others write to the database too it has a ``lease``. Sessions end after a pause, in
    microseconds.
    """

    def __init__(
        self,
        database: Database,
        spool: Spool | None = None,
        *,
        lease: Lease | None = None,
        patience_seconds: float | None = None,
        session_pause: int = PAUSE,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._database = database
        self._intake = Intake()
        self._outage = Outage()
        self._spool = spool
        self._spooler: Spooler | None = None
        if spool is not None:
            self._spooler = Spooler(spool, self._intake, self._outage, self._settled)
        if patience_seconds is None:
            patience_seconds = PATIENCE_SECONDS if spool is None else SPOOL_PATIENCE_SECONDS
        self._writer = Writer(
            database,
            self._intake,
            self._outage,
            self._settled,
            patience_seconds=patience_seconds,
            replay=None if spool is None else Replay(spool),
            lease=lease,
            session_pause=session_pause,
        )
        self._lease = lease
        self._open = 0
        self._waiting = 0
        self._late: list[Ticket] = []
        self._begin()

    def start(self, start: Start) -> Ticket:
        """Accept an interception. Raises `RecorderUnavailable`, and then nothing is kept of it."""
        return self._take(Ticket(start, started=self._future(), ended=self._future()))

    def complete(self, start: Start, end: End) -> Ticket:
        """Accept an end that was seen after an interception had ended, for what it is then.

        It counts where it is more final than the end that stands there. Raises
        `RecorderUnavailable`.
        """
        started, ended = self._future(), self._future()
        return self._take(Ticket(start, end, unsure=True, started=started, ended=ended))

    async def started(self, ticket: Ticket) -> None:
        """Wait until the start is committed. Raises `RecordingError` if it could not be."""
        if not ticket.started.done():
            await self._commit_of(ticket.started)
        ticket.started.result()

    async def admitted(self, ticket: Ticket) -> None:
        """Wait until the start is committed, where the last thing to be written was not.

        Raises `RecorderUnavailable` if it could not be: then the provider must not be asked.
        """
        if self._outage.is_doubtful:
            try:
                await self.started(ticket)
            except RecordingError as error:
                raise RecorderUnavailable(str(error)) from error

    def finish(self, ticket: Ticket, end: End) -> None:
        """Accept the end of an interception; only its first end counts."""
        if ticket.end is None:
            ticket.end = end
            self._intake.put(ticket)

    async def ended(self, ticket: Ticket) -> None:
        """Wait until the end is committed. Raises `RecordingError` if it could not be."""
        if not ticket.ended.done():
            await self._commit_of(ticket.ended)
        ticket.ended.result()

    @property
    def ready(self) -> bool:
        """Whether records are being taken."""
        if self._spooler is None:
            return not self._writer.fails
        return not self._outage.is_on or self._spooler.takes_starts

    @property
    def is_away(self) -> bool:
        """Whether the database does not take records at the moment."""
        return self._outage.is_on or self._writer.fails

    @property
    def trouble(self) -> str:
        """What is wrong with the database, in words for anybody; empty while nothing is."""
        try:
            self._database.check_file()
        except FileReplaced as error:
            return plainly(error)
        return self._outage.trouble if self.is_away else ""

    @property
    def spooled(self) -> int:
        """How many records wait on the spool for the database."""
        return 0 if self._spool is None else self._spool.waiting

    @property
    def set_aside(self) -> int:
        """How many records on the spool are damaged, or refused by the database for ever."""
        return 0 if self._spool is None else self._spool.damaged

    @property
    def server_id(self) -> int | None:
        """As which server it writes, where there may be several."""
        return None if self._lease is None else self._lease.number

    async def close(self) -> None:
        """Write what was accepted, to the spool if the database is away, then stop."""
        self._timer.cancel()
        self._try_again()
        await asyncio.to_thread(self._stop)

    def _future(self) -> asyncio.Future[None]:
        return self._loop.create_future()

    def _take(self, ticket: Ticket) -> Ticket:
        if not self.ready or self._intake.waiting() > MAX_WAITING:
            raise RecorderUnavailable("no records are taken at the moment")
        self._open += 1
        self._intake.put(ticket)
        return ticket

    def _begin(self) -> None:
        if self.spooled:
            self._outage.begin(f"{self.spooled} records of an earlier run wait on the spool")
        self._writer.begin()
        if self._spooler is not None:
            self._spooler.begin()
        self._look_after_writer()

    def _look_after_writer(self) -> None:
        self._writer.look_after()
        if self.ready:
            self._try_again()
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look_after_writer)

    def _try_again(self) -> None:
        """Have ends kept that nothing could take; their clients have been told of no end."""
        late, self._late = self._late, []
        for ticket in late:
            self._intake.put(ticket)

    def _stop(self) -> None:
        self._writer.stop()
        if self._spooler is not None:
            self._spooler.join()
        self._writer.join()

    async def _commit_of(self, promise: asyncio.Future[None]) -> None:
        """Wait for the writer, which has no reason to linger once everybody waits for it."""
        self._waiting += 1
        if self._waiting >= self._open:
            self._intake.hurry()
        try:
            await promise
        finally:
            self._waiting -= 1

    def _settled(self, tickets: list[Ticket], error: RecordingError | None) -> None:
        """Tell the event loop (from the writer's thread) what has become of the tickets."""
        done = [(ticket, ticket.end_is_kept or error is not None) for ticket in tickets]
        self._loop.call_soon_threadsafe(self._settle, done, error)

    def _settle(self, tickets: list[tuple[Ticket, bool]], error: RecordingError | None) -> None:
        for ticket, is_over in tickets:
            settle(ticket.started, error)
            if not is_over or ticket.end is None:
                continue
            if isinstance(error, NotYetKept) and len(self._late) < MAX_LATE:
                self._late.append(ticket)
            if not ticket.is_over:
                ticket.is_over = True
                self._open -= 1
                settle(ticket.ended, error)
