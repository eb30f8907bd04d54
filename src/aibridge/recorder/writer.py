"""The writer: one thread, one transaction for all that came in since the last (group commit)."""

import contextlib
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import structlog

from aibridge.recorder.batch import commit
from aibridge.recorder.intake import Intake
from aibridge.recorder.outage import POLL_SECONDS, Outage, Turn
from aibridge.recorder.replay import Replay
from aibridge.recorder.ticket import NotYetKept, RecordingError, Settled, Ticket
from aibridge.store.correlation import PAUSE
from aibridge.store.database import Database
from aibridge.store.servers import Lease
from aibridge.store.spool import SpoolError
from aibridge.store.trouble import DRIVER_ERRORS, is_away, plainly, said
from aibridge.store.writing import BatchWriter

LOCK_SECONDS = 1.0
"""How long the writer waits for another that has the database locked, where there is a spool."""
PROBE_SECONDS = 1.0
"""How often a database that is away is looked at."""
CALL_SECONDS = 20.0
"""How long a transaction may take until its connection is broken off."""
STOP_SECONDS = 3.0
"""How long it may take when the bridge stops."""

_log = structlog.get_logger()


class Writer:
    """Writes tickets as they come, in order. ``settled`` is called in the writer's thread.

    With a ``replay`` the tickets that a database in trouble does not take are left to the
    spooler, after ``patience_seconds``. Without one they are given up then.
    """

    def __init__(
        self,
        database: Database,
        intake: Intake,
        outage: Outage,
        settled: Settled,
        *,
        patience_seconds: float,
        replay: Replay | None = None,
        lease: Lease | None = None,
        session_pause: int = PAUSE,
    ) -> None:
        self._database = database
        self._intake = intake
        self._outage = outage
        self._settled = settled
        self._patience = patience_seconds
        self._replay = replay
        self._lease = lease
        self._session_pause = session_pause
        self._thread = Thread(target=self._run, name="recorder", daemon=True)
        self._stopping = Event()
        self._store: BatchWriter | None = None
        self._since: float | None = None
        self._fails = False
        self._complaint = ""

    @property
    def fails(self) -> bool:
        """Whether the database refuses to take what the writer has for it."""
        return self._fails or self._outage.is_overdue

    def begin(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Have everything written that was taken in; the thread ends after that."""
        self._stopping.set()
        self._intake.end()

    def join(self) -> None:
        """Wait until the thread has ended, but not for a database that does not answer.

        With a spool nothing is lost with a thread that is left alone.
        """
        leave = math.inf if self._replay is None else time.monotonic() + 2 * STOP_SECONDS
        while self._thread.is_alive() and time.monotonic() < leave:
            self._thread.join(POLL_SECONDS)
            self.look_after(STOP_SECONDS)

    def look_after(self, seconds: float | None = None) -> None:
        """Break off a transaction that takes longer, as a rule than `CALL_SECONDS`.

        For any thread, now and then.
        """
        seconds = CALL_SECONDS if seconds is None else seconds
        since, store = self._since, self._store
        if since is not None and store is not None and time.monotonic() - since > seconds:
            store.break_off()

    def _run(self) -> None:
        try:
            while not self._is_over:
                if self._replay is None or self._outage.turn is Turn.WRITER:
                    self._write_next()
                else:
                    self._come_back(self._replay)
        finally:
            self._disconnect()
            self._outage.wake()

    @property
    def _is_over(self) -> bool:
        return self._intake.ended or (self._outage.is_on and self._stopping.is_set())

    def _write_next(self) -> None:
        if self._fails:
            batch = self._intake.take(PROBE_SECONDS)
            if not batch and self._takes_transactions():
                self._recovered()
        else:
            batch = self._intake.take()
        if batch:
            self._outage.hold(batch)
            self._write(batch)

    def _write(self, batch: list[Ticket]) -> None:
        """Write a batch that is held, and let it go."""
        try:
            self._persist(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others' records go on
            if is_away(error) and self._replay is not None:
                self._outage.begin(said(error))
            elif is_away(error) or len(batch) == 1:
                self._fail(batch, error)
            else:
                for ticket in batch:  # one of them cannot be written: the others must not suffer
                    if self._outage.holds([ticket]):
                        self._write([ticket])

    def _fail(self, batch: list[Ticket], error: Exception) -> None:
        if self._outage.release(batch):
            reason = said(error)
            _log.error("record_not_written", tickets=len(batch), error=reason)
            kind = NotYetKept if is_away(error) else RecordingError
            self._settled(batch, kind(f"the record could not be written: {reason}"))

    def _persist(self, batch: list[Ticket]) -> None:
        """Write the batch, trying again for a while when the database is busy, full or away."""
        give_up = time.monotonic() + self._patience
        pause = 0.05
        while self._outage.holds(batch):
            try:
                with self._call() as store:
                    written = commit(store, batch)
            except Exception as error:
                if not is_away(error):
                    raise
                self._failed(batch, error)
                if time.monotonic() + pause > give_up or self._stopping.is_set():
                    raise
                self._stopping.wait(pause)
                pause = min(pause * 2, 1.0)
            else:
                self._recovered()
                self._outage.is_doubtful = False
                if self._outage.release(batch):
                    written.note()
                    self._settled(batch, None)

    def _failed(self, batch: list[Ticket], error: Exception) -> None:
        """Break with a database that is away; nobody knows whether it has what it was given."""
        self._disconnect()
        self._outage.is_doubtful = True
        self._outage.trouble = plainly(error)
        for ticket in batch:
            ticket.unsure = True
        if self._replay is None and not self._fails:
            self._fails = True
            _log.warning("database_away", error=said(error))

    def _recovered(self) -> None:
        if self._fails:
            self._fails = False
            _log.warning("database_back")

    def _come_back(self, replay: Replay) -> None:
        """Replay what waits on the spool, as far as the database takes it."""
        try:
            while not self._stopping.is_set():
                self._step(replay)
                if replay.is_near_its_end:
                    self._database.check_room()
                    if self._outage.begin_return(self._stopping):
                        self._finish(replay)
                        return
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
            self._outage.go_on()
            self._disconnect()
            if is_away(error):
                self._outage.trouble = plainly(error)
            else:
                self._complain(str(error) if isinstance(error, SpoolError) else said(error))
            self._stopping.wait(PROBE_SECONDS)

    def _finish(self, replay: Replay) -> None:
        """Replay the rest, behind which the tickets come that the writer takes again."""
        while not replay.is_done and not self._stopping.is_set():
            self._step(replay)
        if self._stopping.is_set():
            self._outage.go_on()
        else:
            self._outage.end_return()

    def _step(self, replay: Replay) -> None:
        with self._call() as store:
            self._outage.replayed += replay.step(store)

    def _complain(self, error: str) -> None:
        """Log what keeps the spool from being replayed, once."""
        if error != self._complaint:
            self._complaint = error
            _log.error("replay_failed", error=error)

    def _takes_transactions(self) -> bool:
        try:
            with self._call() as store, store.transaction():
                self._database.check_room()
                return True
        except DRIVER_ERRORS:
            self._disconnect()
            return False

    @contextmanager
    def _call(self) -> Iterator[BatchWriter]:
        """Yield the connection for a transaction, which `look_after` may break off."""
        self._since = time.monotonic()
        try:
            if self._store is None:
                seconds = None if self._replay is None else LOCK_SECONDS
                self._store = BatchWriter(
                    self._database,
                    lock_seconds=seconds,
                    lease=self._lease,
                    session_pause=self._session_pause,
                )
            yield self._store
        finally:
            self._since = None

    def _disconnect(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            with contextlib.suppress(*DRIVER_ERRORS):
                store.close()
