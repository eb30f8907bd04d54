"""The names that a model may be listed under, and the price list that each provider type has."""

import re
from collections.abc import Iterator

LISTS = {
    "anthropic": "anthropic",
    "azure": "azure",
    "bedrock": "aws",
    "copilot": "github-copilot",
    "google": "google",
    "openai": "openai",
    "openrouter": "openrouter",
}
"""The price list of each type of provider. ``openai-compat`` has none: it may be any host."""

RESELLERS = frozenset({"vercel"})
"""Types that resell at the vendor's own prices, the vendor being the prefix of the model's name.

Source: https://vercel.com/docs/ai-gateway/pricing (no markup), October 2026.
"""

RESOLD = {
    "anthropic": "anthropic",
    "deepseek": "deepseek",
    "google": "google",
    "mistral": "mistral",
    "moonshotai": "moonshotai",
    "openai": "openai",
    "xai": "x-ai",
}
"""Vendors as resellers name them, and the list of each; a model is ``vendor/model`` there."""

_WHOLE = frozenset({"openrouter"})
"""Types whose list has the models with the prefix of their vendor."""

_VENDORS = {
    "anthropic": "anthropic",
    "azure": "azure",
    "bedrock": "aws",
    "deepseek": "deepseek",
    "gemini": "google",
    "github_copilot": "github-copilot",
    "google": "google",
    "mistral": "mistral",
    "models": "google",
    "moonshotai": "moonshotai",
    "openai": "openai",
    "vertex_ai": "google",
    "x-ai": "x-ai",
    "xai": "x-ai",
}
"""Prefixes that gateways put before a model's name, and the list of whom they mean."""

_BEDROCK = re.compile(r"(?:[a-z]+\.)?anthropic\.")
"""How Claude's names begin on Bedrock, where the region is part of the price."""

_ENDINGS = (
    re.compile(r"\[1m\]$"),
    re.compile(r"@(?:\d{8}|default|latest)$"),
    re.compile(r"-(?:\d{8}|\d{4}-\d{2}-\d{2})$"),
    re.compile(r"-latest$"),
)
"""What may follow a model's name: a size of context, or a date of its release."""

_RELEASED = re.compile(r"[-@](\d{8}|\d{4}-\d{2}-\d{2})(?=$|\[)")
"""The date of a release in a model's name."""

_DASHED_NUMBER = re.compile(r"(?<=[a-z]-)(\d+)-(\d{1,2})(?=-|$)")
"""A version that Anthropic writes with a dash, and Copilot with a dot."""


def listed(provider: str, model: str) -> Iterator[tuple[str, str]]:
    """Return where a model of a provider type may be listed: pairs of a list and a name.

    The likeliest comes first. Names of other spellings than the list's are lower case, without
    the prefix of a gateway, and at last without their date.
    """
    for name in spellings(model):
        prefix, _, rest = name.rpartition("/")
        vendor = _VENDORS.get(prefix)
        if provider in RESELLERS:
            if vendor and rest:
                yield vendor, rest
        elif provider in _WHOLE:
            yield LISTS[provider], name
        elif provider in LISTS:
            is_bedrock = _BEDROCK.match(rest) and provider == "anthropic"
            yield "aws" if is_bedrock else LISTS[provider], rest if vendor else name


def spellings(model: str) -> Iterator[str]:
    """Return the names that a model may have: its own, then without what may follow."""
    name = model.strip().lower()
    yield name
    for ending in _ENDINGS:
        shorter = ending.sub("", name)
        if shorter not in {name, ""}:
            name = shorter
            yield name
    if (dotted := _DASHED_NUMBER.sub(r"\1.\2", name)) != name:
        yield dotted


def snapshot_of(model: str) -> tuple[str, str]:
    """Return the name that all snapshots of a model share, and the date of this one, if any."""
    prefix, _, rest = model.strip().lower().rpartition("/")
    name = rest if prefix in _VENDORS else model.strip().lower()
    released = _RELEASED.search(name)
    *_, base = spellings(name)
    return base, released[1].replace("-", "") if released else ""
