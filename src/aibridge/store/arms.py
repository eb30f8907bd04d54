"""Walking along an index with several beginnings at once: the first rows of each, then of all.

An index of (kind, time) has the newest rows of one kind; those of many kinds are the newest among
the first few of each. That is one statement, in which each kind is an arm.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    TableValuedAlias,
    column,
    func,
    literal,
    select,
    true,
)

from aibridge.store.among import array

Key = tuple[Any, ...]
"""Where a row stands in its list: of two, the greater comes first."""

FEW = 16
"""Arms that are walked at once; of more it is looked first whether all rows have many matches."""
MOST = 1000
"""Arms in a statement: each is a look into the index."""


@dataclass(frozen=True, slots=True)
class Arms:
    """A column that an index begins with, and the values of it that are meant."""

    column: ColumnElement[Any]
    values: Sequence[Any]


def each(connection: Connection, arms: Arms) -> TableValuedAlias:
    """Return the values as a table with the one column ``value``."""
    kind = arms.column.type
    if connection.dialect.name == "sqlite":
        texts = literal(json.dumps(list(arms.values)))
        return func.json_each(texts).table_valued(column("value", kind), name="arm")
    values = func.unnest(array(arms.values, kind))
    table = values.table_valued(column("value", kind), name="arm")
    return table.render_derived()


def walk(
    connection: Connection,
    arms: Arms,
    page: Callable[[int, Key | None], Select[Any]],
    most: int,
    before: Key | None,
) -> list[Key]:
    """Return the keys of the first ``most`` rows of all arms together, each once, in their order.

    ``page`` makes a query for the first so many rows before a key, whatever the arm; its columns
    are the key, the greatest first. Of many arms a few rows each are asked for, and more only as
    far as these do not do.
    """
    found: list[Key] = []
    each_arm = max(2, -(-2 * most // max(1, len(arms.values))))
    while len(found) < most and arms.values:
        rows = _first(connection, arms, page(each_arm, before))
        some = _certain(rows, each_arm)
        found += some.keys
        if not some.is_more:
            break
        before, each_arm = found[-1], min(each_arm * 4, most)
    return found[:most]


def has_more_than(connection: Connection, arms: Arms, rows: Select[Any], most: int) -> bool:
    """Return whether any arm by itself has more than ``most`` of the rows that a query has."""
    values = each(connection, arms)
    mine = rows.where(arms.column == values.c.value).correlate(values).limit(most + 1).subquery()
    number = select(func.count()).select_from(mine).scalar_subquery()
    found = select(values.c.value).where(number > most).limit(1)
    return connection.scalar(found) is not None


class _Certain(NamedTuple):
    """Keys in their order that no arm can have more between, and whether there are more after."""

    keys: list[Key]
    is_more: bool


def _certain(rows: Iterable[Key], each_arm: int) -> _Certain:
    """Return what is certain of rows, an arm's value and a key, of which each arm gave so many."""
    by_arm: defaultdict[Any, list[Key]] = defaultdict(list)
    for value, *key in rows:
        by_arm[value].append(tuple(key))
    keys = sorted({key for keys in by_arm.values() for key in keys}, reverse=True)
    ends = [min(keys) for keys in by_arm.values() if len(keys) >= each_arm]
    if not ends:
        return _Certain(keys, is_more=False)
    return _Certain([key for key in keys if key >= max(ends)], is_more=True)


def _first(connection: Connection, arms: Arms, rows: Select[Any]) -> list[Key]:
    """Return the first rows of each arm, with its value before the key."""
    values = each(connection, arms)
    mine = rows.where(arms.column == values.c.value).correlate(values)
    if connection.dialect.name != "sqlite":
        found = mine.lateral("found")
        joined = select(values.c.value, *found.c).select_from(values.join(found, true()))
        return [tuple(row) for row in connection.execute(joined).all()]
    # SQLite has no LATERAL, but what gives one value may know the arm.
    keys = mine.subquery()
    gathered = select(func.json_group_array(func.json_array(*keys.c))).scalar_subquery()
    arrays = connection.execute(select(values.c.value, gathered))
    return [(value, *key) for value, array in arrays for key in json.loads(array)]
