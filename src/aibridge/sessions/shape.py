"""Rows to the models of the contract: interceptions and session summaries."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from aibridge.contract import (
    Interception,
    MinimalUser,
    Session,
    TokenCounts,
    TokenUsage,
    ToolUsage,
    Usage,
    UserPrompt,
)
from aibridge.sessions.metadata import flatten, read_object, read_texts
from aibridge.store.interceptions import Children, RecordedInterception, UserRow
from aibridge.store.rows import SessionRow, TokenUsageRow, ToolUsageRow, UserPromptRow
from aibridge.store.sessions import RecordedSession

MAX_HINT = 15
"""The longest credential hint that can be a masked one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(microseconds: int) -> datetime:
    """Return the moment so many microseconds after 1970, exactly."""
    return _EPOCH + timedelta(microseconds=microseconds)


def credential_hint(hint: str) -> str:
    """Return ``hint`` if it is visibly masked, else dots: a stored mistake must not leak a key."""
    masked = len(hint) <= MAX_HINT and "..." in hint
    return hint if masked or not hint else "..."


def user(row: UserRow) -> MinimalUser:
    """Shape the initiator of a record."""
    return MinimalUser(id=row.id, username=row.username, name=row.name, avatar_url=row.avatar_url)


def token_counts(row: SessionRow) -> TokenCounts:
    """Return the sums that a session's summary holds."""
    return TokenCounts(
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cache_read_input_tokens=row.cache_read_input_tokens,
        cache_write_input_tokens=row.cache_write_input_tokens,
    )


def usage(rows: Sequence[TokenUsageRow]) -> Usage:
    """Add up token usages, and their metadata as `flatten` does."""
    return Usage(
        input_tokens=sum(row.input_tokens for row in rows),
        output_tokens=sum(row.output_tokens for row in rows),
        cache_read_input_tokens=sum(row.cache_read_input_tokens for row in rows),
        cache_write_input_tokens=sum(row.cache_write_input_tokens for row in rows),
        metadata=flatten(read_object(row.metadata) for row in rows),
    )


def session_usage(row: SessionRow, metadata: Iterable[str]) -> Usage:
    """Return a session's sums with the metadata texts of all its token usages added up."""
    sums = flatten(read_object(text) for text in metadata)
    return Usage(**token_counts(row).model_dump(), metadata=sums)


def session(recorded: RecordedSession) -> Session:
    """Shape a session for the list."""
    row = recorded.row
    return Session(
        id=row.id,
        initiator=user(recorded.user),
        providers=recorded.providers,
        models=recorded.models,
        client=row.client or None,
        metadata=read_object(row.metadata),
        started_at=moment(row.started_at),
        ended_at=moment(row.ended_at),
        threads=row.threads,
        token_usage_summary=token_counts(row),
        last_prompt=row.last_prompt,
        last_active_at=moment(row.last_active_at),
    )


def interception(recorded: RecordedInterception, children: Children) -> Interception:
    """Shape an ended interception with what is recorded under it."""
    row = recorded.row
    took = None if row.ended_at is None else row.ended_at - row.started_at
    return Interception(
        id=row.id,
        api_key_id=row.api_key_id,
        initiator=user(recorded.user),
        provider=row.provider,
        provider_name=row.provider_name,
        model=row.model,
        client=row.client or None,
        metadata=read_object(row.metadata),
        started_at=moment(row.started_at),
        ended_at=None if row.ended_at is None else moment(row.ended_at),
        token_usages=[_token_usage(child) for child in children.token_usages.get(row.id, ())],
        user_prompts=[_user_prompt(child) for child in children.user_prompts.get(row.id, ())],
        tool_usages=[_tool_usage(child) for child in children.tool_usages.get(row.id, ())],
        status=row.status,
        error_type=row.error_type,
        error_message=row.error_message,
        stop_reason=row.stop_reason,
        time_to_first_byte_ms=_milliseconds(row.first_byte_us),
        duration_ms=_milliseconds(took),
        request_bytes=row.request_bytes,
        response_bytes=row.response_bytes,
        http_status=row.http_status,
        stream=row.stream,
        route=row.route,
        user_agent=row.user_agent,
        session_id=row.session_id,
        thread_root_id=row.thread_root_id,
        thread_parent_id=row.thread_parent_id,
        credential_kind=row.credential_kind,
        credential_hint=credential_hint(row.credential_hint),
        edits=read_texts(row.edits),
        notes=read_texts(row.notes),
    )


def _milliseconds(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1000


def _token_usage(row: TokenUsageRow) -> TokenUsage:
    return TokenUsage(
        id=row.id,
        interception_id=row.interception_id,
        provider_response_id=row.provider_response_id,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cache_read_input_tokens=row.cache_read_input_tokens,
        cache_write_input_tokens=row.cache_write_input_tokens,
        metadata=read_object(row.metadata),
        created_at=moment(row.created_at),
    )


def _user_prompt(row: UserPromptRow) -> UserPrompt:
    return UserPrompt(
        id=row.id,
        interception_id=row.interception_id,
        provider_response_id=row.provider_response_id,
        prompt=row.prompt,
        metadata=read_object(row.metadata),
        created_at=moment(row.created_at),
    )


def _tool_usage(row: ToolUsageRow) -> ToolUsage:
    return ToolUsage(
        id=row.id,
        interception_id=row.interception_id,
        provider_response_id=row.provider_response_id,
        server_url=row.server_url,
        tool=row.tool,
        input=row.input,
        injected=row.injected,
        invocation_error=row.invocation_error,
        metadata=read_object(row.metadata),
        created_at=moment(row.created_at),
    )
