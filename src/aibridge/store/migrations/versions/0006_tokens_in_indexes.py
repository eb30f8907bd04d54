"""Tokens stand in the indexes along which they are asked for, so that no row has to be read"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_ENDED = sa.text("ended_at IS NOT NULL")
_NEWEST = (sa.text("started_at DESC"), sa.text("id DESC"), "tokens", "ended_at")
_ACTIVE = ("last_active_at", "id", "initiator_id", "tokens")


def upgrade() -> None:
    """Move the tables forward."""
    for name, *first in (("ended",), ("magnitude", "magnitude")):
        _remake("interceptions", name, *first, *_NEWEST, where=_ENDED)
    _remake("sessions", "magnitude", "magnitude", *_ACTIVE)


def _remake(
    table: str, name: str, *columns: str | sa.TextClause, where: sa.TextClause | None = None
) -> None:
    name = f"ix_{table}_{name}"
    op.drop_index(name, table, if_exists=True)
    op.create_index(name, table, list(columns), sqlite_where=where, postgresql_where=where)
