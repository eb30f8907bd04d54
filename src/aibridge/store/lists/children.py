"""What is recorded under interceptions, read for many of them at once.

Texts may be of any length, and a page has many of them. So what is read together has a bound, of
which each text has a share, and a little more where it goes on.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Table, func, select

from aibridge.store.engine.conditions import one_of
from aibridge.store.lists.beginnings import beginning
from aibridge.store.schema.rows import ModelThoughtRow, TokenUsageRow, ToolUsageRow, UserPromptRow
from aibridge.store.schema.tables import model_thoughts, token_usages, tool_usages, user_prompts

IDS_A_QUERY = 5000
"""Ids bound in one statement; engines bound the number of parameters (SQLite: 32,766)."""


MOST_CHARACTERS = 8 << 20
"""Characters of all texts on a page, and of any one that is read by itself."""


def share(number: int) -> int:
    """Return how many characters of each text are read where there are so many."""
    return MOST_CHARACTERS // max(1, number)


@dataclass(frozen=True, slots=True)
class Children:
    """What is recorded under some interceptions, by interception id, in order of recording.

    A text of more than ``most`` characters, which are all that is to be shown, has more than these.
    """

    token_usages: Mapping[str, Sequence[TokenUsageRow]]
    user_prompts: Mapping[str, Sequence[UserPromptRow]]
    tool_usages: Mapping[str, Sequence[ToolUsageRow]]
    thoughts: Mapping[str, Sequence[ModelThoughtRow]]
    most: int = MOST_CHARACTERS


class _ChildRow(Protocol):
    @property
    def interception_id(self) -> str: ...


_LONG = ("prompt", "input", "invocation_error", "content")
"""Columns of texts that may be of any length."""

_Child = TypeVar("_Child", bound=_ChildRow)


def read(connection: Connection, ids: Sequence[str], *, thoughts: bool = False) -> Children:
    """Return what is recorded under the interceptions of a page: one query a table, not one a row.

    Of each text there is its `share`.
    """
    most = share(_number_of_texts(connection, ids, thoughts=thoughts))
    return _read(connection, ids, most, thoughts=thoughts)


def read_whole(connection: Connection, id_: str) -> Children:
    """Return what is recorded under one interception, with its texts whole."""
    return _read(connection, [id_], MOST_CHARACTERS, thoughts=False)


def _number_of_texts(connection: Connection, ids: Sequence[str], *, thoughts: bool) -> int:
    """Return how many texts are under interceptions, by the index alone."""
    texts = {user_prompts: 1, tool_usages: 2, model_thoughts: int(thoughts)}
    number = 0
    for some in portions(ids):
        counts = [
            select(func.count() * each)
            .where(one_of(connection, table.c.interception_id, some))
            .scalar_subquery()
            for table, each in texts.items()
        ]
        number += sum(connection.execute(select(*counts)).one())
    return number


def _read(connection: Connection, ids: Sequence[str], most: int, *, thoughts: bool) -> Children:
    return Children(
        _children(connection, token_usages, TokenUsageRow, ids, most),
        _children(connection, user_prompts, UserPromptRow, ids, most),
        _children(connection, tool_usages, ToolUsageRow, ids, most),
        _children(connection, model_thoughts, ModelThoughtRow, ids, most) if thoughts else {},
        most,
    )


def _children(
    connection: Connection, table: Table, kind: type[_Child], ids: Sequence[str], most: int
) -> Mapping[str, Sequence[_Child]]:
    fields: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]
    columns = {name: table.c[name] for name in fields}
    long = {name: beginning(columns[name], most) for name in fields if name in _LONG}
    statement = select(*(columns | long).values())
    found: defaultdict[str, list[_Child]] = defaultdict(list)
    for some in portions(ids):
        mine = statement.where(one_of(connection, table.c.interception_id, some))
        for row in connection.execute(mine.order_by(table.c.created_at, table.c.id)).all():
            child = kind(*row)
            found[child.interception_id].append(child)
    return found


def portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield ids so many at a time as one statement may bind."""
    for start in range(0, len(ids), IDS_A_QUERY):
        yield ids[start : start + IDS_A_QUERY]
