"""The facts that readers of traffic find, the same for every dialect."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

MAX_NOTES = 16
"""Notes kept on one reading: a hostile answer must not grow the record without bound."""


class Notes(list[str]):
    """Remarks of a reader on what it did not understand; bounded, never repeated."""

    def add(self, note: str) -> None:
        """Keep ``note`` unless it stands here already or there are `MAX_NOTES` of them."""
        if len(self) < MAX_NOTES and note not in self:
            self.append(note)


class PromptKind(StrEnum):
    """Who wrote a text that a request sends as the user's, or what for."""

    TYPED = "typed"
    """The person, at the keyboard or through a program of theirs."""
    SIDE_CALL = "side_call"
    """The agent, for itself: a title, a probe, the inside of a tool."""
    SUBAGENT = "subagent"
    """A model, as the task of a sub-agent."""
    COMPACTION = "compaction"
    """The agent, which asks for a summary of the conversation."""
    SUMMARY = "summary"
    """A model: the summary with which a conversation goes on after its compaction."""
    RETRY = "retry"
    """The person, earlier: the same prompt sent again after a failure."""
    AUTOMATION = "automation"
    """The agent, which goes on by itself: a hook, a notification, an observation."""

    @classmethod
    def _missing_(cls, value: object) -> "PromptKind":
        """Take what an earlier release, or a later one, wrote for typed."""
        return cls.TYPED


class Prompt(Struct, frozen=True, array_like=True):
    """A text of a request, without what the agent put around it, and who wrote it.

    It is an array in what earlier releases have left, as are `Digests`.
    """

    text: str
    kind: PromptKind = PromptKind.TYPED


def typed(prompts: Iterable[Prompt]) -> str | None:
    """Return what the person typed, joined by newlines; ``None`` if nothing was typed."""
    texts = [each.text for each in prompts if each.kind is PromptKind.TYPED]
    return "\n".join(texts) if texts else None


class Digests(Struct, frozen=True, array_like=True):
    """Digests of the texts of a conversation, by which a later request of it is known.

    They stand in for ids where the conversation has none. ``own`` is of all its texts, ``before``
    of those before the model's last words (the ``own`` of the request that was answered with
    them), ``first`` of its texts up to and with the model's first words. The last two are empty
    where no model has spoken yet.
    """

    own: str
    before: str = ""
    first: str = ""


class RequestFacts(Struct):
    """What a request says.

    ``prompts`` are the texts that came after the model's last words, in their order; none for a
    mere tool result. ``kind`` is what the body says the whole request is for: that of its prompts
    where it is not the person's own. ``tool_result_ids`` are the call ids whose results the
    request carries back, ``history_ids`` those of earlier calls and responses that stand in the
    conversation, the newest last; ``digests`` are given where there are none of either.
    ``hints`` are values from the body that may name a session (``user_id``,
    ``prompt_cache_key``, ``conversation``…); which of them counts is for `aibridge.agents`.
    ``unread`` says that there may be more which the provider understands. ``servers`` are the URLs
    of the MCP servers that the provider is to call, by their names.
    """

    model: str = ""
    stream: bool = False
    prompts: tuple[Prompt, ...] = ()
    kind: PromptKind = PromptKind.TYPED
    tool_result_ids: tuple[str, ...] = ()
    history_ids: tuple[str, ...] = ()
    previous_response_id: str = ""
    digests: Digests | None = None
    hints: Mapping[str, str] = {}
    openings: tuple[str, ...] = ()
    """How the texts of the system prompt begin: they name clients that nothing else does."""
    stores: bool = False
    """Whether the provider keeps the answer, to be asked for by its id."""
    unread: bool = False
    servers: Mapping[str, str] = {}
    notes: Notes = msgspec.field(default_factory=Notes)

    @property
    def typed(self) -> str | None:
        """What the person typed, ``None`` if nothing."""
        return typed(self.prompts)


class TokenUsage(Struct):
    """Tokens of one provider response; ``input`` excludes what the cache read or wrote.

    ``cache_write`` is the sum of what was written for every lifetime; the four that are priced by
    themselves are told apart where the provider tells them. ``is_estimate`` says that nobody but
    the bridge counted them; ``metadata`` then tells which numbers, under ``estimated``. It holds
    the provider's raw ``usage`` object under ``usage``, what the price depends on
    (``provider_model``, ``service_tier``, ``speed``, ``inference_geo``) and what else the provider
    said beside its tokens (``server_tool_use``, ``diagnostics``) where it said so, the ``type`` of
    a model run that it counts by itself, and ``partial: true`` when the answer broke off before
    the provider's last word.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_5m: int = 0
    cache_write_30m: int = 0
    cache_write_1h: int = 0
    cache_write_12h: int = 0
    is_estimate: bool = False
    metadata: dict[str, Any] = {}


class ToolCall(Struct):
    """A tool that the model asked for. ``input`` is the arguments as text, usually JSON.

    ``call_id`` is what a later request's tool result refers to, empty for a tool that the
    provider runs itself (hosted). ``item_id`` is the provider's id of the output item. ``error``
    is what the provider says went wrong with a call that it made itself.
    """

    name: str
    input: str = ""
    call_id: str = ""
    item_id: str = ""
    server_url: str = ""
    error: str = ""
    metadata: dict[str, Any] = {}


class Thought(Struct):
    """A piece of reasoning; ``source`` is thinking, reasoning_summary, reasoning or commentary."""

    text: str
    source: str = "thinking"


@dataclass(slots=True)
class ProviderError:
    """What the provider says went wrong: its own ``type`` (or ``code``) and ``message``."""

    type: str = ""
    message: str = ""
    code: str = field(default="", compare=False)


class ResponseFacts(Struct):
    """What an answer says, as far as it was seen.

    ``ended`` is true when the provider said that the answer is over (its last event, or a
    whole body); facts of an answer that broke off stand here all the same. ``usages`` has one
    element for each model run that the provider counts by itself, mostly one. ``is_queued`` says
    that the answer is yet to be made (in the background) and has to be asked for by its id.
    ``unread`` says that there was more which could not be read.
    """

    response_id: str = ""
    model: str = ""
    stop_reason: str = ""
    usages: list[TokenUsage] = []
    tool_calls: list[ToolCall] = []
    thoughts: list[Thought] = []
    error: ProviderError | None = None
    ended: bool = False
    is_queued: bool = False
    unread: bool = False
    notes: Notes = msgspec.field(default_factory=Notes)

    @property
    def usage(self) -> TokenUsage | None:
        """The tokens of the first model run, ``None`` where none is known."""
        return self.usages[0] if self.usages else None
