import re
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

Cli = Callable[..., Result]
Rows = Callable[..., Any]


@pytest.fixture(autouse=True)
def _ana(cli: Cli) -> None:
    cli("users", "create", "ana")


def test_a_token_is_all_that_is_printed(cli: Cli) -> None:
    result = cli("tokens", "create", "--user", "ana")
    assert re.fullmatch(r"[A-Za-z0-9]{10}-[A-Za-z0-9]{22}\n", result.stdout)
    assert "Shown this once" in result.stderr


def test_a_token_as_json(rows: Rows) -> None:
    token = rows("tokens", "create", "--user", "ana", "--name", "laptop", "--lifetime", "0")
    assert token.pop("key").startswith(token["id"] + "-")
    assert (token["token_name"], token["username"], token["expires_at"]) == ("laptop", "ana", None)
    assert rows("tokens", "list") == [token]


def test_a_lifetime_and_scopes_are_kept(rows: Rows) -> None:
    made = rows("tokens", "create", "--user", "ana")
    assert (made["lifetime_seconds"], len(made["scopes"])) == (30 * 86_400, 3)
    scopes = ("--scope", "read", "--scope", "gateway")
    made = rows("tokens", "create", "--user", "ana", "--lifetime", "12h", *scopes)
    assert (made["lifetime_seconds"], made["scopes"]) == (43_200, ["gateway", "read"])


def test_tokens_are_listed_by_user(cli: Cli, rows: Rows) -> None:
    cli("users", "create", "bob")
    rows("tokens", "create", "--user", "ana", "--lifetime", "0")
    of_bob = rows("tokens", "create", "--user", "bob")
    del of_bob["key"]
    assert rows("tokens", "list", "--user", "bob") == [of_bob]
    lines = cli("tokens", "list").stdout.splitlines()
    assert lines[0].split()[:5] == ["ID", "USER", "NAME", "SCOPES", "CREATED"]
    assert " never " in lines[1]
    assert lines[1].endswith("not yet")
    assert len(lines) == 3


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("owner", [(), ("--user", "ana")])
def test_a_token_is_deleted(cli: Cli, rows: Rows, whole: bool, owner: tuple[str, ...]) -> None:
    token = rows("tokens", "create", "--user", "ana", "--name", "laptop")
    result = cli("tokens", "delete", token["key"] if whole else token["id"], "--yes", *owner)
    assert result.stdout == "Deleted laptop of ana.\n"
    assert rows("tokens", "list") == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("create", "--user", "bob"), 1, "aibridge: there is no user 'bob'\n"),
        (("create", "--user", "ana", "--name", ""), 0, ""),
        (("create", "--user", "ana", "--name", "x" * 65), 1, "aibridge: token_name: "),
        (("create", "--user", "ana", "--lifetime", "soon"), 2, "a lifetime is a number and"),
        (("create", "--user", "ana", "--scope", "all"), 2, "expected one of gateway, read, admin"),
        (("create",), 1, "say whose it is, such as --user ana"),
        (("list", "--user", "bob"), 1, "no user 'bob'"),
        (("delete", "nope"), 1, "aibridge: there is no token 'nope'\n"),
        (("delete", "nope", "--user", "bob"), 1, "aibridge: there is no user 'bob'\n"),
    ],
)
def test_trouble_is_one_clear_line(
    cli: Cli, arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = cli("tokens", *arguments)
    assert (result.exit_code, "Traceback" in result.output) == (code, False)
    assert message in result.stderr


def test_two_tokens_of_one_name(cli: Cli) -> None:
    assert cli("tokens", "create", "--user", "ana", "--name", "x").exit_code == 0
    result = cli("tokens", "create", "--user", "ana", "--name", "x")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "already" in result.stderr
