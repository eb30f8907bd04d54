"""What docs/operations.md says to do is tried here, with the commands as they stand there."""

import re
import subprocess
from pathlib import Path

import pytest

from aibridge.sessions import reading
from aibridge.store.engine.database import Database
from aibridge.store.lists.filters import Filter, only
from aibridge.store.transfer.purging import Purge
from tests.builders import Call, record
from tests.databases import Databases, PostgreSQL

PAGE = Path(__file__).parents[1] / "docs" / "operations.md"
CALLS = [Call(number, at=number, prompts=(f"Mend roof {number}",)) for number in range(30)]


def commands(heading: str) -> list[str]:
    """Return the lines of the first block of code under a heading."""
    text = PAGE.read_text("utf-8").partition(f"\n### {heading}\n")[2]
    found = re.search(r"```\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1].splitlines()


def run(line: str, values: dict[str, str], folder: Path, path: str = "") -> None:
    for name, value in values.items():
        line = line.replace(name, value)
    environment = {"PATH": f"{path}:/usr/bin:/bin"}
    subprocess.run(line, shell=True, check=True, cwd=folder, env=environment)  # noqa: S602


def is_whole(url: str) -> bool:
    database = Database(url)
    database.upgrade()
    listed = reading.list_interceptions(database, Filter(prompt=only("roof")), limit=100)
    database.close()
    return [one.id for one in listed.results] == [call.id for call in reversed(CALLS)]


@pytest.fixture
def full(databases: Databases):
    with databases.place() as url:
        database = Database(url)
        database.upgrade()
        with database.write() as connection:
            record(connection, *CALLS)
        yield database, url
        database.close()


def test_a_backup_is_restored(full, databases: Databases, tmp_path, request):
    database, url = full
    heading = "PostgreSQL" if databases.is_postgresql else "SQLite"
    binaries = ""
    if databases.is_postgresql:
        server: PostgreSQL = request.getfixturevalue("postgresql")
        binaries = str(server._binaries)
    with databases.place() as other:
        values = {"$DATABASE_URL": url, "$NEW_DATABASE_URL": other}
        values |= {"$FILE": str(database.file), "$NEW_FILE": other.removeprefix("sqlite:///")}
        lines = commands(heading)
        assert len(lines) == 2
        for line in lines:
            run(line, dict(sorted(values.items(), reverse=True)), tmp_path, binaries)
        assert is_whole(other)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_file_is_made_smaller(full, databases: Databases, tmp_path):
    database, url = full
    calls = [Call(100 + number, session="old", prompts=("x" * 2000,)) for number in range(500)]
    with database.write() as connection:
        record(connection, *calls)
    assert sum(gone.sessions for gone in _purged(database)) == 31
    with database.write() as connection:
        record(connection, *CALLS)
    database.close()
    before = database.file.stat().st_size
    for line in commands("A smaller SQLite file"):
        run(line, {"$FILE": str(database.file)}, tmp_path)
    assert database.file.stat().st_size < before / 2
    assert is_whole(url)


def _purged(database: Database):
    walk = Purge(database, 1 << 52)
    while (gone := walk.step()) is not None:
        yield gone
