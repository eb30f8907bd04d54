"""Which interceptions are meant: one builder of conditions, shared by lists and their counts."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, literal

from aibridge.store.schema import interceptions

UNKNOWN_CLIENT = "Unknown"
"""How a client that nobody recognised is named in lists and filters; in the table it is null."""


@dataclass(frozen=True, slots=True)
class Values:
    """Which texts are meant; an empty ``any_of`` means whatever is not in ``none_of``."""

    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()


ANY = Values()


def only(*values: str) -> Values:
    """Return a choice of just these values."""
    return Values(any_of=values)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which interceptions are meant: those that are as every field says.

    ``provider`` is the type, ``provider_name`` the configured one. The times are inclusive
    bounds of ``started_at`` in microseconds. ``client`` may be `UNKNOWN_CLIENT`.
    ``visible_to`` is the one initiator whose records may be seen, `None` for everybody's.
    """

    initiator_id: Values = ANY
    provider: Values = ANY
    provider_name: Values = ANY
    model: Values = ANY
    client: Values = ANY
    session_id: Values = ANY
    started_after: int | None = None
    started_before: int | None = None
    visible_to: str | None = None


_c = interceptions.c
client_name = func.coalesce(_c.client, literal(UNKNOWN_CLIENT))
"""The client as lists name it, never null."""


def matching(where: Filter) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter on ended interceptions; lists and counts share them."""
    found: list[ColumnElement[bool]] = [
        _c.ended_at.is_not(None),
        *chosen(_c.initiator_id, where.initiator_id),
        *chosen(_c.session_id, where.session_id),
        *chosen(_c.provider, where.provider),
        *chosen(_c.provider_name, where.provider_name),
        *chosen(_c.model, where.model),
        *chosen(client_name, where.client),
    ]
    if where.visible_to is not None:
        found.append(_c.initiator_id == where.visible_to)
    if where.started_after is not None:
        found.append(_c.started_at >= where.started_after)
    if where.started_before is not None:
        found.append(_c.started_at <= where.started_before)
    return found


def chosen(column: ColumnElement[str], values: Values) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions under which a column, which is never null, has one of ``values``."""
    if values.any_of:
        yield column.in_(values.any_of)
    if values.none_of:
        yield column.not_in(values.none_of)
