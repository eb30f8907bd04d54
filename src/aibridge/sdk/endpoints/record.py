"""Reading the record: interceptions, sessions, and what there is to filter them by."""

from uuid import UUID

from pydantic import TypeAdapter

from aibridge.contract import Interception, InterceptionList, Provider, SessionDetail, SessionList
from aibridge.contract.paths import PREFIXES
from aibridge.sdk.filters import InterceptionFilter, SessionFilter
from aibridge.sdk.request import Id, Request, given, positive, segment

BASE = PREFIXES[0]
_NAMES: TypeAdapter[list[str]] = TypeAdapter(list[str])
_PROVIDERS: TypeAdapter[list[Provider]] = TypeAdapter(list[Provider])


def interceptions(
    where: InterceptionFilter | None, *, limit: int = 0, offset: int = 0, after_id: Id = None
) -> Request[InterceptionList]:
    """Ask for a page of interceptions."""
    query = {"q": where.query() if where else "", **given(after_id=after_id)}
    query |= positive(limit=limit, offset=offset)
    return Request(f"{BASE}/interceptions", query, InterceptionList.model_validate_json)


def interception(interception_id: str | UUID) -> Request[Interception]:
    """Ask for one interception."""
    path = f"{BASE}/interceptions/{segment(interception_id)}"
    return Request(path, {}, Interception.model_validate_json)


def sessions(
    where: SessionFilter | None,
    *,
    limit: int = 0,
    offset: int = 0,
    after_session_id: str | None = None,
    after_initiator_id: Id = None,
) -> Request[SessionList]:
    """Ask for a page of sessions."""
    query = {"q": where.query() if where else ""}
    query |= given(after_session_id=after_session_id, after_initiator_id=after_initiator_id)
    query |= positive(limit=limit, offset=offset)
    return Request(f"{BASE}/sessions", query, SessionList.model_validate_json)


def session_threads(
    session_id: str,
    *,
    after_id: Id = None,
    before_id: Id = None,
    limit: int = 0,
    initiator: Id = None,
) -> Request[SessionDetail]:
    """Ask for a session with a page of its threads."""
    query = given(after_id=after_id, before_id=before_id, initiator=initiator)
    query |= positive(limit=limit)
    return Request(
        f"{BASE}/sessions/{segment(session_id)}", query, SessionDetail.model_validate_json
    )


def clients(*, q: str = "", limit: int = 0, offset: int = 0) -> Request[list[str]]:
    """Ask for the names of clients."""
    return _names("clients", q, limit, offset)


def models(*, q: str = "", limit: int = 0, offset: int = 0) -> Request[list[str]]:
    """Ask for the names of models."""
    return _names("models", q, limit, offset)


def providers() -> Request[list[Provider]]:
    """Ask for the providers."""
    return Request(f"{BASE}/providers", {}, _PROVIDERS.validate_json)


def _names(kind: str, q: str, limit: int, offset: int) -> Request[list[str]]:
    query = given(q=q) | positive(limit=limit, offset=offset)
    return Request(f"{BASE}/{kind}", query, _NAMES.validate_json)
