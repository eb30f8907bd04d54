"""Purging: whole sessions that are old go, with all that belongs to them, and nothing else."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from aibridge.sessions import reading
from aibridge.store import due, purging, removing, schema
from aibridge.store.database import Database
from aibridge.store.filters import Filter, only
from aibridge.store.purging import Purge, Purged, count_due
from aibridge.store.trouble import DRIVER_ERRORS, is_away
from tests.builders import ANA, BEN, RECORD, SECOND, START, Call, indexed_words, record, uid
from tests.databases import locked

DAY = 86_400
CUT = START + 10 * DAY * SECOND
"""What is older goes."""


def call(number: int, day: float, session: str, **more: Any) -> Call:
    """Return a call with one of everything."""
    given: dict[str, Any] = {
        "prompts": (f"Mend roof {number}",),
        "tools": ("bash", "read"),
        "thoughts": ("Hm.",),
        "tokens": ((number, 2, 3, 4),),
        **more,
    }
    return Call(number, at=day * DAY, session=session, **given)


OLD = [
    call(1, 1, "old"),
    call(2, 2, "old", root=1, parent=1, prompts=()),
    call(3, 3, "old", initiator=BEN, columns={"model": "opus", "client": "Codex"}),
    call(4, 4, "failed", columns={"error_type": "overloaded", "error_message": "Too much."}),
    Call(5, at=5 * DAY),
]
KEPT = [
    call(11, 1, "long"),
    call(12, 11, "long", root=11, parent=11, prompts=()),
    call(13, 12, "old", initiator="0" * 36),
    call(14, 3, "runs"),
    call(15, 4, "runs", running=True),
    call(16, 20, "new"),
]


def state(database: Database) -> dict[str, Any]:
    """Return everything on record."""
    with database.read() as connection:
        found: dict[str, Any] = {
            table.name: [tuple(row) for row in connection.execute(_rows(table))] for table in RECORD
        }
        return found | {"words": indexed_words(connection), "numbers": _numbered(connection)}


def _rows(table: Any) -> Any:
    return select(table).order_by(*table.primary_key)


def _numbered(connection: Connection) -> list[str]:
    if connection.dialect.name == "postgresql":
        return []
    return list(connection.scalars(select(schema.indexed_interceptions.c.interception_id)))


def purge(database: Database, before: int = CUT) -> Purged:
    walk, total = Purge(database, before), Purged()
    while (gone := walk.step()) is not None:
        total = total.plus(gone)
    return total


@pytest.fixture
def filled(record_database: Database) -> Iterator[tuple[Database, dict[str, Any]]]:
    """A database with all calls, and what it would be without the old ones."""
    with record_database.write() as connection:
        record(connection, *KEPT)
    kept = state(record_database)
    with record_database.write() as connection:
        record(connection, *OLD)
    assert state(record_database) != kept
    return record_database, kept


def test_old_sessions_go_whole_and_nothing_else_does(filled) -> None:
    database, kept = filled
    assert purge(database) == Purged(sessions=4, interceptions=5)
    assert state(database) == kept


def test_nothing_is_left_to_purge_again(filled) -> None:
    database, kept = filled
    purge(database)
    assert purge(database) == Purged()
    assert state(database) == kept
