"""The tables that are copied: which, in which order, what hangs together, and many rows of one.

Rows are read in the order of a table's key, written to PostgreSQL by its COPY, and added up.
"""

import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
import psycopg
from psycopg import sql
from sqlalchemy import Column, Connection, Table, UniqueConstraint, func, select, tuple_
from sqlalchemy.exc import DBAPIError

from aibridge.store.engine.bulk import cleaned
from aibridge.store.schema import tables as schema

Row = tuple[Any, ...]

AT_ONCE = 100
"""Rows that come from the engine at once. What one of them holds may be large."""
MOST_ROWS = 5_000
MOST_CHARACTERS = 8 * 1024 * 1024
"""What is written in one transaction: it ends with the row that reaches one of the two."""
_BYTES = 16
_MODULUS = 1 << 8 * _BYTES
"""Of the sum of hashes."""

LEFT_OUT = frozenset({"allotments", "indexed_interceptions", "servers"})
"""What belongs to one database: its index of texts is made anew, its processes are others."""

TABLES: tuple[Table, ...] = tuple(
    table for table in schema.metadata.sorted_tables if table.name not in LEFT_OUT
)
"""What is copied, each table after those that its rows refer to."""

WITH_TEXTS = frozenset(
    {schema.interceptions.name, schema.user_prompts.name, schema.tool_usages.name}
)
"""Of what the index of texts is made."""


def key(table: Table) -> list[Column[Any]]:
    """Return the columns by which a table is walked."""
    return list(table.primary_key.columns)


def without_second_key() -> list[Table]:
    """Return the tables in which nothing but the key tells rows apart, which are the large ones.

    Of these some rows may be of one state of the source and others of a later one, until they are
    compared. In the others a name may have gone from one row to another in between.
    """
    small = {table.name for table in with_dependents(filter(_has_second_key, TABLES))}
    return [table for table in TABLES if table.name not in small]


def _has_second_key(table: Table) -> bool:
    constrained = any(isinstance(one, UniqueConstraint) for one in table.constraints)
    return constrained or any(index.unique for index in table.indexes)


def with_dependents(tables: Iterable[Table]) -> list[Table]:
    """Return tables with those whose rows refer to theirs, in the order of `TABLES`."""
    names = {table.name for table in tables}
    for table in TABLES:  # in their order: what refers to a table comes after it
        if any(foreign.column.table.name in names for foreign in table.foreign_keys):
            names.add(table.name)
    return [table for table in TABLES if table.name in names]


def positions_of_texts(table: Table) -> Sequence[int]:
    """Return where in a row values may be texts."""
    return [at for at, column in enumerate(table.c) if column.type.python_type is str]


def walk(
    connection: Connection, table: Table, after: Sequence[Any] | None = None
) -> Generator[Row, None, None]:
    """Yield the rows whose keys come after one, which are all if there is none, in their order."""
    columns = key(table)
    statement = select(table).order_by(*columns)
    if after is not None:
        statement = statement.where(tuple_(*columns) > tuple(after))
    streaming = statement.execution_options(yield_per=AT_ONCE)
    with connection.execute(streaming) as result:  # which is closed also if nobody wants the rest
        for row in result:
            yield tuple(row)


def batches(table: Table, rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Cut rows into what is written in one transaction each."""
    texts = positions_of_texts(table)
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum([len(row[at] or "") for at in texts])
        if len(batch) == MOST_ROWS or size >= MOST_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def count(connection: Connection, table: Table) -> int:
    """Return how many rows a table has."""
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def copy_in(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write rows within a transaction. What the driver raises is raised as SQLAlchemy does it."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101 - the dialect's
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.c)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), names)
    with telling(), driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


@contextmanager
def telling() -> Iterator[None]:
    """Raise what the driver raises as SQLAlchemy does it."""
    try:
        yield
    except Exception as error:
        driver = sys.modules.get("psycopg")
        if driver is None or not isinstance(error, driver.Error):
            raise
        raise DBAPIError.instance(None, None, error, driver.Error, hide_parameters=True) from error


class Sum(NamedTuple):
    """The number of rows, and the sum of their hashes modulo 2**128.

    It is the same in whatever order the rows come, as engines may see the order of texts each in
    its own way; a row that is there twice counts twice.
    """

    rows: int
    hashes: int

    @property
    def shown(self) -> str:
        """The checksum as it is printed."""
        return f"{self.hashes:0{2 * _BYTES}x}"


def summed(rows: Iterable[tuple[Any, ...]], *, as_postgresql_has_it: bool) -> Sum:
    """Add up rows. What PostgreSQL cannot hold counts as what it holds in its place if asked for.

    See `aibridge.store.engine.postgresql_texts`.
    """
    number = hashes = 0
    encode = msgspec.msgpack.Encoder().encode
    for row in rows:
        values = [cleaned(value) for value in row] if as_postgresql_has_it else row
        digest = blake2b(encode(values), digest_size=_BYTES).digest()
        hashes += int.from_bytes(digest, "big")
        number += 1
    return Sum(number, hashes % _MODULUS)
