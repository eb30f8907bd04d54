import re
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

Cli = Callable[..., Result]
Rows = Callable[..., Any]


@pytest.fixture(autouse=True)
def _people(cli: Cli) -> None:
    for name in ("ana", "bob"):
        cli("users", "create", name)


def test_a_group_is_made_filled_and_emptied(cli: Cli, rows: Rows) -> None:
    assert cli("groups", "create", "devs").stdout == "Created devs.\n"
    assert cli("groups", "add", "devs", "ana", "bob").stdout == "devs has 2 members now.\n"
    assert cli("groups", "remove", "devs", "ana").stdout == "devs has 1 member now.\n"
    group = rows("groups", "show", "devs")
    assert [one["username"] for one in group["members"]] == ["bob"]
    assert rows("groups", "show", group["id"]) == group
    assert re.search(r"^members +1\n  bob$", cli("groups", "show", "devs").stdout, re.MULTILINE)


def test_groups_are_listed_with_everyone(cli: Cli, rows: Rows) -> None:
    made = rows("groups", "create", "devs", "--display-name", "Developers")
    assert [one["name"] for one in rows("groups", "list")] == ["devs", "Everyone"]
    lines = cli("groups", "list").stdout.splitlines()
    assert made["display_name"] in lines[1]
    assert lines[2].split()[:2] == ["Everyone", "2"]


def test_a_group_is_renamed_and_keeps_its_members(cli: Cli, rows: Rows) -> None:
    made = rows("groups", "create", "devs")
    cli("groups", "add", "devs", "ana")
    assert cli("groups", "rename", "devs", "makers").stdout == "devs is makers now.\n"
    group = rows("groups", "show", "makers")
    assert (group["id"], len(group["members"])) == (made["id"], 1)
    shown = rows("groups", "rename", "makers", "builders", "--display-name", "The builders")
    assert (shown["name"], shown["display_name"]) == ("builders", "The builders")


def test_a_group_is_deleted(cli: Cli, rows: Rows) -> None:
    cli("groups", "create", "devs")
    assert cli("groups", "delete", "devs", "--yes").stdout == "Deleted devs.\n"
    assert [one["name"] for one in rows("groups", "list")] == ["Everyone"]


def test_who_was_no_member_is_named_when_removed(cli: Cli) -> None:
    cli("groups", "create", "devs")
    cli("groups", "add", "devs", "ana")
    removed = cli("groups", "remove", "devs", "Ana", "bob")
    assert removed.stdout == "devs has 0 members now.\nbob was no member of it.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("show", "ops"), 1, "aibridge: there is no group 'ops'\n"),
        (("add", "ops", "ana"), 1, "aibridge: there is no group 'ops'\n"),
        (("add", "Everyone"), 2, "Missing argument"),
        (("add", "devs", "cleo"), 1, "aibridge: there is no user 'cleo'\n"),
        (("create", "a b"), 1, "aibridge: name: "),
        (("create", "devs"), 1, "already"),
        (("delete", "ops"), 1, "aibridge: there is no group 'ops'\n"),
    ],
)
def test_trouble_is_one_clear_line(
    cli: Cli, arguments: tuple[str, ...], code: int, message: str
) -> None:
    cli("groups", "create", "devs")
    result = cli("groups", *arguments)
    assert (result.exit_code, "Traceback" in result.output) == (code, False)
    assert message in result.stderr
