"""The spool: a file beside the database's, where entries wait while the database is away.

It knows nothing of what an entry says. Entries are kept in the order in which they came, each with
a checksum; what is appended is durable. The file never grows past its bound.
"""

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from aibridge.store.room import check_room
from aibridge.store.watched import WatchedFile

PAGE_BYTES = 4096
FIRST_BYTES = 8 << 20
"""Bytes of entries that are read at once."""
RESERVE = 8
"""One part in so many is kept for the ends of answers that run when the spool becomes full."""
FEWEST_PAGES = 64
SMALL_PAGES = 256
"""An empty spool of no more pages is not worth shrinking."""

_NOTE_BYTES = 64

_BROKEN_FILE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_ENTRY = """interception_id TEXT NOT NULL, ended INT NOT NULL, checksum BLOB NOT NULL,
    body BLOB NOT NULL"""
_TABLES = (
    f"CREATE TABLE IF NOT EXISTS entries (number INTEGER PRIMARY KEY AUTOINCREMENT, {_ENTRY})",
    f"CREATE TABLE IF NOT EXISTS damaged (number INTEGER PRIMARY KEY, {_ENTRY}, reason TEXT)",
    "CREATE TABLE IF NOT EXISTS room (bytes BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS entries_of ON entries (interception_id, ended)",
)
COLUMNS = "number, interception_id, ended, checksum, body"
_APPEND = "INSERT INTO entries (interception_id, ended, checksum, body) VALUES (?, ?, ?, ?)"
_FIRST = f"SELECT {COLUMNS} FROM entries ORDER BY number LIMIT ?"  # noqa: S608 - names of ours
_HAS = "SELECT 1 FROM entries WHERE interception_id = ? LIMIT 1"
_WITHOUT_END = (
    f"SELECT {COLUMNS} FROM entries AS start WHERE NOT ended AND NOT EXISTS"  # noqa: S608
    " (SELECT 1 FROM entries WHERE interception_id = start.interception_id AND ended)"
    " ORDER BY number"
)
_SET_ASIDE = (
    f"INSERT OR REPLACE INTO damaged SELECT {COLUMNS}, ? FROM entries"  # noqa: S608 - names of ours
    " WHERE number = ?"
)
_REMOVE = "DELETE FROM entries WHERE number = ?"


class SpoolError(Exception):
    """The spool cannot take what it was given, or cannot be used at all; the text says why."""


class SpoolTaken(SpoolError):
    """Another process has this spool."""


class SpoolBroken(SpoolError):
    """The file is damaged, or it never was a spool."""


class Entry(NamedTuple):
    """Something to be kept of an interception; ``ended`` says whether its end is in it."""

    interception_id: str
    ended: bool
    body: bytes


class Kept(NamedTuple):
    """An entry as it stands in the spool. Numbers rise in the order in which entries came."""

    number: int
    interception_id: str
    ended: bool
    checksum: bytes
    body: bytes

    @property
    def is_sound(self) -> bool:
        """Whether it is what was appended."""
        try:
            return self.checksum == _checksum(self.interception_id, self.body)
        except (AttributeError, TypeError):  # SQLite holds what it is given, of whatever type
            return False


