"""Prices, what usage rows and sessions cost, annotations, and the usage of each day"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_ID = sa.String(36).with_variant(sa.Text(collation="C"), "postgresql")
_NAME = sa.String(64).with_variant(sa.Text(collation="C"), "postgresql")
_DIGEST = sa.String(32).with_variant(sa.Text(collation="C"), "postgresql")
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_AMOUNTS = ("input", "output", "cache_read", "cache_write", "cache_write_1h", "cache_write_12h")
_SUMS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_write_input_tokens")
_DAY = 86_400_000_000
_NAMES = "provider, provider_name, model, client"
_FACETS = f"""
    INSERT INTO kinds ({_NAMES}, shape) SELECT DISTINCT {_NAMES}, 0 FROM kinds WHERE shape <> 0
    ON CONFLICT DO NOTHING"""  # noqa: S608 - our names
_SAME = " AND ".join(f"facet.{name} = kind.{name}" for name in _NAMES.split(", "))
_ADDED = ", ".join(f"coalesce(sum(used.{name}), 0)" for name in _SUMS)
_USED = ", ".join(f"sum({name}) AS {name}" for name in _SUMS)
_DAYS = f"""
    INSERT INTO daily_usage
    SELECT call.initiator_id, call.ended_at / {_DAY} * {_DAY}, '', facet.id, 0, count(*),
        {_ADDED}, 0, coalesce(sum(used.usages), 0)
    FROM interceptions AS call
    JOIN kinds AS kind ON kind.id = call.kind_id
    JOIN kinds AS facet ON facet.shape = 0 AND {_SAME}
    LEFT JOIN (
        SELECT interception_id, {_USED}, count(*) AS usages FROM token_usages
        GROUP BY interception_id
    ) AS used ON used.interception_id = call.id
    WHERE call.ended_at IS NOT NULL
    GROUP BY call.initiator_id, call.ended_at / {_DAY}, facet.id"""  # noqa: S608 - our names
_SESSIONS = """
    UPDATE sessions SET unpriced = used.usages
    FROM (
        SELECT call.session_id, call.initiator_id, count(*) AS usages
        FROM interceptions AS call
        JOIN token_usages AS used ON used.interception_id = call.id
        WHERE call.ended_at IS NOT NULL
        GROUP BY call.session_id, call.initiator_id
    ) AS used
    WHERE used.session_id = sessions.id AND used.initiator_id = sessions.initiator_id"""


def upgrade() -> None:
    """Move the tables forward."""
    op.create_table(
        "model_prices",
        sa.Column("provider", _NAME, nullable=False),
        sa.Column("model_key", _TEXT, nullable=False),
        sa.Column("model", _TEXT, nullable=False),
        *(sa.Column(f"{name}_price", sa.BigInteger, nullable=True) for name in _AMOUNTS),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("provider", "model_key", name="pk_model_prices"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "prices",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("price", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_prices"),
    )
    op.create_index("uq_prices", "prices", ["price"], unique=True)
    op.create_table(
        "annotations",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("digest", _DIGEST, nullable=False),
        *(
            sa.Column(name, _TEXT, nullable=False)
            for name in ("repo", "branch", "pull_requests", "issues")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_annotations"),
    )
    op.create_index("uq_annotations", "annotations", ["digest"], unique=True)
    op.create_table(
        "daily_usage",
        sa.Column("initiator_id", _ID, nullable=False),
        sa.Column("day", sa.BigInteger, nullable=False),
        sa.Column("group_id", _ID, nullable=False),
        sa.Column("kind_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("annotation_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("interceptions", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in _SUMS),
        sa.Column("cost_micros", sa.BigInteger, nullable=False),
        sa.Column("unpriced", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(
            *("initiator_id", "day", "group_id", "kind_id", "annotation_id"),
            name="pk_daily_usage",
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_daily_usage_day", "daily_usage", ["day"])
    op.add_column("interceptions", sa.Column("group_id", _ID, nullable=False, server_default=""))
    op.add_column("interceptions", sa.Column("annotation_id", sa.Integer, nullable=True))
    op.add_column(
        "token_usages", sa.Column("cost_micros", sa.BigInteger, nullable=False, server_default="0")
    )
    op.add_column("token_usages", sa.Column("price_id", sa.Integer, nullable=True))
    op.add_column(
        "token_usages", sa.Column("unpriced", _TEXT, nullable=False, server_default="not rated")
    )
    for name in ("cost_micros", "unpriced"):
        op.add_column(
            "sessions", sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
        )
    op.execute(_FACETS)
    op.execute(_DAYS)
    op.execute(_SESSIONS)
