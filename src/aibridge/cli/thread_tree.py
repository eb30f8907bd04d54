"""The threads of a session drawn as a tree: what was typed, what the agent did, and for whom.

Threads of the person stand one below the other; what came out of one, as a sub-agent's, stands
below it. Texts are foreign: never read as markup, with what would steer a terminal made visible.
"""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Group
from rich.text import Text

from aibridge.cli.output import moment, one_line, visible

if TYPE_CHECKING:  # pydantic takes a while to import, and help texts need none of it
    from collections.abc import Iterable, Iterator, Sequence

    from rich.tree import Tree

    from aibridge.contract import (
        AgenticAction,
        FinalAnswer,
        ModelThought,
        Thread,
        ThreadText,
        TokenCounts,
        ToolCall,
    )

MAX_SHOWN = 2000
"""Characters of one text that are drawn; the rest is counted."""
MAX_UNTYPED = 400
"""Characters of a text that nobody typed, so that what was typed is not lost among them."""
MAX_DEPTH = 8
"""How deep sub-agents of sub-agents are drawn; what comes from deeper ones stands beside them."""

TYPED, RETRY = "typed", "retry"
LABELS = {
    "typed": "typed",
    "side_call": "side call",
    "subagent": "sub-agent",
    "compaction": "compaction",
    "summary": "summary",
    "automation": "automation",
    "retry": "tried again",
}
"""How the kinds of threads and of their texts are named."""
_STYLES = {"completed": "green"}


def foreign(text: str, style: str = "", *, goes_on: bool = False, most: int = MAX_SHOWN) -> Text:
    """Return foreign text to draw, cut to ``most`` characters.

    ``goes_on`` says that there is more of it on record.
    """
    drawn = Text(visible(text[:most].rstrip()), style)
    if len(text) > most:
        drawn.append(f" … {len(text) - most:,} more characters, see --json", "dim")
    elif goes_on:
        drawn.append(" … and more", "dim")
    return drawn


def tokens(counts: TokenCounts, *, estimated: bool = False) -> str:
    """Write numbers of tokens; estimates with a tilde."""
    about = "~" if estimated else ""
    cached = counts.cache_read_input_tokens, counts.cache_write_input_tokens
    text = f"{about}{counts.input_tokens:,} in, {about}{counts.output_tokens:,} out"
    return text + (f", cache {cached[0]:,} read, {cached[1]:,} written" if any(cached) else "")


class _Drawn(NamedTuple):
    """Where a thread is drawn, and how deep."""

    branch: Tree
    depth: int


def add_threads(tree: Tree, threads: Sequence[Thread]) -> None:
    """Draw threads, oldest first: the person's on the tree, others below what they came from."""
    drawn: dict[str, _Drawn] = {}
    above: Thread | None = None
    for thread in threads:
        parent = drawn.get(thread.parent_id or "")
        if thread.kind == TYPED or parent is None:
            drawn[thread.id] = _Drawn(_add_thread(tree, thread, above), 1)
        else:
            branch = _add_thread(parent.branch, thread, None)
            is_deep = parent.depth == MAX_DEPTH
            drawn[thread.id] = parent if is_deep else _Drawn(branch, parent.depth + 1)
        above = thread if thread.kind == TYPED else above


def _add_thread(tree: Tree, thread: Thread, above: Thread | None) -> Tree:
    lines = [_title(thread), Text(" · ".join(_about(thread, above)), "dim")]
    branch = tree.add(Group(*lines))
    _add_steps(branch, thread)
    if thread.final is not None:
        _add_final(branch, thread.final, thread.status)
    if thread.error_type or thread.error_message:
        kind = visible(thread.error_type or "") or "error"
        message = foreign(thread.error_message or "")
        branch.add(Text.assemble((f"✗ {kind} ", "bold red"), message))
    return branch


def _title(thread: Thread) -> Text:
    if thread.kind == TYPED:
        if not thread.prompt:
            return Text("no prompt", "dim")
        return foreign(thread.prompt, "bold", goes_on=thread.prompt_truncated)
    name = _label(thread.kind) + (f" {one_line(thread.agent_type)}" if thread.agent_type else "")
    named = next((text for text in thread.texts if text.kind == thread.kind), None)
    task = named or next(iter(thread.texts), None)
    return Text(name, "dim") if task is None else _told(name, task)


