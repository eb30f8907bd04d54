"""What was spent, as a person and a program read it."""

import csv
from io import StringIO
from pathlib import Path

import pytest

from aibridge.agents import Annotations
from aibridge.principals import EVERYONE
from aibridge.store.engine.database import Database
from aibridge.store.people.users import user_by_name
from tests.builders import DAY, START, Call, Used, record, uid, use
from tests.caching import record_cached
from tests.cli.conftest import Cli, Remote, Rows
from tests.people import new_user

DAYS = ("--since", "2026-01-01", "--until", "2026-02-01")
NOON = START + 10 * DAY + DAY // 2


@pytest.fixture(autouse=True)
def _in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("asked", "status"):
        monkeypatch.setattr(f"aibridge.api.spend.{name}.now", lambda: NOON)


@pytest.fixture
def ids(rows: Rows) -> dict[str, str]:
    """The ids of ana, of ben, and of a group with ana in it."""
    ana, ben = (rows("users", "create", name)["id"] for name in ("ana", "ben"))
    devs = rows("groups", "create", "devs")["id"]
    rows("groups", "add", "devs", "ana")
    return {"ana": ana, "ben": ben, "devs": devs}


@pytest.fixture
def _spent(database: Database, ids: dict[str, str]) -> None:
    with database.write() as connection:
        use(
            connection,
            Used(
                *(0, ids["ana"], 1_500_000),
                group=ids["devs"],
                tokens=(1_000, 2, 3, 4),
                requests=2,
                annotations=Annotations("acme/shop", "main", (), ("E-1", "E-2")),
            ),
            Used(
                *(4, ids["ana"], 1),
                model="unheard-of",
                unpriced=3,
                client="",
                tokens=(5, 6, 7, 8),
                annotations=Annotations(issues=("E-1",)),
            ),
            Used(4, ids["ben"], 20_000_000, group=uid(900), provider_name="other"),
        )


def table(text: str) -> list[list[str]]:
    """Return the cells of a table, which stand two spaces or more apart."""
    return [[cell.strip() for cell in line.split("  ") if cell] for line in text.splitlines()]


@pytest.mark.usefixtures("_spent")
def test_spend_is_shown_by_user_this_month_where_nothing_is_said(cli: Cli) -> None:
    result = cli("spend")
    assert table(result.stdout) == [
        ["USER", "COST", "UNPRICED", "CALLS", "IN", "OUT", "CACHE READ", "CACHE WRITE"],
        ["ben", "$20.00", "0", "1", "0", "0", "0", "0"],
        ["ana", "at least $1.500001", "3", "3", "1,005", "8", "10", "12"],
        ["total", "at least $21.500001", "3", "4", "1,005", "8", "10", "12"],
    ]
    assert result.stderr == (
        "2026-01-01 to 2026-01-31 in UTC; costs are approximate.\n"
        "3 usage rows have no price, or a part without one: at least so much was spent. "
        "docs/prices.md says why, and how to set prices.\n"
    )
    assert cli("spend", "show").stdout == result.stdout
    assert cli("spend", *DAYS).stdout == result.stdout


@pytest.mark.usefixtures("_spent")
@pytest.mark.parametrize(
    ("by", "parts"),
    [
        ("model", [["sonnet", "$21.50"], ["unheard-of", "at least $0.000001"]]),
        ("provider", [["other", "$20.00"], ["claude", "at least $1.500001"]]),
        ("client", [["Claude Code", "$21.50"], ["Unknown", "at least $0.000001"]]),
        ("day", [["2026-01-01", "$1.50"], ["2026-01-05", "at least $20.000001"]]),
        ("branch", [["(none)", "at least $20.000001"], ["main", "$1.50"]]),
        ("issue", [["(none)", "$20.00"], ["E-1", "at least $1.500001"], ["E-2", "$1.50"]]),
    ],
)
def test_spend_is_told_apart_by_what_is_asked_for(
    cli: Cli, by: str, parts: list[list[str]]
) -> None:
    result = cli("spend", "--by", by)
    found = table(result.stdout)
    assert found[0][:3] == [by.upper(), "COST", "UNPRICED"]
    assert [row[:2] for row in found[1:]] == [*parts, ["total", "at least $21.500001"]]
    assert ("several issues counts whole for each" in result.stderr) is (by == "issue")


