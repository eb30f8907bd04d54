"""What members see of the record where a setting lets them read their own."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aibridge.api.app import create_app
from aibridge.api.services import Services
from aibridge.contract import SiteRole
from aibridge.identity.rights import Rights
from aibridge.store.engine.database import Database
from tests.builders import ANA, BEN, Call, add_user, forget, record, uid
from tests.databases import Databases
from tests.people import asking, person

PEOPLE = {
    "ana": person(ANA, "ana"),
    "ben": person(BEN, "ben"),
    "admin": person(BEN, "ben", SiteRole.USER_ADMIN),
    "auditor": person(BEN, "ben", SiteRole.AUDITOR),
    "owner": person(ANA, "ana", SiteRole.OWNER),
}
BASE = "http://bridge/api/v2/aibridge"
SESSIONS = ("one", "two", "three")
MODELS, CLIENTS = ("opus", "sonnet"), ("Codex", None)


@contextmanager
def open_api(databases: Databases) -> Iterator[tuple[FastAPI, Database]]:
    with databases.open() as database:
        with database.write() as connection:
            add_user(connection, ANA, "ana")
            add_user(connection, BEN, "ben")
        rights = Rights(members_read_own=True)
        yield create_app(Services(database, asking(PEOPLE.get), rights)), database


def fill(database: Database, calls: list[Call]) -> None:
    """Have just these calls on record."""
    with database.write() as connection:
        forget(connection)
        record(connection, *calls)


def client_of(app: FastAPI, who: str) -> httpx.AsyncClient:
    headers = {"X-Api-Key": who}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), headers=headers)


@pytest.fixture
def shared(databases: Databases) -> Iterator[FastAPI]:
    """Two users with a session of the same id, and each with one of their own."""
    with open_api(databases) as (app, database):
        fill(
            database,
            [
                Call(1, at=1, session="same", prompts=("mine",), tools=("read",)),
                Call(
                    2,
                    at=2,
                    session="same",
                    initiator=BEN,
                    prompts=("theirs",),
                    thoughts=("secret",),
                ),
                Call(3, at=3, session="ana's", columns={"model": "opus", "client": None}),
                Call(4, at=4, session="ben's", initiator=BEN, columns={"model": "secret-model"}),
                Call(5, at=5, initiator=BEN, columns={"client": "secret-client"}),
                Call(6, at=6, session="ana's", root=3),
            ],
        )
        yield app


async def get(app: FastAPI, who: str, path: str, **query: Any) -> Any:
    async with client_of(app, who) as client:
        answer = await client.get(f"{BASE}/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refusal(app: FastAPI, who: str, path: str, **query: Any) -> tuple[int, Any]:
    async with client_of(app, who) as client:
        answer = await client.get(f"{BASE}/{path}", params=query)
    assert answer.status_code >= 400, answer.text
    return answer.status_code, answer.json()


@pytest.mark.parametrize(("who", "user_id"), [("ana", ANA), ("ben", BEN), ("admin", BEN)])
async def test_everybody_sees_their_own(shared: FastAPI, who: str, user_id: str) -> None:
    listed = await get(shared, who, "interceptions")
    assert listed["count"] == len(listed["results"]) == 3
    assert {one["initiator"]["id"] for one in listed["results"]} == {user_id}
    found = await get(shared, who, "sessions")
    assert found["count"] == len(found["sessions"]) == (2 if user_id == ANA else 3)
    assert {one["initiator"]["id"] for one in found["sessions"]} == {user_id}
    detail = await get(shared, who, "sessions/same")
    assert detail["initiator"]["id"] == user_id
    assert [thread["prompt"] for thread in detail["threads"]] == [
        "mine" if user_id == ANA else "theirs"
    ]


async def test_models_and_clients_are_those_of_ones_own_calls(shared: FastAPI) -> None:
    assert await get(shared, "ana", "models") == ["opus", "sonnet"]
    assert await get(shared, "ana", "models", q="sec") == []
    assert await get(shared, "ana", "clients") == ["Claude Code", "Unknown"]
    assert await get(shared, "ben", "models") == ["secret-model", "sonnet"]
    assert await get(shared, "ben", "clients") == ["Claude Code", "secret-client"]


async def test_who_may_see_everything_still_does(shared: FastAPI) -> None:
    for who in ("owner", "auditor"):
        assert (await get(shared, who, "interceptions"))["count"] == 6
        assert (await get(shared, who, "sessions", q="initiator:ben"))["count"] == 3
        assert len(await get(shared, who, "models")) == 3


@pytest.mark.parametrize("path", ["interceptions", "sessions"])
@pytest.mark.parametrize("sign", ["", "-"])
async def test_another_user_is_as_nobody_in_a_search(shared: FastAPI, path: str, sign: str) -> None:
    told = set()
    for name in ("ben", "BEN", "nobody"):
        status, body = await refusal(shared, "ana", path, q=f"{sign}initiator:{name}")
        (complaint,) = body["validations"]
        told.add((status, body["message"], complaint["detail"].replace(name, "NAME")))
    assert len(told) == 1
    everything = await get(shared, "ana", path)
    for id_ in (BEN, uid(99)):
        found = await get(shared, "ana", path, q=f"{sign}initiator:{id_}")
        assert found["count"] == (everything["count"] if sign else 0)
    for name in ("me", "ana", "ANA", ANA):
        assert (await get(shared, "ana", path, q=f"initiator:{name}"))["count"] > 0
        assert (await get(shared, "ana", path, q=f"-initiator:{name}"))["count"] == 0


async def test_a_cursor_of_another_user_is_as_one_of_nobody(shared: FastAPI) -> None:
    def alike(*refusals: tuple[str, tuple[int, Any]]) -> bool:
        texts = {json.dumps(refusal).replace(name, "NAME") for name, refusal in refusals}
        return len(texts) == 1

    async def refused(name: str, path: str, key: str) -> tuple[str, tuple[int, Any]]:
        return name, await refusal(shared, "ana", path, **{key: name})

    theirs, nothing = uid(2), uid(99)
    for path, key in (
        ("interceptions", "after_id"),
        ("sessions/same", "after_id"),
        ("sessions/same", "before_id"),
        ("sessions/ana's", "after_id"),
    ):
        assert alike(*[await refused(id_, path, key) for id_ in (theirs, nothing)]), path
    ids = ("ben's", "nothing")
    assert alike(*[await refused(id_, "sessions", "after_session_id") for id_ in ids])
    query = {"after_session_id": "same", "after_initiator_id": BEN}
    assert (await refusal(shared, "ana", "sessions", **query))[0] == 400


async def test_a_session_of_another_user_is_not_there(shared: FastAPI) -> None:
    missing = (404, {"message": "Session not found."})
    for path, query in (
        ("sessions/ben's", {}),
        (f"sessions/{uid(5)}", {}),
        ("sessions/same", {"initiator": BEN}),
        ("sessions/same", {"initiator": "ben"}),
        ("sessions/ben's", {"initiator": "me"}),
        ("sessions/ben's", {"after_id": uid(4)}),
        ("sessions/nothing", {}),
    ):
        assert await refusal(shared, "ana", path, **query) == missing


async def test_an_own_cursor_of_another_session_is_still_told_apart(shared: FastAPI) -> None:
    status, body = await refusal(shared, "ana", "sessions/same", after_id=uid(3))
    assert (status, body["message"]) == (400, "Invalid pagination cursor.")
    assert "does not belong to session" in body["detail"]


def paths(count: int) -> Iterator[str]:
    """Yield everything that may be asked about so many calls."""
    ids = [uid(number) for number in range(count + 1)]
    for name in ("interceptions", "sessions", "models", "clients"):
        yield name
        yield f"{name}?limit=1&offset=1"
    for query in ("model:opus", "-model:opus client:Codex", "session_id:one", "initiator:me"):
        yield f"interceptions?q={query}&limit=2"
        yield f"sessions?q={query}"
    yield "models?q=o"
    yield "clients?q=Unknown"
    for session in SESSIONS:
        yield f"sessions?limit=1&after_session_id={session}"
        yield f"sessions?after_session_id={session}&after_initiator_id={BEN}"
        yield f"sessions/{session}"
        yield f"sessions/{session}?initiator=ben"
    for id_ in ids:
        yield f"interceptions/{id_}"
        yield f"interceptions?limit=2&after_id={id_}"
        yield f"sessions/one?limit=1&after_id={id_}"
        yield f"sessions/{id_}?before_id={id_}"


call = st.tuples(
    st.booleans(),  # whether it is somebody else's
    st.sampled_from([None, *SESSIONS]),
    st.integers(0, 3),  # seconds
    st.sampled_from(MODELS),
    st.sampled_from(CLIENTS),
    st.booleans(),  # whether there is a prompt
    st.sampled_from([False, False, False, True]),  # whether it is running
)


def made(number: int, what: tuple[Any, ...]) -> Call:
    others, session, at, model, client, prompt, running = what
    return Call(
        number,
        at=at,
        initiator=BEN if others else ANA,
        session=session,
        prompts=(f"prompt {number}",) if prompt else (),
        tools=("read",) if prompt else (),
        tokens=((number, 1, 2, 3),),
        running=running,
        columns={"model": model, "client": client},
    )


@pytest.fixture(scope="module")
def both(databases: Databases) -> Iterator[list[tuple[FastAPI, Database]]]:
    """The record of everybody, and that of somebody who is alone in the world."""
    with open_api(databases) as everybody, open_api(databases) as alone:
        yield [everybody, alone]


@settings(
    deadline=None,
    max_examples=10,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.generate],  # the first example that fails says enough: shrinking takes minutes
)
@given(st.lists(call, max_size=8))
def test_a_member_is_answered_as_if_there_were_nobody_else(
    both: list[tuple[FastAPI, Database]], drawn: list[tuple[Any, ...]]
) -> None:
    """Whatever is asked: the answer is what an owner gets where others' records do not exist."""
    calls = [made(number, what) for number, what in enumerate(drawn)]
    (everybody, whole), (alone, own) = both
    fill(whole, calls)
    fill(own, [one for one in calls if one.initiator == ANA])

    async def compare() -> None:
        async with client_of(everybody, "ana") as member, client_of(alone, "owner") as owner:
            for path in paths(len(calls)):
                answer = await member.get(f"{BASE}/{path}")
                expected = await owner.get(f"{BASE}/{path}")
                assert answer.status_code == expected.status_code, path
                assert answer.json() == expected.json(), path

    asyncio.run(compare())
