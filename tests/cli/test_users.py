import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from aibridge.identity.passwords import Passwords
from aibridge.store.engine.database import Database
from aibridge.store.people.users import find_user, password_hash
from tests.cli.conftest import PASSWORD, USER_ADMIN, Remote
from tests.people import new_user

Cli = Callable[..., Result]
Rows = Callable[..., Any]


def test_a_user_is_created(cli: Cli) -> None:
    result = cli("users", "create", "ana", "--role", "auditor", "--role", "user-admin")
    assert result.exit_code == 0
    assert result.stdout.startswith("Created ana (auditor, user-admin).")
    assert "aibridge tokens create --user ana" in result.stdout


def test_a_user_as_json(rows: Rows) -> None:
    user = rows("users", "create", "ana", "--email", "a@b.c", "--name", "Ana")
    assert (user["username"], user["roles"], user["status"]) == ("ana", [], "active")
    assert (user["email"], user["name"]) == ("a@b.c", "Ana")
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", user["id"])
    assert user["created_at"].endswith("Z")
    assert rows("users", "show", "ana") == user


def test_users_are_listed(cli: Cli, rows: Rows) -> None:
    assert rows("users", "list") == []
    made = [rows("users", "create", name) for name in ("ana", "bob")]
    assert rows("users", "list") == made
    assert rows("users", "list", "-q", "bo") == made[1:]
    lines = cli("users", "list").stdout.splitlines()
    assert lines[0].split() == ["USERNAME", "ROLES", "STATUS", "EMAIL", "CREATED"]
    assert [line.split()[0] for line in lines[1:]] == ["ana", "bob"]
    assert lines[1].split()[1] == "member"


def test_all_users_are_listed_however_many(database: Database, rows: Rows) -> None:
    with database.write() as connection:
        for number in range(101):
            new_user(connection, f"u{number:03}")
    assert len(rows("users", "list")) == 101


def test_a_user_is_shown(cli: Cli) -> None:
    cli("users", "create", "ana", "--name", "A \u202ee")
    shown = cli("users", "show", "ana").stdout
    assert re.search(r"^username +ana$", shown, re.MULTILINE)
    assert re.search(r"^status +active$", shown, re.MULTILINE)
    assert "\u202e" not in shown


def test_a_user_is_suspended_and_activated(cli: Cli, rows: Rows) -> None:
    cli("users", "create", "ana")
    assert cli("users", "suspend", "ANA").stdout == "Suspended ana.\n"
    assert rows("users", "show", "ana")["status"] == "suspended"
    assert cli("users", "activate", "ana").stdout == "Activated ana.\n"
    assert rows("users", "show", "ana")["status"] == "active"


def test_roles_are_replaced(cli: Cli, rows: Rows) -> None:
    cli("users", "create", "ana", "--role", "auditor")
    result = cli("users", "roles", "ana", "--role", "auditor", "--role", "user-admin")
    assert result.stdout == "ana is now: auditor, user-admin.\n"
    names = [role["name"] for role in rows("users", "roles", "ana", "--role", "auditor")["roles"]]
    assert names == ["auditor"]


def test_a_password_comes_from_what_is_piped_in(cli: Cli, database: Database) -> None:
    def is_now(password: str) -> bool:
        with database.read() as connection:
            user = find_user(connection, "ana")
            assert user is not None
            return Passwords().matches(password, password_hash(connection, user.id))

    cli("users", "create", "ana", "--password", piped="correct horse\n")
    assert is_now("correct horse")
    result = cli("users", "password", "ana", piped="battery staple")
    assert result.stdout == "Changed the password of ana.\n"
    assert is_now("battery staple")


def test_ones_own_password_is_changed_with_the_old_one(cli: Cli, remote: Remote) -> None:
    def change(*arguments: str, piped: str) -> Result:
        return cli("users", "password", "me", *arguments, piped=piped, **remote.environ)

    assert change(piped="new and long\n").stderr == "aibridge: Old password is incorrect.\n"
    assert change("--old", piped=f"{PASSWORD}\nnew and long\n").exit_code == 0
    assert change("--old", piped=f"{PASSWORD}\nnew and long\n").exit_code == 1


def test_ones_own_password_keeps_the_token_that_is_used_and_deletes_the_others(
    cli: Cli, remote: Remote
) -> None:
    def change(*arguments: str) -> Result:
        words = ("users", "password", "me", "--old", *arguments)
        return cli(*words, piped=f"{PASSWORD}\nnew and long\n", **remote.environ)

    cli("tokens", "create", **remote.environ)
    assert "and delete 1 token of theirs?" in change().stderr
    assert change("--yes").stdout == "Changed the password of me, and deleted 1 token.\n"
    assert len(cli("tokens", "list", **remote.environ).stdout.splitlines()) == 2


def test_who_may_not_see_a_users_tokens_is_told_that_all_are_deleted(
    cli: Cli, remote: Remote
) -> None:
    cli("users", "create", "ben", **remote.environ)
    admin = remote.environ | {"AIBRIDGE_TOKEN": USER_ADMIN}
    result = cli("users", "password", "ben", piped=PASSWORD, **admin)
    assert "and delete all tokens of theirs?" in result.stderr
    assert cli("users", "password", "ben", "--yes", piped=PASSWORD, **admin).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("users", "suspend", "bob"), 1, "aibridge: there is no user 'bob'\n"),
        (("users", "show", "bob"), 1, "aibridge: there is no user 'bob'\n"),
        (("users", "create", "a b"), 1, "aibridge: username: "),
        (("users", "create", "ana", "--role", "king"), 2, "expected one of owner, user-admin"),
        (("users", "create"), 2, "Missing argument"),
        (("users", "create", "ana", "--password"), 1, "aibridge: no password: "),
        (("users", "roles", "ana"), 2, "Missing option '--role'"),
        (("users", "list", "--config", "no.toml"), 1, "aibridge: the configuration file no.toml"),
        (("users", "list", "--database-url", "x"), 1, "aibridge: --database-url as a flag: exp"),
        (("users", "list", "--database-url", "sqlite:///junk"), 1, "file is not a database"),
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


def test_a_name_that_is_taken_is_one_clear_line(cli: Cli) -> None:
    cli("users", "create", "ana")
    result = cli("users", "create", "Ana")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "taken" in result.stderr


def test_a_password_that_is_too_short_is_not_repeated(cli: Cli) -> None:
    result = cli("users", "create", "ana", "--password", piped="hunter2\n")
    assert result.exit_code == 1
    assert "password" in result.stderr
    assert "hunter2" not in result.output


def test_keys_of_providers_are_not_needed(cli: Cli) -> None:
    Path("aibridge.toml").write_text("[[providers]]\ntype='openai'\napi_keys=['env:NOT_SET']")
    assert cli("users", "list").exit_code == 0
