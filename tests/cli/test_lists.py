"""The lists of the record and of people, on a terminal and in a pipe."""

import re
from pathlib import Path

import pytest

from aibridge.store.database import Database
from tests.builders import Call, record, uid
from tests.cli.conftest import Cli
from tests.terminal import on_terminal

ENGINES = ("sqlite",)

PROMPT = "Please mend the roof of the old house before the winter comes, and say what it costs"


@pytest.fixture
def filled(database: Database, cli: Cli) -> Database:
    """A record with a prompt, and somebody with a token."""
    with database.write() as connection:
        record(connection, Call(1, at=1, session=uid(7), prompts=(PROMPT,)))
    cli("users", "create", "bob")
    cli("tokens", "create", "--user", "bob", "--name", "the laptop in the kitchen of the house")
    return database


@pytest.mark.parametrize(
    ("command", "titles", "told"),
    [
        ("sessions list", ["ID", "ACTIVE", "PROMPT"], PROMPT),
        ("interceptions list", ["ID", "STARTED", "PROMPT"], PROMPT),
        ("tokens list", ["ID", "USER", "NAME", "EXPIRES"], "the laptop in the kitchen of"),
        ("audit list", ["ACTION", "TARGET", "ID"], "the laptop in the kitchen of"),
    ],
)
@pytest.mark.usefixtures("filled")
def test_at_80_columns_the_telling_column_has_30_characters_and_no_line_is_broken(
    tmp_path: Path, command: str, titles: list[str], told: str
) -> None:
    shown = on_terminal(command.split(), tmp_path)
    assert (shown.status, max(map(len, shown.lines)) <= 80) == (0, True), shown.text
    assert set(titles) <= set(shown.lines[0].split())
    assert told[:28] in shown.text


@pytest.mark.parametrize(
    ("command", "titles"),
    [
        ("sessions list", "ID ACTIVE USER CLIENT IN OUT PROMPT"),
        (
            "interceptions list",
            "ID STARTED USER PROVIDER MODEL CLIENT KIND STATUS IN OUT PROMPT",
        ),
        ("tokens list", "ID USER NAME SCOPES CREATED EXPIRES LAST USED"),
        ("audit list", "TIME WHO ACTION RESOURCE TARGET ID"),
    ],
)
@pytest.mark.usefixtures("filled")
def test_a_wide_terminal_has_all_columns_with_local_times_and_a_pipe_with_utc(
    cli: Cli, tmp_path: Path, command: str, titles: str
) -> None:
    shown = on_terminal(command.split(), tmp_path, columns=300, TZ="Europe/Berlin")
    assert shown.lines[0].split() == titles.split()
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+0[12]:00", shown.lines[1])
    piped = cli(*command.split()).stdout.splitlines()
    assert piped[0].split() == titles.split()
    assert re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", piped[1])


@pytest.mark.usefixtures("filled")
def test_a_pipe_keeps_prompts_whole(cli: Cli) -> None:
    for command in ("sessions", "interceptions"):
        assert cli(command, "list").stdout.splitlines()[1].endswith(PROMPT)


@pytest.mark.usefixtures("filled")
def test_a_session_is_shown_with_local_times_on_a_terminal(tmp_path: Path) -> None:
    shown = on_terminal(["sessions", "show", uid(7)], tmp_path, TZ="Europe/Berlin")
    assert "2026-01-01 01:00:01+01:00" in shown.text
