"""Events of budgets: that spending has come to a part of a limit in a period, each kept once."""

from typing import NamedTuple

from sqlalchemy import Connection, select, update

from aibridge.ids import new_id
from aibridge.store.engine.conditions import inserting
from aibridge.store.schema.tables import budget_events

_c = budget_events.c
_KEY = (_c.account, _c.period, _c.period_start, _c.spend_limit_micros, _c.threshold)


class Reached(NamedTuple):
    """A part of a limit, in percent, and what is spent of it, in micro-dollars."""

    account: str
    period: str
    period_start: int
    period_end: int
    spend_limit_micros: int
    threshold: int
    spent_micros: int


class BudgetEvent(NamedTuple):
    """A row of budget events; ``attempts`` is how often the webhook was tried to be told."""

    id: str
    reached: Reached
    at: int
    attempts: int


def add(connection: Connection, reached: Reached, at: int, *, is_told: bool) -> bool:
    """Keep an event; say whether it is new. It is to be told where somebody ``is_told``."""
    about = {"id": new_id(), "at": at, "attempts": 0, "next_at": at if is_told else None}
    adding = inserting(connection, budget_events).values(reached._asdict() | about)
    once = adding.on_conflict_do_nothing(index_elements=_KEY).returning(_c.id)
    return connection.execute(once).first() is not None


def claim(connection: Connection, at: int, pause: int, most: int) -> list[BudgetEvent]:
    """Return events that are to be told, oldest first, and count that as an attempt.

    They are due again after a ``pause``, in microseconds, which doubles with each attempt. To be
    called in a transaction that writes, of its own.
    """
    fields = (_c[name] for name in Reached._fields)
    due = select(_c.id, _c.at, _c.attempts, *fields).where(_c.next_at <= at)
    due = due.order_by(_c.next_at, _c.id).limit(most)
    if connection.dialect.name == "postgresql":
        due = due.with_for_update(skip_locked=True)
    claimed = []
    for id_, since, attempts, *reached in connection.execute(due).all():
        later = {"attempts": attempts + 1, "next_at": at + (pause << attempts)}
        connection.execute(update(budget_events).where(_c.id == id_).values(later))
        claimed.append(BudgetEvent(id_, Reached(*reached), since, attempts + 1))
    return claimed


def end(connection: Connection, id_: str) -> None:
    """Have an event told no more: it was, or is given up."""
    connection.execute(update(budget_events).where(_c.id == id_).values(next_at=None))
