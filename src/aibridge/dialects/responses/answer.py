"""The answer, streamed or whole: tokens, tool calls, thoughts, how it ended."""

import re
from collections.abc import Hashable
from typing import Any

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.errors import error_of
from aibridge.dialects.facts import ResponseFacts, Thought, TokenUsage, ToolCall
from aibridge.dialects.fields import count, index, label, mapping, read, text
from aibridge.dialects.reading import AnswerReader
from aibridge.dialects.responses.items import ITEM, Item, call_of, facts_of, is_call

_SILENT = (
    rb"response\.(?:output_text\.(?:delta|done|annotation\.added)|content_part\.(?:added|done)"
    rb"|refusal\.(?:delta|done)|audio\.(?:delta|done)|in_progress"
    rb"|reasoning_summary_part\.(?:added|done)|image_generation_call\.partial_image"
    rb"|code_interpreter_call_code\.(?:delta|done))|keepalive"
)
SKIP = re.compile(rb'(?:(?:event: [a-z_.]+\n)?data: \{"type": ?"(?:' + _SILENT + rb')"[^\n]*\n\n)*')
"""Events that say nothing for the record, in the form in which they come.

Anchored at the beginning of the data, so no text can look like one.
"""

_ENDS = frozenset(
    f"response.{status}" for status in ("completed", "incomplete", "failed", "cancelled")
)

_UNDER_WAY = ("queued", "in_progress")
"""How a response stands that is made in the background, and whose end is yet to be asked for."""

_PIECES: dict[str, tuple[str, str]] = {
    "response.function_call_arguments.delta": ("call", ""),
    "response.custom_tool_call_input.delta": ("call", ""),
    "response.mcp_call_arguments.delta": ("call", ""),
    "response.reasoning_summary_text.delta": ("summary_index", "reasoning_summary"),
    "response.reasoning_text.delta": ("content_index", "reasoning"),
}
"""Events that bring pieces: the field that tells parts of an item apart, the thought's source."""


MAX_NAMES = 4000
"""Indexes, ids and call ids of items that are remembered; no further item is taken after."""


class _Response(Struct):
    id: Any = None
    model: Any = None
    status: Any = None
    service_tier: Any = None
    usage: Any = None
    error: Any = None
    incomplete_details: Any = None
    output: list[Raw] | None = None


class _Event(Struct):
    type: Any = None
    response: Raw = Raw()
    item: Raw = Raw()
    item_id: Any = None
    output_index: Any = None
    summary_index: Any = None
    content_index: Any = None
    delta: Any = None
    error: Any = None
    code: Any = None
    message: Any = None


_EVENT = msgspec.json.Decoder(_Event)
_RESPONSE = msgspec.json.Decoder(_Response)


class StreamReader(AnswerReader):
    """Reads the events of a stream (or frames of a WebSocket) one by one, or a whole answer."""

    def __init__(self) -> None:
        super().__init__()
        self._taken: set[Hashable] = set()
        """Index, id and call id of each item that was taken: any of them tells it again."""
        self._begun: dict[int, list[Hashable]] = {}
        """Keys of what is being said, by the index of its item."""

    def event(self, data: bytes, name: str = "") -> bool:
        """Read one event; true for those that end the answer.

        These are ``response.completed``, ``.incomplete``, ``.failed`` and ``error``.
        """
        if self.ended:
            return False
        event = read(_EVENT, data, self.notes, "an event")
        if event is None:
            return self.skip()
        kind = text(event.type) or name
        if kind in _PIECES:
            self._piece(event, *_PIECES[kind])
        elif kind == "response.output_item.added":
            self._item_added(event)
        elif kind == "response.output_item.done":
            self._item_done(index(event.output_index), event.item)
        elif kind == "error":
            named = {"type": event.code, "message": event.message}
            return self.fail(error_of(event.error or named))
        elif event.response:
            ends = kind in _ENDS
            return self._take_response(event.response, ends=ends) or (ends and self.end())
        return False

    def whole(self, body: bytes) -> None:
        """Read an answer that came in one piece."""
        self._take_response(body, ends=True, whole=True)

    def tokens(self, usage: dict[str, Any]) -> TokenUsage:
        """Count tokens: OpenAI's ``input_tokens`` includes what the cache read or wrote."""
        details = mapping(usage.get("input_tokens_details"))
        cached = count(details, "cached_tokens", self.notes)
        written = count(details, "cache_write_tokens", self.notes)
        return TokenUsage(
            input=max(0, count(usage, "input_tokens", self.notes) - cached - written),
            output=count(usage, "output_tokens", self.notes),
            cache_read=cached,
            cache_write=written,
        )

    def _take_response(self, data: bytes | Raw, *, ends: bool, whole: bool = False) -> bool:
        response = read(_RESPONSE, data, self.notes, "a response object")
        if response is None:
            return False
        self.name_answer(response.id, response.model, response.service_tier)
        self.take_usage(response.usage, final=ends)
        if not ends:
            return False
        if whole and response.status in _UNDER_WAY:
            self.is_queued = True
            return False
        for place, raw in enumerate(self.first(response.output)):
            self._item_done(place, raw)
        self.stop_reason = _stop_reason(response)
        if response.error:
            return self.fail(error_of(response.error))
        return self.end()

    def _item_added(self, event: _Event) -> None:
        """Open a tool call, so that a break leaves what was said of it."""
        item = read(ITEM, event.item, self.notes, "an output item")
        if item is not None and is_call(item):
            self._begin(index(event.output_index), "call", call_of(item))

    def _piece(self, event: _Event, field: str, source: str) -> None:
        place = index(event.output_index)
        part: Hashable = "call" if field == "call" else (source, index(getattr(event, field)))
        if source and self.drafts.get((place, part)) is None:
            self._begin(place, part, Thought("", source))
        self.drafts.add((place, part), text(event.delta))

    def _begin(self, place: int, part: Hashable, fact: ToolCall | Thought) -> None:
        key = (place, part)
        if self.drafts.begin(key, fact):
            self._begun.setdefault(place, []).append(key)

    def _item_done(self, place: int, raw: Raw) -> None:
        """Take a whole item, instead of the pieces of it, unless it was taken already."""
        item = read(ITEM, raw, self.notes, "an output item")
        if item is None or not self._is_new(place, item):
            return
        for key in self._begun.pop(place, []):
            self.drafts.discard(key)
        for number, fact in enumerate(facts_of(item)):
            self.drafts.put((place, number), fact)

    def _is_new(self, place: int, item: Item) -> bool:
        """Whether the item was not taken yet; some servers change its id between events."""
        names = {place, *filter(None, (label(item.id), label(item.call_id)))}
        if names & self._taken or len(self._taken) > MAX_NAMES:
            return False
        self._taken |= names
        return True


def read_answer(body: bytes) -> ResponseFacts:
    """Read an answer that came in one piece; never raises."""
    reader = StreamReader()
    reader.whole(body)
    return reader.facts()


def _stop_reason(response: _Response) -> str:
    """Why it is incomplete, where that is said; else its status."""
    return label(mapping(response.incomplete_details).get("reason")) or label(response.status)
