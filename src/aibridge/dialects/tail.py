"""The tail of a conversation: what came after the model's last word, read from the end."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.facts import Notes, Prompt
from aibridge.dialects.fields import label, read, text
from aibridge.dialects.prompts import prompt

MAX_RESULTS = 128
"""Tool results whose ids are kept of one request, the last ones."""

MAX_MESSAGES = 1000
"""Messages or items that are read of one request at most, the last ones."""

MAX_PROMPT = 1 << 20
"""Characters kept of what a person typed."""

_TEXT_TYPES = frozenset({"text", "input_text"})


class Part(Struct):
    """A part of a message's content, in any dialect."""

    type: Any = None
    text: Any = None
    tool_use_id: Any = None


_CONTENT = msgspec.json.Decoder(str | list[Part] | None)


def last(messages: list[Raw], notes: Notes) -> Iterator[Raw]:
    """Yield the messages from the last one on backwards, up to `MAX_MESSAGES`."""
    yield from messages[: -MAX_MESSAGES - 1 : -1]
    if len(messages) > MAX_MESSAGES:
        notes.add(f"only the last {MAX_MESSAGES} messages were read")


def parts(content: Raw, notes: Notes) -> list[Part]:
    """Read a message's content; a bare string is one part of text."""
    if not content:
        return []
    found = read(_CONTENT, content, notes, "the content of a message")
    return [Part(type="text", text=found)] if isinstance(found, str) else found or []


@dataclass(slots=True)
class Tail:
    """Prompt and tool results of a request, gathered from its last message backwards."""

    notes: Notes
    prompt: str | None = None
    _results: list[str] = field(default_factory=list)

    def say(self, content: Iterable[Part]) -> None:
        """Take what a person's message says, unless a later one has a text already."""
        if self.prompt is None:
            self.prompt = prompt(self._cut([text(part.text) for part in content if _is_text(part)]))

    def _cut(self, texts: list[str]) -> Iterable[str]:
        """Yield the texts of a message, up to `MAX_PROMPT` characters together."""
        room = MAX_PROMPT
        for each in texts:
            if len(each) > room:
                self.notes.add("the prompt is too long: it was cut")
            yield each[:room]
            room -= min(room, len(each))

    def carry(self, *call_ids: object) -> None:
        """Take the call ids, in order, whose results one message carries."""
        self._results += filter(None, map(label, reversed(call_ids)))

    def prompts(self) -> tuple[Prompt, ...]:
        """What was typed."""
        return () if self.prompt is None else (Prompt(self.prompt),)

    def results(self) -> tuple[str, ...]:
        """The call ids in the order of the conversation."""
        return tuple(reversed(self._results[:MAX_RESULTS]))


def _is_text(part: Part) -> bool:
    return text(part.type) in _TEXT_TYPES
