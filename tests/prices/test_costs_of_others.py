"""What answers of other types of providers cost, worked out by hand from their price pages.

A rate of $4 a million tokens is 4 micro-dollars a token: so the arithmetic above each block is in
micro-dollars. Pages as of November 2026.
"""

from typing import Any

import pytest

from aibridge.prices.book import PriceBook
from aibridge.prices.cost import Unpriced
from tests.prices.answers import Answer, costs, of_chat, of_claude, of_responses


def by(provider: str, model: str, *tokens: int, answered: str | None = None, **more: Any) -> Answer:
    return Answer(model, of_chat(*tokens, **more), "chat", provider, answered)


# https://ai.google.dev/gemini-api/docs/pricing: Gemini 2.5 Pro 1.25, reads 0.125, output 10; over
# 200,000 tokens 2.50, 0.25, 15. Reasoning is part of the output, wherever it stands:
# 1,000 x 1.25 + 700 x 10 = 8,250. 2,000 x 1.25 + 8,000 x 0.125 + 100 x 10 = 2,500 + 1,000 + 1,000.
# 200,001 x 2.50 + 100 x 15 = 500,002.5 + 1,500.
GOOGLE = [
    (
        "reasoning beside the completion",
        by("google", "gemini-2.5-pro", 1000, 200, total_tokens=1700),
        8_250,
    ),
    ("reasoning inside of the completion", by("google", "gemini-2.5-pro", 1000, 700), 8_250),
    ("cached", by("google", "gemini-2.5-pro", 10_000, 100, 8000), 4_500),
    ("a long prompt", by("google", "gemini-2.5-pro", 200_001, 100), 501_503),
    ("Google's prefix", by("google", "models/gemini-2.5-pro", 1000, 700), 8_250),
]

# https://azure.microsoft.com/pricing/details/cognitive-services/openai-service: global deployments
# as at OpenAI. gpt-5: 12,500 + 10,000. The deployment's name says nothing, the answer does.
AZURE = [
    ("a deployment", by("azure", "prod", 10_000, 1000, answered="gpt-5-2025-08-07"), 22_500),
    ("a deployment, cached", by("azure", "x", 10_000, 1000, 8192, answered="gpt-5"), 13_284),
]

# https://openrouter.ai/models: Claude Opus 5 is 5, writes 6.25, reads 0.50, output 25:
# 2,000 x 5 + 6,000 x 0.50 + 2,000 x 6.25 + 500 x 25 = 10,000 + 3,000 + 12,500 + 12,500.
# An hour's writes are twice the input: 2,000 x 10 in place of 2,000 x 6.25.
# Claude Haiku 4.5 in a batch: 0.50 and 2.50: 500 + 1,250. Models that end in :free cost nothing.
# The model asked for is a router: the answer names the one that was used.
WRITTEN = {"cached_tokens": 6000, "cache_write_tokens": 2000}
FOR_AN_HOUR = {**WRITTEN, "cache_write_tokens_details": {"ttl_1h_tokens": 2000}}
OPENROUTER = [
    (
        "the cache",
        by("openrouter", "anthropic/claude-opus-5", 10_000, 500, prompt_tokens_details=WRITTEN),
        38_000,
    ),
    (
        "an hour's write",
        by("openrouter", "anthropic/claude-opus-5", 10_000, 500, prompt_tokens_details=FOR_AN_HOUR),
        45_500,
    ),
    ("a batch", by("openrouter", "anthropic/claude-haiku-4.5:batch", 1000, 500), 1_750),
    ("a free model", by("openrouter", "deepseek/deepseek-r1:free", 1000, 500), 0),
    (
        "a router",
        by("openrouter", "openrouter/auto", 1000, 500, answered="anthropic/claude-opus-5"),
        17_500,
    ),
]

# https://vercel.com/docs/ai-gateway/pricing: the vendors' own prices, without a margin.
# Claude Opus 5: 5,000 + 12,500. gpt-5: 12,500 + 10,000.
VERCEL = [
    ("Anthropic's", by("vercel", "anthropic/claude-opus-5", 1000, 500), 17_500),
    ("OpenAI's", by("vercel", "openai/gpt-5", 10_000, 1000), 22_500),
]


def messages(model: str, *tokens: int, answered: str | None = None) -> Answer:
    return Answer(model, of_claude(*tokens), "messages", "copilot", answered)


# https://docs.github.com/en/copilot/reference/copilot-billing/models-and-pricing: Claude Opus 4.8
# is 5, writes 6.25, reads 0.50, output 25: 5,000 + 12,500; + 1,000 x 6.25 + 10,000 x 0.50. Four
# older models of OpenAI are included in every plan.
COPILOT = [
    ("what every plan includes", by("copilot", "gpt-4.1-2025-04-14", 1000, 500, 512), 0),
    ("in chat", by("copilot", "claude-opus-4.8", 1000, 500), 17_500),
    ("in messages", messages("claude-opus-4.8", 1000, 500, 10_000, 1000), 28_750),
    (
        "answered by its vendor's name",
        messages("claude-opus-4.8", 1000, 500, answered="claude-opus-4-8-20260528"),
        17_500,
    ),
]

TABLE = [*GOOGLE, *AZURE, *OPENROUTER, *VERCEL, *COPILOT]


@pytest.mark.parametrize(
    ("answer", "micros"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_costs_as_on_the_price_pages(book: PriceBook, answer: Answer, micros: int) -> None:
    assert costs(book, answer) == [micros]


TIER = (("service_tier", "priority"),)
SEARCH = {"type": "web_search_call", "id": "ws", "action": {"type": "search", "query": "q"}}


def searched(provider: str, model: str) -> Answer:
    return Answer(model, of_responses(1000, 0), "responses", provider, items=(SEARCH,))


UNPRICED = [
    ("a search at Azure", searched("azure", "gpt-5"), "web_search", 1_250),
    ("a search at Vercel", searched("vercel", "openai/gpt-5"), "web_search", 1_250),
    ("a host of any kind", by("openai-compat", "gpt-5", 10, 1), "model gpt-5", 0),
    (
        "a tier at another's list",
        by("azure", "gpt-5", 10, 1)._replace(beside=TIER),
        "service tier priority",
        0,
    ),
    (
        "Copilot's writes for an hour",
        messages("claude-opus-5", 1000, 0, 0, 0, 10),
        "cache_write_1h",
        5000,
    ),
    (
        "a route of OpenRouter",
        by("openrouter", "openai/gpt-5:online", 10, 1),
        "model openai/gpt-5:online",
        0,
    ),
    ("no prefix at Vercel", by("vercel", "gpt-5", 10, 1), "model gpt-5", 0),
    ("pictures", by("google", "gemini-3-pro-image", 10, 1), "output_image", 0),
    ("no model at all", by("google", "", 10, 1), "model without a name", 0),
]


@pytest.mark.parametrize(
    ("answer", "part", "at_least"),
    [row[1:] for row in UNPRICED],
    ids=[row[0] for row in UNPRICED],
)
def test_what_has_no_price_is_unpriced_and_says_which_part(
    book: PriceBook, answer: Answer, part: str, at_least: int
) -> None:
    assert costs(book, answer) == [Unpriced((part,), at_least)]
