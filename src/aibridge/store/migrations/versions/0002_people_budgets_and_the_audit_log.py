"""People, budgets and the audit log"""

import time

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

EVERYONE = "00000000-0000-4000-8000-000000000001"


def upgrade() -> None:
    """Move the tables forward."""
    _users()
    _tokens()
    _groups()
    _budgets()
    _audit_log()


def _users() -> None:
    with op.batch_alter_table("users") as batch:
        batch.alter_column("role", new_column_name="roles", type_=sa.String(64))
        batch.add_column(
            sa.Column("email", sa.String(254), nullable=False, server_default=sa.text("''"))
        )
        batch.add_column(sa.Column("email_key", sa.String(254), nullable=True))
        batch.add_column(sa.Column("password_hash", sa.Text(), nullable=True))
    with op.batch_alter_table("users") as batch:
        batch.alter_column("email", server_default=None)
    # not a constraint: SQLite's tables are made anew, with several of these in any order
    op.create_index("uq_users_email_key", "users", ["email_key"], unique=True)
    op.execute("UPDATE users SET roles = '' WHERE roles = 'member'")


def _tokens() -> None:
    all_scopes = sa.text("'admin gateway read'")
    with op.batch_alter_table("tokens") as batch:
        batch.add_column(
            sa.Column("scopes", sa.String(64), nullable=False, server_default=all_scopes)
        )
        batch.add_column(
            sa.Column(
                "login_type", sa.String(16), nullable=False, server_default=sa.text("'token'")
            )
        )
        batch.add_column(sa.Column("last_used_at", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("tokens") as batch:
        batch.alter_column("scopes", server_default=None)
        batch.alter_column("login_type", server_default=None)


def _groups() -> None:
    groups = op.create_table(
        "groups",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("name_key", sa.String(length=64), nullable=False),
        sa.Column("display_name", sa.String(length=256), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_groups")),
        sa.UniqueConstraint("name_key", name=op.f("uq_groups_name_key")),
    )
    at = time.time_ns() // 1000
    everyone = {
        "id": EVERYONE,
        "name": "Everyone",
        "name_key": "everyone",
        "display_name": "Everyone",
        "created_at": at,
        "updated_at": at,
    }
    op.bulk_insert(groups, [everyone])
    op.create_table(
        "group_members",
        sa.Column("group_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["groups.id"],
            name=op.f("fk_group_members_group_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_id", "user_id", name=op.f("pk_group_members")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_group_members_user", "group_members", ["user_id"], unique=False)


def _budgets() -> None:
    op.create_table(
        "group_ai_budgets",
        sa.Column("group_id", sa.String(length=36), nullable=False),
        sa.Column("spend_limit_micros", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("spend_limit_micros >= 0", name="ck_group_ai_budgets_spend_limit"),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["groups.id"],
            name=op.f("fk_group_ai_budgets_group_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_id", name=op.f("pk_group_ai_budgets")),
    )
    op.create_table(
        "user_ai_budget_overrides",
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("group_id", sa.String(length=36), nullable=False),
        sa.Column("spend_limit_micros", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "spend_limit_micros >= 0", name="ck_user_ai_budget_overrides_spend_limit"
        ),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["groups.id"],
            name=op.f("fk_user_ai_budget_overrides_group_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_user_ai_budget_overrides")),
    )


def _audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.String(length=36), nullable=False),
        sa.Column("actor_username", sa.String(length=64), nullable=False),
        sa.Column("token_id", sa.String(length=10), nullable=False),
        sa.Column("ip", sa.String(length=64), nullable=False),
        sa.Column("user_agent", sa.String(length=256), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("resource_type", sa.String(length=32), nullable=False),
        sa.Column("resource_id", sa.String(length=64), nullable=False),
        sa.Column("resource_target", sa.String(length=256), nullable=False),
        sa.Column("diff", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        sqlite_with_rowid=False,
    )
