"""Many rows of a table: in the order of its key, to PostgreSQL by its COPY, and as a sum."""

import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
import psycopg
from psycopg import sql
from sqlalchemy import Connection, Table, func, select, tuple_
from sqlalchemy.exc import DBAPIError

from aibridge.store.engine.bulk import cleaned
from aibridge.store.transfer.copying.tables import key, positions_of_texts

Row = tuple[Any, ...]

AT_ONCE = 100
"""Rows that come from the engine at once. What one of them holds may be large."""
MOST_ROWS = 5_000
MOST_CHARACTERS = 8 * 1024 * 1024
"""What is written in one transaction: it ends with the row that reaches one of the two."""
_BYTES = 16
_MODULUS = 1 << 8 * _BYTES
"""Of the sum of hashes."""


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
