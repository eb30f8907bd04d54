"""Partitions of the record on PostgreSQL: a week each, by the time in the interceptions' ids.

What grows with every call lies in them, so that what is read together lies together, and what is
old can be dropped. Ids in no week that has a partition, such as those of a clock that went astray,
are in one for the rest.

A partition is dropped when its week is over before a cut-off and nothing is left in it, which gives
its space back at once. Dropping locks everybody out of the table for a moment, and who comes while
that lock is waited for waits too. So it is waited for a moment only, and else tried again.
"""

import asyncio
import contextlib
import re
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

LOCK_SECONDS = 0.1
"""How long a partition that may be dropped is waited for."""
LOOK_SECONDS = 0.2
"""How long the last look into a partition may take, while everybody is locked out."""

_WEEK = re.compile(r"_(\d{8})$")
_CHILDREN = """SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
 WHERE inhparent = to_regclass(:parent) ORDER BY relname"""

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


def drop_empty(database: Database, before: datetime) -> list[str]:
    """Drop what is empty of the weeks that were over at a time, and return the names.

    Those that are in use are left, and the first of them ends it: others would be too.
    """
    dropped: list[str] = []
    try:
        for table, name in old(database, before):
            if _is_empty_now(database, table, name) and _drop(database, table, name):
                dropped.append(name)
    except DBAPIError as error:
        _log.info("partition_not_dropped", error=said(error))
    return dropped


def old(database: Database, before: datetime) -> list[tuple[Table, str]]:
    """Return the partitions whose weeks were over at a time, with their tables, oldest first."""
    if not database.is_postgresql:
        return []
    with database.read() as connection:
        found = [
            (week, table, name)
            for table in partitioned()
            for week, name in _weeks(connection, table)
            if week + WEEK <= before
        ]
    return [(table, name) for _, table, name in sorted(found, key=lambda each: each[0])]


def _weeks(connection: Connection, table: Table) -> Iterator[tuple[datetime, str]]:
    for name in connection.scalars(text(_CHILDREN), {"parent": table.name}):
        if match := _WEEK.search(name):
            yield datetime.strptime(match[1], "%Y%m%d").replace(tzinfo=UTC), name


def _is_empty_now(database: Database, table: Table, name: str) -> bool:
    """Say so without locking anybody out.

    It passes over what was deleted, and marks that, so that the next look is quick.
    """
    with database.engine.connect() as connection, connection.begin():
        return _is_empty(connection, table, name)


def _is_empty(connection: Connection, table: Table, name: str) -> bool:
    key = ", ".join(column.name for column in table.primary_key)
    found = connection.execute(text(f"SELECT 1 FROM {name} ORDER BY {key} LIMIT 1"))  # noqa: S608
    return found.first() is None


def _drop(database: Database, table: Table, name: str) -> bool:
    """Drop a partition if it is still empty; say whether that was done."""
    with database.write_beside(lock_seconds=LOCK_SECONDS) as connection:
        connection.execute(text(f"SET LOCAL statement_timeout = {round(LOOK_SECONDS * 1000)}"))
        if not connection.scalar(text(f"SELECT pg_try_advisory_xact_lock({LOCK})")):
            return False  # somebody makes partitions, or drops them
        # The table first, as everybody does who comes by its name.
        connection.execute(text(f"LOCK TABLE ONLY {table.name} IN ACCESS EXCLUSIVE MODE"))
        if not _is_empty(connection, table, name):
            return False
        connection.execute(text(f"DROP TABLE {name}"))
        return True
