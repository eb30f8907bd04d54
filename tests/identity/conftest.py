from collections.abc import Iterator

import pytest

from aibridge.store.users import Connection
from tests.builders import new_database


@pytest.fixture
def connection() -> Iterator[Connection]:
    """A transaction on an empty database with all tables."""
    database = new_database("sqlite://")
    with database.write() as connection:
        yield connection
    database.close()
