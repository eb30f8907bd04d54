"""What usage rows add to the sums of sessions and days, in the words of SQL."""

from sqlalchemy import ColumnElement, case, func

from aibridge.store.schema.rows import COUNTERS
from aibridge.store.schema.tables import token_usages

_u = token_usages.c


def used_sums() -> list[ColumnElement[int]]:
    """Return the sums of usage rows that a statement groups, by the names of `rows.USED`."""
    added = [_u[name] for name in (*COUNTERS, "cost_micros")]
    return [*map(func.sum, added), func.sum(case((_u.unpriced != "", 1), else_=0))]
