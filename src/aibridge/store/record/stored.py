"""The stored state of interceptions: which are in the database, their lineage, and their ends."""

from enum import IntEnum
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    literal_column,
    select,
)

from aibridge.store.schema.tables import interceptions

UNSEEN = "interrupted"
"""The type of error of an interception whose end was not seen; its time is that of the start."""
QUEUED = "queued"
"""The status of an interception whose answer is made in the background."""
BROKEN = ("cancelled", "failed")
"""The statuses of those whose answer may have broken off."""
BATCH = 256
"""Interceptions asked for at once."""


class Finality(IntEnum):
    """How final an end is: one that is seen later takes the place of a lesser one."""

    UNSEEN = 1
    """Closed for a bridge that was gone."""
    QUEUED = 2
    """The provider makes the answer in the background."""
    BROKEN_OFF = 3
    """Nobody saw the provider say how the answer ended; it may be asked for by its id."""
    FINAL = 4


class StoredState(NamedTuple):
    """An interception that is in the database: its lineage, and whether it has an end.

    ``finality`` is that of its end, as a number of `Finality`.
    """

    session_id: str
    parent_id: str | None
    root_id: str | None
    ended: bool
    finality: int


def _is(column: ColumnElement[str], *texts: str) -> ColumnElement[bool]:
    return column.in_([literal_column(f"'{text}'") for text in texts])


def finality() -> ColumnElement[int]:
    """Return the finality of an interception's end, as a number."""
    c = interceptions.c
    return case(
        (and_(c.ended_at == c.started_at, _is(c.error_type, UNSEEN)), _number(Finality.UNSEEN)),
        (_is(c.status, QUEUED), _number(Finality.QUEUED)),
        (
            and_(_is(c.status, *BROKEN), _is(c.stop_reason, "")),
            _number(Finality.BROKEN_OFF),
        ),
        else_=_number(Finality.FINAL),
    )


def _number(value: Finality) -> ColumnElement[int]:
    return literal_column(str(value.value), Integer)


def statement(count: int) -> Select[Any]:
    """Return the query for ``count`` interceptions, each by its id.

    It waits for a transaction that is writing one of them, where there may be such: a connection
    that was given up may yet commit what was under way on it.
    """
    c = interceptions.c
    ids: list[BindParameter[str]] = [bindparam(f"id_{number}") for number in range(count)]
    lineage = (c.session_id, c.thread_parent_id, c.thread_root_id)
    found = select(c.id, *lineage, c.ended_at.is_not(None), finality())
    return found.where(c.id.in_(ids)).with_for_update()
