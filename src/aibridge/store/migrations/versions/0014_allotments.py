"""What gateway processes may spend of users' limits, and news of limits"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_ID = sa.String(36).with_variant(sa.Text(collation="C"), "postgresql")

_TELL = """
CREATE FUNCTION aibridge_tell_of_limits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('aibridge', 'limits');
    RETURN NULL;
END $$"""
_TELLING = """
CREATE TRIGGER aibridge_tell_of_limits AFTER INSERT OR DELETE OR UPDATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION aibridge_tell_of_limits()"""
_TOLD = ("group_ai_budgets", "user_ai_budget_overrides", "group_members")


def upgrade() -> None:
    """Move the tables forward."""
    op.create_table(
        "allotments",
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("journal", _ID, nullable=False),
        sa.Column("run", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("micros", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "journal", "run", name="pk_allotments"),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_TELL)
        for table in _TOLD:
            op.execute(_TELLING.format(table=table))
