"""Sessions as they are listed, and one session with its threads and agentic actions."""

from pydantic import Field

from aibridge.contract.base import (
    Id,
    Metadata,
    MinimalUser,
    Model,
    Open,
    OptionalFlag,
    OptionalText,
    OptionalTime,
    Page,
    Time,
)
from aibridge.contract.words import CallStatus, PromptKind


class TokenCounts(Model):
    """Sums of tokens; ``input_tokens`` excludes what the cache read or wrote."""

    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int
    cache_write_input_tokens: int


class Usage(TokenCounts):
    """Sums of tokens, and of the provider's own counters under their dotted names.

    ``estimated`` is beyond the original's contract: whether any of them is an estimate of the
    bridge, as nobody else counted.
    """

    metadata: Metadata
    estimated: OptionalFlag = False


class Session(Model):
    """A session in the list. Every number is over the whole session.

    ``client`` and ``metadata`` are those of its first interception; the identity of a session
    is the pair of ``id`` and ``initiator``. ``last_prompt`` is a preview: the list has its first
    characters. The flags are beyond the original's contract, and absent where they are not so.
    """

    id: str
    initiator: MinimalUser
    providers: list[str]
    models: list[str]
    client: str | None
    metadata: Metadata
    started_at: Time
    ended_at: OptionalTime = None
    threads: int
    token_usage_summary: TokenCounts
    last_prompt: OptionalText = None
    last_active_at: Time
    last_prompt_truncated: OptionalFlag = False
    """Whether the last prompt is longer than what is shown of it."""
    estimated: OptionalFlag = False
    """Whether any of the tokens are estimates of the bridge."""
    cost_micros: int = 0
    """What it costs in micro-dollars as far as that is known; beyond the original's contract."""
    unpriced_usage_count: int = 0
    """Its usage records of which a part has no price: where there are any, it costs more."""


class SessionList(Page[Session]):
    """A page of sessions, the most recently active first.

    ``count_is_estimate`` is beyond the original's contract: whether there are more than ``count``,
    too many to be counted. So page by cursor, until a page is not full, and never by ``count``.
    """

    count_is_estimate: OptionalFlag = False
    sessions: list[Session]

    @property
    def items(self) -> list[Session]:
        """The items of the page."""
        return self.sessions


class ModelThought(Model):
    """A piece of the model's reasoning; ``truncated`` where there is more than is shown."""

    text: str
    truncated: OptionalFlag = False


class ToolCall(Model):
    """A tool that the model asked for, within an agentic action."""

    id: Id
    interception_id: Id
    provider_response_id: str
    server_url: str
    tool: str
    injected: bool
    input: str
    metadata: Metadata
    created_at: Time
    invocation_error: str = ""
    """Beyond the original's contract; empty when nothing failed."""


class AgenticAction(Model):
    """The tool calls of one interception, with the thinking and tokens that led to them."""

    model: str
    token_usage: Usage
    thinking: list[ModelThought]
    tool_calls: list[ToolCall]


class FinalAnswer(Model):
    """What a thread's interceptions without tool calls thought and used, usually its last one.

    ``model`` and ``stop_reason`` are those of the last of them.
    """

    model: str
    token_usage: Usage
    thinking: list[ModelThought]
    stop_reason: str


class ThreadText(Model):
    """A text that the requests of a thread send as the user's, and who wrote it.

    ``kind`` is ``typed`` for the person's own, else what the agent wrote it for: ``side_call``,
    ``subagent``, ``compaction``, ``summary``, ``retry``, ``automation``.
    """

    text: str
    kind: Open[PromptKind]
    interception_id: Id
    truncated: OptionalFlag = False
    """Whether there is more of it than is shown."""


class Thread(Model):
    """A prompt and the tool loop that answers it; its id is the root interception's.

    ``prompt`` is what the person typed into the root, absent where they typed nothing. The keys
    from ``status`` on are beyond the original's contract. ``status`` is that of the last
    interception, and the error the newest one since an attempt succeeded, null if none.
    """

    id: Id
    prompt: OptionalText = None
    model: str
    provider: str
    credential_kind: str
    credential_hint: str
    started_at: Time
    ended_at: OptionalTime = None
    token_usage: Usage
    agentic_actions: list[AgenticAction]
    status: Open[CallStatus] = ""
    error_type: str | None = None
    error_message: str | None = None
    final: FinalAnswer | None = None
    """Absent (null) when every interception of the thread called tools."""
    kind: Open[PromptKind] = "typed"
    """What the root was for: ``typed`` for the person's, else a kind of `ThreadText`."""
    agent_type: str = ""
    """The type of the sub-agent, as its agent names it; empty for none."""
    parent_id: Id | None = None
    """The id of the thread that it came from, which may be older than what is kept."""
    attempts: int = 1
    """How often its requests were tried: 1, and one more for each retry."""
    texts: list[ThreadText] = Field(default_factory=list)
    """The first texts of its requests, in order: also what was typed while a tool ran."""
    texts_truncated: OptionalFlag = False
    """Whether there are more texts than are shown."""
    prompt_truncated: OptionalFlag = False
    """Whether the prompt is longer than what is shown of it."""


class SessionDetail(Model):
    """A session with one page of its threads, oldest first.

    ``page_started_at`` and ``page_ended_at`` span the threads on this page.
    """

    id: str
    initiator: MinimalUser
    providers: list[str]
    models: list[str]
    client: OptionalText = None
    metadata: Metadata
    page_started_at: OptionalTime = None
    page_ended_at: OptionalTime = None
    started_at: Time
    ended_at: OptionalTime = None
    token_usage_summary: Usage
    threads: list[Thread]
    cost_micros: int = 0
    """What it costs in micro-dollars as far as that is known; beyond the original's contract."""
    unpriced_usage_count: int = 0
    """Its usage records of which a part has no price: where there are any, it costs more."""
