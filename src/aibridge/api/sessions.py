"""The list of sessions, and one session with its threads."""

from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Path, Request

from aibridge.api.access import Caller, Visitor, reading_record
from aibridge.api.documented import PAGING, THREADS_LIMIT, documented, search, text, uuid
from aibridge.api.errors import ApiError
from aibridge.api.parameters import Parameters, bad_cursor, refuse_both_cursors, thread_page
from aibridge.api.responses import JsonResponse
from aibridge.api.search import KEYS, ME, search_sessions, visible_to
from aibridge.contract import SessionDetail, SessionList
from aibridge.identity.rights import Reach, Right
from aibridge.sessions import reading
from aibridge.sessions.reading import ThreadPage
from aibridge.store.lists.interceptions import CursorNotFoundError
from aibridge.store.lists.sessions import SessionCursor
from aibridge.store.lists.threads import ForeignCursorError

router = APIRouter(tags=["record"])

SessionPath = Annotated[str, Path(description="The session's id, as its client sent it.")]


@router.get(
    "/sessions",
    dependencies=reading_record("Internal error getting AI Bridge sessions."),
    **documented(
        SessionList,
        parameters=(
            *PAGING,
            text("after_session_id", "The id of the last session of the page before."),
            uuid("after_initiator_id", "Whose that session was, where ids are the same."),
            uuid("after_id", "Means nothing here; clients of the original may send it."),
            search(KEYS),
        ),
    ),
)
def list_sessions(request: Request, caller: Caller) -> JsonResponse:
    """Answer a page of sessions, most recently active first; an empty one to who may not read.

    Beyond the contract, ``after_initiator_id`` beside ``after_session_id`` makes the cursor
    exact where several users have sent the same session id.
    """
    parameters = Parameters(request.query_params)
    after = _session_cursor(parameters)
    paging = parameters.paging()
    refuse_both_cursors(after, paging, "after_session_id")
    database = caller.services.database
    where = search_sessions(database, caller, parameters.text("q"))
    if caller.reach(Right.READ_RECORD) is Reach.NONE:
        return JsonResponse(SessionList(count=0, sessions=[]))
    try:
        page = reading.list_sessions(
            database,
            where,
            limit=paging.limit,
            offset=paging.offset,
            after=after,
        )
    except CursorNotFoundError as error:
        detail = f'after_session_id: session "{error}" not found'
        raise ApiError(400, "Query parameter has invalid value.", detail=detail) from error
    return JsonResponse(page)


def _session_cursor(parameters: Parameters) -> SessionCursor | None:
    parameters.uuid("after_id")  # the original's client may send it: it means nothing here
    session_id = parameters.text("after_session_id")
    initiator_id = parameters.uuid("after_initiator_id")
    return SessionCursor(session_id, initiator_id) if session_id else None


@router.get(
    "/sessions/{session_id:path}",
    dependencies=reading_record("Internal error fetching session."),
    **documented(
        SessionDetail,
        parameters=(
            THREADS_LIMIT,
            uuid("after_id", "The id of the thread before the page."),
            uuid("before_id", "The id of the thread after the page; not together with after_id."),
            text("initiator", "Whose session: a user's id, a username, or me.", most=64),
        ),
    ),
)
def show_session(request: Request, session_id: SessionPath, caller: Caller) -> JsonResponse:
    """Answer one session with a page of its threads, oldest first.

    Beyond the contract, ``initiator`` (a user's id, a username, or ``me``) chooses among users
    who have sent the same session id; without it the most recently active one is shown.
    """
    if not session_id:
        raise ApiError(400, "Missing session_id path parameter.")
    parameters = Parameters(request.query_params)
    page = thread_page(parameters)
    initiator = parameters.text("initiator") or None
    if initiator == ME:
        initiator = caller.person.user_id
    if caller.reach(Right.READ_RECORD) is Reach.NONE:
        raise _not_found()
    for spelling in _spellings(request, session_id):
        detail = _read(caller, spelling, page, initiator)
        if detail is not None:
            return JsonResponse(detail)
    raise _not_found()


def _not_found() -> ApiError:
    return ApiError(404, "Session not found.")


def _spellings(request: Request, session_id: str) -> list[str]:
    """Return the ids that the path may mean: decoded, or as it was sent.

    Clients of the original's SDK put the id into the path as it is, percent signs and all.
    """
    raw_path: bytes = request.scope.get("raw_path") or b""
    _, found, raw = raw_path.partition(b"/sessions/")
    sent = raw.partition(b"?")[0].decode("ascii", "replace")
    as_sent = [sent] if found and sent != session_id and unquote(sent) == session_id else []
    return [session_id, *as_sent]


def _read(
    caller: Visitor, session_id: str, page: ThreadPage, initiator: str | None
) -> SessionDetail | None:
    try:
        return reading.show_session(
            caller.services.database,
            session_id,
            page,
            initiator=initiator,
            visible_to=visible_to(caller),
        )
    except CursorNotFoundError as error:
        raise bad_cursor(f"interception {error} not found") from error
    except ForeignCursorError as error:
        detail = f"interception {error} does not belong to session {session_id}"
        raise bad_cursor(detail) from error
