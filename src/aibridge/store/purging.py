"""Purging: old sessions go, whole, in small batches that hold up nobody.

A batch is one transaction. It has whole sessions, with all that belongs to them; or of a session
that is larger than a batch the oldest part, which the session's sums lose with it. So whatever ends
a purge at whatever moment, what is left adds up, and the next purge goes on.
"""

import time
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from aibridge.store import due
from aibridge.store.database import Database
from aibridge.store.due import DueSession
from aibridge.store.removing import remove

BATCH_SECONDS = {"sqlite": 0.02, "postgresql": 0.2}
"""How long a batch should take, but for its commit: on SQLite nobody else can write meanwhile."""
LEAST, MOST = 16, 1024
"""Interceptions of the first batch, and of any: the next is of half or double the size. With less
than the least a batch would hardly be shorter, as most of it is what any batch takes."""
SHORTEST_PAUSE = 0.005
LOCK_SECONDS = 0.25
"""How long a batch waits for somebody's lock, until it is given up, to be made anew.

On PostgreSQL that is before deadlocks are looked for (after 1 s by default): of a batch and a
writer of the record that wait for each other, it is the batch that gives way.
"""

_LOCK = 0x41494272_00000004
"""The advisory lock of who purges, held for a batch."""


class Purged(NamedTuple):
    """How much went, or would go."""

    sessions: int = 0
    interceptions: int = 0

    def plus(self, other: "Purged") -> "Purged":
        """Return how much both are together."""
        return Purged(*map(sum, zip(self, other, strict=True)))


class OtherPurgeError(Exception):
    """Somebody else is purging at this very moment."""


def count_due(database: Database, before: int) -> Purged:
    """Return how much would go of what is older than a time in microseconds since 1970."""
    with database.read() as connection:
        return Purged(*due.count(connection, before))


class Purge:
    """A walk through the sessions that are due, the longest idle first."""

    def __init__(self, database: Database, before: int) -> None:
        """Purge what is older than a time in microseconds since 1970."""
        self._database = database
        self._before = before
        self._after: tuple[int, str, str] | None = None
        self._most = LEAST
        self._took = 0.0

    @property
    def pause(self) -> float:
        """Seconds for which the database is to be left to others now."""
        return max(SHORTEST_PAUSE, self._took)

    def step(self) -> Purged | None:
        """Purge a batch and return what went, or `None` when there is nothing left to look at.

        Raises `OtherPurgeError`, or one of `aibridge.store.trouble.DRIVER_ERRORS` where the
        database is in trouble or locked by others; nothing has gone then, and it may be tried
        again.
        """
        with self._database.write_beside(lock_seconds=LOCK_SECONDS) as connection:
            began = time.monotonic()
            self._take_lock(connection)
            gone, after = self._batch(connection)
            worked = time.monotonic() - began
        self._after = after
        self._took = time.monotonic() - began
        self._fit(worked)
        return gone

    def _take_lock(self, connection: Connection) -> None:
        if self._database.is_postgresql:
            taken = connection.scalar(text(f"SELECT pg_try_advisory_xact_lock({_LOCK})"))
            if not taken:
                raise OtherPurgeError

    def _batch(self, connection: Connection) -> tuple[Purged | None, Any]:
        found = due.find(connection, self._before, self._most, self._after)
        if not found:
            return None, self._after
        running = due.running(connection)
        chosen, after = _first(found, running, self._most)
        gone = Purged(*remove(connection, chosen, self._most)) if chosen else Purged()
        is_cut = bool(chosen) and not gone.sessions
        return gone, self._after if is_cut else after

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
