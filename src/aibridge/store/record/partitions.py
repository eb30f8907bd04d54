"""Partitions of the record on PostgreSQL: a week each, by the time in the interceptions' ids.

What grows with every call lies in them, so that what is read together lies together, and what is
old can be dropped. Ids in no week that has a partition, such as those of a clock that went astray,
are in one for the rest.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import DBAPIError

from aibridge.ids import first_id_at
from aibridge.store.engine.database import Database
from aibridge.store.engine.errors import said
from aibridge.store.schema import measures
from aibridge.store.schema import tables as schema
from aibridge.store.search.index import tsvector

WEEKS_AHEAD = 2
"""Weeks that are prepared beyond the current one."""
EVERY_SECONDS = 24 * 3600.0
REST = "_rest"

WEEK = timedelta(microseconds=measures.WEEK)
LOCK = 0x41494272_00000002
"""The advisory lock of who makes or drops partitions."""
_WAIT = "2s"
"""How long to wait for who uses the tables: everybody who comes later waits behind."""

_log = structlog.get_logger()


def partitioned() -> list[Table]:
    """Return the tables that lie in partitions."""
    tables = [*schema.metadata.sorted_tables, tsvector.text_index]
    return [one for one in tables if one.dialect_options["postgresql"]["partition_by"]]


def weeks(since: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the first days, Mondays in UTC, of the week of ``since`` to that of ``until``."""
    day = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = day - timedelta(days=day.weekday())
    while monday <= until:
        yield monday
        monday += WEEK


def prepare(database: Database, at: datetime | None = None) -> list[str]:
    """Make what is missing for the week of ``at``, which is now if left out, and the next weeks.

    Returns the names of the partitions that were made. On SQLite there are none. Others may do the
    same at once. A partition that cannot be made now, as what it is for is in use or lies in the
    rest already, is left for the next time.
    """
    start = at or datetime.now(UTC)
    return make(database, start, start + WEEKS_AHEAD * WEEK)


async def prepare_regularly(database: Database) -> None:
    """Do so once a day, until cancelled."""
    with contextlib.suppress(asyncio.CancelledError):
        while database.is_postgresql:
            await asyncio.sleep(EVERY_SECONDS)
            await asyncio.to_thread(prepare, database)


def make(database: Database, since: datetime, until: datetime) -> list[str]:
    """Make what is missing from the week of ``since`` to that of ``until``; see `prepare`."""
    if not database.is_postgresql:
        return []
    made = []
    for week in weeks(since, until):
        for table in partitioned():
            made += _make(database, table, week)
    return made


def missing(database: Database, at: datetime) -> list[str]:
    """Return the names of the partitions that `prepare` would make."""
    if not database.is_postgresql:
        return []
    names = [name_of(t, week) for week in weeks(at, at + WEEKS_AHEAD * WEEK) for t in partitioned()]
    with database.read() as connection:
        return [name for name in names if not _exists(connection, name)]


def name_of(table: Table, week: datetime) -> str:
    """Return what the partition of a week, by its first day, is called."""
    return f"{table.name}_{week:%Y%m%d}"


def _make(database: Database, table: Table, week: datetime) -> list[str]:
    name = name_of(table, week)
    try:
        with database.engine.connect() as connection, connection.begin():
            connection.execute(text(f"SET LOCAL lock_timeout = '{_WAIT}'"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
            if _exists(connection, name):
                return []
            for statement in _definition(table, name, week):
                connection.exec_driver_sql(statement)
    except DBAPIError as error:
        _log.warning("partition_not_made", partition=name, error=said(error))
        return []
    return [name]


def _exists(connection: Connection, name: str) -> bool:
    return connection.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is not None


def _definition(table: Table, name: str, week: datetime) -> Iterator[str]:
    """Yield what makes a partition. It is attached, which locks out nobody but from the rest."""
    least, beyond = (_microseconds(at) for at in (week, week + WEEK))
    bounds = f"FROM ('{first_id_at(least)}') TO ('{first_id_at(beyond)}')"
    if table is tsvector.text_index:
        bounds = f"FROM ({least}) TO ({beyond})"
    yield f"CREATE TABLE {name} (LIKE {table.name} INCLUDING ALL)"
    yield f"ALTER TABLE {table.name} ATTACH PARTITION {name} FOR VALUES {bounds}"


def _microseconds(at: datetime) -> int:
    return round(at.timestamp()) * 1_000_000
