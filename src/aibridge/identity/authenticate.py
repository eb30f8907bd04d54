"""Who is calling: a token's text to the person behind it."""

import time
from enum import StrEnum

from aibridge.contract.words import AuditResource
from aibridge.identity.audit import Target
from aibridge.identity.known import IdentityUnavailable, KnownTokens
from aibridge.identity.last_use import LastUses
from aibridge.identity.tokens import matches, parse
from aibridge.principals import OPERATOR, Person, read_roles, read_scopes
from aibridge.store.engine.database import Database
from aibridge.store.engine.errors import DRIVER_ERRORS
from aibridge.store.people.grants import Grant, Grants, standing
from aibridge.store.people.users import ACTIVE, Connection

KEPT_SECONDS = 1.0
"""How long what SQLite said is kept where no change was seen: other programs leave no mark."""
MAX_KEPT = 50_000

_KINDS = {
    AuditResource.USER: "user",
    AuditResource.TOKEN: "token",
    AuditResource.GROUP: "limits",
    AuditResource.GROUP_BUDGET: "limits",
    AuditResource.USER_BUDGET: "limits",
}


class Rejection(StrEnum):
    """What is wrong with a token. Whether it ever was one is told to nobody."""

    MALFORMED = "it does not have the form of one, and may be a provider's key"
    INVALID = "it is unknown, has expired, or its user is suspended"


class Authenticator:
    """Turns tokens into people. For one thread: the event loop's.

    Expiry, a deleted token and a suspended user count from the next request on. What SQLite said is
    kept until any process of ours changes anything (`aibridge.store.engine.sqlite_files`); what
    PostgreSQL said is kept in ``known`` as long as it is heard of, and for ``outage_seconds`` after
    that.
    """

    def __init__(
        self,
        database: Database,
        uses: LastUses | None = None,
        *,
        outage_seconds: float = 0.0,
    ) -> None:
        self._database = database
        self._grants = Grants(database)
        self._kept: dict[str, Grant | None] = {}
        self._mark = b""
        self._kept_since = 0.0
        self._uses = uses or LastUses(database)
        is_far = database.is_postgresql
        self.known = KnownTokens(self._grants, outage_seconds) if is_far else None

    async def person(self, token: str) -> Person | None:
        """Return who holds a token, `None` for any token that is not good, whatever the reason.

        Raises `IdentityUnavailable` when the database does not answer.
        """
        found = await self.look_up(token)
        return found if isinstance(found, Person) else None

    async def look_up(self, token: str) -> Person | Rejection:
        """Return who holds a token, or what is wrong with it.

        Raises `IdentityUnavailable` when the database does not answer.
        """
        parts = parse(token)
        if parts is None:
            return Rejection.MALFORMED
        token_id, secret = parts
        known = self.known
        grant = self._find(token_id) if known is None else await known.find(token_id)
        if grant is None:
            return Rejection.INVALID
        stored, expires_at, scopes, status, user_id, username, roles, is_limited = grant
        now = time.time_ns() // 1_000
        is_over = expires_at is not None and expires_at <= now
        if not matches(secret, stored) or is_over or status != ACTIVE:
            return Rejection.INVALID
        self._uses.note(token_id, now)
        roles_, scopes_ = read_roles(roles), read_scopes(scopes)
        return Person(user_id, username, roles_, token_id, scopes_, bool(is_limited))

    def _find(self, token_id: str) -> Grant | None:
        """Return what SQLite says of a token, or has said of it since the last change."""
        try:
            mark = self._database.changes.mark if self._database.changes is not None else b""
            now = time.monotonic()
            if not mark or mark != self._mark or now - self._kept_since > KEPT_SECONDS:
                self._kept.clear()
                self._mark, self._kept_since = mark, now
            if token_id not in self._kept:
                if len(self._kept) >= MAX_KEPT:
                    self._kept.clear()
                self._kept[token_id] = self._grants.find(token_id)
            return self._kept[token_id]
        except DRIVER_ERRORS as error:
            raise IdentityUnavailable("the database of users does not answer") from error

    @property
    def news(self) -> object:
        """What is another thing after each change of users, groups or limits that was heard of."""
        if self.known is not None:
            return self.known.news
        return self._database.changes.mark if self._database.changes is not None else b""

    def answers(self) -> bool:
        """Say whether tokens can be looked up now, in SQLite: a damaged file may not be read."""
        try:
            return self.known is not None or self._grants.find("") is None
        except DRIVER_ERRORS:
            return False

    def changed(self, target: Target) -> None:
        """Know no more of a user or a token that was acted upon. For any thread."""
        if self.known is not None:
            self.known.forget(_KINDS.get(target.kind, ""), target.id)

    def close(self) -> None:
        """Give up the database connection; a later call opens another."""
        if self.known is None:
            self._grants.close()
        else:
            self.known.close()


def is_still(connection: Connection, person: Person) -> bool:
    """Say whether a token still is what it was when its person was found.

    To be asked in the transaction of an act: a request may have been long on its way.
    """
    if person is OPERATOR:
        return True
    found = standing(connection, person.token_id)
    if found is None:
        return False
    scopes, roles, status, expires_at = found
    alive = status == ACTIVE and (expires_at is None or expires_at > time.time_ns() // 1_000)
    same = (read_scopes(scopes), read_roles(roles)) == (person.scopes, person.roles)
    return alive and same
