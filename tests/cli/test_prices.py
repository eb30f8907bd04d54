import json
import re
from pathlib import Path
from typing import Any

import pytest

from aibridge.cli.prices import UNKNOWN
from tests.cli.conftest import USER_ADMIN, Cli, Remote, Rows
from tests.terminal import on_terminal

OPTIONS = ("--input", "--output", "--cache-read", "--cache-write")


def amounts(*texts: str) -> list[str]:
    """Return the four options that are needed, each with its amount."""
    return [word for pair in zip(OPTIONS, texts, strict=True) for word in pair]


AMOUNTS = amounts("3.60", "$18", "0.000001", "4.5")
OPUS = {
    "provider": "anthropic",
    "model": "Opus",
    "input_price": 3_600_000,
    "output_price": 18_000_000,
    "cache_read_price": 1,
    "cache_write_price": 4_500_000,
}
NO_LIFETIMES = {"cache_write_1h_price": None, "cache_write_12h_price": None}


def custom(rows: Rows) -> list[dict[str, Any]]:
    found = rows("prices", "list", "--source", "custom")
    return [{key: one[key] for key in one if key != "updated_at"} for one in found]


def test_a_price_is_set_in_dollars_shown_and_removed(cli: Cli, rows: Rows) -> None:
    result = cli("prices", "set", "anthropic", "Opus", *AMOUNTS)
    assert result.stdout == (
        "Opus of anthropic costs, a million tokens: input $3.60, output $18.00, "
        "cache read $0.000001, cache write $4.50.\n"
    )
    assert custom(rows) == [{**OPUS, **NO_LIFETIMES, "source": "custom"}]
    result = cli("prices", "remove", "anthropic", "opus", "--yes")
    assert result.stdout == "Removed the custom price of opus of anthropic.\n"
    assert custom(rows) == []
    result = cli("prices", "remove", "anthropic", "opus", "--yes")
    assert (result.exit_code, result.stderr) == (
        1,
        "aibridge: there is no custom price of 'anthropic/opus'\n",
    )


def test_unknown_is_not_zero_and_lifetimes_have_prices_of_their_own(rows: Rows) -> None:
    four = amounts("0", UNKNOWN, UNKNOWN, "1")
    lifetimes = ("--cache-write-1h", "1.6", "--cache-write-12h", "0")
    found = rows("prices", "set", "openai-compat", "our-llama", *four, *lifetimes)
    del found["updated_at"]
    assert found == {
        "provider": "openai-compat",
        "model": "our-llama",
        "source": "custom",
        "input_price": 0,
        "output_price": None,
        "cache_read_price": None,
        "cache_write_price": 1_000_000,
        "cache_write_1h_price": 1_600_000,
        "cache_write_12h_price": 0,
    }


def test_a_list_has_dollars_and_says_what_is_unknown(cli: Cli) -> None:
    four = amounts("0", UNKNOWN, "0.5", "1")
    cli("prices", "set", "openai-compat", "our-llama", *four, "--cache-write-1h", "1.6")
    titles, row = cli("prices", "list", "--source", "custom").stdout.splitlines()
    cells = "openai-compat our-llama custom $0.00 unknown $0.50 $1.00 $1.60 $1.00"
    assert " ".join(row.split()[:-1]) == cells
    assert titles.split()[:3] == ["PROVIDER", "MODEL", "SOURCE"]


def test_default_prices_stand_beside_custom_ones(cli: Cli, rows: Rows) -> None:
    where = ("--provider", "anthropic", "--model", "claude-opus-5-5")
    cli("prices", "set", "anthropic", "claude-opus-5-5", *AMOUNTS)
    mine, default = rows("prices", "list", *where)
    assert (mine["source"], default["source"]) == ("custom", "default")
    assert default["updated_at"] is None
    assert [one["source"] for one in rows("prices", "list", *where, "--source", "default")] == [
        "default"
    ]
    assert custom(rows)[0]["input_price"] == mine["input_price"] == 3_600_000


