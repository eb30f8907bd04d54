import csv
import json
import os
import pty
import signal
import stat
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO, StringIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import httpx
import pytest
from pyarrow import parquet
from typer.testing import Result

from aibridge.cli.export import walk
from aibridge.store.engine.database import Database
from aibridge.store.lists import children
from tests.builders import ANA, BEN, Call, add_user, record, uid
from tests.cli.conftest import Remote
from tests.ready import Program, Ready, ready
from tests.terminal import COMMAND, PREPARING, read

Cli = Callable[..., Result]

HOSTILE = 'a "quoted",\n\x1b[31mred\u202e line'

CALLS = (
    Call(1, at=1, session="one", prompts=(HOSTILE,), tokens=((1, 2, 3, 4),), tools=("read",)),
    Call(2, at=2.5, session="one", root=1, columns={"model": "opus", "client": None}),
    Call(3, at=3, session="=cmd|' /C calc'!A0", prompts=("hello",)),
)


def fill(database: Database) -> None:
    with database.write() as connection:
        add_user(connection, ANA, "ana")
        record(connection, *CALLS)


@pytest.fixture
def export(cli: Cli, database: Database) -> Cli:
    fill(database)
    return lambda *arguments, **more: cli("export", *arguments, **more)


def lines(result: Result) -> list[Any]:
    assert (result.exit_code, result.stderr) == (0, "")
    return [json.loads(line) for line in result.stdout.splitlines()]


def ids(result: Result) -> list[str]:
    return [one["id"] for one in lines(result)]


def listed(remote: Remote, kind: str, key: str) -> list[Any]:
    url = f"{remote.url}/api/v2/aibridge/{kind}"
    answer = httpx.get(url, headers={"X-Api-Key": remote.token}).raise_for_status()
    found: list[Any] = answer.json()[key]
    return found


@pytest.mark.parametrize(("kind", "key"), [("sessions", "sessions"), ("interceptions", "results")])
def test_each_line_is_what_the_api_lists(cli: Cli, remote: Remote, kind: str, key: str) -> None:
    with remote.database.write() as connection:
        record(connection, *CALLS)
    result = cli("export", kind, **remote.environ)
    wanted = listed(remote, kind, key)
    assert len(wanted) == {"sessions": 2, "interceptions": 3}[kind]
    assert lines(result) == wanted
    assert not {"\x1b", "\u202e"} & set(result.stdout)


