"""The tail of a conversation: what came after the model's last word, read from the end."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.facts import Notes
from aibridge.dialects.fields import label, read, text
from aibridge.dialects.prompts import prompt

MAX_RESULTS = 128
"""Tool results whose ids are kept of one request, the last ones."""

_TEXT_TYPES = frozenset({"text", "input_text"})


class Part(Struct):
    """A part of a message's content, in any dialect."""

    type: Any = None
    text: Any = None
    tool_use_id: Any = None


_CONTENT = msgspec.json.Decoder(str | list[Part] | None)


def parts(content: Raw, notes: Notes) -> list[Part]:
    """Read a message's content; a bare string is one part of text."""
    if not content:
        return []
    found = read(_CONTENT, content, notes, "the content of a message")
    return [Part(type="text", text=found)] if isinstance(found, str) else found or []


@dataclass(slots=True)
class Tail:
    """Prompt and tool results of a request, gathered from its last message backwards."""

    prompt: str | None = None
    _results: list[str] = field(default_factory=list)

    def say(self, content: Iterable[Part]) -> None:
        """Take what a person's message says, unless a later one has a text already."""
        if self.prompt is None:
            self.prompt = prompt(
                text(part.text) for part in content if text(part.type) in _TEXT_TYPES
            )

    def carry(self, *call_ids: object) -> None:
        """Take the call ids, in order, whose results one message carries."""
        self._results += filter(None, map(label, reversed(call_ids)))

    def results(self) -> tuple[str, ...]:
        """The call ids in the order of the conversation."""
        return tuple(reversed(self._results[:MAX_RESULTS]))
