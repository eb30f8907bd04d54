"""An SQLite file that is deleted or replaced while it is open takes no commits any more."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from aibridge.store.engine.database import Database
from aibridge.store.engine.errors import DRIVER_ERRORS, is_away
from aibridge.store.engine.sqlite_files import FileReplaced
from tests.databases import Databases

ENGINES = ("sqlite",)


def _by_copy(file: Path) -> None:
    copy = file.with_name("copy.db")
    shutil.copy(file, copy)
    copy.replace(file)


def _by_empty(file: Path) -> None:
    empty = file.with_name("empty.db")
    empty.touch()
    empty.replace(file)


def _log(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")


def _log_only(file: Path) -> None:
    _log(file).unlink()


def _all(file: Path) -> None:
    for path in file.parent.glob(f"{file.name}*"):
        path.unlink()


BLOWS: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "moved away": lambda file: file.rename(file.with_name("elsewhere.db")),
    "replaced by a copy": _by_copy,
    "replaced by an empty file": _by_empty,
    "the log deleted": _log_only,
    "all deleted": _all,
}
blows = pytest.mark.parametrize("blow", BLOWS.values(), ids=list(BLOWS))


@pytest.fixture
def database(databases: Databases, tmp_path: Path):
    with databases.url() as url:
        file = shutil.copy(url.removeprefix("sqlite:///"), tmp_path / "aibridge.db")
        with closing(Database(f"sqlite:///{file}")) as database:
            with database.write():  # as a bridge that serves has done
                pass
            yield database


@pytest.fixture
def link(database: Database):
    """A connection as the recorder has it, which has committed something."""
    with closing(database.link()) as link:
        with link.transaction():
            pass
        yield link


@blows
def test_a_commit_to_a_file_that_is_gone_fails(database, link, blow):
    blow(database.file)
    with pytest.raises(FileReplaced) as caught, link.transaction():
        link.cursor.execute("DELETE FROM kinds")
    assert is_away(caught.value)
    assert not link.cursor.connection.in_transaction


@blows
def test_nor_is_it_made_or_written_anew(database, link, blow):
    blow(database.file)
    before = sorted(database.file.parent.iterdir())
    with pytest.raises(FileReplaced), link.transaction():
        pass
    with pytest.raises(DRIVER_ERRORS), database.write() as connection:
        connection.exec_driver_sql("DELETE FROM kinds")
    for _ in range(20):  # more than are kept
        with pytest.raises(FileReplaced):
            database.link(lock_seconds=1)
    assert sorted(database.file.parent.iterdir()) == before


def test_a_file_that_is_put_back_is_written_again(database, link):
    elsewhere = database.file.rename(database.file.with_name("elsewhere.db"))
    with pytest.raises(FileReplaced), link.transaction():
        pass
    elsewhere.rename(database.file)
    with link.transaction():
        link.cursor.execute("DELETE FROM kinds")
    with closing(database.link(lock_seconds=1)) as other, other.transaction():
        pass


def test_a_log_that_is_there_anew_is_not_the_one_that_was(database, link):
    _log(database.file).unlink()
    with pytest.raises(FileReplaced), link.transaction():
        pass
    _log(database.file).touch()
    with pytest.raises(FileReplaced), link.transaction():
        pass


def test_a_log_that_sqlite_itself_has_begun_anew_is_no_fault(database, link):
    link.close()
    database.engine.dispose()
    with closing(sqlite3.connect(database.file)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert not _log(database.file).exists()
    for _ in range(2):
        with closing(database.link(lock_seconds=1)) as again, again.transaction():
            again.cursor.execute("DELETE FROM kinds")
        database.engine.dispose()


def test_a_file_in_memory_is_not_watched():
    with closing(Database("sqlite://")) as database:
        database.check_file()
