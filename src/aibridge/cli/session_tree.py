"""Sessions drawn for a terminal: a table of many, a tree of one.

Everything drawn was written by strangers: texts are never read as markup, and characters that
steer a terminal or reorder a line are made visible instead.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from aibridge.cli.output import one_line, visible

if TYPE_CHECKING:  # pydantic takes a while to import, and help texts need none of it
    from collections.abc import Iterable
    from datetime import datetime

    from aibridge.contract import (
        AgenticAction,
        FinalAnswer,
        MinimalUser,
        ModelThought,
        Session,
        SessionDetail,
        Thread,
        TokenCounts,
        ToolCall,
    )

MAX_SHOWN = 2000
"""Characters of one text that are drawn; the rest is counted."""


def _foreign(text: str, style: str = "") -> Text:
    """Return foreign text to draw, cut to `MAX_SHOWN` characters."""
    drawn = Text(visible(text[:MAX_SHOWN].rstrip()), style)
    if len(text) > MAX_SHOWN:
        drawn.append(f" … {len(text) - MAX_SHOWN:,} more characters, see --json", "dim")
    return drawn


def _tokens(counts: TokenCounts) -> str:
    cached = counts.cache_read_input_tokens, counts.cache_write_input_tokens
    text = f"{counts.input_tokens:,} in, {counts.output_tokens:,} out"
    return text + (f", cache {cached[0]:,} read, {cached[1]:,} written" if any(cached) else "")


def _user(user: MinimalUser) -> str:
    return one_line(user.username or user.id)


def _time(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def _names(names: Iterable[str]) -> str:
    return one_line(", ".join(names)) or "none"


_COLUMNS = {
    "ID": True,  # it is there to be copied
    "Active": True,
    "User": False,
    "Client": False,
    "In": True,
    "Out": True,
    "Prompt": False,
}
"""The columns of a list of sessions, and whether each is always shown whole."""


def render_sessions(sessions: Iterable[Session]) -> RenderableType:
    """Draw a list of sessions as a table, one row each; times are local."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, whole in _COLUMNS.items():  # those that are not whole shrink where room is short
        right = name in {"In", "Out"}
        table.add_column(name, no_wrap=whole, justify="right" if right else "left")
    for session in sessions:
        cells = _cells(session)
        table.add_row(*(Text(cell, no_wrap=True, overflow="ellipsis") for cell in cells))
    return table


def _cells(session: Session) -> tuple[str, ...]:
    tokens = session.token_usage_summary
    return (
        visible(session.id),
        f"{session.last_active_at.astimezone():%m-%d %H:%M}",
        _user(session.initiator),
        one_line(session.client or "Unknown"),
        _count(tokens.input_tokens),
        _count(tokens.output_tokens),
        one_line(session.last_prompt or ""),
    )


def _count(tokens: int) -> str:
    """Write a number of tokens in few characters: from 10,000 on in thousands, then millions."""
    if tokens < 10_000:  # noqa: PLR2004
        return str(tokens)
    unit, size = ("k", 1e3) if tokens < 999_500 else ("M", 1e6)  # noqa: PLR2004
    return f"{tokens / size:.0f}{unit}"


def render_session(detail: SessionDetail) -> RenderableType:
    """Draw a session as a tree: its header, threads, thoughts, tool calls, tokens and errors."""
    tree = Tree(_header(detail), guide_style="dim")
    for thread in detail.threads:
        _add_thread(tree, thread)
    if not detail.threads:
        tree.add(Text("no threads", "dim"))
    return tree


def _header(detail: SessionDetail) -> RenderableType:
    facts = {
        "client": one_line(detail.client or "Unknown"),
        "user": _user(detail.initiator),
        "providers": _names(detail.providers),
        "models": _names(detail.models),
        "started": _time(detail.started_at),
        "tokens": _tokens(detail.token_usage_summary),
    }
    lines = [Text.assemble((f"{name} ", "dim"), value) for name, value in facts.items()]
    return Group(Text.assemble(("session ", "bold"), (visible(detail.id), "bold cyan")), *lines)


def _add_thread(tree: Tree, thread: Thread) -> None:
    prompt = _foreign(thread.prompt, "bold") if thread.prompt else Text("no prompt", "dim")
    about = f"{one_line(thread.model)} · {_time(thread.started_at)} · {_tokens(thread.token_usage)}"
    branch = tree.add(Group(prompt, Text(about, "dim")))
    for action in thread.agentic_actions:
        _add_action(branch, action)
    if thread.final is not None:
        _add_final(branch, thread.final, thread.status)
    if thread.error_type or thread.error_message:
        kind = visible(thread.error_type) or "error"
        branch.add(Text.assemble((f"✗ {kind} ", "bold red"), _foreign(thread.error_message)))


def _add_action(branch: Tree, action: AgenticAction) -> None:
    _add_thoughts(branch, action.thinking)
    for call in action.tool_calls:
        _add_call(branch, call)
    branch.add(Text(f"{one_line(action.model)} · {_tokens(action.token_usage)}", "dim"))


def _add_thoughts(branch: Tree, thoughts: Iterable[ModelThought]) -> None:
    for thought in thoughts:
        branch.add(Text.assemble(("thought ", "magenta"), _foreign(thought.text, "italic")))


def _add_call(branch: Tree, call: ToolCall) -> None:
    where = f" on {one_line(call.server_url)}" if call.server_url else ""
    leaf = branch.add(Text.assemble(("tool ", "green"), (one_line(call.tool), "bold green"), where))
    if call.input:
        leaf.add(_foreign(_arguments(call.input)))
    if call.invocation_error:
        leaf.add(Text.assemble(("✗ ", "bold red"), _foreign(call.invocation_error)))


def _arguments(text: str) -> str:
    """Return arguments a line a key where they are JSON, else as they are."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _add_final(branch: Tree, final: FinalAnswer, status: str) -> None:
    _add_thoughts(branch, final.thinking)
    style = "green" if status == "completed" else "yellow"
    reason = f" ({one_line(final.stop_reason)})" if final.stop_reason else ""
    about = f"{one_line(final.model)} · {_tokens(final.token_usage)}"
    end = (f"{one_line(status) or 'ended'}{reason} ", style)
    branch.add(Text.assemble(("final ", "bold"), end, (about, "dim")))
