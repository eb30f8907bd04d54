"""The page for people at ``/docs``: Swagger UI over the description, with nothing from outside."""

from importlib.resources import files

from fastapi import APIRouter
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from aibridge import __version__
from aibridge.api.openapi import PATH
from aibridge.api.responses import JsonResponse
from aibridge.contract.paths import PREFIXES

router = APIRouter(include_in_schema=False)

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""Swagger UI styles its elements inline; nothing else may come from anywhere but here."""

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>AI Bridge: the HTTP API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = f"""\
SwaggerUIBundle({{
  url: "{PATH}",
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "list",
  validatorUrl: null,
  persistAuthorization: false,
}});
"""
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


_ABOUT = {
    "name": "AI Bridge",
    "version": __version__,
    "about": "a gateway between coding agents and model providers",
    "docs": "/docs",
    "openapi": PATH,
    "providers": f"{PREFIXES[0]}/PROVIDER",
}
"""What stands at ``/``: what this is, and where to go."""


@router.api_route("/", methods=["GET", "HEAD"])
async def about() -> JsonResponse:
    """Answer what this is, for whoever looks at the bare address."""
    return JsonResponse(_ABOUT)


@router.get("/docs")
async def page() -> Response:
    """Answer the page."""
    return Response(_PAGE, media_type="text/html", headers=_HEADERS)


@router.get("/docs/start.js")
async def start() -> Response:
    """Answer what starts Swagger UI: the policy allows no script inside the page."""
    return Response(_START, media_type="text/javascript", headers=_HEADERS)


router.mount("/docs/assets", StaticFiles(directory=str(files("fastapi_offline") / "static")))
