"""What is particular to SQLite: opening its file, and the bare connection for the record."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event

from aibridge.store.engine.bulk import Write, write_values
from aibridge.store.engine.sqlite_files import Identity, WatchedFile

_WAL_RETRY_SECONDS = 0.005
_STEPS = 50_000
"""Steps of SQLite's machine, some milliseconds, between looks at the time."""


def make_file(file: Path) -> None:
    """Create a database file and its folder, for their owner alone: they will hold prompts."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.touch(mode=0o600)


def open_engine(url: URL, watched: WatchedFile | None, *, busy_timeout_seconds: float) -> Engine:
    """Return an engine whose connections are set as durability needs it.

    None is made to a file in the place of the ``watched`` one, and so no new file begun.
    """
    engine = create_engine(
        url,
        connect_args={"timeout": busy_timeout_seconds, "cached_statements": 256},
        hide_parameters=True,  # they are people's prompts: no error may show them
    )
    if watched is not None:
        event.listen(engine, "do_connect", lambda *_: watched.check())
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def open_for_reading(file: Path, *, busy_timeout_seconds: float) -> Engine:
    """Return an engine whose connections cannot change a file, which must be there."""
    uri = f"file:{quote(str(file.resolve()))}?mode=ro"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, timeout=busy_timeout_seconds, isolation_level=None)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    """Make commits survive power loss (WAL, synchronous FULL) and leave BEGIN to us."""
    connection.isolation_level = None
    _switch_to_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute("PRAGMA foreign_keys=ON")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Set the file to WAL, waiting as long as for any lock while others do so too.

    SQLite does not wait itself where two would upgrade from reading to writing at once: one of
    them is told at once that the file is locked, whatever the busy timeout.
    """
    (busy_timeout,) = connection.execute("PRAGMA busy_timeout").fetchone()
    until = monotonic() + busy_timeout / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() >= until:
                raise
            sleep(_WAL_RETRY_SECONDS)
        else:
            return


def _begin(connection: Connection) -> None:
    """Take the write lock at once where writing is meant: taking it later could fail."""
    writes = connection.get_execution_options().get("aibridge_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def waiting(connection: Connection, seconds: float) -> Iterator[None]:
    """Begin a transaction that waits for locks for so long at most, and commit it at the end."""
    driver: Any = connection.connection.driver_connection
    (usual,) = driver.execute("PRAGMA busy_timeout").fetchone()
    driver.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")
    try:
        with connection.begin():
            yield
    finally:
        driver.execute(f"PRAGMA busy_timeout = {usual}")


@contextmanager
def limited(connection: Connection, seconds: float) -> Iterator[None]:
    """Break off what is still being read after some seconds."""
    driver: Any = connection.connection.driver_connection
    until = monotonic() + seconds
    driver.set_progress_handler(lambda: monotonic() > until, _STEPS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


class SQLiteLink:
    """A connection of the driver itself, for the one thread that writes the record."""

    def __init__(
        self, engine: Engine, watched: WatchedFile | None, *, lock_seconds: float | None = None
    ) -> None:
        self._watched = watched
        self._log: Identity = None
        self._connection = engine.raw_connection()
        self._driver: Any = self._connection.driver_connection
        self.cursor = self._connection.cursor()
        if lock_seconds is not None:
            self._connection.detach()  # nobody else gets it after this
            self.cursor.execute(f"PRAGMA busy_timeout = {int(lock_seconds * 1000)}")

    @contextmanager
    def transaction(self, _server_id: int | None = None) -> Iterator[None]:
        """Make everything done inside durable at the end, or nothing of it."""
        self.cursor.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._check_file()
            self.cursor.execute("COMMIT")
        except BaseException:
            if self._driver.in_transaction:
                self.cursor.execute("ROLLBACK")
            raise

    def _check_file(self) -> None:
        if self._watched is not None:
            self._log = self._log or self._watched.log()
            self._watched.check_log(self._log)

    def select(self, sql: str, parameters: Mapping[str, Any], most: int) -> list[Any]:
        """Return the first rows of a query."""
        self.cursor.execute(sql, parameters)
        return list(self.cursor.fetchmany(most))

    def write(self, write: Write, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows of one kind, in their order."""
        if write.takes_one:
            self.cursor.executemany(write.sql, rows)
        else:
            write_values(self.cursor, write.sql, rows)

    def break_off(self) -> None:
        """Let what another thread does on it fail now. Never waits."""
        with suppress(sqlite3.Error):
            self._driver.interrupt()

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()
