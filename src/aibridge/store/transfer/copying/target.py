"""Where a copy goes: a database without data, or one that has the rest of a broken-off copy."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    Connection,
    Table,
    delete,
    exists,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)

from aibridge.principals import EVERYONE
from aibridge.store import migrations
from aibridge.store.engine.addresses import shown
from aibridge.store.engine.database import Database, DatabaseError, parts
from aibridge.store.engine.servers import only_server
from aibridge.store.schema import tables as schema
from aibridge.store.search import index as text_index
from aibridge.store.transfer.copying import indexing, others, state, tables
from aibridge.store.transfer.copying.tables import TABLES, WITH_TEXTS, Row, key, with_dependents


class Target:
    """A database that is being filled. ``was_begun`` says whether some of it was there before."""

    def __init__(self, database: Database, address: str, *, was_begun: bool) -> None:
        self.database = database
        self.address = address
        self.was_begun = was_begun

    def last_key(self, table: Table) -> Sequence[Any] | None:
        """Return the key of the last row of a table that is there, `None` before the first."""
        with self.database.read() as connection:
            return state.last_key(connection, table.name)

    def add(self, table: Table, rows: Sequence[Row]) -> None:
        """Write rows, all or none, that come after those that are there."""
        columns = list(table.c)
        last = [rows[-1][columns.index(column)] for column in key(table)]
        with self.database.write() as connection:
            write(connection, table, rows)
            state.keep(connection, table.name, last)

    def rows(self, table: Table) -> Generator[Row, None, None]:
        """Yield the rows of a table in the order of its key, as they are in the database."""
        with self.database.read() as connection:
            yield from tables.walk(connection, table)

    def count(self, table: Table) -> int:
        """Return how many rows a table has."""
        with self.database.read() as connection:
            return tables.count(connection, table)

    def empty(self, tables: Iterable[Table]) -> list[Table]:
        """Take out what is in tables, and return which begin anew: those that refer to them too."""
        emptied = with_dependents(tables)
        with self.database.write() as connection:
            _empty(connection, emptied)
            for table in emptied:
                state.forget(connection, table.name)
            if any(table.name in WITH_TEXTS for table in emptied):
                indexing.forget(connection)
        return emptied

    def finish(self) -> None:
        """Let the database be served: numbers go on past those that are taken."""
        calls = schema.interceptions.c
        with self.database.write() as connection:
            running = update(schema.interceptions).where(calls.ended_at.is_(None))
            connection.execute(running.values(server_id=None))  # on no server of this database
            if self.database.is_postgresql:
                for table in TABLES:
                    _number_on(connection, table)
                names = [*(table.name for table in TABLES), text_index.NAME]
                connection.execute(text(f"ANALYZE {', '.join(names)}"))
            state.end(connection)


@contextmanager
def opened(url: str, source: str) -> Iterator[Target]:
    """Yield the target of a copy from ``source``, which nobody else uses until the end.

    Raises `DatabaseError` where it has data already, or the rest of another copy, or is in use,
    and `NewerSchemaError`.
    """
    parsed = parts(url)
    address = shown(parsed)
    if parsed.get_backend_name() == "sqlite" and not parsed.database:
        raise DatabaseError("a copy needs a file to go to, sqlite:///PATH")
    database = Database(url)
    try:
        with _alone(database, address):
            yield Target(database, address, was_begun=_prepare(database, address, source))
    finally:
        database.close()


@contextmanager
def _alone(database: Database, address: str) -> Iterator[None]:
    """Be the only one who uses a database. Who comes later sees that it is being copied to."""
    if not database.is_postgresql:
        with only_server(database):
            yield
        return
    with database.read() as connection:
        is_left = others.is_left(connection)
    if not is_left:
        raise DatabaseError(f"another aibridge uses {address}")
    yield


def _prepare(database: Database, address: str, source: str) -> bool:
    """Make the tables, or go on with those of a broken-off copy; true if it goes on."""
    with database.read() as connection:
        if state.is_under_way(connection):
            _check_is_the_same(connection, address, source)
            return True
        _check_is_empty(connection, address)
    database.upgrade()
    with database.write() as connection:
        _check_is_empty(connection, address)
        connection.execute(delete(schema.groups))
        state.begin(connection, source)
    return False


def _check_is_the_same(connection: Connection, address: str, source: str) -> None:
    if (before := state.source(connection)) != source:
        raise DatabaseError(f"{address} has the rest of a copy from {before}, not from {source}")
    if (revision := state.revision(connection)) != migrations.HEAD:
        raise DatabaseError(
            f"{address} has the rest of a copy by another release, at revision {revision}: "
            "go on with that release, or begin with a new database"
        )


def _check_is_empty(connection: Connection, address: str) -> None:
    there = set(inspect(connection).get_table_names())
    for table in TABLES:
        rows = select(table.primary_key.columns[0])
        if table is schema.groups:
            rows = rows.where(table.c.id != EVERYONE)
        if table.name in there and connection.scalar(select(exists(rows))):
            raise DatabaseError(
                f"{address} has data already, in {table.name}: "
                "a copy goes into a database without any"
            )


def write(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write rows as the engine takes many."""
    if connection.dialect.name == "postgresql":
        tables.copy_in(connection, table, rows)
        return
    connection.exec_driver_sql(str(insert(table).compile(dialect=connection.dialect)), list(rows))


def _empty(connection: Connection, tables: Sequence[Table]) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"TRUNCATE {', '.join(table.name for table in tables)}"))
        return
    for table in reversed(tables):
        connection.execute(delete(table))


def _number_on(connection: Connection, table: Table) -> None:
    """Have PostgreSQL give new rows numbers past the highest."""
    column = table.autoincrement_column
    if column is None:
        return
    sequence = func.pg_get_serial_sequence(table.name, column.name)
    highest = func.coalesce(func.max(column), 0)
    connection.execute(select(func.setval(sequence, highest + 1, False)))
