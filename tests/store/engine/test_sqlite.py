"""Opening SQLite's file: connections wait for each other's locks."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from aibridge.store.engine import sqlite
from aibridge.store.engine.database import Database


def test_a_file_that_another_just_begins_to_write_is_waited_for(tmp_path: Path) -> None:
    """SQLite refuses at once here, whatever the busy timeout: the file is no WAL file yet."""
    file = tmp_path / "a.db"
    with (
        closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as another,
        closing(Database(f"sqlite:///{file}")) as database,
        ThreadPoolExecutor(1) as pool,
    ):
        another.execute("BEGIN IMMEDIATE")
        another.execute("CREATE TABLE theirs (id INTEGER)")
        modes = pool.submit(journal_mode, database)
        with pytest.raises(TimeoutError):
            modes.result(0.1)
        another.execute("COMMIT")
        assert modes.result(5) == "wal"


def test_one_that_stays_locked_is_given_up_after_the_busy_timeout(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")
        another.execute("CREATE TABLE theirs (id INTEGER)")
        database = Database(f"sqlite:///{file}")
        engine = sqlite.open_engine(database.engine.url, None, busy_timeout_seconds=0.05)
        with pytest.raises(OperationalError, match="database is locked"):
            engine.connect()
        database.close()


def journal_mode(database: Database) -> str:
    with database.read() as connection:
        return str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one())
