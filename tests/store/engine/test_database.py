"""Opening a database: which addresses are taken, and what is said of the others."""

import traceback
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from aibridge.store.engine.database import Database, DatabaseError, has_tables
from aibridge.store.engine.errors import is_too_slow
from aibridge.store.engine.servers import only_server
from tests.databases import Databases, address


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


UNESCAPED = [f"a{mark}secret" for mark in "@:/?#"] + [f"secret{mark}a" for mark in "@:/?#"]
UNESCAPED += ["a@b:secret", "a?b@secret", "a/b?secret@x", "secret@@", "a#@secret"]


@pytest.mark.parametrize("password", UNESCAPED)
@pytest.mark.parametrize("place", ["127.0.0.1:1/x", "127.0.0.1/x", "[::1]/x?sslmode=require", ""])
@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_password_that_is_not_escaped_is_told_so_and_never_shown(
    scheme: str, place: str, password: str
) -> None:
    """Otherwise a part of it would be taken for the host, the port or the name of the database."""
    with pytest.raises(DatabaseError, match=r"@ : / \? # are written %40") as refused:
        Database(f"{scheme}://bridge:{password}@{place}")
    assert "secret" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:secret@h:port/d",
        "postgresql://u:secret@h:1:2/d",
        "postgresql://u:secret@[::1:1/d",
        "postgresql://u:secret",
        "postgresql://u:secret/d",
        "postgresql:u:secret@h/d",
        "sqlite://u:secret@h:port/d",
    ],
)
def test_addresses_that_cannot_be_read_are_not_repeated(url: str) -> None:
    with pytest.raises(DatabaseError, match="expected sqlite:///PATH or postgresql://") as refused:
        Database(url)
    assert "secret" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgresql://u:a%40b%3Ac%2Fd%3Fe%23f@h/d", "a@b:c/d?e#f"),
        ("postgresql://u%40tenant:p@h/d", "p"),
        ("postgresql://u:p@h/d?application_name=a%40b", "p"),
        ("postgresql://u:a[b]c&d=e%25f@h/d", "a[b]c&d=e%f"),
        ("postgresql://u@[::1]:5432/d", None),
        ("postgresql://h:5432/d?sslmode=require", None),
    ],
)
def test_an_escaped_password_is_taken(url: str, password: str | None) -> None:
    database = Database(url)
    assert database.engine.url.password == password
    database.close()


def test_the_path_of_a_file_may_hold_any_of_these(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/a@b:c#d.db")
    assert database.file == tmp_path / "a@b:c#d.db"
    database.close()


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


def test_whether_there_are_tables_is_told_without_making_any(databases) -> None:
    with databases.place() as url:
        assert not has_tables(url)
        assert not has_tables(url)
        with closing(Database(url)) as database:
            database.upgrade()
        assert has_tables(url)


ENDLESS = "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT count(*) FROM t"


def test_a_statement_that_takes_too_long_is_broken_off(databases: Databases) -> None:
    with databases.open() as database:
        with pytest.raises(DBAPIError) as broken, database.read(seconds=0.05) as connection:
            connection.exec_driver_sql(ENDLESS)
        assert is_too_slow(broken.value)
        long = ENDLESS.replace("FROM t)", "FROM t WHERE x < 200000)")
        with database.read() as connection:  # the same connection, without a limit
            assert connection.exec_driver_sql(long).scalar_one() == 200_000


def test_other_trouble_is_not_taken_for_slowness(databases: Databases) -> None:
    with databases.open() as database:
        with pytest.raises(DBAPIError) as broken, database.read(seconds=5) as connection:
            connection.exec_driver_sql("SELECT nothing")
        assert not is_too_slow(broken.value)
