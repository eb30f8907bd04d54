"""The numbers of the index of texts

The index itself is made by 0004, which has another form for it, with what is on record already.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Move the tables forward."""
    op.create_table(
        "indexed_interceptions",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("interception_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_indexed_interceptions")),
    )
