from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from aibridge.api.app import create_app
from aibridge.api.services import Services
from aibridge.contract import SiteRole
from aibridge.store.engine.database import Database
from tests.api.people_api import Api, Start, make_start, serving
from tests.builders import ANA, BEN, CLEO, Call, add_user, record
from tests.databases import Databases
from tests.people import asking, person, trusting

PEOPLE = {
    "owner-token": person(ANA, "ana", SiteRole.OWNER),
    "auditor-token": person(BEN, "ben", SiteRole.AUDITOR),
    "admin-token": person(CLEO, "cleo", SiteRole.USER_ADMIN),
    "member-token": person(CLEO, "cleo"),
}

Get = Callable[..., Any]


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    with databases.open() as database:
        with database.write() as connection:
            add_user(connection, ANA, "ana", name="Ana")
            add_user(connection, BEN, "ben")
        yield database


@pytest.fixture
def app(database: Database) -> FastAPI:
    return create_app(Services(database, asking(PEOPLE.get), is_still=trusting))


@pytest.fixture
async def anonymous(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://bridge") as client:
        yield client


@pytest.fixture
def client(anonymous: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client with an owner's token."""
    anonymous.headers["Coder-Session-Token"] = "owner-token"
    return anonymous


@pytest.fixture
def seed(database: Database) -> Callable[..., None]:
    def seed(*calls: Call) -> None:
        with database.write() as connection:
            record(connection, *calls)

    return seed


@pytest.fixture(scope="session")
def start() -> Start:
    """The people that there are at first."""
    return make_start()


@pytest.fixture(scope="session")
def one_app() -> FastAPI:
    """The application, without what it works with: making its routes takes a while."""
    return create_app(Services(Database("sqlite://"), asking(lambda _token: None)))


@pytest.fixture
def api(one_app: FastAPI, start: Start, databases: Databases) -> Iterator[Api]:
    """The API with real people, over a database of this test's own."""
    with databases.open() as database:
        start.write(database)
        with serving(one_app, database, start) as api:
            yield api
