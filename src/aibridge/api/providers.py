"""The providers: for menus of filters, and as configured (contract, sections 1.9 and 1.14)."""

from typing import Annotated

from fastapi import APIRouter, Path

from aibridge.api.access import Caller, reading_record
from aibridge.api.documented import documented
from aibridge.api.errors import not_found, trouble
from aibridge.api.responses import JsonResponse
from aibridge.api.search import visible_to
from aibridge.contract import AIProvider, Provider
from aibridge.identity.rights import Reach, Right
from aibridge.store.lists import interceptions
from aibridge.store.lists.filters import Filter

router = APIRouter(tags=["record"])


@router.get(
    "/providers",
    dependencies=reading_record("Internal error getting AI providers."),
    **documented(list[Provider]),
)
def list_providers(caller: Caller) -> JsonResponse:
    """List the providers that are configured, and those that were and are on record."""
    if caller.reach(Right.READ_PROVIDERS) is Reach.NONE:
        raise not_found()
    with caller.services.database.read() as connection:
        recorded = interceptions.providers(connection, Filter(visible_to=visible_to(caller)))
    known = {one.name: _listed(one.name, one.type) for one in caller.services.configured}
    for name, kind in recorded:
        known.setdefault(name, _listed(name, kind))
    return JsonResponse(sorted(known.values(), key=lambda provider: provider.name))


def _listed(name: str, kind: str) -> Provider:
    return Provider(name=name, type=kind, display_name=name, icon="")


configured = APIRouter(tags=["providers"], dependencies=[trouble("Internal error with providers.")])


@configured.get("/ai/providers", **documented(list[AIProvider]))
def list_configured(caller: Caller) -> JsonResponse:
    """List the configured providers with what may be shown of their keys."""
    caller.require(Right.READ_CONFIGURATION)
    return JsonResponse(list(caller.services.configured))


@configured.get("/ai/providers/{provider}", **documented(AIProvider))
def show_configured(
    provider: Annotated[str, Path(max_length=64, description="The provider's id or name.")],
    caller: Caller,
) -> JsonResponse:
    """Show a configured provider."""
    caller.require(Right.READ_CONFIGURATION)
    wanted = provider.lower()
    for one in caller.services.configured:
        if wanted in {one.id, one.name}:
            return JsonResponse(one)
    raise not_found()
