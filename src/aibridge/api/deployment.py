"""What clients of the original ask an installation about itself, before and beside all else."""

from fastapi import APIRouter, Request

from aibridge import __version__
from aibridge.api.access import Caller
from aibridge.api.documented import documented
from aibridge.api.errors import trouble
from aibridge.api.responses import JsonResponse
from aibridge.contract import AuthMethod, AuthMethods, BuildInfo, Entitlements, Feature
from aibridge.ids import moment, now

router = APIRouter(tags=["deployment"], dependencies=[trouble("Internal error.")])

_FEATURES = ("aibridge", "audit_log", "service_accounts", "template_rbac", "user_role_management")
"""What the original licenses and is here; ``template_rbac`` is groups."""


@router.get("/buildinfo", **documented(BuildInfo, is_open=True))
def show_build(request: Request) -> JsonResponse:
    """Say which release this is."""
    url = str(request.base_url).rstrip("/")
    return JsonResponse(BuildInfo(version=f"v{__version__}", external_url=url, dashboard_url=url))


@router.get("/users/authmethods", **documented(AuthMethods, is_open=True))
def show_auth_methods() -> JsonResponse:
    """Say how people log in."""
    none = AuthMethod(enabled=False)
    return JsonResponse(AuthMethods(password=AuthMethod(enabled=True), github=none, oidc=none))


@router.get("/entitlements", **documented(Entitlements))
def show_entitlements(_caller: Caller) -> JsonResponse:
    """Say which features of the original are there, none of which needs a licence here."""
    entitled = Feature(entitlement="entitled", enabled=True)
    return JsonResponse(
        Entitlements(
            features=dict.fromkeys(_FEATURES, entitled),
            warnings=[],
            errors=[],
            has_license=True,
            trial=False,
            require_telemetry=False,
            refreshed_at=moment(now()),
        )
    )


@router.get("/experiments", **documented(list[str]))
def list_experiments(_caller: Caller) -> JsonResponse:
    """List the experiments that are on: there are none."""
    return JsonResponse([])
