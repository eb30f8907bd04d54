"""Several servers on one PostgreSQL: which there are, whose a running interception is, and news"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_SERVES = """
CREATE FUNCTION aibridge_serves(server integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM servers WHERE id = server FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this server was taken for gone' USING ERRCODE = 'AB001';
    END IF;
END $$"""
"""Begins each transaction of a server's writer: until it ends, nobody takes the server for gone."""

_TELL = """
CREATE FUNCTION aibridge_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('aibridge', TG_ARGV[0] || ' ' || OLD.id);
    RETURN NULL;
END $$"""
_TELLING = """
CREATE TRIGGER aibridge_tell AFTER DELETE OR UPDATE OF {columns} ON {table}
FOR EACH ROW EXECUTE FUNCTION aibridge_tell('{what}')"""

_TOLD = (
    ("tokens", "token", "user_id, secret_sha256, expires_at, scopes"),
    ("users", "user", "status, username, roles"),
)


def upgrade() -> None:
    """Move the tables forward."""
    op.create_table(
        "servers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place", _TEXT, nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("beats", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_servers")),
    )
    op.add_column("interceptions", sa.Column("server_id", sa.Integer(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_SERVES)
        op.execute(_TELL)
        for table, what, columns in _TOLD:
            op.execute(_TELLING.format(table=table, what=what, columns=columns))
