from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlalchemy import Connection

from aibridge.store.database import Database
from tests.builders import new_database


@pytest.fixture(scope="module")
def rolled_back() -> Iterator[Callable[[], AbstractContextManager[Connection]]]:
    """Give transactions on an empty database that leave nothing, for the examples of hypothesis."""
    database = new_database("sqlite://")
    yield database.engine.connect
    database.close()


@pytest.fixture
def record_database(tmp_path: Path) -> Iterator[Database]:
    """An empty database with all tables."""
    database = new_database(f"sqlite:///{tmp_path / 'bridge.db'}")
    yield database
    database.close()
