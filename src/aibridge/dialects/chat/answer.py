"""The answer, streamed or whole: tokens, tool calls, reasoning, the reason to stop."""

import re
from collections.abc import Hashable, Mapping
from typing import Any

from msgspec import Raw

from aibridge.dialects.answers.estimate import text_bytes
from aibridge.dialects.answers.reading import AnswerReader
from aibridge.dialects.answers.usage import openai_tokens
from aibridge.dialects.chat.shapes import (
    CHUNK,
    OUTLINE,
    PARTS,
    STRING,
    Choice,
    Function,
    Outline,
    Said,
    ToolCallPiece,
)
from aibridge.dialects.errors import error_of, shown, stray_error
from aibridge.dialects.facts import ProviderError, ResponseFacts, Thought, TokenUsage, ToolCall
from aibridge.dialects.fields import compact, index, label, read, read_less, text, unlisted

_TEXT = rb'"[^"\\]*(?:\\.[^"\\]*){0,1000}"'  # each escape takes memory until the match ends
_PLAIN = rb'"[^"\\\n]*"'
QUIET = None
"""There are no other events that say nothing."""


def _events(delta: bytes) -> re.Pattern[bytes]:
    """Return a pattern of events whose ``delta`` holds nothing else, in their usual form."""
    return re.compile(
        rb'(?:data: \{"id":' + _PLAIN + rb',"object":"chat\.completion\.chunk","created":\d+,'
        rb'"model":' + _PLAIN + rb'(?:,"(?:service_tier|system_fingerprint)":' + _PLAIN + rb")*"
        rb',"choices":\[\{"index":\d+,"delta":\{' + delta + rb"\}"
        rb'(?:,"(?:logprobs|finish_reason|usage)":null)*\}\]'
        rb'(?:,"(?:usage":null|obfuscation":' + _PLAIN + rb"))*\}\n\n)*"
    )


SKIP = _events(rb'"content":' + _TEXT)
"""Events that say nothing for the record, in the form in which they come: pieces of text.

It spells out the whole event, so no text can look like one, and nothing else can hide in it.
"""

PIECES = _events(
    rb'(?:"(?:content|reasoning_content|reasoning)":'
    + _TEXT
    + rb'|"tool_calls":\[\{"index":\d+,"function":\{"arguments":'
    + _TEXT
    + rb"\}\}\])"
)
"""Events that bring pieces of text, thinking or a tool's input, likewise."""

_Key = tuple[int, Hashable]
_NO_FUNCTION = Function()


