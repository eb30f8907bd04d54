"""Allotments: what gateway processes may spend of a limit without asking again."""

from typing import NamedTuple

from sqlalchemy import Connection, delete, or_, select, text

from aibridge.store.engine.conditions import inserting
from aibridge.store.engine.servers import CHANNEL
from aibridge.store.schema.tables import allotments

EXPIRES_AFTER = 3_600_000_000
"""Microseconds for which something is allotted, unless that is said again: should a machine be
lost with its journal, nobody else could tell that its calls are over."""

_c = allotments.c
_LOCKS = 0x41495241
"""The class of the advisory locks of accounts."""


class Holder(NamedTuple):
    """A gateway process: its journal, and which run of it."""

    journal: str
    run: int


class Allotted(NamedTuple):
    """What is allotted of an account, to all ``others`` and to one process until it expires."""

    others: int
    own: int
    expires_at: int


def lock(connection: Connection, account: str) -> None:
    """Wait until no other process changes what is allotted of an account.

    In SQLite the transaction itself is the lock. In PostgreSQL each later statement sees what the
    others have committed by then.
    """
    if connection.dialect.name == "postgresql":
        query = text(f"SELECT pg_advisory_xact_lock({_LOCKS}, hashtext(:account))")
        connection.execute(query, {"account": account})


def find(connection: Connection, account: str, holder: Holder, at: int) -> Allotted:
    """Return what is allotted of an account at a moment, to a process and to all others."""
    query = select(_c.journal, _c.run, _c.micros, _c.expires_at)
    found = Allotted(0, 0, 0)
    for journal, run, micros, expires_at in connection.execute(query.where(_c.account == account)):
        if (journal, run) == holder:
            found = found._replace(own=micros, expires_at=expires_at)
        elif expires_at > at:
            found = found._replace(others=found.others + micros)
    return found


def put(connection: Connection, account: str, holder: Holder, micros: int, expires_at: int) -> None:
    """Set what a process may spend of an account; nothing takes its row away."""
    key = {"account": account, **holder._asdict()}
    if not micros:
        its_own = [_c[name] == value for name, value in key.items()]
        connection.execute(delete(allotments).where(*its_own))
        return
    values = {"micros": micros, "expires_at": expires_at}
    adding = inserting(connection, allotments).values(key | values)
    primary = [_c[name] for name in key]
    connection.execute(adding.on_conflict_do_update(index_elements=primary, set_=values))


def call_in(connection: Connection) -> None:
    """Have other processes hear, with the commit, that somebody needs what lies idle.

    With SQLite they see it by the mark of changes.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_notify(:channel, 'limits')"), {"channel": CHANNEL})


def release(connection: Connection, journal: str, before_run: int, at: int) -> None:
    """Take away what earlier runs of a journal may spend, and all that has expired."""
    is_over = (_c.journal == journal) & (_c.run < before_run)
    connection.execute(delete(allotments).where(or_(is_over, _c.expires_at <= at)))
