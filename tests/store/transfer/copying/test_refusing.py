"""What is no source or no target is refused, in words that say what to do, and left as it is."""

from pathlib import Path

import pytest
from sqlalchemy import insert, text

from aibridge.journal.folders import claim, id_of
from aibridge.journal.format import Kind
from aibridge.journal.writer import Journal
from aibridge.store import migrations
from aibridge.store.engine.addresses import shown
from aibridge.store.engine.database import Database, DatabaseError, parts
from aibridge.store.engine.servers import only_server
from aibridge.store.migrations import NewerSchemaError
from aibridge.store.schema import tables as schema
from aibridge.store.transfer.copying import copying, state
from tests.databases import Databases
from tests.grown import everything, opened
from tests.people import new_user
from tests.store.transfer.copying.running import run


@pytest.fixture
def file(tmp_path: Path) -> str:
    """The address of an empty database that is fit for being a source."""
    url = f"sqlite:///{tmp_path / 'source.db'}"
    with opened(url) as database:
        database.upgrade()
    return url


@pytest.fixture
def nowhere(tmp_path: Path) -> str:
    """The address of a database that is not there."""
    return f"sqlite:///{tmp_path / 'target.db'}"


def refusal(from_url: str, to_url: str) -> str:
    with pytest.raises((DatabaseError, NewerSchemaError)) as raised:
        run(from_url, to_url)
    return str(raised.value)


def test_a_source_that_is_not_there_is_not_made(nowhere: str, tmp_path: Path) -> None:
    assert refusal(f"sqlite:///{tmp_path}/no.db", nowhere).startswith("there is no database sqlite")
    assert refusal("sqlite://", nowhere).startswith("there is no database")
    assert list(tmp_path.iterdir()) == []


def test_a_source_without_tables(databases: Databases, nowhere: str) -> None:
    with databases.place() as url:
        with opened(url) as database, database.read():
            pass
        assert refusal(url, nowhere).endswith("has no tables of AI Bridge")


@pytest.mark.parametrize(
    ("revision", "words"),
    [
        ("0003", "is of an older release: run aibridge db upgrade on it"),
        ("9999", "is at revision 9999, which this release does not know"),
        (migrations.COPYING, "is the target of a copy that has not ended"),
    ],
)
def test_a_source_of_another_release(
    databases: Databases, nowhere: str, revision: str, words: str
) -> None:
    with databases.place() as url:
        with opened(url) as database:
            database.upgrade()
            with database.write() as connection:
                state.stamp(connection, revision)
        assert words in refusal(url, nowhere)


def test_the_same_database_is_no_target(databases: Databases) -> None:
    with databases.url() as url:
        assert refusal(url, url) == "the source and the target are the same database"
        everything(url)


def test_a_target_needs_a_file(file: str) -> None:
    assert refusal(file, "sqlite://") == "a copy needs a file to go to, sqlite:///PATH"


def test_a_target_with_data_stays_as_it_is(databases: Databases, file: str) -> None:
    with databases.place() as url:
        with opened(url) as database:
            database.upgrade()
            with database.write() as connection:
                new_user(connection, "ana")
        before = everything(url)
        assert "has data already, in audit_log: a copy" in refusal(file, url)
        assert everything(url) == before


def test_a_target_with_data_is_not_upgraded(tmp_path: Path, file: str) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    with opened(url) as database, database.write() as connection:
        connection.execute(text("CREATE TABLE users (id TEXT)"))
        connection.execute(text("INSERT INTO users VALUES ('u')"))
        connection.execute(text("CREATE TABLE alembic_version (version_num TEXT)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('0001')"))
    assert "has data already, in users" in refusal(file, url)
    with opened(url) as database, database.read() as connection:
        assert migrations.current(connection) == "0001"


def test_a_target_of_a_newer_release(databases: Databases, file: str) -> None:
    with databases.place() as url:
        with opened(url) as database:
            database.upgrade()
            with database.write() as connection:
                state.stamp(connection, "9999")
        assert "which this release does not know" in refusal(file, url)


def test_the_rest_of_a_copy_from_elsewhere(databases: Databases, file: str, tmp_path: Path) -> None:
    other = f"sqlite:///{tmp_path / 'other.db'}"
    with opened(other) as database:
        database.upgrade()
    with databases.place() as url:
        run(other, url, 2)
        words = f"has the rest of a copy from {other}, not from {file}"
        assert words in refusal(file, url)
        run(other, url)


def test_the_rest_of_a_copy_by_another_release(databases: Databases, file: str) -> None:
    with databases.place() as url:
        run(file, url, 2)
        with opened(url) as database, database.write() as connection:
            connection.execute(text("UPDATE copying SET value = '0003' WHERE name = 'revision'"))
        assert "a copy by another release, at revision 0003" in refusal(file, url)


def test_a_target_that_is_in_use(
    databases: Databases, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aibridge.store.transfer.copying.others.PATIENCE_SECONDS", 0.0)
    with databases.place() as url, opened(url) as database:
        with only_server(database), database.read():
            assert refusal(file, url).startswith("another aibridge ")
        database.close()
        run(file, url)


def warnings(url: str, to_url: str) -> list[str]:
    with copying(url, to_url) as copy:
        return list(copy.source.warnings())


def test_a_source_that_is_in_use_is_copied_with_a_warning(
    databases: Databases, nowhere: str
) -> None:
    with databases.url() as url:
        with opened(url) as database, only_server(database), database.read():
            (warning,) = warnings(url, nowhere)
        assert "what is recorded from now on, and what waits in its journal, is not" in warning
        assert warnings(url, nowhere) == []


def test_calls_that_wait_beside_a_source_are_told_of(
    file: str, nowhere: str, tmp_path: Path
) -> None:
    folder = claim(tmp_path / "journal").folder
    assert warnings(file, nowhere) == []
    journal = Journal(folder, lambda: None)
    position = journal.append(Kind.BEGIN, b"x")
    journal.close()
    (warning,) = warnings(file, nowhere)
    assert warning.startswith(f"in {tmp_path} are calls that are not in the database yet")
    row = {"id": id_of(folder), "applied": position, "resume": position}
    with opened(file) as database, database.write() as connection:
        connection.execute(insert(schema.journals), row)
    assert warnings(file, nowhere) == []


def test_so_is_the_spool_of_an_earlier_release(file: str, nowhere: str, tmp_path: Path) -> None:
    (tmp_path / "spool-2.db").touch()
    assert len(warnings(file, nowhere)) == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://ana:secret@db.example/fleet", "postgresql://db.example/fleet"),
        ("postgres://ana:secret@db:6432/fleet?sslmode=require", "postgresql://db:6432/fleet"),
        ("postgresql+psycopg://db/fleet?password=secret", "postgresql://db/fleet"),
        ("postgresql://ana@/fleet?host=/run/pg&password=secret", "postgresql:///run/pg/fleet"),
        ("postgresql://", "postgresql:///"),
        ("sqlite:////srv/../srv/a.db", "sqlite:////srv/a.db"),
        ("sqlite://", "sqlite://"),
    ],
)
def test_addresses_tell_no_secret(url: str, words: str) -> None:
    assert shown(parts(url)) == words


def test_a_file_is_called_by_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown(parts("sqlite:///a.db")) == f"sqlite:///{tmp_path.resolve()}/a.db"
    assert Database("sqlite:///a.db").file == Path("a.db")
