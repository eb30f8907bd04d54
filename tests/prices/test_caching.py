"""What caches save and what their misses cost: tables that were worked out by hand."""

from decimal import Decimal
from typing import Any

import pytest

from aibridge.prices.cache_diagnostics import NOTHING_TOLD, Told, read_told
from aibridge.prices.caching import EXPIRED, MINUTE, UNKNOWN, Chain, Miss, Run, Worth, worth
from aibridge.prices.rates import Price, Rate, Source, Tier, Unit

SONNET = {
    Unit.INPUT: Rate(3_000_000),
    Unit.CACHE_READ: Rate(300_000),
    Unit.CACHE_WRITE: Rate(3_750_000),
    Unit.CACHE_WRITE_1H: Rate(6_000_000),
}
"""Micro-dollars a million tokens: 3, 0.3, 3.75 and 6 micro-dollars a token."""
SHORT, LONG = Unit.CACHE_WRITE_5M, Unit.CACHE_WRITE_1H


def price(rates: dict[Unit, Rate] | None = None, **more: Any) -> Price:
    return Price(Source.SHIPPED, "anthropic/sonnet", SONNET if rates is None else rates, **more)


def run(
    minute: float = 0, plain: int = 0, read: int = 0, *, of: Price | None = None, **more: Any
) -> Run:
    """Return a run that began in a minute; what it wrote is given by the unit of its lifetime."""
    told = more.pop("told", NOTHING_TOLD)
    written = {Unit(name): tokens for name, tokens in more.items()}
    return Run(round(minute * MINUTE), plain, read, written, of or price(), told)


def amounts(*micros: str) -> Worth:
    return Worth(*map(Decimal, micros))


@pytest.mark.parametrize(
    ("used", "found"),
    [
        (run(plain=1000), amounts("0", "0")),
        (run(read=1000), amounts("2700", "0")),  # 1,000 at 3 - 0.3
        (run(cache_write_5m=1000), amounts("0", "750")),  # at 3.75 - 3
        (run(cache_write=1000), amounts("0", "750")),  # a lifetime that was not told
        (run(cache_write_1h=1000), amounts("0", "3000")),  # at 6 - 3
        (run(read=10, cache_write_5m=4, cache_write_1h=2), amounts("27", "9")),
        (run(read=1, of=price(percent=110)), amounts("2.97", "0")),
    ],
)
def test_reads_save_and_writes_cost_against_plain_input(used: Run, found: Worth) -> None:
    assert worth(used) == found


def test_the_tier_of_a_rate_is_that_of_the_whole_prompt() -> None:
    tiers = {
        Unit.INPUT: Rate(3_000_000, (Tier(200_000, 6_000_000),)),
        Unit.CACHE_READ: Rate(300_000, (Tier(200_000, 600_000),)),
    }
    assert worth(run(plain=100_000, read=100_000, of=price(tiers))) == amounts("270000", "0")
    assert worth(run(plain=100_001, read=100_000, of=price(tiers))) == amounts("540000", "0")


@pytest.mark.parametrize("missing", [Unit.INPUT, Unit.CACHE_READ, Unit.CACHE_WRITE])
def test_what_has_no_price_is_not_known_and_not_zero(missing: Unit) -> None:
    rates = {unit: rate for unit, rate in SONNET.items() if unit != missing}
    used = run(read=1, cache_write=1, of=price(rates))
    assert worth(used) is None
    chain = Chain()
    chain.follow(run(cache_write=10))
    assert chain.follow(used) == Miss(UNKNOWN, 1, None)
    assert worth(Run(0, 5, 0, {})) == amounts("0", "0")
    assert worth(Run(0, 5, 1, {})) is None


FIRST = run(0, plain=10, cache_write_5m=1000)
"""What a thousand tokens are in the cache after."""


