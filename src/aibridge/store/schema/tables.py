"""The tables. Times are integer microseconds since 1970 in UTC; ids are lower-case UUID text.

Children carry no foreign keys to interceptions, nor these to users: history outlives both. They
are keyed by interception first, so that what belongs together lies together and each row costs
one tree. SQLite keeps the tables of the record in the order of their keys (WITHOUT ROWID);
PostgreSQL keeps those that grow with every call in partitions, by the time in their ids. Its texts
have no limit of length, as SQLite's have none, and are compared byte by byte as there.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.schema import SchemaItem

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

Time = BigInteger
"""Microseconds since 1970 in UTC: exact in comparisons on both engines."""

Json = Text
"""JSON text, kept as it was written; no engine reorders keys or refuses a character."""


def _id(name: str = "id", *, key: bool = False, null: bool = False) -> Column[str]:
    return Column(name, String(36), primary_key=key, nullable=null and not key)


def _in_group(*, key: bool = False) -> Column[str]:
    """A group's id, which goes when the group does."""
    parent = ForeignKey("groups.id", ondelete="CASCADE")
    return Column("group_id", String(36), parent, primary_key=key, nullable=False)


def _spend_limit(table: str) -> tuple[SchemaItem, ...]:
    """What every limit has; it is in micro-dollars."""
    return (
        Column("spend_limit_micros", BigInteger, nullable=False),
        Column("created_at", Time, nullable=False),
        Column("updated_at", Time, nullable=False),
        CheckConstraint("spend_limit_micros >= 0", name=f"ck_{table}_spend_limit"),
    )


users = Table(
    "users",
    metadata,
    _id(key=True),
    Column("username", String(64), nullable=False),
    Column("username_key", String(64), nullable=False, unique=True),  # lower case
    Column("name", String(256), nullable=False, default=""),
    Column("avatar_url", Text, nullable=False, default=""),
    Column("status", String(16), nullable=False),  # active | suspended
    Column("roles", String(64), nullable=False),  # with spaces between; member goes without saying
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Column("email", String(254), nullable=False, default=""),
    Column("email_key", String(254), nullable=True),  # lower case; null: no address
    Column("password_hash", Text, nullable=True),  # null: no password
    Column("password_set_by", String(64), nullable=True),  # a username; null: the user's own
    Column("password_set_at", Time, nullable=True),
    Index("uq_users_email_key", "email_key", unique=True),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(10), primary_key=True),
    _id("user_id"),
    Column("name", String(64), nullable=False),
    Column("secret_sha256", String(64), nullable=False),
    Column("created_at", Time, nullable=False),
    Column("expires_at", Time, nullable=True),  # null: never
    Column("scopes", String(64), nullable=False),  # with spaces between
    Column("login_type", String(16), nullable=False),  # token | password
    Column("last_used_at", Time, nullable=True),
    UniqueConstraint("user_id", "name"),
)

groups = Table(
    "groups",
    metadata,
    _id(key=True),
    Column("name", String(64), nullable=False),
    Column("name_key", String(64), nullable=False, unique=True),  # lower case
    Column("display_name", String(256), nullable=False),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
)
"""Groups; that of the organization's id is Everyone, which holds all users without rows."""

group_members = Table(
    "group_members",
    metadata,
    _in_group(key=True),
    _id("user_id", key=True),
    Column("created_at", Time, nullable=False),
    Index("ix_group_members_user", "user_id"),
    sqlite_with_rowid=False,
)

group_ai_budgets = Table(
    "group_ai_budgets",
    metadata,
    _in_group(key=True),
    *_spend_limit("group_ai_budgets"),
)

user_ai_budget_overrides = Table(
    "user_ai_budget_overrides",
    metadata,
    _id("user_id", key=True),
    _in_group(),
    *_spend_limit("user_ai_budget_overrides"),
)

