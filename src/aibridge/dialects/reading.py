"""What the readers of all dialects share: the facts of one answer as they come in."""

from abc import ABC, abstractmethod
from typing import Any, TypeVar

import msgspec

from aibridge.dialects.drafts import Drafts
from aibridge.dialects.facts import Notes, ProviderError, ResponseFacts, TokenUsage
from aibridge.dialects.fields import label

MAX_USAGE = 16 << 10
"""Bytes of a provider's usage object that are kept as they are."""

MAX_PARTS = 4000
"""Blocks, items, choices or tool calls that are read of a whole answer, or of one event."""

MAX_UNREADABLE = 1000
"""Events of an answer that are not understood, after which no more of it is read."""

MAX_USAGE_FIELDS = 100
"""Fields that a usage object may have, of all events together."""

_Fields = dict[str, Any]
T = TypeVar("T")


class AnswerReader(ABC):
    """Fed an answer piece by piece, it can tell at any time what was seen so far."""

    def __init__(self) -> None:
        self.notes = Notes()
        self.drafts = Drafts(self.notes)
        self.response_id = ""
        self.model = ""
        self.stop_reason = ""
        self.service_tier = ""
        self.usage: _Fields | None = None
        self.usage_is_final = False
        self.error: ProviderError | None = None
        self.ended = False
        self.is_queued = False
        self.gave_up = False
        """Whether so much was not understood that no more is to be read."""
        self._unreadable = 0

    @abstractmethod
    def event(self, data: bytes, name: str = "") -> bool:
        """Read one event (or one WebSocket frame); say whether it ends the answer."""

    @abstractmethod
    def whole(self, body: bytes) -> None:
        """Read an answer that came in one piece."""

    @abstractmethod
    def tokens(self, usage: _Fields) -> TokenUsage:
        """Count the tokens of the provider's ``usage`` object."""

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
            notes=Notes(self.notes),
        )

    def first(self, parts: list[T] | None) -> list[T]:
        """Return the parts of an answer, up to `MAX_PARTS`."""
        if parts is not None and len(parts) > MAX_PARTS:
            self.notes.add(f"more than {MAX_PARTS} parts: the rest was not read")
            return parts[:MAX_PARTS]
        return parts or []

    def name_answer(self, response_id: object, model: object, service_tier: object = None) -> None:
        """Take the ids that the provider gave, where it gave any; the last ones count."""
        self.response_id = label(response_id) or self.response_id
        self.model = label(model) or self.model
        self.service_tier = label(service_tier) or self.service_tier

    def take_usage(self, usage: object, *, final: bool = False) -> None:
        """Merge ``usage`` into what is known: the last value of each field counts."""
        if usage is None:
            return
        if not isinstance(usage, dict):
            self.notes.add("usage is not an object")
            return
        said = {key: value for key, value in usage.items() if value is not None}
        known = self.usage or {}
        if (
            len(known) + len(said) > MAX_USAGE_FIELDS
            and len(known.keys() | said) > MAX_USAGE_FIELDS
        ):
            self.notes.add(f"usage has more than {MAX_USAGE_FIELDS} fields")
            return
        self.usage = {**known, **said}
        self.usage_is_final = self.usage_is_final or final

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
        if self.usage is None:
            return []
        tokens = self.tokens(self.usage)
        tokens.metadata = self._usage_metadata(self.usage)
        return [tokens]

    def _usage_metadata(self, usage: _Fields) -> _Fields:
        metadata: _Fields = {}
        if _is_small(usage):
            metadata["usage"] = usage
        else:
            self.notes.add("the usage object is too large to be kept")
        if tier := label(usage.get("service_tier")) or self.service_tier:
            metadata["service_tier"] = tier
        if self.model:
            metadata["provider_model"] = self.model
        if not self.usage_is_final and (self.error is not None or not self.ended):
            metadata["partial"] = True
        return metadata


def _is_small(usage: _Fields) -> bool:
    try:
        return len(msgspec.json.encode(usage)) <= MAX_USAGE
    except (ValueError, OverflowError, RecursionError):
        return False
