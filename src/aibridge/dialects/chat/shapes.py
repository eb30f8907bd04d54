"""What is read of a chat answer: the shapes of a chunk and of a whole answer, which are alike."""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.errors import Outcome
from aibridge.dialects.fields import mapping, text


class Function(Struct):
    """What is called: a function with ``arguments``, a custom tool with ``input``."""

    name: Any = None
    arguments: Raw = Raw()
    input: Raw = Raw()


class ToolCallPiece(Struct):
    """A tool call, or a piece of one."""

    index: Any = None
    id: Any = None
    function: Function | None = None
    custom: Function | None = None


class Said(Struct):
    """A delta, or a whole message."""

    content: Raw = Raw()
    tool_calls: list[ToolCallPiece] | None = None
    function_call: Function | None = None
    reasoning_content: Any = None
    reasoning: Any = None
    reasoning_text: Any = None
    reasoning_details: Any = None

    def thought(self) -> str:
        """Return the reasoning in it, under the first of its names that is there."""
        return (
            text(self.reasoning_content)
            or text(self.reasoning)
            or text(self.reasoning_text)
            or _texts(self.reasoning_details)
        )


class Choice(Struct):
    """One of the answers that were asked for."""

    index: Any = None
    delta: Said | None = None
    message: Said | None = None
    finish_reason: Any = None
    usage: Any = None
    error: Any = None


class Outline(Outcome):
    """What is read of a chunk whose choices have an unexpected shape."""

    id: Any = None
    model: Any = None
    service_tier: Any = None
    usage: Any = None
    x_groq: Any = None
    diagnostics: Any = None
    prompt_cache_diagnostics: Any = None

    def all_usage(self) -> object:
        """Return the usage, which Groq has in a place of its own."""
        return self.usage if self.usage is not None else mapping(self.x_groq).get("usage")


class Chunk(Outline):
    """A chunk of a stream, or a whole answer."""

    choices: list[Choice] | None = None


class Part(Struct):
    """A part of a content that is a list: a text, or thinking, which may be a list again."""

    type: Any = None
    text: Any = None
    thinking: Any = None
    reasoning: Any = None

    def thought(self) -> str:
        """Return the thinking in it."""
        if self.type not in {"thinking", "reasoning"}:
            return ""
        found = self.thinking or self.reasoning or self.text
        return found if isinstance(found, str) else _texts(found)


CHUNK = msgspec.json.Decoder(Chunk)
OUTLINE = msgspec.json.Decoder(Outline)
PARTS = msgspec.json.Decoder(list[Part])
STRING = msgspec.json.Decoder(str)


def _texts(parts: object) -> str:
    """Join the texts of a list of parts."""
    if not isinstance(parts, list):
        return ""
    return "".join(text(mapping(part).get("text")) for part in parts)