class StreamReader(AnswerReader):
    """Reads the events of a stream one by one, or a whole answer."""

    thought_source = "reasoning"

    def __init__(self, servers: Mapping[str, str] | None = None) -> None:
        super().__init__(servers)
        self._keys: dict[int, list[_Key]] = {}
        """What is being said, by the index of its choice."""

    def read_event(self, data: bytes, name: str) -> bool:
        """Read one event; true for an error, which ends the answer as ``[DONE]`` does."""
        return self._read(data, "an event", is_error=name == "error")

    def whole(self, body: bytes) -> None:
        """Read an answer that came in one piece."""
        self._read(body, "the answer", whole=True)

    def tokens(self, usage: dict[str, Any]) -> TokenUsage:
        """Count tokens; some providers name them as the Responses API does."""
        if "prompt_tokens" not in usage and "input_tokens" in usage:
            return openai_tokens(usage, "input_tokens", "output_tokens", self.notes)
        return openai_tokens(usage, "prompt_tokens", "completion_tokens", self.notes)

    def read_usage(self, data: bytes) -> None:
        """Read the usage that comes after ``[DONE]``, or after an error."""
        outline = read(OUTLINE, data, self.notes, "an event")
        if outline is None:
            self.skip()
        else:
            self.take_usage(outline.all_usage(), final=True)

    def _read(self, data: bytes, what: str, *, whole: bool = False, is_error: bool = False) -> bool:
        chunk = read(CHUNK, data, self.notes, what)
        outline = chunk or read_less(OUTLINE, data, self.notes, what)
        if outline is None:
            return self.fail(shown(ProviderError(), data)) if is_error else self.skip()
        choices = self.first(chunk.choices) if chunk else []
        for choice in choices:
            self._take_choice(choice, whole=whole)
        self._take_outline(outline, is_last=not choices or bool(self.stop_reason))
        error = outline.failure() or next(
            (error_of(choice.error) for choice in choices if choice.error), None
        )
        if error is None and not choices and (is_error or outline.usage is None):
            error = stray_error(data, surely=is_error, whole=whole)
        if error is not None:
            return self.fail(error)
        return whole and self.end()

    def _take_outline(self, outline: Outline, *, is_last: bool) -> None:
        self.name_answer(outline.id, outline.model)
        self.take_beside(
            service_tier=outline.service_tier,
            diagnostics=outline.diagnostics,
            prompt_cache_diagnostics=outline.prompt_cache_diagnostics,
        )
        self.take_usage(outline.all_usage(), final=is_last)

    def _take_choice(self, choice: Choice, *, whole: bool) -> None:
        place = index(choice.index)
        if choice.delta is not None:
            self._take_said(place, choice.delta, whole=False)
        if choice.message is not None:
            self._take_said(place, choice.message, whole=whole)
        if reason := label(choice.finish_reason):
            for key in self._keys.pop(place, []):
                self.drafts.close(key)
            if place == 0 or not self.stop_reason:
                self.stop_reason = reason
        self.take_usage(choice.usage, final=bool(reason))

    def _take_said(self, choice: int, said: Said, *, whole: bool) -> None:
        if thought := said.thought():
            self._think(choice, thought)
        if said.content:
            self._take_content(choice, said.content)
        for number, call in enumerate(self.first(said.tool_calls)):
            if call.function or call.custom or call.id:
                key = (choice, f"#{number}") if whole else self._key(choice, call)
                self._take_call(key, call)
        if said.function_call is not None:
            call = ToolCallPiece(function=said.function_call)
            self._take_call((choice, "function_call"), call)

    def _take_content(self, choice: int, content: Raw) -> None:
        """Take a text, or a list of parts, of which some may be thinking."""
        data = bytes(content)
        if data.startswith(b'"'):
            piece = read(STRING, data, self.notes, "a text") or ""
            if choice == 0:
                self.take_text(piece)
            else:
                self.said += text_bytes(piece)
        elif data.startswith(b"["):
            for part in self.first(read(PARTS, data, self.notes, "the content")):
                if thought := part.thought():
                    self._think(choice, thought)
                elif choice == 0:
                    self.take_text(text(part.text))

    def _think(self, choice: int, thought: str) -> None:
        self._open((choice, "reasoning"), Thought("", "reasoning"))
        self.drafts.add((choice, "reasoning"), thought)

    def _key(self, choice: int, call: ToolCallPiece) -> _Key:
        """Which call of a choice this is a piece of.

        By its index, else its id; without either, one with a name is new, others go on with
        the last one.
        """
        if isinstance(call.index, int):
            return choice, call.index
        if call_id := label(call.id):
            return choice, call_id
        keys = self._keys.get(choice, [])
        last = next((key for key in reversed(keys) if key != (choice, "reasoning")), None)
        if last is not None and not (call.function and call.function.name):
            return last
        return choice, f"#{len(keys)}"

    def _take_call(self, key: _Key, call: ToolCallPiece) -> None:
        function = call.function or call.custom or _NO_FUNCTION
        name, call_id = label(function.name), label(call.id)
        fact = self.drafts.get(key)
        if not isinstance(fact, ToolCall) or self._is_another(key, fact, name, call_id):
            self._open(key, ToolCall(name, call_id=call_id), again=True)
        else:
            fact.name, fact.call_id = fact.name or name, fact.call_id or call_id
        self.drafts.add(key, compact(function.arguments) or compact(function.input))

    def _is_another(self, key: _Key, call: ToolCall, name: str, call_id: str) -> bool:
        """Tell calls apart that all have the same index, as some providers send them.

        By their ids where both have one, else by their names and by whether the first is whole.
        """
        if not name or not call.name:
            return False
        if call_id and call.call_id:
            return call_id != call.call_id
        return name != call.name or self.drafts.is_whole(key)

    def _open(self, key: _Key, fact: ToolCall | Thought, *, again: bool = False) -> None:
        """Begin ``fact`` unless something has begun under ``key``, or do so ``again``."""
        if (again or self.drafts.get(key) is None) and self.drafts.begin(key, fact):
            self._keys.setdefault(key[0], []).append(key)


def read_answer(body: bytes, servers: Mapping[str, str] | None = None) -> ResponseFacts:
    """Read an answer that came in one piece; never raises."""
    reader = StreamReader(servers)
    reader.whole(unlisted(body))
    return reader.facts()
