"""Accounts: what limits are of, and under which names what counts against them is kept."""

from typing import NamedTuple

from aibridge.principals import EVERYONE

USER, GROUP, TOKEN, SESSION = "user", "group", "token", "session"
_ID = len(EVERYONE)


class Account(NamedTuple):
    """A user, a group, a token, or a session of a user: its sort and its id."""

    sort: str
    id: str
    user_id: str = ""
    """Whose session it is."""

    @property
    def name(self) -> str:
        """The name of the account in the database, such as ``token:abcdefghij``."""
        return f"{self.sort}:{self.user_id}{self.id}"


def named(name: str) -> Account:
    """Return the account of a name."""
    sort, _, id_ = name.partition(":")
    return Account(sort, id_[_ID:], id_[:_ID]) if sort == SESSION else Account(sort, id_)


def charged_accounts(group_id: str, token_id: str | None) -> list[str]:
    """Return the names of the accounts in which a call's cost is added up.

    These are the token that made it, and the group that it is charged to; Everyone has all calls.
    """
    groups = sorted({group_id, EVERYONE}) if group_id else ()
    return [*(f"{GROUP}:{each}" for each in groups), f"{TOKEN}:{token_id or ''}"]
