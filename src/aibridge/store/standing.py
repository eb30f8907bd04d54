"""How interceptions stand in the database: which are there, where they belong, which have ended."""

from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Select, and_, bindparam, literal_column, select

from aibridge.store.schema import interceptions

UNSEEN = "interrupted"
"""The type of error of an interception whose end was not seen; its time is that of the start."""
PORTION = 256
"""Interceptions asked for at once."""


class Standing(NamedTuple):
    """An interception that is in the database: its place, and whether it has an end.

    ``unseen`` says that its end is not one that was seen: it was closed for a bridge that was gone.
    """

    session_id: str
    parent_id: str | None
    root_id: str | None
    ended: bool
    unseen: bool


def statement(count: int) -> Select[Any]:
    """Return the query for ``count`` interceptions, each by its id.

    It waits for a transaction that is writing one of them, where there may be such: a connection
    that was given up may yet commit what was under way on it.
    """
    c = interceptions.c
    ids: list[BindParameter[str]] = [bindparam(f"id_{number}") for number in range(count)]
    ended, unseen = (
        c.ended_at.is_not(None),
        and_(c.ended_at == c.started_at, c.error_type == literal_column(f"'{UNSEEN}'")),
    )
    found = select(c.id, c.session_id, c.thread_parent_id, c.thread_root_id, ended, unseen)
    return found.where(c.id.in_(ids)).with_for_update()
