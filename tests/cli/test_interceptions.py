import json
import re
from collections.abc import Callable

import pytest
from sqlalchemy import update
from typer.testing import Result

from aibridge.agents import Annotations
from aibridge.store.engine.database import Database
from aibridge.store.schema import tables as schema
from tests.builders import ANA, START, Call, add_user, record, uid

Cli = Callable[..., Result]

V7 = f"{START // 1000:012x}"
MADE = f"{V7[:8]}-{V7[8:]}-7000-8000-000000000001"
"""An id that was made when the record begins."""


class Numbered(Call):
    """An interception whose id tells its time, as those of the bridge do."""

    @property
    def id(self) -> str:
        return MADE


@pytest.fixture
def ask(cli: Cli, database: Database) -> Cli:
    with database.write() as connection:
        add_user(connection, ANA, "ana")
        record(
            connection,
            Call(1, at=1000, prompts=("hello \x1b",), tokens=((3, 4, 0, 0),), tools=("read",)),
            Call(2, at=2000, columns={"model": "opus", "client": None}),
            Numbered(3, at=1),
        )
    return lambda *arguments: cli("interceptions", *arguments)


def ids(result: Result) -> list[str]:
    return [one["id"] for one in json.loads(result.stdout)]


def test_json_is_an_array_of_what_the_api_lists(ask: Cli) -> None:
    assert ids(ask("list", "--json")) == [uid(2), uid(1), MADE]


def test_a_list_is_a_table(ask: Cli) -> None:
    lines = ask("list").stdout.splitlines()
    assert lines[0].split()[0] == "ID"
    assert lines[1].split()[:1] == [uid(2)]
    assert "Unknown" in lines[1]
    assert lines[2].split()[-4:] == ["3", "4", "hello", "␛"]


def test_filters_and_pages(ask: Cli) -> None:
    assert ids(ask("list", "--json", "--model", "opus", "--initiator", "ana")) == [uid(2)]
    assert ids(ask("list", "--json", "--started-before", "2026-01-01T00:00:01Z")) == [MADE]
    assert ids(ask("list", "--json", "--client", "Unknown", "--provider", "anthropic")) == [uid(2)]
    assert ids(ask("list", "--json", "--limit", "1")) == [uid(2)]
    assert ids(ask("list", "--json", "--after-id", uid(2), "--limit", "1")) == [uid(1)]
    assert ids(ask("list", "--json", "-q", "provider_name:other")) == []


@pytest.mark.parametrize("limit", ["0", "-1", "1001"])
def test_a_limit_that_is_none_is_refused_as_the_contract_says(cli: Cli, limit: str) -> None:
    result = cli("interceptions", "list", "--limit", limit, AIBRIDGE_URL="http://127.0.0.1:1")
    assert result.exit_code == 2
    assert "expected a number from 1 to 1000" in result.stderr


def test_one_is_shown(ask: Cli) -> None:
    shown = ask("show", uid(1)).stdout
    assert re.search(r"^user +ana$", shown, re.MULTILINE)
    assert re.search(r"^prompt 1 +hello", shown, re.MULTILINE)
    assert re.search(r"^tool 1 +read ", shown, re.MULTILINE)
    assert re.search(r"^tokens +3 in, 4 out$", shown, re.MULTILINE)
    assert "\x1b" not in shown
    assert json.loads(ask("show", uid(1), "--json").stdout)["id"] == uid(1)


def test_one_is_shown_with_what_it_was_for(ask: Cli, database: Database) -> None:
    said = Annotations("acme/shop", "main", ("https://x/1", "https://x/2"), ("ENG-1",))
    with database.write() as connection:
        record(connection, Call(7, at=7, session="other", annotations=said))
    shown = ask("show", uid(7)).stdout
    assert re.search(r"^repo +acme/shop$", shown, re.MULTILINE)
    assert re.search(r"^branch +main$", shown, re.MULTILINE)
    assert re.search(r"^pull request 2 +https://x/2$", shown, re.MULTILINE)
    assert json.loads(ask("show", uid(7), "--json").stdout)["annotations"] == {
        "repo": "acme/shop",
        "branch": "main",
        "github_pr_urls": ["https://x/1", "https://x/2"],
        "linear_issue_ids": ["ENG-1"],
    }
    assert "repo" not in ask("show", uid(1)).stdout
    assert json.loads(ask("list", "--json").stdout)[0]["annotations"]["repo"] == ""


def test_an_id_may_be_written_in_either_case(ask: Cli) -> None:
    assert json.loads(ask("show", MADE.upper(), "--json").stdout)["id"] == MADE


@pytest.fixture
def mixed(cli: Cli, database: Database) -> Cli:
    """One of the person's, one of a sub-agent whose tokens were estimated, one tried again."""
    estimated = {"estimated": True}
    with database.write() as connection:
        add_user(connection, ANA, "ana")
        record(
            connection,
            Call(1, at=1, prompts=("hello",)),
            Call(
                2,
                at=2,
                kind="subagent",
                agent_type="Explore",
                parent=1,
                prompts=("find it",),
                tokens=((3, 4, 0, 0),),
                token_metadata=estimated,
            ),
            Call(3, at=3, root=1, kind="retry", prompts=("hello",)),
        )
    return lambda *arguments: cli("interceptions", *arguments)


def test_a_list_tells_what_each_was_for(mixed: Cli) -> None:
    lines = mixed("list").stdout.splitlines()
    assert "KIND" in lines[0]
    assert [line.split("Claude Code")[1].split() for line in lines[1:]] == [
        ["retry", "completed", "0", "0", "hello"],
        ["subagent", "Explore", "completed", "~3", "~4", "find", "it"],
        ["typed", "completed", "0", "0", "hello"],
    ]


@pytest.mark.parametrize(
    ("kind", "numbers"), [("typed", [1]), ("subagent", [2]), ("retry", [3]), ("summary", [])]
)
def test_a_list_is_filtered_by_kind(mixed: Cli, kind: str, numbers: list[int]) -> None:
    assert ids(mixed("list", "--json", "--kind", kind)) == [uid(number) for number in numbers]


def test_one_is_shown_with_its_kind_and_what_its_cache_wrote(
    mixed: Cli, database: Database
) -> None:
    with database.write() as connection:
        connection.execute(
            update(schema.token_usages).values(
                cache_write_5m_input_tokens=7, cache_write_1h_input_tokens=9
            )
        )
    shown = mixed("show", uid(2)).stdout
    assert re.search(r"^kind +subagent Explore$", shown, re.MULTILINE)
    assert re.search(r"^prompt 1 +\(subagent\) find it$", shown, re.MULTILINE)
    assert re.search(r"^tokens +~3 in, ~4 out$", shown, re.MULTILINE)
    assert re.search(r"^cache writes +7 for 5m, 9 for 1h$", shown, re.MULTILINE)


@pytest.mark.parametrize("wanted", ["nonsense", uid(9), MADE.replace("8000", "8001")])
def test_one_that_there_is_not_is_one_clear_line(ask: Cli, wanted: str) -> None:
    result = ask("show", wanted)
    assert result.exit_code == 1
    assert result.stderr == f"aibridge: there is no interception {wanted!r}\n"
