"""The cost of what was used at a price: exact, in integers, rounded once.

A cost is rounded up to the next micro-dollar, once for a usage row. So the sum of a record is never
below what the provider charges and at most a micro-dollar a row above it, and what was used at a
price never costs nothing.
"""

from msgspec import Struct

from aibridge.prices.rates import CALLS, MILLION, OUTPUTS, Price, Unit

MAX_COUNT = 10**12
"""Tokens or calls of one unit beyond which nobody believes a usage row."""

MAX_MICROS = 10**13
"""Ten million dollars, beyond which nobody believes the cost of one."""

_PERCENT = 100
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


def cost(billable: Billable, price: Price) -> Cost:
    """Return what was used at a price, rounded up to the micro-dollar; unpriced if any part is."""
    counts = billable.counts.values()
    if counts and not 0 <= min(counts) <= max(counts) <= MAX_COUNT:
        return Unpriced(("counts that cannot be",))
    total, missing, prompt = 0, list(billable.unknown), billable.prompt
    for unit, count in billable.counts.items():
        rate = price.rate(unit)
        if rate is not None:
            percent = _PERCENT if unit in CALLS else price.percent
            total += count * rate.at(prompt) * percent
        elif count:
            missing.append(unit)
    micros = -(-total // (MILLION * _PERCENT))
    if micros > MAX_MICROS:
        return Unpriced(("a cost that cannot be",))
    return Unpriced(tuple(missing), at_least=micros) if missing else Priced(micros)
