"""The spooler: a thread that keeps tickets on the spool while the database is away."""

import contextlib
import time
from threading import Thread

import structlog

from aibridge.recorder.entries import to_entry
from aibridge.recorder.intake import Intake
from aibridge.recorder.outage import Outage, Turn
from aibridge.recorder.ticket import NotYetKept, RecordingError, Settled, Ticket
from aibridge.store.spool import Entry, Spool, SpoolError

WATCH_SECONDS = 0.25
"""How often the spooler looks after the writer."""
ROOM_SECONDS = 1.0
"""How often a full disk is tried again."""

_log = structlog.get_logger()


class Spooler:
    """Takes tickets when it is its turn. ``settled`` is called in its thread."""

    def __init__(self, spool: Spool, intake: Intake, outage: Outage, settled: Settled) -> None:
        self._spool = spool
        self._intake = intake
        self._outage = outage
        self._settled = settled
        self._thread = Thread(target=self._run, name="spooler", daemon=True)
        self._fails = False
        self._tried = 0.0
        self._is_full = False
        self._is_used = spool.waiting > 0

    @property
    def takes_starts(self) -> bool:
        """Whether there is room for new interceptions and not only for ends."""
        return not self._fails and self._spool.takes_starts

    def begin(self) -> None:
        """Start the thread."""
        self._thread.start()

    def join(self) -> None:
        """Wait until everything that was handed over is kept, and the thread has ended."""
        self._thread.join()

    def _run(self) -> None:
        while not self._intake.ended:
            if left := self._outage.left():
                self._keep(left)
            elif self._outage.turn is Turn.SPOOLER:
                self._keep(self._intake.take(WATCH_SECONDS))
                self._look_for_room()
            else:
                self._outage.watch(WATCH_SECONDS)
                self._tidy()
        self._keep(self._outage.left())

    def _keep(self, batch: list[Ticket]) -> None:
        kept, entries = self._entries(batch)
        if not kept:
            return
        try:
            self._spool.append(entries)
        except SpoolError as error:
            self._fails, self._tried = True, time.monotonic()
            self._tell(str(error))
            self._settled(kept, NotYetKept(f"the record could not be kept: {error}"))
            return
        self._is_used = True
        self._outage.spooled += len(kept)
        for ticket, entry in zip(kept, entries, strict=True):
            ticket.unsure = True
            ticket.end_is_kept = entry.ended
        self._settled(kept, None)
        self._tell("only the ends of answers that run are taken")

    def _entries(self, batch: list[Ticket]) -> tuple[list[Ticket], list[Entry]]:
        """Return what can be kept of the batch; the others are told."""
        kept: list[Ticket] = []
        entries: list[Entry] = []
        for ticket in batch:
            try:
                entries.append(to_entry(ticket))
                kept.append(ticket)
            except Exception as error:  # noqa: BLE001 - whatever it is, the others' records go on
                _log.error("record_not_written", tickets=1, error=str(error))
                failed = RecordingError(f"the record could not be written: {error}")
                self._settled([ticket], failed)
        return kept, entries

    def _look_for_room(self) -> None:
        """See whether what could not be written lately can be written now."""
        now = time.monotonic()
        if self._fails and now - self._tried > ROOM_SECONDS:
            self._tried = now
            self._fails = not self._spool.has_room()
        self._tell("")

    def _tell(self, why: str) -> None:
        """Log that the spool is full, or is not any more, once each."""
        if self._is_full is self.takes_starts:
            self._is_full = not self.takes_starts
            if self._is_full:
                _log.error("spool_full", waiting=self._spool.waiting, error=why)
            else:
                _log.warning("spool_has_room", waiting=self._spool.waiting)

    def _tidy(self) -> None:
        """Give back what disk an outage took, once it is over."""
        if self._is_used and not self._outage.is_on:
            self._is_used = self._fails = False
            self._tell("")
            with contextlib.suppress(SpoolError):
                self._spool.shrink()
