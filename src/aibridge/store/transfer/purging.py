"""Purging: what is old goes, in small batches that hold up nobody.

Sessions in which nothing has happened since go whole; then goes what is old of those that go on.
A batch is one transaction. It has whole sessions, with all that belongs to them; or the oldest part
of one that is larger than a batch, or that goes on, which the session's sums lose with it. So
whatever ends a purge at whatever moment, what is left adds up, and the next purge goes on.
"""

import time
from typing import NamedTuple

from sqlalchemy import Connection, text

from aibridge.store.engine.database import Database
from aibridge.store.transfer import aging, due
from aibridge.store.transfer.aging import AgingSession
from aibridge.store.transfer.due import DueSession
from aibridge.store.transfer.removing import remove, remove_older

BATCH_SECONDS = {"sqlite": 0.02, "postgresql": 0.2}
"""How long a batch should take, but for its commit: on SQLite nobody else can write meanwhile."""
LEAST, MOST = 16, 1024
"""Interceptions of the first batch, and of any: the next is of half or double the size. With less
than the least a batch would hardly be shorter, as most of it is what any batch takes."""
MOST_ACTIVE = 16
"""Sessions that go on which a batch may hold: their writers wait for it."""
SHORTEST_PAUSE = 0.005
LOCK_SECONDS = 0.25
"""How long a batch waits for somebody's lock, until it is given up, to be made anew.

On PostgreSQL that is before deadlocks are looked for (after 1 s by default): of a batch and a
writer of the record that wait for each other, it is the batch that gives way.
"""

_LOCK = 0x41494272_00000004
"""The advisory lock of who purges, held for a batch."""


class Purged(NamedTuple):
    """How much went, or would go: whole sessions, and interceptions of any."""

    sessions: int = 0
    interceptions: int = 0

    def plus(self, other: "Purged") -> "Purged":
        """Return how much both are together."""
        return Purged(*map(sum, zip(self, other, strict=True)))


class OtherPurgeError(Exception):
    """Somebody else is purging at this very moment."""


def take_lock(connection: Connection) -> None:
    """Keep others from purging until the transaction ends. Raises `OtherPurgeError`.

    On SQLite nobody else writes meanwhile anyway.
    """
    if connection.dialect.name == "postgresql":
        taken = connection.scalar(text(f"SELECT pg_try_advisory_xact_lock({_LOCK})"))
        if not taken:
            raise OtherPurgeError


def count_due(database: Database, before: int) -> Purged:
    """Return how much would go of what is older than a time in microseconds since 1970."""
    with database.read() as connection:
        sessions, calls = due.count(connection, before)
        return Purged(sessions, calls + aging.count(connection, before))


class _Active(NamedTuple):
    """A place among the sessions that go on: after one of them, or before all."""

    after: AgingSession | None = None


_Place = _Active | tuple[int, str, str] | None
"""How far a purge is: a place among idle sessions, or among those that go on."""


class Purge:
    """A walk through the sessions that are due, the longest idle first, then those that go on."""

    def __init__(self, database: Database, before: int) -> None:
        """Purge what is older than a time in microseconds since 1970."""
        self._database = database
        self._before = before
        self._after: _Place = None
        self._most = LEAST
        self._took = 0.0

    @property
    def pause(self) -> float:
        """Seconds for which the database is to be left to others now."""
        return max(SHORTEST_PAUSE, self._took)

    def step(self) -> Purged | None:
        """Purge a batch and return what went, or `None` when there is nothing left to look at.

        Raises `OtherPurgeError`, or one of `aibridge.store.engine.errors.DRIVER_ERRORS` where the
        database is in trouble or locked by others; nothing has gone then, and it may be tried
        again.
        """
        with self._database.write_beside(lock_seconds=LOCK_SECONDS) as connection:
            began = time.monotonic()
            take_lock(connection)
            gone, after = self._batch(connection)
            worked = time.monotonic() - began
        self._after = after
        self._took = time.monotonic() - began
        self._fit(worked)
        return gone

    def _batch(self, connection: Connection) -> tuple[Purged | None, _Place]:
        if not isinstance(self._after, _Active):
            gone, after = self._idle(connection, self._after)
            if gone is not None:
                return gone, after
            return self._active(connection, _Active())
        return self._active(connection, self._after)

    def _idle(
        self, connection: Connection, place: tuple[int, str, str] | None
    ) -> tuple[Purged | None, _Place]:
        found = due.find(connection, self._before, self._most, place)
        if not found:
            return None, place
        running = due.running(connection)
        chosen, after = _first(found, running, self._most)
        gone = Purged(*remove(connection, chosen, self._most)) if chosen else Purged()
        is_cut = bool(chosen) and not gone.sessions
        return gone, place if is_cut else after

    def _active(self, connection: Connection, place: _Active) -> tuple[Purged | None, _Place]:
        found = aging.find(connection, self._before, MOST_ACTIVE, place.after)
        if not found:
            return None, place
        number, done = remove_older(connection, found, self._before, self._most)
        return Purged(interceptions=number), _Active(done) if done else place

    def _fit(self, worked: float) -> None:
        """Have the next batch take about as long as one should, by how long this one worked."""
        wanted = BATCH_SECONDS[self._database.engine.dialect.name]
        if worked > wanted:
            self._most = max(LEAST, self._most // 2)
        elif worked < wanted / 3:
            self._most = min(MOST, self._most * 2)


def _first(
    found: list[DueSession], running: set[tuple[str, str]], most: int
) -> tuple[list[DueSession], tuple[int, str, str]]:
    """Return the first sessions that fit into a batch, at least one, and where the next begins."""
    chosen: list[DueSession] = []
    calls, after = 0, found[0].place
    for session in found:
        if (session.id, session.initiator_id) not in running:
            calls += session.interceptions
            if chosen and calls >= most:
                break
            chosen.append(session)
        after = session.place
    return chosen, after
