"""What the description of the API says of an endpoint, given where the endpoint stands."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi import Depends

from aibridge.api.parameters import check_names
from aibridge.api.responses import JsonResponse
from aibridge.contract import Body, ErrorBody

LONGEST = 2**31 - 1

BODY = "x-body"
"""Where a route says which model its body is, until the description is made."""

MEDIA = "x-media"
"""Where a route says what else than JSON its answer is, until the description is made."""

Parameter = dict[str, Any]


def _query(name: str, description: str, **schema: Any) -> Parameter:  # noqa: ANN401 - JSON schema
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _optional(name: str, description: str, **schema: Any) -> Parameter:  # noqa: ANN401 - see above
    """Return a parameter that counts as absent when it is empty, as with the original."""
    return _query(name, description, anyOf=[schema, {"type": "string", "maxLength": 0}])


def whole(name: str, description: str, most: int) -> Parameter:
    """Return a parameter of a whole number from 0 to ``most``."""
    return _optional(name, description, type="integer", minimum=0, maximum=most)


def limit(default: int) -> Parameter:
    """Return the parameter ``limit`` of a list."""
    return whole("limit", f"Items at most, 1 to 1000; 0 means {default}, the default.", 1000)


LIMIT = limit(100)
OFFSET = whole("offset", "Items to pass over; not together with a cursor.", LONGEST)
THREADS_LIMIT = _optional(
    "limit",
    "Threads at most, 1 to 200; 50 by default.",
    type="integer",
    minimum=1,
    maximum=200,
)
SEARCH_FORMAT = "aibridge-search"
"""The format of `q`: a language of its own, which no pattern can tell."""


def search(keys: Iterable[str], bare: str = "") -> Parameter:
    """Return the parameter ``q``, with the keys it knows in an endpoint, and what bare text is."""
    told = f"What to look for: terms such as key:value or -key:value. Keys: {', '.join(keys)}."
    return _query(
        "q",
        f"{told} Bare text: {bare}." if bare else told,
        type="string",
        format=SEARCH_FORMAT,
        maxLength=8192,
    )


def text(name: str, description: str, *, most: int | None = 256) -> Parameter:
    """Return a parameter of a text that may be anything; it may be of any length for ``None``."""
    bound = {} if most is None else {"maxLength": most}
    return _query(name, description, type="string", **bound)


def one_of(name: str, description: str, values: Iterable[str]) -> Parameter:
    """Return a parameter of a few values."""
    return _optional(name, description, type="string", enum=list(values))


def needed(parameter: Parameter) -> Parameter:
    """Return a parameter as one that has to be there, and not empty."""
    return {**parameter, "required": True, "schema": {**parameter["schema"], "minLength": 1}}


def flag(name: str, description: str) -> Parameter:
    """Return a parameter that is true or false, false by default."""
    return _optional(name, description, type="boolean")


def uuid(name: str, description: str) -> Parameter:
    """Return a parameter of an id."""
    return _optional(name, description, type="string", format="uuid")


def time(name: str, description: str) -> Parameter:
    """Return a parameter of a moment."""
    return _optional(name, description, type="string", format="date-time")


AFTER_ID = uuid("after_id", "The id of the last item of the page before; not together with offset.")
PAGING = (LIMIT, OFFSET)
CURSORS = (*PAGING, AFTER_ID)


_REFUSALS = {
    400: "The request is wrong; validations name each parameter or field.",
    401: "The token is missing, unknown or expired, or the password is wrong.",
    403: "The token lacks the scope, or the caller may not do this to what they can see.",
    404: "There is no such thing, or the caller may not see it.",
    408: "The body did not come to its end in time.",
    409: "It is there already, or somebody else has the name.",
    413: "The body is too large.",
    415: "The body is not said to be JSON.",
    421: "The header Host is no name of the bridge.",
    429: "Too many attempts; Retry-After says when to try again.",
    500: "Trouble of the bridge.",
    503: "Trouble of the bridge for now; Retry-After says when to try again.",
}
_ALWAYS = (400, 401, 403, 404, 421, 500, 503)


def documented(
    answer: Any = None,  # noqa: ANN401 - a type, or a generic alias of one
    *,
    status: int = 200,
    body: type[Body] | None = None,
    parameters: Iterable[Parameter] = (),
    refusals: Iterable[int] = (),
    is_open: bool = False,
    links: Mapping[str, Mapping[str, str]] | None = None,
    media: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the options of a route: its answer, its body, its query, its refusals.

    ``is_open`` is a route that needs no token; of the others the caller is looked up before the
    names in the query are checked. ``links`` says, by the names of other endpoints,
    which values of the answer are parameters there. ``media`` are the types of an answer that is a
    file and not JSON.
    """
    extra: dict[str, Any] = {"parameters": list(parameters)}
    if body is not None:
        reference = {"$ref": f"#/components/schemas/{body.__name__}"}
        extra["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": reference}},
        }
        extra[BODY] = body.__name__
        refusals = (*refusals, 408, 413, 415)
    if is_open:
        extra["security"] = []
    if media:
        extra[MEDIA] = list(media)
    statuses = sorted({*_ALWAYS, *refusals})
    responses: dict[int | str, Any] = {
        one: {"model": ErrorBody, "description": _REFUSALS[one]} for one in statuses
    }
    if links:
        responses[status] = {"links": {name: _link(name, links[name]) for name in links}}
    return {
        "response_model": answer,
        "response_class": JsonResponse,
        "status_code": status,
        "responses": responses,
        "openapi_extra": extra,
        **({"dependencies": [Depends(check_names)]} if is_open else {}),
    }


def _link(name: str, parameters: Mapping[str, str]) -> dict[str, Any]:
    return {
        "operationId": name,
        "parameters": {one: f"$response.body#/{field}" for one, field in parameters.items()},
    }
