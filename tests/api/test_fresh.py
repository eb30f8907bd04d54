"""Who reads the record sees what ended before they asked, as far as that can be had at once."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from aibridge.api import access
from aibridge.api import spend as spending
from aibridge.api.access import CATCH_UP_SECONDS, _catch_up, _catch_up_for_readers
from aibridge.api.app import ADMINISTRATION, RECORD
from aibridge.api.local import local_app
from aibridge.contract import SiteRole
from aibridge.journal.catching_up import CatchingUp
from aibridge.journal.format import Kind
from aibridge.settings import load
from aibridge.store.engine.database import Database
from tests import bridge as bridges
from tests.bridge import Bridge
from tests.builders import Call
from tests.databases import Databases
from tests.gateway import samples
from tests.journal.journals import writing
from tests.wire import PATIENCE, Wire, ask

BASE = "/api/v2/aibridge"
READS = [
    "interceptions",
    "interceptions/00000000-0000-4000-8000-000000000001",
    "sessions",
    "sessions/s",
    "models",
    "clients",
    "providers",
]
PATHS = [f"{prefix}/{path}" for prefix in (BASE, "/api/v2/ai-gateway") for path in READS]


@pytest.fixture(scope="module")
def bridge(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridge]:
    folder = tmp_path_factory.mktemp("bridge")
    with (
        Wire() as wire,
        databases.url() as url,
        bridges.serve(folder, bridges.providers(wire.url), database_url=url) as bridge,
    ):
        wire.always(*samples.framed(samples.body("messages", stream=True), "chunked", stream=True))
        yield bridge


@pytest.fixture(scope="module")
def auditor(bridge: Bridge) -> str:
    return bridge.add_user("aud", SiteRole.AUDITOR)


def get(bridge: Bridge, path: str, token: str) -> Any:
    answer = ask(bridge.url, f"{BASE}/{path}", method="GET", headers=[("x-api-key", token)])
    assert answer.status == 200
    return json.loads(answer.body)


def said(bridge: Bridge, prompt: str) -> None:
    body = samples.request("messages", prompt, stream=True)
    assert bridge.post("messages", body).body == samples.body("messages", stream=True)


def test_what_has_just_ended_is_in_the_list_that_is_asked_for_next(
    bridge: Bridge, auditor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "CATCH_UP_SECONDS", PATIENCE)  # this machine may be busy
    for number in range(100):
        said(bridge, f"call {number}")
        (listed,) = get(bridge, "interceptions?limit=1", auditor)["results"]
        assert [prompt["prompt"] for prompt in listed["user_prompts"]] == [f"call {number}"]
    assert get(bridge, "sessions?limit=1", auditor)["count"] >= 100
    assert get(bridge, f"interceptions/{listed['id']}", auditor)["id"] == listed["id"]


def test_while_the_record_cannot_be_written_lists_have_what_was_there(
    bridge: Bridge, auditor: str
) -> None:
    before = get(bridge, "interceptions", auditor)["count"]
    with bridge.locked():
        said(bridge, "while it is locked")
        assert get(bridge, "interceptions", auditor)["count"] == before
    bridge.wait_for(lambda: get(bridge, "interceptions", auditor)["count"] == before + 1)


class Asked(CatchingUp):
    """Notes for how long it is asked to wait, and in which thread; then it has trouble."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, bool]] = []

    def wait(self, seconds: float) -> bool:
        self.asked.append((seconds, threading.current_thread() is threading.main_thread()))
        raise OSError


@pytest.fixture
def asked(app: FastAPI) -> Asked:
    asked = Asked()
    app.state.services = replace(app.state.services, catching_up=asked)
    return asked


@pytest.mark.parametrize("path", PATHS)
async def test_every_read_of_the_record_waits_off_the_event_loop_and_trouble_is_no_trouble(
    client: httpx.AsyncClient, seed: Any, asked: Asked, path: str
) -> None:
    seed(Call(1, session="s", columns={"id": READS[1].partition("/")[2]}))
    assert (await client.get(path)).status_code == 200
    assert asked.asked == [(CATCH_UP_SECONDS, False)]


def test_no_route_of_the_record_is_forgotten() -> None:
    """What the other tests ask for is all that there is."""
    routes = [route for router in RECORD for route in router.routes]
    assert len(routes) == len(READS)
    assert all(_waits(route, _catch_up_for_readers) for route in routes)
    for router in ADMINISTRATION:
        told = [_waits(route, _catch_up) for route in router.routes]
        assert set(told) == {router in spending.ROUTERS}
        assert not any(_waits(route, _catch_up_for_readers) for route in router.routes)


def _waits(route: BaseRoute, wait: Callable[..., None]) -> bool:
    assert isinstance(route, APIRoute)
    return wait in {each.call for each in route.dependant.dependencies}


@pytest.mark.parametrize("token", ["", "nonsense", "member-token", "admin-token"])
async def test_who_may_read_nothing_has_nobody_wait(
    anonymous: httpx.AsyncClient, asked: Asked, token: str
) -> None:
    await anonymous.get(f"{BASE}/sessions", headers={"X-Api-Key": token})
    assert asked.asked == []


@pytest.mark.parametrize("token", ["owner-token", "member-token"])
async def test_what_was_spent_is_up_to_date_for_whoever_asks(
    anonymous: httpx.AsyncClient, asked: Asked, token: str
) -> None:
    path = "/api/v2/organizations/default/ai/spend"
    answer = await anonymous.get(path, headers={"X-Api-Key": token})
    assert answer.status_code == 200
    assert asked.asked == [(CATCH_UP_SECONDS, False)]


@pytest.mark.parametrize("path", ["users", "groups", "audit", "users/me/keys/tokens"])
async def test_what_is_not_of_the_record_does_not_wait(
    client: httpx.AsyncClient, asked: Asked, path: str
) -> None:
    await client.get(f"/api/v2/{path}")
    assert asked.asked == []


async def test_without_a_keeper_a_command_on_the_database_itself_answers_all_the_same(
    database: Database, tmp_path: Path
) -> None:
    with writing(tmp_path / "journal" / "1") as journal:
        assert journal.kept(Kind.BEGIN, b"a call")
    app = local_app(database, load(None, {}, {"data_dir": tmp_path}))
    assert app.state.services.catching_up.wait(0) is False
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get(f"{BASE}/interceptions", headers={"X-Api-Key": "any"})
    assert (answer.status_code, answer.json()["count"]) == (200, 0)
