from collections.abc import Iterator
from pathlib import Path

import pytest

from aibridge.store.engine import database as module
from aibridge.store.engine.database import Database
from tests.databases import Databases
from tests.keeper.journals import Gateway
from tests.recorder.conftest import Rows, rows  # noqa: F401 - a fixture


@pytest.fixture
def database(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """An empty database with all tables, which does not wait long for a lock."""
    monkeypatch.setattr(module, "BUSY_TIMEOUT_SECONDS", 0.01)
    with databases.open() as database:
        yield database


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of the journals."""
    return tmp_path / "journal"


@pytest.fixture
def gateway(root: Path) -> Iterator[Gateway]:
    """A gateway process."""
    gateway = Gateway(root)
    yield gateway
    gateway.stop()
