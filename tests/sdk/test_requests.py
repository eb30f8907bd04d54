from typing import Any
from uuid import UUID

import httpx
import pytest

from aibridge import __version__
from aibridge.sdk import InterceptionFilter, SessionFilter
from tests.sdk import samples
from tests.sdk.conftest import TOKEN, URL, Clients

BASE = "/api/v2/aibridge"
ID = UUID("0199A3C4-7F00-7000-8000-000000000001")
NIL = UUID(int=0)


def sent(clients: Clients, method: str, *arguments: Any, **options: Any) -> httpx.Request:
    """Return the request that a method sends."""
    requests: list[httpx.Request] = []
    answers = {
        "list_interceptions": samples.interceptions,
        "list_sessions": samples.sessions,
        "get_session_threads": samples.threads,
        "get_interception": lambda: httpx.Response(200, json=samples.interception(ID)),
    }

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return answers.get(method, lambda: httpx.Response(200, json=[]))()

    clients.use(answer, method, *arguments, **options)
    (request,) = requests
    assert (request.method, request.content) == ("GET", b"")
    assert "content-type" not in request.headers
    return request


@pytest.mark.parametrize(
    ("method", "arguments", "options", "path", "query"),
    [
        ("list_interceptions", (), {}, "/interceptions", {"q": ""}),
        (
            "list_interceptions",
            (InterceptionFilter(model="a+b"),),
            {"limit": 5, "after_id": ID},
            "/interceptions",
            {"q": 'model:"a+b"', "after_id": str(ID), "limit": "5"},
        ),
        (
            "list_interceptions",
            (),
            {"limit": 0, "offset": 0, "after_id": NIL},
            "/interceptions",
            {"q": ""},
        ),
        ("list_interceptions", (), {"offset": 7}, "/interceptions", {"q": "", "offset": "7"}),
        ("list_sessions", (), {}, "/sessions", {"q": ""}),
        (
            "list_sessions",
            (SessionFilter(session_id="s"),),
            {"limit": 9, "offset": 8, "after_session_id": "x y", "after_initiator_id": "u"},
            "/sessions",
            {
                "q": 'session_id:"s"',
                "after_session_id": "x y",
                "after_initiator_id": "u",
                "limit": "9",
                "offset": "8",
            },
        ),
        ("get_session_threads", ("s",), {}, "/sessions/s", {}),
        (
            "get_session_threads",
            ("s",),
            {"limit": 3, "after_id": NIL, "before_id": str(ID), "initiator": "me"},
            "/sessions/s",
            {"limit": "3", "before_id": str(ID), "initiator": "me"},
        ),
        ("get_interception", (ID,), {}, f"/interceptions/{ID}", {}),
        ("list_clients", (), {}, "/clients", {}),
        ("list_models", (), {}, "/models", {}),
        ("list_providers", (), {}, "/providers", {}),
        (
            "list_models",
            (),
            {"q": "cla", "limit": 2, "offset": 1},
            "/models",
            {"q": "cla", "limit": "2", "offset": "1"},
        ),
    ],
)
def test_each_method_sends_what_the_contract_says(
    clients: Clients,
    method: str,
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    path: str,
    query: dict[str, str],
) -> None:
    request = sent(clients, method, *arguments, **options)
    assert request.url.path == BASE + path
    assert dict(request.url.params) == query
    assert len(request.url.params.multi_items()) == len(query)


def test_a_plus_is_escaped_so_that_offsets_of_times_arrive(clients: Clients) -> None:
    request = sent(clients, "list_sessions", SessionFilter(q="a+b"))
    assert b"q=a%2Bb" in request.url.query


@pytest.mark.parametrize(
    ("session_id", "segment"),
    [
        ("a/b?c#d%2F", b"a%2Fb%3Fc%23d%252F"),
        ("ü ", b"%C3%BC%20"),
        (".", b"%2E"),
        ("..", b"%2E%2E"),
        ("a..", b"a.."),
    ],
)
def test_a_session_id_is_one_segment_of_the_path(
    clients: Clients, session_id: str, segment: bytes
) -> None:
    request = sent(clients, "get_session_threads", session_id)
    assert request.url.raw_path == f"{BASE}/sessions/".encode() + segment


def test_the_token_goes_into_the_header_of_the_contract(clients: Clients) -> None:
    request = sent(clients, "list_models")
    assert request.headers["coder-session-token"] == TOKEN
    assert request.headers["user-agent"] == f"aibridge-python/{__version__}"
    assert TOKEN not in str(request.url)


@pytest.mark.parametrize("url", [f"{URL}/tools", f"{URL}/tools/"])
def test_a_bridge_may_stand_below_a_path(clients: Clients, url: str) -> None:
    paths: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        return httpx.Response(200, json=[])

    own = {"url": url, "token": TOKEN, "transport": httpx.MockTransport(answer)}
    clients.open(own, "list_models")
    assert paths == [f"/tools{BASE}/models"]
