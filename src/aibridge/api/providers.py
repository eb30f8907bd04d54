"""The providers, for menus of filters (contract, section 1.9)."""

from fastapi import APIRouter

from aibridge.api.access import Caller
from aibridge.api.documented import documented
from aibridge.api.errors import not_found, trouble
from aibridge.api.responses import JsonResponse
from aibridge.api.search import visible_to
from aibridge.contract import Provider
from aibridge.identity.rights import Reach, Right
from aibridge.store import interceptions
from aibridge.store.filters import Filter

router = APIRouter(tags=["record"])


@router.get(
    "/providers",
    dependencies=[trouble("Internal error getting AI providers.")],
    **documented(list[Provider]),
)
def list_providers(caller: Caller) -> JsonResponse:
    """List the providers that are configured, and those that were and are on record."""
    if caller.reach(Right.READ_PROVIDERS) is Reach.NONE:
        raise not_found()
    with caller.services.database.read() as connection:
        recorded = interceptions.providers(connection, Filter(visible_to=visible_to(caller)))
    known = {provider.name: provider for provider in caller.services.providers}
    for name, kind in recorded:
        known.setdefault(name, Provider(name=name, type=kind, display_name=name, icon=""))
    return JsonResponse(sorted(known.values(), key=lambda provider: provider.name))
