"""Building a made-up record with the recorder's own rows and writer, portion by portion.

What is dear in bulk is left out meanwhile: indexes are made at the end, in one go each, and no
commit waits for a disk. A build that was broken off goes on where it was.
"""

import gc
import sqlite3
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice

from sqlalchemy import Index, event, inspect, text

from aibridge.recorder.rows import numbers, whole_rows
from aibridge.store.engine.database import Database
from aibridge.store.record import partitions
from aibridge.store.record.journals import Advance, Position
from aibridge.store.record.writer import BatchWriter
from aibridge.store.schema import tables as schema
from aibridge.store.schema.rows import (
    DailyUsageRow,
    InitiatorKindRow,
    InterceptionRow,
    Numbered,
    Row,
    SessionKindRow,
)
from aibridge.store.search.index import tsvector
from scripts.storing.made_up import BEGIN, DAYS, SECOND, Record

NEWS_SECONDS = 10
TOGETHER = 10
"""Portions in a transaction: the index of texts gets one piece of each, and merges these."""
AHEAD = 2
"""Processes that make portions while others are written."""

_Made = tuple[list[Numbered], list[Row]]

_TABLES = (
    *(schema.interceptions, schema.session_kinds, schema.sessions, schema.tool_usages),
    tsvector.text_index,
)
_OF_A_KIND = InterceptionRow | SessionKindRow | InitiatorKindRow | DailyUsageRow
_SQLITE = ("synchronous=OFF", "cache_size=-1000000", "wal_autocheckpoint=50000")
"""Settings for this connection alone; the cache is 1 GB: ids of sessions come in no order."""
_HASH_BYTES = {True: 64 << 20, False: 1 << 20}
"""How much FTS5 gathers before it writes, while building and else."""


def build(database: Database, record: Record, *, most: int = sys.maxsize) -> None:
    """Write what is missing of a record.

    Some portions are one transaction, which says how many are there by then, as one that reads a
    journal does. ``most`` portions are written, if not all.
    """
    database.upgrade()
    begin = datetime.fromtimestamp(BEGIN / SECOND, UTC)
    partitions.make(database, begin, begin + timedelta(days=DAYS))
    writer = BatchWriter(database)
    position = writer.position_in(f"{record}")
    writer.close()
    missing = range(position.applied if position else 0, record.portions)[:most]
    if missing:
        with _in_bulk(database):
            _write(database, record, missing, position)
    _make_indexes(database)


def _write(database: Database, record: Record, missing: range, position: Position | None) -> None:
    writer, told = BatchWriter(database), time.monotonic()
    try:
        for number, made in zip(missing[::TOGETHER], _made_aside(record, missing), strict=True):
            rows = [row for kinds, rows in made for row in _numbered(writer, kinds, rows)]
            done = Position(number + len(made), 0)
            with writer.transaction():
                writer.advance([Advance(f"{record}", position, done)])
                writer.add(rows)
            position = done
            if time.monotonic() - told > NEWS_SECONDS:
                told = time.monotonic()
                print(
                    f"  {done.applied} of {record.portions} portions", file=sys.stderr, flush=True
                )
    finally:
        writer.close()


def _made_aside(record: Record, missing: range) -> Iterator[list[_Made]]:
    """Yield portions as they are made in other processes, as many as are written together."""
    with ProcessPoolExecutor(AHEAD, initializer=gc.disable) as pool:
        under_way: deque[Future[_Made]] = deque()
        ahead = iter(missing)
        for at in range(0, len(missing), TOGETHER):
            wanted = AHEAD * TOGETHER - len(under_way)
            under_way += [pool.submit(_made, record, one) for one in islice(ahead, wanted)]
            yield [under_way.popleft().result() for _ in missing[at : at + TOGETHER]]


def _made(record: Record, number: int) -> _Made:
    """Make a portion's rows; the number of a kind is its place among the kinds."""
    kinds: dict[Numbered, int] = {}
    rows: list[Row] = []
    for each in record.portion(number):
        its_own = numbers(each.start, each.end, lambda of: kinds.setdefault(of, len(kinds)))
        rows += whole_rows(each.start, each.lineage, each.end, its_own)
    return list(kinds), rows


def _numbered(writer: BatchWriter, kinds: Sequence[Numbered], rows: Sequence[Row]) -> Iterator[Row]:
    """Yield rows with the numbers that their kinds have in the database."""
    ids = [writer.number(one) for one in kinds]
    for row in rows:
        if isinstance(row, _OF_A_KIND):
            yield row._replace(kind_id=ids[row.kind_id or 0])
        else:
            yield row


@contextmanager
def _in_bulk(database: Database) -> Iterator[None]:
    """Have no indexes, and connections that wait for no disk."""
    prepare = _hurry_postgresql if database.is_postgresql else _hurry_sqlite
    database.close()  # connections made from now on are prepared
    event.listen(database.engine, "connect", prepare)
    try:
        _drop_indexes(database)
        _gather(database, in_bulk=True)
        yield
    finally:
        _gather(database, in_bulk=False)
        event.remove(database.engine, "connect", prepare)
        database.close()


def _hurry_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    for setting in _SQLITE:
        connection.execute(f"PRAGMA {setting}")


def _hurry_postgresql(connection: object, _record: object) -> None:
    connection.execute("SET synchronous_commit = off")  # type: ignore[attr-defined] # psycopg's
    connection.commit()  # type: ignore[attr-defined]


def _gather(database: Database, *, in_bulk: bool) -> None:
    """Say how much FTS5 gathers before it writes."""
    if not database.is_postgresql:
        with database.write() as connection:
            sql = "INSERT INTO text_index (text_index, rank) VALUES ('hashsize', :size)"
            connection.execute(text(sql), {"size": _HASH_BYTES[in_bulk]})


def _indexes(database: Database) -> Iterator[tuple[str, Index]]:
    """Yield the indexes with the names of their tables."""
    for table in _TABLES:
        if database.is_postgresql or table is not tsvector.text_index:
            yield from ((table.name, one) for one in table.indexes)


def _drop_indexes(database: Database) -> None:
    with database.write() as connection:
        for _, index in _indexes(database):
            index.drop(connection, checkfirst=True)


def _make_indexes(database: Database) -> None:
    """Make the indexes that are missing, and let PostgreSQL know its tables as it does in time."""
    with database.read() as connection:
        known = inspect(connection)
        missing = [one for at, one in _indexes(database) if not known.has_index(at, f"{one.name}")]
    for index in missing:
        with database.write() as connection:
            index.create(connection)
    if missing and database.is_postgresql:
        engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("VACUUM ANALYZE"))
