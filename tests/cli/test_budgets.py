from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

Cli = Callable[..., Result]
Rows = Callable[..., Any]


@pytest.fixture(autouse=True)
def _people(cli: Cli) -> None:
    cli("users", "create", "ana")
    cli("groups", "create", "devs")
    cli("groups", "add", "devs", "ana")


def test_a_limit_is_set_shown_and_deleted(cli: Cli, rows: Rows) -> None:
    result = cli("budgets", "set", "12.50", "--group", "devs")
    assert result.stdout == "Each member of devs may spend $12.50 a month.\n"
    assert cli("budgets", "show", "--group", "devs").stdout == "$12.50\n"
    assert rows("budgets", "show", "--group", "devs")["spend_limit_micros"] == 12_500_000
    assert cli("budgets", "delete", "--group", "devs", "--yes").stdout.startswith(
        "Deleted the budget of"
    )
    assert cli("budgets", "show", "--group", "devs").exit_code == 1


def test_nothing_and_no_limit_look_different(cli: Cli, rows: Rows) -> None:
    cli("budgets", "set", "0", "--group", "devs")
    lines = [line.split(maxsplit=2) for line in cli("budgets", "list").stdout.splitlines()]
    assert lines[1:] == [["devs", "1", "$0.00"], ["Everyone", "1", "no limit"]]
    devs, everyone = rows("budgets", "list")
    assert (everyone["group"]["name"], everyone["budget"]) == ("Everyone", None)
    assert devs["budget"]["spend_limit_micros"] == 0


def test_a_user_has_a_limit_of_their_own(cli: Cli, rows: Rows) -> None:
    result = cli("budgets", "set", "0.000001", "--user", "ana", "--group", "devs")
    assert result.stdout == "ana may spend $0.000001 a month.\n"
    assert rows("budgets", "show", "--user", "ana")["spend_limit_micros"] == 1
    assert cli("budgets", "delete", "--user", "ana", "--yes").exit_code == 0
    result = cli("budgets", "show", "--user", "ana")
    assert result.stderr == "aibridge: there is no limit of their own for the user 'ana'\n"


def test_everyone_may_have_a_budget(cli: Cli) -> None:
    assert cli("budgets", "set", "1", "--group", "Everyone").exit_code == 0
    assert cli("budgets", "show", "--group", "Everyone").stdout == "$1.00\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("set", "12.5000001", "--group", "devs"), 2, "expected dollars such as 12.50"),
        (("set", "1e3", "--group", "devs"), 2, "expected dollars"),
        (("set", "--group", "devs", "--", "-1"), 2, "expected dollars"),
        (("set", "1"), 2, "--group"),
        (("set", "1000001", "--group", "devs"), 2, "expected $1,000,000.00 at most"),
        (("set", "1", "--group", "ops"), 1, "aibridge: there is no group 'ops'\n"),
        (("set", "1", "--group", "devs", "--user", "bob"), 1, "there is no user 'bob'"),
        (("show",), 2, "say which"),
        (("show", "--group", "devs"), 1, "aibridge: there is no budget of the group 'devs'\n"),
        (("delete",), 2, "say which"),
        (("delete", "--group", "devs"), 1, "aibridge: there is no budget of the group 'devs'\n"),
    ],
)
def test_trouble_is_one_clear_line(
    cli: Cli, arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = cli("budgets", *arguments)
    assert (result.exit_code, "Traceback" in result.output) == (code, False)
    assert message in " ".join(result.stderr.split("  ")) or message in result.stderr
