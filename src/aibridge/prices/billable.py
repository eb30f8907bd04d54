"""What of a usage row is charged: tokens by kind, audio, and the calls of the provider's own tools.

Reasoning needs no rule here: the readers of the dialects count it with the output, whether the
provider tells it inside of that or beside it.
"""

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


_TOKENS = (
    Unit.INPUT,
    Unit.INPUT_AUDIO,
    Unit.CACHE_READ,
    Unit.CACHE_READ_AUDIO,
    Unit.CACHE_WRITE,
    Unit.CACHE_WRITE_5M,
    Unit.CACHE_WRITE_30M,
    Unit.CACHE_WRITE_1H,
    Unit.CACHE_WRITE_12H,
    Unit.OUTPUT,
    Unit.OUTPUT_AUDIO,
)


class _Action(msgspec.Struct):
    type: str = ""


_ACTION = msgspec.json.Decoder(_Action)


class _Audio(NamedTuple):
    """Tokens of audio among those of a usage object."""

    prompt: int = 0
    cached: int = 0
    output: int = 0


_SILENT = _Audio()


def billable(
    usage: TokenUsage, tools: Iterable[ToolCall] = (), missing: Iterable[str] = ()
) -> Billable:
    """Return what of a usage row is charged; ``missing`` names what has no price at all.

    ``tools`` are the calls of tools that the record has beside the row, for providers whose usage
    does not count them; pass them with the first row of an answer only.
    """
    unknown = [*missing]
    audio = _audio(usage)
    if audio.prompt - audio.cached > usage.input or audio.cached > usage.cache_read:
        unknown.append("audio")  # how much of it the cache read is not told
        audio = audio._replace(prompt=0, cached=0)
    pairs = zip(_TOKENS, _tokens(usage, audio), strict=True)
    counts = {unit: tokens for unit, tokens in pairs if tokens}
    unknown += _add_counted_calls(counts, usage)
    unknown += _add_listed_calls(counts, tools)
    return Billable(counts, tuple(unknown))


def _tokens(usage: TokenUsage, audio: _Audio) -> tuple[int, ...]:
    """Return how many there are of each of `_TOKENS`."""
    by_lifetime = (
        usage.cache_write_5m,
        usage.cache_write_30m,
        usage.cache_write_1h,
        usage.cache_write_12h,
    )
    heard, said = audio.prompt - audio.cached, min(audio.output, usage.output)
    return (
        usage.input - heard,
        heard,
        usage.cache_read - audio.cached,
        audio.cached,
        max(0, usage.cache_write - sum(by_lifetime)),
        *by_lifetime,
        usage.output - said,
        said,
    )


def _audio(usage: TokenUsage) -> _Audio:
    """Read the tokens of audio from the provider's own usage object, in OpenAI's words."""
    raw = mapping(usage.metadata.get("usage"))
    prompt = mapping(raw.get("prompt_tokens_details") or raw.get("input_tokens_details"))
    output = mapping(raw.get("completion_tokens_details") or raw.get("output_tokens_details"))
    if not prompt and not output:
        return _SILENT
    notes = Notes()
    heard = count(prompt, "audio_tokens", notes)
    cached = count(mapping(prompt.get("cached_tokens_details")), "audio_tokens", notes)
    return _Audio(heard, min(heard, cached), count(output, "audio_tokens", notes))


def _add_counted_calls(counts: dict[Unit, int], usage: TokenUsage) -> Iterator[str]:
    told, notes = mapping(usage.metadata.get("server_tool_use")), Notes()
    for name in told:
        if calls := count(told, name, notes):
            yield from _add(counts, _COUNTED.get(name, name), calls)


def _add_listed_calls(counts: dict[Unit, int], tools: Iterable[ToolCall]) -> Iterator[str]:
    for tool in tools:
        is_hosted = tool.metadata.get("hosted") and tool.name.endswith("_call")
        if is_hosted and not _is_free(tool):
            yield from _add(counts, _HOSTED.get(tool.name, tool.name), 1)


def _add(counts: dict[Unit, int], unit: Unit | str | None, calls: int) -> Iterator[str]:
    """Add calls of a tool; what there is no unit for is returned, unless it is free."""
    if isinstance(unit, Unit):
        counts[unit] = counts.get(unit, 0) + calls
    elif unit:
        yield unit


def _is_free(tool: ToolCall) -> bool:
    if _HOSTED.get(tool.name) is not Unit.WEB_SEARCH:
        return False
    try:
        return _ACTION.decode(tool.input).type in _FREE_ACTIONS
    except msgspec.MsgspecError:
        return False
