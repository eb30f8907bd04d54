"""``aibridge db reread``: calls are read again, and what is on record of them is corrected."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import delete, select
from typer.testing import Result

from aibridge.cli.db import reread as command
from aibridge.cli.export.interruption import INTERRUPTED
from aibridge.journal.catching_up import CatchingUp
from aibridge.keeper import rereading
from aibridge.prices import installed
from aibridge.store.engine.database import Database
from aibridge.store.record.correcting import correct
from aibridge.store.schema import tables as schema
from aibridge.store.transfer.checking import disagreements
from tests.databases import locked
from tests.keeper.journals import CATALOGUE, Gateway, keep
from tests.keeper.test_rereading import no_model, reading_as
from tests.wire import PATIENCE

Cli = Callable[..., Result]
Rows = Callable[..., Any]

SINCE = ("db", "reread", "--since", "1d")
FIELDS = ["model", "client", "stream", "kind"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of the journals, in the data directory."""
    return tmp_path / "data" / "journal"


@pytest.fixture
def gateway(database: Database, root: Path) -> Iterator[Gateway]:
    """A gateway process."""
    gateway = Gateway(root)
    yield gateway
    gateway.stop()


@pytest.fixture(autouse=True)
def _prices(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model of the calls has a price, and no process has to make the lists."""
    monkeypatch.setattr(installed, "installed_catalogue", lambda _: CATALOGUE)


def record(gateway: Gateway, root: Path, database: Database, calls: int = 1) -> list[str]:
    """Have calls on record as a worse release has read them, and return their ids."""
    ids = [gateway.call(f"Prompt {number}.") for number in range(calls)]
    with reading_as(no_model):
        keep(root, database)
    return ids


def models(database: Database) -> list[str]:
    c = schema.interceptions.c
    with database.read() as connection:
        assert list(disagreements(connection)) == []
        return list(connection.scalars(select(c.model).order_by(c.id)))


def test_what_differs_is_corrected_and_said(
    cli: Cli, gateway: Gateway, root: Path, database: Database
) -> None:
    ids = record(gateway, root, database, 2)
    gateway.call("Read well.")
    keep(root, database)
    result = cli(*SINCE)
    assert (result.exit_code, result.stderr) == (0, "")
    corrected = [f"{id_} corrected in {', '.join(FIELDS)}" for id_ in ids]
    summary = "Read 3 calls again. Corrected: 2. Not read: 0. Not on record: 0."
    assert result.stdout.splitlines() == [*corrected, summary]
    assert models(database) == ["m-1"] * 3
    again = "Read 3 calls again. Corrected: 0. Not read: 0. Not on record: 0.\n"
    assert cli(*SINCE).stdout == again


def test_a_dry_run_says_what_differs_and_changes_nothing(
    cli: Cli, gateway: Gateway, root: Path, database: Database
) -> None:
    (id_,) = record(gateway, root, database)
    assert cli(*SINCE, "--dry-run").stdout.splitlines() == [
        f"{id_} differs in {', '.join(FIELDS)}",
        "Read 1 call again. Differing: 1. Not read: 0. Not on record: 0.",
    ]
    assert models(database) == [""]


def test_what_is_not_read_and_what_is_not_on_record_are_said(
    cli: Cli,
    gateway: Gateway,
    root: Path,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unread, purged = record(gateway, root, database, 2)
    with database.write() as connection:
        mine = schema.interceptions.c.id == purged
        connection.execute(delete(schema.interceptions).where(mine))

    def fail(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(rereading, "read_answer", fail)
    assert cli(*SINCE).stdout.splitlines() == [
        f"{unread} not read: its bytes are gone from the journal",
        "Read 0 calls again. Corrected: 0. Not read: 1. Not on record: 1.",
    ]


def test_as_json(rows: Rows, gateway: Gateway, root: Path, database: Database) -> None:
    (id_,) = record(gateway, root, database)
    expected = {
        "since": "2026-01-01T00:00:00Z",
        "dry_run": True,
        "read": 1,
        "differing": [{"id": id_, "fields": FIELDS}],
        "not_read": [],
        "not_on_record": 0,
    }
    arguments = ("db", "reread", "--since", "2026-01-01")
    assert rows(*arguments, "--dry-run") == expected
    assert rows(*arguments) == expected | {"dry_run": False}
    assert rows(*arguments) == expected | {"dry_run": False, "differing": []}


@pytest.mark.usefixtures("database")
def test_without_a_journal_there_is_nothing_to_read(cli: Cli) -> None:
    result = cli(*SINCE)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("Read 0 calls again.")


def test_it_reads_with_the_agents_that_the_settings_name(
    cli: Cli, gateway: Gateway, root: Path, database: Database, tmp_path: Path
) -> None:
    gateway.call(headers=[(b"user-agent", b"night-shift/1")])
    keep(root, database)
    agents = '[[agents]]\nname = "Night shift"\nuser_agents = ["night-shift/"]\n'
    (tmp_path / "aibridge.toml").write_text(agents)
    assert "corrected in client, kind\n" in cli(*SINCE).stdout
    with database.read() as connection:
        assert connection.scalar(select(schema.interceptions.c.client)) == "Night shift"


def test_beside_a_keeper_that_works_all_is_corrected_and_all_sums_agree(
    cli: Cli, gateway: Gateway, root: Path, database: Database
) -> None:
    record(gateway, root, database, 20)
    over = Event()
    keeper = Thread(target=keep, args=(root, database), kwargs={"is_over": over.is_set})
    keeper.start()
    try:
        for number in range(20):
            gateway.call(f"Meanwhile {number}.")
        result = cli(*SINCE)
        while not CatchingUp(root).wait(PATIENCE):
            pass  # the database was locked for it
    finally:
        over.set()
        keeper.join()
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Corrected: 20. Not read: 0. Not on record: 0." in result.stdout
    assert models(database) == ["m-1"] * 40


def test_a_database_that_is_locked_is_tried_again_for_a_while(
    cli: Cli,
    gateway: Gateway,
    root: Path,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record(gateway, root, database)
    monkeypatch.setattr(rereading, "LOCK_SECONDS", 0.01)
    with locked(database) as release:
        pauses: list[float] = []

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                release()

        monkeypatch.setattr("aibridge.cli.db.reread.time.sleep", sleep)
        assert cli(*SINCE).exit_code == 0
    assert pauses[:3] == [command.PAUSE_SECONDS] * 3
    assert models(database) == ["m-1"]


def test_after_each_correction_the_database_is_left_to_others(
    cli: Cli,
    gateway: Gateway,
    root: Path,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record(gateway, root, database, 2)
    pauses: list[list[str]] = []
    monkeypatch.setattr(
        "aibridge.cli.db.reread.time.sleep", lambda _: pauses.append(models(database))
    )
    assert cli(*SINCE, "--dry-run").exit_code == 0
    assert pauses == []
    assert cli(*SINCE).exit_code == 0
    assert pauses == [["m-1", ""], ["m-1", "m-1"]]


def test_but_not_for_ever(
    cli: Cli,
    gateway: Gateway,
    root: Path,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record(gateway, root, database)
    monkeypatch.setattr(rereading, "LOCK_SECONDS", 0.001)
    monkeypatch.setattr(command, "PAUSE_SECONDS", 0)
    with locked(database):
        result = cli(*SINCE)
    assert result.exit_code == 1
    assert result.stderr.startswith("aibridge: the database cannot be used: ")
    assert models(database) == [""]


def test_broken_off_it_has_corrected_a_part_and_the_next_time_does_the_rest(
    cli: Cli,
    gateway: Gateway,
    root: Path,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, second = record(gateway, root, database, 2)

    def interrupted(connection: Any, old: Any, *more: Any) -> None:
        correct(connection, old, *more)
        if old.row.id == second:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(rereading, "correct", interrupted)
        result = cli(*SINCE)
    assert (result.exit_code, result.stdout) == (INTERRUPTED, "")
    assert result.stderr == f"{command.LAST_WORDS}\n"
    assert models(database) == ["m-1", ""]
    assert "Corrected: 1." in cli(*SINCE).stdout
    assert models(database) == ["m-1", "m-1"]
