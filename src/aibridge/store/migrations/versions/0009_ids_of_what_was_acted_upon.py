"""A UUID for everything that the audit log names, and beside it the id that it has"""

import sqlalchemy as sa
from alembic import op

from aibridge.ids import uuid_of

revision = "0009"
down_revision = "0008"

_TEXT = sa.String(256).with_variant(sa.Text(collation="C"), "postgresql")
_UUID_LENGTH = 36


def upgrade() -> None:
    """Move the tables forward."""
    column = sa.Column("resource_key", _TEXT, nullable=False, server_default="")
    op.add_column("audit_log", column)
    log = sa.table("audit_log", sa.column("resource_id"), sa.column("resource_key"))
    connection = op.get_bind()
    others = sa.select(log.c.resource_id).distinct()
    others = others.where(sa.func.length(log.c.resource_id) != _UUID_LENGTH)
    for own in connection.scalars(others).all():
        named = sa.update(log).where(log.c.resource_id == own)
        connection.execute(named.values(resource_id=uuid_of(own), resource_key=own))
