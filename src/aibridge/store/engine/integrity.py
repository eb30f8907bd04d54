"""What the engines themselves say of a database: whether it is whole."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy.exc import DatabaseError as EngineError

from aibridge.store.engine import partitions
from aibridge.store.engine.database import Database, DatabaseError
from aibridge.store.engine.errors import said
from aibridge.store.engine.file_lock import only_server
from aibridge.store.search.index import NAME

_LOOKS_INTO_INDEXES = (3, 44, 0)
"""The release of SQLite whose quick check looks into the index of texts too."""
_INVALID = """SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON oid = indexrelid
 WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace ORDER BY 1"""
SERVED = "the index of texts was not looked at: that would hold up the bridge that is serving"


def faults(database: Database) -> Iterator[str]:
    """Yield what is not as it should be, a sentence each.

    The database is reached at least; what is wrong with that is raised as always.
    """
    if database.is_postgresql:
        yield from _missing_partitions(database)
        yield from _invalid_indexes(database)
    else:
        yield from _sqlite_faults(database)


def left_out(database: Database) -> list[str]:
    """Return what `faults` does not look at now, a sentence each."""
    return [SERVED] if _needs_lock(database) and _is_served(database) else []


def _needs_lock(database: Database) -> bool:
    return not database.is_postgresql and sqlite3.sqlite_version_info < _LOOKS_INTO_INDEXES


def _is_served(database: Database) -> bool:
    try:
        with only_server(database):
            return False
    except DatabaseError:
        return True


def _missing_partitions(database: Database) -> Iterator[str]:
    for name in partitions.missing(database, datetime.now(UTC)):
        yield f"the partition {name} is missing: `aibridge db upgrade` makes it"


def _invalid_indexes(database: Database) -> Iterator[str]:
    with database.read() as connection:
        for name in connection.exec_driver_sql(_INVALID).scalars():
            yield f"the index {name} is not valid: `REINDEX INDEX {name}` makes it anew"


def _sqlite_faults(database: Database) -> Iterator[str]:
    try:
        with database.read() as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check").scalars().all()
        yield from (f"the file is damaged: {line}" for line in found if line != "ok")
        if _needs_lock(database) and not _is_served(database):
            _look_into_index(database)
    except EngineError as error:
        yield f"the file is damaged: {said(error)}"


def _look_into_index(database: Database) -> None:
    """Raise an error where the index of texts is not as it should be; nobody writes meanwhile."""
    with database.write() as connection:
        sql = f"INSERT INTO {NAME} ({NAME}) VALUES ('integrity-check')"  # noqa: S608 - our name
        connection.exec_driver_sql(sql)
