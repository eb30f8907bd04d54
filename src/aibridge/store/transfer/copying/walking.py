"""Going through a table in the order of its key, in memory that does not grow with its rows."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Table, func, select, tuple_

from aibridge.store.transfer.copying.tables import key, positions_of_texts

Row = tuple[Any, ...]

AT_ONCE = 100
"""Rows that come from the engine at once. What one of them holds may be large."""
MOST_ROWS = 5_000
MOST_CHARACTERS = 8 * 1024 * 1024
"""What is written in one transaction: it ends with the row that reaches one of the two."""


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
