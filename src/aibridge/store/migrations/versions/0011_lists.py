"""Kinds stand in the indexes of lists, and a text in one row of PostgreSQL's index of words"""

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


_ENDED = sa.text("ended_at IS NOT NULL")
_NEWEST = (sa.text("started_at DESC"), sa.text("id DESC"), "kind_id", "tokens", "ended_at")


def upgrade() -> None:
    """Move the tables forward."""
    for name, *first in (("ended",), ("magnitude", "magnitude")):
        index = f"ix_interceptions_{name}"
        columns: list[str | sa.TextClause] = [*first, *_NEWEST]
        op.drop_index(index, "interceptions", if_exists=True)
        op.create_index(
            index, "interceptions", columns, sqlite_where=_ENDED, postgresql_where=_ENDED
        )
    if op.get_bind().dialect.name == "postgresql":
        _merge_rows()


def _merge_rows() -> None:
    """Let each text lie in one row.

    The words of further rows stay, without their places: beyond the first row no phrases are found.
    """
    last = op.get_bind().scalar(sa.text("SELECT coalesce(max(portion), 0) FROM text_index"))
    for portion in range(1, last + 1):
        op.get_bind().execute(sa.text(_MERGE), {"portion": portion})
    op.execute("DELETE FROM text_index WHERE portion > 0")
    op.drop_constraint("pk_text_index", "text_index")
    op.drop_column("text_index", "portion")
    op.create_primary_key("pk_text_index", "text_index", ["started_at", "interception_id"])
