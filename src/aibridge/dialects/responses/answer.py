"""The answer, streamed or whole: tokens, tool calls, thoughts, how it ended."""

import re
from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

from msgspec import Raw

from aibridge.dialects.answers.reading import AnswerReader
from aibridge.dialects.answers.usage import openai_tokens
from aibridge.dialects.errors import shown, stray_error
from aibridge.dialects.facts import ProviderError, ResponseFacts, Thought, TokenUsage, ToolCall
from aibridge.dialects.fields import index, label, mapping, read, read_less, text, unlisted
from aibridge.dialects.responses.items import ITEM, Item, call_of, facts_of, is_call, texts_of
from aibridge.dialects.responses.shapes import (
    BARE,
    EVENT,
    OUTLINE,
    RESPONSE,
    Event,
    Outline,
    Response,
)

SKIP = re.compile(
    rb'(?:(?:event: [a-z_.]+\n)?data: \{"type": ?"response\.(?:output_text|refusal)\.delta"'
    rb"[^\n]*\n\n)*"
)
"""Events that say nothing for the record, in the form in which they come: pieces of text.

Anchored at the beginning of the data, so no text can look like one.
"""

PIECES = re.compile(
    rb'(?:(?:event: [a-z_.]+\n)?data: \{"type": ?"response\.[a-z_.]+\.delta"[^\n]*\n\n)*'
)
"""Events that bring pieces of text, thinking or a tool's input, likewise."""

_QUIET = (
    rb'\{"type": ?"(?:response\.(?:output_text\.annotation\.added|content_part\.(?:added|done)'
    rb"|refusal\.done|audio\.(?:delta|done)|in_progress|reasoning_summary_part\.(?:added|done)"
    rb"|image_generation_call\.partial_image|code_interpreter_call_code\.(?:delta|done))"
    rb'|keepalive)"'
)
QUIET = re.compile(rb"(?:event: [a-z_.]+\n)?data: " + _QUIET + rb"[^\n]*\n\n")
"""Other events of which nothing is read. Some are large, and all repeat what others say."""

_SILENT = re.compile(_QUIET)

_ENDS = frozenset(
    f"response.{status}" for status in ("completed", "incomplete", "failed", "cancelled", "done")
)
_FAILED = "failed"
_YET_TO_BE_MADE = frozenset({"queued", "in_progress"})

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