@pytest.mark.parametrize(
    ("runs", "missed"),
    [
        ([], None),
        ([run(1, plain=50, read=1000, cache_write_5m=200)], None),
        # 1,000 written again: at 3.75 - 0.3
        ([run(1, plain=7, cache_write_5m=1100)], (UNKNOWN, 1000, "3450")),
        # 600 sent uncached: at 3 - 0.3
        ([run(1, plain=2000, read=400)], (UNKNOWN, 600, "1620")),
        # 300 written again at 3.45 and 700 sent uncached at 2.7
        ([run(1, plain=900, cache_write_5m=300)], (UNKNOWN, 1000, "2925")),
        # half of what is written stays an hour: on average (3.75 + 6) / 2 - 0.3
        ([run(1, cache_write_5m=600, cache_write_1h=600)], (UNKNOWN, 1000, "4575")),
        # no more can be missed than is sent
        ([run(1, plain=20, cache_write_5m=80)], (UNKNOWN, 100, "330")),
        ([run(5, cache_write_5m=1000)], (UNKNOWN, 1000, "3450")),
        ([run(5.1, cache_write_5m=1000)], (EXPIRED, 1000, "3450")),
        # a run that reads keeps the cache for longer
        ([run(4, read=1000), run(8, cache_write_5m=1000)], (UNKNOWN, 1000, "3450")),
        ([run(4, read=1000), run(9.1, cache_write_5m=1000)], (EXPIRED, 1000, "3450")),
        # a run that uses no cache changes nothing of what is in it
        ([run(1, plain=5), run(2, cache_write_5m=1000)], (UNKNOWN, 1000, "3450")),
        ([run(1, cache_write_5m=9), run(2, cache_write_5m=1000)], (UNKNOWN, 9, "31.05")),
        # the shortest lifetime counts
        ([run(1, read=1000, cache_write_1h=9), run(7, plain=1009)], (EXPIRED, 1009, "2724.3")),
        ([run(9, plain=1000, told=Told("system_changed"))], ("system_changed", 1000, "2700")),
        ([run(1, plain=1000, told=Told("tools_changed", 40))], ("tools_changed", 40, "108")),
        ([run(1, plain=30, read=1000, told=Told("x", 900))], ("x", 30, "81")),
        ([run(1, read=1000, told=Told("system_changed"))], None),
    ],
)
def test_a_miss_is_what_the_run_before_had_and_this_one_sent_again(
    runs: list[Run], missed: tuple[str, int, str] | None
) -> None:
    chain = Chain()
    found = [chain.follow(each) for each in [FIRST, *runs]]
    assert found[0] is None
    assert found[-1] == (None if missed is None else Miss(*missed[:2], Decimal(missed[2])))


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        ({"cache_write": 100}, 5),
        ({"cache_write_30m": 100}, 30),
        ({"cache_write_1h": 100}, 60),
        ({"cache_write_12h": 100}, 720),
        ({"cache_write_1h": 50, "cache_write_30m": 50}, 30),
    ],
)
def test_each_lifetime_is_over_after_its_own_time(written: Any, minutes: int) -> None:
    for gap, reason in ((minutes, UNKNOWN), (minutes + 0.01, EXPIRED)):
        chain = Chain()
        chain.follow(run(1, **written))
        miss = chain.follow(run(1 + gap, plain=100))
        assert miss is not None
        assert miss.reason == reason


def test_nothing_is_known_to_have_expired_that_nobody_wrote() -> None:
    chain = Chain()
    chain.follow(run(0, read=100))
    assert chain.follow(run(1000, plain=100)) == Miss(UNKNOWN, 100, Decimal(270))


SYSTEM_CHANGED = """{"diagnostics": {"cache_miss_reason":
    {"type": "system_changed", "cache_missed_input_tokens": 1200}}}"""
INPUT_CHANGED = """{"prompt_cache_diagnostics":
    {"type": "cache_miss", "reason": "input_changed", "cache_missed_tokens": 64}}"""


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ("{}", NOTHING_TOLD),
        (
            SYSTEM_CHANGED,
            Told("system_changed", 1200),
        ),
        ('{"diagnostics":{"cache_miss_reason":{"type":"model_changed"}}}', Told("model_changed")),
        ('{"diagnostics":{"cache_miss_reason":"tools_changed"}}', Told("tools_changed")),
        ('{"diagnostics":{"cache_miss_reason":null}}', NOTHING_TOLD),
        ('{"diagnostics":{"cache_miss_reason":{"type":"unavailable"}}}', NOTHING_TOLD),
        (
            INPUT_CHANGED,
            Told("input_changed", 64),
        ),
        ('{"prompt_cache_diagnostics":{"type":"cache_hit"}}', NOTHING_TOLD),
        ('{"prompt_cache_diagnostics":{"reason":"Not a word\\u001b"}}', NOTHING_TOLD),
        ('{"prompt_cache_diagnostics":{"reason":"x","cache_missed_tokens":-5}}', Told("x")),
        ('{"type":"message"}', NOTHING_TOLD),
        ('{"type":"advisor_message"}', None),
        ('{"type":["message"]}', None),
        ("[]", NOTHING_TOLD),
        ("not JSON", NOTHING_TOLD),
        ("[" * 100_000, NOTHING_TOLD),
    ],
)
def test_the_providers_reason_is_read_from_the_metadata(metadata: str, told: Told | None) -> None:
    assert read_told(metadata) == told
