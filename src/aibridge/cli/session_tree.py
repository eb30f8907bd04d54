"""Sessions as a terminal shows them: a row each in a list, or one as a tree.

Everything drawn was written by strangers: texts are never read as markup, and characters that
steer a terminal or reorder a line are made visible instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from aibridge.cli.costs import cost
from aibridge.cli.output import moment, one_line, visible
from aibridge.cli.tables import Cell, Column
from aibridge.cli.thread_tree import add_threads, tokens

if TYPE_CHECKING:  # pydantic takes a while to import, and help texts need none of it
    from collections.abc import Iterable

    from aibridge.contract import MinimalUser, Session, SessionDetail


def _user(user: MinimalUser) -> str:
    return one_line(user.username or user.id)


def _names(names: Iterable[str]) -> str:
    return one_line(", ".join(names)) or "none"


COLUMNS = (
    Column("ID", ids=True),
    Column("ACTIVE", rank=2),
    Column("USER", rank=1),
    Column("CLIENT", rank=3),
    Column("IN", rank=6, right=True),
    Column("OUT", rank=5, right=True),
    Column("COST", rank=4, right=True),
    Column("PROMPT", telling=True),
)
"""The columns of a list of sessions."""


def row_of(session: Session) -> tuple[Cell, ...]:
    """Return the row of a session in a list, as `COLUMNS` have it."""
    used, about = session.token_usage_summary, "~" if session.estimated else ""
    return (
        session.id,
        session.last_active_at,
        session.initiator.username or session.initiator.id,
        session.client or "Unknown",
        about + _count(used.input_tokens),
        about + _count(used.output_tokens),
        cost(session.cost_micros, session.unpriced_usage_count),
        session.last_prompt or "",
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
        "started": moment(detail.started_at),
        "tokens": tokens(used, estimated=used.estimated),
        "cost": cost(detail.cost_micros, detail.unpriced_usage_count),
    }
    lines = [Text.assemble((f"{name} ", "dim"), value) for name, value in facts.items()]
    return Group(Text.assemble(("session ", "bold"), (visible(detail.id), "bold cyan")), *lines)
