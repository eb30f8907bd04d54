"""The facts that readers of traffic find, the same for every dialect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_NOTES = 16
"""Notes kept on one reading: a hostile answer must not grow the record without bound."""


class Notes(list[str]):
    """Remarks of a reader on what it did not understand; bounded, never repeated."""

    def add(self, note: str) -> None:
        """Keep ``note`` unless it stands here already or there are `MAX_NOTES` of them."""
        if len(self) < MAX_NOTES and note not in self:
            self.append(note)


@dataclass(slots=True)
class RequestFacts:
    """What a request says.

    ``prompt`` is what the person typed, ``None`` for a continuation (a tool result) or when
    nothing was typed. ``tool_result_ids`` are the call ids whose results the request carries
    back. ``hints`` are values from the body that may name a session (``user_id``,
    ``prompt_cache_key``, ``conversation``…); which of them counts is for `aibridge.agents`.
    ``asks_usage`` is false only for a chat stream whose client did not ask for token usage.
    """

    model: str = ""
    stream: bool = False
    prompt: str | None = None
    tool_result_ids: tuple[str, ...] = ()
    hints: Mapping[str, str] = field(default_factory=dict)
    sends_tools: bool = False
    asks_usage: bool = True
    notes: Notes = field(default_factory=Notes)


@dataclass(slots=True)
class TokenUsage:
    """Tokens of one provider response; ``input`` excludes what the cache read or wrote.

    ``metadata`` holds the provider's raw ``usage`` object under ``usage``, and
    ``service_tier``, ``provider_model`` where the provider named them, and ``partial: true``
    when the answer broke off before the provider's last word.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class ToolCall:
    """A tool that the model asked for. ``input`` is the arguments as text, usually JSON.

    ``call_id`` is what a later request's tool result refers to, empty for a tool that the
    provider runs itself (hosted). ``item_id`` is the provider's id of the output item.
    """

    name: str
    input: str = ""
    call_id: str = ""
    item_id: str = ""
    server_url: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Thought:
    """A piece of reasoning; ``source`` is thinking, reasoning_summary, reasoning or commentary."""

    text: str
    source: str = "thinking"


@dataclass(slots=True)
class ProviderError:
    """What the provider says went wrong: its own ``type`` (or code) and ``message``."""

    type: str = ""
    message: str = ""


@dataclass(slots=True)
class ResponseFacts:
    """What an answer says, as far as it was seen.

    ``ended`` is true when the provider said that the answer is over (its last event, or a
    whole body); facts of an answer that broke off stand here all the same.
    """

    response_id: str = ""
    model: str = ""
    stop_reason: str = ""
    usage: TokenUsage | None = None
    tool_calls: list[ToolCall] = field(default_factory=list)
    thoughts: list[Thought] = field(default_factory=list)
    error: ProviderError | None = None
    ended: bool = False
    notes: Notes = field(default_factory=Notes)
