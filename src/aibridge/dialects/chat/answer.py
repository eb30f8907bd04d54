"""The answer, streamed or whole: tokens, tool calls, reasoning, the reason to stop."""

import re
from collections.abc import Hashable
from typing import Any

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.errors import error_of
from aibridge.dialects.facts import ResponseFacts, Thought, TokenUsage, ToolCall
from aibridge.dialects.fields import compact, count, index, label, mapping, read, read_less, text
from aibridge.dialects.reading import AnswerReader

_TEXT = rb'"[^"\\]*(?:\\.[^"\\]*){0,1000}"'  # each escape takes memory until the match ends
_PLAIN = rb'"[^"\\\n]*"'
SKIP = re.compile(
    rb'(?:data: \{"id":' + _PLAIN + rb',"object":"chat\.completion\.chunk","created":\d+,'
    rb'"model":' + _PLAIN + rb'(?:,"(?:service_tier|system_fingerprint)":' + _PLAIN + rb")*"
    rb',"choices":\[\{"index":\d+,"delta":\{"content":' + _TEXT + rb"\}"
    rb'(?:,"(?:logprobs|finish_reason|usage)":null)*\}\]'
    rb'(?:,"(?:usage":null|obfuscation":' + _PLAIN + rb"))*\}\n\n)*"
)
"""Events that say nothing for the record, in the form in which they come: pieces of text.

It spells out the whole event, so no text can look like one, and nothing else can hide in it.
"""

_DONE = b"[DONE]"

_Key = tuple[int, Hashable]


class _Function(Struct):
    """What is called: a function with ``arguments``, a custom tool with ``input``."""

    name: Any = None
    arguments: Raw = Raw()
    input: Raw = Raw()


class _ToolCall(Struct):
    index: Any = None
    id: Any = None
    function: _Function | None = None
    custom: _Function | None = None


class _Said(Struct):
    """A delta, or a whole message."""

    tool_calls: list[_ToolCall] | None = None
    function_call: _Function | None = None
    reasoning_content: Any = None
    reasoning: Any = None


class _Choice(Struct):
    index: Any = None
    delta: _Said | None = None
    message: _Said | None = None
    finish_reason: Any = None
    usage: Any = None


class _Outline(Struct):
    """What is read of a chunk whose choices have an unexpected shape."""

    id: Any = None
    model: Any = None
    service_tier: Any = None
    usage: Any = None
    error: Any = None


class _Chunk(_Outline):
    choices: list[_Choice] | None = None


_CHUNK = msgspec.json.Decoder(_Chunk)
_OUTLINE = msgspec.json.Decoder(_Outline)
_NO_FUNCTION = _Function()


class StreamReader(AnswerReader):
    """Reads the events of a stream one by one, or a whole answer."""

    def __init__(self) -> None:
        super().__init__()
        self._keys: dict[int, list[_Key]] = {}
        """What is being said, by the index of its choice."""

    def event(self, data: bytes, name: str = "") -> bool:
        """Read one event; true for ``[DONE]`` and an error, which end the answer."""
        if self.ended:
            return False
        if data.strip() == _DONE:
            return self.end()
        return self._read(data, "an event")

    def whole(self, body: bytes) -> None:
        """Read an answer that came in one piece."""
        self._read(body, "the answer", whole=True)

    def tokens(self, usage: dict[str, Any]) -> TokenUsage:
        """Count tokens: OpenAI's ``prompt_tokens`` includes what the cache read or wrote."""
        details = mapping(usage.get("prompt_tokens_details"))
        cached = (
            count(details, "cached_tokens", self.notes)
            or count(usage, "prompt_cache_hit_tokens", self.notes)
            or count(usage, "cached_tokens", self.notes)
        )
        written = count(details, "cache_write_tokens", self.notes)
        return TokenUsage(
            input=max(0, count(usage, "prompt_tokens", self.notes) - cached - written),
            output=count(usage, "completion_tokens", self.notes),
            cache_read=cached,
            cache_write=written,
        )

    def _read(self, data: bytes, what: str, *, whole: bool = False) -> bool:
        chunk = read(_CHUNK, data, self.notes, what)
        outline = chunk or read_less(_OUTLINE, data, self.notes, what)
        if outline is None:
            return self.skip()
        self.name_answer(outline.id, outline.model, outline.service_tier)
        choices = self.first(chunk.choices) if chunk else []
        for choice in choices:
            self._take_choice(choice)
        self.take_usage(outline.usage, final=not choices or bool(self.stop_reason))
        if outline.error:
            return self.fail(error_of(outline.error))
        return whole and self.end()

    def _take_choice(self, choice: _Choice) -> None:
        place = index(choice.index)
        for said in (choice.delta, choice.message):
            if said is not None:
                self._take_said(place, said)
        reason = label(choice.finish_reason)
        if reason:
            for key in self._keys.pop(place, []):
                self.drafts.close(key)
            if place == 0 or not self.stop_reason:
                self.stop_reason = reason
        self.take_usage(choice.usage, final=bool(reason))

    def _take_said(self, choice: int, said: _Said) -> None:
        if thought := text(said.reasoning_content) or text(said.reasoning):
            self._open((choice, "reasoning"), Thought("", "reasoning"))
            self.drafts.add((choice, "reasoning"), thought)
        for call in self.first(said.tool_calls):
            if call.function or call.custom or call.id:
                self._take_call(self._key(choice, call), call)
        if said.function_call is not None:
            self._take_call((choice, "function_call"), _ToolCall(function=said.function_call))

    def _key(self, choice: int, call: _ToolCall) -> _Key:
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

    def _take_call(self, key: _Key, call: _ToolCall) -> None:
        function = call.function or call.custom or _NO_FUNCTION
        name, call_id = label(function.name), label(call.id)
        fact = self.drafts.get(key)
        if not isinstance(fact, ToolCall) or _is_another(fact, name, call_id):
            self._open(key, ToolCall(name, call_id=call_id), again=True)
        else:
            fact.name, fact.call_id = fact.name or name, fact.call_id or call_id
        self.drafts.add(key, compact(function.arguments) or compact(function.input))

    def _open(self, key: _Key, fact: ToolCall | Thought, *, again: bool = False) -> None:
        """Begin ``fact`` unless something has begun under ``key``, or do so ``again``."""
        if (again or self.drafts.get(key) is None) and self.drafts.begin(key, fact):
            self._keys.setdefault(key[0], []).append(key)


def _is_another(call: ToolCall, name: str, call_id: str) -> bool:
    """Some providers give every call of an answer the index 0, each with an id of its own."""
    return bool(name and call_id and call.call_id) and call_id != call.call_id


def read_answer(body: bytes) -> ResponseFacts:
    """Read an answer that came in one piece; never raises."""
    reader = StreamReader()
    reader.whole(body)
    return reader.facts()
