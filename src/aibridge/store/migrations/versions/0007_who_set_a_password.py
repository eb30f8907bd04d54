"""Who set a user's password, where it was somebody else: it is told to the user"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_TEXT = sa.String(64).with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Move the tables forward. Of passwords that are there nothing is told."""
    op.add_column("users", sa.Column("password_set_by", _TEXT, nullable=True))
    op.add_column("users", sa.Column("password_set_at", sa.BigInteger(), nullable=True))
