"""Where a copy comes from: one state of a database, which is only read."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Table, func, select, text

from aibridge.ids import first_id_at, time_of
from aibridge.store import migrations
from aibridge.store.engine import sqlite
from aibridge.store.engine.addresses import shown
from aibridge.store.engine.database import BUSY_TIMEOUT_SECONDS, Database, DatabaseError, parts
from aibridge.store.migrations import NewerSchemaError
from aibridge.store.record import partitions
from aibridge.store.schema import tables as schema
from aibridge.store.transfer.copying import others, tables
from aibridge.store.transfer.copying.tables import Row

FIRST_WEEK = datetime(2020, 1, 1, tzinfo=UTC)
"""Ids that say they are older are of a clock that went astray, or of none."""

_WITHOUT_LIMITS = ("statement_timeout", "idle_in_transaction_session_timeout")


@dataclass(frozen=True, slots=True)
class Source:
    """A state of a database. ``address`` is what it is called; it tells no password."""

    connection: Connection
    address: str
    file: Path | None

    @property
    def is_postgresql(self) -> bool:
        """Whether it is a PostgreSQL."""
        return self.connection.dialect.name == "postgresql"

    def warnings(self) -> Iterator[str]:
        """Yield what is not copied, a sentence each."""
        if others.is_used(self.connection, self.file):
            yield (
                f"another aibridge uses {self.address}: what is recorded from now on, "
                "and what waits in its journal, is not copied"
            )
        elif self.file is not None and others.has_waiting_calls(self.connection, self.file.parent):
            yield (
                f"in {self.file.parent} are calls that are not in the database yet, and are not "
                "copied; a start of the bridge writes them"
            )

    def rows(
        self, table: Table, after: Sequence[object] | None = None
    ) -> Generator[Row, None, None]:
        """Yield the rows of a table in the order of its key, those after one if it is given."""
        return tables.walk(self.connection, table, after)

    def count(self, table: Table) -> int:
        """Return how many rows a table has."""
        return tables.count(self.connection, table)

    def weeks(self) -> Iterator[datetime]:
        """Yield a moment of each week of which there are interceptions, in their order."""
        ids = schema.interceptions.c.id
        last = datetime.now(UTC) + partitions.WEEKS_AHEAD * timedelta(weeks=1)
        start = FIRST_WEEK
        while start <= last:
            least = first_id_at(round(start.timestamp()) * 1_000_000)
            found = self.connection.scalar(select(func.min(ids)).where(ids >= least))
            if found is None or found >= first_id_at(round(last.timestamp()) * 1_000_000):
                return
            at = datetime.fromtimestamp(time_of(found) // 1_000_000, UTC)
            yield at
            start = next(partitions.weeks(at, at)) + timedelta(weeks=1)


@contextmanager
def opened(url: str) -> Iterator[Source]:
    """Yield the state that a database has now; until the end it stays the same.

    Raises `DatabaseError` where there is none of this release, `NewerSchemaError` where it is of a
    newer one.
    """
    address = shown(parts(url))
    with _reading(url) as (connection, file):
        _check(connection, address)
        yield Source(connection, address, file)


def is_same(url: str, other: str) -> bool:
    """Say whether two addresses are of one database, as far as they tell."""
    return shown(parts(url)) == shown(parts(other))


@contextmanager
def _reading(url: str) -> Iterator[tuple[Connection, Path | None]]:
    """Yield a connection that cannot write, and the file of an SQLite database."""
    parsed = parts(url)
    if parsed.get_backend_name() == "postgresql":
        database = Database(url)
        try:
            with database.read() as connection:
                for name in _WITHOUT_LIMITS:
                    connection.execute(text(f"SET LOCAL {name} = 0"))
                yield connection, None
        finally:
            database.close()
        return
    file = Path(parsed.database or "")
    if not file.is_file():
        raise DatabaseError(f"there is no database {shown(parsed)}")
    engine = sqlite.open_for_reading(file, busy_timeout_seconds=BUSY_TIMEOUT_SECONDS)
    with engine.connect() as connection, connection.begin():
        yield connection, file


def _check(connection: Connection, address: str) -> None:
    revision = migrations.current(connection)
    if revision is None:
        raise DatabaseError(f"{address} has no tables of AI Bridge")
    if revision == migrations.COPYING:
        raise DatabaseError(f"{address} is the target of a copy that has not ended")
    if revision > migrations.HEAD:  # they are numbered
        raise NewerSchemaError(
            f"{address} is at revision {revision}, which this release does not know; "
            "copy it with the release that wrote it, or a newer one"
        )
    if revision != migrations.HEAD:
        raise DatabaseError(f"{address} is of an older release: run aibridge db upgrade on it")
