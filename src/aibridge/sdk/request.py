"""A request of the API as a value: where to ask, what to send, how to read the answer."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote
from uuid import UUID

import httpx
from pydantic import SecretStr, ValidationError

from aibridge.contract import Body
from aibridge.contract.wording import worded
from aibridge.sdk.errors import WrongArgument

_NIL = str(UUID(int=0))

T_co = TypeVar("T_co", covariant=True)
Id = str | UUID | None
"""A cursor; ``None``, an empty text and the nil UUID all mean that there is none."""


@dataclass(frozen=True, slots=True)
class Request(Generic[T_co]):
    """What to ask for at ``path`` with ``query``; ``parse`` reads the body of a success.

    Only the status ``success`` is one: the contract says it for each route. ``parse`` raises
    pydantic's `ValidationError` for an answer of another shape. ``body`` is JSON, which may hold
    a password and does not show.
    """

    path: str
    query: dict[str, str]
    parse: Callable[[bytes], T_co]
    method: str = "GET"
    body: bytes | None = field(default=None, repr=False)
    success: int = httpx.codes.OK
    repeatable: bool = True
    """Whether asking twice does what asking once does."""


def changing(
    method: str,
    path: str,
    parse: Callable[[bytes], T_co],
    body: Body | None = None,
    *,
    success: int = httpx.codes.OK,
    repeatable: bool | None = None,
) -> Request[T_co]:
    """Return a request that changes something; of these only a PUT is repeatable by itself."""
    if repeatable is None:
        repeatable = method == "PUT"
    content = None if body is None else to_json(body)
    return Request(path, {}, parse, method, content, success, repeatable)


def deleting(path: str) -> Request[None]:
    """Return a request that deletes what is at ``path``: a second one would not find it."""
    return changing("DELETE", path, nothing, success=httpx.codes.NO_CONTENT)


def nothing(_content: bytes) -> None:
    """Read an answer that says nothing but that it went well."""


B = TypeVar("B", bound=Body)


def body(kind: type[B], **values: object) -> B:
    """Return a body with those of ``values`` that are not ``None``. Raises `WrongArgument`."""
    try:
        return kind.model_validate({k: value for k, value in values.items() if value is not None})
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise WrongArgument(f"{place}: {worded(problem)}") from None


def to_json(content: Body) -> bytes:
    """Return a body as it is sent: what was set and nothing else, secrets revealed."""
    values = content.model_dump(exclude_unset=True)
    text = json.dumps(values, default=_revealed, ensure_ascii=False, separators=(",", ":"))
    return _encoded(text)


def _encoded(text: str) -> bytes:
    """Return text as UTF-8. Raises `WrongArgument` for half a character, and repeats nothing."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise WrongArgument("a text holds half a character, which cannot be sent") from None


def _revealed(value: Any) -> str:  # noqa: ANN401 - what json cannot write
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"cannot be sent: {type(value).__name__}")


def segment(name: str | UUID) -> str:
    """Return a name or an id as one segment of a path. Raises `WrongArgument` for none.

    Dots are escaped where the whole of it is a step to another path.
    """
    text = str(name)
    if not text:
        raise WrongArgument("a name or an id is needed; it is empty")
    if text in {".", ".."}:
        return text.replace(".", "%2E")
    return quote(_encoded(text), safe="")


def given(**values: Id) -> dict[str, str]:
    """Return those parameters of a query that are set. Raises `WrongArgument`."""
    set_ones = {name: str(value) for name, value in values.items() if value}
    _encoded("".join(set_ones.values()))
    return {name: value for name, value in set_ones.items() if value != _NIL}


def positive(**values: int) -> dict[str, str]:
    """Return those parameters of a query that are positive numbers."""
    return {name: str(value) for name, value in values.items() if value > 0}
