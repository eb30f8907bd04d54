"""``aibridge db check``: what is wrong with a database is found and said."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, insert, update
from sqlalchemy.sql import ClauseElement
from typer.testing import Result

from aibridge.cli.db import check as command
from aibridge.store import migrations
from aibridge.store.engine.database import Database
from aibridge.store.engine.servers import only_server
from aibridge.store.schema import tables as schema
from aibridge.store.transfer import checking
from tests.builders import ANA, BEN, Call, record, uid
from tests.databases import Databases

Cli = Callable[..., Result]
Rows = Callable[..., Any]

CALLS = [
    Call(number, at=number, session=f"s{number % 3}", tokens=((number, 1, 1, 1),), prompts=("Hi.",))
    for number in range(10)
]


@pytest.fixture
def filled(database: Database) -> Database:
    with database.write() as connection:
        record(connection, *CALLS, Call(20, at=5, session="s1", initiator=BEN))
    return database


def change(database: Database, *statements: Any) -> None:
    with database.write() as connection:
        for statement in statements:
            connection.execute(statement)


def test_nothing_is_wrong_with_a_good_database(
    cli: Cli, filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "BATCH", 2)
    _prepare(cli)
    result = cli("db", "check")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        f"The tables are at revision {migrations.HEAD}, the newest.\n"
        "Nothing is wrong. The sums of 4 sessions agree with their rows.\n"
    )


def _prepare(cli: Cli) -> None:
    """Make the partitions, which a bridge makes when it starts."""
    assert cli("db", "upgrade").exit_code == 0


_s, _c, _k, _u = (
    schema.sessions.c,
    schema.interceptions.c,
    schema.initiator_kinds.c,
    schema.token_usages.c,
)
MINE = (_s.id == "s1", _s.initiator_id == ANA)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            update(schema.sessions).where(*MINE).values(interceptions=9),
            f"session 's1' of {ANA}: interceptions is 9, its interceptions have 3",
        ),
        (
            update(schema.sessions).where(*MINE).values(threads=0),
            f"session 's1' of {ANA}: threads is 0, its interceptions have 3",
        ),
        (
            update(schema.interceptions).where(_c.id == CALLS[1].id).values(tokens=104),
            f"session 's1' of {ANA}: tokens is 21, its interceptions have 121",
        ),
        (
            delete(schema.token_usages).where(_u.interception_id == CALLS[7].id),
            f"session 's1' of {ANA}: input_tokens is 12, its interceptions have 5",
        ),
        (
            update(schema.sessions).where(*MINE).values(cost_micros=7),
            f"session 's1' of {ANA}: cost_micros is 7, its interceptions have 0",
        ),
        (
            update(schema.token_usages).values(unpriced=""),
            f"session 's1' of {ANA}: unpriced is 3, its interceptions have 0",
        ),
        (
            delete(schema.sessions).where(*MINE),
            f"session 's1' of {ANA} is not there, but interceptions of it are",
        ),
        (
            delete(schema.interceptions).where(_c.initiator_id == BEN),
            f"session 's1' of {BEN}: interceptions is 1, its interceptions have 0",
        ),
        (
            update(schema.initiator_kinds).where(_k.initiator_id == BEN).values(interceptions=2),
            f"of {BEN}: interceptions is 2, there are 1",
        ),
        (
            delete(schema.initiator_kinds).where(_k.initiator_id == BEN),
            f"of {BEN}: interceptions is 0, there are 1",
        ),
        (
            insert(schema.initiator_kinds).values(initiator_id=BEN, kind_id=99, interceptions=1),
            f"kind 99 of {BEN}: interceptions is 1, there are 0",
        ),
    ],
    ids=lambda value: "" if isinstance(value, ClauseElement) else value.partition(": ")[2][:30],
)
def test_sums_that_disagree_with_their_rows_are_found(
    rows: Rows, cli: Cli, filled: Database, monkeypatch: pytest.MonkeyPatch, damage: Any, said: str
) -> None:
    monkeypatch.setattr(checking, "BATCH", 2)
    change(filled, damage)
    with filled.read() as connection:
        found = list(checking.disagreements(connection))
    assert any(said in one for one in found)


def test_what_is_wrong_is_said_with_the_status_1(
    cli: Cli, filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _prepare(cli)
    change(filled, update(schema.sessions).values(threads=99))
    monkeypatch.setattr(command, "MOST", 2)
    result = cli("db", "check")
    assert result.exit_code == 1
    _, *lines = result.stdout.splitlines()
    assert len(lines) == 3
    assert lines[0] == f"Wrong: session 's0' of {ANA}: threads is 99, its interceptions have 4."
    assert lines[2] == "Wrong: more does not agree: only the first 2 are listed."


def set_aside(folder: Path, call: str, reason: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{call}.call").write_bytes(msgspec.msgpack.encode({"reason": reason}))


def test_calls_that_were_set_aside_are_named_with_their_reasons(
    cli: Cli, filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _prepare(cli)
    aside = tmp_path / "data" / "journal" / "aside"
    for number in range(1, 4):
        set_aside(aside, uid(number), f"reason {number}")
    (aside / f"{uid(2)}.call").write_bytes(b"nothing of ours")
    monkeypatch.setattr(command, "MOST", 2)
    result = cli("db", "check")
    assert result.exit_code == 1
    _, *lines = result.stdout.splitlines()
    assert lines == [
        f"Wrong: the database refused most of the call {uid(1)}: reason 1.",
        f"Wrong: the database refused most of the call {uid(2)}: its file cannot be read.",
        "Wrong: more was set aside: only the first 2 are listed.",
    ]


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        ("0001", "at revision 0001, older than this release: `aibridge db upgrade` brings"),
        ("9999", "at revision 9999, which this release does not know: they are of a newer one"),
    ],
)
def test_tables_of_another_release_are_named(
    cli: Cli, rows: Rows, database: Database, revision: str, said: str
) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")  # noqa: S608
    result = cli("db", "check")
    assert result.exit_code == 1
    assert said in result.stdout
    assert "Left out: nothing else was looked at." in result.stdout


def test_a_database_without_tables_is_named(
    cli: Cli, databases: Databases, url: str, tmp_path
) -> None:
    if not databases.is_postgresql:
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "aibridge.db").touch()
    result = cli("db", "check")
    assert result.exit_code == 1
    assert result.stdout.startswith("Wrong: there are no tables: `aibridge db upgrade` makes them.")


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_damaged_file_is_found(cli: Cli, filled: Database) -> None:
    filled.close()
    assert filled.file is not None
    with sqlite3.connect(filled.file) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("DELETE FROM sqlite_schema WHERE name = 'ix_sessions_active'")
    result = cli("db", "check")
    assert result.exit_code == 1
    assert "Wrong: the file is damaged: " in result.stdout
    assert "Left out: the sums were not looked at." in result.stdout


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_damaged_index_of_texts_is_found(cli: Cli, filled: Database) -> None:
    with filled.write() as connection:
        connection.exec_driver_sql("DELETE FROM text_index_data WHERE id > 1000")
    result = cli("db", "check")
    assert result.exit_code == 1
    assert "Wrong: the file is damaged: database disk image is malformed" in result.stdout


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_the_index_of_texts_is_not_looked_at_while_a_bridge_serves(
    cli: Cli, rows: Rows, filled: Database
) -> None:
    with only_server(filled):
        result = cli("db", "check")
    assert result.exit_code == 0
    is_left_out = "Left out: the index of texts was not looked at" in result.stdout
    assert is_left_out == (sqlite3.sqlite_version_info < (3, 44))


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_missing_partitions_are_named_and_made(cli: Cli, rows: Rows, database: Database) -> None:
    result = cli("db", "check")
    assert result.exit_code == 1
    assert result.stdout.count("is missing: `aibridge db upgrade` makes it") == 3 * 6
    assert len(rows("db", "upgrade")["partitions"]) == 3 * 6
    assert rows("db", "check")["problems"] == []


def test_as_json(cli: Cli, rows: Rows, filled: Database) -> None:
    _prepare(cli)
    assert rows("db", "check") == {
        "revision": migrations.HEAD,
        "newest": migrations.HEAD,
        "schema": "newest",
        "problems": [],
        "left_out": [],
        "sessions": 4,
    }
