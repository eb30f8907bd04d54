"""``aibridge db rerate``: usage is rated anew at the prices of now."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import Result

from aibridge.prices import installed
from aibridge.prices.custom import CustomPrice
from aibridge.recorder.pending import Pending
from aibridge.store.engine.database import Database
from aibridge.store.schema import tables as schema
from aibridge.store.transfer.checking import disagreements
from aibridge.store.usage import model_prices
from tests.keeper.journals import CATALOGUE
from tests.recorder.facts import end, start
from tests.recorder.writing import write

Cli = Callable[..., Result]
Rows = Callable[..., Any]

RERATE = ("db", "rerate", "--since", "1d")


@pytest.fixture(autouse=True)
def _recorded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that was never rated, of a model that has a price by now; no process makes lists."""
    monkeypatch.setattr(installed, "installed_catalogue", lambda _: CATALOGUE)
    write(database, Pending(start(), end()))
    with database.write() as connection:
        price = CustomPrice("anthropic", "m-1", 1_000_000, 500_000, 0, 2_000_000)
        model_prices.put_prices(connection, [price])


def audited(database: Database) -> list[tuple[str, ...]]:
    c = schema.audit_log.c
    with database.read() as connection:
        assert list(disagreements(connection)) == []
        columns = (c.actor_username, c.action, c.resource_type, c.description)
        return [tuple(row) for row in connection.execute(select(*columns))]


def test_it_says_what_came_of_it_and_so_does_the_audit_log(cli: Cli, database: Database) -> None:
    said = "Looked at 1 usage row. Would correct: 1, together by $0.00001.\n"
    assert cli(*RERATE, "--dry-run").stdout == said
    assert audited(database) == []
    result = cli(*RERATE, "--until", "2100-01-01", "--provider", "anthropic", "--unpriced")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "Looked at 1 usage row. Corrected: 1, together by $0.00001.\n"
    ((who, action, resource, description),) = audited(database)
    assert (who, action, resource) == ("operator", "write", "ai_model_price")
    assert description.startswith("rated usage anew, unpriced at anthropic from 20")
    assert description.endswith("to 2100-01-01T00:00:00Z: corrected 1 usage row, by $0.00001")
    assert cli(*RERATE).stdout == "Looked at 1 usage row. Corrected: 0, together by $0.00.\n"
    assert len(audited(database)) == 1


def test_as_json_only_what_is_asked_for(rows: Rows) -> None:
    arguments = (*RERATE[:3], "2026-01-01", "--until", "2100-01-01", "--dry-run")
    expected = {
        "since": "2026-01-01T00:00:00Z",
        "until": "2100-01-01T00:00:00Z",
        "dry_run": True,
        "usage_rows": 1,
        "corrections": 1,
        "cost_micros": 10,
    }
    assert rows(*arguments, "--model", "m-1") == expected
    nothing = {"usage_rows": 0, "corrections": 0, "cost_micros": 0}
    assert rows(*arguments, "--model", "m-2") == expected | nothing
    assert rows(*arguments, "--provider", "openai") == expected | nothing
