"""The synchronous client. `AsyncClient` has the same methods; what both do is in other modules."""

import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self, TypeVar

import httpx

from aibridge.contract import (
    Interception,
    InterceptionList,
    Session,
    SessionDetail,
    SessionList,
    Thread,
)
from aibridge.sdk import endpoints, paging
from aibridge.sdk.answers import Outcome, read
from aibridge.sdk.configuration import TIMEOUT, configure
from aibridge.sdk.endpoints import Id, Request
from aibridge.sdk.filters import InterceptionFilter, SessionFilter
from aibridge.sdk.paging import Pager
from aibridge.sdk.retries import RETRIES, pause_before_next

T = TypeVar("T")
P = TypeVar("P")
I = TypeVar("I")  # noqa: E741


class Client:
    """Reads the record of an AI Bridge; to be closed, or used in a ``with`` statement.

    Every method raises `ApiError` for a refusal and `ConnectionFailed` when no answer came.
    A lost connection and the statuses 429, 502, 503 and 504 are tried again before that. Threads
    may share a client.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float | httpx.Timeout | None = TIMEOUT,
        transport: httpx.BaseTransport | None = None,
        retries: int = RETRIES,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Connect to ``url`` (else ``AIBRIDGE_URL``, else this machine) with ``token`` (else
        ``AIBRIDGE_TOKEN``). Raises `Misconfigured`.

        ``timeout`` is in seconds, for connecting and for each pause of an answer. ``retries`` is
        how often a request is tried again, and ``sleep`` waits for so many seconds in between.
        """
        configuration = configure(url, token)
        self._url = configuration.url
        self._retries, self._sleep = retries, sleep
        self._http = httpx.Client(
            base_url=configuration.url,
            headers=configuration.headers(),
            timeout=timeout,
            transport=transport,
        )

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
        return self._get(
            endpoints.interceptions(where, limit=limit, offset=offset, after_id=after_id)
        )

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
        return self._get(
            endpoints.sessions(
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
        return self._get(
            endpoints.session_threads(
                session_id,
                after_id=after_id,
                before_id=before_id,
                limit=limit,
                initiator=initiator,
            )
        )

    def list_clients(self, *, q: str = "", limit: int = 0, offset: int = 0) -> list[str]:
        """Return the names of the clients on record, ascending; ``q`` is what they begin with."""
        return self._get(endpoints.clients(q=q, limit=limit, offset=offset))

    def list_models(self, *, q: str = "", limit: int = 0, offset: int = 0) -> list[str]:
        """Return the names of the models on record, ascending; ``q`` is what they begin with."""
        return self._get(endpoints.models(q=q, limit=limit, offset=offset))

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

    def close(self) -> None:
        """Close the connections; the client is not to be used any more."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._url!r})"

    def _pages(self, pager: Pager[P, I]) -> Iterator[I]:
        while pager.next is not None:
            yield from pager.take(self._get(pager.next))

    def _get(self, request: Request[T]) -> T:
        outcome, done = self._attempt(request), 1
        while (pause := pause_before_next(outcome, done, retries=self._retries)) is not None:
            self._sleep(pause)
            outcome, done = self._attempt(request), done + 1
        return read(request, outcome)

    def _attempt(self, request: Request[T]) -> Outcome:
        try:
            return self._http.get(request.path, params=request.query)
        except httpx.RequestError as error:
            return error
