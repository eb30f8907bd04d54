"""What a message holds, in any dialect: its texts, the results it carries, the ids in it."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.facts import Notes, Prompt
from aibridge.dialects.fields import mapping, read
from aibridge.dialects.prompts import prompts_in

MAX_DEPTH = 6
"""How deep the texts of an attachment are looked for."""


class Role(StrEnum):
    """Whose a message is."""

    PERSON = "person"
    MODEL = "model"
    AGENT = "agent"
    """A system or developer message."""
    TOOL = "tool"


ROLES = {
    "assistant": Role.MODEL,
    "model": Role.MODEL,
    "system": Role.AGENT,
    "developer": Role.AGENT,
    "tool": Role.TOOL,
    "function": Role.TOOL,
}
"""Roles by their names in small letters; whoever has another one is taken for the person."""


def role_of(name: object) -> Role:
    """Return the role of a message, whatever the case of its name."""
    if not isinstance(name, str):
        return Role.PERSON
    return ROLES.get(name) or ROLES.get(name.lower(), Role.PERSON)


class Part(Struct):
    """A part of a message's content, in any dialect."""

    type: Any = None
    text: Any = None
    refusal: Any = None
    id: Any = None
    tool_use_id: Any = None
    content: Raw = Raw()


class Said(Struct):
    """A message: its texts, the results it carries by their call ids, the ids of the model's own.

    ``calls`` are ids of calls, ``items`` those of other things that the model said.
    ``is_plain`` is true of the model's words if nothing but text is among them, ``has_more`` of a
    person's message with parts that are no texts, ``after_command`` of one that begins with what a
    slash command expanded to. ``content`` is kept of what may have to be
    looked at once more.
    """

    role: Role
    texts: list[str] = []
    results: list[tuple[str, Raw]] = []
    calls: list[str] = []
    items: list[str] = []
    is_plain: bool = True
    has_more: bool = False
    content: Raw = Raw()
    after_command: bool = False
    _prompts: list[Prompt] | None = None

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing in it."""
        return not (self.results or self.has_more or any(map(str.strip, self.texts)))

    @property
    def prompts(self) -> list[Prompt]:
        """What the texts say, each with who wrote it."""
        if self._prompts is None:
            self._prompts = prompts_in(self.texts, after_command=self.after_command)
        return self._prompts


_CONTENT = msgspec.json.Decoder(str | list[Part] | None)
_ANY = msgspec.json.Decoder()
_WHAT = "the content of a message"


def parts(content: Raw, notes: Notes) -> list[Part]:
    """Read a message's content; a bare string is one part of text, and so is a lone object."""
    if not content:
        return []
    trial = Notes()
    found = read(_CONTENT, content, trial, _WHAT)
    if isinstance(found, str):
        return [Part(type="text", text=found)]
    if found is None and trial:
        return _odd_parts(content, notes, trial)
    for note in trial:
        notes.add(note)
    return found or []


def _odd_parts(content: Raw, notes: Notes, trial: Notes) -> list[Part]:
    """Read content of a shape that only some providers take."""
    value = read(_ANY, content, Notes(), _WHAT)
    each = value if isinstance(value, list) else [value]
    found = [part for one in each if (part := _odd_part(one))]
    if value is None or len(found) < len(each):
        for note in trial:
            notes.add(note)
    return found


def _odd_part(value: object) -> Part | None:
    if isinstance(value, str):
        return Part(type="text", text=value)
    if not isinstance(value, dict):
        return None
    names = {key.lower(): inner for key, inner in value.items()}
    text = names.get("text", names.get("content"))
    return Part(names.get("type"), text, names.get("refusal"), names.get("id"))


def texts(found: Sequence[Part]) -> list[str]:
    """Return the texts of parts, whatever their types."""
    return [said for part in found if (said := _text(part))]


def has_more(found: Sequence[Part]) -> bool:
    """Say whether there are parts that are neither texts, empty ones too, nor results."""
    return any(
        not isinstance(part.text, str) and not _text(part) and not part.tool_use_id
        for part in found
    )


def _text(part: Part) -> str:
    if isinstance(part.text, str):
        return part.text
    if part.text is None and isinstance(part.refusal, str):
        return part.refusal
    value = mapping(part.text).get("value")
    return value if isinstance(value, str) else ""


_TEXT_KEYS = frozenset({"text", "refusal", "content", "value", "title", "context", "input_text"})


def attached_texts(content: Raw) -> list[str]:
    """Return the texts that stand deeper in a message's content, as those of a document."""
    return list(_deep(read(_ANY, content, Notes(), _WHAT), MAX_DEPTH)) if content else []


def _deep(value: object, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    for each in value if isinstance(value, list) else [value]:
        names = mapping(each)
        for key, inner in names.items():
            is_text = key.lower() in _TEXT_KEYS or (key == "data" and names.get("type") == "text")
            if isinstance(inner, str):
                yield from [inner] if is_text and inner.strip() else []
            else:
                yield from _deep(inner, depth - 1)
