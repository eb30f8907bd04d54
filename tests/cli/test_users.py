import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Cli = Callable[..., Result]
Rows = Callable[..., Any]


def test_a_user_is_created(cli: Cli) -> None:
    result = cli("users", "create", "ana", "--role", "auditor")
    assert result.exit_code == 0
    assert result.stdout.startswith("Created ana (auditor).")
    assert "aibridge tokens create --user ana" in result.stdout


def test_a_user_as_json(rows: Rows) -> None:
    user = rows("users", "create", "ana")
    assert (user["username"], user["role"], user["status"]) == ("ana", "member", "active")
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", user["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", user["created_at"])


def test_users_are_listed(cli: Cli, rows: Rows) -> None:
    assert rows("users", "list") == []
    made = [rows("users", "create", name) for name in ("ana", "bob")]
    assert rows("users", "list") == made
    lines = cli("users", "list").stdout.splitlines()
    assert lines[0].split() == ["USERNAME", "ROLE", "STATUS", "CREATED"]
    assert [line.split()[0] for line in lines[1:]] == ["ana", "bob"]


def test_a_user_is_suspended_and_activated(cli: Cli, rows: Rows) -> None:
    cli("users", "create", "ana")
    assert cli("users", "suspend", "ANA").stdout == "Suspended ana.\n"
    assert rows("users", "list")[0]["status"] == "suspended"
    assert cli("users", "activate", "ana").stdout == "Activated ana.\n"
    assert rows("users", "list")[0]["status"] == "active"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("users", "suspend", "bob"), 1, "aibridge: there is no user 'bob'\n"),
        (("users", "create", "a b"), 1, "aibridge: a username is letters and digits"),
        (("users", "create", "ana", "--role", "king"), 2, "is not one of 'owner'"),
        (("users", "create"), 2, "Missing argument"),
        (("users", "list", "--config", "no.toml"), 1, "aibridge: the configuration file no.toml"),
        (("users", "list", "--database-url", "x"), 1, "aibridge: --database-url as a flag: exp"),
        (("users", "list", "--database-url", "sqlite:///junk"), 1, "file is not a database"),
        (("users", "list", "--data-dir", "junk"), 1, "aibridge: cannot create"),
    ],
)
def test_trouble_is_one_clear_line(
    cli: Cli, arguments: tuple[str, ...], code: int, message: str
) -> None:
    Path("junk").write_text("no database" * 100)
    result = cli(*arguments)
    assert result.exit_code == code
    assert message in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.output
    assert code == 2 or result.stderr.count("\n") == 1


def test_the_file_and_flags_find_the_database(cli: Cli, rows: Rows) -> None:
    Path("other.toml").write_text('database_url = "sqlite:///other.db"')
    cli("users", "create", "ana", "--config", "other.toml")
    assert Path("other.db").exists()
    assert rows("users", "list", "--database-url", "sqlite:///other.db")[0]["username"] == "ana"
    assert rows("users", "list") == []


def test_keys_of_providers_are_not_needed(cli: Cli) -> None:
    Path("aibridge.toml").write_text("[[providers]]\ntype='openai'\napi_keys=['env:NOT_SET']")
    assert cli("users", "list").exit_code == 0