class Spool:
    """An open spool, which nobody else has. Any thread may use it.

    Raises `SpoolTaken`, `SpoolBroken` or another `SpoolError`.
    """

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        self.path = path
        self._lock = Lock()
        self._max_pages = max(max_bytes // PAGE_BYTES, FEWEST_PAGES)
        owned = _own(path)
        try:
            with _trouble():
                self._connection = _open(path, self._max_pages)
                self._waiting = self._count("entries")
                self._damaged = self._count("damaged")
                self._pages = self._used()
                self._watched = WatchedFile(path)
                self._log = self._watched.log()
        except SpoolError:
            os.close(owned)
            raise
        self._owned: int | None = owned
        self.former = [os.pread(owned, _NOTE_BYTES, 0).decode(errors="replace")]
        """What those who had it before, and are gone, have noted of themselves."""

    @property
    def waiting(self) -> int:
        """How many entries wait to be replayed."""
        return self._waiting

    @property
    def damaged(self) -> int:
        """How many entries were set aside, in all the time of this spool."""
        return self._damaged

    @property
    def takes_starts(self) -> bool:
        """Whether there is room for more than the ends of what has begun."""
        return self._pages < self._max_pages - self._max_pages // RESERVE

    def append(self, entries: Sequence[Entry]) -> None:
        """Keep the entries, all or none of them. Raises `SpoolError`, above all when it is full."""
        self._append([(id_, ended, _checksum(id_, body), body) for id_, ended, body in entries])

    def take_over(self, kept: Sequence[Kept]) -> None:
        """Keep entries of another spool, as they stand there."""
        self._append([entry[1:] for entry in kept])

    def first(self, most: int) -> list[Kept]:
        """Return the oldest entries, at least one if there is any."""
        found: list[Kept] = []
        size = 0
        with self._lock, _trouble():
            for row in self._connection.execute(_FIRST, (most,)):
                found.append(Kept(*row))
                size += len(found[-1].body)
                if size > FIRST_BYTES:
                    break
        return found

    def has(self, interception_id: str) -> bool:
        """Whether there is anything of an interception."""
        with self._lock, _trouble():
            return self._connection.execute(_HAS, (interception_id,)).fetchone() is not None

    def without_end(self) -> list[Kept]:
        """Return the starts whose end is not here."""
        with self._lock, _trouble():
            return [Kept(*row) for row in self._connection.execute(_WITHOUT_END)]

    def remove(self, numbers: Iterable[int]) -> None:
        """Remove entries that are where they belong now."""
        rows = [(number,) for number in numbers]
        with self._transaction():
            removed = self._connection.executemany(_REMOVE, rows).rowcount
        self._waiting -= removed

    def set_aside(self, numbers: Iterable[int], reason: str) -> None:
        """Keep entries out of the way: they are damaged, or nothing can be done with them."""
        rows = [(reason, number) for number in numbers]
        with self._transaction():
            self._connection.executemany(_SET_ASIDE, rows)
            self._connection.executemany(_REMOVE, [(number,) for _, number in rows])
        self._waiting -= len(rows)
        self._damaged += len(rows)

    def note_owner(self, note: str) -> None:
        """Leave a note, in a line, for who has the spool after this process is gone."""
        with self._lock:
            if self._owned is not None:
                os.pwrite(self._owned, note.ljust(_NOTE_BYTES).encode()[:_NOTE_BYTES], 0)

    def has_room(self) -> bool:
        """Try whether something can be written, be it a full disk or the bound that forbade it."""
        try:
            check_room(self.path.parent)
            with self._transaction():
                self._connection.execute("INSERT INTO room VALUES (zeroblob(?))", (PAGE_BYTES * 4,))
            with self._transaction():
                self._connection.execute("DELETE FROM room")
        except (SpoolError, OSError):
            return False
        return True

    def shrink(self) -> None:
        """Give the disk back what an empty spool does not need."""
        with self._lock, _trouble():
            if self._waiting or self._pragma("page_count") <= SMALL_PAGES:
                return
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self, *, remove: bool = False) -> None:
        """Close the file, and remove it if nobody needs it."""
        with self._lock:
            if self._owned is None:
                return
            self._connection.close()
            if remove:
                self.path.unlink()
            os.close(self._owned)
            self._owned = None

    def _append(self, rows: Sequence[tuple[str, bool, bytes, bytes]]) -> None:
        with self._transaction():
            self._connection.executemany(_APPEND, rows)
        self._waiting += len(rows)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, _trouble():
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
                self._watched.check_log(self._log)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._pages = self._used()

    def _used(self) -> int:
        return self._pragma("page_count") - self._pragma("freelist_count")

    def _pragma(self, name: str) -> int:
        (value,) = self._connection.execute(f"PRAGMA {name}").fetchone()
        return int(value)

    def _count(self, table: str) -> int:
        query = f"SELECT count(*) FROM {table}"  # noqa: S608 - our name
        return int(self._connection.execute(query).fetchone()[0])


def _own(path: Path) -> int:
    """Make the file, for its owner alone, and lock it: by one beside it, which SQLite lets be."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        owned = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SpoolError(f"cannot make the spool {path}: {error.strerror}") from error
    try:
        fcntl.flock(owned, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(owned)
        raise SpoolTaken(f"another process has the spool {path}") from error
    return owned


def _open(path: Path, max_pages: int) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.text_factory = read_text
    try:
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        _check_owner(connection)
        for table in _TABLES:
            connection.execute(table)
        connection.execute(f"PRAGMA max_page_count={max_pages}")
        _check(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def read_text(text: bytes) -> str:
    """Return a text of the file, which may be damaged."""
    return text.decode(errors="replace")


def _check_owner(connection: sqlite3.Connection) -> None:
    names = {row[1] for row in connection.execute("PRAGMA table_info(entries)")}
    if names and not names.issuperset(COLUMNS.split(", ")):
        raise SpoolBroken("the file is another program's")


def _check(connection: sqlite3.Connection) -> None:
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise SpoolBroken(f"the spool is damaged: {found}")


def _checksum(interception_id: str, body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16, key=interception_id.encode()[:64]).digest()


@contextmanager
def _trouble() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        broken = getattr(error, "sqlite_errorcode", 0) & 0xFF in _BROKEN_FILE
        kind = SpoolBroken if broken else SpoolError
        raise kind(f"the spool cannot be used: {error}") from error
