"""Who is calling the control plane, by the token in a header."""

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import Depends, Request

from aibridge.api.errors import ApiError
from aibridge.identity.authenticate import IdentityUnavailable
from aibridge.identity.people import Person

Authenticate = Callable[[str], Person | None]
"""Who a token belongs to, ``None`` for a bad one. Called on the event loop's thread only."""

_HOW = (
    "Send a valid token in the Coder-Session-Token header, as Authorization: Bearer, "
    "or in the X-Api-Key header."
)


def token_of(headers: Mapping[str, str]) -> str:
    """Return the token that a request carries, empty if none; ``headers`` ignores case."""
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    return (
        headers.get("coder-session-token", "")
        or (bearer.strip() if scheme.lower() == "bearer" else "")
        or headers.get("x-api-key", "")
    )


async def _caller(request: Request) -> Person:
    authenticate: Authenticate = request.app.state.authenticate
    token = token_of(request.headers)
    try:
        person = authenticate(token) if token else None
    except IdentityUnavailable as error:
        again = {"Retry-After": "1"}
        raise ApiError(503, "Tokens cannot be checked at the moment.", headers=again) from error
    if person is None:
        raise ApiError(
            401, "Authentication required.", detail=_HOW, headers={"WWW-Authenticate": "Bearer"}
        )
    return person


Caller = Annotated[Person, Depends(_caller)]
"""The person who calls; without one the request ends with 401."""
