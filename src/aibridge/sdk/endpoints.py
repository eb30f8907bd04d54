"""The requests of the API, as values: where to ask, what to send, how to read the answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import quote
from uuid import UUID

from pydantic import TypeAdapter

from aibridge.contract import InterceptionList, SessionDetail, SessionList
from aibridge.contract.paths import PREFIXES
from aibridge.sdk.filters import InterceptionFilter, SessionFilter

BASE = PREFIXES[0]
_NIL = str(UUID(int=0))
_NAMES: TypeAdapter[list[str]] = TypeAdapter(list[str])

T_co = TypeVar("T_co", covariant=True)
Id = str | UUID | None
"""A cursor; ``None``, an empty text and the nil UUID all mean that there is none."""


@dataclass(frozen=True, slots=True)
class Request(Generic[T_co]):
    """A GET of ``path`` with ``query``; ``parse`` reads its answer's JSON.

    ``parse`` raises pydantic's `ValidationError` for an answer of another shape.
    """

    path: str
    query: dict[str, str]
    parse: Callable[[bytes], T_co]


def interceptions(
    where: InterceptionFilter | None, *, limit: int = 0, offset: int = 0, after_id: Id = None
) -> Request[InterceptionList]:
    """Ask for a page of interceptions."""
    query = {"q": where.query() if where else "", **_set(after_id=after_id)}
    query |= _positive(limit=limit, offset=offset)
    return Request(f"{BASE}/interceptions", query, InterceptionList.model_validate_json)


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
    query |= _set(after_session_id=after_session_id, after_initiator_id=after_initiator_id)
    query |= _positive(limit=limit, offset=offset)
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
    query = _set(after_id=after_id, before_id=before_id, initiator=initiator)
    query |= _positive(limit=limit)
    return Request(
        f"{BASE}/sessions/{_segment(session_id)}", query, SessionDetail.model_validate_json
    )


def clients(*, q: str = "", limit: int = 0, offset: int = 0) -> Request[list[str]]:
    """Ask for the names of clients."""
    return _names("clients", q, limit, offset)


def models(*, q: str = "", limit: int = 0, offset: int = 0) -> Request[list[str]]:
    """Ask for the names of models."""
    return _names("models", q, limit, offset)


def _names(kind: str, q: str, limit: int, offset: int) -> Request[list[str]]:
    query = _set(q=q) | _positive(limit=limit, offset=offset)
    return Request(f"{BASE}/{kind}", query, _NAMES.validate_json)


def _segment(session_id: str) -> str:
    """Return an id, which a client made up, as one segment of a path.

    Dots are escaped where the whole of it is a step to another path.
    """
    if session_id in {".", ".."}:
        return session_id.replace(".", "%2E")
    return quote(session_id, safe="")


def _set(**values: Id) -> dict[str, str]:
    return {name: str(value) for name, value in values.items() if value and str(value) != _NIL}


def _positive(**values: int) -> dict[str, str]:
    return {name: str(value) for name, value in values.items() if value > 0}
