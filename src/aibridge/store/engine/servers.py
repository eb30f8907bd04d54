"""Servers: which processes write to one database, and what they hear of each other.

SQLite has no way to tell the running calls of several apart: one server has a file, by a lock.
On PostgreSQL each has a row, which it has to have to write the record, and which the others remove
when its beats have stopped. Times of one clock are never compared with those of another.
"""

import fcntl
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, Protocol

from sqlalchemy.exc import DBAPIError

from aibridge.ids import now
from aibridge.store.engine.database import Database, DatabaseError

CHANNEL = "aibridge"
"""Where PostgreSQL tells of changes: ``token ID``, ``user ID`` and ``limits``.

See revisions 0005 and 0014.
"""

_TAKEN_FOR_GONE = "AB001"
_PLACE = 256

_REGISTER = """INSERT INTO servers (place, started_at, beats)
VALUES (%(place)s, %(started_at)s, 0) RETURNING id"""
_BEAT = "UPDATE servers SET beats = beats + 1 WHERE id = %(id)s RETURNING id"
_RESUME = """UPDATE servers SET beats = beats + 1
WHERE id = %(id)s AND started_at = %(started_at)s RETURNING id"""
_BEATS = "SELECT id, beats FROM servers WHERE id <> %(id)s"
_REMOVE = """DELETE FROM servers WHERE id = (SELECT id FROM servers
WHERE id = %(id)s AND beats = %(beats)s FOR UPDATE SKIP LOCKED) RETURNING id"""
_LEAVE = "DELETE FROM servers WHERE id = %(id)s AND started_at = %(started_at)s RETURNING id"


class Link(Protocol):
    """A connection that is in no transaction."""

    def select(self, sql: str, parameters: Mapping[str, Any], most: int) -> list[Any]:
        """Return the first rows of a query."""


class Registered(NamedTuple):
    """A server's row: its number, and the time that tells it from one of another database."""

    id: int
    started_at: int


class Lease:
    """The right of this process to write the record, as one server of several.

    Whoever finds that the others took it for gone renews it: from then on it writes as another
    server, and asks about each interception that it began before. For any thread.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self.held: Registered | None = None

    @property
    def number(self) -> int:
        """The number of the server, 0 before it is registered."""
        return 0 if self.held is None else self.held.id

    def renew(self, link: Link, lost: int | None) -> None:
        """Register anew, unless somebody has done so since number ``lost`` was held."""
        if self.number != lost:
            return
        registered = register(link)
        with self._lock:
            if self.number == lost:
                self.held = registered
                return
        leave(link, registered)

    def resume(self, link: Link, note: str) -> bool:
        """Be the server of a note again, and say whether it is still there. Raises `ValueError`."""
        number, started_at = map(int, note.split())
        found = Registered(number, started_at)
        if not link.select(_RESUME, found._asdict(), 1):
            return False
        self.held = found
        return True


def register(link: Link) -> Registered:
    """Add a row for this process."""
    place = f"{socket.gethostname()} {os.getpid()}"[:_PLACE]
    started_at = now()
    ((number,),) = link.select(_REGISTER, {"place": place, "started_at": started_at}, 1)
    return Registered(number, started_at)


def beat(link: Link, number: int) -> bool:
    """Say that this server lives; false if it was taken for gone."""
    return bool(link.select(_BEAT, {"id": number}, 1))


def beats(link: Link, number: int) -> Mapping[int, int]:
    """Return how often each of the other servers has said that it lives."""
    return dict(link.select(_BEATS, {"id": number}, 1 << 16))


def remove(link: Link, number: int, after: int) -> bool:
    """Take a server for gone after so many beats; false if it said that it lives meanwhile.

    Nor is one while a transaction of its writer is under way.
    """
    return bool(link.select(_REMOVE, {"id": number, "beats": after}, 1))


def leave(link: Link, left: Registered) -> bool:
    """Remove a server that is known to have ended."""
    return bool(link.select(_LEAVE, left._asdict(), 1))


def note_of(held: Registered) -> str:
    """Return what a process writes down of itself for who comes after it in the same place."""
    return f"{held.id} {held.started_at}"


def leave_for(database: Database, notes: Iterable[str]) -> None:
    """Remove the servers that have left these notes, and are known to have ended."""
    link = database.link()
    try:
        for note in notes:
            with suppress(ValueError, TypeError):  # whatever stands there
                leave(link, Registered(*map(int, note.split())))
    finally:
        link.close()


def was_taken_for_gone(error: BaseException) -> bool:
    """Say whether a transaction failed because its server has no row any more."""
    cause: Any = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlstate", None) == _TAKEN_FOR_GONE


@contextmanager
def only_server(database: Database) -> Iterator[None]:
    """Be the one server of an SQLite file, or raise `DatabaseError`.

    It is known by a lock on a file beside it, which is free again however the server ends.
    PostgreSQL may have any number of servers: see `aibridge.store.engine.servers`.
    """
    if database.file is not None:
        with _file_lock(database.file):
            yield
    else:
        yield


@contextmanager
def _file_lock(file: Path) -> Iterator[None]:
    lock = Path(f"{file}.lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DatabaseError(f"cannot create {lock}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DatabaseError(f"another aibridge is serving the database {file}") from error
    else:
        yield
    finally:
        os.close(descriptor)
