"""How far a copy has come, kept in its target until it is whole.

It is a table of its own, which is there only meanwhile, and the revision `migrations.COPYING`,
which no release knows: nobody serves a database that is half there.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    Table,
    Text,
    delete,
    insert,
    inspect,
    select,
    text,
)

from aibridge.store import migrations

copying = Table(
    "copying",
    MetaData(),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""``source`` and ``revision`` as texts; for each table that was begun its last key, as JSON."""

_SOURCE, _REVISION = "source", "revision"


def begin(connection: Connection, source: str) -> None:
    """Mark a database as the target of a copy."""
    copying.create(connection)
    for name, value in ((_SOURCE, source), (_REVISION, migrations.HEAD)):
        connection.execute(insert(copying).values(name=name, value=value))
    stamp(connection, migrations.COPYING)


def end(connection: Connection) -> None:
    """Mark it as whole."""
    copying.drop(connection)
    stamp(connection, migrations.HEAD)


def stamp(connection: Connection, revision: str) -> None:
    """Say at which revision a database stands."""
    connection.execute(text("UPDATE alembic_version SET version_num = :new"), {"new": revision})


def is_under_way(connection: Connection) -> bool:
    """Say whether a database is the target of a copy that has not ended."""
    return migrations.current(connection) == migrations.COPYING and inspect(connection).has_table(
        copying.name
    )


def source(connection: Connection) -> str:
    """Return where the rows come from."""
    return _value(connection, _SOURCE) or ""


def revision(connection: Connection) -> str:
    """Return the revision of the tables."""
    return _value(connection, _REVISION) or ""


def last_key(connection: Connection, name: str) -> Sequence[Any] | None:
    """Return the key of the last row of a table that is there, `None` before the first."""
    value = _value(connection, name)
    return None if value is None else json.loads(value)


def keep(connection: Connection, name: str, key: Sequence[Any]) -> None:
    """Note the last key, in the transaction that writes its row."""
    forget(connection, name)
    connection.execute(insert(copying).values(name=name, value=json.dumps(key)))


def forget(connection: Connection, name: str) -> None:
    """Let a table begin anew, in the transaction that empties it."""
    connection.execute(delete(copying).where(copying.c.name == name))


def _value(connection: Connection, name: str) -> str | None:
    found: str | None = connection.scalar(select(copying.c.value).where(copying.c.name == name))
    return found
