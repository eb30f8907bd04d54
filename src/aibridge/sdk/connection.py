"""The connection: requests, retries and pages. What is asked for is in other modules."""

import copy
import random
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypedDict, TypeVar, cast

import httpx

from aibridge.sdk import logs
from aibridge.sdk.answers import Outcome, accepted, answered, parsed, without_secrets
from aibridge.sdk.arguments import Count, Wait, checked
from aibridge.sdk.configuration import TIMEOUT, Headers, Options, TimeoutOption, configure
from aibridge.sdk.errors import WrongArgument
from aibridge.sdk.names import NOT_GIVEN, NotGiven
from aibridge.sdk.paging import Pager
from aibridge.sdk.raw import WithRawResponse
from aibridge.sdk.request import Asked, Lookup, Request
from aibridge.sdk.retries import MAX_RETRY_AFTER, RETRIES

if TYPE_CHECKING:
    from aibridge.sdk.raw_methods import RawMethods

T = TypeVar("T")
P = TypeVar("P")
I = TypeVar("I")  # noqa: E741

Sleep = Callable[[float], object]
"""Waits for so many seconds."""


class ClientOptions(TypedDict, total=False):
    """How a client sends requests, as it is told where it is made."""

    timeout: TimeoutOption | NotGiven
    headers: Headers | None
    retries: int
    max_retry_after: float
    transport: httpx.BaseTransport | None
    http_client: httpx.Client | None
    sleep: Sleep
    random: Callable[[], float]


class Connection:
    """Asks an AI Bridge what a `Request` says; to be closed, or used in ``with``."""

    @checked
    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: TimeoutOption | NotGiven = NOT_GIVEN,
        headers: Headers | None = None,
        retries: Count = RETRIES,
        max_retry_after: Wait = MAX_RETRY_AFTER,
        transport: httpx.BaseTransport | None = None,
        http_client: httpx.Client | None = None,
        sleep: Sleep = time.sleep,
        random: Callable[[], float] = random.random,
    ) -> None:
        """Connect to ``url`` (else ``AIBRIDGE_URL``, else this machine) with ``token`` (else
        ``AIBRIDGE_TOKEN``). Raises `Misconfigured` and `WrongArgument`.

        ``timeout`` is in seconds, for connecting and for each pause of an answer: 30 if left out,
        and ``None`` waits for ever. ``headers`` are added to every request. ``retries`` is how
        often a request is tried again; a server that asks for a wait of more seconds than
        ``max_retry_after`` is not asked again.

        ``http_client`` is a client of httpx that sends the requests instead of one made here; it
        is not closed, and its timeout counts if none is given. ``transport`` is one of httpx, for
        the client made here. ``sleep`` waits for so many seconds, and ``random`` gives numbers
        from 0 to 1 that vary the pauses.
        """
        if transport is not None and http_client is not None:
            raise WrongArgument("transport: http_client has one of its own")
        self._place, self._token = configure(url, token)
        self._options = Options().changed(
            timeout=timeout, headers=headers, retries=retries, max_retry_after=max_retry_after
        )
        self._sleep, self._random = sleep, random
        self._owns_http = http_client is None
        self._http = http_client or httpx.Client(timeout=TIMEOUT, transport=transport)
        self._gives_raw = False

    @property
    def token(self) -> str:
        """The token that the requests carry; after `login` it is the one that was given out."""
        return self._token

    def with_options(
        self,
        *,
        timeout: TimeoutOption | NotGiven = NOT_GIVEN,
        headers: Headers | None = None,
        retries: int | None = None,
        max_retry_after: float | None = None,
    ) -> Self:
        """Return a client with other options, for one call or more; what is left out stays.

        It shares the connections, and closing it does nothing. ``headers`` are added to those
        that there are. Raises `WrongArgument`.
        """
        changed = self._options.changed(
            timeout=timeout, headers=headers, retries=retries, max_retry_after=max_retry_after
        )
        return self._copy(_options=changed)

    @property
    def with_raw_response(self) -> "RawMethods":
        """The same methods, with a `RawResponse` each: the answer as it came, and `parse`."""
        return cast("RawMethods", WithRawResponse(self._copy(_gives_raw=True)))

    def _copy(self, **changed: Any) -> Self:  # noqa: ANN401 - of any attribute
        other = copy.copy(self)
        vars(other).update(changed, _owns_http=False)
        return other

    def close(self) -> None:
        """Close the connections; the client is not to be used any more."""
        if self._owns_http:
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
        return f"{type(self).__name__}({str(self._place.url)!r})"

    def _pages(self, pager: Pager[P, I]) -> Iterator[I]:
        while pager.next is not None:
            yield from pager.take(self._ask(pager.next))

    def _ask(self, asked: Asked[T]) -> T:
        if isinstance(asked, Lookup):
            found = parsed(asked.find.parse, self._send(asked.find))
            asked = asked.then(found.id)
        return answered(asked, self._send(asked), raw=self._gives_raw)

    def _send(self, request: Request[T]) -> httpx.Response:
        outcome, done = self._attempt(request, 1), 1
        while (pause := self._pause(request, outcome, done)) is not None:
            logs.pause(pause)
            self._sleep(pause)
            done += 1
            outcome = self._attempt(request, done)
        return accepted(request, outcome)

    def _pause(self, request: Request[T], outcome: Outcome, done: int) -> float | None:
        return self._options.retries.pause(
            outcome, done, repeatable=request.repeatable, random=self._random
        )

    def _attempt(self, request: Request[T], attempt: int) -> Outcome:
        outcome: Outcome
        options, began = self._options, logs.begin(request, attempt)
        timeout = options.timeout
        try:
            outcome = self._http.request(
                request.method,
                self._place.at(request.path),
                params=request.query,
                content=request.body,
                headers=options.headers_with(self._token, has_body=request.body is not None),
                auth=self._place.auth or httpx.USE_CLIENT_DEFAULT,
                timeout=httpx.USE_CLIENT_DEFAULT if isinstance(timeout, NotGiven) else timeout,
                follow_redirects=False,
            )
        except httpx.InvalidURL:
            raise WrongArgument("what is asked for is too long to be sent") from None
        except httpx.RequestError as error:
            outcome = error
        logs.end(request, attempt, outcome, began)
        return without_secrets(outcome)
