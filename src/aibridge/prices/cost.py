"""The cost of what was used at a price: exact, in integers, rounded once.

A cost is rounded up to the next micro-dollar, once for a usage row. So the sum of a record is never
below what the provider charges and at most a micro-dollar a row above it, and what was used at a
price never costs nothing.
"""

from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct

from aibridge.prices.rates import CALLS, MILLION, OUTPUTS, Price, Unit

MAX_COUNT = 10**12
"""Tokens or calls of one unit beyond which nobody believes a usage row."""

MAX_MICROS = 10**13
"""Ten million dollars, beyond which nobody believes the cost of one."""

PERCENT = 100
_BESIDE_PROMPT = OUTPUTS | CALLS


class Billable(Struct, frozen=True):
    """What of a usage row is charged: how many of each unit.

    ``unknown`` names what else the provider may charge for, as far as the row tells of it, and
    for which there is no unit.
    """

    counts: dict[Unit, int]
    unknown: tuple[str, ...] = ()

    @property
    def prompt(self) -> int:
        """All tokens of the prompt, cached or not: they decide which tier of a rate holds."""
        return sum([count for unit, count in self.counts.items() if unit not in _BESIDE_PROMPT])


class Priced(Struct, frozen=True, tag="priced"):
    """A known cost."""

    micros: int


class Unpriced(Struct, frozen=True, tag="unpriced"):
    """A cost that is not known, which is not zero.

    ``parts`` says what has no price, such as ``cache_write_12h`` or ``service tier scale``;
    ``at_least`` is what all other parts cost.
    """

    parts: tuple[str, ...]
    at_least: int = 0


Cost = Priced | Unpriced


class Part(NamedTuple):
    """How many of a unit were used, and what a million of them cost.

    ``rate`` is in hundredths of a micro-dollar, in which the percent of a geography is whole;
    ``None`` where nobody says. ``above`` is the number of tokens of the prompt above which the rate
    holds.
    """

    unit: Unit
    number: int
    rate: int | None
    above: int = 0


def parts(billable: Billable, price: Price) -> Iterator[Part]:
    """Yield what of a usage row is charged, unit by unit, each at its own rate."""
    prompt = billable.prompt
    for unit, count in billable.counts.items():
        rate = price.rate(unit)
        if rate is None:
            yield Part(unit, count, None)
            continue
        percent = PERCENT if unit in CALLS else price.percent
        tier = rate.tier(prompt)
        yield Part(unit, count, tier.micros * percent, tier.above)


def cost(billable: Billable, price: Price) -> Cost:
    """Return what was used at a price, rounded up to the micro-dollar; unpriced if any part is."""
    counts = billable.counts.values()
    if counts and not 0 <= min(counts) <= max(counts) <= MAX_COUNT:
        return Unpriced(("counts that cannot be",))
    total, missing = 0, list(billable.unknown)
    for part in parts(billable, price):
        if part.rate is not None:
            total += part.number * part.rate
        elif part.number:
            missing.append(part.unit)
    micros = -(-total // (MILLION * PERCENT))
    if micros > MAX_MICROS:
        return Unpriced(("a cost that cannot be",))
    return Unpriced(tuple(missing), at_least=micros) if missing else Priced(micros)
