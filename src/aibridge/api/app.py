"""The control plane as an ASGI application."""

from fastapi import FastAPI

from aibridge.api import errors, lists, sessions
from aibridge.api.access import Authenticate
from aibridge.contract.paths import PREFIXES
from aibridge.store.database import Database


def create_app(database: Database, authenticate: Authenticate) -> FastAPI:
    """Return the application that reads ``database`` for those whom ``authenticate`` knows.

    ``authenticate`` maps a token to its person, ``None`` for a bad token; it runs on the event
    loop's thread and must not block. Reads of the database run in worker threads.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.database = database
    app.state.authenticate = authenticate
    errors.install(app)
    for prefix in PREFIXES:
        app.include_router(lists.router, prefix=prefix)
        app.include_router(sessions.router, prefix=prefix)
    return app
