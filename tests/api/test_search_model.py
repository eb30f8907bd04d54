"""Lists find what a plain model of the rules finds, in order, whatever is on record and asked."""

import asyncio
from collections.abc import Iterator
from random import Random
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aibridge.api.app import create_app
from aibridge.api.services import Services
from aibridge.contract import SiteRole
from aibridge.store.engine.database import Database
from aibridge.store.lists import active_sessions, calls, counts, windows
from aibridge.store.lists.windows import Lead, Leads, Way
from tests.api.plain_search import CALLS, Asked, matching, matching_sessions, queries
from tests.builders import ANA, BEN, Call, add_user, forget, record
from tests.databases import Databases
from tests.people import asking, person

BASE = "/api/v2/aibridge"


@pytest.fixture(scope="module")
def database(databases: Databases) -> Iterator[Database]:
    """A database of two people, for one example after the other."""
    with databases.open() as database:
        with database.write() as connection:
            add_user(connection, ANA, "ana")
            add_user(connection, BEN, "ben")
        yield database


@pytest.fixture(scope="module")
def app(database: Database) -> FastAPI:
    return create_app(Services(database, asking(lambda _token: person(ANA, "ana", SiteRole.OWNER))))


SMALL_WINDOWS, ANY_LEAD = "in small windows", "in small windows, led by whatever can lead"


@pytest.fixture(scope="module", params=["as it is", SMALL_WINDOWS, ANY_LEAD])
def sizes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have a record of a few calls be searched as it is, and as a large one."""
    random = Random(1)  # noqa: S311 - made up

    def lead(_connection: object, leads: Leads, *_: object) -> Way:
        return Way(random.choice([*leads, Lead.TIME]), random.random() < 0.5)

    with pytest.MonkeyPatch.context() as patch:
        if request.param != "as it is":
            patch.setattr(windows, "FIRST", 1)
            patch.setattr(windows, "ALONG_TIME", 1)
            patch.setattr(active_sessions, "USUAL", 1)
            patch.setattr(counts, "COUNTED", 2)
            patch.setattr(counts, "COUNTED_BY_WORDS", 2)
        if request.param == ANY_LEAD:
            patch.setattr(calls, "rarest", lead)
            patch.setattr(active_sessions, "rarest", lead)
        yield


@pytest.mark.usefixtures("sizes")
@settings(deadline=None, max_examples=18, suppress_health_check=[HealthCheck.too_slow])
@given(made=CALLS, limit=st.integers(1, 4), data=st.data())
def test_a_search_walked_by_cursor_visits_each_match_once_in_order(
    database: Database, app: FastAPI, made: list[Call], limit: int, data: st.DataObject
) -> None:
    asked = data.draw(st.lists(queries(made), min_size=1, max_size=6))
    for query, walked in zip(
        asked, asyncio.run(walks(database, app, made, asked, limit)), strict=True
    ):
        newest = sorted(((call.at, call.id) for call in matching(made, query)), reverse=True)
        latest = sorted(matching_sessions(made, query), reverse=True)
        assert walked == (
            [id_ for _, id_ in newest],
            [(id_, initiator) for _, id_, initiator in latest],
        ), query


Walked = tuple[list[str], list[tuple[str, str]]]


async def walks(
    database: Database, app: FastAPI, made: list[Call], asked: list[list[Asked]], limit: int
) -> list[Walked]:
    """Return, for each query, the interceptions and the sessions that walks over the API visit."""
    with database.write() as connection:
        forget(connection)
        record(connection, *made)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url=f"http://bridge{BASE}",
        headers={"X-Api-Key": "any"},
    ) as client:
        return [await _walked(client, query, limit) for query in asked]


async def _walked(client: httpx.AsyncClient, asked: list[Asked], limit: int) -> Walked:
    query = {"q": " ".join(term.written() for term in asked), "limit": limit}
    interceptions = [row["id"] for row in await walk(client, "interceptions", query)]
    rows = await walk(client, "sessions", query)
    return interceptions, [(row["id"], row["initiator"]["id"]) for row in rows]


async def walk(client: httpx.AsyncClient, kind: str, query: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every row of a list, page by page."""
    rows: list[dict[str, Any]] = []
    while True:
        answer = await client.get(f"/{kind}", params={**query, **cursor(kind, rows)})
        body = answer.json()
        page = body["results" if kind == "interceptions" else "sessions"]
        if not page:
            assert body["count"] == len(rows) or (
                body["count"] < len(rows) and body["count_is_estimate"]
            )
            return rows
        rows += page


def cursor(kind: str, rows: list[dict[str, Any]]) -> dict[str, str]:
    if not rows:
        return {}
    last = rows[-1]
    if kind == "interceptions":
        return {"after_id": last["id"]}
    return {"after_session_id": last["id"], "after_initiator_id": last["initiator"]["id"]}
