from collections.abc import Iterator

import pytest

from aibridge.store.engine.database import Database
from aibridge.store.people.users import Connection
from tests.databases import Databases


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    """An empty database with all tables."""
    with databases.open() as database:
        yield database


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """A transaction on it."""
    with database.write() as connection:
        yield connection
