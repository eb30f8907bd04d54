"""The practice provider on a real socket: paths, errors, breaks, waits, and the request log."""

import json

import httpx
import pytest

from aibridge.practice import Part, PracticeProvider, Script, Turn, serve
from aibridge.practice.encodings import compressed

KEY = {"x-api-key": "k"}
ASKED = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def telling(**turn):
    return Script(turns=(Turn(parts=(Part(text="A long story. " * 20),), **turn),))


@pytest.fixture(scope="module")
def client():
    with serve() as practice, httpx.Client(base_url=practice.url, headers=KEY) as client:
        yield client


@pytest.mark.parametrize("prefix", ["", "/v1"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/messages"),
        ("POST", "/messages/count_tokens"),
        ("POST", "/chat/completions"),
        ("POST", "/responses"),
        ("POST", "/responses/compact"),
        ("GET", "/models"),
        ("GET", "/models/gpt-5"),
        ("HEAD", "/anything"),
    ],
)
def test_every_path_is_served_with_and_without_the_version(client, prefix, method, path):
    body = {"json": ASKED} if method == "POST" else {}
    assert client.request(method, prefix + path, **body).status_code == 200


@pytest.mark.parametrize(
    ("path", "shape"),
    [("/v1/messages", "type"), ("/v1/responses", "error"), ("/v1/chat/completions", "error")],
)
def test_refusals_have_the_dialects_shape(client, path, shape):
    unreadable = client.post(path, content=b"{")
    assert unreadable.status_code == 400
    assert shape in unreadable.json()
    unknown = client.delete(path)
    assert unknown.status_code == 404
    assert shape in unknown.json()
    anonymous = httpx.post(client.base_url.join(path), json=ASKED)
    assert anonymous.status_code == 401
    assert shape in anonymous.json()


def test_a_websocket_is_refused_so_that_codex_falls_back(client):
    upgrade = {"upgrade": "websocket", "connection": "upgrade"}
    assert client.get("/v1/responses", headers=upgrade).status_code == 426


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_compressed_requests_are_read(client, encoding):
    body = b"".join(compressed(encoding, [json.dumps(ASKED).encode()]))
    headers = {"content-encoding": encoding}
    assert client.post("/v1/messages", content=body, headers=headers).status_code == 200
    assert client.post("/v1/messages", content=b"x", headers=headers).status_code == 400


@pytest.mark.parametrize(
    ("path", "name"),
    [("/v1/messages", "request-id"), ("/v1/responses", "x-request-id")],
)
def test_answers_bear_ids_of_their_own_and_the_state_of_limits(client, path, name):
    first, second = (client.post(path, json=ASKED) for _ in range(2))
    assert first.headers[name] != second.headers[name]
    assert first.json()["id"] != second.json()["id"]
    assert any("ratelimit" in header for header in first.headers)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_a_break_cuts_the_connection_short_of_the_end(stream, encoding):
    with serve(telling(break_after=3, encoding=encoding)) as practice:
        asked = {**ASKED, "stream": stream}
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(f"{practice.url}/v1/messages", json=asked, headers=KEY)


def test_events_before_a_break_are_sent():
    seen: list[bytes] = []
    asked = {**ASKED, "stream": True}
    with (
        serve(telling(break_after=3)) as practice,
        httpx.stream("POST", f"{practice.url}/v1/messages", json=asked, headers=KEY) as answer,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        seen.extend(answer.iter_raw())
    assert b"".join(seen).count(b"event: ") == 3


@pytest.mark.parametrize("wait", [{"delay": 60.0}, {"pause": 60.0}])
def test_a_waiting_answer_ends_when_the_client_leaves(wait):
    with serve(telling(**wait)) as practice:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{practice.url}/v1/messages",
                json={**ASKED, "stream": True},
                headers=KEY,
                timeout=0.2,
            )
        assert practice.requests[0].gone.wait(10)


def test_an_answer_comes_after_its_delay_and_pauses():
    with serve(telling(delay=0.001, pause=0.001)) as practice:
        asked = {**ASKED, "stream": True}
        answer = httpx.post(f"{practice.url}/v1/messages", json=asked, headers=KEY)
        assert b"message_stop" in answer.content
        assert not practice.requests[0].gone.is_set()


def test_requests_are_kept_byte_for_byte():
    body = b'{ "model":"m",\n "messages":[] }'
    with serve(keep=1) as practice:
        for path in ("/v1/messages?beta=true", "/chat/completions?a=1"):
            assert httpx.post(practice.url + path, content=body, headers=KEY).status_code == 200
        (kept,) = practice.requests
        assert (kept.method, kept.path, kept.query) == ("POST", "/chat/completions", "a=1")
        assert kept.body == body
        assert kept.header("x-api-key") == "k"
        assert kept.header("unsent") == ""


def test_the_log_can_be_off():
    with serve(log=False) as practice:
        assert httpx.head(practice.url).status_code == 200
        assert not practice.requests


async def test_a_request_that_is_never_over_is_not_answered():
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    provider = PracticeProvider()
    await provider({"type": "http"}, receive, send)
    assert not sent
    assert not provider.requests


async def test_the_app_starts_ends_and_closes_websockets():
    events = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent = []

    async def receive():
        return next(events)

    async def send(message):
        sent.append(message["type"])

    await PracticeProvider()({"type": "lifespan"}, receive, send)
    await PracticeProvider()({"type": "websocket"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]
