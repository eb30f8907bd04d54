from collections.abc import Iterator
from pathlib import Path

import pytest

from aibridge.store.database import Database
from tests.builders import new_database


@pytest.fixture
def record_database(tmp_path: Path) -> Iterator[Database]:
    """An empty database with all tables."""
    database = new_database(f"sqlite:///{tmp_path / 'bridge.db'}")
    yield database
    database.close()
