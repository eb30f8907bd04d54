"""Tokens: listing, making and deleting them."""

from datetime import timedelta
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
from aibridge.contract import CreatedToken, CreateTokenRequest, Token
from aibridge.identity.issuing import delete_token as delete
from aibridge.identity.issuing import issue_token
from aibridge.identity.rights import Reach, Right
from aibridge.store import tokens as store
from aibridge.store.users import Connection

router = APIRouter(tags=["tokens"], dependencies=[trouble("Internal error with tokens.")])

TokenPath = Annotated[str, Path(max_length=10, description="The first part of the token.")]
_EVERYBODY = flag("include_all", "Whether to list everybody's, for who may see them.")


@router.get("/users/{user}/keys/tokens", **documented(list[Token], parameters=[_EVERYBODY]))
def list_tokens(request: Request, user: UserPath, caller: Caller) -> JsonResponse:
    """List a user's tokens without their secrets, oldest first, expired ones too."""
    parameters = Parameters(request.query_params)
    everybody = parameters.flag("include_all")
    parameters.check()
    caller.services.write_last_uses()
    with caller.services.database.read() as connection:
        if everybody and caller.reach(Right.READ_TOKENS) is Reach.ALL:
            rows = store.list_tokens(connection)  # whoever asks: the operator is no user
        else:
            found = named_user(connection, caller, user, Right.READ_TOKENS)
            rows = store.list_tokens(connection, found.id)
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
    lifetime = timedelta(seconds=new.lifetime_seconds) if new.lifetime_seconds else None
    with caller.acting() as act:
        found = named_user(act.connection, caller, user, Right.WRITE_TOKENS)
        issued = issue_token(act, found, new.token_name, lifetime, new.scopes)
    return JsonResponse(shapes.created_token(issued), status_code=201)


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


def _named_token(
    connection: Connection, caller: Visitor, user: str, token: str, right: Right
) -> store.Token:
    owner = named_user(connection, caller, user, right)
    found = store.find_token(connection, token, owner.id)
    if found is None:
        raise not_found()
    return found
