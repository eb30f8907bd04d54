"""Caps, what counts against them, what processes may spend of limits, and news of limits"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_ID = sa.String(36).with_variant(sa.Text(collation="C"), "postgresql")
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_TELL = """
CREATE FUNCTION aibridge_tell_of_limits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('aibridge', 'limits');
    RETURN NULL;
END $$"""
_TELLING = """
CREATE TRIGGER aibridge_tell_of_limits AFTER INSERT OR DELETE OR UPDATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION aibridge_tell_of_limits()"""
_TOLD = ("group_ai_budgets", "user_ai_budget_overrides", "group_members", "caps")


def upgrade() -> None:
    """Move the tables forward."""
    op.create_table(
        "caps",
        sa.Column("id", _ID, nullable=False),
        sa.Column("scope", _TEXT, nullable=False),
        sa.Column("target_id", _ID, nullable=False),
        sa.Column("period", _TEXT, nullable=False),
        sa.Column("spend_limit_micros", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_caps"),
        sqlite_with_rowid=False,
    )
    op.create_index("uq_caps", "caps", ["target_id", "scope", "period"], unique=True)
    op.create_table(
        "account_spend",
        sa.Column("account", _TEXT, nullable=False),
        sa.Column("day", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("cost_micros", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account", "day", name="pk_account_spend"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "allotments",
        sa.Column("account", _TEXT, nullable=False),
        sa.Column("journal", _ID, nullable=False),
        sa.Column("run", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("micros", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account", "journal", "run", name="pk_allotments"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "budget_events",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account", _TEXT, nullable=False),
        sa.Column("period", _TEXT, nullable=False),
        sa.Column("period_start", sa.BigInteger, nullable=False),
        sa.Column("period_end", sa.BigInteger, nullable=False),
        sa.Column("spend_limit_micros", sa.BigInteger, nullable=False),
        sa.Column("threshold", sa.Integer, nullable=False),
        sa.Column("spent_micros", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_budget_events"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "uq_budget_events",
        "budget_events",
        ["account", "period", "period_start", "spend_limit_micros", "threshold"],
        unique=True,
    )
    op.create_index("ix_budget_events_next_at", "budget_events", ["next_at"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_TELL)
        for table in _TOLD:
            op.execute(_TELLING.format(table=table))
