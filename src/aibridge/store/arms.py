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
    Table,
    TableValuedAlias,
    cast,
    column,
    func,
    literal,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

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
    values = cast(literal(list(arms.values), ARRAY(kind)), ARRAY(kind))
    table = func.unnest(values).table_valued(column("value", kind), name="arm")
    return table.render_derived()


def walk(
    connection: Connection,
    arms: Arms,
    page: Callable[[int, Key | None], Select[Any]],
    listed: Table,
    most: int,
    before: Key | None,
) -> list[Key]:
    """Return the keys of the first ``most`` rows of all arms together, each once, in their order.

    ``page`` makes a query for the first so many rows before a key, whatever the arm; its columns
    are the key, the greatest first, with the primary key of ``listed``, from which SQLite reads
    them. Of many arms a few rows each are asked for, and more only as far as these do not do.
    """
    found: list[Key] = []
    each_arm = max(2, -(-2 * most // max(1, len(arms.values))))
    while len(found) < most and arms.values:
        rows = connection.execute(_first(connection, arms, page(each_arm, before), listed))
        some = _certain([tuple(row) for row in rows], each_arm)
        found += some.keys
        if not some.is_more:
            break
        before, each_arm = found[-1], min(each_arm * 4, most)
    return found[:most]


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


def _first(connection: Connection, arms: Arms, rows: Select[Any], listed: Table) -> Select[Any]:
    """Return a query for the first rows of each arm, with its value before the key."""
    values = each(connection, arms)
    mine = rows.where(arms.column == values.c.value).correlate(values)
    if connection.dialect.name != "sqlite":
        found = mine.lateral("found")
        return select(values.c.value, *found.c).select_from(values.join(found, true()))
    # SQLite has no LATERAL, but a query in IN may know the arm.
    own = [column.name for column in listed.primary_key]
    again = listed.alias("listed")
    ids = mine.with_only_columns(*(mine.selected_columns[name] for name in own))
    these = tuple_(*(again.c[name] for name in own)) if len(own) > 1 else again.c[own[0]]
    key = (again.c[column.name] for column in mine.selected_columns)
    return select(values.c.value, *key).select_from(values.join(again, these.in_(ids)))
