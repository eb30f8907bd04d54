"""Threads and agentic actions, put together from rows. Pure: no database, no clock."""

from collections.abc import Sequence
from itertools import chain

from aibridge.contract import AgenticAction, FinalAnswer, ModelThought, Thread, ToolCall
from aibridge.sessions.metadata import read_object
from aibridge.sessions.shape import credential_hint, moment, usage
from aibridge.store.interceptions import Children
from aibridge.store.rows import InterceptionRow, ToolUsageRow


def build_threads(rows: Sequence[InterceptionRow], children: Children) -> list[Thread]:
    """Group ended interceptions, given in order of start and id, into threads, oldest first."""
    groups: dict[str, list[InterceptionRow]] = {}
    for row in rows:
        groups.setdefault(row.thread_root_id or row.id, []).append(row)
    oldest_first = sorted(groups.items(), key=lambda group: (group[1][0].started_at, group[0]))
    return [_thread(id_, members, children) for id_, members in oldest_first]


def _thread(id_: str, rows: Sequence[InterceptionRow], children: Children) -> Thread:
    """Describe a thread by its root; by its earliest interception when the root is not there."""
    head = next((row for row in rows if row.id == id_), rows[0])
    failed = next((row for row in reversed(rows) if row.error_type or row.error_message), None)
    ends = [row.ended_at for row in rows if row.ended_at is not None]
    acting = [row for row in rows if children.tool_usages.get(row.id)]
    answering = [row for row in rows if not children.tool_usages.get(row.id)]
    prompts = children.user_prompts.get(head.id, ())
    tokens = (children.token_usages.get(row.id, ()) for row in rows)
    return Thread(
        id=id_,
        prompt=prompts[0].prompt if prompts else None,
        model=head.model,
        provider=head.provider,
        credential_kind=head.credential_kind,
        credential_hint=credential_hint(head.credential_hint),
        started_at=moment(rows[0].started_at),
        ended_at=moment(max(ends)) if ends else None,
        token_usage=usage([*chain.from_iterable(tokens)]),
        agentic_actions=[_action(row, children) for row in acting],
        status=rows[-1].status,
        error_type=failed.error_type if failed else "",
        error_message=failed.error_message if failed else "",
        final=_final(answering, children) if answering else None,
    )


def _action(row: InterceptionRow, children: Children) -> AgenticAction:
    return AgenticAction(
        model=row.model,
        token_usage=usage(children.token_usages.get(row.id, ())),
        thinking=_thinking([row], children),
        tool_calls=[_tool_call(tool) for tool in children.tool_usages[row.id]],
    )


def _final(rows: Sequence[InterceptionRow], children: Children) -> FinalAnswer:
    """Gather what no action shows: the interceptions that called no tool."""
    tokens = chain.from_iterable(children.token_usages.get(row.id, ()) for row in rows)
    return FinalAnswer(
        model=rows[-1].model,
        token_usage=usage([*tokens]),
        thinking=_thinking(rows, children),
        stop_reason=rows[-1].stop_reason,
    )


def _thinking(rows: Sequence[InterceptionRow], children: Children) -> list[ModelThought]:
    thoughts = chain.from_iterable(children.thoughts.get(row.id, ()) for row in rows)
    return [ModelThought(text=thought.content) for thought in thoughts]


def _tool_call(row: ToolUsageRow) -> ToolCall:
    return ToolCall(
        id=row.id,
        interception_id=row.interception_id,
        provider_response_id=row.provider_response_id,
        server_url=row.server_url,
        tool=row.tool,
        injected=row.injected,
        input=row.input,
        metadata=read_object(row.metadata),
        created_at=moment(row.created_at),
        invocation_error=row.invocation_error,
    )
