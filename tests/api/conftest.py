from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from aibridge.api.app import create_app
from aibridge.identity.people import Person, Role
from aibridge.store.database import Database
from tests.builders import ANA, BEN, CLEO, Call, add_user, new_database, record

PEOPLE = {
    "owner-token": Person(ANA, "ana", Role.OWNER, "tok-ana"),
    "auditor-token": Person(BEN, "ben", Role.AUDITOR, "tok-ben"),
    "admin-token": Person(CLEO, "cleo", Role.USER_ADMIN, "tok-cleo"),
    "member-token": Person(CLEO, "cleo", Role.MEMBER, "tok-cleo"),
}

Get = Callable[..., Any]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = new_database(f"sqlite:///{tmp_path / 'bridge.db'}")
    with database.write() as connection:
        add_user(connection, ANA, "ana", name="Ana")
        add_user(connection, BEN, "ben")
    yield database
    database.close()


@pytest.fixture
def app(database: Database) -> FastAPI:
    return create_app(database, PEOPLE.get)


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
