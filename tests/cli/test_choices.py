"""The lists of what the record can be looked for by."""

import pytest

from aibridge.cli import choices
from aibridge.store.engine.database import Database
from tests.builders import Call, record
from tests.cli.conftest import Cli, Rows

MODELS = ("haiku", "opus", "sonnet")


@pytest.fixture(autouse=True)
def _filled(database: Database) -> None:
    with database.write() as connection:
        record(connection, *(Call(n, at=n, columns={"model": one}) for n, one in enumerate(MODELS)))


def test_providers_are_listed_with_their_types(cli: Cli, rows: Rows) -> None:
    lines = cli("providers", "list").stdout.splitlines()
    assert lines[0].split() == ["NAME", "TYPE"]
    assert ["openai", "openai"] in [line.split() for line in lines]
    assert {"name": "openai", "type": "openai"}.items() <= rows("providers", "list")[-1].items()


@pytest.mark.parametrize("page", [1, 2, 1000])
def test_models_are_listed_from_all_pages(
    cli: Cli, rows: Rows, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(choices, "MOST", page)
    assert cli("models", "list").stdout.splitlines() == ["MODEL", *MODELS]
    assert rows("models", "list", "--search", "so") == ["sonnet"]


def test_clients_are_listed(cli: Cli, rows: Rows) -> None:
    assert cli("clients", "list").stdout.splitlines() == ["CLIENT", "Claude Code"]
    assert rows("clients", "list", "-q", "x") == []
