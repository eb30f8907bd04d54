"""How far the database has come with each journal: a row that changes with what is written.

A journal's keeper finds here where to go on, so each call is written once, whatever ends when.
"""

from typing import Any, NamedTuple

from sqlalchemy import BindParameter, bindparam, select, update
from sqlalchemy.sql import ClauseElement

from aibridge.store.schema.tables import journals

_c = journals.c


class Position(NamedTuple):
    """A position in a journal.

    All up to ``applied`` is in the database. From ``resume`` on is all that is still needed of
    calls that had not ended there.
    """

    applied: int
    resume: int


class Advance(NamedTuple):
    """A step in a journal: from one position, nothing before the first, to another."""

    journal: str
    before: Position | None
    after: Position


def finding() -> ClauseElement:
    """Find the position in a journal, by its id."""
    return select(_c.applied, _c.resume).where(_c.id == bindparam("of_id"))


def beginning(insert: Any) -> ClauseElement:  # noqa: ANN401 - of an engine
    """Add the position in a journal, unless it has one; ``insert`` is the engine's."""
    adding = insert(journals).values(id=bindparam("of_id"), **_new())
    added: ClauseElement = adding.on_conflict_do_nothing().returning(_c.id)
    return added


def advancing() -> ClauseElement:
    """Move the position in a journal, if nobody else has."""
    changed = update(journals).where(
        _c.id == bindparam("of_id"), _c.applied == bindparam("before_applied")
    )
    return changed.values(**_new()).returning(_c.id)


def _new() -> dict[str, BindParameter[int]]:
    return {name: bindparam(f"new_{name}") for name in Position._fields}
