"""The list of interceptions, newest first, and one by its id.

One without an end is running, and hidden everywhere.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    exists,
    func,
    or_,
    select,
    true,
)

from aibridge.store.engine.conditions import one_of
from aibridge.store.lists import counts
from aibridge.store.lists.calls import Calls
from aibridge.store.lists.children import portions
from aibridge.store.lists.counts import Page
from aibridge.store.lists.filters import ANY, Filter, Values, client_name, initiated, visible
from aibridge.store.lists.windows import Key, Way, Window, grow
from aibridge.store.schema.rows import AnnotationRow, InterceptionRow
from aibridge.store.schema.tables import (
    annotations,
    initiator_kinds,
    interceptions,
    kinds,
    users,
)


class CursorNotFoundError(LookupError):
    """The row that a page should continue after is not there, or not visible."""


class UserRow(NamedTuple):
    """The initiator of a record; the texts are empty when the user was deleted."""

    id: str
    username: str
    name: str
    avatar_url: str


class RecordedInterception(NamedTuple):
    """An interception, who made it, and what for, as far as that was said."""

    row: InterceptionRow
    user: UserRow
    annotations: AnnotationRow | None = None


_c = interceptions.c


def user_columns(initiator_id: ColumnElement[str]) -> list[ColumnElement[str]]:
    """Return the columns of a `UserRow` for a statement that outer-joins ``users``."""
    texts = (users.c.username, users.c.name, users.c.avatar_url)
    return [initiator_id, *(func.coalesce(column, "") for column in texts)]


def find_initiator(connection: Connection, text: str) -> str | None:
    """Return the id of the user with a username, in either case; ``None`` if there is none."""
    return connection.scalar(select(users.c.id).where(users.c.username_key == text.lower()))


class Interceptions:
    """The interceptions that a filter means, newest first; a key is a start and an id."""

    key_length = 2

    def __init__(self, connection: Connection, where: Filter) -> None:
        self._connection = connection
        self._calls = Calls(connection, where)

    def windows(self, last: int) -> Iterator[Window]:
        """Yield the windows of the list, the newest first, beginning at a moment."""
        if not self._calls.can_be():
            return
        bounds = self._calls.bounds(last)
        ended = _c.ended_at.is_not(None)
        yield from grow(self._connection, _c.started_at, ended, bounds, self._rarest)

    def _rarest(self, window: Window) -> Way:
        return self._calls.rarest(window, self._calls.leads(window))

    def rows(self, window: Window) -> Select[Any]:
        """Return a query for the keys of what matches in a window, in no order."""
        return select(_c.started_at, _c.id).where(*self._calls.in_window(window))


def page(
    connection: Connection,
    where: Filter,
    *,
    limit: int,
    offset: int = 0,
    after_id: str | None = None,
) -> Page[RecordedInterception]:
    """Return matching interceptions, newest first, after the one with ``after_id``, and how many.

    Raises `CursorNotFoundError` when no visible interception has that id.
    """
    before = None if after_id is None else _key(connection, where, after_id)
    found = counts.page(
        connection,
        Interceptions(connection, where),
        where,
        limit=limit,
        offset=offset,
        before=before,
        total=counts.counted(connection, where),
    )
    rows = _read(connection, [key.id for key in found.rows])
    return Page(rows, found.count, found.is_more)


def _read(connection: Connection, ids: Sequence[str]) -> list[RecordedInterception]:
    """Return interceptions by their ids, in the order of these."""
    statement = (
        select(
            *(_c[name] for name in InterceptionRow._fields),
            *user_columns(_c.initiator_id),
            *(annotations.c[name] for name in AnnotationRow._fields),
        )
        .outerjoin_from(interceptions, users, users.c.id == _c.initiator_id)
        .outerjoin(annotations, annotations.c.id == _c.annotation_id)
    )
    found: dict[str, RecordedInterception] = {}
    for some in portions(ids):
        rows = connection.execute(statement.where(one_of(connection, _c.id, some))).all()
        found |= {recorded.row.id: recorded for recorded in map(_recorded, rows)}
    return [found[id_] for id_ in ids]


def _recorded(row: Sequence[Any]) -> RecordedInterception:
    own = len(InterceptionRow._fields)
    user, noted = row[own : -len(AnnotationRow._fields)], row[-len(AnnotationRow._fields) :]
    said = None if noted[0] is None else AnnotationRow(*noted)
    return RecordedInterception(InterceptionRow(*row[:own]), UserRow(*user), said)


def _key(connection: Connection, where: Filter, id_: str) -> Key:
    """Return where the cursor's row stands in lists."""
    mine = select(_c.started_at).where(_c.id == id_, *visible(where.visible_to))
    moment = connection.scalar(mine)
    if moment is None:
        raise CursorNotFoundError(id_)
    return Key(moment, id_)


def find(
    connection: Connection, id_: str, *, visible_to: str | None = None
) -> RecordedInterception | None:
    """Return an ended interception by its id, of ``visible_to`` if that is given."""
    if connection.scalar(select(_c.id).where(_c.id == id_, *visible(visible_to))) is None:
        return None
    return _read(connection, [id_])[0]


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
