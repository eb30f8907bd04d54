"""``aibridge export``: what the API lists, whole, in the form that was asked for."""

import csv
import io
import json
import os
import subprocess
import sys
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest

from aibridge.cli import export
from aibridge.cli.export import formats, moments
from aibridge.cli.export.destination import Destination
from aibridge.contract import Interception
from tests.builders import ANA, BEN, Call, add_user, record

CALLS = [
    Call(
        number,
        at=number,
        initiator=(ANA, BEN)[number % 2],
        session=f"s{number // 3}",
        prompts=('=1+1, "quoted"\nand 日本',),
        tokens=((number, 1, 0, 0),),
        columns={"model": ("sonnet", "@opus")[number % 3 == 0]},
    )
    for number in range(240)
]


@pytest.fixture
def filled(database):
    with database.write() as connection:
        add_user(connection, ANA, "ana")
        record(connection, *CALLS)


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("noun", ["sessions", "interceptions"])
def test_lines_of_json_are_what_the_api_lists(cli, rows, filled, noun):
    done = cli("export", noun)
    assert (done.exit_code, done.stderr) == (0, "")
    listed = rows(noun, "list", "--limit", "1000")
    assert lines(done.stdout) == (listed["sessions"] if noun == "sessions" else listed)


def test_a_bridge_elsewhere_gives_the_same(cli, remote):
    with remote.database.write() as connection:
        record(connection, *CALLS)
    done = cli("export", "interceptions", **remote.environ)
    assert [row["id"] for row in lines(done.stdout)] == [call.id for call in reversed(CALLS)]


def test_a_table_has_a_row_for_each(cli, filled, tmp_path):
    file = tmp_path / "out.csv"
    done = cli("export", "sessions", "--format", "csv", "--output", str(file))
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    with file.open(encoding="utf-8", newline="") as table:
        found = list(csv.DictReader(table))
    assert len(found) == len({(call.session, call.initiator) for call in CALLS})
    first = found[0]
    assert (first["id"], first["initiator_id"], first["initiator_username"]) == ("s79", BEN, "")
    assert json.loads(first["models"]) == ["@opus", "sonnet"]
    assert first["last_prompt"] == '\'=1+1, "quoted"\nand 日本'
    assert int(first["token_usage_summary_input_tokens"]) == 237 + 239
    assert file.stat().st_mode & 0o077 == 0
    assert [each.name for each in tmp_path.iterdir() if each.suffix != ""] == ["out.csv"]


def test_what_is_exported_can_be_chosen(cli, filled):
    done = cli("export", "interceptions", "--since", "2026-01-01T00:03:55Z", "-q", "model:sonnet")
    assert [row["model"] for row in lines(done.stdout)] == ["sonnet"] * 4
    done = cli("export", "interceptions", "--until", "2026-01-01")
    assert [row["id"] for row in lines(done.stdout)] == [CALLS[0].id]
    assert cli("export", "sessions", "--since", "1d").stdout == ""


@pytest.mark.parametrize("text", ["yesterday", "5", "5w", "2026-13-01", "999999d x", ""])
def test_what_is_no_time_is_refused(cli, text):
    done = cli("export", "sessions", "--since", text)
    assert done.exit_code == 2
    assert "--since" in done.stderr


def test_how_long_ago_is_counted_from_now():
    before = datetime.now(UTC)
    found = moments.parse_moment("36h")
    assert before - timedelta(hours=36) <= found <= datetime.now(UTC) - timedelta(hours=36)
    assert moments.parse_moment("2026-11-01") == datetime(2026, 11, 1, tzinfo=UTC)


def test_what_goes_wrong_leaves_no_file(tmp_path):
    place = tmp_path / "out"
    place.write_text("before")

    def fail() -> None:
        with Destination(place) as destination:
            destination.file.write("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert place.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_a_full_disk_is_said(cli, filled):
    done = cli("export", "interceptions", "--output", "/dev/full/x")
    assert done.exit_code == 1
    assert "cannot write /dev/full/x: Not a directory" in done.stderr


@pytest.fixture
def started(cli, url, filled, tmp_path):
    """Start an export whose standard output is a pipe that nobody reads yet."""
    environment = {**os.environ, "AIBRIDGE_DATABASE_URL": url, "AIBRIDGE_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "aibridge", "export", "interceptions"]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    yield process
    process.kill()
    process.communicate()


def test_a_reader_that_has_enough_ends_it_quietly(started):
    assert started.stdout.readline().startswith(b'{"id":')
    started.stdout.close()
    assert started.wait() == 0
    assert started.stderr.read() == b""


def test_control_c_leaves_no_file_and_has_its_own_status(cli, filled, tmp_path, monkeypatch):
    def interrupted(rows):
        yield next(iter(rows))
        raise KeyboardInterrupt

    monkeypatch.setattr(export, "counted", interrupted)
    done = cli("export", "sessions", "--output", str(tmp_path / "out"))
    assert (done.exit_code, done.stdout, done.stderr) == (130, "", "")
    assert [each for each in tmp_path.iterdir() if "out" in each.name] == []


def test_ten_times_the_rows_take_no_more_memory():
    row = Interception.model_validate_json(INTERCEPTION)

    def peak(number: int) -> int:
        tracemalloc.start()
        write = formats.write_csv(Nowhere(), Interception, on_terminal=False)
        for _ in range(number):
            write(row)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(1000) < 2 * peak(100)


class Nowhere(io.StringIO):
    def write(self, text: str) -> int:
        return len(text)


INTERCEPTION = json.dumps(
    {
        "id": "1",
        "initiator": {"id": ANA, "username": "ana"},
        "provider": "anthropic",
        "provider_name": "claude",
        "model": "m",
        "client": None,
        "api_key_id": None,
        "metadata": {},
        "started_at": "2026-01-01T00:00:00Z",
        "ended_at": None,
        "token_usages": [],
        "user_prompts": [],
        "tool_usages": [],
    }
)
