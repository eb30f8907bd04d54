"""Who is calling the control plane, by the token in a header, and what they may do."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, params

from aibridge.api.documented import BODY
from aibridge.api.errors import ApiError, not_found, trouble
from aibridge.api.parameters import check_names
from aibridge.api.services import Given, Services
from aibridge.contract import TokenScope
from aibridge.identity.audit import Act, Actor
from aibridge.identity.known import IdentityUnavailable
from aibridge.identity.rights import Reach, Right
from aibridge.principals import Person

_HOW = (
    "Send a valid token in the Coder-Session-Token header, as Authorization: Bearer, "
    "or in the X-Api-Key header."
)

_READING = frozenset({"GET", "HEAD"})

CATCH_UP_SECONDS = 0.25
"""How long a request that reads the record waits for what has ended before it came."""


def token_of(headers: Mapping[str, str]) -> str:
    """Return the token that a request carries, empty if none; ``headers`` ignores case."""
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    return (
        headers.get("coder-session-token", "")
        or (bearer.strip() if scheme.lower() == "bearer" else "")
        or headers.get("x-api-key", "")
    )


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with a good token, and what the application gives them to work with."""

    person: Person
    services: Services
    ip: str
    user_agent: str

    def reach(self, right: Right) -> Reach:
        """Return how far a right of theirs reaches."""
        return self.services.rights.reach(self.person, right)

    def allows(self, right: Right, user_id: str) -> bool:
        """Say whether a right of theirs reaches what belongs to that user."""
        return self.services.rights.allows(self.person, right, user_id)

    def require(self, right: Right) -> None:
        """Refuse, as if there were nothing, whom the right does not let reach everything."""
        if self.reach(right) is not Reach.ALL:
            raise not_found()

    @contextmanager
    def acting(self) -> Iterator[Act]:
        """Yield a change of the database in their name: it is made whole, or not at all.

        A body may have been long on its way: who was suspended, or has other rights than when
        the request began, is refused.
        """
        with self.services.database.write() as connection:
            if not self.services.is_still(connection, self.person):
                raise unauthenticated()
            act = Act(connection, Actor(self.person, self.ip, self.user_agent))
            yield act
        for target in act.touched:
            self.services.changed(target)


def unauthenticated() -> ApiError:
    """Return the refusal of who has no good token."""
    again = {"WWW-Authenticate": "Bearer"}
    return ApiError(401, "Authentication required.", detail=_HOW, headers=again)


async def _known(request: Request, services: Given) -> Visitor:
    token = token_of(request.headers)
    try:
        person = await services.authenticate(token) if token else None
    except IdentityUnavailable as error:
        again = {"Retry-After": "1"}
        raise ApiError(503, "Tokens cannot be checked at the moment.", headers=again) from error
    if person is None:
        raise unauthenticated()
    await check_names(request)
    _refuse_body(request)
    return Visitor(person, services, *whence(request))


def _refuse_body(request: Request) -> None:
    """Refuse a body with content where the route is not `documented` to take one.

    What it asks for would be passed over, such as the scopes of a token.
    """
    if request.method in _READING or BODY in request.scope["route"].openapi_extra:
        return
    length = request.headers.get("content-length", "0")
    if length.strip("0") or "transfer-encoding" in request.headers:
        detail = f"{request.method} {request.url.path} takes no body: send it without one."
        raise ApiError(400, "This route takes no request body.", detail=detail)


def whence(request: Request) -> tuple[str, str]:
    """Return the address a request came from, empty without a network, and its user agent."""
    ip = request.client.host if request.client else ""
    return ip, request.headers.get("user-agent", "")


Known = Annotated[Visitor, Depends(_known)]
"""Who calls, whatever their token is for; without a good one the request ends with 401.

A parameter of the query or a body that the endpoint does not take is refused with 400.
"""


async def _caller(request: Request, known: Known) -> Visitor:
    _check_scope(known.person, request.method)
    return known


def _check_scope(person: Person, method: str) -> None:
    """Refuse a token that is not for this: the caller knows it, so there is nothing to hide."""
    enough = {TokenScope.ADMIN, TokenScope.READ} if method == "GET" else {TokenScope.ADMIN}
    if not enough & person.scopes:
        wanted = " or ".join(sorted(enough))
        detail = f"This token lacks the scope {wanted}: use one that has, or make one."
        raise ApiError(403, "Forbidden.", detail=detail)


Caller = Annotated[Visitor, Depends(_caller)]
"""Who calls; without a good token the request ends with 401, with too narrow a one with 403."""


def _catch_up(caller: Caller) -> None:
    """Wait a moment for the record to have what has ended by now. Not on the event loop."""
    catching_up = caller.services.catching_up
    if catching_up is not None:
        with suppress(OSError):  # what is on record is answered all the same
            catching_up.wait(CATCH_UP_SECONDS)


def _catch_up_for_readers(caller: Caller) -> None:
    if caller.reach(Right.READ_RECORD) is not Reach.NONE:
        _catch_up(caller)


def reading_record(message: str) -> list[params.Depends]:
    """Return the dependencies of an endpoint that reads the record; ``message`` is for trouble.

    Who may read then sees what ended before they asked, unless the keeper is that far behind.
    """
    return [trouble(message), params.Depends(_catch_up_for_readers)]


def reading_spend() -> list[params.Depends]:
    """Return the dependencies of an endpoint that tells what was spent, which everybody may ask.

    As with the record, what ended before is in the answer, unless the keeper is that far behind.
    """
    return [trouble("Internal error with AI spend."), params.Depends(_catch_up)]
