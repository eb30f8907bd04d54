from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select

from aibridge.store.engine import database as module
from aibridge.store.engine.database import Database
from aibridge.store.schema import tables as schema
from tests.databases import Databases

Rows = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def database(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """An empty database with all tables, which does not wait long for a lock."""
    monkeypatch.setattr(module, "BUSY_TIMEOUT_SECONDS", 0.01)
    with databases.open() as database:
        yield database


@pytest.fixture
def rows(database: Database) -> Rows:
    """Return what stands in a table, in the order of its key."""

    def read(name: str) -> list[dict[str, Any]]:
        table = schema.metadata.tables[name]
        with database.read() as connection:
            found = connection.execute(select(table).order_by(*table.primary_key)).mappings()
            return [dict(row) for row in found]

    return read