def test_two_people_with_one_session_id_are_two_sessions(
    export: Cli, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as connection:
        add_user(connection, BEN, "ben")
        for number, user in enumerate((ANA, BEN)):
            record(connection, Call(10 + number, at=number * 9, session="app", initiator=user))
    for size in (1, 2, 3, 100):
        monkeypatch.setattr(walk, "PAGE", size)
        found = [(one["id"], one["initiator"]["username"]) for one in lines(export("sessions"))]
        assert found[0] == ("app", "ben")
        assert found[-1] == ("app", "ana")
        assert len(found) == len(set(found)) == 4


def test_interceptions_have_their_texts_whole(export: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = lines(export("interceptions"))
    monkeypatch.setattr(children, "MOST_CHARACTERS", 12)
    assert [one["user_prompts"] for one in whole if one["user_prompts"]]
    cut = lines(export("interceptions"))
    assert [len(one["user_prompts"]) for one in cut] == [len(one["user_prompts"]) for one in whole]
    prompts = [prompt["prompt"] for one in cut for prompt in one["user_prompts"]]
    assert prompts == ["hello", HOSTILE[:12]]


@pytest.mark.parametrize("kind", ["sessions", "interceptions"])
def test_all_pages_are_gone_through(
    export: Cli, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = lines(export(kind))
    monkeypatch.setattr(walk, "PAGE", 1)
    assert lines(export(kind)) == whole


def test_only_what_the_filters_mean(export: Cli) -> None:
    def found(*arguments: str) -> list[str]:
        return ids(export("interceptions", *arguments))

    assert found("--since", "2026-01-01T00:00:03Z") == [uid(3)]
    assert found("--until", "2026-01-01T00:00:03Z") == [uid(2), uid(1)]
    assert found("--since", "2026-01-01", "--until", "2026-01-02") == [uid(3), uid(2), uid(1)]
    assert found("--until", "2026-01-01") == []
    assert found("--since", "1s") == []
    assert found("--model", "opus", "--initiator", "ana") == [uid(2)]
    assert ids(export("sessions", "--session-id", "one", "-q", "model:opus")) == ["one"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--since", "yesterday"), "expected a date, a time with its offset, or how long ago"),
        (("--until", "2026-01-31T12:00:00"), "expected a date, a time with its offset"),
        (("--since", "2026-02-01", "--until", "2026-02-01"), "--since has to be before --until"),
        (("--format", "xml"), "expected one of jsonl, csv, parquet; not 'xml'"),
    ],
)
def test_what_is_called_wrongly_is_refused_before_anything_is_asked(
    cli: Cli, arguments: tuple[str, ...], message: str
) -> None:
    result = cli("export", "sessions", *arguments, AIBRIDGE_URL="http://127.0.0.1:1")
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", "").split())


def test_csv_has_a_row_for_each(export: Cli) -> None:
    result = export("sessions", "--format", "csv")
    latest, first = csv.DictReader(StringIO(result.stdout, newline=""))
    assert first["id"] == "one"
    assert first["initiator_username"] == "ana"
    assert first["last_prompt"] == HOSTILE
    assert json.loads(first["models"]) == ["opus", "sonnet"]
    assert first["token_usage_summary_output_tokens"] == "2"
    assert first["started_at"] == "2026-01-01T00:00:01Z"
    assert latest["id"] == "'=cmd|' /C calc'!A0"


def test_csv_has_nested_lists_as_json_and_nothing_for_null(export: Cli) -> None:
    result = export("interceptions", "--format", "csv", "--session-id", "one")
    assert result.exit_code == 2
    rows = csv.DictReader(StringIO(export("interceptions", "--format", "csv").stdout, newline=""))
    whole = lines(export("interceptions"))
    for row, one in zip(rows, whole, strict=True):
        assert json.loads(row["token_usages"]) == one["token_usages"]
        assert json.loads(row["user_prompts"]) == one["user_prompts"]
        assert row["client"] == (one["client"] or "")
        assert row["stream"] == "true"
        assert row["http_status"] == "200"


def test_parquet_has_typed_columns(export: Cli) -> None:
    whole = lines(export("interceptions"))
    table = parquet.read_table(BytesIO(export("interceptions", "--format", "parquet").stdout_bytes))
    types = {field.name: str(field.type) for field in table.schema}
    assert types["started_at"] == "timestamp[us, tz=UTC]"
    assert (types["request_bytes"], types["duration_ms"]) == ("int64", "double")
    assert (types["stream"], types["model"], types["notes"]) == ("bool", "string", "string")
    for row, one in zip(table.to_pylist(), whole, strict=True):
        assert row["started_at"] == datetime.fromisoformat(one["started_at"])
        assert row["started_at"].utcoffset() == datetime.now(UTC).utcoffset()
        assert row["client"] == one["client"]
        assert row["initiator_username"] == "ana"
        assert json.loads(row["tool_usages"]) == one["tool_usages"]


def test_parquet_of_nothing_has_its_columns(export: Cli) -> None:
    result = export("sessions", "--until", "2000-01-01", "--format", "parquet")
    table = parquet.read_table(BytesIO(result.stdout_bytes))
    assert (table.num_rows, table.column_names[0]) == (0, "id")


@pytest.mark.parametrize("argument", ["-", "out"])
def test_without_pyarrow_it_is_said_what_to_install(
    export: Cli, argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = export("sessions", "--format", "parquet", "--output", argument)
    assert result.exit_code == 1
    assert result.stderr == (
        "aibridge: parquet needs the package pyarrow: pip install 'aibridge[parquet]'\n"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_a_file_holds_what_standard_output_would(export: Cli, form: str, tmp_path: Path) -> None:
    file = tmp_path / "out"
    result = export("sessions", "--format", form, "--output", str(file))
    assert (result.exit_code, result.output) == (0, "")
    assert file.read_bytes() == export("sessions", "--format", form, "-o", "-").stdout_bytes
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_is_replaced_keeps_its_mode_and_its_links(export: Cli, tmp_path: Path) -> None:
    file, link = tmp_path / "out", tmp_path / "link"
    file.write_text("before")
    file.chmod(0o640)
    link.symlink_to(file)
    assert export("sessions", "-o", str(link)).exit_code == 0
    assert link.is_symlink()
    assert len(file.read_text().splitlines()) == 2
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("none/out", "aibridge: cannot write none/out: No such file or directory\n"),
        (".", "aibridge: cannot write .: Is a directory\n"),
        ("/dev/full", "aibridge: cannot write /dev/full: No space left on device\n"),
    ],
)
def test_what_cannot_be_written_is_one_line(export: Cli, output: str, message: str) -> None:
    result = export("sessions", "--output", output)
    assert (result.exit_code, result.stderr) == (1, message)


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_a_full_disk_is_told_and_leaves_what_was_there(
    export: Cli, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("aibridge.cli.export.destination.os.fsync", full)
    (tmp_path / "out").write_text("before")
    result = export("sessions", "--format", form, "--output", "out")
    assert result.stderr == "aibridge: cannot write out: No space left on device\n"
    assert result.exit_code == 1
    assert {path.name for path in tmp_path.iterdir()} == {"out", "data"}
    assert (tmp_path / "out").read_text() == "before"


def test_a_refusal_of_the_api_leaves_no_file(export: Cli, tmp_path: Path) -> None:
    result = export("sessions", "-q", "nonsense:1", "--output", "out")
    assert result.exit_code == 1
    assert result.stderr.startswith("aibridge: ")
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_ctrl_c_leaves_no_file(
    export: Cli, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: list[set[str]] = []

    def interrupt(_self: object, _place: object) -> bool:
        there.append({path.suffix for path in tmp_path.iterdir()})
        signal.raise_signal(signal.SIGINT)
        return True

    monkeypatch.setattr(walk.Downward, "is_new", interrupt)
    result = export("interceptions", "--format", form, "--output", "out")
    assert (result.exit_code, result.output) == (130, "")
    assert there == [{".part", ""}]
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


def test_ctrl_c_is_known_where_it_became_another_error(
    export: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_value: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ValueError("as pydantic does with what its callbacks raise") from None

    monkeypatch.setattr("aibridge.cli.export.columns.compact", interrupt)
    result = export("interceptions", "--output", "out")
    assert (result.exit_code, result.output) == (130, "")
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


Started = Callable[..., Ready]


@pytest.fixture
def started(export: Cli, url: str) -> Started:
    """Start a process of its own, over the data of the fixtures; what is not given is nowhere."""

    def start(*arguments: str, **streams: int) -> Ready:
        command = ["export", *arguments, "--database", url]
        program = Program(COMMAND, command, str(Path.cwd()), dict(os.environ))
        with Path(os.devnull).open("r+") as nothing:
            out, err = (streams.get(name, nothing.fileno()) for name in ("stdout", "stderr"))
            ready(PREPARING).start(program, (nothing.fileno(), out, err))
        return ready(PREPARING)

    return start


def test_a_reader_that_has_enough_ends_it_quietly(started: Started) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with TemporaryFile() as said:
        export = started("sessions", stdout=writer, stderr=said.fileno())
        os.close(writer)
        assert export.wait() == 0
        said.seek(0)
        assert said.read() == b""


def terminal_of(started: Started, stream: str, *arguments: str) -> tuple[int, str]:
    """The status of an export, and what it shows where a stream of its is a terminal."""
    ours, theirs = pty.openpty()
    process = started(*arguments, **{stream: theirs})
    os.close(theirs)
    shown = b"".join(iter(lambda: read(ours), b""))
    os.close(ours)
    return process.wait(), shown.decode()


def test_progress_is_counted_at_a_terminal(started: Started, tmp_path: Path) -> None:
    file = tmp_path / "out"
    status, shown = terminal_of(started, "stderr", "interceptions", "-o", str(file))
    assert status == 0
    assert "interceptions" in shown
    assert "3/3" in shown
    assert len(file.read_text().splitlines()) == 3


def test_a_terminal_gets_no_parquet(started: Started) -> None:
    status, shown = terminal_of(started, "stdout", "sessions", "--format", "parquet")
    assert (status, shown) == (2, "")


def test_a_terminal_is_not_steered_by_csv(started: Started) -> None:
    _, shown = terminal_of(started, "stdout", "sessions", "--format", "csv")
    assert "red" in shown
    assert not {"\x1b", "\u202e"} & set(shown)
