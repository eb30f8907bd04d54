"""Dropping partitions of the record that are old and empty: their space goes back at once.

A partition goes when its week is over before a cut-off and nothing is left in it; what is in the
rest stays there. Dropping locks everybody out of the table for a moment, and who comes while that
lock is waited for waits too. So it is waited for a moment only, and else tried again another time.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import structlog
from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import DBAPIError

from aibridge.store.engine.database import Database
from aibridge.store.engine.errors import said
from aibridge.store.record import partitions

LOCK_SECONDS = 0.1
LOOK_SECONDS = 0.2
"""How long the last look into a partition may take, while everybody is locked out."""

_WEEK = re.compile(r"_(\d{8})$")
_CHILDREN = """SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
 WHERE inhparent = to_regclass(:parent) ORDER BY relname"""

_log = structlog.get_logger()


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
            for table in partitions.partitioned()
            for week, name in _weeks(connection, table)
            if week + partitions.WEEK <= before
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
        if not connection.scalar(text(f"SELECT pg_try_advisory_xact_lock({partitions.LOCK})")):
            return False  # somebody makes partitions, or drops them
        # The table first, as everybody does who comes by its name.
        connection.execute(text(f"LOCK TABLE ONLY {table.name} IN ACCESS EXCLUSIVE MODE"))
        if not _is_empty(connection, table, name):
            return False
        connection.execute(text(f"DROP TABLE {name}"))
        return True
