"""The parts of a usage row, one for each type of token, with exact costs; pure.

A cost is in millionths of a micro-dollar (twelve decimals of a dollar). Together the parts of a
row cost what its own cost is before that is rounded up to the micro-dollar: less by under a
micro-dollar a row.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from aibridge.prices.billable import billable
from aibridge.prices.cost import PERCENT, Billable, Part, Priced, cost, parts
from aibridge.prices.rates import MILLION, Price
from aibridge.recorder.rating import BYOK
from aibridge.recorder.restoring import read_tool, read_usage
from aibridge.store.schema.rows import TokenUsageRow, unpriced_rows
from aibridge.store.usage.calls import CallRow, ToolRow

OTHER = "other"
"""The type of what is no count of tokens: a cost or usage that the counted parts do not explain."""
NO_RATE = -1


class Status(StrEnum):
    """What is known of a cost."""

    PRICED = "priced"
    PARTIAL = "partial"
    """It has a price, and something else in its usage row has none."""
    UNPRICED = "unpriced"
    NOT_CHARGED = "not_charged"
    """It was made with a key of the caller's own."""


class UsedPart(NamedTuple):
    """What a usage row has of one type of token; ``picos`` are millionths of a micro-dollar.

    ``rate`` is what a million cost, in hundredths of a micro-dollar, or `NO_RATE`. ``sku`` and
    ``sku_price`` name what is charged, and the price of it that held.
    """

    token_type: str
    status: Status
    rate: int
    sku: str
    sku_price: str
    number: int = 0
    picos: int = 0


def used_parts(
    call: CallRow, usage: TokenUsageRow, price: Price | None, tools: Sequence[ToolRow]
) -> list[UsedPart]:
    """Return the parts of a usage row at the price that it keeps.

    ``tools`` are the calls of the provider's own tools, for the first row of a call only.
    """
    found = billable(read_usage(usage), map(read_tool, tools))
    its_parts = list(_rated(found, price))
    model = price.model if price else f"{call.provider}/{call.model}"
    told = list(_told(call, usage, price, its_parts, model))
    rest = usage.cost_micros * MILLION - sum(part.picos for part in told)
    is_rounding = 0 <= rest < MILLION
    if not is_rounding or (unpriced_rows(usage.unpriced) > 0 and found.unknown):
        status = Status.UNPRICED if is_rounding else _status(call, usage)
        sku = f"{model}/{OTHER}"
        told.append(UsedPart(OTHER, status, NO_RATE, sku, sku, 0, 0 if is_rounding else rest))
    return told


def _rated(found: Billable, price: Price | None) -> Iterable[Part]:
    """Return the parts with their rates; with none where nobody believes what they would cost."""
    unrated = [Part(unit, count, None) for unit, count in found.counts.items()]
    if price is None:
        return unrated
    rated, known = list(parts(found, price)), cost(found, price)
    micros = known.micros if isinstance(known, Priced) else known.at_least
    total = sum(part.number * (part.rate or 0) for part in rated)
    return rated if micros == -(-total // (MILLION * PERCENT)) else unrated


def _told(
    call: CallRow, usage: TokenUsageRow, price: Price | None, its_parts: Iterable[Part], model: str
) -> Iterator[UsedPart]:
    """Yield the parts that are not zero.

    Geographies make a cost finer than twelve decimals: it is the sum so far that is rounded up, so
    that the parts add up to the whole.
    """
    exact = 0
    for part in its_parts:
        if not part.number:
            continue
        sku = f"{model}/{part.unit}"
        if part.rate is None or call.credential_kind == BYOK:
            status = Status.NOT_CHARGED if call.credential_kind == BYOK else Status.UNPRICED
            yield UsedPart(part.unit, status, NO_RATE, sku, sku, part.number)
            continue
        before, exact = exact, exact + part.number * part.rate
        picos = _rounded_up(exact) - _rounded_up(before)
        named = _sku_price(sku, part, price)
        yield UsedPart(part.unit, _status(call, usage), part.rate, sku, named, part.number, picos)


def _rounded_up(hundredths: int) -> int:
    return -(-hundredths // PERCENT)


def _status(call: CallRow, usage: TokenUsageRow) -> Status:
    if call.credential_kind == BYOK:
        return Status.NOT_CHARGED
    return Status.PARTIAL if unpriced_rows(usage.unpriced) > 0 else Status.PRICED


def _sku_price(sku: str, part: Part, price: Price | None) -> str:
    """Return the name of a price: it is the same whatever the price is at the time."""
    condition, percent = (price.condition, price.percent) if price else ("", PERCENT)
    tier = f"above-{part.above}" if part.above else ""
    geography = f"{percent}-percent" if percent != PERCENT else ""
    return "/".join(filter(None, (sku, condition, tier, geography)))
