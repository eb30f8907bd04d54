"""The webhook of budgets, told over a real connection."""

import asyncio
import hashlib
import hmac
import json

import httpx
import pytest

from aibridge.keeper import webhook
from aibridge.keeper.webhook import Webhook, tell
from aibridge.store.engine.database import Database
from aibridge.store.schema.accounts import USER, AccountName
from aibridge.store.schema.tables import budget_events
from aibridge.store.usage.budget_events import Reached, add
from tests.builders import ANA, DAY, START, add_user
from tests.wire import Wire

OK = b"HTTP/1.1 204 No Content\r\n\r\n"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
REACHED = Reached(AccountName(USER, ANA).text, "day", START, START + DAY, 100, 85, 90)


@pytest.fixture
def reached(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setattr(webhook, "now", lambda: START + 5)
    with database.write() as connection:
        add_user(connection, ANA, "ana")
        assert add(connection, REACHED, START, is_told=True)
    return database


def told(database: Database, wire: Wire, times: int = 1) -> list[bytes]:
    """Tell the webhook so often; return what it was sent."""

    async def telling() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            for _ in range(times):
                await tell(database, Webhook(f"{wire.url}/hook", "a key"), client)

    asyncio.run(telling())
    return [request.body for request in wire.requests]


def test_what_is_reached_is_told_once_and_signed(wire: Wire, reached: Database) -> None:
    wire.always(OK)
    (body,) = told(reached, wire, 3)
    (request,) = wire.requests
    signature = "sha256=" + hmac.new(b"a key", body, hashlib.sha256).hexdigest()
    assert request.values(b"X-AI-Bridge-Signature") == [signature.encode()]
    assert json.loads(body) == {
        "id": json.loads(body)["id"],
        "type": "budget.threshold_reached",
        "at": "2026-01-01T00:00:00Z",
        "subject": {"type": "user", "id": ANA, "name": "ana"},
        "threshold_percent": 85,
        "spent_micros": 90,
        "spend_limit_micros": 100,
        "period": "day",
        "period_start": "2026-01-01T00:00:00Z",
        "period_end": "2026-01-02T00:00:00Z",
    }


def test_what_the_webhook_does_not_take_is_told_again_later(
    wire: Wire, reached: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.always(BUSY)
    assert len(told(reached, wire, 2)) == 1
    later = START + 5 + webhook._FIRST_PAUSE
    monkeypatch.setattr(webhook, "now", lambda: later)
    assert len(told(reached, wire, 2)) == 2
    monkeypatch.setattr(webhook, "now", lambda: later + 2 * webhook._FIRST_PAUSE - 1)
    assert len(told(reached, wire)) == 2


def test_a_webhook_that_never_takes_it_is_given_up(
    wire: Wire, reached: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.always(BUSY)
    for day in range(webhook.MOST_ATTEMPTS + 2):
        monkeypatch.setattr(webhook, "now", lambda day=day: START + (day + 1) * DAY)
        told(reached, wire)
    assert len(wire.requests) == webhook.MOST_ATTEMPTS
    with reached.read() as connection:
        assert (
            connection.scalar(budget_events.select().with_only_columns(budget_events.c.next_at))
            is None
        )
