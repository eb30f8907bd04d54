"""Opening the database, SQLite or PostgreSQL, with the settings that durability needs."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError

from aibridge.store import migrations
from aibridge.store.engine import postgresql, sqlite
from aibridge.store.engine.sqlite import SQLiteLink
from aibridge.store.engine.sqlite_files import Changes, WatchedFile

if TYPE_CHECKING:
    from aibridge.store.engine.postgresql_link import PostgreSQLLink

BUSY_TIMEOUT_SECONDS = 10
"""How long a statement waits for a lock that another process holds."""

EXPECTED = "expected sqlite:///PATH or postgresql://USER@HOST/NAME"

ESCAPED = (
    "in a user and a password @ : / ? # are written %40 %3A %2F %3F %23, and @ behind the host too"
)

_ACCOUNT = re.compile(r"[^@:/?#]*(?::[^@:/?#]*)?")
"""A user and a password: with a character that has a meaning in addresses left as it is, a part
of the password would be taken for the host, and be shown where that is not found."""

UNFINISHED = (
    "the database is the target of a copy that has not ended; run the same aibridge db copy once "
    "more, and it goes on"
)


class DatabaseError(Exception):
    """The database cannot be used; the text says why and what to do."""


class Database:
    """An open database. Reading and writing go through `read` and `write`.

    ``file`` is that of an SQLite database which has one. Nothing is connected before it is needed.
    """

    def __init__(self, url: str) -> None:
        parsed = _parse(url)
        self.is_postgresql = parsed.get_backend_name() == "postgresql"
        self.file = None if self.is_postgresql else _file(parsed)
        if self.file is not None:
            _make(self.file)
        self._watched = None if self.file is None else WatchedFile(self.file)
        self.engine = _open(parsed, self._watched)

    @cached_property
    def changes(self) -> Changes | None:
        """The mark that `write` changes, of an SQLite file.

        Raises one of `DRIVER_ERRORS` where there can be none.
        """
        try:
            return None if self.file is None else Changes(self.file)
        except OSError as error:
            raise sqlite3.OperationalError(f"no mark of changes: {error.strerror}") from error

    @contextmanager
    def read(self, *, seconds: float | None = None) -> Iterator[Connection]:
        """Yield a connection whose statements all see one state of the data.

        What takes longer than some ``seconds`` is broken off: a statement on PostgreSQL, on SQLite
        all of them together. See `aibridge.store.engine.errors.is_too_slow`.
        """
        options = postgresql.READING if self.is_postgresql else {}
        limited = postgresql.limited if self.is_postgresql else sqlite.limited
        with self._transaction(options) as connection:
            if seconds is None:
                yield connection
                return
            with limited(connection, seconds):
                yield connection

    @contextmanager
    def write(self, *, patiently: bool = False) -> Iterator[Connection]:
        """Yield a connection whose changes are committed at the end, or none of them are.

        Only one is out at a time, so what was looked up in it stays so; another waits for
        `BUSY_TIMEOUT_SECONDS` at most, on PostgreSQL ``patiently`` as long as it takes. There the
        recorder's writers, which change the tables of the record alone, are not held up.
        """
        changes = self.changes  # before anything changes: nobody must miss it
        try:
            with self._transaction({"aibridge_writes": True}) as connection:
                if self.is_postgresql:
                    postgresql.take_turn(connection, patiently=patiently)
                yield connection
                self.check_file()
        finally:
            if changes is not None:
                changes.note()

    @contextmanager
    def write_beside(self, *, lock_seconds: float) -> Iterator[Connection]:
        """Yield a connection that changes the record, beside the recorder's writers.

        It takes no turn with what `write` is for, and waits for a lock for ``lock_seconds`` at
        most.
        """
        with self.engine.connect() as connection:
            connection.execution_options(aibridge_writes=True)
            waiting = postgresql.waiting if self.is_postgresql else sqlite.waiting
            with waiting(connection, lock_seconds):
                yield connection
                self.check_file()

    @contextmanager
    def _transaction(self, options: dict[str, Any]) -> Iterator[Connection]:
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    def link(self, *, lock_seconds: float | None = None) -> "PostgreSQLLink | SQLiteLink":
        """Return a connection of the driver itself, for the thread that writes the record.

        ``lock_seconds`` is how long it waits for who holds a lock, if not `BUSY_TIMEOUT_SECONDS`.
        """
        if not self.is_postgresql:
            return SQLiteLink(self.engine, self._watched, lock_seconds=lock_seconds)
        from aibridge.store.engine.postgresql_link import PostgreSQLLink  # noqa: PLC0415 - with its driver

        return PostgreSQLLink(self.engine, lock_seconds=lock_seconds)

    def check_file(self) -> None:
        """Raise `FileReplaced` where an SQLite file was deleted, or another put in its place."""
        if self._watched is not None:
            self._watched.check()

    def is_up_to_date(self) -> bool:
        """Say whether the tables are those of this release, so that there is nothing to upgrade."""
        with self.read() as connection:
            return migrations.is_up_to_date(connection)

    def upgrade(self) -> None:
        """Bring the tables up to this release; a database of a newer release is refused.

        Raises `DatabaseError` for a PostgreSQL that is too old or not encoded in UTF8, and for the
        target of a copy that has not ended.

        Of several servers that start at once, the first does it, and the others wait for it.
        """
        with self.read() as connection:
            if migrations.is_up_to_date(connection):  # the usual start: nothing to wait for
                return
            if migrations.current(connection) == migrations.COPYING:
                raise DatabaseError(UNFINISHED)
            if self.is_postgresql and (reason := postgresql.unfit(connection)):
                raise DatabaseError(f"the database cannot be used: {reason}")
        with self.write(patiently=True) as connection:
            migrations.upgrade(connection)

    def close(self) -> None:
        """Give up every connection."""
        self.engine.dispose()
        if (changes := self.__dict__.pop("changes", None)) is not None:
            changes.close()


def check_url(url: str) -> None:
    """Raise `DatabaseError` for what is no address of a database of ours."""
    _parse(url)


def is_there(url: str) -> bool:
    """Say whether a database can be there: `False` where SQLite would begin a new file."""
    parsed = _parse(url)
    return parsed.get_backend_name() == "postgresql" or (_file(parsed) or Path()).exists()


def has_tables(url: str) -> bool:
    """Say whether there is a database of ours; nothing is made where there is none."""
    if not is_there(url):
        return False
    parsed = _parse(url)
    file = None if parsed.get_backend_name() == "postgresql" else _file(parsed)
    if file is None:
        engine = _open(parsed, None)
    else:
        engine = sqlite.open_for_reading(file, busy_timeout_seconds=BUSY_TIMEOUT_SECONDS)
    try:
        with engine.connect() as connection:
            return migrations.current(connection) is not None
    finally:
        engine.dispose()


def database_file(url: str) -> Path | None:
    """Return the file of an SQLite database; `None` for PostgreSQL and one in memory."""
    parsed = _parse(url)
    return None if parsed.get_backend_name() == "postgresql" else _file(parsed)


def _parse(url: str) -> URL:
    """Return the parts of an address. No error shows it: a password may be anywhere in it."""
    if not _ACCOUNT.fullmatch(_account(url)):
        raise DatabaseError(f"database_url cannot be read; {ESCAPED}")
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the latter for a port
        raise DatabaseError(f"database_url is not a database address; {EXPECTED}") from None
    if parsed.drivername in {"postgres", "postgresql+psycopg"}:
        return parsed.set(drivername="postgresql")
    if parsed.drivername not in {"sqlite", "postgresql"}:
        raise DatabaseError(f"database_url names {parsed.drivername!r}; {EXPECTED}")
    return parsed


def _account(url: str) -> str:
    """Return what stands before the last @, which is where the host begins; of a file nothing."""
    scheme, _, rest = url.partition("://")
    return "" if scheme == "sqlite" else rest.rpartition("@")[0]


def _file(url: URL) -> Path | None:
    name = url.database
    return None if not name or name == ":memory:" else Path(name)


def _make(file: Path) -> None:
    try:
        sqlite.make_file(file)
    except OSError as error:
        raise DatabaseError(f"cannot create the database {file}: {error.strerror}") from error


def _open(url: URL, watched: WatchedFile | None) -> Engine:
    if url.get_backend_name() == "postgresql":
        return postgresql.open_engine(url, busy_timeout_seconds=BUSY_TIMEOUT_SECONDS)
    return sqlite.open_engine(url, watched, busy_timeout_seconds=BUSY_TIMEOUT_SECONDS)


def parts(url: str) -> URL:
    """Return the parts of an address. Raises `DatabaseError` for what is none of ours."""
    return _parse(url)
