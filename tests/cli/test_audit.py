import re
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

from tests.cli.conftest import Remote

Cli = Callable[..., Result]
Rows = Callable[..., Any]


@pytest.fixture(autouse=True)
def _changes(cli: Cli) -> None:
    for name in ("ana", "bob"):
        cli("users", "create", name)


def test_changes_are_listed_newest_first(cli: Cli, rows: Rows) -> None:
    found = rows("audit", "list")
    assert {(one["user"]["username"], one["ip"]) for one in found} == {("operator", "")}
    assert [one["resource_target"] for one in found] == ["bob", "ana"]
    lines = cli("audit", "list").stdout.splitlines()
    assert lines[0].split() == ["TIME", "WHO", "ACTION", "RESOURCE", "TARGET", "ID"]
    assert lines[1].split()[2:5] == ["create", "user", "bob"]


def test_changes_are_looked_for_and_paged(rows: Rows) -> None:
    first = rows("audit", "list", "--limit", "1")
    second = rows("audit", "list", "--after-id", first[0]["id"])
    assert [one["resource_target"] for one in (*first, *second)] == ["bob", "ana"]
    assert rows("audit", "list", "-q", "action:delete") == []


def test_one_change_is_shown_without_its_secrets(cli: Cli, rows: Rows) -> None:
    cli("users", "create", "cleo", "--name", "C\u202e", "--password", piped="hunter2hunter2")
    cli("users", "password", "cleo", piped="hunter3hunter3")
    change, made = rows("audit", "list", "-q", "resource_target:cleo")
    shown = cli("audit", "show", made["id"]).stdout
    assert re.search(r'^  name +null → "C.*"$', shown, re.MULTILINE)
    assert re.search(r"^target +cleo \(", shown, re.MULTILINE)
    assert "\u202e" not in shown
    shown += cli("audit", "show", change["id"]).stdout
    assert re.search(r"^  password +\(secret\)$", shown, re.MULTILINE)
    assert "hunter" not in shown
    assert rows("audit", "show", made["id"])["resource_target"] == "cleo"


def test_an_unknown_change_is_one_clear_line(cli: Cli) -> None:
    result = cli("audit", "show", "nothing")
    assert (result.exit_code, result.stderr) == (1, "aibridge: there is no entry 'nothing'\n")


def test_a_login_that_failed_is_listed_as_refused(cli: Cli, remote: Remote) -> None:
    cli("login", "ana", "--url", remote.url, piped="hunter2\n")
    newest = cli("audit", "list", "--limit", "1", **remote.environ).stdout.splitlines()[1]
    assert "login" in newest.split()
    assert "ana: refused: the password was wrong" in newest