@pytest.mark.usefixtures("_spent")
def test_groups_are_shown_with_their_limits_and_what_is_not_known(cli: Cli) -> None:
    def limits() -> dict[str, str]:
        lines = cli("spend", "--by", "group").stdout.splitlines()
        first = lines[0].index("UNPRICED") + len("UNPRICED")
        end = lines[0].index("LIMIT") + len("LIMIT")
        return {line.split("  ")[0]: line[first:end].strip() for line in lines[1:]}

    assert limits() == {uid(900): "", "devs": "no budget", "(not known)": "", "total": ""}
    cli("budgets", "set", "0", "--group", "devs")
    assert limits()["devs"] == "$0.00"
    cli("budgets", "set", "12.50", "--group", "devs")
    assert limits()["devs"] == "$12.50"


def test_nothing_spent_is_zero(cli: Cli) -> None:
    result = cli("spend", "--by", "model")
    assert table(result.stdout)[1:] == [["total", "$0.00", "0", "0", "0", "0", "0", "0"]]
    assert "price" not in result.stderr


def facts(cli: Cli, user: str) -> dict[str, str]:
    lines = cli("spend", "--user", user).stdout.splitlines()
    return {line[:12].strip(): line[12:].strip() for line in lines}


@pytest.mark.usefixtures("_spent")
def test_a_users_spend_is_shown_beside_the_limit_that_applies(
    cli: Cli, ids: dict[str, str]
) -> None:
    days = "2026-01-01 to 2026-01-31 in UTC"
    assert facts(cli, "ben") == {
        "spent": "$20.00",
        "limit": "unlimited",
        "charged to": "Everyone",
        "days": days,
    }
    cli("budgets", "set", "200", "--group", "devs")
    assert facts(cli, ids["ana"]) == {
        "spent": "at least $1.500001",
        "limit": "$200.00",
        "set for": "each member of devs",
        "charged to": "devs",
        "days": days,
    }
    cli("budgets", "set", "0", "--user", "ana", "--group", "Everyone")
    found = facts(cli, "ana")
    assert (found["limit"], found["set for"]) == ("$0.00", "this user")
    assert found["charged to"] == "Everyone"
    result = cli("spend", "--user", "ana")
    assert "3 usage rows have no price" in result.stderr


@pytest.mark.usefixtures("_spent")
def test_json_is_what_the_api_answers(rows: Rows, ids: dict[str, str]) -> None:
    status = rows("spend", "--user", "ben")
    assert (status["current_spend_micros"], status["effective_group_id"]) == (20_000_000, EVERYONE)
    assert status["effective_budget"] is None
    found = rows("spend", "--by", "user", "--user", "ana")
    (part,) = found["parts"]
    assert (found["by"], part["key"], part["cost_micros"]) == ("user", ids["ana"], 1_500_001)
    assert part["unpriced_usage_count"] == 3


@pytest.mark.usefixtures("_spent")
def test_a_user_and_a_period_are_chosen(cli: Cli) -> None:
    found = table(cli("spend", "--user", "ana", "--since", "2026-01-05", *DAYS[2:]).stdout)
    assert [row[:2] for row in found[1:]] == [
        ["ana", "at least $0.000001"],
        ["total", "at least $0.000001"],
    ]
    result = cli("spend", "--until", "2026-01-05")
    assert [row[:2] for row in table(result.stdout)[1:]] == [["ana", "$1.50"], ["total", "$1.50"]]
    assert result.stderr.startswith("2026-01-01 to 2026-01-04 in UTC;")


@pytest.mark.usefixtures("_spent")
def test_an_export_is_the_file_of_the_api(cli: Cli, ids: dict[str, str], tmp_path: Path) -> None:
    result = cli("spend", "export", *DAYS)
    rows = list(csv.DictReader(StringIO(result.stdout, newline="")))
    assert [row["cost_micros"] for row in rows if row["username"] == "ben"] == ["20000000"]
    assert len(rows) == 3
    assert result.stderr.startswith("3 usage rows have no price")
    file = tmp_path / "january.csv"
    assert cli("spend", "export", "-o", str(file)).stdout == ""
    assert file.read_text() == result.stdout
    of_ben = cli("spend", "export", "--user", "BEN").stdout
    assert [row["user_id"] for row in csv.DictReader(StringIO(of_ben))] == [ids["ben"]]
    of_devs = cli("spend", "export", "--group", "devs")
    (row,) = csv.DictReader(StringIO(of_devs.stdout))
    assert (row["group_name"], row["cost_micros"]) == ("devs", "1500000")
    assert of_devs.stderr == ""


