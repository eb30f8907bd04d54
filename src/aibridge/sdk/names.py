"""The words that arguments are made of: names, and the fixed words that a type checker knows."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator

from aibridge.contract import CapPeriod, CapScope, SiteRole, TokenScope

Id = str | UUID | None
"""A cursor; ``None``, an empty text and the nil UUID all mean that there is none."""

Name = str | UUID
"""A user: an id, a username, or ``me``. A group or an organization: its id, or its name."""

RoleName = Literal["owner", "user-admin", "auditor", "member"] | SiteRole
"""A role, as a text or of the enum."""

ScopeName = Literal["gateway", "read", "admin"] | TokenScope
"""What a token may be used for, as a text or of the enum."""


CapScopeName = Literal["member", "group", "session", "user", "token"] | CapScope
"""What a cap is of, as a text or of the enum."""

CapPeriodName = Literal["day", "week", "month", "rolling_30_days", "total"] | CapPeriod
"""How long a cap is for, as a text or of the enum."""


class NotGiven(Enum):
    """Stands for an argument that was left out, where ``None`` says something."""

    NOT_GIVEN = "not given"

    def __repr__(self) -> str:
        return self.name


NOT_GIVEN = NotGiven.NOT_GIVEN


def _no_text(value: object) -> object:
    if isinstance(value, str | bytes | Mapping):  # its letters, or its keys, would be taken
        raise ValueError("give a list, also of a single one")  # noqa: TRY004 - for pydantic
    return value


N = TypeVar("N")
Listed = Annotated[Iterable[N], BeforeValidator(_no_text), AfterValidator(tuple)]
"""A list as `aibridge.sdk.arguments.checked` takes it: any iterable but a text."""
