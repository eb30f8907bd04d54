"""How many match: exactly by the rollup of people and facets, else up to a bound.

Past the bound a count is a lower bound. So a list is paged by cursor, and never by its count.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Connection, func, select

from aibridge.store.engine.conditions import unindexed
from aibridge.store.lists.filters import EVERYTHING, Filter, chosen_kinds, initiated
from aibridge.store.lists.windows import Key, Listing, walk
from aibridge.store.schema.tables import initiator_kinds

COUNTED = 1000
"""How many are counted one by one."""
COUNTED_BY_WORDS = 100
"""How many are counted where texts are looked at."""

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a list, and how many it has: at least so many where that ``is_more``."""

    rows: list[Row]
    count: int
    is_more: bool


def page(
    connection: Connection,
    listing: Listing,
    where: Filter,
    *,
    limit: int,
    offset: int,
    before: Key | None,
    total: int | None = None,
) -> Page[Key]:
    """Return the keys of a page, and the count of the list: ``total`` where it is known.

    The first page is the beginning of what is counted.
    """
    bound = COUNTED_BY_WORDS if where.has_words() else COUNTED
    most = limit + offset
    if total is not None:
        return Page(walk(connection, listing, most, before)[offset:], total, is_more=False)
    number = bound if before is not None else max(bound, most)
    first = walk(connection, listing, number + 1)
    rows = first[:most] if before is None else walk(connection, listing, most, before)
    return Page(rows[offset:], min(len(first), number), is_more=len(first) > number)


def counted(connection: Connection, where: Filter) -> int | None:
    """Return how many interceptions match by people and facets, `None` if more is asked."""
    if where != where.counted():
        return None
    rollup = initiator_kinds.c
    conditions = initiated(rollup.initiator_id, where)
    if where.kinds() != EVERYTHING:
        # All rows are read, as they lie: there are few of them, and an index would lead to each.
        conditions.append(unindexed(rollup.kind_id).in_(chosen_kinds(where)))
    total = func.coalesce(func.sum(rollup.interceptions), 0)
    return int(connection.execute(select(total).where(*conditions)).scalar_one())
