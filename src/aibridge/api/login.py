"""The first user, and logging in and out."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Request

from aibridge import __version__
from aibridge.addresses import network_of
from aibridge.api import shapes
from aibridge.api.access import Known, whence
from aibridge.api.bodies import open_body
from aibridge.api.documented import documented
from aibridge.api.errors import ApiError, not_found, trouble
from aibridge.api.passwords import Trial
from aibridge.api.responses import JsonResponse
from aibridge.api.services import Given, Services
from aibridge.contract import (
    AuditAction,
    CreateFirstUserRequest,
    CreateFirstUserResponse,
    LoginRequest,
    LoginResponse,
    Message,
    SiteRole,
    rfc3339,
)
from aibridge.identity import accounts
from aibridge.identity.audit import Act, Actor
from aibridge.identity.issuing import delete_token, log_in
from aibridge.ids import moment
from aibridge.principals import NOBODY, Person
from aibridge.store.people import tokens as token_store
from aibridge.store.people import users as store
from aibridge.store.people.users import ACTIVE, Connection

router = APIRouter(tags=["login"], dependencies=[trouble("Internal error logging in.")])

_RELEASE = {"X-Coder-Build-Version": f"v0.0.0-aibridge.{__version__}"}
"""What clients of the original know an API of theirs by: none of its releases, and as compatible
with each of them as one of a developer's."""
_KNOWN = "The initial user has already been created!"


@router.get("/users/first", **documented(Message, is_open=True))
def show_first_user(services: Given) -> JsonResponse:
    """Say whether there is a user yet; 404 while there is none."""
    with services.database.read() as connection:
        if store.count(connection):
            return JsonResponse(Message(message=_KNOWN), headers=_RELEASE)
    raise ApiError(404, "The initial user has not been created!", headers=_RELEASE)


@router.post(
    "/users/first",
    **documented(
        CreateFirstUserResponse,
        status=201,
        body=CreateFirstUserRequest,
        refusals=[409],
        is_open=True,
    ),
)
def create_first_user(
    request: Request,
    services: Given,
    new: Annotated[CreateFirstUserRequest, open_body(CreateFirstUserRequest)],
) -> JsonResponse:
    """Make the owner, where there is no user at all."""
    with services.database.read() as connection:
        _refuse_second(connection)
    hashed = services.strangers_passwords.hash(new.password.get_secret_value())
    with services.database.write() as connection:
        _refuse_second(connection)  # somebody else may have been faster
        act = Act(connection, _stranger(request, new.username))
        user = accounts.create_user(
            act,
            new.username,
            [SiteRole.OWNER],
            email=new.email,
            name=new.name,
            password_hash=hashed,
        )
    made = CreateFirstUserResponse(user_id=user.id, organization_id=shapes.ORGANIZATION.id)
    return JsonResponse(made, status_code=201)


def _refuse_second(connection: Connection) -> None:
    if store.count(connection):
        raise ApiError(409, _KNOWN)


@router.post(
    "/users/login",
    **documented(LoginResponse, status=201, body=LoginRequest, refusals=[409, 429], is_open=True),
)
def login(
    request: Request,
    services: Given,
    wanted: Annotated[LoginRequest, open_body(LoginRequest)],
) -> JsonResponse:
    """Give a token for the API, for one day, to who knows a password."""
    visitor = _stranger(request)
    user, stored = _checked(services, visitor, wanted)
    with services.database.write() as connection:
        if store.find_account(connection, wanted.email) != (user, stored):
            raise _wrong()  # the password or the account changed while this one was checked
        if user.status != ACTIVE:
            raise ApiError(401, "Your account is suspended: please ask an administrator.")
        person = Person(user.id, user.username, user.roles, "")
        issued = log_in(Act(connection, replace(visitor, person=person)), user)
        notices = tuple(_notices(connection, user))
    answer = LoginResponse(session_token=issued.text, notices=notices)
    return JsonResponse(answer, status_code=201)


def _notices(connection: Connection, user: store.User) -> Iterator[str]:
    """Yield what somebody should know who logs in.

    Whoever set their password can log in as them. It is told until they choose one themselves,
    not only once: whoever set it may be the first to log in.
    """
    found = store.password_setter(connection, user.id)
    if found is not None:
        name, at = found
        yield (
            f"{name} set your password at {rfc3339(moment(at))} and may know it: "
            "please choose a new one."
        )


def _checked(
    services: Services, visitor: Actor, wanted: LoginRequest
) -> tuple[store.User, str | None]:
    """Return whose password it is. A name that nobody has takes as long, and is refused alike."""
    with services.database.read() as connection:
        account = store.find_account(connection, wanted.email)
    name = account[0].id if account else f"nobody: {wanted.email.lower()}"
    pair = (name, network_of(visitor.ip))
    is_recognized = services.logins.recognizes(pair)
    passwords = services.passwords if is_recognized else services.strangers_passwords
    stored = account[1] if account else None
    if Trial(services.logins, pair).matches(passwords, wanted.password, stored) and account:
        return account
    if account:
        _log_failure(services, visitor, account[0])
    raise _wrong()


def _wrong() -> ApiError:
    return ApiError(401, "Incorrect email or password.")


def _log_failure(services: Services, visitor: Actor, user: store.User) -> None:
    """Write down that somebody tried a user's password: who it was, nobody knows."""
    with services.database.write() as connection:
        description = "refused: the password was wrong"
        act = Act(connection, visitor)
        act.log(AuditAction.LOGIN, accounts.target_of(user), description=description)


def _stranger(request: Request, name: str = "") -> Actor:
    """Return who has no token, and where they are; ``name`` is of who becomes the first user."""
    return Actor(Person(NOBODY, name, frozenset(), ""), *whence(request))


@router.post("/users/logout", **documented(Message))
def logout(caller: Known) -> JsonResponse:
    """Delete the token that this request carries, whatever its scopes."""
    with caller.acting() as act:
        token = token_store.find_token(act.connection, caller.person.token_id)
        if token is None:
            raise not_found()
        delete_token(act, token, AuditAction.LOGOUT)
    return JsonResponse(Message(message="Logged out!"))
