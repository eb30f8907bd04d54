"""Two engines: PostgreSQL begins here, with all tables"""

import time
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

EVERYONE = "00000000-0000-4000-8000-000000000001"

_groups = sa.table(
    "groups",
    *map(sa.column, ("id", "name", "name_key", "display_name", "created_at", "updated_at")),
)


def upgrade() -> None:
    """Move the tables forward."""
    if op.get_bind().dialect.name == "postgresql":
        _first_tables()


def _first_tables() -> None:
    """Make all tables on PostgreSQL; they are those that an SQLite database has by now."""
    statements = Path(__file__).with_name("0004_postgresql.sql").read_text(encoding="utf-8")
    for statement in statements.split(";\n"):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)
    at = time.time_ns() // 1000
    everyone = (EVERYONE, "Everyone", "everyone", "Everyone", at, at)
    op.execute(_groups.insert().values(everyone))
