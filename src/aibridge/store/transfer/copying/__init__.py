"""Copying a whole database into another one, of either engine, as one state of it.

The steps are in the order in which they are to be taken: `Copy.rows`, `Copy.check`, `Copy.index`,
`Copy.finish`. Each commits as it goes and goes on where it was broken off. Until the last one the
target is no database that anybody serves.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from sqlalchemy import Table

from aibridge.store.engine.database import DatabaseError
from aibridge.store.record import partitions
from aibridge.store.transfer.copying import indexing, source, target
from aibridge.store.transfer.copying.source import Source
from aibridge.store.transfer.copying.tables import (
    TABLES,
    Row,
    Sum,
    batches,
    summed,
    without_second_key,
)
from aibridge.store.transfer.copying.target import Target

__all__ = ["Compared", "Copy", "copying"]

Count = Callable[[int], object]
"""Is told how many more rows are done."""

_COUNTED = 1_000


@dataclass(frozen=True, slots=True)
class Compared:
    """A table of the source beside that of the target."""

    name: str
    source: Sum
    target: Sum

    @property
    def is_equal(self) -> bool:
        """Whether they have the same rows."""
        return self.source == self.target


class Copy:
    """A copy that is under way."""

    def __init__(self, source: Source, target: Target) -> None:
        self.source = source
        self.target = target
        self._goes_by_postgresql = target.database.is_postgresql

    def total(self) -> int:
        """Return how many rows the source has."""
        return sum(map(self.source.count, TABLES))

    def done(self) -> int:
        """Return how many rows the target has."""
        return sum(map(self.target.count, TABLES))

    def to_index(self) -> int:
        """Return how many interceptions the index of texts is made of."""
        return indexing.count(self.source.connection)

    def begin(self) -> None:
        """Prepare the target: partitions, and what of a broken-off copy is not to stay."""
        if self.target.was_begun:
            large = {table.name for table in without_second_key()}
            self.target.empty(table for table in TABLES if table.name not in large)
        if self._goes_by_postgresql:
            for week in self.source.weeks():
                partitions.make(self.target.database, week, week)

    def rows(self, count: Count) -> None:
        """Copy what is not there yet."""
        self._copy(TABLES, count)

    def check(self, count: Count) -> list[Compared]:
        """Compare all tables, and return what was found.

        Where a copy goes on that was broken off, the source may have changed since: tables that
        differ are copied anew.
        """
        found = {table.name: self._compare(table, count) for table in TABLES}
        differing = [table for table in TABLES if not found[table.name].is_equal]
        if differing and self.target.was_begun:
            again = self.target.empty(differing)
            self._copy(again, lambda more: None)
            found |= {table.name: self._compare(table, lambda more: None) for table in again}
        return list(found.values())

    def index(self, count: Count) -> None:
        """Make the index of texts."""
        for more in indexing.index(self.target.database):
            count(more)

    def finish(self) -> None:
        """Have the target be a database like any other."""
        self.target.finish()

    def _copy(self, tables: Iterable[Table], count: Count) -> None:
        for table in tables:
            with closing(self.source.rows(table, self.target.last_key(table))) as rows:
                for batch in batches(table, rows):
                    self.target.add(table, batch)
                    count(len(batch))

    def _compare(self, table: Table, count: Count) -> Compared:
        sums = (self._sum(one.rows(table), count) for one in (self.source, self.target))
        return Compared(table.name, *sums)

    def _sum(self, rows: Generator[Row, None, None], count: Count) -> Sum:
        with closing(rows):
            return summed(_counted(rows, count), as_postgresql_has_it=self._goes_by_postgresql)


@contextmanager
def copying(from_url: str, to_url: str) -> Iterator[Copy]:
    """Yield a copy from one database to another, to be begun or to go on.

    Raises `DatabaseError` or `NewerSchemaError` where one of the two is not fit for it.
    """
    with source.opened(from_url) as read:
        if source.is_same(from_url, to_url):
            raise DatabaseError("the source and the target are the same database")
        with target.opened(to_url, read.address) as written:
            yield Copy(read, written)


def _counted(rows: Iterable[Row], count: Count) -> Iterator[Row]:
    """Yield rows, and tell from time to time how many there were."""
    number = 0
    for number, row in enumerate(rows, 1):
        yield row
        if number % _COUNTED == 0:
            count(_COUNTED)
    count(number % _COUNTED)
