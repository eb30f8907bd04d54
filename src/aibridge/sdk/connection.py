"""The connection: requests, retries and pages. What is asked for is in other modules."""

import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self, TypeVar

import httpx

from aibridge.sdk.answers import Outcome, read
from aibridge.sdk.configuration import TIMEOUT, TOKEN_HEADER, configure
from aibridge.sdk.paging import Pager
from aibridge.sdk.request import Asked, Lookup, Request
from aibridge.sdk.retries import RETRIES, pause_before_next

T = TypeVar("T")
P = TypeVar("P")
I = TypeVar("I")  # noqa: E741

Sleep = Callable[[float], object]
"""Waits for so many seconds."""


class Connection:
    """Asks an AI Bridge what a `Request` says; to be closed, or used in ``with``."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float | httpx.Timeout | None = TIMEOUT,
        transport: httpx.BaseTransport | None = None,
        retries: int = RETRIES,
        sleep: Sleep = time.sleep,
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

    @property
    def token(self) -> str:
        """The token that the requests carry; after `login` it is the one that was given out."""
        return str(self._http.headers.get(TOKEN_HEADER, ""))

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
            yield from pager.take(self._ask(pager.next))

    def _ask(self, asked: Asked[T]) -> T:
        if isinstance(asked, Lookup):
            found = self._answer(asked.find)
            asked = asked.then(found.id)
        return self._answer(asked)

    def _answer(self, request: Request[T]) -> T:
        outcome, done = self._attempt(request), 1
        while (pause := self._pause(request, outcome, done)) is not None:
            self._sleep(pause)
            outcome, done = self._attempt(request), done + 1
        return read(request, outcome)

    def _pause(self, request: Request[T], outcome: Outcome, done: int) -> float | None:
        repeatable = request.repeatable
        return pause_before_next(outcome, done, retries=self._retries, repeatable=repeatable)

    def _attempt(self, request: Request[T]) -> Outcome:
        headers = {} if request.body is None else {"Content-Type": "application/json"}
        try:
            return self._http.request(
                request.method,
                request.path,
                params=request.query,
                content=request.body,
                headers=headers,
            )
        except httpx.RequestError as error:
            return error