class StreamReader(AnswerReader):
    """Reads the events of a stream (or frames of a WebSocket) one by one, or a whole answer."""

    thought_source = "reasoning"

    def __init__(self, servers: Mapping[str, str] | None = None) -> None:
        super().__init__(servers)
        self._taken: set[Hashable] = set()
        """Index, id and call id of each item that was taken: any of them tells it again."""
        self._begun: dict[int, list[Hashable]] = {}
        """Keys of what is being said, by the index of its item."""
        self._open: set[int] = set()
        """Indexes of the items that have begun and are not done."""
        self._has_deltas = False
        """Whether text came piece by piece, so that items only repeat it."""
        self._said = False
        """Whether the last item that is done was more than reasoning."""

    @property
    def content_ended(self) -> bool:
        """Whether the items that have begun are done, the last of them not merely reasoning."""
        return (self._said and not self._open) or super().content_ended

    def read_event(self, data: bytes, name: str) -> bool:
        """Read one event; true for those that end the answer.

        These are ``response.completed``, ``.incomplete``, ``.failed``, ``.done`` and ``error``.
        """
        if _SILENT.match(data):
            return False
        event: Event | None = read(EVENT, data, self.notes, "an event")
        if event is None:
            return self._read_bare(data, name)
        kind = text(event.type) or name
        handle = self._HANDLERS.get(kind)
        if handle is not None:
            handle(self, event)
            return False
        if kind in _PIECES:
            self._piece(event, *_PIECES[kind])
            return False
        return self._read_other(event, data, kind, name)

    def whole(self, body: bytes) -> None:
        """Read an answer that came in one piece."""
        self._take_response(body, ends=True)
        self.is_queued = self.error is None and self.stop_reason in _YET_TO_BE_MADE
        if self.is_queued:
            self.stop_reason = ""

    def tokens(self, usage: dict[str, Any]) -> TokenUsage:
        """Count tokens: OpenAI's ``input_tokens`` includes what the cache read or wrote."""
        return openai_tokens(usage, "input_tokens", "output_tokens", self.notes)

    def read_usage(self, data: bytes) -> None:
        """Read the usage of an event that comes after the end, or after an error."""
        event = read(BARE, data, self.notes, "an event")
        if event is None:
            self.skip()
        else:
            self.take_usage(mapping(event.response).get("usage"), final=True)

    def _read_other(self, event: Event, data: bytes, kind: str, name: str) -> bool:
        """Read an event that brings a response or an error, if it does."""
        if error := event.failure():
            return self.fail(error)
        if event.response or kind in _ENDS:
            return self._take_response(event.response, ends=kind in _ENDS, kind=kind)
        if kind.startswith("response."):
            return False
        error = stray_error(data, surely="error" in {kind, name})
        return error is not None and self.fail(error)

    def _read_bare(self, data: bytes, name: str) -> bool:
        """Read what is left of an event of an unexpected shape."""
        event = read_less(BARE, data, self.notes, "an event")
        if event is not None and (error := event.failure()):
            return self.fail(error)
        if name == "error":
            return self.fail(shown(ProviderError(), data))
        return self.skip()

    def _take_response(self, data: bytes | Raw, *, ends: bool, kind: str = "") -> bool:
        response = self._response(data) if data else Response()
        if response is None:
            self.skip()
            return ends and bool(kind) and self.end()
        self.name_answer(response.id, response.model)
        self.take_beside(
            service_tier=response.service_tier,
            prompt_cache_diagnostics=response.prompt_cache_diagnostics,
        )
        self.take_usage(response.usage, final=ends)
        if not ends:
            return False
        output = response.output if isinstance(response, Response) else None
        for place, raw in enumerate(self.first(output)):
            self._item_done(place, raw)
        self.stop_reason = _stop_reason(response)
        if error := self._error_in(response, data, kind):
            return self.fail(error)
        return self.end()

    def _response(self, data: bytes | Raw) -> Response | Outline | None:
        what = "a response object"
        found = read(RESPONSE, data, self.notes, what)
        return found or read_less(OUTLINE, data, self.notes, what)

    def _error_in(self, response: Outline, data: bytes | Raw, kind: str) -> ProviderError | None:
        if error := response.failure():
            return error
        if response.status == _FAILED or kind == f"response.{_FAILED}":
            return ProviderError(_FAILED, "the provider says that the answer failed")
        if not kind and response.status is None and response.usage is None:
            return stray_error(data, whole=True)
        return None

    def _item_added(self, event: Event) -> None:
        """Open a tool call, so that a break leaves what was said of it."""
        place = index(event.output_index)
        if len(self._open) < MAX_NAMES:
            self._open.add(place)
        item = read(ITEM, event.item, self.notes, "an output item")
        if item is None:
            return
        if is_call(item):
            self._begin(place, "call", call_of(item, self.servers))
        elif item.type == "message":
            self.begin_text()

    def _text_delta(self, event: Event) -> None:
        self._has_deltas = True
        self.take_text(text(event.delta))

    def _text_done(self, event: Event) -> None:
        self._done(index(event.output_index))

    def _done(self, place: int) -> None:
        self._open.discard(place)
        self._said = True

    def _piece(self, event: Event, field: str, source: str) -> None:
        place = index(event.output_index)
        part: Hashable = "call" if field == "call" else (source, index(getattr(event, field)))
        if source and self.drafts.get((place, part)) is None:
            self._begin(place, part, Thought("", source))
        self.drafts.add((place, part), text(event.delta))

    def _begin(self, place: int, part: Hashable, fact: ToolCall | Thought) -> None:
        key = (place, part)
        if self.drafts.begin(key, fact):
            self._begun.setdefault(place, []).append(key)

    def _event_of_item_done(self, event: Event) -> None:
        self._item_done(index(event.output_index), event.item)

    def _item_done(self, place: int, raw: Raw) -> None:
        """Take a whole item, instead of the pieces of it, unless it was taken already."""
        item = read(ITEM, raw, self.notes, "an output item")
        self._done(place)
        if item is None or not self._is_new(place, item):
            return
        self._said = item.type != "reasoning"
        said = self.drafts.said
        for key in self._begun.pop(place, []):
            self.drafts.discard(key)
        for number, fact in enumerate(facts_of(item, self.servers)):
            self.drafts.put((place, number), fact)
        self.drafts.said = max(said, self.drafts.said)  # the whole may lack what pieces had
        for piece in () if self._has_deltas else texts_of(item):
            self.begin_text()
            self.take_text(piece)

    def _is_new(self, place: int, item: Item) -> bool:
        """Whether the item was not taken yet; some servers change its id between events."""
        names = {place, *filter(None, (label(item.id), label(item.call_id)))}
        if names & self._taken or len(self._taken) > MAX_NAMES:
            return False
        self._taken |= names
        return True

    _HANDLERS: ClassVar[dict[str, Callable[["StreamReader", Event], None]]] = {
        "response.output_text.delta": _text_delta,
        "response.output_text.done": _text_done,
        "response.output_item.added": _item_added,
        "response.output_item.done": _event_of_item_done,
    }


def read_answer(body: bytes, servers: Mapping[str, str] | None = None) -> ResponseFacts:
    """Read an answer that came in one piece; never raises."""
    reader = StreamReader(servers)
    reader.whole(unlisted(body))
    return reader.facts()


def _stop_reason(response: Outline) -> str:
    """Why it is incomplete, where that is said; else its status."""
    return label(mapping(response.incomplete_details).get("reason")) or label(response.status)
