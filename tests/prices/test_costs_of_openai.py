"""What answers of OpenAI cost, worked out by hand from its price page.

https://developers.openai.com/api/docs/pricing and the pages of the models, as of November 2026. A
rate of $4 a million tokens is 4 micro-dollars a token: so the arithmetic above each block is in
micro-dollars. The cache's tokens are part of the input.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from aibridge.prices.book import PriceBook
from aibridge.prices.cost import Unpriced
from tests.prices.answers import NOVEMBER, Answer, costs, of_chat, of_responses


def answer(
    model: str,
    *tokens: int,
    tier: str | None = "default",
    items: tuple[dict[str, Any], ...] = (),
    at: datetime = NOVEMBER,
    geography: str = "",
    **more: Any,
) -> Answer:
    return Answer(
        model,
        of_responses(*tokens, **more),
        dialect="responses",
        provider="openai",
        at=at,
        geography=geography,
        beside=(("service_tier", tier),),
        items=items,
    )


def terra(*tokens: int, **more: Any) -> Answer:
    return answer("gpt-6.1-terra", *tokens, **more)


# gpt-6.1-terra: input 1, writes for 30 minutes 1.25 and for 12 hours 2.50, reads 0.05, output 5.
# 10,000 in and 1,000 out: 10,000 + 5,000 = 15,000. 8,000 of it read: 2,000 + 400 + 5,000.
# 4,000 read and 4,000 written: 2,000 + 200 + 5,000 + 4,000 x 1.25 (5,000) or x 2.50 (10,000).
# 2,000 read, 3,000 + 3,000 written: 2,000 + 100 + 3,750 + 7,500 + 5,000 = 18,350.
# More than 272,000 in: input and cache twice, output 1.5 times as much.
# 272,000 + 5,000. 272,001 x 2 + 1,000 x 7.50 = 544,002 + 7,500.
# 200,000 x 2 + 100,000 x 5 + 7,500 = 907,500. 50,000 x 2 + 250,000 x 0.10 + 7,500 = 132,500.
CACHES = [
    ("input and output", terra(10_000, 1000), 15_000),
    ("cache read", terra(10_000, 1000, 8000), 7_400),
    ("30-minute write, which is not free", terra(10_000, 1000, 4000, 4000), 12_200),
    ("12-hour write", terra(10_000, 1000, 4000, 0, 4000), 17_200),
    ("writes of both lifetimes", terra(10_000, 1000, 2000, 3000, 3000), 18_350),
    (
        "a write of no lifetime that is told",
        terra(
            10_000,
            1000,
            input_tokens_details={"cached_tokens": 4000, "cache_write_tokens": 4000},
        ),
        12_200,
    ),
    (
        "reasoning inside of the output",
        terra(10_000, 1000, output_tokens_details={"reasoning_tokens": 900}),
        15_000,
    ),
    ("a prompt at the tier's edge", terra(272_000, 1000), 277_000),
    ("a prompt over the tier's edge", terra(272_001, 1000), 551_502),
    ("a long prompt, kept for 12 hours", terra(300_000, 1000, 0, 0, 100_000), 907_500),
    ("a long prompt, read from the cache", terra(300_000, 1000, 250_000), 132_500),
]

# Flex and batch are half: 0.50, 0.625, 0.025, 2.50. Priority, now fast, is twice: 2, 2.50, 0.10,
# 10.
# 5,000 + 2,500. 2,000 x 0.50 + 8,000 x 0.025 + 2,500 = 1,000 + 200 + 2,500.
# 2,000 x 0.50 + 4,000 x 0.025 + 4,000 x 0.625 + 2,500 = 1,000 + 100 + 2,500 + 2,500.
# 20,000 + 10,000. 2,000 x 2 + 8,000 x 0.10 + 10,000.
# Regional processing is 1.1 times all tokens: 16,500.
TIERS = [
    ("no tier is told", terra(10_000, 1000, tier=None), 15_000),
    ("broken off before the tier was told", terra(10_000, 1000, tier="auto"), 15_000),
    ("flex", terra(10_000, 1000, tier="flex"), 7_500),
    ("flex, cached", terra(10_000, 1000, 8000, tier="flex"), 3_700),
    ("flex, written", terra(10_000, 1000, 4000, 4000, tier="flex"), 6_100),
    ("batch", terra(10_000, 1000, tier="batch"), 7_500),
    ("priority", terra(10_000, 1000, tier="priority"), 30_000),
    ("priority, cached", terra(10_000, 1000, 8000, tier="priority"), 14_800),
    ("fast", terra(10_000, 1000, tier="fast"), 30_000),
    ("in a region", terra(10_000, 1000, geography="eu"), 16_500),
    ("in a region, at an older model", answer("gpt-5", 10_000, 1000, geography="eu"), 22_500),
]

SEARCH = {"type": "web_search_call", "id": "ws", "action": {"type": "search", "query": "q"}}
ANOTHER = {**SEARCH, "id": "ws2"}
OPEN = {"type": "web_search_call", "id": "ws3", "action": {"type": "open_page", "url": "u"}}
FILES = {"type": "file_search_call", "id": "fs", "queries": ["q"]}
REMOTE = {"type": "mcp_call", "id": "m", "name": "look", "server_label": "s", "arguments": "{}"}
OWN = {"type": "function_call", "id": "f", "call_id": "c", "name": "web_search_call"}

# A web search is $10 a thousand, so 10,000; a page that is opened is none. A file search is $2.50 a
# thousand, so 2,500. Calls of other servers and of the client's own tools are free.
CALLS = [
    ("web searches", terra(10_000, 1000, items=(SEARCH, ANOTHER)), 35_000),
    ("pages that are opened", terra(10_000, 1000, items=(SEARCH, OPEN)), 25_000),
    ("file searches", terra(10_000, 1000, items=(FILES, {**FILES, "id": "fs2"})), 20_000),
    ("other tools", terra(10_000, 1000, items=(REMOTE, OWN)), 15_000),
    ("web searches in a region", terra(10_000, 1000, items=(SEARCH,), geography="us"), 26_500),
]


ULTRA = "ultrafast"


def on(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 0, 0, 1, tzinfo=UTC)


# gpt-5: 1.25, reads 0.125, output 10: 12,500 + 10,000; 1,808 x 1.25 + 8,192 x 0.125 + 10,000 =
# 2,260 + 1,024 + 10,000; flex: 1,808 x 0.625 + 8,192 x 0.0625 + 5,000 = 1,130 + 512 + 5,000.
# gpt-5 writes at no charge of its own: as input. gpt-5-pro reads without a discount: 15 and 120.
# gpt-5.4: 5 and 22.50 over 272,000: 1,500,000 + 2,250. Flex reads at 0.13, as is published, and not
# at half of 0.25: 2,000 x 1.25 + 8,000 x 0.13 + 1,000 x 7.50 = 2,500 + 1,040 + 7,500.
# gpt-5.4 priority has no long prompts: 10,000 x 5 + 1,000 x 30. gpt-5.5 priority: 12.50 and 75.
# gpt-6-sol reads at a tenth: 4,000 + 1,600 + 10,000; gpt-6.1-sol at a twentieth: 4,000 + 800 +
# 10,000.
# gpt-6-astra: 10, 12.50, 1, 50: 20,000 + 4,000 + 50,000 + 50,000.
# o3 in a batch has no cached price of its own, so the ordinary one: 6,000 x 1 + 4,000 x 0.50 +
# 4,000. o3 was 10 and 40 until 9 June 2025. gpt-5.6-luna was 1 and 6 until 29 July 2026, then 0.20
# and 1.20.
# gpt-6-astra ultrafast is six times: 60, 75, 6, 300: 120,000 + 24,000 + 300,000 + 300,000.
# gpt-6.2-sol: 2, 2.50 and 5 (12 hours), 0.10, 10: 20,000 + 10,000; 4,000 + 800 + 10,000; 2,000 x 2
# + 4,000 x 0.10 + 4,000 x 5 + 10,000; batch half, fast twice, ultrafast three times, from March
# 2027 six times; 272,001 x 4 + 1,000 x 15.
# gpt-6-luna: 0.10 and 0.50: 3 x 0.10 + 1 x 0.50 = 0.8.
MODELS = [
    ("gpt-5", answer("gpt-5", 10_000, 1000), 22_500),
    ("gpt-5 by its date", answer("gpt-5-2025-08-07", 10_000, 1000), 22_500),
    ("gpt-5 by a gateway's prefix", answer("openai/gpt-5", 10_000, 1000), 22_500),
    ("gpt-5, cached", answer("gpt-5", 10_000, 1000, 8192), 13_284),
    ("gpt-5, cached, flex", answer("gpt-5", 10_000, 1000, 8192, tier="flex"), 6_642),
    ("gpt-5, written", answer("gpt-5", 10_000, 1000, 0, 4000), 22_500),
    ("gpt-5-pro, cached", answer("gpt-5-pro", 10_000, 100, 4000), 162_000),
    ("gpt-5.4, long", answer("gpt-5.4", 300_000, 100), 1_502_250),
    ("gpt-5.4, cached, flex", answer("gpt-5.4", 10_000, 1000, 8000, tier="flex"), 11_040),
    ("gpt-5.4, priority", answer("gpt-5.4", 10_000, 1000, tier="priority"), 80_000),
    ("gpt-5.5, priority", answer("gpt-5.5", 10_000, 1000, tier="priority"), 200_000),
    ("gpt-6-sol, cached", answer("gpt-6-sol", 10_000, 1000, 8000), 15_600),
    ("gpt-6.1-sol, cached", answer("gpt-6.1-sol", 10_000, 1000, 8000), 14_800),
    ("gpt-6-astra", answer("gpt-6-astra", 10_000, 1000, 4000, 4000), 124_000),
    (
        "gpt-6-astra, ultrafast",
        answer("gpt-6-astra", 10_000, 1000, 4000, 4000, tier=ULTRA),
        744_000,
    ),
    ("gpt-6.2-sol", answer("gpt-6.2-sol", 10_000, 1000), 30_000),
    ("gpt-6.2-sol, cached", answer("gpt-6.2-sol", 10_000, 1000, 8000), 14_800),
    ("gpt-6.2-sol, for 12 hours", answer("gpt-6.2-sol", 10_000, 1000, 4000, 0, 4000), 34_400),
    ("gpt-6.2-sol, in a batch", answer("gpt-6.2-sol", 10_000, 1000, tier="batch"), 15_000),
    ("gpt-6.2-sol, fast", answer("gpt-6.2-sol", 10_000, 1000, tier="fast"), 60_000),
    ("gpt-6.2-sol, ultrafast", answer("gpt-6.2-sol", 10_000, 1000, tier=ULTRA), 90_000),
    (
        "gpt-6.2-sol, ultrafast, later",
        answer("gpt-6.2-sol", 10_000, 1000, tier=ULTRA, at=on(2027, 3, 1)),
        180_000,
    ),
    ("gpt-6.2-sol, long", answer("gpt-6.2-sol", 272_001, 1000), 1_103_004),
    ("o3, cached, in a batch", answer("o3", 10_000, 1000, 4000, tier="batch"), 12_000),
    ("o3 before its price fell", answer("o3", 10_000, 1000, at=on(2025, 6, 9)), 140_000),
    ("o3 on the day", answer("o3", 10_000, 1000, at=on(2025, 6, 10)), 28_000),
    ("luna before", answer("gpt-5.6-luna", 10_000, 1000, at=on(2026, 7, 29)), 16_000),
    ("luna on the day", answer("gpt-5.6-luna", 10_000, 1000, at=on(2026, 7, 30)), 3_200),
    ("a few tokens are not free", answer("gpt-6-luna", 3, 1), 1),
]


def chat(model: str, *tokens: int, tier: str = "default", **more: Any) -> Answer:
    beside = (("service_tier", tier),)
    return Answer(model, of_chat(*tokens, **more), "chat", "openai", beside=beside)


AUDIO: dict[str, Any] = {
    "prompt_tokens_details": {"audio_tokens": 400, "text_tokens": 600},
    "completion_tokens_details": {"audio_tokens": 300, "text_tokens": 200},
}

# gpt-4o: 2.50, reads 1.25, output 10: 2,500 + 5,000; 488 x 2.50 + 512 x 1.25 + 5,000 = 1,220 +
# 640 + 5,000; priority 4.25 and 17: 4,250 + 8,500. gpt-4.1-mini: 0.40 and 1.60: 400 + 800.
# gpt-audio: text 2.50 and 10, audio 32 and 64: 600 x 2.50 + 400 x 32 + 200 x 10 + 300 x 64 =
# 1,500 + 12,800 + 2,000 + 19,200.
CHAT = [
    ("gpt-4o", chat("gpt-4o", 1000, 500), 7_500),
    ("gpt-4o by its date", chat("gpt-4o-2024-08-06", 1000, 500), 7_500),
    ("gpt-4o, cached once and not twice", chat("gpt-4o", 1000, 500, 512), 6_860),
    ("gpt-4o, priority", chat("gpt-4o", 1000, 500, tier="priority"), 12_750),
    ("gpt-4.1-mini", chat("gpt-4.1-mini-2025-04-14", 1000, 500), 1_200),
    (
        "reasoning inside of the completion",
        chat("gpt-5", 1000, 500, completion_tokens_details={"reasoning_tokens": 400}),
        6_250,
    ),
    ("audio", chat("gpt-audio", 1000, 500, **AUDIO), 35_500),
]

TABLE = [*CACHES, *TIERS, *CALLS, *MODELS, *CHAT]


@pytest.mark.parametrize(
    ("answer", "micros"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_costs_as_on_the_price_page(book: PriceBook, answer: Answer, micros: int) -> None:
    assert costs(book, answer) == [micros]


CODE = {"type": "code_interpreter_call", "id": "ci", "code": "1", "container_id": "c"}

UNPRICED = [
    ("a tier that is bought ahead", terra(10, 1, tier="scale"), "service tier scale", 0),
    ("a tier of no published price", terra(10, 1, tier="ultrafast"), "service tier ultrafast", 0),
    (
        "a tier before its prices were published",
        answer("gpt-5", 10, 1, tier="flex", at=on(2026, 10, 11)),
        "service tier flex",
        0,
    ),
    (
        "a 12-hour write in a tier",
        terra(10_000, 1000, 0, 0, 4000, tier="flex"),
        "cache_write_12h",
        5_500,
    ),
    (
        "a 12-hour write elsewhere",
        answer("gpt-6-sol", 1000, 0, 0, 0, 500),
        "cache_write_12h",
        1_000,
    ),
    ("a container", terra(10_000, 1000, items=(CODE,)), "code_interpreter_call", 15_000),
    ("a model of another vendor", answer("claude-opus-5", 10, 1), "model claude-opus-5", 0),
    ("a model that makes pictures", answer("gpt-image-1", 10, 1), "cache_image_read", 0),
    (
        "audio without a price of its own",
        chat("gpt-4o-audio-preview", 1000, 0, **AUDIO),
        "input_audio",
        1_500,
    ),
]


@pytest.mark.parametrize(
    ("answer", "part", "at_least"),
    [row[1:] for row in UNPRICED],
    ids=[row[0] for row in UNPRICED],
)
def test_what_has_no_price_is_unpriced_and_says_which_part(
    book: PriceBook, answer: Answer, part: str, at_least: int
) -> None:
    (found,) = costs(book, answer)
    assert isinstance(found, Unpriced)
    assert (found.parts[0], found.at_least) == (part, at_least)
