import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import Result

from aibridge.cli.connection import Where, shown_url
from aibridge.cli.local import InProcess
from aibridge.practice import DEFAULT, serve
from tests.cli.conftest import Remote, Rows

Cli = Callable[..., Result]

ENGINES = ("sqlite",)
"""Which database is meant does not depend on its engine, but where it is does."""


@pytest.mark.parametrize(
    ("where", "local"),
    [
        ({}, True),
        ({"url": "http://bridge"}, False),
        ({"token": "t"}, False),
        ({"url": "", "token": ""}, True),
        ({"url": "http://bridge", "token": "t"}, False),
        ({"url": "http://bridge", "token": "t", "config": Path("a.toml")}, True),
        ({"token": "t", "data_dir": "d"}, True),
        ({"token": "t", "database_url": "sqlite:///x"}, True),
    ],
)
def test_which_api_is_meant(where: dict[str, Any], local: bool) -> None:
    assert Where(**where).on_this_machine == local


def test_a_token_does_not_show() -> None:
    assert "secret" not in repr(Where(token="secret"))


def test_commands_go_to_the_url_with_the_token(cli: Cli, remote: Remote) -> None:
    result = cli("users", "create", "ben", "--url", remote.url, "--token", remote.token)
    assert result.exit_code == 0
    listed = cli("users", "list", "--json", **remote.environ)
    assert [one["username"] for one in json.loads(listed.stdout)] == ["ana", "ben"]
    assert json.loads(cli("users", "list", "--json").stdout) == []


def test_the_machines_own_database_is_used_where_it_is_named(cli: Cli, remote: Remote) -> None:
    named = ("--data-dir", "elsewhere")
    assert cli("db", "upgrade", *named).exit_code == 0
    assert cli("users", "create", "ben", *named, **remote.environ).exit_code == 0
    assert "ben" not in cli("users", "list", **remote.environ).stdout
    assert "ben" in cli("users", "list", *named).stdout


@pytest.mark.parametrize("password", ["a@b:s3cret", "s3cret/a"])
@pytest.mark.parametrize(
    "command",
    [
        "serve --database-url {}",
        "users list --database-url {}",
        "sessions list --database-url {}",
        "db check --database-url {}",
        "db upgrade --database-url {}",
        "db purge --before 1d --yes --database-url {}",
        "db reread --since 1d --database-url {}",
        "db rerate --since 1d --database-url {}",
        "db copy --from {} --to sqlite:///copy.db",
        "db copy --from sqlite:///bridge.db --to {}",
    ],
)
def test_a_database_that_is_written_wrong_is_told_of_without_its_password(
    cli: Cli, command: str, password: str
) -> None:
    url = f"postgresql://bridge:{password}@127.0.0.1:1/x"
    result = cli(*command.format(url).split())
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code != 0
    assert "are written %40" in " ".join(result.stderr.split())
    assert "s3cret" not in result.output


def test_a_url_without_a_token_is_one_clear_line(cli: Cli) -> None:
    result = cli("users", "list", "--url", "http://127.0.0.1:1")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "aibridge: no token: set AIBRIDGE_TOKEN or pass --token\n"


def test_nobody_listening_is_one_clear_line(cli: Cli) -> None:
    result = cli("groups", "list", "--url", "http://127.0.0.1:1", "--token", "t")
    assert result.exit_code == 1
    assert result.stderr.startswith("aibridge: cannot reach AI Bridge at http://127.0.0.1:1: ")
    assert result.stderr.count("\n") == 1


def test_what_the_api_complains_of_is_named(cli: Cli, remote: Remote) -> None:
    result = cli("sessions", "list", "-q", "nonsense:x", **remote.environ)
    assert result.exit_code == 1
    assert 'Query param "nonsense" is not a valid query param' in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_unknown_token_is_one_clear_line(cli: Cli, remote: Remote) -> None:
    result = cli("users", "list", "--url", remote.url, "--token", "other")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith("aibridge: Authentication required.")
    assert "replaced on the bridge's own machine" in result.stderr
    assert result.stderr.endswith("aibridge tokens create --user NAME\n")


@pytest.mark.parametrize("command", ["users list", "users show ana", "interceptions show x"])
@pytest.mark.parametrize("path", ["/v1", "/api/v2/aibridge/anthropic/", "/api/v2"])
def test_a_url_with_the_path_of_a_gateway_is_told_to_be_without_it(
    cli: Cli, remote: Remote, command: str, path: str
) -> None:
    words = (*command.split(), "--url", remote.url + path, "--token", remote.token)
    result = cli(*words)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    hint = f"Leave the path {path.rstrip('/')} out of the URL: {remote.url} is enough.\n"
    assert result.stderr.endswith(hint)
    assert "tokens create" not in result.stderr


@pytest.mark.parametrize(
    "command", ["users list --token t", "users show me --token t", "login ana"]
)
def test_who_is_no_bridge_is_no_reason_to_replace_a_token(cli: Cli, command: str) -> None:
    """The practice provider answers 401 too, as providers do."""
    with serve(DEFAULT) as practice:
        result = cli(*command.split(), "--url", practice.url, piped="secret\n")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "This is not an answer of AI Bridge" in result.stderr
    assert result.stderr.endswith(f"Is {practice.url} the URL of a bridge?\n")
    assert "tokens create" not in result.stderr


