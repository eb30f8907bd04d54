from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import Connection

from aibridge.store.engine.database import Database
from tests.databases import Databases


@pytest.fixture(scope="module")
def rolled_back(databases: Databases) -> Iterator[Callable[[], AbstractContextManager[Connection]]]:
    """Give transactions on an empty database that leave nothing, for the examples of hypothesis."""
    with databases.open() as database:
        yield database.engine.connect


@pytest.fixture
def record_database(databases: Databases) -> Iterator[Database]:
    """An empty database with all tables."""
    with databases.open() as database:
        yield database
