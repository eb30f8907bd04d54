"""What an answer costs in which several models ran, worked out by hand from the price page.

https://platform.claude.com/docs/en/about-claude/pricing, as of November 2026. Each run is rated at
its own model, and the top level of the usage, which may hold their sum, is never added.
"""

from typing import Any

import pytest

from aibridge.prices.book import PriceBook
from aibridge.prices.cost import Unpriced
from tests.prices.answers import Answer, costs, of_claude

SEARCHED = {"server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 0}}


def run(kind: str, given: int, said: int, model: str = "", **more: Any) -> dict[str, Any]:
    named = {"model": model} if model else {}
    return {"type": kind, **named, **of_claude(given, said), **more}


def runs(model: str, *each: dict[str, Any], **more: Any) -> Answer:
    """An answer of several model runs; the top level has their sum, which must not count."""
    given = sum(run["input_tokens"] for run in each)
    said = sum(run["output_tokens"] for run in each)
    return Answer(model, of_claude(given, said, iterations=[*each], **more))


ADVISED = (
    run("message", 1000, 200),
    run("advisor_message", 20_000, 1000, "claude-opus-5-5"),
)

# Opus 5.5 compacts: 50,000 x 4 + 2,000 x 20 = 240,000; then 3,000 x 4 + 400 x 20 = 20,000.
# Sonnet 5.5: 1,000 x 2 + 200 x 10 = 4,000. Opus 5.5 advises: 20,000 x 4 + 1,000 x 20 = 100,000.
# Fable 5.2 refuses: 1,000 x 8 + 10 x 40 = 8,400. Opus 4.8 answers: 1,000 x 5 + 300 x 25 = 12,500.
# Fast in the US: Opus 5.5 (8,000 + 8,000) x 1.1 = 17,600; Fable 5.2 (8,000 + 4,000) x 1.1 = 13,200.
# Haiku 5.5 twice below its tier: 60,000 x 0.10 + 100 x 0.50 = 6,050, though the sum is over it.
# An advisor that writes the cache for an hour: 100,000 + 5,000 x 8 = 140,000.
RUNS = [
    (
        "compaction",
        runs("claude-opus-5-5", run("compaction", 50_000, 2000), run("message", 3000, 400)),
        [240_000, 20_000],
    ),
    ("an advisor", runs("claude-sonnet-5-5", *ADVISED), [4_000, 100_000]),
    (
        "a fallback model",
        runs(
            "claude-fable-5-2",
            run("message", 1000, 10),
            run("fallback_message", 1000, 300, "claude-opus-4-8"),
        ),
        [8_400, 12_500],
    ),
    (
        "an advisor, fast and in the US",
        runs(
            "claude-opus-5-5",
            run("message", 1000, 200),
            run("advisor_message", 500, 50, "claude-fable-5-2"),
            speed="fast",
            inference_geo="us",
        ),
        [17_600, 13_200],
    ),
    (
        "each run in its own tier",
        runs("claude-haiku-5-5", run("message", 60_000, 100), run("message", 60_000, 100)),
        [6_050, 6_050],
    ),
    ("web searches count once", runs("claude-sonnet-5-5", *ADVISED, **SEARCHED), [34_000, 100_000]),
    (
        "an advisor that writes the cache",
        runs(
            "claude-sonnet-5-5",
            ADVISED[0],
            {**ADVISED[1], **of_claude(20_000, 1000, 0, 0, 5000)},
        ),
        [4_000, 140_000],
    ),
    ("a single run", runs("claude-opus-5-5", run("message", 1000, 500)), [14_000]),
    (
        "an advisor of unknown price",
        runs(
            "claude-sonnet-5-5",
            ADVISED[0],
            run("advisor_message", 1, 1, "claude-sage-9"),
        ),
        [4_000, Unpriced(("model claude-sage-9",))],
    ),
]


@pytest.mark.parametrize(
    ("answer", "found"), [row[1:] for row in RUNS], ids=[row[0] for row in RUNS]
)
def test_each_model_run_costs_what_its_own_model_costs(
    book: PriceBook, answer: Answer, found: list[int | Unpriced]
) -> None:
    assert costs(book, answer) == found
