"""Walking a list page by page while new rows arrive between the pages."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aibridge.api.app import create_app
from aibridge.api.services import Services
from aibridge.contract import SiteRole
from aibridge.store.engine.database import Database
from tests.builders import ANA, BEN, Call, add_user, forget, record
from tests.databases import Databases
from tests.people import asking, person

BASE = "/api/v2/aibridge"
MODELS = ("opus", "sonnet")

Row = dict[str, Any]

made = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.integers(0, 5),
            "initiator": st.sampled_from([ANA, BEN]),
            "columns": st.fixed_dictionaries({"model": st.sampled_from(MODELS)}),
        }
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(before=made, arriving=st.lists(made.filter(bool), max_size=4), limit=st.integers(1, 3))
def test_a_walk_visits_each_match_once_in_order_while_rows_arrive(
    database: Database, before: list[Row], arriving: list[list[Row]], limit: int
) -> None:
    calls = [Call(number, **values) for number, values in enumerate(before)]
    numbers = iter(range(1000, 2000))
    later = [[Call(next(numbers), **values) for values in some] for some in arriving]
    for kind in ("interceptions", "sessions"):
        visited = asyncio.run(_walk(database, kind, calls, later, limit))
        order = [(row["started_at"], row["id"]) for row in visited]
        assert order == sorted(order, reverse=True)
        ids = [row["id"] for row in visited]
        assert len(ids) == len({*ids})
        everything = {call.id for some in (calls, *later) for call in some if _matches(call)}
        assert {call.id for call in calls if _matches(call)} <= {*ids} <= everything


def _matches(call: Call) -> bool:
    return bool(call.columns["model"] == "opus")


async def _walk(
    database: Database, kind: str, calls: list[Call], later: list[list[Call]], limit: int
) -> list[Row]:
    rows, cursor = (
        ("results", "after_id") if kind == "interceptions" else (kind, "after_session_id")
    )
    found: list[Row] = []
    coming = iter(later)
    async with _serving(database, calls) as client:
        while True:
            query: Row = {"q": "model:opus", "limit": limit}
            if found:
                query[cursor] = found[-1]["id"]
            answer = await client.get(f"{BASE}/{kind}", params=query)
            page = answer.raise_for_status().json()[rows]
            found += page
            if len(page) < limit:
                return found
            _arrive(database, next(coming, []))


def _arrive(database: Database, calls: list[Call]) -> None:
    with database.write() as connection:
        record(connection, *calls)


@asynccontextmanager
async def _serving(database: Database, calls: list[Call]) -> AsyncIterator[httpx.AsyncClient]:
    with database.write() as connection:
        forget(connection)
        record(connection, *calls)
    owner = person(ANA, "ana", SiteRole.OWNER)
    app = create_app(Services(database, asking(lambda _token: owner)))
    transport = httpx.ASGITransport(app)
    headers = {"X-Api-Key": "any"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://bridge", headers=headers
    ) as client:
        yield client


@pytest.fixture(scope="module")
def database(databases: Databases) -> Iterator[Database]:
    """A database of two people, for one walk after the other."""
    with databases.open() as database:
        with database.write() as connection:
            add_user(connection, ANA, "ana")
            add_user(connection, BEN, "ben")
        yield database
