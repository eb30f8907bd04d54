"""People, as the rest of the program sees them: who they are, and what their token is for."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TypeVar

from aibridge.contract.words import SiteRole, TokenScope

NOBODY = "00000000-0000-0000-0000-000000000000"
"""The id of who acts without an account: whoever runs commands on the bridge's own machine, becomes
the first user, or tries a password in vain. The last has no username either."""

EVERYONE = "00000000-0000-4000-8000-000000000001"
"""The id of the organization, and of its group of all users."""

ALL_SCOPES = frozenset(TokenScope)

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Person:
    """The user behind a valid token, the token's id, and what the token may be used for."""

    user_id: str
    username: str
    roles: frozenset[SiteRole]
    token_id: str
    scopes: frozenset[TokenScope] = ALL_SCOPES
    is_limited: bool = False
    """Whether a limit applies to what they spend."""


OPERATOR = Person(NOBODY, "operator", frozenset({SiteRole.OWNER}), "")
"""Whoever can open the database itself, by the command line: they could do anything anyway."""


def write_words(words: Iterable[StrEnum]) -> str:
    """Return roles or scopes as the database keeps them: sorted, with spaces between."""
    return " ".join(sorted({word.value for word in words} - {SiteRole.MEMBER.value}))


@cache
def read_roles(text: str) -> frozenset[SiteRole]:
    """Read the roles in a row of users; a word of another release counts for nothing."""
    return _read(SiteRole, text)


@cache
def read_scopes(text: str) -> frozenset[TokenScope]:
    """Read the scopes in a row of tokens; a word of another release counts for nothing."""
    return _read(TokenScope, text)


def _read(kind: type[Word], text: str) -> frozenset[Word]:
    known = {word.value: word for word in kind}
    return frozenset(known[word] for word in text.split() if word in known)
