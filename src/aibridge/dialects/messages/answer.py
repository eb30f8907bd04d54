"""The answer, streamed or whole: tokens, tool calls, thinking, the reason to stop."""

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from aibridge.dialects.answers.reading import AnswerReader
from aibridge.dialects.answers.tools import error_of_result
from aibridge.dialects.answers.usage import count_writes
from aibridge.dialects.errors import shown, stray_error
from aibridge.dialects.facts import ProviderError, ResponseFacts, Thought, TokenUsage, ToolCall
from aibridge.dialects.fields import compact, count, index, label, read, read_less, text, unlisted
from aibridge.dialects.messages.shapes import (
    BARE,
    BLOCK,
    EVENT,
    OUTLINE,
    WHOLE,
    Bare,
    Block,
    Event,
    Message,
    Outline,
)

QUIET = None
"""There are no other events that say nothing."""

SKIP = re.compile(
    rb'(?:event: (?:content_block_delta\ndata: \{"type":"content_block_delta","index":\d+,'
    rb'"delta":\{"type":"(?:text|citations)_delta"'
    rb'|ping\ndata: \{"type": ?"ping")[^\n]*\n\n)*'
)
"""Events that say nothing for the record, in the form in which they come: pieces of text.

Anchored at the event and at the beginning of its data, so no text can look like one.
"""

PIECES = re.compile(
    rb'(?:event: (?:content_block_delta\ndata: \{"type":"content_block_delta","index":\d+,'
    rb'"delta":\{"type":"[a-z_]+_delta"|ping\ndata: \{"type": ?"ping")[^\n]*\n\n)*'
)
"""Events that bring pieces of text, thinking or a tool's input, likewise."""

_HOSTED = frozenset({"server_tool_use", "mcp_tool_use"})
_MAX_OPEN = 4000


