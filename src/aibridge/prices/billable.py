"""What of a usage row is charged: tokens by kind, audio, and the calls of the provider's own tools.

Reasoning needs no rule here: the readers of the dialects count it with the output, whether the
provider tells it inside of that or beside it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from aibridge.dialects.facts import Notes, TokenUsage, ToolCall
from aibridge.dialects.fields import count, mapping
from aibridge.prices.cost import Billable
from aibridge.prices.rates import Unit

_COUNTED = {
    "web_search_requests": Unit.WEB_SEARCH,
    "web_fetch_requests": None,
    "tool_search_requests": None,
}
"""What Anthropic counts of its own tools, and as what it is charged; ``None`` is free.

Fetches and tool searches cost their tokens only. Source:
https://platform.claude.com/docs/en/about-claude/pricing (tool pricing), October 2026.
"""

_HOSTED = {
    "web_search_call": Unit.WEB_SEARCH,
    "file_search_call": Unit.FILE_SEARCH,
    "mcp_call": None,
    "tool_search_call": None,
}
"""Types of OpenAI's output items for tools that it runs itself, and as what they are charged.

Its usage objects do not count them. Source: https://developers.openai.com/api/docs/pricing
(tools), October 2026.
"""

_FREE_ACTIONS = frozenset({"open_page", "find_in_page"})
"""What a web search of OpenAI does beside searching; only a search is charged.

Source: https://developers.openai.com/api/docs/guides/tools-web-search, October 2026.
"""


class _Action(msgspec.Struct):
    type: str = ""


_ACTION = msgspec.json.Decoder(_Action)


class _Audio(NamedTuple):
    """Tokens of audio among those of a usage object."""

    prompt: int = 0
    cached: int = 0
    output: int = 0


def billable(usage: TokenUsage, tools: Iterable[ToolCall] = ()) -> Billable:
    """Return what of a usage row is charged.

    ``tools`` are the calls of tools that the record has beside the row, for providers whose usage
    does not count them; pass them with the first row of an answer only.
    """
    counts: Counter[Unit] = Counter()
    unknown = [
        *_add_tokens(counts, usage),
        *_add_counted_calls(counts, usage),
        *_add_listed_calls(counts, tools),
    ]
    return Billable({unit: number for unit, number in counts.items() if number}, tuple(unknown))


def _add_tokens(counts: Counter[Unit], usage: TokenUsage) -> Iterator[str]:
    audio = _audio(usage)
    heard = audio.prompt - audio.cached
    if heard > usage.input or audio.cached > usage.cache_read:
        yield "audio"  # how much of it the cache read is not told
        heard, audio = 0, audio._replace(cached=0)
    said = min(audio.output, usage.output)
    counts[Unit.INPUT] += usage.input - heard
    counts[Unit.INPUT_AUDIO] += heard
    counts[Unit.CACHE_READ] += usage.cache_read - audio.cached
    counts[Unit.CACHE_READ_AUDIO] += audio.cached
    counts[Unit.OUTPUT] += usage.output - said
    counts[Unit.OUTPUT_AUDIO] += said
    by_lifetime = {
        Unit.CACHE_WRITE_5M: usage.cache_write_5m,
        Unit.CACHE_WRITE_30M: usage.cache_write_30m,
        Unit.CACHE_WRITE_1H: usage.cache_write_1h,
        Unit.CACHE_WRITE_12H: usage.cache_write_12h,
    }
    counts.update(by_lifetime)
    counts[Unit.CACHE_WRITE] += max(0, usage.cache_write - sum(by_lifetime.values()))


def _audio(usage: TokenUsage) -> _Audio:
    """Read the tokens of audio from the provider's own usage object, in OpenAI's words."""
    raw, notes = mapping(usage.metadata.get("usage")), Notes()
    prompt = mapping(raw.get("prompt_tokens_details") or raw.get("input_tokens_details"))
    output = mapping(raw.get("completion_tokens_details") or raw.get("output_tokens_details"))
    cached = mapping(prompt.get("cached_tokens_details"))
    heard = count(prompt, "audio_tokens", notes)
    return _Audio(
        prompt=heard,
        cached=min(heard, count(cached, "audio_tokens", notes)),
        output=count(output, "audio_tokens", notes),
    )


def _add_counted_calls(counts: Counter[Unit], usage: TokenUsage) -> Iterator[str]:
    told, notes = mapping(usage.metadata.get("server_tool_use")), Notes()
    for name in told:
        if calls := count(told, name, notes):
            unit = _COUNTED.get(name, name)
            if isinstance(unit, Unit):
                counts[unit] += calls
            elif unit:
                yield unit


def _add_listed_calls(counts: Counter[Unit], tools: Iterable[ToolCall]) -> Iterator[str]:
    hosted = (tool for tool in tools if tool.metadata.get("hosted"))
    for tool in hosted:
        if tool.name.endswith("_call") and not _is_free(tool):
            unit = _HOSTED.get(tool.name, tool.name)
            if isinstance(unit, Unit):
                counts[unit] += 1
            elif unit:
                yield unit


def _is_free(tool: ToolCall) -> bool:
    if _HOSTED.get(tool.name) is not Unit.WEB_SEARCH:
        return False
    try:
        return _ACTION.decode(tool.input).type in _FREE_ACTIONS
    except msgspec.MsgspecError:
        return False