def test_the_prices_of_a_file_are_set_all_together_or_not_at_all(
    cli: Cli, rows: Rows, tmp_path: Path
) -> None:
    file = tmp_path / "prices.json"
    file.write_text(json.dumps({"prices": [OPUS, {**OPUS, "provider": "openai"}]}))
    assert cli("prices", "import", str(file)).stdout == "Set 2 custom prices.\n"
    assert [one["provider"] for one in custom(rows)] == ["anthropic", "openai"]
    changed = {**OPUS, "model": "opus", "input_price": 5}
    file.write_text(json.dumps({"prices": [changed]}))
    (found,) = rows("prices", "import", str(file))
    assert (found["model"], found["input_price"]) == ("opus", 5)
    file.write_text(json.dumps({"prices": [OPUS, {**OPUS, "model": "m", "provider": "x"}]}))
    result = cli("prices", "import", str(file))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "prices.1.provider: expected one of anthropic, " in result.stderr
    assert custom(rows)[0]["input_price"] == 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON: "),
        ("[]", 'expected an object with a list of prices and nothing else: {"prices": […]}'),
        ('{"prices": {}}', "expected an object with a list of prices"),
        ('{"prices": [], "more": 1}', "expected an object with a list of prices"),
        ('{"prices": []}', "prices: there must be at least one price"),
        ('{"prices": [5]}', "prices: expected a "),
        ('{"prices": [{"provider": "openai"}]}', "prices.0.model: it is needed"),
        (json.dumps({"prices": [{**OPUS, "input_price": 3.6}]}), "prices.0.input_price: expected"),
    ],
)
def test_a_file_that_cannot_be_taken_is_one_clear_line(
    cli: Cli, tmp_path: Path, content: str, message: str
) -> None:
    file = tmp_path / "prices.json"
    file.write_text(content)
    result = cli("prices", "import", str(file))
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert message in result.stderr


def test_a_file_that_is_not_there_is_one_clear_line(cli: Cli) -> None:
    result = cli("prices", "import", "none.json")
    assert result.stderr == "aibridge: cannot read none.json: No such file or directory\n"
    assert result.exit_code == 1


SET = ("prices", "set", "anthropic", "opus")
REST = amounts("1", "1", "1", "1")[2:]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((*SET, *REST), 2, "Missing option '--input'"),
        ((*SET, "--input", "3.6000001", *REST), 2, "expected dollars such as 12.50"),
        ((*SET, "--input", "-1", *REST), 2, "expected dollars"),
        ((*SET, "--input", "1e3", *REST), 2, "expected dollars"),
        ((*SET, "--input", "null", *REST), 2, "expected dollars"),
        ((*SET, "--input", "1000001", *REST), 2, "expected $1,000,000.00 at most"),
        ((*SET, "--input", "1", *REST, "--cache-write-1h", UNKNOWN), 2, "expected dollars"),
        (("prices", "set", "bedrok", "m", "--input", "1", *REST), 1, "expected one of anthropic,"),
        (("prices", "list", "--provider", "bedrok"), 1, '"bedrok" is none of anthropic, '),
        (("prices", "list", "--source", "shipped"), 2, "expected one of default, custom, all"),
    ],
)
def test_trouble_is_one_clear_line(
    cli: Cli, arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = cli(*arguments)
    assert (result.exit_code, "Traceback" in result.output) == (code, False)
    assert message in " ".join(result.stderr.split())


def test_all_four_unknown_is_no_price(cli: Cli) -> None:
    result = cli(*SET, *amounts(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "at least one price must be known" in result.stderr


def test_a_user_admin_sees_prices_and_sets_none(cli: Cli, remote: Remote) -> None:
    as_admin = {**remote.environ, "AIBRIDGE_TOKEN": USER_ADMIN}
    assert cli("prices", "list", **as_admin).exit_code == 0
    result = cli(*SET, "--input", "1", *REST, **as_admin)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "do not have access" in result.stderr
    assert cli(*SET, "--input", "1", *REST, **remote.environ).exit_code == 0


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_narrow_terminal_has_the_model_and_what_in_and_output_cost(
    cli: Cli, tmp_path: Path
) -> None:
    cli(*SET, *AMOUNTS)
    shown = on_terminal(["prices", "list", "--source", "custom"], tmp_path, columns=60)
    titles = shown.lines[0].split()
    assert titles[:5] == ["PROVIDER", "MODEL", "SOURCE", "INPUT", "OUTPUT"]
    assert max(map(len, shown.lines)) <= 60


def without_times(text: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", text)


def test_the_commands_of_the_page_on_prices_do_what_it_shows(cli: Cli) -> None:
    page = (Path(__file__).parents[2] / "docs" / "prices.md").read_text()
    block = page.partition("```console\n$ ")[2].partition("```")[0]
    shown = dict(part.split("\n", 1) for part in block.split("\n$ "))
    assert len(shown) == 3
    for command, text in shown.items():
        words = command.removeprefix("aibridge ").split()
        printed = without_times(cli(*words).stdout)
        assert printed == without_times(f"{text.rstrip()}\n")