def test_focus_is_the_file_of_the_api(
    cli: Cli, database: Database, ids: dict[str, str], tmp_path: Path
) -> None:
    with database.write() as connection:
        record(connection, Call(1, 0, ids["ana"], tokens=((1, 2, 0, 0),)))
        record(connection, Call(2, 60, ids["ben"], tokens=((4, 0, 0, 0),)))
    focus = ("spend", "export", "--format", "focus", *DAYS)
    result = cli(*focus)
    rows = list(csv.DictReader(StringIO(result.stdout, newline="")))
    assert sorted(row["ConsumedQuantity"] for row in rows) == ["1", "2", "4"]
    assert {row["ChargePeriodEnd"] for row in rows} == {"2026-01-01T01:00:00Z"}
    assert result.stderr.startswith("Some usage has no price, as x_PricingStatus says")
    of_ben = cli(*focus, "--user", "ben", "--granularity", "0")
    (row,) = csv.DictReader(StringIO(of_ben.stdout))
    assert (row["x_InitiatorId"], row["x_InterceptionId"]) == (ids["ben"], uid(2))
    file = tmp_path / "january.parquet"
    assert cli("spend", "export", "--format", "focus-parquet", "-o", str(file)).stdout == ""
    assert file.read_bytes()[:4] == b"PAR1"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--user", "cleo"), 1, "aibridge: there is no user 'cleo'\n"),
        (("--user", "cleo", "--by", "day"), 1, "aibridge: there is no user 'cleo'\n"),
        (("export", "--user", "cleo"), 1, "aibridge: there is no user 'cleo'\n"),
        (("export", "--group", "ops"), 1, "aibridge: there is no group 'ops'\n"),
        (("--since", "2026-01-05", "--until", "2026-01-05"), 2, "--since has to be before"),
        (("export", "--granularity", "60"), 2, "only --format focus and focus-parquet"),
        (("export", "--format", "focus", "--granularity", "90000"), 2, "from 0 to 86400"),
        (("export", "--since", "2026-01-01", "--until", "2026-03-01"), 1, "not exceed 31 days"),
        (("--by", "users"), 2, "expected one of user, group, day, provider, model, client"),
    ],
)
def test_trouble_is_one_clear_line(
    cli: Cli, arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = cli("spend", *arguments)
    assert (result.exit_code, "Traceback" in result.output) == (code, False)
    assert message in " ".join(result.stderr.split("  "))


def test_the_word_show_is_left_out_before_options_alone(cli: Cli) -> None:
    assert "Commands:" in cli("spend", "-h").stdout
    assert "--by" in cli("spend", "--by", "day", "-h").stdout
    assert "No such command" in cli("spend", "nonsense").stderr


def test_spend_is_read_of_a_bridge_elsewhere_too(bare_cli: Cli, remote: Remote) -> None:
    with remote.database.write() as connection:
        ben = new_user(connection, "ben")
        ana = user_by_name(connection, "ana")
        assert ana is not None
        use(connection, Used(0, ben.id, 5_000_000), Used(0, ana.id, 7_000_000))
    result = bare_cli("spend", **remote.environ)
    assert [row[:2] for row in table(result.stdout)[1:]] == [
        ["ana", "$7.00"],
        ["ben", "$5.00"],
        ["total", "$12.00"],
    ]
    mine = bare_cli("spend", "--user", "me", **remote.environ)
    assert mine.stdout.splitlines()[0].split() == ["spent", "$7.00"]


def test_what_caches_saved_is_shown_with_the_reasons_of_misses(
    cli: Cli, database: Database, ids: dict[str, str]
) -> None:
    with database.write() as connection:
        record_cached(connection, ids["ana"], ids["ben"])
    result = cli("spend", "cache", "--by", "client", *DAYS)
    titles, *rows = table(result.stdout)
    assert titles[:4] == ["CLIENT", "MISSES COST", "MISSED", "SAVED"]
    *parts, total = ["  ".join(row) for row in rows]
    reasons = "expired $0.003795, unknown $0.000135"
    assert total == f"total  $0.00393  1,150  $0.0027  $0.0018  $0.0009  1,000  6  {reasons}"
    assert parts == [
        "Claude Code  $0.003795  1,100  $0.0027  $0.001725  $0.000975  1,000  4  expired $0.003795",
        "Codex  $0.000135  50  $0.00  $0.000075  -$0.000075  0  2  unknown $0.000135",
    ]
    assert "2026-01-01 to 2026-01-31 in UTC" in result.stderr
    (one,) = table(cli("spend", "cache", "--user", "ben").stdout)[1:-1]
    assert one[:3] == ["t", "ben", "$0.000135"]
