"""What usage rows add to the sums of sessions and days, in the words of SQL."""

from sqlalchemy import ColumnElement, case, func

from aibridge.store.schema.rows import COUNTERS, PRICED_SINCE
from aibridge.store.schema.tables import token_usages

_u = token_usages.c


def used_sums() -> list[ColumnElement[int]]:
    """Return the sums of usage rows that a statement groups, by the names of `rows.USED`."""
    added = [_u[name] for name in (*COUNTERS, "cost_micros")]
    unpriced = case((_u.unpriced == "", 0), (_u.unpriced == PRICED_SINCE, -1), else_=1)
    return [*map(func.sum, added), func.sum(unpriced)]  # as `rows.unpriced_rows` counts
