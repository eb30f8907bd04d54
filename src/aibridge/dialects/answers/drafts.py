"""Tool calls and thoughts while an answer is still being said: gathered in order, bounded."""

from collections.abc import Hashable

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from aibridge.dialects.answers.estimate import text_bytes
from aibridge.dialects.facts import Notes, Thought, ToolCall
from aibridge.dialects.fields import compact

MAX_TEXT = 1 << 20
"""Characters kept of one tool input or one thought."""

MAX_TOTAL = 8 << 20
"""Characters kept of all tool inputs and thoughts of one answer."""

MAX_PIECES = 2000
"""Pieces that are kept before they are joined."""

MAX_ITEMS = 1000
"""Tool calls, and thoughts, kept of one answer."""

MAX_LOOKS = 200
"""Times that it is looked whether the input of a call is whole."""

MAX_LOOKED_AT = 16 << 10
"""Characters that are looked at each time."""

_OBJECT = msgspec.json.Decoder(dict[str, Raw])


class Draft(Struct, eq=False):
    """A tool call or a thought, and the pieces of its text that have come so far."""

    fact: ToolCall | Thought
    pieces: list[str] = []
    size: int = 0
    said: int = 0
    closed: bool = False

    def text(self) -> str:
        """All pieces joined."""
        return "".join(self.pieces)


class Drafts:
    """The tool calls and thoughts of one answer, each open under a key until it is closed."""

    __slots__ = ("_all", "_by_id", "_counts", "_looks", "_notes", "_open", "said", "size")

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._all: list[Draft] = []
        self._open: dict[Hashable, Draft] = {}
        self._by_id: dict[str, Draft] = {}
        self._counts = {ToolCall: 0, Thought: 0}
        self._looks = 0
        self.size = 0
        """Characters of all of them."""
        self.said = 0
        """Bytes of all of them, also of what is beyond the bounds."""

    def begin(self, key: Hashable, fact: ToolCall | Thought) -> bool:
        """Open ``fact`` under ``key``, and close what was open there; false beyond the bound."""
        self.close(key)
        kind = type(fact)
        if self._counts[kind] >= MAX_ITEMS:
            self._notes.add(f"more than {MAX_ITEMS} tool calls or thoughts: the rest is left out")
            return False
        self._counts[kind] += 1
        self._open[key] = draft = Draft(fact)
        self._all.append(draft)
        if isinstance(fact, ToolCall) and fact.item_id:
            self._by_id[fact.item_id] = draft
        return True

    def fail(self, item_id: str, error: str) -> None:
        """Keep what went wrong with a tool call that the provider made itself."""
        draft = self._by_id.get(item_id)
        if draft is not None and isinstance(draft.fact, ToolCall):
            draft.fact = replace(draft.fact, error=error)

    def is_whole(self, key: Hashable) -> bool:
        """Whether what is open under ``key`` is a whole JSON object, so that nothing can follow."""
        draft = self._open.get(key)
        if draft is None or not draft.pieces or draft.size > MAX_LOOKED_AT:
            return False
        if self._looks >= MAX_LOOKS or not draft.pieces[-1].rstrip().endswith("}"):
            return False
        self._looks += 1
        try:
            _OBJECT.decode(draft.text())
        except (msgspec.DecodeError, RecursionError):
            return False
        return True

    def get(self, key: Hashable) -> ToolCall | Thought | None:
        """What is open under ``key``."""
        draft = self._open.get(key)
        return draft.fact if draft is not None else None

    def add(self, key: Hashable, piece: str) -> None:
        """Append ``piece`` to what is open under ``key``, as far as the bounds allow."""
        draft, said = self._open.get(key), text_bytes(piece)
        self.said += said
        if draft is None or not piece:
            return
        draft.said += said
        room = min(MAX_TEXT - draft.size, MAX_TOTAL - self.size)
        if len(piece) > room:
            self._notes.add("a tool input or thought is too long: it was cut")
            piece = piece[:room]
        draft.pieces.append(piece)
        if len(draft.pieces) == MAX_PIECES:  # many small ones take more memory than what they say
            draft.pieces = [draft.text()]
        draft.size += len(piece)
        self.size += len(piece)

    def close(self, key: Hashable, *, is_json: bool = False) -> None:
        """Nothing more comes for ``key``: it is whole, and if it is JSON loses its white space."""
        draft = self._open.pop(key, None)
        if draft is None:
            return
        draft.closed = True
        if is_json and isinstance(draft.fact, ToolCall) and draft.pieces:
            draft.pieces = [compact(Raw(draft.text().encode("utf-8", "replace")))]

    def close_all(self) -> None:
        """Everything that is open is whole."""
        for key in list(self._open):
            self.close(key)

    def put(self, key: Hashable, fact: ToolCall | Thought) -> None:
        """Take ``fact`` as a whole, with the text it has."""
        begun: ToolCall | Thought
        if isinstance(fact, ToolCall):
            whole, begun = fact.input, replace(fact, input="")
        else:
            whole, begun = fact.text, replace(fact, text="")
        if self.begin(key, begun):
            self.add(key, whole)
            self.close(key)

    def discard(self, key: Hashable) -> None:
        """Forget what is open under ``key``: its whole is about to be taken instead."""
        draft = self._open.pop(key, None)
        if draft is not None:
            self._all.remove(draft)
            self._counts[type(draft.fact)] -= 1
            self.size -= draft.size
            self.said -= draft.said

    def tool_calls(self) -> list[ToolCall]:
        """Every tool call so far; one that is still open says so in its metadata."""
        return [
            _tool_call(draft.fact, draft) for draft in self._all if isinstance(draft.fact, ToolCall)
        ]

    def thoughts(self) -> list[Thought]:
        """Every thought so far that has a text."""
        found = [
            replace(draft.fact, text=draft.text())
            for draft in self._all
            if isinstance(draft.fact, Thought)
        ]
        return [thought for thought in found if thought.text.strip()]


def _tool_call(call: ToolCall, draft: Draft) -> ToolCall:
    """``call`` with its text; what it began with counts only if no pieces followed."""
    if draft.closed:
        return replace(call, input=draft.text() or call.input, metadata=dict(call.metadata))
    return replace(call, input=draft.text(), metadata={**call.metadata, "partial": True})
