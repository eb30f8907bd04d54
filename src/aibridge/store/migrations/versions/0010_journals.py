"""How far each journal is read"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Move the tables forward."""
    op.create_table(
        "journals",
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.Column("resume", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journals")),
    )
