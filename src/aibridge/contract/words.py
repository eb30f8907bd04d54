"""What of the contract needs no model: the words of fixed lists, and how a time is written.

The rooms of the server take them from here, so that those which answer nobody import no pydantic.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

PromptKind = Literal[
    "typed", "side_call", "subagent", "compaction", "summary", "retry", "automation"
]
"""Who wrote a prompt: ``typed`` is the person, all else what their agent wrote it for."""

CallStatus = Literal["running", "queued", "completed", "failed", "cancelled"]
"""What became of a call; ``queued`` while a background answer is still to be made."""

PriceFilter = Literal["default", "custom", "all"]
"""Which prices are asked for: those of a `PriceSource`, or all."""

MAX_SPEND_LIMIT_MICROS = 1_000_000_000_000
"""A million dollars, in micro-dollars."""

SpendBy = Literal[
    "user",
    "group",
    "day",
    "provider",
    "model",
    "client",
    "repo",
    "branch",
    "pull_request",
    "issue",
]
"""By what spending is told apart; a provider is one of a configured name."""

CacheBy = Literal["session", "client", "model"]
"""By what the economics of caches are told apart."""


class CapScope(StrEnum):
    """What a cap is of.

    Each ``member`` of a group, all that is charged to a ``group`` together (to Everyone: all that
    is spent), each ``session`` of a member of a group, a ``user``, or a ``token``.
    """

    MEMBER = "member"
    GROUP = "group"
    SESSION = "session"
    USER = "user"
    TOKEN = "token"  # noqa: S105 - no secret


class CapPeriod(StrEnum):
    """How long a limit is for: the day, the week from Monday, the month, the last 30 days, always.

    The last 30 days are whole ones, today among them.
    """

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    ROLLING = "rolling_30_days"
    TOTAL = "total"


class LimitSource(StrEnum):
    """Where the limit of a user's spending comes from: it is their own, or a group's."""

    USER_OVERRIDE = "user_override"
    GROUP = "group"


class SiteRole(StrEnum):
    """What somebody may do everywhere; everybody is a ``member`` too."""

    OWNER = "owner"
    USER_ADMIN = "user-admin"
    AUDITOR = "auditor"
    MEMBER = "member"


class UserStatus(StrEnum):
    """Whether a user's tokens work."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class TokenScope(StrEnum):
    """What a token may be used for, within what its user may do.

    ``gateway`` is to call models, ``read`` to read the API, ``admin`` everything of the API.
    """

    GATEWAY = "gateway"
    READ = "read"
    ADMIN = "admin"


class LoginType(StrEnum):
    """How a token came to be: somebody made it, or it is of a login."""

    TOKEN = "token"  # noqa: S105 - a kind of token
    PASSWORD = "password"  # noqa: S105 - a kind of token


class PriceSource(StrEnum):
    """Who says what a model costs: the lists of the release, or the operator."""

    DEFAULT = "default"
    CUSTOM = "custom"


class AuditAction(StrEnum):
    """What was done."""

    CREATE = "create"
    WRITE = "write"
    DELETE = "delete"
    LOGIN = "login"
    LOGOUT = "logout"
    REACH = "reach"


class AuditResource(StrEnum):
    """To what it was done."""

    USER = "user"
    TOKEN = "api_key"  # noqa: S105 - the contract's word
    GROUP = "group"
    GROUP_BUDGET = "group_ai_budget"
    USER_BUDGET = "user_ai_budget_override"
    MODEL_PRICE = "ai_model_price"
    CAP = "ai_spend_cap"
    BUDGET = "ai_budget"
    AI_RESPONSE = "ai_response"
    AI_CONVERSATION = "ai_conversation"


def rfc3339(moment: datetime) -> str:
    """Write ``moment`` in UTC with ``Z``, up to microseconds, trailing zeros trimmed."""
    text = moment.astimezone(UTC).isoformat().removesuffix("+00:00")
    return (text.rstrip("0") if "." in text else text) + "Z"
