"""Interceptions as ``GET /api/v2/aibridge/interceptions`` lists them."""

from pydantic import Field

from aibridge.contract.base import Metadata, MinimalUser, Model, OptionalFlag, Time


class TokenUsage(Model):
    """Tokens of one provider response; ``input_tokens`` excludes what the cache read or wrote."""

    id: str
    interception_id: str
    provider_response_id: str
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int
    cache_write_input_tokens: int
    metadata: Metadata
    created_at: Time


class UserPrompt(Model):
    """What the person asked."""

    id: str
    interception_id: str
    provider_response_id: str
    prompt: str
    metadata: Metadata
    created_at: Time


class ToolUsage(Model):
    """A tool that the model asked for; ``input`` is usually JSON text.

    ``server_url`` is empty for a tool of the client, ``invocation_error`` when nothing failed.
    """

    id: str
    interception_id: str
    provider_response_id: str
    server_url: str
    tool: str
    input: str
    injected: bool
    invocation_error: str
    metadata: Metadata
    created_at: Time


class Interception(Model):
    """One request of a client on a recorded route, with its answer.

    ``provider`` is the provider's type, ``provider_name`` the configured one. The keys from
    ``status`` on are this server's own, beyond the contract of the original.
    """

    id: str
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
    status: str = ""
    """completed, failed, cancelled, or queued: made in the background, and not fetched yet."""
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
    thread_root_id: str | None = None
    thread_parent_id: str | None = None
    credential_kind: str = ""
    credential_hint: str = ""
    edits: list[str] = Field(default_factory=list)
    """What the gateway changed in the traffic."""
    notes: list[str] = Field(default_factory=list)
    """What the gateway did not understand of the traffic."""


class InterceptionList(Model):
    """A page of interceptions, newest first; ``count`` ignores paging.

    ``count_is_estimate`` is beyond the original's contract: whether there were too many to count.
    """

    count: int
    count_is_estimate: OptionalFlag = False
    results: list[Interception]
