"""What the readers of all dialects share: the facts of one answer as they come in."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar

from aibridge.dialects import excerpt
from aibridge.dialects.answers import estimate
from aibridge.dialects.answers.drafts import Drafts
from aibridge.dialects.answers.tagged import TaggedThinking
from aibridge.dialects.answers.usage import MAX_FIELDS, merged
from aibridge.dialects.answers.usage_rows import usage_rows
from aibridge.dialects.facts import Notes, ProviderError, ResponseFacts, Thought, TokenUsage
from aibridge.dialects.fields import label, unlisted

MAX_PARTS = 4000
"""Blocks, items, choices or tool calls that are read of a whole answer, or of one event."""

MAX_UNREADABLE = 1000
"""Events of an answer that are not understood, after which no more of it is read."""

MAX_USAGE_FIELDS = MAX_FIELDS
"""Fields that a usage object may have, of all events together."""

CUT = "the answer is too large: only its beginning and its end were read"

_DONE = b"[DONE]"
_LONGEST_DONE = 16
_TAGGED = "tagged"
"""The key of the thinking that stands within the text."""

_Fields = dict[str, Any]
T = TypeVar("T")


class AnswerReader(ABC):
    """Fed an answer piece by piece, it can tell at any time what was seen so far."""

    thought_source = "thinking"
    """What thinking is called that stands within the text."""

    def __init__(self, servers: Mapping[str, str] | None = None) -> None:
        self.notes = Notes()
        self.drafts = Drafts(self.notes)
        self.servers = servers or {}
        """URLs of MCP servers by the names that the request gave them."""
        self.response_id = ""
        self.model = ""
        self.stop_reason = ""
        self.usage: _Fields | None = None
        self.usage_is_final = False
        self.error: ProviderError | None = None
        self.ended = False
        self.is_queued = False
        self.unread = False
        self.gave_up = False
        """Whether so much was not understood that no more is to be read."""
        self.said = 0
        """Bytes of text that were read; thinking and tools' input are counted by the drafts."""
        self.needs_text = True
        """Whether events that bring text have to be read: a text begins, or holds thinking."""
        self._beside: _Fields = {}
        self._tagged = TaggedThinking()
        self._unreadable = 0

    def event(self, data: bytes, name: str = "") -> bool:
        """Read one event (or one WebSocket frame); say whether it ends the answer."""
        if self.ended:
            if b'"usage"' in data and not self.gave_up:
                self.read_usage(data)
            return False
        if len(data) <= _LONGEST_DONE and data.strip() == _DONE:
            return self.end()
        return self.read_event(unlisted(data) if data[:1] == b"[" else data, name)

    @abstractmethod
    def read_event(self, data: bytes, name: str) -> bool:
        """Read one event of an answer that is not over; say whether it ends it."""

    @abstractmethod
    def read_usage(self, data: bytes) -> None:
        """Read nothing but the usage of an event that comes after the end."""

    @abstractmethod
    def whole(self, body: bytes) -> None:
        """Read an answer that came in one piece."""

    @abstractmethod
    def tokens(self, usage: _Fields) -> TokenUsage:
        """Count the tokens of the provider's ``usage`` object."""

    @property
    def content_ended(self) -> bool:
        """Whether all of the content was seen, so that only the tokens may be missing."""
        return self.ended or bool(self.stop_reason)

    def read_excerpt(
        self, head: bytes, tail: bytes, name: str = "", *, whole: bool = False
    ) -> bool:
        """Read an event or an answer of which only the beginning and the end are there."""
        self.unread = True
        for document in excerpt.documents(head, tail):
            self.notes.add(CUT)
            if not whole:
                return self.event(document, name)
            self.whole(document)
            return True
        return False

    def facts(self) -> ResponseFacts:
        """Give all that was seen so far; what is still open or provisional says so."""
        return ResponseFacts(
            response_id=self.response_id,
            model=self.model,
            stop_reason=self.stop_reason,
            usages=self._usages(),
            tool_calls=self.drafts.tool_calls(),
            thoughts=self.drafts.thoughts(),
            error=self.error,
            ended=self.ended,
            is_queued=self.is_queued,
            unread=self.unread or (bool(self._unreadable) and self.usage is None),
            notes=Notes(self.notes),
        )

    def estimate(self, request_bytes: int) -> TokenUsage | None:
        """Estimate the tokens of the last model run of an answer that nobody will see the end of.

        ``None`` if the provider has counted them, or the end was seen. Text counts as far as its
        events were read, and not passed over.
        """
        if self.usage_is_final or (self.ended and not self.gave_up):
            return None
        *before, last = self._runs(self.usage or {})
        counted = sum([run.output for run in before])
        said = self.said + self.drafts.said - counted * estimate.OUTPUT_BYTES
        return estimate.tokens(last, said, request_bytes)

    def first(self, parts: list[T] | None) -> list[T]:
        """Return the parts of an answer, up to `MAX_PARTS`."""
        if parts is not None and len(parts) > MAX_PARTS:
            self.notes.add(f"more than {MAX_PARTS} parts: the rest was not read")
            return parts[:MAX_PARTS]
        return parts or []

    def name_answer(self, response_id: object, model: object) -> None:
        """Take the ids that the provider gave, where it gave any; the last ones count."""
        self.response_id = label(response_id) or self.response_id
        self.model = label(model) or self.model

    def take_beside(self, **said: object) -> None:
        """Take what the provider said beside its usage, of its tier or why its cache missed."""
        for name, value in said.items():
            if value is not None:
                self._beside[name] = value

    def take_usage(self, usage: object, *, final: bool = False) -> None:
        """Merge ``usage`` into what is known: the last value of each field counts."""
        if usage is None:
            return
        if not isinstance(usage, dict):
            self.notes.add("usage is not an object")
            return
        known = self.usage or {}
        if (
            len(known) + len(usage) > MAX_USAGE_FIELDS
            and len(known.keys() | usage) > MAX_USAGE_FIELDS
        ):
            self.notes.add(f"usage has more than {MAX_USAGE_FIELDS} fields")
            return
        self.usage = merged(known, usage)
        self.usage_is_final = self.usage_is_final or final

    def begin_text(self) -> None:
        """Another text begins, which may begin with thinking."""
        self._tagged.begin()
        self.needs_text = True

    def take_text(self, piece: str) -> None:
        """Take a piece of what is said, which is no thinking unless it is in tags."""
        if not piece:
            return
        self.said += estimate.text_bytes(piece)
        if not self.needs_text:
            return
        if thought := self._tagged.take(piece):
            if self.drafts.get(_TAGGED) is None:
                self.drafts.begin(_TAGGED, Thought("", self.thought_source))
            self.drafts.add(_TAGGED, thought)
            self.said -= estimate.text_bytes(thought)
        self.needs_text = self._tagged.is_open
        if not self.needs_text:
            self.drafts.close(_TAGGED)

    def skip(self) -> bool:
        """An event is not understood; after `MAX_UNREADABLE` of these all are passed over."""
        self._unreadable += 1
        if self._unreadable > MAX_UNREADABLE:
            self.notes.add(
                f"more than {MAX_UNREADABLE} events were not understood: no more is read"
            )
            self.ended = self.gave_up = True
        return False

    def end(self) -> bool:
        """The answer is over and complete."""
        self.ended = True
        self.drafts.close_all()
        return True

    def fail(self, error: ProviderError) -> bool:
        """The answer is over, with ``error``; what was open stays cut."""
        self.error = error
        self.ended = True
        return True

    def _usages(self) -> list[TokenUsage]:
        return [] if self.usage is None else self._runs(self.usage)

    def _runs(self, usage: _Fields) -> list[TokenUsage]:
        broke_off = self.error is not None or not self.ended
        partial = broke_off and not self.usage_is_final
        beside = {**self._beside, "provider_model": self.model, "partial": partial}
        return usage_rows(usage, beside, self.tokens, self.notes)
