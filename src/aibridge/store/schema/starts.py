"""When interceptions may have started, by their ids: PostgreSQL's partitions go by these."""

from sqlalchemy import ColumnElement, or_

from aibridge.ids import first_id_at
from aibridge.store.schema.measures import SECOND

_DAY = 86_400 * SECOND
WEEK = 7 * _DAY
"""Microseconds of which a partition has what started."""
_FIRST_ID = first_id_at(18_000 * _DAY)
"""What stands before all ids since 2019."""


def may_have_started(id_: ColumnElement[str], least: int, most: int) -> ColumnElement[bool]:
    """Return whether an interception of an id may have started then, for the planner to know.

    It looks into the partitions of that time alone, and of a day more, and of ids without a time.
    """
    first, last = (first_id_at(max(0, at)) for at in (least - _DAY, most + _DAY))
    return or_(id_.between(first, last), id_ < _FIRST_ID)
