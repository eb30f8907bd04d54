"""Threads and agentic actions, put together from rows. Pure: no database, no clock."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice, takewhile
from typing import Any

from aibridge.contract import (
    AgenticAction,
    FinalAnswer,
    ModelThought,
    Thread,
    ThreadText,
    ToolCall,
)
from aibridge.ids import moment
from aibridge.providers.types import wire_of
from aibridge.sessions.metadata import read_object
from aibridge.sessions.shape import (
    TYPED,
    agent_type_of,
    credential_hint,
    kind_of,
    marked,
    shown,
    usage,
)
from aibridge.store.lists.children import Children
from aibridge.store.schema.rows import InterceptionRow, ToolUsageRow

MAX_TEXTS = 50
"""Texts that are shown of one thread: the first."""
MAX_TEXT = 65_536
"""Characters that are shown of any of them."""
RETRY = "retry"
"""The kind of a request that was made again after a failure."""
SUCCEEDED = ("completed", "queued")
"""The states of an interception behind which no earlier error counts."""

_NOWHERE: Mapping[str, str] = {}


def parent_ids(rows: Sequence[InterceptionRow]) -> list[str]:
    """Return the ids of the interceptions that other threads came from."""
    linked = (row.thread_parent_id for row in rows if row.thread_root_id is None)
    return sorted({id_ for id_ in linked if id_ is not None})


def build_threads(
    rows: Sequence[InterceptionRow], children: Children, roots: Mapping[str, str] = _NOWHERE
) -> list[Thread]:
    """Group ended interceptions, given in order of start and id, into threads, oldest first.

    ``roots`` are the threads of `parent_ids`, as far as these are still there.
    """
    groups: dict[str, list[InterceptionRow]] = {}
    for row in rows:
        groups.setdefault(row.thread_root_id or row.id, []).append(row)
    oldest_first = sorted(groups.items(), key=lambda group: (group[1][0].started_at, group[0]))
    return [_thread(id_, members, children, roots) for id_, members in oldest_first]


def _thread(
    id_: str, rows: Sequence[InterceptionRow], children: Children, roots: Mapping[str, str]
) -> Thread:
    """Describe a thread by its root; by its earliest interception when the root is not there."""
    root = next((row for row in rows if row.id == id_), None)
    head = root or rows[0]
    about = read_object(head.metadata)
    failed = _failed(rows)
    ends = [row.ended_at for row in rows if row.ended_at is not None]
    acting = [row for row in rows if children.tool_usages.get(row.id)]
    answering = [row for row in rows if not children.tool_usages.get(row.id)]
    prompt = _prompt(head, children)
    texts = list(islice(_texts(rows, children), MAX_TEXTS + 1))
    tokens = (children.token_usages.get(row.id, ()) for row in rows)
    return Thread(
        id=id_,
        prompt=None if prompt is None else prompt[: children.most],
        model=head.model,
        provider=wire_of(head.provider),
        credential_kind=head.credential_kind,
        credential_hint=credential_hint(head.credential_hint),
        started_at=moment(rows[0].started_at),
        ended_at=moment(max(ends)) if ends else None,
        token_usage=usage([*chain.from_iterable(tokens)]),
        agentic_actions=[_action(row, children) for row in acting],
        status=rows[-1].status,
        error_type=failed.error_type if failed else None,
        error_message=failed.error_message if failed else None,
        final=_final(answering, children) if answering else None,
        kind=_kind(about),
        agent_type=agent_type_of(about),
        parent_id=_parent(root, roots),
        attempts=1 + sum(kind_of(read_object(row.metadata)) == RETRY for row in rows),
        texts=texts[:MAX_TEXTS],
        texts_truncated=len(texts) > MAX_TEXTS,
        prompt_truncated=prompt is not None and len(prompt) > children.most,
    )


def _kind(about: dict[str, Any]) -> str:
    """Return the kind of a thread; one whose first attempt is not there any more is its retry."""
    kind = kind_of(about)
    return TYPED if kind == RETRY else kind


def _parent(root: InterceptionRow | None, roots: Mapping[str, str]) -> str | None:
    if root is None or root.thread_parent_id is None:
        return None
    return roots.get(root.thread_parent_id, root.thread_parent_id)


def _failed(rows: Sequence[InterceptionRow]) -> InterceptionRow | None:
    """Return the newest that shows an error since an attempt succeeded."""
    since = takewhile(lambda row: row.status not in SUCCEEDED, reversed(rows))
    return next((row for row in since if row.error_type or row.error_message), None)


def _prompt(head: InterceptionRow, children: Children) -> str | None:
    """Return what the person typed, joined by newlines; one character too many tells of more."""
    rows = children.user_prompts.get(head.id, ())
    typed = [row.prompt for row in rows if kind_of(read_object(row.metadata)) == TYPED]
    return "\n".join(typed)[: children.most + 1] if typed else None


def _texts(rows: Sequence[InterceptionRow], children: Children) -> Iterator[ThreadText]:
    """Yield what the requests send as the user's, in order."""
    most = min(MAX_TEXT, children.most)
    for prompt in chain.from_iterable(children.user_prompts.get(row.id, ()) for row in rows):
        text, is_cut = shown(prompt.prompt, most)
        yield ThreadText(
            text=text,
            kind=kind_of(read_object(prompt.metadata)),
            interception_id=prompt.interception_id,
            truncated=is_cut,
        )


def _action(row: InterceptionRow, children: Children) -> AgenticAction:
    return AgenticAction(
        model=row.model,
        token_usage=usage(children.token_usages.get(row.id, ())),
        thinking=_thinking([row], children),
        tool_calls=[_tool_call(tool, children.most) for tool in children.tool_usages[row.id]],
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
    pieces = (shown(thought.content, children.most) for thought in thoughts)
    return [ModelThought(text=text, truncated=is_cut) for text, is_cut in pieces]


def _tool_call(row: ToolUsageRow, most: int) -> ToolCall:
    given, is_cut = shown(row.input, most)
    error, is_error_cut = shown(row.invocation_error, most)
    return ToolCall(
        id=row.id,
        interception_id=row.interception_id,
        provider_response_id=row.provider_response_id,
        server_url=row.server_url,
        tool=row.tool,
        injected=row.injected,
        input=given,
        metadata=marked(row.metadata, is_cut or is_error_cut),
        created_at=moment(row.created_at),
        invocation_error=error,
    )
