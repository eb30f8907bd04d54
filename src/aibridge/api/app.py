"""The control plane as an ASGI application."""

from collections.abc import Callable, Sequence
from functools import cache, partial

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute

from aibridge.api import (
    audit,
    authcheck,
    budgets,
    caps,
    deployment,
    docs,
    errors,
    groups,
    lists,
    login,
    model_prices,
    openapi,
    organizations,
    providers,
    sessions,
    shapes,
    spend,
    tokens,
    users,
)
from aibridge.api.hosts import HostCheck, hosts_of
from aibridge.api.parameters import QueryCheck
from aibridge.api.request_ids import RequestIds
from aibridge.api.services import Authenticate, Services
from aibridge.contract.paths import API, EXPERIMENTAL, PREFIXES
from aibridge.identity.audit import Target
from aibridge.identity.rights import Rights
from aibridge.journal.catching_up import CatchingUp
from aibridge.prices.installed import installed_catalogue
from aibridge.settings import Settings
from aibridge.store.engine.database import Database

RECORD = (lists.router, sessions.router, providers.router)
ADMINISTRATION = (
    login.router,  # before users, as the next: their paths would be names of users
    deployment.router,
    users.router,
    tokens.router,
    organizations.router,
    groups.router,
    budgets.router,
    *spend.ROUTERS,
    providers.configured,
    authcheck.router,
    audit.router,
)
EXPERIMENTS = (model_prices.router, caps.router, *spend.EXPERIMENTAL)


def services_of(
    settings: Settings,
    database: Database,
    authenticate: Authenticate,
    *,
    write_last_uses: Callable[[], None] = lambda: None,
    changed: Callable[[Target], None] = lambda _: None,
    catching_up: CatchingUp | None = None,
) -> Services:
    """Return what the endpoints work with, as the settings say.

    ``authenticate`` maps a token to its person, ``None`` for a bad token; it runs on the event
    loop's thread and must not block. ``changed`` is told of what was acted upon. ``catching_up``
    waits for what has ended when the record is read.
    """
    return Services(
        database,
        authenticate,
        Rights(settings.members_read_own),
        tuple(map(shapes.configured_provider, settings.providers)),
        write_last_uses=write_last_uses,
        hosts=hosts_of(settings.host, settings.allowed_hosts),
        changed=changed,
        catalogue=partial(installed_catalogue, settings.data_dir),
        retention=settings.retention or None,
        catching_up=catching_up,
    )


def create_app(services: Services) -> FastAPI:
    """Return the application that reads and changes the database of ``services``.

    Work on the database runs in worker threads.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.services = services
    errors.install(app)
    app.add_middleware(QueryCheck)
    app.add_middleware(HostCheck)
    app.add_middleware(RequestIds)  # the last one is around the others: it answers for them too
    app.router.routes.extend(_routes())
    openapi.install(app)
    return app


@cache
def _routes() -> Sequence[BaseRoute]:
    """Return the routes of every application: FastAPI takes a tenth of a second to make them."""
    whole = APIRouter(generate_unique_id_function=lambda route: route.name)
    for prefix in PREFIXES:
        for router in RECORD:
            whole.include_router(router, prefix=prefix, include_in_schema=prefix == PREFIXES[0])
    for router in ADMINISTRATION:
        whole.include_router(router, prefix=API)
    for router in EXPERIMENTS:
        whole.include_router(router, prefix=EXPERIMENTAL)
    whole.include_router(docs.router)
    return whole.routes