def _told(name: str, text: ThreadText) -> Text:
    most = MAX_SHOWN if text.kind == TYPED else MAX_UNTYPED
    drawn = foreign(text.text, "dim", goes_on=text.truncated, most=most)
    return Text.assemble((f"{name}: ", "dim"), drawn)


def _label(kind: str) -> str:
    return LABELS.get(kind) or one_line(kind)


def _about(thread: Thread, above: Thread | None) -> Iterator[str]:
    """Yield what is said of a thread below its title."""
    if thread.kind == TYPED and thread.parent_id:
        yield _link(thread.parent_id, above)
    yield one_line(thread.model)
    yield moment(thread.started_at)
    yield tokens(thread.token_usage, estimated=thread.token_usage.estimated)
    if thread.attempts > 1:
        yield f"attempt {thread.attempts} of {thread.attempts}"


def _link(parent_id: str, above: Thread | None) -> str:
    """Say after what a prompt was typed, no more than is certain."""
    if above is None or above.id != parent_id:
        return "after an earlier one"
    if above.status == "cancelled":
        return "after the one above was interrupted"
    if above.agentic_actions and above.final is None:
        return "after the one above stopped at a tool"
    return "after the one above"


def _add_steps(branch: Tree, thread: Thread) -> None:
    """Draw texts and actions in the order of their requests, whose ids begin with the time."""
    texts = deque(_untitled(thread))
    for action in thread.agentic_actions:
        request_id = action.tool_calls[0].interception_id if action.tool_calls else ""
        while texts and texts[0].interception_id <= request_id:
            _add_text(branch, texts.popleft())
        _add_action(branch, action)
    for text in texts:
        _add_text(branch, text)
    if thread.texts_truncated:
        branch.add(Text("… and more texts", "dim"))


def _untitled(thread: Thread) -> Iterator[ThreadText]:
    """Yield the texts that the title does not tell: what was typed meanwhile, and summaries."""
    is_titled = False
    for text in thread.texts:
        if text.kind == RETRY or (text.kind == TYPED and text.interception_id == thread.id):
            continue  # it is the prompt
        if text.kind == thread.kind != TYPED and not is_titled:
            is_titled = True
            continue
        yield text


def _add_text(branch: Tree, text: ThreadText) -> None:
    branch.add(_told(_label(text.kind), text))


def _add_action(branch: Tree, action: AgenticAction) -> None:
    _add_thoughts(branch, action.thinking)
    for call in action.tool_calls:
        _add_call(branch, call)
    used = tokens(action.token_usage, estimated=action.token_usage.estimated)
    branch.add(Text(f"{one_line(action.model)} · {used}", "dim"))


def _add_thoughts(branch: Tree, thoughts: Iterable[ModelThought]) -> None:
    for thought in thoughts:
        text = foreign(thought.text, "italic", goes_on=thought.truncated)
        branch.add(Text.assemble(("thought ", "magenta"), text))


def _add_call(branch: Tree, call: ToolCall) -> None:
    where = f" on {one_line(call.server_url)}" if call.server_url else ""
    leaf = branch.add(Text.assemble(("tool ", "green"), (one_line(call.tool), "bold green"), where))
    if call.input:
        leaf.add(foreign(_arguments(call.input), goes_on=bool(call.metadata.get("truncated"))))
    if call.invocation_error:
        leaf.add(Text.assemble(("✗ ", "bold red"), foreign(call.invocation_error)))


def _arguments(text: str) -> str:
    """Return arguments a line a key where they are JSON, else as they are."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _add_final(branch: Tree, final: FinalAnswer, status: str) -> None:
    _add_thoughts(branch, final.thinking)
    reason = f" ({one_line(final.stop_reason)})" if final.stop_reason else ""
    used = tokens(final.token_usage, estimated=final.token_usage.estimated)
    end = (f"{one_line(status) or 'ended'}{reason} ", _STYLES.get(status, "yellow"))
    branch.add(Text.assemble(("final ", "bold"), end, (f"{one_line(final.model)} · {used}", "dim")))
