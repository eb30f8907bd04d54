"""``aibridge db upgrade``: the tables as this release wants them, and from where they came."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from typer.testing import Result

from aibridge.store import migrations
from aibridge.store.engine.database import Database

Cli = Callable[..., Result]
Rows = Callable[..., Any]


def test_an_empty_database_gets_the_tables_and_is_up_to_date_then(cli: Cli, rows: Rows) -> None:
    first = cli("db", "upgrade")
    assert (first.exit_code, first.stderr) == (0, "")
    assert first.stdout.startswith(f"The tables were made, at revision {migrations.HEAD}.\n")
    head = migrations.HEAD
    assert rows("db", "upgrade") == {"from": head, "to": head, "partitions": []}
    again = cli("db", "upgrade")
    assert again.stdout == f"The tables are at revision {head}, the newest.\n"


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_older_tables_are_brought_up_to_date(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    _make(file, "0001")
    result = cli("db", "upgrade", "--database-url", f"sqlite:///{file}")
    assert result.exit_code == 0
    assert result.stdout == f"The tables were brought from revision 0001 to {migrations.HEAD}.\n"
    assert cli("db", "check", "--database-url", f"sqlite:///{file}").exit_code == 0


def _make(file: Path, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    database = Database(f"sqlite:///{file}")
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    database.close()


def test_newer_tables_are_refused_as_the_server_does(cli: Cli, database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    result = cli("db", "upgrade")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "aibridge: the database is at revision 9999, which this release does not know; "
        "start it with the release that wrote it, or a newer one\n"
    )
