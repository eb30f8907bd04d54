"""Why a provider says that a run missed the cache, read from the metadata of a usage row.

Anthropic answers ``diagnostics`` with a ``cache_miss_reason`` of a type
(https://platform.claude.com/docs/en/build-with-claude/cache-diagnostics), OpenAI
``prompt_cache_diagnostics`` with a reason; both where they were asked to. Both may tell how many
tokens were missed.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from aibridge.dialects.facts import Notes
from aibridge.dialects.fields import count, mapping

_WORD = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NO_REASONS = frozenset({"unavailable", "previous_message_not_found", "cache_hit"})
"""What is said where a provider could not, or need not, say why."""


class Told(NamedTuple):
    """A provider's reason, empty for none, and how many tokens were missed, 0 if it did not say."""

    reason: str = ""
    tokens: int = 0


NOTHING_TOLD = Told()


class _Metadata(msgspec.Struct):
    diagnostics: Any = None
    prompt_cache_diagnostics: Any = None
    type: Any = None


_DECODER = msgspec.json.Decoder(_Metadata)


def read_told(metadata: str) -> Told | None:
    """Return what the metadata of a usage row say, `None` of a run that is not the model's own.

    Such are those of an advisor or a compaction, which have a prompt of their own.
    """
    try:
        found = _DECODER.decode(metadata)
    except (msgspec.MsgspecError, RecursionError):
        return NOTHING_TOLD
    if found.type is not None and found.type != "message":
        return None
    missed = mapping(found.diagnostics).get("cache_miss_reason")
    if missed:
        fields = mapping(missed)
        return _told(fields.get("type") or missed, fields, "cache_missed_input_tokens")
    told = mapping(found.prompt_cache_diagnostics)
    return _told(told.get("reason"), told, "cache_missed_tokens")


def _told(reason: object, fields: Mapping[str, object], tokens: str) -> Told:
    if not isinstance(reason, str) or reason in _NO_REASONS or not _WORD.fullmatch(reason):
        return NOTHING_TOLD
    return Told(reason, count(fields, tokens, Notes()) if tokens in fields else 0)
