"""A UUID for everything that the audit log names, and beside it the id that it has"""

import sqlalchemy as sa
from alembic import op

from aibridge.ids import uuid_of

revision = "0009"
down_revision = "0008"

_TEXT = sa.String(256).with_variant(sa.Text(collation="C"), "postgresql")
_TYPES = ("api_key", "ai_response", "ai_conversation")
"""What has ids that are no UUIDs."""
_AT_ONCE = 10_000
_LOG = sa.table(
    "audit_log",
    *(sa.column(name) for name in ("id", "resource_type", "resource_id", "resource_key")),
)


def upgrade() -> None:
    """Move the tables forward."""
    column = sa.Column("resource_key", _TEXT, nullable=False, server_default="")
    op.add_column("audit_log", column)
    connection, log = op.get_bind(), _LOG.c
    rows = sa.select(log.id, log.resource_id).where(log.resource_type.in_(_TYPES))
    rows = rows.order_by(log.id).limit(_AT_ONCE)
    named = sa.update(_LOG).where(log.id == sa.bindparam("row"))
    named = named.values(resource_id=sa.bindparam("uuid"), resource_key=sa.bindparam("own"))
    last = ""
    while found := connection.execute(rows.where(log.id > last)).all():
        changes = [{"row": id_, "own": own, "uuid": uuid_of(own)} for id_, own in found]
        if changed := [one for one in changes if one["uuid"] != one["own"]]:
            connection.execute(named, changed)
        last = found[-1].id
