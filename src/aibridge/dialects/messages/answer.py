"""The answer, streamed or whole: tokens, tool calls, thinking, the reason to stop."""

import re
from collections.abc import Callable
from typing import Any, ClassVar

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.errors import error_of
from aibridge.dialects.facts import ResponseFacts, Thought, TokenUsage, ToolCall
from aibridge.dialects.fields import compact, count, index, label, read, text
from aibridge.dialects.reading import AnswerReader

SKIP = re.compile(
    rb'(?:event: (?:content_block_delta\ndata: \{"type":"content_block_delta","index":\d+,'
    rb'"delta":\{"type":"(?:text|signature|citations)_delta"'
    rb'|ping\ndata: \{"type": ?"ping")[^\n]*\n\n)*'
)
"""Events that say nothing for the record, in the form in which they come: pieces of text.

Anchored at the event and at the beginning of its data, so no text can look like one.
"""

_HOSTED = frozenset({"server_tool_use", "mcp_tool_use"})


class _Block(Struct):
    type: Any = None
    id: Any = None
    name: Any = None
    input: Raw = Raw()
    thinking: Any = None
    server_name: Any = None
    server_url: Any = None


class _Message(Struct):
    type: Any = None
    id: Any = None
    model: Any = None
    content: list[Raw] | None = None
    stop_reason: Any = None
    usage: Any = None
    error: Any = None


class _Delta(Struct):
    type: Any = None
    partial_json: Any = None
    thinking: Any = None
    stop_reason: Any = None


class _Event(Struct):
    type: Any = None
    index: Any = None
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    usage: Any = None
    error: Any = None


_EVENT = msgspec.json.Decoder(_Event)
_WHOLE = msgspec.json.Decoder(_Message)
_BLOCK = msgspec.json.Decoder(_Block)


class StreamReader(AnswerReader):
    """Reads the events of a stream one by one, or a whole answer."""

    def event(self, data: bytes, name: str = "") -> bool:
        """Read one event; true for ``message_stop`` and ``error``, which end the answer."""
        if self.ended:
            return False
        event = read(_EVENT, data, self.notes, "an event")
        if event is None:
            return self.skip()
        handle = self._HANDLERS.get(text(event.type) or name)
        return handle is not None and handle(self, event)

    def whole(self, body: bytes) -> None:
        """Read an answer that came in one piece."""
        message = read(_WHOLE, body, self.notes, "the answer")
        if message is None:
            return
        self._take_message(message)
        for position, raw in enumerate(self.first(message.content)):
            block = read(_BLOCK, raw, self.notes, "a content block")
            if block is not None:
                self._begin(position, block)
        self.end()
        if message.type == "error":
            self.fail(error_of(message.error))

    def tokens(self, usage: dict[str, Any]) -> TokenUsage:
        """Count tokens: Anthropic's ``input_tokens`` already leaves out the cache."""
        return TokenUsage(
            input=count(usage, "input_tokens", self.notes),
            output=count(usage, "output_tokens", self.notes),
            cache_read=count(usage, "cache_read_input_tokens", self.notes),
            cache_write=count(usage, "cache_creation_input_tokens", self.notes),
        )

    def _take_message(self, message: _Message) -> None:
        self.name_answer(message.id, message.model)
        self.stop_reason = label(message.stop_reason) or self.stop_reason
        self.take_usage(message.usage)

    def _message_start(self, event: _Event) -> bool:
        if event.message is not None:
            self._take_message(event.message)
        return False

    def _block_start(self, event: _Event) -> bool:
        if event.content_block is not None:
            self._begin(index(event.index), event.content_block)
        return False

    def _begin(self, key: int, block: _Block) -> None:
        if block.type == "tool_use":
            call = ToolCall(label(block.name), compact(block.input), call_id=label(block.id))
            self.drafts.begin(key, call)
        elif text(block.type) in _HOSTED:
            self.drafts.begin(key, _hosted(block))
        elif block.type == "thinking":
            self.drafts.begin(key, Thought(""))
            self.drafts.add(key, text(block.thinking))

    def _block_delta(self, event: _Event) -> bool:
        if event.delta is not None:
            piece = event.delta.partial_json or event.delta.thinking
            self.drafts.add(index(event.index), text(piece))
        return False

    def _block_stop(self, event: _Event) -> bool:
        self.drafts.close(index(event.index), is_json=True)
        return False

    def _message_delta(self, event: _Event) -> bool:
        """Take the cumulative usage; the one that comes with the reason to stop is the last."""
        reason = label(event.delta.stop_reason) if event.delta is not None else ""
        self.stop_reason = reason or self.stop_reason
        self.take_usage(event.usage, final=bool(reason))
        return False

    def _message_stop(self, _event: _Event) -> bool:
        return self.end()

    def _error(self, event: _Event) -> bool:
        return self.fail(error_of(event.error))

    _HANDLERS: ClassVar[dict[str, Callable[["StreamReader", _Event], bool]]] = {
        "message_start": _message_start,
        "content_block_start": _block_start,
        "content_block_delta": _block_delta,
        "content_block_stop": _block_stop,
        "message_delta": _message_delta,
        "message_stop": _message_stop,
        "error": _error,
    }


def read_answer(body: bytes) -> ResponseFacts:
    """Read an answer that came in one piece; never raises."""
    reader = StreamReader()
    reader.whole(body)
    return reader.facts()


def _hosted(block: _Block) -> ToolCall:
    """A tool that Anthropic runs itself; its result comes in the same answer."""
    metadata: dict[str, Any] = {"hosted": True}
    if server_name := label(block.server_name):
        metadata["server_name"] = server_name
    return ToolCall(
        name=label(block.name) or label(block.type),
        input=compact(block.input),
        item_id=label(block.id),
        server_url=label(block.server_url),
        metadata=metadata,
    )
