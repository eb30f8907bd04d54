"""Membership of a server among those of one database: heartbeats, news of changes, and cleaning up.

What a server that is gone has left open is closed by those that live. A thread of its own does it,
for servers that share one PostgreSQL.
"""

import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Protocol, cast

import structlog

from aibridge.recorder.recovery import close_interrupted
from aibridge.store.engine import servers
from aibridge.store.engine.database import Database
from aibridge.store.engine.errors import DRIVER_ERRORS
from aibridge.store.engine.servers import Lease

if TYPE_CHECKING:
    from aibridge.store.engine.postgresql_link import PostgreSQLLink

BEAT_SECONDS = 2.0
LEASE_SECONDS = 30.0
"""How long a server that is watched may be without a beat until it is taken for gone."""
SWEEP_SECONDS = 60.0
"""How often interceptions are looked for whose server is gone, as others may have begun to."""
AGAIN_SECONDS = 1.0
LEAVE_SECONDS = 2.0
"""How long the end waits for the farewell to the others, which find out all the same."""
BEGIN_SECONDS = 5.0

_log = structlog.get_logger()


class Listener(Protocol):
    """Who wants to know of changes."""

    def listen(self) -> None:
        """From now on every change is heard of; those before may not have been."""

    def hear(self, news: str = "") -> None:
        """The line works; ``news`` is what changed, if anything did."""

    def deafen(self) -> None:
        """The line is broken."""


class Watch:
    """Which servers have stood still while they were watched, by this process's own clock.

    A pause of this process counts as little as one of the clock: only looks do.
    """

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, float]] = {}
        self._looked_at = math.inf

    def look(self, beats: Mapping[int, int], at: float) -> list[int]:
        """Take in how many beats each server has, and return those that are to be taken for gone.

        ``at`` is in seconds of a clock that only goes forwards.
        """
        passed = min(max(at - self._looked_at, 0.0), 2 * BEAT_SECONDS)
        self._looked_at = at
        seen, self._seen = self._seen, {}
        for number, count in beats.items():
            before, still = seen.get(number, (-1, 0.0))
            self._seen[number] = (count, still + passed if count == before else 0.0)
        return [number for number, (_, still) in self._seen.items() if still >= LEASE_SECONDS]


class Membership:
    """The membership of a process among those of one database. Begin and end it, in any thread.

    One with a ``lease`` writes the record, says that it lives, and keeps in the file ``note`` who
    it is, for the one that comes after it in the same place. One with a ``listener`` hears of
    changes: ``tell`` has something called in the listener's thread.
    """

    def __init__(
        self,
        database: Database,
        lease: Lease | None = None,
        *,
        note: Path | None = None,
        listener: Listener | None = None,
        tell: Callable[..., object] = lambda call, *given: call(*given),
    ) -> None:
        self._database = database
        self._lease = lease
        self._note = note
        self._noted = ""
        self._listener = listener
        self._tell_listener = tell
        self._link: PostgreSQLLink | None = None
        self._sweeping: Thread | None = None
        self._stopping = Event()
        self._is_there = Event()
        self._thread = Thread(target=self._run, name="membership", daemon=True)

    def begin(self) -> None:
        """Start the thread, and wait for a while until it is in touch with the others."""
        self._thread.start()
        self._is_there.wait(BEGIN_SECONDS)

    def end(self) -> None:
        """Leave, once everything is written; without a database the others find out."""
        self._stopping.set()
        if (link := self._link) is not None:
            link.break_off()
        for thread in (self._thread, self._sweeping):
            if thread is not None:
                thread.join(LEAVE_SECONDS)

    def _run(self) -> None:
        while not self._stopping.is_set():
            link = self._link = cast("PostgreSQLLink", self._database.link())
            try:
                self._attend(link)
            except DRIVER_ERRORS:
                self._lost()
            except Exception:  # noqa: BLE001 - whatever it is, this server goes on living
                _log.exception("presence_failed")
                self._lost()
            finally:
                self._link = None
                link.close()
        self._leave()

    def _lost(self) -> None:
        if self._listener is not None:
            self._tell(self._listener.deafen)
        self._stopping.wait(AGAIN_SECONDS)

    def _tell(self, what: Callable[..., object], *given: object) -> None:
        with suppress(RuntimeError):  # the listener has gone already
            self._tell_listener(what, *given)

    def _leave(self) -> None:
        if self._lease is not None and (held := self._lease.held) is not None:
            with suppress(*DRIVER_ERRORS):
                servers.leave_for(self._database, [servers.note_of(held)])

    def _attend(self, link: "PostgreSQLLink") -> None:
        """Beat and listen until that fails."""
        if self._listener is not None:
            link.listen(servers.CHANNEL)
            self._tell(self._listener.listen)
        watch, sweep_at = Watch(), 0.0
        while not self._stopping.is_set():
            if self._lease is not None:
                gone = self._beat(link, self._lease, watch)
                if gone or time.monotonic() >= sweep_at:
                    sweep_at = time.monotonic() + SWEEP_SECONDS
                    self._begin_to_sweep()
            self._is_there.set()
            self._listen(link, time.monotonic() + BEAT_SECONDS)

    def _beat(self, link: "PostgreSQLLink", lease: Lease, watch: Watch) -> bool:
        """Say that this server lives, and take those for gone that do not."""
        number = lease.number
        is_known = servers.beat(link, number)
        if not is_known and (number or not self._resume(link, lease)):
            lease.renew(link, number)
        if lease.held is not None:
            self._write_note(servers.note_of(lease.held))
        beats = servers.beats(link, lease.number)
        found = watch.look(beats, time.monotonic())
        gone = [each for each in found if servers.remove(link, each, beats[each])]
        for each in gone:
            _log.warning("server_gone", server=each)
        return bool(gone)

    def _resume(self, link: "PostgreSQLLink", lease: Lease) -> bool:
        """Be the server that was here before, which has left a note, unless it was removed."""
        with suppress(OSError, ValueError):
            if self._note is not None:
                return lease.resume(link, self._note.read_text("ascii"))
        return False

    def _write_note(self, note: str) -> None:
        """Write down who this is, in one piece, unless it stands there already."""
        if self._note is None or note == self._noted:
            return
        with suppress(OSError):
            new = self._note.with_suffix(".new")
            new.write_text(note)
            new.replace(self._note)
            self._noted = note

    def _begin_to_sweep(self) -> None:
        """Close what is open on no server, in another thread: there may be much of it."""
        if self._sweeping is None or not self._sweeping.is_alive():
            self._sweeping = Thread(target=self._sweep, name="sweep", daemon=True)
            self._sweeping.start()

    def _sweep(self) -> None:
        with suppress(*DRIVER_ERRORS):  # the next one goes on
            if closed := close_interrupted(self._database):
                _log.warning("interceptions_interrupted", closed=closed)

    def _listen(self, link: "PostgreSQLLink", until: float) -> None:
        """Have the listener hear, so long; it hears too that the line works."""
        if self._listener is None:
            self._stopping.wait(until - time.monotonic())
            return
        self._tell(self._listener.hear)
        while not self._stopping.is_set() and (left := until - time.monotonic()) > 0:
            for news in link.news(left):
                self._tell(self._listener.hear, news)
