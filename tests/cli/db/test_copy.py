"""``aibridge db copy``: what it prints, and how it ends."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from typer.testing import CliRunner, Result

from aibridge.cli import app
from aibridge.store.engine.servers import only_server
from aibridge.store.transfer.copying import Copy, state
from aibridge.store.transfer.copying.target import Target
from tests.databases import Databases
from tests.grown import everything, fill, opened


@pytest.fixture
def source(tmp_path: Path) -> str:
    """The address of a laptop's database."""
    url = f"sqlite:///{tmp_path / 'grown.db'}"
    with opened(url) as database:
        database.upgrade()
        fill(database)
    return url


@pytest.fixture
def target(databases: Databases) -> Iterator[str]:
    """The address of a database without tables."""
    with databases.place() as url:
        yield url


def copy(*urls: str, options: Sequence[str] = ()) -> Result:
    arguments = ["db", "copy", "--from", urls[0], "--to", urls[1], *options]
    return CliRunner().invoke(app, arguments, prog_name="aibridge")


def test_a_line_a_table_is_printed(source: str, target: str) -> None:
    result = copy(source, target)
    assert (result.exit_code, result.stderr) == (0, "")
    head, *lines = (line.split() for line in result.stdout.splitlines())
    assert head == ["TABLE", "ROWS", "CHECKSUM"]
    rows = {name: len(rows) for name, rows in everything(target).items() if name != "text_index"}
    assert {name: int(number) for name, number, _ in lines} == rows
    assert {len(checksum) for _, _, checksum in lines} == {32}


def test_json(source: str, target: str) -> None:
    result = copy(source, target, options=["--json"])
    assert (result.exit_code, result.stderr) == (0, "")
    summary = json.loads(result.stdout)
    assert summary["from"] == source
    assert summary["went_on"] is False
    assert summary["warnings"] == []
    (users,) = (one for one in summary["tables"] if one["name"] == "users")
    assert (users["rows"], users["equal"]) == (2, True)


def test_ctrl_c_says_that_it_goes_on_and_so_it_does(
    source: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = state.keep

    def interrupt(connection: Connection, name: str, key: Sequence[object]) -> None:
        if name == "interceptions":
            signal.raise_signal(signal.SIGINT)
        keep(connection, name, key)

    with monkeypatch.context() as patch:
        patch.setattr(state, "keep", interrupt)
        result = copy(source, target)
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr == "The copy has not ended. The same command goes on with it.\n"
    result = copy(source, target, options=["--json"])
    assert (result.exit_code, json.loads(result.stdout)["went_on"]) == (0, True)
    assert everything(target)["interceptions"]


def test_tables_that_differ_are_named(
    source: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = Copy.check

    def spoilt(self: Copy, count: Any) -> Any:
        with self.target.database.write() as connection:
            connection.execute(text("DELETE FROM audit_log"))
        return check(self, count)

    monkeypatch.setattr(Copy, "check", spoilt)
    finished: list[Target] = []
    monkeypatch.setattr(Target, "finish", finished.append)
    result = copy(source, target)
    rows = len(everything(source)["audit_log"])
    words = f"audit_log differs: {rows} rows in the source, 0 in the target"
    assert (result.exit_code, result.stderr) == (1, f"aibridge: {words}\n")
    assert finished == []


def test_a_source_in_use_is_warned_of(source: str, target: str) -> None:
    with opened(source) as database, only_server(database):
        result = copy(source, target)
    assert result.exit_code == 0
    assert result.stderr.startswith(f"warning: another aibridge uses {source}: ")
    assert len(result.stderr.splitlines()) == 1


def test_a_refusal_is_one_line(target: str, tmp_path: Path) -> None:
    result = copy(f"sqlite:///{tmp_path}/no.db", target)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"aibridge: there is no database sqlite:///{tmp_path}/no.db\n"


@pytest.mark.parametrize("url", ["mysql://ana:secret@db/fleet", "ana:secret", ""])
def test_a_wrong_address_is_refused_without_repeating_it(url: str, source: str) -> None:
    for urls in ((url, source), (source, url)):
        result = copy(*urls)
        assert result.exit_code == 2
        assert "expected sqlite:///PATH or postgresql://USER@HOST/NAME" in result.stderr
        assert "secret" not in result.output


def test_a_password_is_never_printed(source: str) -> None:
    result = copy(source, "postgresql://ana:secret@127.0.0.1:1/fleet?connect_timeout=2")
    assert result.exit_code == 1
    assert "the database cannot be used" in result.stderr
    assert "secret" not in result.output


def test_a_bar_is_drawn_at_a_terminal(source: str, target: str) -> None:
    command = [sys.executable, "-m", "aibridge", "db", "copy", "--from", source, "--to", target]
    ours, terminal = pty.openpty()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=terminal) as running:
        os.close(terminal)
        drawn = b"".join(pieces(ours))
        assert running.stdout is not None
        assert running.stdout.read().startswith(b"TABLE")
    os.close(ours)
    assert running.returncode == 0
    assert all(step in drawn for step in (b"copying", b"comparing", b"indexing"))


def pieces(terminal: int) -> Iterator[bytes]:
    """Yield what is written to a terminal, until nobody has it open any more."""
    with suppress(OSError):
        while piece := os.read(terminal, 4096):
            yield piece