def test_an_application_answers_within_the_process() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        head = [(b"x-method", scope["method"].encode())]
        await send({"type": "http.response.start", "status": 201, "headers": head})
        await send({"type": "http.response.body", "body": message["body"], "more_body": True})
        await send({"type": "http.response.body", "body": scope["query_string"]})

    with httpx.Client(transport=InProcess(application), base_url="http://here") as client:
        for _ in range(2):
            answer = client.put("/a", params={"q": "x"}, content=b"sent ")
            assert (answer.status_code, answer.content) == (201, b"sent q=x")
            assert answer.headers["x-method"] == "PUT"


def test_what_an_application_raises_comes_out() -> None:
    async def application(_scope: Any, _receive: Any, _send: Any) -> None:
        raise LookupError("gone")

    with (
        httpx.Client(transport=InProcess(application)) as client,
        pytest.raises(LookupError, match="gone"),
    ):
        client.get("http://here/")


def test_options_for_another_machine_and_for_this_one_do_not_go_together(cli: Cli) -> None:
    for option in ("--url", "--token"):
        result = cli("users", "list", option, "http://prod.example", "--data-dir", "x")
        assert result.exit_code == 2
        assert "this machine's own database" in " ".join(result.stderr.replace("│", " ").split())


NEITHER = "the URL of AI Bridge has no query and no fragment"


@pytest.mark.parametrize(
    "command", ["users list --token t", "whoami --token t", "logout --token t", "login ana"]
)
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://ana:hunter2@127.0.0.1:1", "cannot reach AI Bridge at http://127.0.0.1:1"),
        ("http://127.0.0.1:1/?key=hunter2", NEITHER),
        ("http://127.0.0.1:1/#hunter2", NEITHER),
        ("http://ana:x@127.0.0.1:1/?next=//hunter2#hunter2", NEITHER),
    ],
)
def test_a_password_a_query_and_a_fragment_of_the_url_do_not_show(
    cli: Cli, command: str, address: str, said: str
) -> None:
    for result in (
        cli(*command.split(), "--url", address, piped="secret\n"),
        cli(*command.split(), piped="secret\n", AIBRIDGE_URL=address),
    ):
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert f"aibridge: {said}" in result.stderr
        assert "hunter2" not in result.output


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://127.0.0.1:4000", "http://127.0.0.1:4000"),
        ("https://bridge.example/below", "https://bridge.example/below"),
        ("http://ana:a/b@h/p", "http://h/p"),
        ("http://ana:a//b@h/p", "http://h/p"),
        ("http://ana:a?b@h/p", "http://h/p"),
        ("ana:x@h:4000", "h:4000"),
        ("", ""),
    ],
)
def test_what_is_shown_of_a_url(address: str, shown: str) -> None:
    assert shown_url(address) == shown


def test_the_file_and_flags_find_the_database(cli: Cli, rows: Rows) -> None:
    Path("other.toml").write_text('database_url = "sqlite:///other.db"')
    assert cli("db", "upgrade", "--config", "other.toml").exit_code == 0
    cli("users", "create", "ana", "--config", "other.toml")
    assert Path("other.db").exists()
    found = rows("users", "list", "--database-url", "sqlite:///other.db")
    assert found[0]["username"] == "ana"
    assert rows("users", "list") == []


def test_a_folder_that_cannot_be_made_is_one_clear_line(cli: Cli) -> None:
    Path("junk").write_text("no folder")
    result = cli("db", "upgrade", "--data-dir", "junk")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert "aibridge: cannot create" in result.stderr


READING = (
    "users list",
    "users create ana",
    "tokens list",
    "groups list",
    "budgets list",
    "prices list",
    "sessions list",
    "sessions show x",
    "interceptions list",
    "audit list",
    "export sessions",
    "db check",
    "db purge --before 1d --yes",
    "db reread --since 1d",
    "db rerate --since 1d",
)


@pytest.mark.parametrize("typo", ["--data-dir typo/data", "--database-url sqlite:///typo/x.db"])
@pytest.mark.parametrize("command", READING)
def test_a_mistyped_database_is_told_of_and_nothing_is_made(
    cli: Cli, command: str, typo: str
) -> None:
    before = sorted(Path().rglob("*"))
    result = cli(*command.split(), *typo.split())
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    where = f"sqlite:///{Path('typo').resolve()}/"
    assert result.stderr.startswith(f"aibridge: there is no database of AI Bridge at {where}")
    assert "name another with --database-url, --data-dir or --config" in result.stderr
    assert sorted(Path().rglob("*")) == before


def test_a_first_command_before_a_first_start_makes_no_database(bare_cli: Cli) -> None:
    result = bare_cli("users", "list")
    assert (result.exit_code, list(Path().iterdir())) == (1, [])
    assert "aibridge serve makes a new one" in result.stderr


def test_a_file_without_tables_stays_as_it_is(cli: Cli) -> None:
    Path("empty.db").touch()
    result = cli("users", "list", "--database-url", "sqlite:///empty.db")
    assert result.exit_code == 1
    assert "there is no database of AI Bridge at" in result.stderr
    assert Path("empty.db").read_bytes() == b""
