"""Opening a database: which addresses are taken, and what is said of the others."""

import subprocess
import sys

import pytest

from aibridge.store.database import Database, DatabaseError
from aibridge.store.server_lock import only_server
from tests.databases import address


@pytest.mark.parametrize(
    "url", ["postgresql://u@h/d", "postgres://u@h/d", "postgresql+psycopg://u@h/d"]
)
def test_postgresql_is_known_by_any_of_its_names(url: str) -> None:
    database = Database(url)
    assert (database.is_postgresql, database.file) == (True, None)
    assert database.engine.url.drivername == "postgresql+psycopg"
    database.close()


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "oracle:///x", "secret", "", "a:b:c"])
def test_other_addresses_are_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(DatabaseError, match="expected sqlite:///PATH or postgresql://") as refused:
        Database(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True, scope="module")
def test_a_file_has_one_server_at_a_time(databases) -> None:
    with databases.open() as database:
        other = Database(address(database))
        refused = pytest.raises(DatabaseError, match="another aibridge is serving the database")
        with only_server(database), refused, only_server(other):
            pass
        with only_server(other):
            pass
        other.close()


def test_a_database_in_memory_has_nobody_else() -> None:
    database = Database("sqlite://")
    with only_server(database), only_server(database):
        pass
    database.close()


def test_without_postgresql_its_driver_is_not_loaded() -> None:
    """It takes 9 MB of memory, with all that it brings."""
    code = "import sys, aibridge.server; sys.exit('psycopg' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
