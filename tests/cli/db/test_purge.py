"""``aibridge db purge``: old sessions go, if that is what is wanted."""

from collections.abc import Callable
from typing import Any

import click.testing
import pytest
import typer.testing
from sqlalchemy import func, select
from typer.testing import Result

from aibridge.cli.db import purge as command
from aibridge.store.engine.database import Database
from aibridge.store.schema import tables as schema
from aibridge.store.transfer import purging
from aibridge.store.transfer.checking import disagreements
from tests.builders import Call, record
from tests.databases import locked

Cli = Callable[..., Result]
Rows = Callable[..., Any]

BEFORE = ("db", "purge", "--before", "2026-01-02")


@pytest.fixture
def filled(database: Database) -> Database:
    """A database with two sessions of the first of January, and one of the third."""
    calls = [Call(number, at=number, session="ab"[number % 2]) for number in range(5)]
    with database.write() as connection:
        record(connection, *calls, Call(9, at=2 * 86_400, session="c"))
    return database


def left(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(schema.interceptions)) or 0


def test_a_dry_run_counts_and_changes_nothing(cli: Cli, filled: Database) -> None:
    result = cli(*BEFORE, "--dry-run")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "Would delete 5 interceptions from before 2026-01-02T00:00:00Z, "
        "and with them 2 sessions whole.\n"
    )
    assert left(filled) == 6


def test_what_is_old_is_deleted(cli: Cli, filled: Database) -> None:
    result = cli(*BEFORE, "--yes")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("Deleted 5 interceptions from before ")
    assert left(filled) == 1
    again = cli("db", "purge", "--before", "1d", "-y").stdout
    assert again.endswith(", and with them 1 session whole.\n")
    assert again.startswith("Deleted 1 interception from before ")


def test_of_a_session_that_goes_on_what_is_old_goes(cli: Cli, database: Database) -> None:
    with database.write() as connection:
        record(connection, *(Call(n, at=n * 40_000, session="s") for n in range(4)))
    told = "3 interceptions from before 2026-01-02T00:00:00Z, and with them 0 sessions whole.\n"
    assert cli(*BEFORE, "--dry-run").stdout == f"Would delete {told}"
    assert cli(*BEFORE, "--yes").stdout == f"Deleted {told}"
    assert left(database) == 1
    with database.read() as connection:
        assert list(disagreements(connection)) == []


def test_as_json(rows: Rows, filled: Database) -> None:
    gone = {"before": "2026-01-02T00:00:00Z", "sessions": 2, "interceptions": 5, "partitions": 0}
    assert rows(*BEFORE, "--dry-run") == gone
    assert left(filled) == 6
    assert rows(*BEFORE, "--yes") == gone
    assert rows(*BEFORE, "--yes") == gone | {"sessions": 0, "interceptions": 0}


def test_without_anybody_to_ask_nothing_is_deleted(cli: Cli, filled: Database) -> None:
    result = cli(*BEFORE)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "aibridge: Delete 5 interceptions from before 2026-01-02T00:00:00Z, and with them "
        "2 sessions whole? Nothing brings them back. "
        "Nobody is there to be asked: say --yes to go on.\n"
    )
    assert left(filled) == 6


@pytest.mark.parametrize(("answer", "rest"), [("y\n", 1), ("n\n", 6)])
def test_who_sits_at_a_terminal_is_asked(
    cli: Cli, filled: Database, monkeypatch: pytest.MonkeyPatch, answer: str, rest: int
) -> None:
    for module in (click.testing, typer.testing):  # of either, as typer's release has it
        wrapper = getattr(module, "_NamedTextIOWrapper", None)
        if wrapper is not None:
            monkeypatch.setattr(wrapper, "isatty", lambda _: True)
    result = cli(*BEFORE, piped=answer)
    assert "Delete 5 interceptions from before" in result.stderr
    assert result.exit_code == (rest == 6)
    assert ("5/5" in result.stderr) == (rest == 1)  # how far it is
    assert left(filled) == rest


@pytest.mark.parametrize(
    ("when", "complaint"),
    [("soon", "expected a date"), ("0", "expected a date"), ("9999-01-01", "a time in the past")],
)
def test_what_is_no_time_in_the_past_is_refused(cli: Cli, when: str, complaint: str) -> None:
    result = cli("db", "purge", "--yes", "--before", when)
    assert result.exit_code == 2
    assert complaint in " ".join(result.stderr.replace("│", "").split())


def test_a_database_that_is_locked_is_tried_again_for_a_while(
    cli: Cli, filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "LOCK_SECONDS", 0.01)
    with locked(filled) as release:
        pauses: list[float] = []

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) > command.TRIES / 2:
                release()

        monkeypatch.setattr("aibridge.cli.db.purge.time.sleep", sleep)
        assert cli(*BEFORE, "--yes").exit_code == 0
    assert left(filled) == 1
    assert pauses.count(command.PAUSE_SECONDS) >= command.TRIES / 2


def test_but_not_for_ever(cli: Cli, filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "LOCK_SECONDS", 0.001)
    monkeypatch.setattr(command, "PAUSE_SECONDS", 0)
    with locked(filled):
        result = cli(*BEFORE, "--yes")
    assert result.exit_code == 1
    assert result.stderr.startswith("aibridge: the database cannot be used: ")
    assert left(filled) == 6
