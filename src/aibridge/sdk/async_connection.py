# Written by scripts/unasync from connection.py, which is the one to change.
"""The connection: requests, retries and pages. What is asked for is in other modules."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
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

Sleep = Callable[[float], Awaitable[object]]
"""Waits for so many seconds."""


class AsyncConnection:
    """Asks an AI Bridge what a `Request` says; to be closed, or used in ``async with``."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float | httpx.Timeout | None = TIMEOUT,
        transport: httpx.AsyncBaseTransport | None = None,
        retries: int = RETRIES,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Connect to ``url`` (else ``AIBRIDGE_URL``, else this machine) with ``token`` (else
        ``AIBRIDGE_TOKEN``). Raises `Misconfigured`.

        ``timeout`` is in seconds, for connecting and for each pause of an answer. ``retries`` is
        how often a request is tried again, and ``sleep`` waits for so many seconds in between.
        """
        configuration = configure(url, token)
        self._url = configuration.url
        self._retries, self._sleep = retries, sleep
        self._http = httpx.AsyncClient(
            base_url=configuration.url,
            headers=configuration.headers(),
            timeout=timeout,
            transport=transport,
        )

    @property
    def token(self) -> str:
        """The token that the requests carry; after `login` it is the one that was given out."""
        return str(self._http.headers.get(TOKEN_HEADER, ""))

    async def aclose(self) -> None:
        """Close the connections; the client is not to be used any more."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._url!r})"

    async def _pages(self, pager: Pager[P, I]) -> AsyncIterator[I]:
        while pager.next is not None:
            for item in pager.take(await self._ask(pager.next)):
                yield item

    async def _ask(self, asked: Asked[T]) -> T:
        if isinstance(asked, Lookup):
            found = await self._answer(asked.find)
            asked = asked.then(found.id)
        return await self._answer(asked)

    async def _answer(self, request: Request[T]) -> T:
        outcome, done = await self._attempt(request), 1
        while (pause := self._pause(request, outcome, done)) is not None:
            await self._sleep(pause)
            outcome, done = await self._attempt(request), done + 1
        return read(request, outcome)

    def _pause(self, request: Request[T], outcome: Outcome, done: int) -> float | None:
        repeatable = request.repeatable
        return pause_before_next(outcome, done, retries=self._retries, repeatable=repeatable)

    async def _attempt(self, request: Request[T]) -> Outcome:
        headers = {} if request.body is None else {"Content-Type": "application/json"}
        try:
            return await self._http.request(
                request.method,
                request.path,
                params=request.query,
                content=request.body,
                headers=headers,
            )
        except httpx.RequestError as error:
            return error
