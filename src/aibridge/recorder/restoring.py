"""Starts and ends as the database has them: facts made of rows again, as far as they are needed."""

from collections.abc import Iterable

import msgspec

from aibridge.dialects.facts import (
    Notes,
    Prompt,
    PromptKind,
    ResponseFacts,
    TokenUsage,
    ToolCall,
)
from aibridge.recorder.records import End, Start, Status, UsageCost
from aibridge.sessions.metadata import read_object
from aibridge.store.schema.rows import InterceptionRow, TokenUsageRow, ToolUsageRow
from aibridge.store.usage.calls import ToolRow

_decode = msgspec.json.decode

Used = tuple[int, int, int, int, int, str]
"""Input and output tokens of a model run, those that the cache read, and those that it wrote; its
cost in micro-dollars, and what of it is unpriced."""
Called = tuple[str, str]
"""The name of a tool that was called, and its arguments."""


def read_start(row: InterceptionRow, prompts: Iterable[tuple[str, str]]) -> Start:
    """Return the start of an interception as the database has it, with its prompts' rows."""
    metadata = _decode(row.metadata)
    return Start(
        id=row.id,
        initiator_id=row.initiator_id,
        api_key_id=row.api_key_id or "",
        provider=row.provider,
        provider_name=row.provider_name,
        route=row.route,
        model=row.model,
        client=row.client,
        client_session_id=row.client_session_id,
        credential_kind=row.credential_kind,
        credential_hint=row.credential_hint,
        user_agent=row.user_agent,
        stream=row.stream,
        request_bytes=row.request_bytes,
        started_at=row.started_at,
        group_id=row.group_id,
        annotation_id=row.annotation_id or 0,
        prompts=tuple(read_prompt(text, about) for text, about in prompts),
        kind=PromptKind(metadata.get("kind", PromptKind.TYPED)),
        metadata=metadata,
        edits=_decode(row.edits),
        notes=Notes(_decode(row.notes)),
    )


def read_end(row: InterceptionRow, used: Iterable[Used], tools: Iterable[Called]) -> End:
    """Return an end as far as it was added to sessions and to the index of texts."""
    runs = list(used)
    return End(
        ended_at=row.ended_at or row.started_at,
        status=Status(row.status),
        error_type=row.error_type,
        error_message=row.error_message,
        facts=ResponseFacts(
            usages=[TokenUsage(*run[:4]) for run in runs],
            tool_calls=[ToolCall(*call) for call in tools],
        ),
        costs=tuple(UsageCost(*run[4:]) for run in runs),
    )


def read_prompt(text: str, metadata: str) -> Prompt:
    """Return a prompt as its row has it; those of earlier releases were all typed."""
    kind = _decode(metadata).get("kind", PromptKind.TYPED)
    return Prompt(text, PromptKind(kind))


def read_usage(row: TokenUsageRow) -> TokenUsage:
    """Return what a model run used, as its row has it."""
    return TokenUsage(
        row.input_tokens,
        row.output_tokens,
        row.cache_read_input_tokens,
        row.cache_write_input_tokens,
        row.cache_write_5m_input_tokens,
        row.cache_write_30m_input_tokens,
        row.cache_write_1h_input_tokens,
        row.cache_write_12h_input_tokens,
        metadata=read_object(row.metadata),
    )


def read_tool(row: ToolUsageRow | ToolRow) -> ToolCall:
    """Return a call of a tool, as far as it may be charged."""
    return ToolCall(row.tool, row.input, metadata=read_object(row.metadata))
