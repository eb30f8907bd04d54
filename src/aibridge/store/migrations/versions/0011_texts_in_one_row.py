"""A text lies in one row of PostgreSQL's index of words"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_COLUMNS = ("prompt", "tool", "error")
_SETS = ", ".join(f"{name} = text_index.{name} || strip(more.{name})" for name in _COLUMNS)
_MERGE = f"""
    UPDATE text_index SET {_SETS} FROM text_index AS more
    WHERE text_index.portion = 0 AND more.portion = :portion
    AND more.started_at = text_index.started_at
    AND more.interception_id = text_index.interception_id"""  # noqa: S608 - our names


def upgrade() -> None:
    """Move the tables forward.

    The words of further rows stay, without their places: beyond the first row no phrases are found.
    """
    if op.get_bind().dialect.name != "postgresql":
        return
    last = op.get_bind().scalar(sa.text("SELECT coalesce(max(portion), 0) FROM text_index"))
    for portion in range(1, last + 1):
        op.get_bind().execute(sa.text(_MERGE), {"portion": portion})
    op.execute("DELETE FROM text_index WHERE portion > 0")
    op.drop_constraint("pk_text_index", "text_index")
    op.drop_column("text_index", "portion")
    op.create_primary_key("pk_text_index", "text_index", ["started_at", "interception_id"])
