"""The program put together: which room serves a path, and whether it is ready."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from aibridge.app import is_gateway_path
from aibridge.journal.writer import Journal
from aibridge.providers.settings import RESERVED_NAMES
from tests import bridge as bridges
from tests.bridge import Bridge
from tests.wire import Wire, ask


@pytest.fixture(scope="module")
def wire():
    with Wire() as wire:
        yield wire


@pytest.fixture(scope="module")
def bridge(wire, databases, tmp_path_factory):
    folder = tmp_path_factory.mktemp("app")
    with (
        databases.url() as url,
        bridges.serve(folder, bridges.providers(wire.url), database_url=url) as bridge,
    ):
        yield bridge


def get(bridge: Bridge, path: str):
    return ask(bridge.url, path, method="GET")


def file_of(bridge: Bridge) -> Path:
    assert bridge.database.file is not None
    return bridge.database.file


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("/api/v2/aibridge/anthropic", True),
        ("/api/v2/aibridge/anthropic/v1/messages", True),
        ("/api/v2/ai-gateway/anthropic/v1/messages", True),
        ("/api/v2/aibridge/nobody/at/all", True),
        ("/api/v2/aibridge/", True),
        ("/api/v2/aibridge", False),
        ("/api/v2/aibridgeX/anthropic", False),
        ("/api/v2/users/me", False),
        ("/", False),
        ("", False),
        *((f"/api/v2/aibridge/{name}", False) for name in sorted(RESERVED_NAMES)),
        *((f"/api/v2/ai-gateway/{name}/x", False) for name in sorted(RESERVED_NAMES)),
    ],
)
def test_the_gateway_serves_what_stands_below_a_providers_name(path, is_one):
    assert is_gateway_path(path) is is_one


@pytest.mark.parametrize(
    ("path", "by_asgi"),
    [
        ("/api/v2/aibridge/anthropic/v1/messages", False),
        ("/api/v2/ai%2Dgateway/anthropic/v1/messages", False),
        ("/api/v2/aibridge/interceptions", True),
        ("/healthz", True),
    ],
)
def test_the_gateway_is_served_without_asgi_and_all_else_with_it(
    bridge, monkeypatch, path, by_asgi
):
    seen = []
    app = bridge.server.config.loaded_app

    async def listen(scope, receive, send):
        seen.append(scope["raw_path"].decode())
        await app(scope, receive, send)

    monkeypatch.setattr(bridge.server.config, "loaded_app", listen)
    assert get(bridge, path).status in {200, 401}
    assert seen == ([path] if by_asgi else [])


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_bridge_that_serves_says_so(bridge, path):
    answer = get(bridge, path)
    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.values(b"cache-control") == [b"no-store"]


def test_a_bridge_that_cannot_record_is_alive_but_not_ready(bridge, monkeypatch):
    monkeypatch.setattr(Journal, "takes_beginnings", False)
    answer = get(bridge, "/readyz")
    assert (answer.status, answer.body) == (503, b"records cannot be kept at the moment")
    assert get(bridge, "/healthz").status == 200


def test_a_bridge_whose_file_is_gone_says_so_before_anything_is_written(wire, tmp_path):
    with bridges.serve(tmp_path, bridges.providers(wire.url)) as bridge:
        file = file_of(bridge)
        elsewhere = file.rename(file.with_suffix(".away"))
        answer = get(bridge, "/readyz")
        elsewhere.rename(file)
        assert answer.status == 200
        assert answer.body.startswith(
            b"records wait in the journal; the database's file was deleted"
        )
        bridge.wait_for(lambda: get(bridge, "/readyz").body == b"ok")


def test_a_bridge_that_cannot_look_up_tokens_is_not_ready(wire, tmp_path):
    with bridges.serve(tmp_path, bridges.providers(wire.url)) as bridge:
        file = file_of(bridge)
        with closing(sqlite3.connect(file)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        whole = file.read_bytes()
        os.truncate(file, 8192)
        answer = get(bridge, "/readyz")
        assert (answer.status, answer.body) == (503, b"tokens cannot be looked up at the moment")
        with file.open("r+b") as damaged:
            damaged.write(whole)
        assert get(bridge, "/readyz").status == 200


@pytest.mark.parametrize("prefix", ["aibridge", "ai-gateway"])
def test_the_api_stands_beside_the_providers(bridge, prefix):
    path = f"/api/v2/{prefix}/interceptions"
    assert get(bridge, path).status == 401
    answer = bridge.ask(path, method="GET")
    assert answer.status == 200
    assert b'"results"' in answer.body


def test_what_nobody_serves_is_not_found(bridge, wire):
    for path in ("/nothing", "/api/v2/nothing", "/api/v2/aibridge"):
        assert get(bridge, path).status == 404
    assert not wire.requests


@pytest.mark.parametrize("path", ["/api/v2/nothing", "/api/v2/users/me"])
def test_the_api_tells_the_id_of_a_request(bridge, path):
    answer = bridge.ask(path, method="GET")
    assert len(answer.values(b"x-request-id")) == 1


def test_servers_do_not_sign_their_answers(bridge):
    names = {name for name, _ in get(bridge, "/healthz").headers}
    assert names == {b"content-type", b"content-length", b"cache-control"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/metrics", 200),
        ("/api/v2/aibridge/anthropic/v1/messages", 401),
        ("/docs", 421),
        ("/openapi.json", 421),
        ("/api/v2/users/first", 421),
        ("/api/v2/aibridge/interceptions", 421),
    ],
)
def test_under_another_name_there_are_probes_and_the_gateway_only(bridge, path, status):
    with httpx.Client(base_url=bridge.url, trust_env=False) as client:
        assert client.get(path, headers={"host": "evil.example:4000"}).status_code == status
        assert client.get(path).status_code != 421
