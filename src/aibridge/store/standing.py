"""How interceptions stand in the database: which are there, where they belong, which have ended."""

from typing import NamedTuple

from sqlalchemy import BindParameter, Select, bindparam, select

from aibridge.store.schema import interceptions

PORTION = 256
"""Interceptions asked for at once."""


class Standing(NamedTuple):
    """An interception that is in the database: its place, and whether it has an end."""

    session_id: str
    parent_id: str | None
    root_id: str | None
    ended: bool


def statement(count: int) -> Select[tuple[str, str, str | None, str | None, bool]]:
    """Return the query for ``count`` interceptions, each by its id.

    It waits for a transaction that is writing one of them, where there may be such: a connection
    that was given up may yet commit what was under way on it.
    """
    c = interceptions.c
    ids: list[BindParameter[str]] = [bindparam(f"id_{number}") for number in range(count)]
    found = select(
        c.id, c.session_id, c.thread_parent_id, c.thread_root_id, c.ended_at.is_not(None)
    )
    return found.where(c.id.in_(ids)).with_for_update()
