"""What providers' price pages say and the shipped lists lack, each with its source and date."""

import re
from collections.abc import Mapping

from aibridge.prices.rates import Rate, Rates, Tier, Unit

ONE_HOUR_LISTS = frozenset({"anthropic", "aws", "openrouter"})
"""Lists in which writing the cache for an hour costs a Claude model twice its input.

Sources: https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing,
https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html,
https://openrouter.ai/docs/features/prompt-caching; October 2026. Copilot's page is silent.
"""

ORDINARY: Mapping[tuple[str, str], Rates] = {
    ("openai", "gpt-6.1-terra"): {
        Unit.CACHE_WRITE_12H: Rate(2_500_000, (Tier(272_000, 5_000_000),))
    },
}
"""Rates for ordinary calls, by list and model: OpenAI's caches that last for 12 hours.

Prompts of more than 272,000 tokens cost twice as much to write. The page gives neither a rate for
other models nor for other service tiers. Source: https://developers.openai.com/api/docs/pricing,
October 2026, as quoted in the data of genai-prices 0.2.3.
"""

UNDISCOUNTED_LISTS = frozenset({"azure", "openai"})
"""Lists in which what the cache reads or writes costs as much as other input, unless they say else.

OpenAI's page has no cached price for a model that gives no discount, and does not charge for
writing before gpt-5.6. Source: https://developers.openai.com/api/docs/guides/prompt-caching,
October 2026.
"""

_PERCENT_OF_ANTHROPIC = {"": 100, "global": 100, "not_available": 100, "us": 110}
"""Percent of their rates that tokens cost at Anthropic, by the answer's ``inference_geo``.

Source: https://platform.claude.com/docs/en/about-claude/pricing (data residency), October 2026.
"""

_OPENAI_REGION = re.compile(r"https?://([a-z]{2})\.api\.openai\.com(?:[:/]|$)")
_DEARER_IN_A_REGION = ("gpt-5.4", "gpt-5.5", "gpt-5.6", "gpt-6")
"""How the names of OpenAI's models begin that cost 10 % more at the address of a region.

Those are the models released on 5 March 2026 or later. Source:
https://developers.openai.com/api/docs/guides/data-residency, November 2026.
"""

MAX_OUTPUTS = (
    ("gpt-5-pro", 272_000),
    ("gpt-5", 128_000),
    ("gpt-6", 128_000),
    ("gpt-4.1", 32_768),
    ("gpt-4o", 16_384),
    ("o1", 100_000),
    ("o3", 100_000),
    ("o4-mini", 100_000),
)
"""The most tokens that models say if a request sets no maximum, by how their names begin.

Anthropic's requests always set one. Source: https://developers.openai.com/api/docs/models (maximum
output tokens), November 2026.
"""

_INCLUDED_BY_COPILOT = frozenset({"gpt-3.5-turbo", "gpt-4.1", "gpt-4o", "gpt-4o-mini"})
"""Models that Copilot's subscription includes: tokens cost nothing.

Source: https://docs.github.com/en/copilot/reference/copilot-billing/models-and-pricing, which lists
no rate for them, and the zero cost that Copilot's answers report (September 2026).
"""

_FREE = dict.fromkeys((Unit.INPUT, Unit.CACHE_READ, Unit.CACHE_WRITE, Unit.OUTPUT), Rate(0))


def supplemented(list_name: str, model: str, rates: Rates) -> dict[Unit, Rate]:
    """Return the rates of a model with those that follow from them, or from its name."""
    result = dict(rates)
    if _is_free(list_name, model):
        return {**_FREE, **result}
    if list_name in ONE_HOUR_LISTS and "claude" in model and Unit.INPUT in rates:
        result.setdefault(Unit.CACHE_WRITE_1H, rates[Unit.INPUT].times(2))
    return result


def _is_free(list_name: str, model: str) -> bool:
    """Whether a model costs nothing.

    OpenRouter's do whose name ends in ``:free``. Source: https://openrouter.ai/docs/faq (free
    models), October 2026.
    """
    if list_name == "github-copilot":
        return model in _INCLUDED_BY_COPILOT
    return list_name == "openrouter" and model.endswith(":free")


def undiscounted(list_name: str, rates: Rates) -> dict[Unit, Rate]:
    """Return the rates of a model with those of the cache, where they are those of the input."""
    result = dict(rates)
    if list_name in UNDISCOUNTED_LISTS and Unit.INPUT in rates:
        result.setdefault(Unit.CACHE_READ, rates[Unit.INPUT])
        result.setdefault(Unit.CACHE_WRITE, rates[Unit.INPUT])
    return result


def geography_of(base_url: str) -> str:
    """Return the region that a provider's address stands for, such as ``eu``; empty if none."""
    found = _OPENAI_REGION.match(base_url)
    return found[1] if found else ""


def percent_of(list_name: str, model: str, geography: str) -> int | None:
    """Return the percent of their rates that tokens cost, by where the model runs.

    100 in lists that do not price by it, ``None`` where the list does not say.
    """
    if list_name == "anthropic":
        return _PERCENT_OF_ANTHROPIC.get(geography)
    if list_name == "openai" and geography and model.startswith(_DEARER_IN_A_REGION):
        return 110
    return 100
