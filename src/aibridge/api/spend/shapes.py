"""Sums of usage to the fields of the contract's models."""

from collections.abc import Iterable
from typing import Any

from aibridge.budgets.periods import Period
from aibridge.ids import moment
from aibridge.store.usage.daily import Usage


def bounds(of: Period) -> dict[str, Any]:
    """Return the fields of an answer that say which period it is of."""
    return {"period_start": moment(of.start), "period_end": moment(of.end)}


def usage(used: Usage) -> dict[str, Any]:
    """Return the fields of an `AIUsage`."""
    fields = used._asdict()
    requests, unpriced = fields.pop("requests"), fields.pop("unpriced")
    return {**fields, "request_count": requests, "unpriced_usage_count": unpriced}


def total(parts: Iterable[Usage]) -> Usage:
    """Return all of these together."""
    added = Usage()
    for part in parts:
        added = added.plus(part)
    return added
