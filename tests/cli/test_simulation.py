"""What other limits would have refused, as a person and a program read it."""

from pathlib import Path

import pytest

from aibridge.store.engine.database import Database
from tests.builders import Used, use
from tests.cli.conftest import Cli, Rows
from tests.cli.test_spend import DAYS, table


@pytest.fixture
def policy(rows: Rows, database: Database, tmp_path: Path) -> Path:
    """A file of limits for ana's group and for ben, who both have spent."""
    ana, ben = (rows("users", "create", name)["id"] for name in ("ana", "ben"))
    rows("groups", "create", "devs")
    rows("groups", "add", "devs", "ana")
    with database.write() as connection:
        use(
            connection,
            Used(0, ana, 1_500_000),
            Used(4, ana, 1_000_001, unpriced=3),
            Used(4, ben, 2),
        )
    file = tmp_path / "limits.toml"
    file.write_text("groups.devs.spend_limit = 2\nusers.ben.spend_limit = 9.5\n")
    return file


def test_who_would_have_reached_a_limit_is_shown_with_what_is_refused(
    cli: Cli, rows: Rows, policy: Path
) -> None:
    arguments = ("budgets", "simulate", "--policy", str(policy), *DAYS)
    result = cli(*arguments)
    assert table(result.stdout) == [
        ["USER", "MONTH", "LIMIT", "REACHED ON", "SPENT", "REFUSED"],
        ["ana", "2026-01", "$2.00", "2026-01-05", "$2.500001", "$0.500001"],
        ["ben", "2026-01", "$9.50", "never", "$0.000002", "$0.00"],
        ["total", "$2.500003", "$0.500001"],
        [],
        ["GROUP", "LIMIT", "USERS", "LIMITED", "SPENT", "REFUSED"],
        ["devs", "$2.00", "1", "1", "$2.500001", "$0.500001"],
    ]
    assert result.stderr.startswith(
        "2026-01-01 to 2026-01-31 in UTC, by days: 1 of 2 users would have reached a limit, "
        "and $0.500001 of at least $2.500003 been refused.\n3 usage rows have no price"
    )
    found = rows(*arguments)
    assert [one["refused_micros"] for one in found["users"]] == [500_001, 0]


def test_what_is_wrong_with_a_policy_or_a_period_is_one_line(cli: Cli, policy: Path) -> None:
    arguments = ("budgets", "simulate", "--policy", str(policy))
    assert "Missing option '--since'" in cli(*arguments).stderr
    backwards = cli(*arguments, "--since", "2026-02-01", "--until", "2026-01-01")
    assert (backwards.exit_code, "--since has to be before" in backwards.stderr) == (2, True)
    policy.write_text("users.zoe.spend_limit = 1")
    unknown = cli(*arguments, *DAYS)
    assert unknown.exit_code == 1
    assert unknown.stderr == "aibridge: Validation failed. users.zoe: there is no user 'zoe'\n"
    policy.write_text("users.zoe.spend_limit = -1")
    wrong = cli(*arguments, *DAYS)
    assert wrong.exit_code == 1
    assert "users.zoe.spend_limit: expected dollars" in wrong.stderr
