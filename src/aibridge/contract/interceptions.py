"""Interceptions as ``GET /api/v2/aibridge/interceptions`` lists them."""

from pydantic import Field

from aibridge.contract.base import (
    Id,
    Metadata,
    MinimalUser,
    Model,
    Open,
    OptionalFlag,
    OptionalText,
    Page,
    Time,
)
from aibridge.contract.words import CallStatus, PromptKind


class TokenUsage(Model):
    """Tokens of one provider response; ``input_tokens`` excludes what the cache read or wrote.

    The keys from ``cache_write_5m_input_tokens`` on are beyond the contract of the original: of
    what the cache wrote, how much for each lifetime that is priced by itself, as far as it was
    told.
    """

    id: Id
    interception_id: Id
    provider_response_id: str
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int
    cache_write_input_tokens: int
    metadata: Metadata
    created_at: Time
    cache_write_5m_input_tokens: int = 0
    cache_write_30m_input_tokens: int = 0
    cache_write_1h_input_tokens: int = 0
    cache_write_12h_input_tokens: int = 0
    estimated: OptionalFlag = False
    """Whether nobody but the bridge counted them, from the text."""
    cost_micros: int = 0
    """What they cost in micro-dollars, as far as that is known.

    Of a correction, which has no tokens and whose ``metadata`` says what it ``corrects``, it is
    what the other costs more or, where it is negative, less.
    """
    unpriced: OptionalText = None
    """What of them has no price; absent where all has."""


class UserPrompt(Model):
    """A text that the request sends as the user's.

    ``metadata`` has its ``kind``: ``typed`` where the person wrote it. ``"truncated": true`` says
    that there is more of it than is shown.
    """

    id: Id
    interception_id: Id
    provider_response_id: str
    prompt: str
    metadata: Metadata
    created_at: Time


class ToolUsage(Model):
    """A tool that the model asked for; ``input`` is usually JSON text.

    ``server_url`` is empty for a tool of the client, ``invocation_error`` when nothing failed.
    """

    id: Id
    interception_id: Id
    provider_response_id: str
    server_url: str
    tool: str
    input: str
    injected: bool
    invocation_error: str
    metadata: Metadata
    created_at: Time


class Annotations(Model):
    """What a call was made for, as its client says; what it does not say is empty."""

    repo: str = ""
    branch: str = ""
    github_pr_urls: list[str] = Field(default_factory=list)
    linear_issue_ids: list[str] = Field(default_factory=list)


class Interception(Model):
    """One request of a client on a recorded route, with its answer.

    ``provider`` is whose API the provider speaks (``openai``, ``anthropic``, ``copilot``),
    ``provider_name`` which one it is. The keys from ``status`` on are this server's own, beyond the
    contract of the original.
    """

    id: Id
    api_key_id: str | None
    initiator: MinimalUser
    provider: str
    provider_name: str
    model: str
    client: str | None
    metadata: Metadata
    started_at: Time
    ended_at: Time | None
    token_usages: list[TokenUsage]
    user_prompts: list[UserPrompt]
    tool_usages: list[ToolUsage]
    status: Open[CallStatus] = ""
    error_type: str = ""
    error_message: str = ""
    stop_reason: str = ""
    time_to_first_byte_ms: float | None = None
    duration_ms: float | None = None
    request_bytes: int = 0
    response_bytes: int = 0
    http_status: int | None = None
    stream: bool = False
    route: str = ""
    user_agent: str = ""
    session_id: str = ""
    thread_root_id: Id | None = None
    thread_parent_id: Id | None = None
    credential_kind: str = ""
    credential_hint: str = ""
    edits: list[str] = Field(default_factory=list)
    """What the gateway changed in the traffic."""
    notes: list[str] = Field(default_factory=list)
    """What the gateway did not understand of the traffic."""
    kind: Open[PromptKind] = "typed"
    """What the request was for: ``typed`` for the person's own, else as in ``prompt_kinds``."""
    agent_type: str = ""
    """The type of the sub-agent, as its agent names it; empty for none."""
    prompt_kinds: list[Open[PromptKind]] = Field(default_factory=list)
    """Who wrote its prompts, each kind once: the kinds of `ThreadText`."""
    estimated: OptionalFlag = False
    """Whether any of its tokens are estimates of the bridge."""
    cost_micros: int = 0
    """What it costs in micro-dollars, as far as that is known."""
    unpriced_usage_count: int = 0
    """Its token usages of which a part has no price: where there are any, it costs more."""
    annotations: Annotations = Annotations()


class InterceptionList(Page[Interception]):
    """A page of interceptions, newest first.

    ``count_is_estimate`` is beyond the original's contract: whether there are more than ``count``,
    too many to be counted. So page by cursor, until a page is not full, and never by ``count``.
    """

    count_is_estimate: OptionalFlag = False
    results: list[Interception]

    @property
    def items(self) -> list[Interception]:
        """The items of the page."""
        return self.results
