"""The mark beside an SQLite file: another one after each change, whichever process made it."""

import subprocess
import sys
from pathlib import Path

from aibridge.store.engine.database import Database
from aibridge.store.engine.sqlite_files import Changes
from tests.people import new_user


def test_what_is_written_changes_the_mark_and_what_is_read_does_not(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    database.upgrade()
    assert database.changes is not None
    before = database.changes.mark
    with database.read() as connection:
        connection.exec_driver_sql("SELECT 1")
    assert database.changes.mark == before
    with database.write() as connection:
        new_user(connection, "ana")
    assert database.changes.mark != before
    database.close()


def test_another_process_changes_it_too(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    database = Database(url)
    database.upgrade()
    assert database.changes is not None
    before = database.changes.mark
    writes = (
        "import sys; from aibridge.store.engine.database import Database\n"
        "with Database(sys.argv[1]).write(): pass"
    )
    subprocess.run([sys.executable, "-c", writes, url], check=True)
    assert database.changes.mark != before
    database.close()


def test_the_mark_is_for_its_owner_alone(tmp_path: Path) -> None:
    changes = Changes(tmp_path / "a.db")
    assert (tmp_path / "a.db.changes").stat().st_mode & 0o777 == 0o600
    changes.close()
