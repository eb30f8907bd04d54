"""Going through all pages of a list. It says what to ask next and is told what came; no I/O."""

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from aibridge.contract import (
    AuditLog,
    AuditLogList,
    Interception,
    InterceptionList,
    Session,
    SessionDetail,
    SessionList,
    Thread,
    User,
    UserList,
)
from aibridge.sdk.arguments import Count, checked
from aibridge.sdk.endpoints import audit, record
from aibridge.sdk.endpoints import users as people
from aibridge.sdk.filters import InterceptionFilter, SessionFilter
from aibridge.sdk.names import Id
from aibridge.sdk.request import Request

PAGE = 100
"""Items asked for at once, the default of the lists."""

P = TypeVar("P")
I = TypeVar("I")  # noqa: E741


class Pager(Generic[P, I]):
    """The pages of a list, each beginning after the last item of the one before.

    A list may change while it is read: an item that moved and comes again is left out, and a
    cursor that comes again ends the list.
    """

    def __init__(
        self,
        ask: Callable[[P | None, int], Request[P]],
        items: Callable[[P], Sequence[I]],
        identity: Callable[[I], Hashable],
        limit: int | None,
    ) -> None:
        """Ask for pages with ``ask``: after which page, and how many items at most."""
        self._ask, self._items, self._identity = ask, items, identity
        self._left = limit
        self._seen: set[Hashable] = set()
        self._cursors: set[Hashable] = set()
        self._asked = 0
        self.next: Request[P] | None = self._request(None)

    def take(self, page: P) -> list[I]:
        """Return the new items of the page that ``next`` brought, and set ``next``."""
        items = self._items(page)
        found = self._new(items)[: self._left]
        if self._left is not None:
            self._left -= len(found)
        self.next = self._request(page) if self._goes_on(items) else None
        return found

    def _request(self, page: P | None) -> Request[P] | None:
        self._asked = PAGE if self._left is None else min(PAGE, self._left)
        return self._ask(page, self._asked) if self._asked > 0 else None

    def _new(self, items: Sequence[I]) -> list[I]:
        found = {self._identity(item): item for item in items}
        fresh = [item for key, item in found.items() if key not in self._seen]
        self._seen.update(found)
        return fresh

    def _goes_on(self, items: Sequence[I]) -> bool:
        if not items or len(items) < self._asked:
            return False
        cursor = self._identity(items[-1])
        known = cursor in self._cursors
        self._cursors.add(cursor)
        return not known


@checked
def interceptions(
    where: InterceptionFilter | None, limit: Count | None
) -> Pager[InterceptionList, Interception]:
    """Page through interceptions."""

    def ask(page: InterceptionList | None, size: int) -> Request[InterceptionList]:
        after = page.results[-1].id if page is not None else None
        return record.interceptions(where, limit=size, after_id=after)

    return Pager(ask, lambda page: page.results, lambda item: item.id, limit)


@checked
def sessions(where: SessionFilter | None, limit: Count | None) -> Pager[SessionList, Session]:
    """Page through sessions, each known by its id and its initiator."""

    def ask(page: SessionList | None, size: int) -> Request[SessionList]:
        last = page.sessions[-1] if page is not None else None
        return record.sessions(
            where,
            limit=size,
            after_session_id=last.id if last is not None else None,
            after_initiator_id=last.initiator.id if last is not None else None,
        )

    return Pager(ask, lambda page: page.sessions, lambda item: (item.id, item.initiator.id), limit)


@checked
def threads(session_id: str, initiator: Id, limit: Count | None) -> Pager[SessionDetail, Thread]:
    """Page through the threads of one session; its first page settles whose it is."""

    def ask(page: SessionDetail | None, size: int) -> Request[SessionDetail]:
        return record.session_threads(
            session_id,
            limit=size,
            after_id=page.threads[-1].id if page is not None else None,
            initiator=page.initiator.id if page is not None else initiator,
        )

    return Pager(ask, lambda page: page.threads, lambda item: item.id, limit)


@checked
def users(q: str, limit: Count | None) -> Pager[UserList, User]:
    """Page through users."""

    def ask(page: UserList | None, size: int) -> Request[UserList]:
        return people.users(q, limit=size, after_id=page.users[-1].id if page is not None else None)

    return Pager(ask, lambda page: page.users, lambda item: item.id, limit)


@checked
def audit_logs(q: str, limit: Count | None) -> Pager[AuditLogList, AuditLog]:
    """Page through the audit log."""

    def ask(page: AuditLogList | None, size: int) -> Request[AuditLogList]:
        after = page.audit_logs[-1].id if page is not None else None
        return audit.audit_logs(q, limit=size, after_id=after)

    return Pager(ask, lambda page: page.audit_logs, lambda item: item.id, limit)
