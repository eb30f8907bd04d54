"""Sessions drawn for a terminal: a table of many, a tree of one.

Everything drawn was written by strangers: texts are never read as markup, and characters that
steer a terminal or reorder a line are made visible instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from aibridge.cli.output import one_line, visible
from aibridge.cli.thread_tree import add_threads, time, tokens

if TYPE_CHECKING:  # pydantic takes a while to import, and help texts need none of it
    from collections.abc import Iterable

    from aibridge.contract import MinimalUser, Session, SessionDetail


def _user(user: MinimalUser) -> str:
    return one_line(user.username or user.id)


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
    used, about = session.token_usage_summary, "~" if session.estimated else ""
    return (
        visible(session.id),
        f"{session.last_active_at.astimezone():%m-%d %H:%M}",
        _user(session.initiator),
        one_line(session.client or "Unknown"),
        about + _count(used.input_tokens),
        about + _count(used.output_tokens),
        one_line(session.last_prompt or ""),
    )


def _count(number: int) -> str:
    """Write a number of tokens in few characters: from 10,000 on in thousands, then millions."""
    if number < 10_000:  # noqa: PLR2004
        return str(number)
    unit, size = ("k", 1e3) if number < 999_500 else ("M", 1e6)  # noqa: PLR2004
    return f"{number / size:.0f}{unit}"


def render_session(detail: SessionDetail) -> RenderableType:
    """Draw a session as a tree: its header, threads, thoughts, tool calls, tokens and errors."""
    tree = Tree(_header(detail), guide_style="dim")
    add_threads(tree, detail.threads)
    if not detail.threads:
        tree.add(Text("no threads", "dim"))
    return tree


def _header(detail: SessionDetail) -> RenderableType:
    used = detail.token_usage_summary
    facts = {
        "client": one_line(detail.client or "Unknown"),
        "user": _user(detail.initiator),
        "providers": _names(detail.providers),
        "models": _names(detail.models),
        "started": time(detail.started_at),
        "tokens": tokens(used, estimated=used.estimated),
    }
    lines = [Text.assemble((f"{name} ", "dim"), value) for name, value in facts.items()]
    return Group(Text.assemble(("session ", "bold"), (visible(detail.id), "bold cyan")), *lines)
