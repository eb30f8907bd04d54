"""Opening the database, with the settings that durability needs."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from aibridge.store import migrations

BUSY_TIMEOUT_SECONDS = 10
"""How long a statement waits for another process that is writing to the same SQLite file."""


class DatabaseError(Exception):
    """The database cannot be used; the text says why and what to do."""


class Database:
    """An open database. Reading and writing go through `read` and `write`."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection whose statements all see one state of the data."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection whose changes are committed at the end, or none of them are."""
        options = {"aibridge_writes": True}
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    def upgrade(self) -> None:
        """Bring the tables up to this release; a database of a newer release is refused."""
        with self.write() as connection:
            migrations.upgrade(connection)

    def close(self) -> None:
        """Give up every connection."""
        self.engine.dispose()


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise DatabaseError(
            "database_url is not a database address; expected sqlite:///PATH"
        ) from error
    if parsed.get_backend_name() != "sqlite":
        raise DatabaseError(
            f"database_url names {parsed.get_backend_name()!r}; this release supports sqlite:///PATH"
        )
    if parsed.database and parsed.database != ":memory:":
        _make_file(Path(parsed.database))
    engine = create_engine(
        parsed,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "cached_statements": 256},
        hide_parameters=True,  # they are people's prompts: no error may show them
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_file(file: Path) -> None:
    """Create a database file and its folder, for their owner alone: they will hold prompts."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
    except OSError as error:
        raise DatabaseError(f"cannot create the database {file}: {error.strerror}") from error


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Make commits survive power loss (WAL, synchronous FULL) and leave BEGIN to us."""
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once where writing is meant: taking it later could fail."""
    writes = connection.get_execution_options().get("aibridge_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
