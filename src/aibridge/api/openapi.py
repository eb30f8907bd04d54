"""The description of the API, made of the routes, the models and the examples."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import Response

from aibridge import __version__, contract
from aibridge.api.documented import BODY, MEDIA
from aibridge.api.examples import EXAMPLES
from aibridge.api.responses import JsonResponse
from aibridge.contract import Body
from aibridge.contract.paths import PREFIXES

PATH = "/openapi.json"

_DESCRIPTION = f"""\
Reads what AI Bridge has recorded, and administers users, tokens, groups, budgets and prices.

The routes below `{PREFIXES[0]}` stand below `{PREFIXES[1]}` too. Times are RFC 3339 in UTC,
money is integers of micro-dollars. Beside what is described here an answer may hold further keys.
"""
_REFERENCE = "#/components/schemas/{model}"
_SECURITY = {
    "SessionToken": {"type": "apiKey", "in": "header", "name": "Coder-Session-Token"},
    "Bearer": {"type": "http", "scheme": "bearer"},
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
}

Description = dict[str, Any]


def install(app: FastAPI) -> None:
    """Serve the description at `PATH`; it is made when it is first asked for."""

    async def show(_request: Request) -> Response:
        return JsonResponse(app.openapi())

    app.openapi = lambda: _description(app)  # type: ignore[method-assign]
    app.router.add_route(PATH, show, include_in_schema=False)


def _description(app: FastAPI) -> Description:
    if app.openapi_schema is None:
        app.openapi_schema = _make(app)
    return app.openapi_schema


def _make(app: FastAPI) -> Description:
    found = get_openapi(
        title="AI Bridge",
        version=__version__,
        description=_DESCRIPTION,
        routes=app.routes,
    )
    found["security"] = [{name: []} for name in _SECURITY]
    components = found.setdefault("components", {})
    components["securitySchemes"] = _SECURITY
    schemas = components.setdefault("schemas", {})
    for operation in _operations(found):
        _add_body(operation, schemas)
        _set_media(operation)
        operation["responses"].pop("422", None)  # FastAPI's own refusals are 400 here
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for name, example in EXAMPLES.items():
        schemas[name]["examples"] = [example]
    return found


def _operations(description: Description) -> list[Description]:
    return [operation for path in description["paths"].values() for operation in path.values()]


def _set_media(operation: Description) -> None:
    """Describe an answer that is no JSON."""
    media = operation.pop(MEDIA, None)
    if media is not None:
        content = {one: {"schema": {"type": "string"}} for one in media}
        operation["responses"]["200"]["content"] = content


def _add_body(operation: Description, schemas: Description) -> None:
    """Add the model that `documented` names to those that FastAPI has found itself."""
    name = operation.pop(BODY, None)
    if name is None:
        return
    model: type[Body] = getattr(contract, name)
    schema = model.model_json_schema(ref_template=_REFERENCE)
    schemas.update(schema.pop("$defs", {}))
    schemas[name] = schema
