"""``aibridge caps``."""

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

Cli = Callable[..., Result]
Rows = Callable[..., Any]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--group", "devs"], "All of devs together may spend $1.50 (day).\n"),
        (["--group", "devs", "--each", "member", "--for", "week"], "Each member of devs"),
        (["--group", "devs", "--each", "session"], "Each session of members of devs may spend"),
        (["--user", "ana"], "The user ana may spend"),
    ],
)
def test_a_cap_is_set_listed_and_deleted(cli: Cli, rows: Rows, options: Any, said: str) -> None:
    cli("users", "create", "ana")
    cli("groups", "create", "devs")
    assert cli("caps", "set", "1.50", *options).stdout.startswith(said)
    (cap,) = rows("caps", "list")
    assert cap["spend_limit_micros"] == 1_500_000
    assert "$1.50" in cli("caps", "list").stdout
    assert cli("caps", "delete", cap["id"], "--yes").stdout == f"Deleted the cap {cap['id']}.\n"
    assert rows("caps", "list") == []


@pytest.mark.parametrize("options", [[], ["--group", "a", "--user", "b"], ["--each", "member"]])
def test_what_a_cap_is_of_has_to_be_said(cli: Cli, options: list[str]) -> None:
    result = cli("caps", "set", "1", *options)
    assert result.exit_code == 2
    assert "--of-token" in result.stderr
