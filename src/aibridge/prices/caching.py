"""What a cache of prompts saved, and what it cost where it was missed; pure.

Costs are micro-dollars as exact decimals, which whoever shows them rounds. They are differences to
the rates of the price that a model run was rated with: a read saved what plain input costs more, a
write cost what it costs more than plain input, and a miss cost what a read would have cost less.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from aibridge.prices.cache_diagnostics import NOTHING_TOLD, Told
from aibridge.prices.rates import MILLION, Price, Unit

MINUTE = 60_000_000
"""Microseconds."""

LIFETIMES: Mapping[Unit, int] = {
    Unit.CACHE_WRITE: 5 * MINUTE,
    Unit.CACHE_WRITE_5M: 5 * MINUTE,
    Unit.CACHE_WRITE_30M: 30 * MINUTE,
    Unit.CACHE_WRITE_1H: 60 * MINUTE,
    Unit.CACHE_WRITE_12H: 720 * MINUTE,
}
"""How long what is written stays since it was used last, in microseconds.

A lifetime that the provider did not tell counts as the shortest there is.
"""

EXPIRED, UNKNOWN = "expired", "unknown"
"""The reasons that are inferred where the provider gives none."""

_OVER = Decimal(MILLION * 100)


class Run(Struct, frozen=True):
    """What a model run used of the cache, ``at`` the microsecond that its call began.

    ``input`` is what the cache neither read nor wrote. ``told`` is why it missed the cache, as far
    as the provider says.
    """

    at: int
    input: int
    read: int
    written: Mapping[Unit, int]
    price: Price | None = None
    told: Told = NOTHING_TOLD

    @property
    def cached(self) -> int:
        """The tokens that were in the cache once it had run."""
        return self.read + sum(self.written.values())

    def rate(self, unit: Unit) -> Decimal | None:
        """Return what a token costs, `None` where nobody says."""
        rate = None if self.price is None else self.price.rate(unit)
        if self.price is None or rate is None:
            return None
        return rate.at(self.input + self.cached) * self.price.percent / _OVER


class Worth(NamedTuple):
    """What reads of a cache saved, and what writes cost above plain input."""

    saved: Decimal
    extra: Decimal


class Miss(NamedTuple):
    """Tokens that were sent uncached, or written again, and what that cost more than reading them.

    The cost is `None` where a rate of it is not known.
    """

    reason: str
    tokens: int
    cost: Decimal | None


def worth(run: Run) -> Worth | None:
    """Return what a run's use of the cache was worth, `None` where a rate of it is not known."""
    plain, of_reads = run.rate(Unit.INPUT), run.rate(Unit.CACHE_READ)
    written = _written(run)
    if not run.cached:
        return Worth(Decimal(0), Decimal(0))
    if plain is None or written is None or (run.read and of_reads is None):
        return None
    saved = run.read * (plain - (of_reads or 0))
    return Worth(saved, written - plain * sum(run.written.values()))


def _written(run: Run) -> Decimal | None:
    """Return what all writes of a run cost."""
    total = Decimal(0)
    for unit, tokens in run.written.items():
        rate = run.rate(unit)
        if tokens and rate is None:
            return None
        total += tokens * (rate or 0)
    return total


class Chain:
    """The runs of a model that go on with each other, in the order in which they began."""

    __slots__ = ("_at", "_cached", "_lifetime")

    def __init__(self) -> None:
        self._at = 0
        self._cached = 0
        self._lifetime: int | None = None

    def follow(self, run: Run) -> Miss | None:
        """Take the next run, and return what it missed of what was cached before it, if anything.

        Missed is what the last run that used the cache had there and this one did not read, or as
        much as the provider says, but never more than this one sent uncached or wrote.
        """
        lost = run.told.tokens or max(0, self._cached - run.read)
        tokens = min(lost, run.input + sum(run.written.values()))
        miss = Miss(self._reason(run), tokens, _miss_cost(run, tokens)) if tokens else None
        if run.cached:
            self._at, self._cached = run.at, run.cached
        told = [LIFETIMES[unit] for unit, written in run.written.items() if written]
        lifetimes = [*told, *(() if self._lifetime is None else (self._lifetime,))]
        self._lifetime = min(lifetimes, default=None)
        return miss

    def _reason(self, run: Run) -> str:
        """Return the provider's reason; without one, whether the shortest lifetime was over."""
        if run.told.reason:
            return run.told.reason
        is_over = self._lifetime is not None and run.at - self._at > self._lifetime
        return EXPIRED if is_over else UNKNOWN


def _miss_cost(run: Run, tokens: int) -> Decimal | None:
    """Return what missed tokens cost more than reading them.

    They are the beginning of the prompt: first they are those that were written again, at what
    these cost on average, and the rest was sent uncached.
    """
    plain, of_reads, written = run.rate(Unit.INPUT), run.rate(Unit.CACHE_READ), _written(run)
    if plain is None or of_reads is None or written is None:
        return None
    all_written = sum(run.written.values())
    again = min(tokens, all_written)
    cost = written * again / all_written if again else Decimal(0)
    return cost + plain * (tokens - again) - of_reads * tokens
