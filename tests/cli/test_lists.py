"""The lists of the record and of people, on a terminal and in a pipe."""

import json
import re
import shlex
from pathlib import Path

import pytest

from aibridge.cli.tables import SHORT, tell_of_more
from aibridge.store.engine.database import Database
from tests.builders import Call, record, uid
from tests.cli.conftest import Cli, Rows
from tests.people import new_user
from tests.terminal import Shown, on_terminal

ENGINES = ("sqlite",)

PROMPT = "Please mend the roof of the old house before the winter comes, and say what it costs"


@pytest.fixture
def filled(database: Database, cli: Cli) -> Database:
    """A record with a prompt, and somebody with a token."""
    with database.write() as connection:
        ana = new_user(connection, "ana")
        call = Call(1, at=1, session=uid(7), prompts=(PROMPT,), initiator=ana.id)
        record(connection, call)
    cli("users", "create", "bob")
    cli("tokens", "create", "--user", "bob", "--name", "the laptop in the kitchen of the house")
    return database


@pytest.mark.parametrize(
    ("command", "titles", "told"),
    [
        ("sessions list", ["ID", "ACTIVE", "USER", "PROMPT"], PROMPT),
        ("interceptions list", ["ID", "STARTED", "USER", "PROMPT"], PROMPT),
        ("tokens list", ["ID", "USER", "NAME", "EXPIRES"], "the laptop in the kitchen of"),
        (
            "audit list",
            ["WHO", "ACTION", "RESOURCE", "TARGET", "ID"],
            "the laptop in the kitchen of",
        ),
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
        ("sessions list", "ID ACTIVE USER CLIENT IN OUT COST PROMPT"),
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


@pytest.mark.parametrize("command", ["sessions", "interceptions", "audit"])
@pytest.mark.usefixtures("filled")
def test_the_short_id_of_a_narrow_terminal_is_enough_to_show_its_row(
    tmp_path: Path, command: str
) -> None:
    titles, row, *_ = on_terminal([command, "list"], tmp_path).lines
    start = titles.index("ID")
    short = row[start:].split()[0]
    assert len(short) == SHORT
    shown = on_terminal([command, "show", short], tmp_path)
    assert (shown.status, short in shown.text) == (0, command != "audit"), shown.text


@pytest.mark.parametrize("command", ["sessions", "interceptions", "audit"])
def test_the_beginning_of_several_ids_is_refused_with_those(
    cli: Cli, database: Database, rows: Rows, command: str
) -> None:
    with database.write() as connection:
        record(connection, Call(1, at=1), Call(2, at=2))
    cli("users", "create", "ana")
    cli("users", "create", "bob")
    ids = [one["id"] for one in rows(command, "list")]
    beginning = ids[0][:4]
    result = cli(command, "show", beginning)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert f"ids begin with {beginning!r}: " in result.stderr
    assert all(one in result.stderr for one in ids)
    assert "there is no " in cli(command, "show", f"{beginning}x").stderr


@pytest.mark.usefixtures("filled")
def test_a_pipe_keeps_prompts_whole(cli: Cli) -> None:
    for command in ("sessions", "interceptions"):
        assert cli(command, "list").stdout.splitlines()[1].endswith(PROMPT)


@pytest.mark.usefixtures("filled")
def test_a_session_is_shown_with_local_times_on_a_terminal(tmp_path: Path) -> None:
    shown = on_terminal(["sessions", "show", uid(7)], tmp_path, TZ="Europe/Berlin")
    assert "2026-01-01 01:00:01+01:00" in shown.text


CUT = {
    "sessions list": "2 of 3 shown. More: --limit 3, or --after-id=",
    "interceptions list": "2 of 3 shown. More: --limit 3, or --after-id=",
    "audit list": "2 of 3 shown. More: --limit 3, or --after-id=",
}


def offered(shown: Shown) -> list[str]:
    """Return the options that go on with a list, as a shell reads them."""
    _, _, text = shown.text.partition("--after-id=")
    return shlex.split(f"--after-id={text}") if text else []


@pytest.fixture
def three(database: Database, cli: Cli) -> None:
    """A record of three sessions, and three acts."""
    with database.write() as connection:
        record(connection, *(Call(n, at=n) for n in range(1, 4)))
    for name in ("ana", "bob", "cleo"):
        cli("users", "create", name)


@pytest.mark.parametrize(("command", "said"), CUT.items(), ids=CUT)
@pytest.mark.usefixtures("three")
def test_a_list_that_is_cut_says_how_many_are_shown_on_a_terminal_only(
    cli: Cli, tmp_path: Path, command: str, said: str
) -> None:
    shown = on_terminal([*command.split(), "--limit", "2"], tmp_path)
    assert said in " ".join(shown.lines)
    rest = on_terminal([*command.split(), "--limit", "2", *offered(shown)], tmp_path)
    assert (len(rest.lines), "shown" in rest.text) == (2, False)
    assert "shown" not in on_terminal(command.split(), tmp_path).text
    piped = cli(*command.split(), "--limit", "2")
    assert (len(piped.stdout.splitlines()), piped.stderr) == (3, "")


@pytest.mark.parametrize("name", ["a'; touch pwned; #", "--help"])
def test_an_id_that_a_client_chose_is_offered_so_that_a_shell_reads_it_as_one_value(
    database: Database, tmp_path: Path, name: str
) -> None:
    with database.write() as connection:
        record(connection, Call(1, at=1), Call(2, at=2, session=name))
    shown = on_terminal(["sessions", "list", "--limit", "1"], tmp_path)
    assert offered(shown)[0] == f"--after-id={name}"
    rest = on_terminal(["sessions", "list", "--limit", "1", *offered(shown)], tmp_path)
    assert (rest.status, uid(1) in rest.text, name in rest.text) == (0, True, False)


@pytest.mark.usefixtures("three")
def test_of_a_list_that_is_too_long_to_be_counted_people_see_a_plus(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    for shown, limit, count in ((50, 50, 1000), (1000, 1000, 1000), (500, 500, 100), (49, 50, 9)):
        tell_of_more(shown, limit, count, {"--after-id": "x"}, at_least=True)
    assert capsys.readouterr().err.splitlines() == [
        "50 of 1,000+ shown. More: --limit 1000, or --after-id=x",
        "1000 of 1,000+ shown. More: --after-id=x",
        "500 of 500+ shown. More: --limit 1000, or --after-id=x",
    ]


@pytest.mark.parametrize(
    ("name", "offer"),
    [
        ("-x", "--limit 2, or --after-id=-x"),
        ("two words", "--limit 2, or --after-id='two words'"),
        ("$(id)", "--limit 2, or --after-id='$(id)'"),
        ("a\u202eb", "--limit 2"),
        ("a\nb", "--limit 2"),
    ],
)
def test_an_id_is_quoted_for_a_shell_or_not_offered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, offer: str
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    tell_of_more(1, 1, 2, {"--after-id": name})
    assert capsys.readouterr().err == f"1 of 2 shown. More: {offer}\n"


@pytest.mark.parametrize("name", ["a\x1b[2Jb", "a  b"])
def test_an_id_that_cannot_be_shown_as_it_is_is_not_offered(
    database: Database, tmp_path: Path, name: str
) -> None:
    with database.write() as connection:
        record(connection, Call(1, at=1), Call(2, at=2, session=name))
    shown = on_terminal(["sessions", "list", "--limit", "1"], tmp_path)
    assert shown.lines[-1] == "1 of 2 shown. More: --limit 2"


LISTS = (
    "sessions",
    "interceptions",
    "audit",
    "users",
    "groups",
    "tokens",
    "budgets",
    "prices",
    "providers",
    "models",
    "clients",
)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.usefixtures("three")
def test_every_list_is_an_array_in_json(cli: Cli, name: str) -> None:
    result = cli(name, "list", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert isinstance(json.loads(result.stdout), list)
