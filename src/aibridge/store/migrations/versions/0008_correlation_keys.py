"""Keys by which requests are linked without session ids, and what lives how long in the cache"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def _text(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Move the tables forward."""
    for name in ("5m", "30m", "1h", "12h"):
        op.add_column(
            "token_usages",
            sa.Column(
                f"cache_write_{name}_input_tokens",
                sa.BigInteger(),
                nullable=False,
                server_default="0",
            ),
        )
    op.create_table(
        "correlation_keys",
        sa.Column("initiator_id", _text(36), nullable=False),
        sa.Column("key", _text(64), nullable=False),
        sa.Column("interception_id", _text(36), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("initiator_id", "key", name=op.f("pk_correlation_keys")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_correlation_keys_interception", "correlation_keys", ["interception_id"])
