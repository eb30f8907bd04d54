"""Lists of interceptions, models and clients, and one interception."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Request

from aibridge.api.access import Caller, reading_record
from aibridge.api.documented import CURSORS, PAGING, documented, search
from aibridge.api.errors import ApiError
from aibridge.api.parameters import Parameters, id_page, no_such_cursor, parse_uuid
from aibridge.api.responses import JsonResponse
from aibridge.api.search import KEYS, search_interceptions, search_names, visible_to
from aibridge.contract import Interception, InterceptionList
from aibridge.identity.rights import Reach, Right
from aibridge.sessions import reading
from aibridge.store.lists.filters import Filter
from aibridge.store.lists.interceptions import CursorNotFoundError

router = APIRouter(tags=["record"])


@router.get(
    "/interceptions",
    dependencies=reading_record("Internal error getting AI Bridge interceptions."),
    **documented(InterceptionList, parameters=(*CURSORS, search(KEYS, "the initiator"))),
)
def list_interceptions(request: Request, caller: Caller) -> JsonResponse:
    """Answer a page of interceptions, newest first; an empty one to who may not read them."""
    parameters = Parameters(request.query_params)
    paging, after_id = id_page(parameters)
    database = caller.services.database
    where = search_interceptions(database, caller, parameters.text("q"))
    if caller.reach(Right.READ_RECORD) is Reach.NONE:
        return JsonResponse(InterceptionList(count=0, results=[]))
    try:
        page = reading.list_interceptions(
            database,
            where,
            limit=paging.limit,
            offset=paging.offset,
            after_id=after_id,
        )
    except CursorNotFoundError as error:
        raise no_such_cursor("interception", str(error)) from error
    return JsonResponse(page)


InterceptionPath = Annotated[str, Path(description="The interception's id.")]


@router.get(
    "/interceptions/{interception_id}",
    dependencies=reading_record("Internal error fetching interception."),
    **documented(Interception),
)
def show_interception(interception_id: InterceptionPath, caller: Caller) -> JsonResponse:
    """Answer one interception, beyond the contract: its texts are whole, as no list has them."""
    found = None
    if caller.reach(Right.READ_RECORD) is not Reach.NONE:
        found = reading.show_interception(
            caller.services.database, _id(interception_id), visible_to=visible_to(caller)
        )
    if found is None:
        raise ApiError(404, "Interception not found.")
    return JsonResponse(found)


def _id(text: str) -> str:
    try:
        return parse_uuid(text) or ""
    except ValueError:
        return ""


@router.get(
    "/models",
    dependencies=reading_record("Internal error getting AI Gateway models."),
    **documented(list[str], parameters=(*PAGING, search(["model"], "how they begin"))),
)
def list_models(request: Request, caller: Caller) -> JsonResponse:
    """Answer the distinct models on record, ascending."""
    return _names(request, caller, reading.list_models, "model")


@router.get(
    "/clients",
    dependencies=reading_record("Internal error getting AI Gateway clients."),
    **documented(list[str], parameters=(*PAGING, search(["client"], "how they begin"))),
)
def list_clients(request: Request, caller: Caller) -> JsonResponse:
    """Answer the distinct clients on record, ascending, with Unknown for those not recognised."""
    return _names(request, caller, reading.list_clients, "client")


def _names(
    request: Request, caller: Caller, read: Callable[..., list[str]], key: str
) -> JsonResponse:
    parameters = Parameters(request.query_params)
    paging = parameters.paging()
    prefixes = search_names(key, parameters.text("q"))
    if caller.reach(Right.READ_RECORD) is Reach.NONE:
        return JsonResponse([])
    names = read(
        caller.services.database,
        Filter(visible_to=visible_to(caller)),
        prefixes=prefixes,
        limit=paging.limit,
        offset=paging.offset,
    )
    return JsonResponse(names)
