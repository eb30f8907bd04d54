"""Tokens: listing, making and deleting them."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from aibridge.api import shapes
from aibridge.api.access import Caller, Visitor
from aibridge.api.bodies import body
from aibridge.api.documented import documented, flag
from aibridge.api.errors import not_found, trouble
from aibridge.api.parameters import Parameters
from aibridge.api.responses import JsonResponse, no_content
from aibridge.api.users import UserPath, named_user
from aibridge.contract import (
    LONGEST_LIFETIME_SECONDS,
    AuditAction,
    CreatedToken,
    CreateTokenRequest,
    NewKey,
    Token,
    TokenConfig,
)
from aibridge.identity.issuing import delete_token as delete
from aibridge.identity.issuing import expire_token as expire
from aibridge.identity.issuing import issue_token, log_in
from aibridge.identity.rights import Reach, Right
from aibridge.ids import now
from aibridge.store.people import tokens as store
from aibridge.store.people.users import Connection

router = APIRouter(tags=["tokens"], dependencies=[trouble("Internal error with tokens.")])

TokenPath = Annotated[str, Path(max_length=10, description="The first part of the token.")]
_TOKENS = (
    flag("include_all", "Whether to list everybody's, for who may see them."),
    flag("include_expired", "Whether to list expired ones too, as without it."),
)


@router.get("/users/{user}/keys/tokens", **documented(list[Token], parameters=_TOKENS))
def list_tokens(request: Request, user: UserPath, caller: Caller) -> JsonResponse:
    """List a user's tokens without their secrets, oldest first."""
    parameters = Parameters(request.query_params)
    everybody = parameters.flag("include_all")
    valid_at = None if parameters.flag("include_expired", default=True) else now()
    parameters.check()
    caller.services.write_last_uses()
    with caller.services.database.read() as connection:
        owner = None  # of everybody's, whoever asks: the operator is no user
        if not (everybody and caller.reach(Right.READ_TOKENS) is Reach.ALL):
            owner = named_user(connection, caller, user, Right.READ_TOKENS).id
        rows = store.list_tokens(connection, owner, valid_at=valid_at)
    return JsonResponse([shapes.token(row) for row in rows])


@router.post(
    "/users/{user}/keys/tokens",
    **documented(
        CreatedToken,
        status=201,
        body=CreateTokenRequest,
        refusals=[409],
        links={name: {"user": "user_id", "token": "id"} for name in ("show_token", "delete_token")},
    ),
)
def create_token(
    user: UserPath, caller: Caller, new: Annotated[CreateTokenRequest, body(CreateTokenRequest)]
) -> JsonResponse:
    """Make a token; its text is in this answer and nowhere else."""
    with caller.acting() as act:
        found = named_user(act.connection, caller, user, Right.WRITE_TOKENS)
        issued = issue_token(act, found, new.token_name, new.lasts, new.scopes)
    return JsonResponse(shapes.created_token(issued), status_code=201)


@router.post("/users/{user}/keys", **documented(NewKey, status=201, refusals=[409]))
def create_login_token(user: UserPath, caller: Caller) -> JsonResponse:
    """Make a token such as a login gives: for the API, for one day."""
    with caller.acting() as act:
        found = named_user(act.connection, caller, user, Right.WRITE_TOKENS)
        issued = log_in(act, found, AuditAction.CREATE)
    return JsonResponse(NewKey(key=issued.text), status_code=201)


@router.get("/users/{user}/keys/tokens/tokenconfig", **documented(TokenConfig))
def show_token_config(user: UserPath, caller: Caller) -> JsonResponse:
    """Show how long a user's tokens may live."""
    with caller.services.database.read() as connection:
        named_user(connection, caller, user, Right.READ_TOKENS)
    return JsonResponse(TokenConfig(max_token_lifetime=LONGEST_LIFETIME_SECONDS * 1_000_000_000))


@router.get("/users/{user}/keys/tokens/{name:path}", **documented(Token))
def show_token_by_name(
    user: UserPath,
    name: Annotated[str, Path(max_length=64, description="The token's name.")],
    caller: Caller,
) -> JsonResponse:
    """Show a token, found by its name, without its secret."""
    caller.services.write_last_uses()
    with caller.services.database.read() as connection:
        owner = named_user(connection, caller, user, Right.READ_TOKENS)
        found = store.token_by_name(connection, name, owner.id)
    if found is None:
        raise not_found()
    return JsonResponse(shapes.token(found))


@router.get("/users/{user}/keys/{token}", **documented(Token))
def show_token(user: UserPath, token: TokenPath, caller: Caller) -> JsonResponse:
    """Show a token without its secret."""
    caller.services.write_last_uses()
    with caller.services.database.read() as connection:
        found = _named_token(connection, caller, user, token, Right.READ_TOKENS)
    return JsonResponse(shapes.token(found))


@router.delete("/users/{user}/keys/{token}", **documented(status=204))
def delete_token(user: UserPath, token: TokenPath, caller: Caller) -> Response:
    """Delete a token: it is refused from its next request on."""
    with caller.acting() as act:
        delete(act, _named_token(act.connection, caller, user, token, Right.WRITE_TOKENS))
    return no_content()


@router.put("/users/{user}/keys/{token}/expire", **documented(status=204))
def expire_token(user: UserPath, token: TokenPath, caller: Caller) -> Response:
    """Have a token end now: it is refused from its next request on, and stays in the lists."""
    with caller.acting() as act:
        expire(act, _named_token(act.connection, caller, user, token, Right.WRITE_TOKENS))
    return no_content()


def _named_token(
    connection: Connection, caller: Visitor, user: str, token: str, right: Right
) -> store.Token:
    owner = named_user(connection, caller, user, right)
    found = store.find_token(connection, token, owner.id)
    if found is None:
        raise not_found()
    return found
