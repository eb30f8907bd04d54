"""Rows to the models of the contract: interceptions and session summaries."""

from collections.abc import Iterable, Sequence
from typing import Any

from aibridge.contract import (
    Annotations,
    Interception,
    MinimalUser,
    Session,
    TokenCounts,
    TokenUsage,
    ToolUsage,
    Usage,
    UserPrompt,
)
from aibridge.ids import moment
from aibridge.providers.types import wire_of
from aibridge.sessions.metadata import flatten, read_object, read_texts
from aibridge.store.lists.children import Children
from aibridge.store.lists.interceptions import RecordedInterception, UserRow
from aibridge.store.lists.sessions import MAX_PREVIEW, RecordedSession
from aibridge.store.schema.rows import (
    AnnotationRow,
    SessionRow,
    TokenUsageRow,
    ToolUsageRow,
    UserPromptRow,
    unpriced_rows,
)

MAX_HINT = 15
"""The longest credential hint that can be a masked one."""

TYPED = "typed"
"""The kind of what the person wrote, and of requests and prompts that say none."""


def credential_hint(hint: str) -> str:
    """Return ``hint`` if it is visibly masked, else dots: a stored mistake must not leak a key."""
    masked = len(hint) <= MAX_HINT and "..." in hint
    return hint if masked or not hint else "..."


def user(row: UserRow) -> MinimalUser:
    """Shape the initiator of a record."""
    return MinimalUser(id=row.id, username=row.username, name=row.name, avatar_url=row.avatar_url)


def kind_of(metadata: dict[str, Any]) -> str:
    """Return the kind of a request or a prompt, as its metadata has it."""
    kind = metadata.get("kind")
    return kind if isinstance(kind, str) and kind else TYPED


def agent_type_of(metadata: dict[str, Any]) -> str:
    """Return the type of the sub-agent that made a request, empty where none did."""
    agent_type = metadata.get("agent_type")
    return agent_type if isinstance(agent_type, str) else ""


def is_estimated(metadata: dict[str, Any]) -> bool:
    """Return whether the metadata of tokens say that they are an estimate."""
    return bool(metadata.get("estimated"))


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
    metadata = [read_object(row.metadata) for row in rows]
    return Usage(
        input_tokens=sum(row.input_tokens for row in rows),
        output_tokens=sum(row.output_tokens for row in rows),
        cache_read_input_tokens=sum(row.cache_read_input_tokens for row in rows),
        cache_write_input_tokens=sum(row.cache_write_input_tokens for row in rows),
        metadata=flatten(metadata),
        estimated=any(map(is_estimated, metadata)),
    )


def session_usage(row: SessionRow, metadata: Iterable[str]) -> Usage:
    """Return a session's sums with the metadata texts of all its token usages added up."""
    objects = [read_object(text) for text in metadata]
    sums: dict[str, Any] = token_counts(row).model_dump()
    return Usage(**sums, metadata=flatten(objects), estimated=any(map(is_estimated, objects)))


def wires(types: Iterable[str]) -> list[str]:
    """Return whose APIs types of providers speak, each once, ascending."""
    return sorted(set(map(wire_of, types)))


def session(recorded: RecordedSession) -> Session:
    """Shape a session for the list."""
    row = recorded.row
    prompt, is_cut = shown(row.last_prompt or "", MAX_PREVIEW)
    return Session(
        id=row.id,
        initiator=user(recorded.user),
        providers=wires(recorded.providers),
        models=recorded.models,
        client=row.client or None,
        metadata=read_object(row.metadata),
        started_at=moment(row.started_at),
        ended_at=moment(row.ended_at),
        threads=row.threads,
        token_usage_summary=token_counts(row),
        last_prompt=None if row.last_prompt is None else prompt,
        last_active_at=moment(row.last_active_at),
        last_prompt_truncated=is_cut,
        estimated=recorded.is_estimated,
        cost_micros=row.cost_micros,
        unpriced_usage_count=row.unpriced,
    )


