"""Reading the record: interceptions, sessions, and what there is to filter them by."""

from uuid import UUID

from pydantic import TypeAdapter

from aibridge.contract import Interception, InterceptionList, Provider, SessionDetail, SessionList
from aibridge.contract.paths import PREFIXES
from aibridge.sdk.arguments import Count, checked
from aibridge.sdk.filters import InterceptionFilter, SessionFilter
from aibridge.sdk.names import Id
from aibridge.sdk.request import Request, encoded, given, positive, segment

BASE = PREFIXES[0]
_NAMES: TypeAdapter[list[str]] = TypeAdapter(list[str])
_PROVIDERS: TypeAdapter[list[Provider]] = TypeAdapter(list[Provider])


@checked
def interceptions(
    where: InterceptionFilter | None, *, limit: Count = 0, offset: Count = 0, after_id: Id = None
) -> Request[InterceptionList]:
    """Ask for a page of interceptions."""
    query = {"q": _search(where), **given(after_id=after_id)}
    query |= positive(limit=limit, offset=offset)
    return Request(f"{BASE}/interceptions", query, InterceptionList.model_validate_json)


@checked
def interception(interception_id: str | UUID) -> Request[Interception]:
    """Ask for one interception."""
    path = f"{BASE}/interceptions/{segment(interception_id)}"
    return Request(path, {}, Interception.model_validate_json)


@checked
def sessions(
    where: SessionFilter | None,
    *,
    limit: Count = 0,
    offset: Count = 0,
    after_session_id: str | None = None,
    after_initiator_id: Id = None,
) -> Request[SessionList]:
    """Ask for a page of sessions."""
    query = {"q": _search(where)}
    query |= given(after_session_id=after_session_id, after_initiator_id=after_initiator_id)
    query |= positive(limit=limit, offset=offset)
    return Request(f"{BASE}/sessions", query, SessionList.model_validate_json)


@checked
def session_threads(
    session_id: str,
    *,
    after_id: Id = None,
    before_id: Id = None,
    limit: Count = 0,
    initiator: Id = None,
) -> Request[SessionDetail]:
    """Ask for a session with a page of its threads."""
    query = given(after_id=after_id, before_id=before_id, initiator=initiator)
    query |= positive(limit=limit)
    return Request(
        f"{BASE}/sessions/{segment(session_id)}", query, SessionDetail.model_validate_json
    )


@checked
def clients(*, q: str = "", limit: Count = 0, offset: Count = 0) -> Request[list[str]]:
    """Ask for the names of clients."""
    return _names("clients", q, limit, offset)


@checked
def models(*, q: str = "", limit: Count = 0, offset: Count = 0) -> Request[list[str]]:
    """Ask for the names of models."""
    return _names("models", q, limit, offset)


@checked
def providers() -> Request[list[Provider]]:
    """Ask for the providers."""
    return Request(f"{BASE}/providers", {}, _PROVIDERS.validate_json)


def _search(where: InterceptionFilter | SessionFilter | None) -> str:
    text = "" if where is None else where.query()
    encoded(text)
    return text


def _names(kind: str, q: str, limit: int, offset: int) -> Request[list[str]]:
    query = given(q=q) | positive(limit=limit, offset=offset)
    return Request(f"{BASE}/{kind}", query, _NAMES.validate_json)
