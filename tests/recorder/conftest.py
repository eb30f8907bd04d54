from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from aibridge.store import database as databases
from aibridge.store import schema
from aibridge.store.database import Database
from tests.builders import new_database

Rows = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """An empty database with all tables, which does not wait long for a lock."""
    monkeypatch.setattr(databases, "BUSY_TIMEOUT_SECONDS", 0.01)
    database = new_database(f"sqlite:///{tmp_path / 'bridge.db'}")
    yield database
    database.close()


@pytest.fixture
def rows(database: Database) -> Rows:
    """Return what stands in a table, in the order of its key."""

    def read(name: str) -> list[dict[str, Any]]:
        table = schema.metadata.tables[name]
        with database.read() as connection:
            found = connection.execute(select(table).order_by(*table.primary_key)).mappings()
            return [dict(row) for row in found]

    return read