def interception(recorded: RecordedInterception, children: Children) -> Interception:
    """Shape an ended interception with what is recorded under it."""
    row, most = recorded.row, children.most
    metadata = read_object(row.metadata)
    rows = children.token_usages.get(row.id, ())
    usages = [_token_usage(child) for child in rows]
    prompts = [_user_prompt(child, most) for child in children.user_prompts.get(row.id, ())]
    took = None if row.ended_at is None else row.ended_at - row.started_at
    return Interception(
        id=row.id,
        api_key_id=row.api_key_id,
        initiator=user(recorded.user),
        provider=wire_of(row.provider),
        provider_name=row.provider_name,
        model=row.model,
        client=row.client or None,
        metadata=metadata,
        started_at=moment(row.started_at),
        ended_at=None if row.ended_at is None else moment(row.ended_at),
        token_usages=usages,
        user_prompts=prompts,
        tool_usages=[_tool_usage(child, most) for child in children.tool_usages.get(row.id, ())],
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
        kind=kind_of(metadata),
        agent_type=agent_type_of(metadata),
        prompt_kinds=list(dict.fromkeys(kind_of(prompt.metadata) for prompt in prompts)),
        estimated=any(each.estimated for each in usages),
        cost_micros=sum(each.cost_micros for each in usages),
        unpriced_usage_count=sum(unpriced_rows(each.unpriced) for each in rows),
        annotations=_annotations(recorded.annotations),
    )


def _annotations(row: AnnotationRow | None) -> Annotations:
    if row is None:
        return Annotations()
    return Annotations(
        repo=row.repo,
        branch=row.branch,
        github_pr_urls=read_texts(row.pull_requests),
        linear_issue_ids=read_texts(row.issues),
    )


def _milliseconds(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1000


def shown(text: str, most: int) -> tuple[str, bool]:
    """Return the first ``most`` characters of a text, and whether there are more."""
    return text[:most], len(text) > most


def marked(text: str, is_cut: bool) -> dict[str, Any]:
    """Return metadata, read from its text, of what is shown with it, cut or whole."""
    metadata = read_object(text)
    return {**metadata, "truncated": True} if is_cut else metadata


def _token_usage(row: TokenUsageRow) -> TokenUsage:
    metadata = read_object(row.metadata)
    return TokenUsage(
        id=row.id,
        interception_id=row.interception_id,
        provider_response_id=row.provider_response_id,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cache_read_input_tokens=row.cache_read_input_tokens,
        cache_write_input_tokens=row.cache_write_input_tokens,
        metadata=metadata,
        created_at=moment(row.created_at),
        cache_write_5m_input_tokens=row.cache_write_5m_input_tokens,
        cache_write_30m_input_tokens=row.cache_write_30m_input_tokens,
        cache_write_1h_input_tokens=row.cache_write_1h_input_tokens,
        cache_write_12h_input_tokens=row.cache_write_12h_input_tokens,
        estimated=is_estimated(metadata),
        cost_micros=row.cost_micros,
        unpriced=row.unpriced if unpriced_rows(row.unpriced) > 0 else "",
    )


def _user_prompt(row: UserPromptRow, most: int) -> UserPrompt:
    prompt, is_cut = shown(row.prompt, most)
    return UserPrompt(
        id=row.id,
        interception_id=row.interception_id,
        provider_response_id=row.provider_response_id,
        prompt=prompt,
        metadata=marked(row.metadata, is_cut),
        created_at=moment(row.created_at),
    )


def _tool_usage(row: ToolUsageRow, most: int) -> ToolUsage:
    given, is_cut = shown(row.input, most)
    error, is_error_cut = shown(row.invocation_error, most)
    return ToolUsage(
        id=row.id,
        interception_id=row.interception_id,
        provider_response_id=row.provider_response_id,
        server_url=row.server_url,
        tool=row.tool,
        input=given,
        injected=row.injected,
        invocation_error=error,
        metadata=marked(row.metadata, is_cut or is_error_cut),
        created_at=moment(row.created_at),
    )
