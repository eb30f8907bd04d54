"""The API for whoever can open the database itself: every request is the operator's."""

from fastapi import FastAPI

from aibridge.api.app import create_app, services_of
from aibridge.journal.catching_up import CatchingUp
from aibridge.principals import OPERATOR, Person
from aibridge.settings import Settings
from aibridge.store.engine.database import Database


def local_app(database: Database, settings: Settings) -> FastAPI:
    """Return the API over a database for the person at this machine, who needs no token."""
    catching_up = CatchingUp(settings.journals)
    return create_app(services_of(settings, database, _operator, catching_up=catching_up))


async def _operator(_token: str) -> Person:
    return OPERATOR
