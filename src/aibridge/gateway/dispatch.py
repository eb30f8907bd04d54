"""Sending a call to its provider, and the answers that no client gets as they came.

A redirect is followed by the bridge itself, or refused: a client would take its token and its
prompt with it. A provider that refuses the configured key says nothing of the person's token.
"""

import asyncio
from collections.abc import Callable

from aibridge.gateway.call import Call
from aibridge.gateway.refusal import Refusal
from aibridge.gateway.upstream import (
    Destination,
    NotFollowed,
    Pool,
    RedirectRules,
    Response,
    UpstreamError,
    follow,
    is_redirect,
)
from aibridge.reading.answer import Observer, observe

MAX_WORDS = 64 << 10
"""Bytes that are read of what a provider says of the configured key."""
WORDS_SECONDS = 10.0
"""How long that may take."""

_UNAUTHORIZED = 401


class Withheld(Refusal):
    """An answer of the provider that the client does not get: another one stands in for it.

    ``provider_status`` and ``words`` are the provider's, ``edit`` says on the record what was done.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        provider_status: int,
        error_type: str,
        words: str,
    ) -> None:
        super().__init__(status, message, may_retry=False)
        self.provider_status = provider_status
        self.error_type = error_type
        self.words = words
        self.edit = f"answer: the provider's {provider_status} was replaced by a {status}"


async def dispatch(pool: Pool, call: Call, edits: list[str]) -> Response:
    """Send a call and return the answer's beginning; ``edits`` is told of followed redirects.

    Raises `Withheld` for a redirect that is not followed, or an `UpstreamError`.
    """
    method, place, followed = call.request.method, _destination(call), 0
    response = await pool.send(place.address, method, call.head(), call.body)
    while is_redirect(response.status):
        response.close()
        place = _next(call, response, place, followed)
        followed += 1
        edits.append(f"redirect ({response.status}) followed to {place.authority.decode()}")
        head = call.head(place.target, place.authority)
        response = await pool.send(place.address, method, head, call.body)
    call.let_go()
    return response


def refuses_key(call: Call, response: Response) -> bool:
    """Whether a provider refuses the key that the bridge is configured with."""
    return response.status == _UNAUTHORIZED and call.is_centralized


async def key_refused(
    call: Call, response: Response, came: Callable[[bytes], None] = lambda _: None
) -> Withheld:
    """Return what the client is told in place of a refusal of the configured key.

    ``came`` is called with each piece of that.
    """
    observer = observe(call.route.dialect, response.status, dict(response.headers))
    await _read_some(response, observer, came)
    error = observer.facts().error
    words = _without_key(error.message if error is not None else "", call)
    name = call.target.provider.name
    return Withheld(
        403,
        f"{name} refuses the key that AI Bridge is configured with; your own token is good. "
        f"Please tell whoever runs AI Bridge. {name} said (401): {words}",
        provider_status=response.status,
        error_type="unauthorized",
        words=words,
    )


def _destination(call: Call) -> Destination:
    path = call.target.provider.target(call.route).encode()
    return Destination(call.target.address, call.target.authority, path)


def _next(call: Call, response: Response, place: Destination, followed: int) -> Destination:
    """Return where a redirect leads. Raises `Withheld`."""
    status, provider = response.status, call.target.provider
    location = next((value for name, value in response.headers if name == b"location"), b"")
    rules = RedirectRules(provider.redirect_hosts, not call.target.address.tls, followed)
    try:
        return follow(status, location, call.request.method, place, rules)
    except NotFollowed as error:
        words = f"the provider redirects ({status}) {error}"
        raise Withheld(
            502,
            f"AI Bridge does not follow where {provider.name} redirects ({status}): {error}.",
            provider_status=status,
            error_type="broken",
            words=words,
        ) from error


async def _read_some(response: Response, observer: Observer, came: Callable[[bytes], None]) -> None:
    """Have the first of an answer read, as far as it comes."""
    size = 0
    try:
        async with asyncio.timeout(WORDS_SECONDS):
            while not response.ended and size < MAX_WORDS:
                chunk = await response.read()
                size += len(chunk)
                came(chunk)
                observer.feed(chunk, last=response.ended)
    except (TimeoutError, UpstreamError):
        pass  # what has come says enough


def _without_key(words: str, call: Call) -> str:
    """Return a provider's words without the key, which some of them repeat."""
    for key in call.target.provider.keys:
        words = words.replace(key.reveal(), call.credential.hint)
    return words
