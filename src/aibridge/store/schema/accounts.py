"""The names of accounts: under these it is kept what counts against the limits of each."""

from typing import NamedTuple

from aibridge.principals import EVERYONE

USER, GROUP, TOKEN, SESSION = "user", "group", "token", "session"
_ID = len(EVERYONE)


class AccountName(NamedTuple):
    """What an account is of: a user, a group, a token or a session, by its id."""

    kind: str
    id: str
    user_id: str = ""
    """Whose session it is."""

    @property
    def text(self) -> str:
        """The name as the database has it, such as ``token:abcdefghij``."""
        return f"{self.kind}:{self.user_id}{self.id}"


def parse_name(text: str) -> AccountName:
    """Return the name of an account that the database has as a text."""
    kind, _, id_ = text.partition(":")
    if kind == SESSION:
        return AccountName(kind, id_[_ID:], id_[:_ID])
    return AccountName(kind, id_)


def charged_accounts(group_id: str, token_id: str | None) -> list[str]:
    """Return the names of the accounts in which a call's cost is added up.

    These are the token that made it, and the group that it is charged to; Everyone has all calls.
    """
    groups = sorted({group_id, EVERYONE}) if group_id else ()
    return [*(f"{GROUP}:{each}" for each in groups), f"{TOKEN}:{token_id or ''}"]
