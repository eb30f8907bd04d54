"""A provider's report beside the record, as a person and a program read it."""

import json
from pathlib import Path
from typing import Any

import pytest

from aibridge.store.engine.database import Database
from tests.builders import Call, Used, record, uid, use
from tests.cli.conftest import MEMBER, USER_ADMIN, Cli, Remote
from tests.cli.test_spend import table
from tests.reconciling.samples import anthropic, cents, tokens, written


@pytest.fixture
def _used(database: Database) -> None:
    with database.write() as connection:
        use(
            connection,
            Used(0, cost=1_500_000, model="claude-opus-5-5", tokens=(10, 20, 5, 7)),
            Used(0, cost=2_000_000, model="claude-opus-5-5", initiator=uid(5), requests=3),
            Used(0, cost=30, model="claude-haiku-5", provider_name="other"),
            Used(0, cost=999, model="gpt-5.2", provider="openai"),
            Used(1, cost=40, model="claude-haiku-5", unpriced=2),
            Used(5, cost=50, model="claude-haiku-5"),
        )


COSTS = anthropic(
    ("2026-01-01", [cents("349.9999", "claude-opus-5-5-20261007"), cents("1", None)]),
    ("2026-01-02", [cents("0.5", "claude-haiku-5"), cents("2", "claude-sonnet-5")]),
)


def saved(folder: Path, page: Any) -> str:
    file = folder / "report.json"
    file.write_bytes(written(page))
    return str(file)


@pytest.mark.usefixtures("_used")
def test_a_report_of_costs_is_shown_beside_the_record_with_reasons(
    cli: Cli, tmp_path: Path
) -> None:
    file = saved(tmp_path, COSTS)
    result = cli("spend", "reconcile", file)
    assert result.exit_code == 1
    day, next_day = "2026-01-01", "2026-01-02"
    assert table(result.stdout) == [
        ["DAY", "MODEL", "PROVIDER", "RECORD", "DIFFERENCE", "REASON"],
        [
            *(day, "claude-haiku-5", "-", "$0.00003", "$0.00003"),
            "only with us: the provider's report has none of it",
        ],
        [
            *(day, "claude-opus-5-5", "$3.499999", "$3.50", "$0.000001"),
            "rounding: up to a micro-dollar a usage row",
        ],
        [
            *(day, "Web Search Usage", "$0.01", "-", "-$0.01"),
            "of no model: the record has it in the cost of models",
        ],
        [
            *(next_day, "claude-haiku-5", "$0.005", "$0.00004", "-$0.00496"),
            "2 usage rows of ours have a part without a price",
        ],
        [
            *(next_day, "claude-sonnet-5", "$0.02", "-", "-$0.02"),
            "only at the provider: calls that went past the bridge",
        ],
        ["total", "$3.534999", "$3.50007", "-$0.034929"],
    ]
    assert result.stderr == (
        "anthropic costs, 2026-01-01 to 2026-01-02 in UTC: the sums differ by more than 0.5 %.\n"
    )
    assert cli("spend", "reconcile", file, "--tolerance", "1").exit_code == 0
    of_other = cli("spend", "reconcile", file, "--provider", "other", "--json")
    found = json.loads(of_other.stdout)
    assert next((one["model"], one["record"]) for one in found["lines"]) == (
        "claude-haiku-5",
        {
            "cost_micros": 30,
            "request_count": 1,
            "unpriced_usage_count": 0,
            "estimated_call_count": 0,
        },
    )
    assert found["totals"]["record"] == {"cost_micros": 30}
    assert not found["within_tolerance"]


@pytest.mark.usefixtures("_used")
def test_a_report_of_usage_is_compared_by_sorts_of_tokens(cli: Cli, tmp_path: Path) -> None:
    file = saved(tmp_path, anthropic(("2026-01-01", [tokens("claude-opus-5-5", 10, 21)])))
    result = cli("spend", "reconcile", file, "--tolerance", "5")
    assert [row[2:6] for row in table(result.stdout)[1:5]] == [
        ["input", "10", "10", "0"],
        ["output", "21", "20", "-1"],
        ["cache read", "5", "5", "0"],
        ["cache write", "7", "7", "0"],
    ]
    assert result.exit_code == 0
    assert "the sums agree within 5 %" in result.stderr


def test_calls_whose_tokens_are_estimated_are_told(
    cli: Cli, database: Database, tmp_path: Path
) -> None:
    of: dict[str, Any] = {"tokens": ((1, 2, 0, 0),), "token_metadata": {"estimated": True}}
    opus = {"model": "claude-opus-5-5"}
    with database.write() as connection:
        record(
            connection,
            *(Call(number, **of, columns=opus) for number in (1, 2)),
            Call(3, **of, columns={**opus, "provider": "openai", "provider_name": "o"}),
        )
    file = saved(tmp_path, anthropic(("2026-01-01", [tokens("claude-opus-5-5", 10, 25)])))
    result = cli("spend", "reconcile", file)
    assert table(result.stdout)[1][-1] == "the tokens of 2 calls of ours are estimated"


def test_who_may_not_read_all_spending_compares_nothing(
    bare_cli: Cli, remote: Remote, tmp_path: Path
) -> None:
    def run(token: str) -> Any:
        environ = remote.environ | {"AIBRIDGE_TOKEN": token}
        return bare_cli("spend", "reconcile", saved(tmp_path, COSTS), **environ)

    refused = run(MEMBER)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "It tells of all users" in refused.stderr
    assert "the sums differ" in run(USER_ADMIN).stderr


def test_what_cannot_be_compared_is_one_clear_line(cli: Cli, tmp_path: Path) -> None:
    missing = cli("spend", "reconcile", str(tmp_path / "none.json"))
    assert missing.stderr.startswith("aibridge: cannot read ")
    file = saved(tmp_path, anthropic(("2026-01-01", [{"amount": "much"}])))
    wrong = cli("spend", "reconcile", file)
    assert (wrong.exit_code, "report.json: page 1.data.0.results.0.amount:" in wrong.stderr) == (
        1,
        True,
    )
    bad = cli("spend", "reconcile", file, "--tolerance", "101")
    assert (bad.exit_code, "expected a percentage from 0 to 100" in bad.stderr) == (2, True)
