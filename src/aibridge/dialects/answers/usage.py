"""Counting tokens: what the dialects share of reading a provider's usage object."""

from collections.abc import Mapping
from typing import Any

import msgspec

from aibridge.dialects.facts import Notes, TokenUsage
from aibridge.dialects.fields import count, label, mapping

MAX_FIELDS = 100
"""Fields that an object in a usage object may have, of all events together."""

MAX_KEPT = 64 << 10
"""Bytes of a provider's usage object that are kept as they are."""

MAX_ENTRIES = 16
"""Entries that are read of a list of cache writes by lifetime."""

_MAX_DEPTH = 3
_LIFETIMES = ("5m", "30m", "1h", "12h")
_WRITTEN_BY_LIFETIME = (
    "cache_creation",
    "cache_creation_token_details",
    "cache_creation_tokens_details",
    "cache_write_token_details",
    "cache_write_tokens_details",
)
"""Names of the object that tells cache writes of one lifetime from those of another."""

_BESIDE = frozenset({"cache_read_input_tokens", "cache_creation_input_tokens"})
"""Anthropic's names: whoever uses them may count the cache beside the prompt, as Anthropic does."""

_KEYS = {
    lifetime: (
        f"ephemeral_{lifetime}_input_tokens",
        f"ephemeral_{lifetime}_tokens",
        f"ttl_{lifetime}_tokens",
        f"ttl_{lifetime}",
    )
    for lifetime in _LIFETIMES
}

_Fields = dict[str, Any]


def merged(known: _Fields, said: Mapping[str, Any], depth: int = 0) -> _Fields:
    """Return ``known`` with what a later event said: the last value of each field counts.

    Zeros, nulls and empty values erase nothing: some providers end a stream with zeros.
    """
    result = dict(known)
    for key, value in said.items():
        before = known.get(key)
        if isinstance(value, dict) and isinstance(before, dict) and depth < _MAX_DEPTH:
            if len(before) + len(value) <= MAX_FIELDS:
                result[key] = merged(before, value, depth + 1)
        elif value is not None and (value or type(value) is not type(before)):
            result[key] = value
    return result


def first_count(notes: Notes, *places: tuple[Mapping[str, object], str]) -> int:
    """Return the first number of tokens that is not zero in these fields, else 0."""
    for fields, key in places:
        if key in fields and (found := count(fields, key, notes)):
            return found
    return 0


def openai_tokens(usage: _Fields, prompt: str, completion: str, notes: Notes) -> TokenUsage:
    """Count tokens as OpenAI does: those of the prompt include what the cache read or wrote.

    ``prompt`` and ``completion`` are how the dialect calls them. Where the total says so, the
    cache is beside the prompt, or the reasoning beside the completion.
    """
    details = mapping(usage.get(f"{prompt}_details"))
    read = first_count(
        notes,
        (details, "cached_tokens"),
        (usage, "prompt_cache_hit_tokens"),
        (usage, "cached_tokens"),
        (usage, "cache_read_input_tokens"),
    )
    tokens = TokenUsage(cache_read=read)
    count_writes(tokens, usage, details, notes)
    cached = read + tokens.cache_write
    given, output = count(usage, prompt, notes), count(usage, completion, notes)
    total = count(usage, "total_tokens", notes)
    may_be_beside = cached > given or usage.keys() & _BESIDE
    if may_be_beside and total == given + cached + output:
        given += cached
    tokens.input = max(0, given - cached)
    tokens.output = max(output, total - given) if given else output
    return tokens


def count_writes(
    tokens: TokenUsage, usage: _Fields, details: Mapping[str, object], notes: Notes
) -> None:
    """Count what the cache wrote, under any of its names, and by lifetime where that is told."""
    written = first_count(
        notes,
        (details, "cache_write_tokens"),
        (usage, "cache_creation_input_tokens"),
        (details, "cache_creation_tokens"),
        (details, "cache_creation_input_tokens"),
        (usage, "cache_write_input_tokens"),
        (usage, "cache_write_tokens"),
    )
    by_lifetime = _by_lifetime(usage, details, notes)
    for lifetime, count_ in by_lifetime.items():
        setattr(tokens, f"cache_write_{lifetime}", count_)
    tokens.cache_write = max(written, sum(by_lifetime.values()))


def _by_lifetime(usage: _Fields, details: Mapping[str, object], notes: Notes) -> dict[str, int]:
    holders = [
        mapping(fields[name])
        for fields in (usage, details)
        if fields
        for name in _WRITTEN_BY_LIFETIME
        if name in fields
    ]
    if holders:
        return {
            lifetime: first_count(notes, *((holder, key) for holder in holders for key in keys))
            for lifetime, keys in _KEYS.items()
        }
    listed = usage.get("cacheDetails") or usage.get("cache_details")
    return _listed(listed, notes) if isinstance(listed, list) else {}


def _listed(entries: list[Any], notes: Notes) -> dict[str, int]:
    """Count what Bedrock lists as ``cacheDetails: [{ttl, inputTokens}]``."""
    found = dict.fromkeys(_LIFETIMES, 0)
    for entry in map(mapping, entries[:MAX_ENTRIES]):
        if (lifetime := label(entry.get("ttl"))) in found:
            found[lifetime] += first_count(notes, (entry, "inputTokens"), (entry, "input_tokens"))
    return found


def is_small(value: object, limit: int = MAX_KEPT) -> bool:
    """Whether ``value`` is at most ``limit`` bytes of JSON."""
    try:
        return len(msgspec.json.encode(value)) <= limit
    except (ValueError, OverflowError, RecursionError):
        return False
