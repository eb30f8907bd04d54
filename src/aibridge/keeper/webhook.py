"""Telling a webhook which parts of limits are spent: each at least once, until it is taken."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx
import structlog

from aibridge.budgets.thresholds import subject_name
from aibridge.contract.words import CapPeriod, rfc3339
from aibridge.ids import moment, now
from aibridge.store.engine.database import Database
from aibridge.store.engine.errors import DRIVER_ERRORS, said
from aibridge.store.schema.accounts import parse_name
from aibridge.store.usage import budget_events
from aibridge.store.usage.budget_events import BudgetEvent

LOOK_SECONDS = 5.0
"""How often it is looked for what is to be told."""
TIMEOUT_SECONDS = 10.0
MOST_ATTEMPTS = 12
"""How often the webhook is tried, after 10 seconds, 20, 40 and so on: half a day in all."""
LOCK_SECONDS = 1.0
SIGNATURE = "X-AI-Bridge-Signature"
_MOST = 20
_FIRST_PAUSE = 10_000_000

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Webhook:
    """Whom to tell, and the key that what is told is signed with, empty for none."""

    url: str = field(repr=False)
    key: str = field(repr=False)


async def tell_regularly(database: Database, webhook: Webhook) -> None:
    """Tell the webhook what is to be told, until cancelled."""
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await tell(database, webhook, client)
            except DRIVER_ERRORS as error:
                _log.warning("webhook_waits_for_database", error=said(error))


async def tell(database: Database, webhook: Webhook, client: httpx.AsyncClient) -> None:
    """Tell the webhook what is due. What it does not take with a status of 2xx is due again."""
    for event, content in await asyncio.to_thread(_claim, database):
        trouble = await _post(webhook, client, content)
        if trouble and event.attempts < MOST_ATTEMPTS:
            _log.warning("webhook_failed", id=event.id, error=trouble)
            continue  # it is tried again when the claim ends
        if trouble:
            _log.error("webhook_given_up", id=event.id, error=trouble)
        await asyncio.to_thread(_done, database, event.id)


def _claim(database: Database) -> Sequence[tuple[BudgetEvent, bytes]]:
    with database.write_beside(lock_seconds=LOCK_SECONDS) as connection:
        events = budget_events.claim(connection, now(), _FIRST_PAUSE, _MOST)
        return [
            (event, _content(event, subject_name(connection, parse_name(event.reached.account))))
            for event in events
        ]


def _done(database: Database, id_: str) -> None:
    with database.write_beside(lock_seconds=LOCK_SECONDS) as connection:
        budget_events.end(connection, id_)


def _content(event: BudgetEvent, name: str) -> bytes:
    reached = event.reached
    account = parse_name(reached.account)
    is_total = reached.period == CapPeriod.TOTAL
    start, end = reached.period_start, reached.period_end
    return json.dumps(
        {
            "id": event.id,
            "type": "budget.threshold_reached",
            "at": rfc3339(moment(event.at)),
            "subject": {"type": account.kind, "id": account.id, "name": name},
            "threshold_percent": reached.threshold,
            "spent_micros": reached.spent_micros,
            "spend_limit_micros": reached.spend_limit_micros,
            "period": reached.period,
            "period_start": None if is_total else rfc3339(moment(start)),
            "period_end": None if is_total else rfc3339(moment(end)),
        }
    ).encode()


async def _post(webhook: Webhook, client: httpx.AsyncClient, content: bytes) -> str:
    """Send an event; return what is wrong, nothing where it was taken."""
    headers = {"content-type": "application/json", "user-agent": "aibridge"}
    if webhook.key:
        digest = hmac.new(webhook.key.encode(), content, hashlib.sha256).hexdigest()
        headers[SIGNATURE] = f"sha256={digest}"
    try:
        async with client.stream("POST", webhook.url, content=content, headers=headers) as answer:
            return "" if answer.is_success else f"status {answer.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return type(error).__name__
