"""Reading the record: sessions, interceptions, threads, and what to filter them by."""

from collections.abc import Iterator
from uuid import UUID

from aibridge.contract import (
    Interception,
    InterceptionList,
    Provider,
    Session,
    SessionDetail,
    SessionList,
    Thread,
)
from aibridge.sdk import paging
from aibridge.sdk.connection import Connection
from aibridge.sdk.endpoints import record
from aibridge.sdk.filters import InterceptionFilter, SessionFilter
from aibridge.sdk.names import Id


class RecordMethods(Connection):
    """What a client reads of the record."""

    def list_interceptions(
        self,
        where: InterceptionFilter | None = None,
        *,
        limit: int = 0,
        offset: int = 0,
        after_id: Id = None,
    ) -> InterceptionList:
        """Return a page of interceptions, newest first.

        ``limit`` is 1 to 1000, 0 means 100. ``after_id`` is the id of the last interception of
        the page before; not together with ``offset``.
        """
        return self._ask(record.interceptions(where, limit=limit, offset=offset, after_id=after_id))

    def get_interception(self, interception_id: str | UUID) -> Interception:
        """Return an interception with its texts whole; the list cuts long ones."""
        return self._ask(record.interception(interception_id))

    def list_sessions(
        self,
        where: SessionFilter | None = None,
        *,
        limit: int = 0,
        offset: int = 0,
        after_session_id: str | None = None,
        after_initiator_id: Id = None,
    ) -> SessionList:
        """Return a page of sessions, most recently active first.

        ``limit`` is 1 to 1000, 0 means 100. ``after_session_id`` and ``after_initiator_id`` are
        those of the last session of the page before; not together with ``offset``.
        """
        return self._ask(
            record.sessions(
                where,
                limit=limit,
                offset=offset,
                after_session_id=after_session_id,
                after_initiator_id=after_initiator_id,
            )
        )

    def get_session_threads(
        self,
        session_id: str,
        *,
        after_id: Id = None,
        before_id: Id = None,
        limit: int = 0,
        initiator: Id = None,
    ) -> SessionDetail:
        """Return a session with a page of its threads, oldest first.

        ``limit`` is 1 to 200, 0 means 50. ``after_id`` or ``before_id`` is the id of the thread
        next to the page. ``initiator`` (a user's id, a username, or ``me``) says whose session
        is meant where several people's clients sent the same id.
        """
        return self._ask(
            record.session_threads(
                session_id,
                after_id=after_id,
                before_id=before_id,
                limit=limit,
                initiator=initiator,
            )
        )

    def list_clients(self, *, q: str = "", limit: int = 0, offset: int = 0) -> list[str]:
        """Return the names of the clients on record, ascending; ``q`` is what they begin with."""
        return self._ask(record.clients(q=q, limit=limit, offset=offset))

    def list_models(self, *, q: str = "", limit: int = 0, offset: int = 0) -> list[str]:
        """Return the names of the models on record, ascending; ``q`` is what they begin with."""
        return self._ask(record.models(q=q, limit=limit, offset=offset))

    def list_providers(self) -> list[Provider]:
        """Return the providers that are configured, or were and are on record."""
        return self._ask(record.providers())

    def iter_interceptions(
        self, where: InterceptionFilter | None = None, *, limit: int | None = None
    ) -> Iterator[Interception]:
        """Go through the interceptions, newest first, each once, ``limit`` of them at most."""
        return self._pages(paging.interceptions(where, limit))

    def iter_sessions(
        self, where: SessionFilter | None = None, *, limit: int | None = None
    ) -> Iterator[Session]:
        """Go through the sessions, each once, ``limit`` of them at most.

        The most recently active comes first. One that becomes active meanwhile may be missed.
        """
        return self._pages(paging.sessions(where, limit))

    def iter_threads(
        self, session_id: str, *, initiator: Id = None, limit: int | None = None
    ) -> Iterator[Thread]:
        """Go through a session's threads, oldest first, each once, ``limit`` of them at most."""
        return self._pages(paging.threads(session_id, initiator, limit))