class StreamReader(AnswerReader):
    """Reads the events of a stream one by one, or a whole answer."""

    def __init__(self, servers: Mapping[str, str] | None = None) -> None:
        super().__init__(servers)
        self._open: dict[int, str] = {}
        """Types of the blocks that have begun and not stopped, by their index."""
        self._last_closed = ""

    @property
    def content_ended(self) -> bool:
        """Whether the last block that began has stopped, and is not merely thinking."""
        if self._last_closed and not self._open and "thinking" not in self._last_closed:
            return True
        return super().content_ended

    def read_event(self, data: bytes, name: str) -> bool:
        """Read one event; true for ``message_stop`` and an error, which end the answer."""
        event: Event | Bare | None = read(EVENT, data, self.notes, "an event")
        event = event or read_less(BARE, data, self.notes, "an event")
        if event is None:
            return self.fail(shown(ProviderError(), data)) if name == "error" else self.skip()
        if (event.error or event.errors or event.base_resp) and (error := event.failure()):
            self.take_usage(event.usage)
            return self.fail(error)
        kind = text(event.type) or name
        handle = self._HANDLERS.get(kind)
        if handle is not None and name != "error":
            return isinstance(event, Event) and handle(self, event)
        error = stray_error(data, surely="error" in {kind, name})
        return error is not None and self.fail(error)

    def whole(self, body: bytes) -> None:
        """Read an answer that came in one piece."""
        message: Message | Outline | None = read(WHOLE, body, self.notes, "the answer")
        message = message or read_less(OUTLINE, body, self.notes, "the answer")
        if message is None:
            self.skip()
            return
        self._take_message(message, final=True)
        content = message.content if isinstance(message, Message) else None
        for position, raw in enumerate(self.first(content)):
            block = read(BLOCK, raw, self.notes, "a content block")
            if block is not None:
                self._begin(position, block)
        self.end()
        error = message.failure()
        if error is None and (message.type == "error" or (content is None and not message.usage)):
            error = stray_error(body, surely=message.type == "error", whole=True)
        if error is not None:
            self.fail(error)

    def tokens(self, usage: dict[str, Any]) -> TokenUsage:
        """Count tokens: Anthropic's ``input_tokens`` already leaves out the cache."""
        tokens = TokenUsage(
            input=count(usage, "input_tokens", self.notes),
            output=count(usage, "output_tokens", self.notes),
            cache_read=count(usage, "cache_read_input_tokens", self.notes),
        )
        count_writes(tokens, usage, {}, self.notes)
        return tokens

    def read_usage(self, data: bytes) -> None:
        """Read the usage that comes after the end, or after an error."""
        event = read(BARE, data, self.notes, "an event")
        if event is None:
            self.skip()
        else:
            self.take_usage(event.usage, final=True)

    def _take_message(self, message: Outline, *, final: bool = False) -> None:
        self.name_answer(message.id, message.model)
        self.take_beside(diagnostics=message.diagnostics)
        self.stop_reason = label(message.stop_reason) or self.stop_reason
        self.take_usage(message.usage, final=final)

    def _message_start(self, event: Event) -> bool:
        message = read(OUTLINE, event.message, self.notes, "a message") if event.message else None
        if message is not None:
            self._take_message(message)
        return False

    def _block_start(self, event: Event) -> bool:
        block = event.content_block
        if block is not None:
            place = index(event.index)
            if len(self._open) < _MAX_OPEN:
                self._open[place] = text(block.type)
            self._begin(place, block)
        return False

    def _begin(self, key: int, block: Block) -> None:
        kind = text(block.type)
        if kind == "text":
            self.begin_text()
            self.take_text(text(block.text))
        elif kind == "tool_use":
            call = ToolCall(label(block.name), compact(block.input), call_id=label(block.id))
            self.drafts.begin(key, call)
        elif kind in _HOSTED:
            self.drafts.begin(key, self._hosted(block))
        elif kind == "thinking":
            self.drafts.begin(key, Thought(""))
            self.drafts.add(key, text(block.thinking))
        elif kind.endswith("_tool_result") and (error := error_of_result(block)):
            self.drafts.fail(label(block.tool_use_id), error)

    def _hosted(self, block: Block) -> ToolCall:
        """Return a tool that Anthropic runs itself; its result comes in the same answer."""
        metadata: dict[str, Any] = {"hosted": True}
        if server_name := label(block.server_name):
            metadata["server_name"] = server_name
        return ToolCall(
            name=label(block.name) or label(block.type),
            input=compact(block.input),
            item_id=label(block.id),
            server_url=label(block.server_url) or self.servers.get(server_name, ""),
            metadata=metadata,
        )

    def _block_delta(self, event: Event) -> bool:
        delta = event.delta
        if delta is not None and delta.text:
            self.take_text(text(delta.text))
        elif delta is not None:
            self.drafts.add(index(event.index), text(delta.partial_json or delta.thinking))
        return False

    def _block_stop(self, event: Event) -> bool:
        place = index(event.index)
        self._last_closed = self._open.pop(place, "text")
        self.drafts.close(place, is_json=True)
        return False

    def _message_delta(self, event: Event) -> bool:
        """Take the cumulative usage; the one that comes with the reason to stop is the last."""
        reason = label(event.delta.stop_reason) if event.delta is not None else ""
        self.stop_reason = reason or self.stop_reason
        self.take_beside(diagnostics=event.diagnostics)
        self.take_usage(event.usage, final=bool(reason))
        return False

    def _message_stop(self, _event: Event) -> bool:
        return self.end()

    _HANDLERS: ClassVar[dict[str, Callable[["StreamReader", Event], bool]]] = {
        "message_start": _message_start,
        "content_block_start": _block_start,
        "content_block_delta": _block_delta,
        "content_block_stop": _block_stop,
        "message_delta": _message_delta,
        "message_stop": _message_stop,
        "ping": lambda _reader, _event: False,
    }


def read_answer(body: bytes, servers: Mapping[str, str] | None = None) -> ResponseFacts:
    """Read an answer that came in one piece; never raises."""
    reader = StreamReader(servers)
    reader.whole(unlisted(body))
    return reader.facts()
