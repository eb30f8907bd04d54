"""Rows of the record as they are written; the fields are the columns, in the tables' order."""

from typing import Final, NamedTuple

from msgspec import Struct


class InterceptionRow(NamedTuple):
    """A row of ``interceptions``; the fields are its columns."""

    id: str
    initiator_id: str
    api_key_id: str | None
    provider: str
    provider_name: str
    route: str
    model: str
    client: str | None
    client_session_id: str | None
    session_id: str
    thread_parent_id: str | None
    thread_root_id: str | None
    credential_kind: str
    credential_hint: str
    user_agent: str
    metadata: str
    stream: bool
    request_bytes: int
    started_at: int
    edits: str
    notes: str
    ended_at: int | None
    status: str
    http_status: int | None
    error_type: str
    error_message: str
    stop_reason: str
    first_byte_us: int | None
    response_bytes: int
    kind_id: int | None
    tokens: int
    magnitude: int
    server_id: int | None = None
    group_id: str = ""
    annotation_id: int | None = None


class EndRow(NamedTuple):
    """What the end of an answer changes in its row of ``interceptions``."""

    edits: str
    notes: str
    ended_at: int
    status: str
    http_status: int | None
    error_type: str
    error_message: str
    stop_reason: str
    first_byte_us: int | None
    response_bytes: int
    kind_id: int
    tokens: int
    magnitude: int
    annotation_id: int | None
    id: str


NOT_RATED = "not rated"
"""What is unpriced of a usage row that no price was looked for."""
PRICED_SINCE = "-"
"""What a correction has in its column ``unpriced`` that gives a price to a row that had none."""


def unpriced_rows(unpriced: str) -> int:
    """Return what a usage row adds to the number of those that are unpriced, by its column."""
    return -1 if unpriced == PRICED_SINCE else int(bool(unpriced))


class TokenUsageRow(NamedTuple):
    """A row of ``token_usages``."""

    interception_id: str
    id: str
    provider_response_id: str
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int
    cache_write_input_tokens: int
    metadata: str
    created_at: int
    cache_write_5m_input_tokens: int = 0
    cache_write_30m_input_tokens: int = 0
    cache_write_1h_input_tokens: int = 0
    cache_write_12h_input_tokens: int = 0
    cost_micros: int = 0
    price_id: int | None = None
    unpriced: str = NOT_RATED


COUNTERS = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_write_input_tokens",
)
"""The tokens of a row of ``token_usages`` that are added up for sessions."""

USED = (*COUNTERS, "cost_micros", "unpriced")
"""What usage rows add to sessions and days; ``unpriced`` are the rows of which a part has no price,
as `unpriced_rows` counts them."""


class UserPromptRow(NamedTuple):
    """A row of ``user_prompts``."""

    interception_id: str
    id: str
    provider_response_id: str
    prompt: str
    metadata: str
    created_at: int


class ToolUsageRow(NamedTuple):
    """A row of ``tool_usages``."""

    interception_id: str
    id: str
    provider_response_id: str
    initiator_id: str
    tool: str
    input: str
    server_url: str
    injected: bool
    invocation_error: str
    provider_tool_call_id: str
    provider_item_id: str
    metadata: str
    created_at: int


class ModelThoughtRow(NamedTuple):
    """A row of ``model_thoughts``."""

    interception_id: str
    id: str
    provider_response_id: str
    content: str
    metadata: str
    created_at: int


class Kind(NamedTuple):
    """A row of ``kinds``, but for its id: what is filtered by of an interception."""

    provider: str
    provider_name: str
    model: str
    client: str
    shape: int


class AnnotationRow(NamedTuple):
    """A row of ``annotations``, but for its id: what calls were made for.

    The lists are JSON; the ``digest`` is of all the rest.
    """

    digest: str
    repo: str
    branch: str
    pull_requests: str
    issues: str


Numbered = Kind | AnnotationRow | str
"""What has a number: a kind, annotations, or a price as JSON."""


class SessionRow(NamedTuple):
    """What one ended interception adds to its session's summary."""

    id: str
    initiator_id: str
    client: str | None
    metadata: str
    started_at: int
    ended_at: int
    last_active_at: int
    last_prompt_at: int | None
    last_prompt: str | None
    last_started_at: int
    length: int
    magnitude: int
    threads: int
    interceptions: int
    tokens: int
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int
    cache_write_input_tokens: int
    cost_micros: int = 0
    unpriced: int = 0


class SessionKindRow(NamedTuple):
    """A kind of interception that a session has; when the session was active, its row knows."""

    session_id: str
    initiator_id: str
    kind_id: int


class InitiatorKindRow(NamedTuple):
    """What one ended interception adds to the number of its kind and initiator."""

    initiator_id: str
    kind_id: int
    interceptions: int


class DailyUsageRow(NamedTuple):
    """What one ended interception adds to the usage of a day; ``kind_id`` is of no shape.

    ``annotation_id`` is 0 where it has none.
    """

    initiator_id: str
    day: int
    group_id: str
    kind_id: int
    annotation_id: int
    interceptions: int
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int
    cache_write_input_tokens: int
    cost_micros: int
    unpriced: int


DAILY_KEYS: Final = 5
"""How many fields at the beginning of a `DailyUsageRow` are its key."""


class AccountSpendRow(NamedTuple):
    """What one ended interception adds to what an account spends in a day."""

    account: str
    day: int
    cost_micros: int


class PromptIdRow(NamedTuple):
    """The provider's response id for a prompt, which was stored before it was known."""

    provider_response_id: str
    interception_id: str


class CorrelationRow(NamedTuple):
    """A row of ``correlation_keys``."""

    initiator_id: str
    key: str
    interception_id: str
    created_at: int


class TextRow(NamedTuple):
    """What of one ended interception is indexed for searching in texts."""

    interception_id: str
    started_at: int
    prompt: str
    tool: str
    error: str


Row = (
    InterceptionRow
    | UserPromptRow
    | TokenUsageRow
    | ToolUsageRow
    | ModelThoughtRow
    | EndRow
    | PromptIdRow
    | SessionRow
    | SessionKindRow
    | InitiatorKindRow
    | DailyUsageRow
    | AccountSpendRow
    | CorrelationRow
    | TextRow
)


class Linked(Struct, frozen=True):
    """An interception that another request goes on with."""

    id: str
    root_id: str
    session_id: str
    status: str
    started_at: int
