"""Who may do what: the matrix of rights, in one table.

Source: section 3.7 of the contract, but that prices may be read by who may read everybody's
budgets: what a budget allows depends on them. Everybody is a member, so a role only ever adds to
that row. What reaches nobody else's things reaches one's own: one's account, one's tokens, the
groups one is in, what one's token made the gateway record.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from aibridge.contract.words import SiteRole
from aibridge.principals import Person


class Right(StrEnum):
    """Something that may be done."""

    READ_RECORD = "record.read"
    READ_PROVIDERS = "providers.read"
    READ_CONFIGURATION = "configuration.read"
    READ_USERS = "users.read"
    WRITE_USERS = "users.write"
    WRITE_ROLES = "roles.write"
    WRITE_PASSWORDS = "passwords.write"
    READ_TOKENS = "tokens.read"
    WRITE_TOKENS = "tokens.write"
    READ_GROUPS = "groups.read"
    WRITE_GROUPS = "groups.write"
    READ_BUDGETS = "budgets.read"
    WRITE_BUDGETS = "budgets.write"
    READ_OVERRIDES = "overrides.read"
    WRITE_OVERRIDES = "overrides.write"
    READ_PRICES = "prices.read"
    WRITE_PRICES = "prices.write"
    READ_AUDIT = "audit.read"


class Reach(IntEnum):
    """How far a right reaches."""

    NONE = 0
    OWN = 1
    ALL = 2


_NONE, _OWN, _ALL = Reach.NONE, Reach.OWN, Reach.ALL
_ROLES = (SiteRole.OWNER, SiteRole.USER_ADMIN, SiteRole.AUDITOR, SiteRole.MEMBER)
_TABLE: Mapping[Right, tuple[Reach, Reach, Reach, Reach]] = {
    #                      owner, user-admin, auditor, member
    Right.READ_RECORD: (_ALL, _NONE, _ALL, _NONE),
    Right.READ_PROVIDERS: (_ALL, _NONE, _ALL, _NONE),
    Right.READ_CONFIGURATION: (_ALL, _NONE, _NONE, _NONE),
    Right.READ_USERS: (_ALL, _ALL, _ALL, _OWN),
    Right.WRITE_USERS: (_ALL, _ALL, _NONE, _NONE),
    Right.WRITE_ROLES: (_ALL, _NONE, _NONE, _NONE),
    Right.WRITE_PASSWORDS: (_ALL, _ALL, _OWN, _OWN),
    Right.READ_TOKENS: (_ALL, _OWN, _OWN, _OWN),
    Right.WRITE_TOKENS: (_ALL, _OWN, _OWN, _OWN),
    Right.READ_GROUPS: (_ALL, _ALL, _ALL, _OWN),
    Right.WRITE_GROUPS: (_ALL, _ALL, _NONE, _NONE),
    Right.READ_BUDGETS: (_ALL, _ALL, _ALL, _OWN),
    Right.WRITE_BUDGETS: (_ALL, _ALL, _NONE, _NONE),
    Right.READ_OVERRIDES: (_ALL, _ALL, _OWN, _OWN),
    Right.WRITE_OVERRIDES: (_ALL, _ALL, _NONE, _NONE),
    Right.READ_PRICES: (_ALL, _ALL, _ALL, _NONE),
    Right.WRITE_PRICES: (_ALL, _NONE, _NONE, _NONE),
    Right.READ_AUDIT: (_ALL, _NONE, _ALL, _NONE),
}
MATRIX: Mapping[Right, Mapping[SiteRole, Reach]] = {
    right: dict(zip(_ROLES, reaches, strict=True)) for right, reaches in _TABLE.items()
}
"""How far each right reaches for each role. Using the gateway is everybody's, by scope."""

_OF_THE_RECORD = frozenset({Right.READ_RECORD, Right.READ_PROVIDERS})
"""What members get to their own where they may read their own record: it, and its filter menu."""


@dataclass(frozen=True, slots=True)
class Rights:
    """The matrix, with what the settings change of it."""

    members_read_own: bool = False
    """Whether everybody may read what was recorded of themselves."""

    def reach(self, person: Person, right: Right) -> Reach:
        """Return how far a right reaches for somebody with all their roles."""
        row = MATRIX[right]
        reach = max((row[role] for role in person.roles), default=Reach.NONE)
        return max(reach, self._as_member(right))

    def _as_member(self, right: Right) -> Reach:
        if self.members_read_own and right in _OF_THE_RECORD:
            return Reach.OWN
        return MATRIX[right][SiteRole.MEMBER]

    def allows(self, person: Person, right: Right, user_id: str) -> bool:
        """Say whether a right of somebody reaches what belongs to the user of that id."""
        reach = self.reach(person, right)
        return reach is Reach.ALL or (reach is Reach.OWN and user_id == person.user_id)


def outranks(person: Person, roles: frozenset[SiteRole]) -> bool:
    """Say whether somebody may change the account of a user with these roles.

    Owners may change everybody, others nobody who has a role: a user-admin who could set an
    owner's password would be an owner.
    """
    return SiteRole.OWNER in person.roles or not roles - {SiteRole.MEMBER}
