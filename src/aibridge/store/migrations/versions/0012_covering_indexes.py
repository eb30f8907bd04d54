"""Every index of interceptions covers the kind and the tokens"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_ENDED = sa.text("ended_at IS NOT NULL")
_ORDER = (sa.text("started_at DESC"), sa.text("id DESC"))
_COVERED = ("kind_id", "tokens", "ended_at")


def upgrade() -> None:
    """Move the tables forward."""
    for name in ("session_id", "initiator_id", "kind_id"):
        index = f"ix_interceptions_{name.removesuffix('_id')}"
        covered = (one for one in _COVERED if one != name)
        op.drop_index(index, "interceptions", if_exists=True)
        op.create_index(
            index,
            "interceptions",
            [name, *_ORDER, *covered],
            sqlite_where=_ENDED,
            postgresql_where=_ENDED,
        )
