"""Reading interceptions back. One without an end is running, and hidden everywhere."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    exists,
    func,
    or_,
    select,
    true,
)

from aibridge.store.among import among
from aibridge.store.filters import ANY, Filter, Values, client_name, initiated, matching
from aibridge.store.newest import Place, Search
from aibridge.store.rows import (
    InterceptionRow,
    ModelThoughtRow,
    TokenUsageRow,
    ToolUsageRow,
    UserPromptRow,
)
from aibridge.store.schema import (
    initiator_kinds,
    interceptions,
    kinds,
    model_thoughts,
    token_usages,
    tool_usages,
    user_prompts,
    users,
)

IDS_A_QUERY = 5000
"""Ids bound in one statement; engines bound the number of parameters (SQLite: 32,766)."""


class CursorNotFoundError(LookupError):
    """The row that a page should continue after is not there, or not visible."""


class UserRow(NamedTuple):
    """The initiator of a record; the texts are empty when the user was deleted."""

    id: str
    username: str
    name: str
    avatar_url: str


class RecordedInterception(NamedTuple):
    """An interception and who made it."""

    row: InterceptionRow
    user: UserRow


@dataclass(frozen=True, slots=True)
class Children:
    """What is recorded under some interceptions, by interception id, in order of recording."""

    token_usages: Mapping[str, Sequence[TokenUsageRow]]
    user_prompts: Mapping[str, Sequence[UserPromptRow]]
    tool_usages: Mapping[str, Sequence[ToolUsageRow]]
    thoughts: Mapping[str, Sequence[ModelThoughtRow]]


class _ChildRow(Protocol):
    @property
    def interception_id(self) -> str: ...


_Child = TypeVar("_Child", bound=_ChildRow)

_c = interceptions.c


def user_columns(initiator_id: ColumnElement[str]) -> list[ColumnElement[str]]:
    """Return the columns of a `UserRow` for a statement that outer-joins ``users``."""
    texts = (users.c.username, users.c.name, users.c.avatar_url)
    return [initiator_id, *(func.coalesce(column, "") for column in texts)]


def find_initiator(connection: Connection, text: str) -> str | None:
    """Return the id of a user named by id or username, in either case; ``None`` if there is none.

    The id of a user who was deleted counts while something of theirs is on record.
    """
    named = select(users.c.id).where(users.c.username_key == text.lower())
    return connection.scalar(named) or _find_initiator_by_id(connection, text)


def _find_initiator_by_id(connection: Connection, text: str) -> str | None:
    try:
        id_ = str(UUID(text))
    except ValueError:
        return None
    known = select(users.c.id).where(users.c.id == id_)
    counted = initiator_kinds.c
    recorded = select(counted.initiator_id).where(counted.initiator_id == id_).limit(1)
    return connection.scalar(known) or connection.scalar(recorded)


def page(
    search: Search, *, limit: int, offset: int = 0, after_id: str | None = None
) -> list[RecordedInterception]:
    """Return matching interceptions, newest first, after the one with ``after_id``.

    Raises `CursorNotFoundError` when no visible interception has that id.
    """
    connection = search.connection
    before = None if after_id is None else _place(connection, search.where, after_id)
    places = search.newest(limit + offset, before)[offset:]
    return _read(connection, [place.id for place in places])


def _read(connection: Connection, ids: Sequence[str]) -> list[RecordedInterception]:
    """Return interceptions by their ids, in the order of these."""
    statement = select(
        *(_c[name] for name in InterceptionRow._fields), *user_columns(_c.initiator_id)
    ).outerjoin_from(interceptions, users, users.c.id == _c.initiator_id)
    found: dict[str, RecordedInterception] = {}
    for some in _portions(ids):
        rows = connection.execute(statement.where(among(connection, _c.id, some))).all()
        found |= {recorded.row.id: recorded for recorded in map(_recorded, rows)}
    return [found[id_] for id_ in ids]


def _recorded(row: Sequence[Any]) -> RecordedInterception:
    own = len(InterceptionRow._fields)
    return RecordedInterception(InterceptionRow(*row[:own]), UserRow(*row[own:]))


def _place(connection: Connection, where: Filter, id_: str) -> Place:
    """Return where the cursor's row stands in lists."""
    visible = matching(Filter(visible_to=where.visible_to))
    moment = connection.scalar(select(_c.started_at).where(_c.id == id_, *visible))
    if moment is None:
        raise CursorNotFoundError(id_)
    return Place(moment, id_)


def children(connection: Connection, ids: Sequence[str], *, thoughts: bool = False) -> Children:
    """Return what is recorded under these interceptions: one query a table, not one a row."""
    return Children(
        _children(connection, token_usages, TokenUsageRow, ids),
        _children(connection, user_prompts, UserPromptRow, ids),
        _children(connection, tool_usages, ToolUsageRow, ids),
        _children(connection, model_thoughts, ModelThoughtRow, ids) if thoughts else {},
    )


def _children(
    connection: Connection, table: Table, kind: type[_Child], ids: Sequence[str]
) -> Mapping[str, Sequence[_Child]]:
    fields: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]
    statement = select(*(table.c[name] for name in fields))
    found: defaultdict[str, list[_Child]] = defaultdict(list)
    for some in _portions(ids):
        mine = statement.where(among(connection, table.c.interception_id, some))
        for row in connection.execute(mine.order_by(table.c.created_at, table.c.id)).all():
            child = kind(*row)
            found[child.interception_id].append(child)
    return found


def _portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), IDS_A_QUERY):
        yield ids[start : start + IDS_A_QUERY]


def models(
    connection: Connection, where: Filter, *, prefixes: Values = ANY, limit: int, offset: int = 0
) -> list[str]:
    """Return the distinct models of what the initiators meant have made, ascending.

    ``prefixes`` is what they begin with, in either case; nothing in it is a wildcard.
    """
    statement = _distinct(kinds.c.model, where, prefixes)
    return list(connection.scalars(statement.limit(limit).offset(offset)))


def clients(
    connection: Connection, where: Filter, *, prefixes: Values = ANY, limit: int, offset: int = 0
) -> list[str]:
    """Return the distinct clients of matching interceptions as `models` does the models."""
    statement = _distinct(client_name, where, prefixes)
    return list(connection.scalars(statement.limit(limit).offset(offset)))


def _distinct(value: ColumnElement[str], where: Filter, prefixes: Values) -> Select[tuple[str]]:
    found = select(value.label("value")).distinct().where(_is_recorded(where)).subquery()
    name = found.c.value
    wanted = [_begins(name, prefix) for prefix in prefixes.any_of]
    unwanted = [~_begins(name, prefix) for prefix in prefixes.none_of]
    return select(name).where(or_(*wanted) if wanted else true(), *unwanted).order_by(name)


def _is_recorded(where: Filter) -> ColumnElement[bool]:
    """Return whether there is an interception of a kind, by the initiators that are meant."""
    counted = initiator_kinds.c
    mine = initiated(counted.initiator_id, where)
    return exists().where(counted.kind_id == kinds.c.id, counted.interceptions > 0, *mine)


def providers(connection: Connection, where: Filter) -> list[tuple[str, str]]:
    """Return the names of the providers of matching interceptions, with their types, ascending."""
    columns = (kinds.c.provider_name, kinds.c.provider)
    rows = connection.execute(
        select(*columns).distinct().where(_is_recorded(where)).order_by(*columns)
    )
    return [(name, kind) for name, kind in rows]


def _begins(name: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    return name.istartswith(prefix, autoescape=True)
