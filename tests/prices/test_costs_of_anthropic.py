"""What answers of Anthropic cost, worked out by hand from its price page.

https://platform.claude.com/docs/en/about-claude/pricing, as of November 2026. A rate of $4 a
million tokens is 4 micro-dollars a token: so the arithmetic above each block is in micro-dollars.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from aibridge.prices.book import PriceBook
from aibridge.prices.cost import Unpriced
from tests.prices.answers import Answer, costs, of_claude


def opus(*tokens: int, **more: Any) -> Answer:
    return Answer("claude-opus-5-5", of_claude(*tokens, **more))


SEARCHED = {"server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 0}}
FETCHED = {"server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 3}}

# Opus 5.5: input 4, 5-minute writes 5, 1-hour writes 8, reads 0.20, output 20.
# 1,000 in and 500 out: 1,000 x 4 + 500 x 20 = 4,000 + 10,000 = 14,000.
# 100,000 read: x 0.20 = 20,000. 10,000 written: x 5 = 50,000 (5 min), x 8 = 80,000 (1 h).
OPUS = [
    ("input and output", opus(1000, 500), 14_000),
    ("cache read", opus(1000, 500, 100_000), 34_000),
    ("5-minute write", opus(1000, 500, 0, 10_000), 64_000),
    ("1-hour write, not priced as 5 minutes", opus(1000, 500, 0, 0, 10_000), 94_000),
    ("writes of both lifetimes and reads", opus(1000, 500, 100_000, 10_000, 10_000), 164_000),
    (
        "writes of no lifetime that is told",
        Answer(
            "claude-opus-5-5",
            {"input_tokens": 1000, "output_tokens": 500, "cache_creation_input_tokens": 10_000},
        ),
        64_000,
    ),
    # 2,000 of 12,000 written tokens have no lifetime: x 5 = 10,000; 14,000 + 80,000 + 10,000.
    (
        "a lifetime that is told for a part",
        opus(1000, 500, 0, 0, 10_000, cache_creation_input_tokens=12_000),
        104_000,
    ),
    (
        "thinking inside of the output",
        opus(1000, 500, output_tokens_details={"thinking_tokens": 400}),
        14_000,
    ),
    ("the cache alone", opus(0, 0, 1_000_000), 200_000),
    ("nothing", opus(0, 0), 0),
]

# Web searches: $10 a thousand, so 10,000 each. Fetches cost their tokens only.
# US-only inference: 1.1 x all tokens, and not the searches.
# 14,000 x 1.1 = 15,400; 164,000 x 1.1 = 180,400; 15,400 + 3 x 10,000 = 45,400.
OPUS_BESIDE = [
    ("web searches", opus(1000, 500, **SEARCHED), 44_000),
    ("web fetches", opus(1000, 500, **FETCHED), 14_000),
    ("in the US", opus(1000, 500, inference_geo="us"), 15_400),
    (
        "in the US, with the cache",
        opus(1000, 500, 100_000, 10_000, 10_000, inference_geo="us"),
        180_400,
    ),
    ("in the US, with web searches", opus(1000, 500, inference_geo="us", **SEARCHED), 45_400),
    ("anywhere", opus(1000, 500, inference_geo="global"), 14_000),
    ("where no geography is offered", opus(1000, 500, inference_geo="not_available"), 14_000),
]

# Batch is half of everything but searches: 2, 2.50, 4, 0.10, 10.
# 2,000 + 5,000 = 7,000; + 100,000 x 0.10 + 10,000 x 2.50 + 10,000 x 4 = 10,000 + 25,000 + 40,000.
# Fast mode: input 8, output 40, and the cache by the same multipliers: 10, 16, 0.40.
# 8,000 + 20,000 = 28,000; + 40,000 + 100,000 + 160,000 = 328,000.
OPUS_TIERS = [
    ("standard", opus(1000, 500, service_tier="standard", speed="standard"), 14_000),
    ("batch", opus(1000, 500, service_tier="batch"), 7_000),
    (
        "batch, with the cache",
        opus(1000, 500, 100_000, 10_000, 10_000, service_tier="batch"),
        82_000,
    ),
    ("batch, with web searches", opus(1000, 500, service_tier="batch", **SEARCHED), 37_000),
    ("fast", opus(1000, 500, speed="fast"), 28_000),
    ("fast, with the cache", opus(1000, 500, 100_000, 10_000, 10_000, speed="fast"), 328_000),
    ("fast, in the US", opus(1000, 500, speed="fast", inference_geo="us"), 30_800),
]


def haiku(*tokens: int, **more: Any) -> Answer:
    return Answer("claude-haiku-5-5", of_claude(*tokens, **more))


# Haiku 5.5: 0.10, 0.125, 0.20, 0.01, 0.50; five times that if the prompt has over 100,000 tokens,
# cached ones too. A cost is rounded up once.
# 100,000 x 0.10 + 1,000 x 0.50 = 10,500. 100,001 x 0.50 + 1,000 x 2.50 = 52,500.5.
# 1,000 x 0.50 + 99,001 x 0.05 + 1,000 x 2.50 = 500 + 4,950.05 + 2,500 = 7,950.05.
# 1,000 x 0.50 + 50,000 x 0.625 + 50,000 x 1 = 500 + 31,250 + 50,000 = 81,750.
# 1,000 x 0.10 + 90,000 x 0.01 + 1,000 x 0.50 = 100 + 900 + 500 = 1,500.
# Batch: 200,000 x 0.25 + 1,000 x 1.25 = 51,250.
HAIKU = [
    ("a prompt at the tier's edge", haiku(100_000, 1000), 10_500),
    ("a prompt over the tier's edge", haiku(100_001, 1000), 52_501),
    ("over the edge by what was read", haiku(1000, 1000, 99_001), 7_951),
    ("over the edge by what was written", haiku(1000, 0, 0, 50_000, 50_000), 81_750),
    ("below the edge with the cache", haiku(1000, 1000, 90_000), 1_500),
    ("a long batch", haiku(200_000, 1000, service_tier="batch"), 51_250),
    ("a single token is not free", haiku(1, 0), 1),
]


def sonnet(version: str, *tokens: int, day: tuple[int, int, int] = (2026, 11, 20)) -> Answer:
    at = datetime(*day, 12, tzinfo=UTC)
    return Answer(f"claude-sonnet-{version}", of_claude(*tokens), at=at)


# Sonnet 4.5: 3, 3.75, 6, 0.30, 15; over 200,000 tokens 6, 7.50, 12, 0.60, 22.50.
# 200,000 x 3 + 1,000 x 15 = 615,000. 200,001 x 6 + 1,000 x 22.50 = 1,200,006 + 22,500.
# 1 x 6 + 250,000 x 0.60 + 100 x 22.50 = 6 + 150,000 + 2,250.
# Sonnet 4.6 likewise until 12 March 2026, then flat: 300,000 x 6 + 22,500 and 300,000 x 3 + 15,000.
# Sonnet 5.5: 2, 2.50, 4, 0.10, 10: 12,345 x 2 + 678 x 10 + 91,011 x 0.10 + 1,213 x 2.50 + 1,415 x 4
# = 24,690 + 6,780 + 9,101.1 + 3,032.5 + 5,660 = 49,263.6. Sonnet 5 reads at 0.20: + 9,101.1;
# so did Sonnet 5.5 until 6 October 2026.
SONNET = [
    ("200,000 tokens", sonnet("4-5", 200_000, 1000), 615_000),
    ("200,001 tokens", sonnet("4-5", 200_001, 1000), 1_222_506),
    ("a long prompt that is cached", sonnet("4-5", 1, 100, 250_000), 152_256),
    (
        "before long prompts cost the same",
        sonnet("4-6", 300_000, 1000, day=(2026, 3, 12)),
        1_822_500,
    ),
    ("since long prompts cost the same", sonnet("4-6", 300_000, 1000, day=(2026, 3, 13)), 915_000),
    ("5.5 with everything", sonnet("5-5", 12_345, 678, 91_011, 1213, 1415), 49_264),
    (
        "5.5 before reading cost half",
        sonnet("5-5", 12_345, 678, 91_011, 1213, 1415, day=(2026, 10, 6)),
        58_365,
    ),
    (
        "5.5 since reading costs half",
        sonnet("5-5", 12_345, 678, 91_011, 1213, 1415, day=(2026, 10, 7)),
        49_264,
    ),
    ("5 with everything", sonnet("5", 12_345, 678, 91_011, 1213, 1415), 58_365),
]


def plain(model: str, *tokens: int, **more: Any) -> Answer:
    return Answer(model, of_claude(*tokens, **more))


# Fable 5.2: 8, 40, reads 0.20: 333 x 8 + 77 x 40 + 1,001 x 0.20 = 2,664 + 3,080 + 200.2 = 5,944.2.
# Fable 5.1: 10, 50, reads 0.25: 3,330 + 3,850 + 250.25 = 7,430.25. Fable 5.2 fast: 2 x 5,944.2.
# Opus 4.8 and 4.5: 5 and 25: 5,000 + 12,500; 4.8 fast: 10 and 50. Haiku 4.5: 1 and 5.
# Haiku 3: 0.25, 1.25, and 5-minute writes at 0.30, not 1.25 x 0.25: 250 + 625 + 300.
# Sonnet 4.5 on Bedrock: in a region 3.30 and 16.50, globally 3 and 15.
MODELS = [
    ("Fable 5.2", plain("claude-fable-5-2", 333, 77, 1001), 5_945),
    ("Fable 5.1", plain("claude-fable-5-1", 333, 77, 1001), 7_431),
    ("Fable 5.2, fast", plain("claude-fable-5-2", 333, 77, 1001, speed="fast"), 11_889),
    ("Opus 4.8", plain("claude-opus-4-8", 1000, 500), 17_500),
    ("Opus 4.8, fast", plain("claude-opus-4-8", 1000, 500, speed="fast"), 35_000),
    ("Opus 4.5 by its date", plain("claude-opus-4-5-20251101", 1000, 500), 17_500),
    ("Opus 5.5 by a date", plain("claude-opus-5-5-20261007", 1000, 500), 14_000),
    ("Haiku 4.5 by its date", plain("claude-haiku-4-5-20251001", 1000, 500), 3_500),
    ("Haiku 3", plain("claude-3-haiku-20240307", 1000, 500, 0, 1000), 1_175),
    ("a name in capitals", plain("Claude-Opus-4-8", 1000, 500), 17_500),
    ("a name with its context", plain("claude-opus-4-8[1m]", 1000, 500), 17_500),
    ("a gateway's prefix", plain("anthropic/claude-opus-4-8", 1000, 500), 17_500),
    (
        "Bedrock's name, in a region",
        plain("us.anthropic.claude-sonnet-4-5-20250929-v1:0", 1000, 100),
        4_950,
    ),
    (
        "Bedrock's name, anywhere",
        plain("global.anthropic.claude-sonnet-4-5-20250929-v1:0", 1000, 100),
        4_500,
    ),
    (
        "another model answers than was asked for",
        Answer("claude-fable-5-2", of_claude(1000, 500), answered="claude-opus-4-8"),
        17_500,
    ),
    (
        "an answer that names no model",
        Answer("claude-opus-4-8", of_claude(1000, 500), answered=""),
        17_500,
    ),
]

TABLE = [*OPUS, *OPUS_BESIDE, *OPUS_TIERS, *HAIKU, *SONNET, *MODELS]


@pytest.mark.parametrize(
    ("answer", "micros"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_costs_as_on_the_price_page(book: PriceBook, answer: Answer, micros: int) -> None:
    assert costs(book, answer) == [micros]


@pytest.mark.parametrize(
    ("answer", "part", "at_least"),
    [
        (plain("claude-sage-9", 1000, 500), "model claude-sage-9", 0),
        (plain("gpt-5", 1000, 500), "model gpt-5", 0),
        (opus(1000, 500, service_tier="priority"), "service tier priority", 0),
        (plain("claude-haiku-4-5", 1000, 500, speed="fast"), "service tier fast", 0),
        (opus(1000, 500, speed="fast", service_tier="batch"), "batch with fast", 0),
        (opus(1000, 500, inference_geo="eu"), "geography eu", 0),
        (
            opus(1000, 500, server_tool_use={"code_execution_requests": 1}),
            "code_execution_requests",
            14_000,
        ),
        (
            opus(1000, 500, cache_creation={"ephemeral_12h_input_tokens": 10}),
            "cache_write_12h",
            14_000,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_has_no_price_is_unpriced_and_says_which_part(
    book: PriceBook, answer: Answer, part: str, at_least: int
) -> None:
    assert costs(book, answer) == [Unpriced((part,), at_least)]
