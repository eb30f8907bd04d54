"""What is charged by itself, and at which rate: the price that a usage row is rated with."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec
from msgspec import Struct

MILLION = 1_000_000
"""Tokens, or calls, that a rate is the price of."""


class Unit(StrEnum):
    """What is counted and charged by itself: tokens by kind, and calls of tools.

    A unit of tokens excludes every other: ``INPUT`` is what no cache read or wrote, and no audio.
    """

    INPUT = "input"
    INPUT_AUDIO = "input_audio"
    CACHE_READ = "cache_read"
    CACHE_READ_AUDIO = "cache_read_audio"
    CACHE_WRITE = "cache_write"
    """Written to the cache for a lifetime that the provider did not tell: its shortest one."""
    CACHE_WRITE_5M = "cache_write_5m"
    CACHE_WRITE_30M = "cache_write_30m"
    CACHE_WRITE_1H = "cache_write_1h"
    CACHE_WRITE_12H = "cache_write_12h"
    OUTPUT = "output"
    """What the model said, with its reasoning."""
    OUTPUT_AUDIO = "output_audio"
    WEB_SEARCH = "web_search"
    FILE_SEARCH = "file_search"


CALLS = frozenset({Unit.WEB_SEARCH, Unit.FILE_SEARCH})
"""Units that count calls; all others count tokens."""

OUTPUTS = frozenset({Unit.OUTPUT, Unit.OUTPUT_AUDIO})
"""Units of what the model says; all other tokens are part of the prompt."""

_STANDS_FOR = {Unit.CACHE_WRITE_5M: Unit.CACHE_WRITE, Unit.CACHE_WRITE_30M: Unit.CACHE_WRITE}
"""Whose rate a unit has that has none itself: providers list the shortest lifetime only as such,
which is 5 minutes at Anthropic and 30 minutes at OpenAI."""


class Tier(Struct, frozen=True, array_like=True):
    """The rate of all tokens of a model run whose prompt has more than ``above`` tokens."""

    above: int
    micros: int


class Rate(Struct, frozen=True, array_like=True, omit_defaults=True):
    """What a million of a unit costs, in micro-dollars; ``tiers`` rise with the prompt."""

    micros: int
    tiers: tuple[Tier, ...] = ()

    def at(self, prompt: int) -> int:
        """Return the rate for a prompt of so many tokens; its tier holds for all of them."""
        return self.tier(prompt).micros

    def tier(self, prompt: int) -> Tier:
        """Return the tier for a prompt of so many tokens, above 0 for the lowest rate."""
        reached = [tier for tier in self.tiers if prompt > tier.above]
        return reached[-1] if reached else Tier(0, self.micros)

    def highest(self, prompt: int) -> int:
        """Return the highest rate for any prompt of up to so many tokens."""
        return max(self.micros, *(tier.micros for tier in self.tiers if prompt > tier.above), 0)

    def times(self, factor: int, over: int = 1) -> "Rate":
        """Return the rate that is so many times this one, in each tier; it must be whole."""
        tiers = tuple(Tier(tier.above, tier.micros * factor // over) for tier in self.tiers)
        return Rate(self.micros * factor // over, tiers)


Rates = Mapping[Unit, Rate]


class Source(StrEnum):
    """Who says what a model costs."""

    SHIPPED = "shipped"
    """The price lists that come with a release."""
    CUSTOM = "custom"
    """The operator."""


class Price(Struct, frozen=True, omit_defaults=True):
    """What a usage row is rated with, kept beside it so that its cost can be worked out again.

    ``model`` is the list and its entry, such as ``openai/gpt-5``; ``version`` is of the data it
    is from. ``condition`` is what its rates hold for, if not for ordinary calls: ``batch``,
    ``flex``, ``priority``, ``fast``. Tokens, and not calls of tools, cost ``percent`` of their
    rates, by the geography that a model runs in.
    """

    source: Source
    model: str
    rates: dict[Unit, Rate]
    condition: str = ""
    percent: int = 100
    version: str = ""

    def rate(self, unit: Unit) -> Rate | None:
        """Return what a million of ``unit`` costs, ``None`` where nobody says."""
        return self.rates.get(unit) or self.rates.get(_STANDS_FOR.get(unit, unit))

    def encode(self) -> bytes:
        """Return the price as JSON, some 200 bytes."""
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> "Price":
        """Read what `encode` wrote. Raises `msgspec.DecodeError`."""
        return msgspec.json.decode(data, type=cls)
