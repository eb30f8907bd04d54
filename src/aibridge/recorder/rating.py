"""Rating what a call used: each of its model runs costs what the price of its day says."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from aibridge.dialects.facts import TokenUsage, ToolCall
from aibridge.prices.billable import billable
from aibridge.prices.book import Call, PriceBook, StandIn, call_of
from aibridge.prices.cost import Cost, Priced, Unpriced, cost
from aibridge.recorder.records import End, Start, UsageCost
from aibridge.store.schema.measures import DAY
from aibridge.store.schema.rows import InterceptionRow
from aibridge.store.usage.calls import CallRow

Rateable = Start | InterceptionRow | CallRow
"""A call, as far as its price depends on it."""

BYOK = "byok"
_OWN = UsageCost(0, "")
MAX_REMEMBERED = 4096
"""Prices that are remembered: clients may name any number of models."""
MAX_UNPRICED = 256
"""Characters of what is unpriced in a usage row."""


class Rater:
    """Rates calls by a book of prices.

    ``geographies`` are those of providers by their names, where their addresses tell
    (`aibridge.prices.supplements.geography_of`).
    """

    def __init__(self, book: PriceBook, geographies: Mapping[str, str] | None = None) -> None:
        self._book = book
        self._geographies = geographies or {}
        self._found: dict[Call, tuple[StandIn, str]] = {}

    def costs(self, start: Start, end: End) -> tuple[UsageCost, ...]:
        """Return what each model run of an answer costs, in their order."""
        return self.rate(start, end.facts.usages, end.facts.tool_calls)

    def rate(
        self, asked: Rateable, usages: Sequence[TokenUsage], tools: list[ToolCall]
    ) -> tuple[UsageCost, ...]:
        """Return what each model run of a call costs, in their order.

        With a caller's own key nothing: it is charged to nobody but them.
        """
        if asked.credential_kind == BYOK:
            return (_OWN,) * len(usages)
        at = datetime.fromtimestamp(asked.started_at // DAY * DAY / 1_000_000, UTC)
        return tuple(self._costs(asked, usages, tools, at))

    def _costs(
        self, asked: Rateable, usages: Sequence[TokenUsage], tools: list[ToolCall], at: datetime
    ) -> Iterator[UsageCost]:
        geography = self._geographies.get(asked.provider_name, "")
        for usage in usages:
            call = call_of(usage.metadata, asked.provider, asked.model, at, geography)
            yield self._cost(call, usage, tools)
            tools = []  # those that a provider runs count once, with the first run

    def _cost(self, call: Call, usage: TokenUsage, tools: list[ToolCall]) -> UsageCost:
        found, text = self._found.get(call) or self._find(call)
        if found.price is None:
            return _told(Unpriced(found.missing), text)
        return _told(cost(billable(usage, tools, found.missing), found.price), text)

    def _find(self, call: Call) -> tuple[StandIn, str]:
        if len(self._found) >= MAX_REMEMBERED:
            self._found.clear()
        price = self._book.find_or_stand_in(call)
        text = price.price.encode().decode() if price.price else ""
        found = self._found[call] = price, text
        return found


def _told(found: Cost, price: str) -> UsageCost:
    if isinstance(found, Priced):
        return UsageCost(found.micros, "", price)
    return UsageCost(found.at_least, ", ".join(found.parts)[:MAX_UNPRICED], price)