caps = Table(
    "caps",
    metadata,
    _id(key=True),
    Column("scope", Text, nullable=False),  # of `contract.words.CapScope`
    _id("target_id"),
    Column("period", Text, nullable=False),  # of `contract.words.CapPeriod`
    Column("spend_limit_micros", BigInteger, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Index("uq_caps", "target_id", "scope", "period", unique=True),
    sqlite_with_rowid=False,
)
"""Limits beside the budgets: of a group's members, of all of them, of a user, session or token."""

audit_log = Table(
    "audit_log",
    metadata,
    _id(key=True),  # UUIDv7: in the order of time
    Column("at", Time, nullable=False),
    _id("actor_id"),
    Column("actor_username", String(64), nullable=False),
    Column("token_id", String(10), nullable=False),  # empty: none
    Column("ip", String(64), nullable=False),
    Column("user_agent", String(256), nullable=False),
    Column("action", String(16), nullable=False),
    Column("resource_type", String(32), nullable=False),
    Column("resource_id", String(64), nullable=False),  # a UUID
    Column("resource_target", String(256), nullable=False),
    Column("diff", Json, nullable=False),
    Column("description", Text, nullable=False),
    Column("resource_key", String(256), nullable=False, server_default=""),  # its id, if no UUID
    sqlite_with_rowid=False,
)
"""Every administrative act, written in its transaction; nothing ever changes a row."""

interceptions = Table(
    "interceptions",
    metadata,
    _id(key=True),
    _id("initiator_id"),
    Column("api_key_id", String(10), nullable=True),
    Column("provider", String(32), nullable=False),
    Column("provider_name", String(64), nullable=False),
    Column("route", String(128), nullable=False),
    Column("model", Text, nullable=False),
    Column("client", String(64), nullable=True),
    Column("client_session_id", String(256), nullable=True),
    Column("session_id", String(256), nullable=False),
    _id("thread_parent_id", null=True),
    _id("thread_root_id", null=True),
    Column("credential_kind", String(16), nullable=False),
    Column("credential_hint", String(15), nullable=False),
    Column("user_agent", String(256), nullable=False),
    Column("metadata", Json, nullable=False),
    Column("stream", Boolean, nullable=False),
    Column("request_bytes", BigInteger, nullable=False),
    Column("started_at", Time, nullable=False),
    Column("edits", Json, nullable=False),
    Column("notes", Json, nullable=False),
    # Known when the answer ends:
    Column("ended_at", Time, nullable=True),
    Column("status", String(16), nullable=False),  # of `recorder.records.Status`
    Column("http_status", Integer, nullable=True),
    Column("error_type", String(32), nullable=False),
    Column("error_message", Text, nullable=False),
    Column("stop_reason", String(64), nullable=False),
    Column("first_byte_us", BigInteger, nullable=True),
    Column("response_bytes", BigInteger, nullable=False),
    Column("kind_id", Integer, nullable=True),
    Column("tokens", BigInteger, nullable=False),  # of every sort
    Column("magnitude", Integer, nullable=False),  # of the tokens, see `measures`
    Column("server_id", Integer, nullable=True),  # which began it, where there may be several
    Column("group_id", String(36), nullable=False, server_default=""),  # whom it is charged to
    Column("annotation_id", Integer, nullable=True),  # null: none
    postgresql_partition_by="RANGE (id)",
    sqlite_with_rowid=False,
)
"""The indexes of what has ended are the ways along which it is listed, newest first."""

_ended = interceptions.c.ended_at.is_not(None)


def _newest(name: str, *first: Column[Any]) -> None:
    """Add an index of ended interceptions in the order of lists, below what all have in common.

    It covers what filters ask the most, which is answered without reading a row.
    """
    c = interceptions.c
    Index(
        f"ix_interceptions_{name}",
        *first,
        c.started_at.desc(),
        c.id.desc(),
        *(column for column in _asked if column not in first),
        sqlite_where=_ended,
        postgresql_where=_ended,
    )


_asked = (interceptions.c.kind_id, interceptions.c.tokens, interceptions.c.ended_at)
"""That it has ended has to stand there too: SQLite asks for it, although the index is of those."""
_newest("ended")
_newest("session", interceptions.c.session_id)
_newest("initiator", interceptions.c.initiator_id)
_newest("kind", interceptions.c.kind_id)
_newest("magnitude", interceptions.c.magnitude)
Index(
    "ix_interceptions_open",
    interceptions.c.started_at,
    sqlite_where=interceptions.c.ended_at.is_(None),
    postgresql_where=interceptions.c.ended_at.is_(None),
)


def _child(name: str, *columns: Column[Any], later: tuple[Column[Any], ...] = ()) -> Table:
    """A table of facts under an interception, in the order in which they were recorded.

    The columns that came with a ``later`` release stand at the end.
    """
    return Table(
        name,
        metadata,
        _id("interception_id", key=True),
        _id(key=True),
        Column("provider_response_id", Text, nullable=False),
        *columns,
        Column("metadata", Json, nullable=False),
        Column("created_at", Time, nullable=False),
        *later,
        postgresql_partition_by="RANGE (interception_id)",
        sqlite_with_rowid=False,
    )


def _lifetime(name: str) -> Column[int]:
    return Column(
        f"cache_write_{name}_input_tokens", BigInteger, nullable=False, server_default="0"
    )


token_usages = _child(
    "token_usages",
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cache_read_input_tokens", BigInteger, nullable=False),
    Column("cache_write_input_tokens", BigInteger, nullable=False),  # of every lifetime
    later=(
        *map(_lifetime, ("5m", "30m", "1h", "12h")),
        Column("cost_micros", BigInteger, nullable=False, server_default="0"),  # as far as known
        Column("price_id", Integer, nullable=True),  # null: none was found
        Column("unpriced", Text, nullable=False, server_default="not rated"),  # empty: nothing
    ),
)

user_prompts = _child("user_prompts", Column("prompt", Text, nullable=False))

tool_usages = _child(
    "tool_usages",
    _id("initiator_id"),
    Column("tool", Text, nullable=False),
    Column("input", Text, nullable=False),
    Column("server_url", Text, nullable=False),
    Column("injected", Boolean, nullable=False),
    Column("invocation_error", Text, nullable=False),
    Column("provider_tool_call_id", Text, nullable=False),  # empty: run by the provider itself
    Column("provider_item_id", Text, nullable=False),
)
Index(
    "ix_tool_usages_call",
    tool_usages.c.initiator_id,
    tool_usages.c.provider_tool_call_id,
    sqlite_where=tool_usages.c.provider_tool_call_id != "",
    postgresql_where=tool_usages.c.provider_tool_call_id != "",
)

model_thoughts = _child("model_thoughts", Column("content", Text, nullable=False))

kinds = Table(
    "kinds",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("provider", String(32), nullable=False),
    Column("provider_name", String(64), nullable=False),
    Column("model", Text, nullable=False),
    Column("client", String(64), nullable=False),  # empty: not recognised
    Column("shape", Integer, nullable=False),  # the sum of what it has, see `measures.Shape`
    Index("uq_kinds", "provider", "provider_name", "model", "client", "shape", unique=True),
)
"""What interceptions have in common that lists are filtered by: few rows for many interceptions.

A filter chooses kinds first; each kind's interceptions and sessions stand in the order of lists.
"""

initiator_kinds = Table(
    "initiator_kinds",
    metadata,
    _id("initiator_id", key=True),
    Column("kind_id", Integer, primary_key=True, autoincrement=False),
    Column("interceptions", BigInteger, nullable=False),
    Index("ix_initiator_kinds_kind", "kind_id", "initiator_id"),
    sqlite_with_rowid=False,
)
"""How many ended interceptions of each kind somebody has made."""

daily_usage = Table(
    "daily_usage",
    metadata,
    _id("initiator_id", key=True),
    Column("day", Time, primary_key=True, autoincrement=False),  # in UTC, of the end
    Column("group_id", String(36), primary_key=True),  # whom it is charged to; empty: not known
    Column("kind_id", Integer, primary_key=True, autoincrement=False),  # without a shape
    Column("annotation_id", Integer, primary_key=True, autoincrement=False),  # 0: none
    Column("interceptions", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cache_read_input_tokens", BigInteger, nullable=False),
    Column("cache_write_input_tokens", BigInteger, nullable=False),
    Column("cost_micros", BigInteger, nullable=False),
    Column("unpriced", BigInteger, nullable=False),  # usage rows of which some part has no price
    Index("ix_daily_usage_day", "day"),
    sqlite_with_rowid=False,
)
"""What somebody used in a day, by provider, model, client, group and annotations.

Money is in micro-dollars. It stays when calls are purged.
"""

account_spend = Table(
    "account_spend",
    metadata,
    Column("account", Text, primary_key=True),  # see `schema.accounts`
    Column("day", Time, primary_key=True, autoincrement=False),  # in UTC, of the end
    Column("cost_micros", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""What was spent in a day by all together who are charged to a group, and with a token.

It stays when calls are purged.
"""

annotations = Table(
    "annotations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(32), nullable=False),  # of all the rest, which fits no index
    Column("repo", Text, nullable=False),  # empty: not said, as below
    Column("branch", Text, nullable=False),
    Column("pull_requests", Json, nullable=False),
    Column("issues", Json, nullable=False),
    Index("uq_annotations", "digest", unique=True),
)
"""What calls were made for, as their headers say; nothing ever changes a row."""

allotments = Table(
    "allotments",
    metadata,
    Column("account", Text, primary_key=True),
    Column("journal", String(36), primary_key=True),
    Column("run", BigInteger, primary_key=True, autoincrement=False),
    Column("micros", BigInteger, nullable=False),
    Column("expires_at", Time, nullable=False),
    sqlite_with_rowid=False,
)
"""What each gateway process may spend of a limit, in micro-dollars, without asking again.

A process is a run of its journal. What it is allotted counts against the limits of the account as
if it were spent, until the process gives it back, the keeper has read all of that run, or it
expires.
"""

budget_events = Table(
    "budget_events",
    metadata,
    _id(key=True),
    Column("account", Text, nullable=False),
    Column("period", Text, nullable=False),  # of `contract.words.CapPeriod`
    Column("period_start", Time, nullable=False),
    Column("period_end", Time, nullable=False),
    Column("spend_limit_micros", BigInteger, nullable=False),
    Column("threshold", Integer, nullable=False),  # percent of the limit
    Column("spent_micros", BigInteger, nullable=False),
    Column("at", Time, nullable=False),
    Column("attempts", Integer, nullable=False),  # to tell the webhook
    Column("next_at", Time, nullable=True),  # when the webhook is to be told; null: it was
    Index(
        "uq_budget_events",
        "account",
        "period",
        "period_start",
        "spend_limit_micros",
        "threshold",
        unique=True,
    ),
    Index("ix_budget_events_next_at", "next_at"),
    sqlite_with_rowid=False,
)
"""That spending has come to a part of a limit in a period: each part is told of once."""

prices = Table(
    "prices",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("price", Text, nullable=False),  # `aibridge.prices.rates.Price` as JSON
    Index("uq_prices", "price", unique=True),
)
"""The prices that usage rows are rated with; nothing ever changes a row."""

model_prices = Table(
    "model_prices",
    metadata,
    Column("provider", String(64), primary_key=True),  # a type
    Column("model_key", Text, primary_key=True),  # lower case
    Column("model", Text, nullable=False),
    Column("input_price", BigInteger, nullable=True),  # null: not known
    Column("output_price", BigInteger, nullable=True),
    Column("cache_read_price", BigInteger, nullable=True),
    Column("cache_write_price", BigInteger, nullable=True),
    Column("cache_write_1h_price", BigInteger, nullable=True),
    Column("cache_write_12h_price", BigInteger, nullable=True),
    Column("updated_at", Time, nullable=False),
    sqlite_with_rowid=False,
)
"""The prices that the operator has set, in micro-dollars a million tokens."""

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(256), primary_key=True),
    _id("initiator_id", key=True),
    Column("client", String(64), nullable=True),
    Column("metadata", Json, nullable=False),  # of the first interception
    Column("started_at", Time, nullable=False),
    Column("ended_at", Time, nullable=False),
    Column("last_active_at", Time, nullable=False),
    Column("last_prompt_at", Time, nullable=True),
    Column("last_prompt", Text, nullable=True),
    Column("last_started_at", Time, nullable=False),  # of its newest interception
    Column("length", Integer, nullable=False),  # from the first start to the last, see `measures`
    Column("magnitude", Integer, nullable=False),  # of the tokens, see `measures`
    Column("threads", BigInteger, nullable=False),
    Column("interceptions", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),  # of every sort
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cache_read_input_tokens", BigInteger, nullable=False),
    Column("cache_write_input_tokens", BigInteger, nullable=False),
    Column("cost_micros", BigInteger, nullable=False, server_default="0"),  # as far as known
    Column("unpriced", BigInteger, nullable=False, server_default="0"),  # usage rows, as above
    Index("ix_sessions_active", "last_active_at", "id", "initiator_id"),
    Index("ix_sessions_initiator", "initiator_id", "last_active_at", "id"),
    Index("ix_sessions_length", "length", "last_active_at", "id", "initiator_id"),
    Index("ix_sessions_magnitude", "magnitude", "last_active_at", "id", "initiator_id", "tokens"),
    sqlite_with_rowid=False,
)
"""A row a session, kept up to date in the transaction that ends each interception."""

session_kinds = Table(
    "session_kinds",
    metadata,
    Column("session_id", String(256), primary_key=True),
    _id("initiator_id", key=True),
    Column("kind_id", Integer, primary_key=True, autoincrement=False),
    Column("last_active_at", Time, nullable=False),  # of the session
    Index("ix_session_kinds_active", "kind_id", "last_active_at", "session_id", "initiator_id"),
    sqlite_with_rowid=False,
)
"""The kinds of a session's interceptions, each in the order in which sessions are listed."""

correlation_keys = Table(
    "correlation_keys",
    metadata,
    _id("initiator_id", key=True),
    Column("key", String(64), primary_key=True),
    _id("interception_id"),
    Column("created_at", Time, nullable=False),
    Index("ix_correlation_keys_interception", "interception_id"),
    sqlite_with_rowid=False,
)
"""By what a later request of the same person is known to belong to an interception: the id of its
response, the texts of its conversation, the task of a sub-agent; see `recorder.correlation`."""

servers = Table(
    "servers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("place", Text, nullable=False),
    Column("started_at", Time, nullable=False),
    Column("beats", BigInteger, nullable=False),
)
"""The processes that write to this database, if there may be several; see `engine.servers`."""

journals = Table(
    "journals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("applied", BigInteger, nullable=False),
    Column("resume", BigInteger, nullable=False),
)
"""How far each journal is read into this database: see `record.journals`."""

indexed_interceptions = Table(
    "indexed_interceptions",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    _id("interception_id"),
    info={"only": "sqlite"},
)
"""The numbers by which the index of texts knows interceptions, in the order of their starts."""
