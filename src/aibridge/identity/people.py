"""People and their roles, as the rest of the program sees them."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """A site-wide role. Owners and auditors read every record."""

    OWNER = "owner"
    AUDITOR = "auditor"
    USER_ADMIN = "user-admin"
    MEMBER = "member"

    @property
    def reads_all(self) -> bool:
        """Whether this role may read everybody's interceptions and sessions."""
        return self in {Role.OWNER, Role.AUDITOR}


@dataclass(frozen=True, slots=True)
class Person:
    """The user behind a valid token, and the token's id."""

    user_id: str
    username: str
    role: Role
    token_id: str
