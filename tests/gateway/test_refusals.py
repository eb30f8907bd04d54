"""What the bridge refuses, in the dialect of the route and so that agents understand it."""

import http.client
import json
import socket
import sqlite3
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import anthropic
import openai
import pytest

from aibridge.contract import AuditResource, SiteRole, TokenScope
from aibridge.identity.audit import Target
from aibridge.journal.writer import JournalFull
from aibridge.store.people import users
from tests import bridge as bridges
from tests.bridge import ROUTES, Bridge, providers
from tests.gateway import samples
from tests.wire import Answer, Caller, Then, ask, head

BASE = "/api/v2/aibridge"
MODELS = f"{BASE}/openai/v1/models"


def said(dialect: str, answer: Answer, kind: str) -> str:
    """Check that an answer has the shape of a dialect's errors, and return its message."""
    assert answer.values(b"content-type") == [b"application/json"]
    body = json.loads(answer.body)
    if dialect == "messages":
        assert body.keys() == {"type", "error"}
        assert (body["type"], body["error"]["type"]) == ("error", kind)
    else:
        assert body.keys() == {"error"}
        assert body["error"].keys() == {"message", "type", "param", "code"}
        assert body["error"]["type"] == kind
    return str(body["error"]["message"])


def post(bridge: Bridge, dialect: str, *headers: tuple[str, str]) -> Answer:
    return ask(bridge.url, ROUTES[dialect], headers=headers, body=b"{}")


@pytest.mark.parametrize("dialect", samples.DIALECTS)
@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ([], "No AI Bridge token was sent"),
        ([("authorization", "Bearer ")], "No AI Bridge token was sent"),
        ([("authorization", "Basic YTpi")], "No AI Bridge token was sent"),
        ([("x-api-key", "")], "No AI Bridge token was sent"),
        ([("x-ai-bridge-token", "")], "No AI Bridge token was sent"),
        ([("authorization", "Bearer nonsense")], "not valid"),
        ([("x-api-key", "abcdefghij-0123456789012345678901")], "not valid"),
        ([("x-api-key", "sk-ant-api03-a-key-of-the-provider")], "not valid"),
        ([("x-ai-bridge-token", "nonsense"), ("authorization", "Bearer own")], "not valid"),
        ([("authorization", b"Bearer \xff\xfe")], "not valid"),
    ],
)
def test_who_does_not_show_a_good_token_is_refused(wire, bridge, dialect, headers, told):
    answer = post(bridge, dialect, *headers)
    assert answer.status == 401
    assert answer.values(b"x-should-retry") == [b"false"]
    assert told in said(dialect, answer, "authentication_error")
    assert not wire.requests
    assert not bridge.records()


def test_a_token_counts_for_its_exact_text_only(wire, bridge):
    token = bridge.token
    for wrong in (
        token[:-1],
        token + "x",
        token.swapcase(),
        token[:11] + "x" * 22,
        ("y" if token[0] == "x" else "x") + token[1:],
    ):
        assert post(bridge, "chat", ("x-api-key", wrong)).status == 401
    assert not wire.requests


NOT_VALID = (
    "The AI Bridge token in X-Api-Key is not valid: it is unknown, has expired, or its user is "
    "suspended. Whoever runs this bridge makes them: aibridge tokens create --user NAME"
)


def test_an_unknown_token_is_refused_in_the_words_of_one_that_was_good_once(wire, bridge):
    token = bridge.add_user("ana-too")
    for wrong in (token[:-1] + ("a" if token[-1] != "a" else "b"), "0123456789-" + token[11:]):
        answer = post(bridge, "messages", ("x-api-key", wrong))
        assert said("messages", answer, "authentication_error") == NOT_VALID
    assert not wire.requests


def test_an_expired_token_is_refused(wire, bridge):
    token = bridge.add_user("late", lifetime=timedelta(microseconds=1))
    answer = post(bridge, "messages", ("x-api-key", token))
    told = said("messages", answer, "authentication_error")
    assert told == NOT_VALID
    assert not wire.requests


def test_a_suspended_user_is_refused_from_the_next_request_on(wire, bridge):
    token = bridge.add_user("ben")
    assert post(bridge, "messages", ("x-api-key", token)).status == 200
    with bridge.database.write() as connection:
        user = users.user_by_name(connection, "ben")
        assert user is not None
        users.change_user(connection, user.id, status=users.SUSPENDED)
    bridge.app._people.changed(Target(AuditResource.USER, user.id, "ben"))  # as an act does
    answer = post(bridge, "messages", ("x-api-key", token))
    assert answer.status == 401
    assert said("messages", answer, "authentication_error") == NOT_VALID
    assert len(wire.requests) == 1


@pytest.mark.parametrize("dialect", samples.DIALECTS)
@pytest.mark.parametrize("scopes", [(), ("read",), ("read", "admin")])
def test_a_token_that_is_not_for_the_gateway_calls_no_model(wire, bridge, dialect, scopes):
    name = f"{dialect}-{len(scopes)}"
    token = bridge.add_user(name, SiteRole.OWNER, scopes=map(TokenScope, scopes))
    own = ("x-ai-bridge-token", token), ("authorization", "Bearer own"), ("x-api-key", "own")
    for headers in ([("authorization", f"Bearer {token}")], [("x-api-key", token)], own):
        answer = post(bridge, dialect, *headers)
        assert answer.status == 403
        assert answer.values(b"x-should-retry") == [b"false"]
        told = said(dialect, answer, "permission_error")
        assert told.endswith(" may not call models: it lacks the scope gateway.")
    assert ask(bridge.url, MODELS, method="GET", headers=[("x-api-key", token)]).status == 403
    assert not wire.requests
    assert not bridge.records()


@pytest.mark.parametrize("dialect", samples.DIALECTS)
def test_a_token_for_the_gateway_alone_calls_models_and_nothing_else(wire, bridge, dialect):
    token = bridge.add_user(f"{dialect}-gateway", scopes=[TokenScope.GATEWAY])
    key = ("x-api-key", token)
    assert post(bridge, dialect, key).status == 200
    assert len(wire.requests) == 1
    answer = ask(bridge.url, "/api/v2/users/me", method="GET", headers=[key])
    assert answer.status == 403
    assert json.loads(answer.body)["message"] == "Forbidden."


def test_a_provider_without_a_key_says_what_to_send(wire, bridge):
    answer = bridge.ask(f"{BASE}/copilot/chat/completions", body=b"{}")
    assert answer.status == 403
    assert "X-AI-Bridge-Token" in said("chat", answer, "permission_error")
    assert not wire.requests


def test_who_brings_no_key_after_all_is_told(wire, bridge):
    answer = post(bridge, "messages", ("x-ai-bridge-token", bridge.token))
    assert answer.status == 401
    assert "none was sent" in said("messages", answer, "authentication_error")
    assert not wire.requests


@pytest.mark.parametrize(
    ("method", "path", "dialect"),
    [
        ("POST", "/anthropic/v1/complete", "messages"),
        ("POST", "/anthropic", "messages"),
        ("POST", "/anthropic/", "messages"),
        ("POST", "/anthropic/v1/messages/", "messages"),
        ("POST", "/anthropic//v1/messages", "messages"),
        ("POST", "/anthropic/V1/messages", "messages"),
        ("POST", "/anthropic/v1/messages/batches", "messages"),
        ("GET", "/anthropic/v1/organizations/users", "messages"),
        ("POST", "/openai/chat/completions", "chat"),
        ("POST", "/openai/v1/embeddings", "chat"),
        ("DELETE", "/openai/v1/files/1", "chat"),
        ("GET", "/openai/v1/modelsandmore", "chat"),
        ("GET", "/openai/v1/models/../organization/admin_api_keys", "chat"),
        ("GET", "/openai/v1/models/%2e%2e/organization", "chat"),
        ("GET", "/openai/v1/models/..%2forganization", "chat"),
        ("GET", "/openai/v1/models/%252e%252e%252forganization", "chat"),
        ("GET", "/openai/v1/models//organization", "chat"),
        ("GET", "/openai/v1/models/a%5c..%5cb", "chat"),
        ("GET", "/openai/v1/models/a%00b", "chat"),
    ],
)
def test_only_the_routes_of_a_provider_are_reached(wire, bridge, method, path, dialect):
    answer = bridge.ask(BASE + path, method=method)
    assert answer.status == 404
    kind = "not_found_error"
    rest = "/" + path.split("/", 2)[2] if path.count("/") > 1 else ""
    assert said(dialect, answer, kind) == f"route not supported: {method} {rest}"
    assert not wire.requests


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        ("/nobody/v1/messages", "messages"),
        ("/nobody/v1/chat/completions", "chat"),
        ("/%6fpenai/v1/chat/completions", "chat"),
        ("/sessionz", "chat"),
    ],
)
def test_of_a_provider_that_is_not_configured_those_that_are_are_named(wire, bridge, path, dialect):
    answer = bridge.ask(BASE + path, method="GET" if path == "/sessionz" else "POST")
    assert answer.status == 404
    told = said(dialect, answer, "not_found_error")
    assert f"{path}. {path.split('/')[1]!r} is no route of the API, and names no" in told
    names = ", ".join(sorted(one.get("name", one["type"]) for one in providers(wire.url)))
    assert told.endswith(f" names no provider that is configured; these are: {names}.")
    assert not wire.requests


def test_who_has_no_token_learns_nothing_about_routes(bridge):
    for path in ("/nobody/v1/messages", "/openai/v1/files", "/anthropic/v1/messages"):
        assert ask(bridge.url, BASE + path, method="GET").status == 401


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("dialect", samples.DIALECTS)
def test_a_recorded_route_takes_post_only(wire, bridge, dialect, method):
    answer = bridge.ask(ROUTES[dialect], method=method)
    assert (answer.status, answer.values(b"allow")) == (405, [b"POST"])
    assert said(dialect, answer, "invalid_request_error") == "Use POST on this route."
    assert not wire.requests


def test_a_websocket_is_refused_so_that_the_agent_uses_http(wire, bridge):
    answer = bridge.ask(
        ROUTES["responses"],
        method="GET",
        headers=[
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-version", "13"),
        ],
    )
    assert answer.status == 426
    assert "use HTTP" in said("responses", answer, "invalid_request_error")
    assert answer.values(b"upgrade") == [b"HTTP/1.1"]
    assert not wire.requests


@pytest.mark.parametrize("path", ["", "/", "?x=1"])
def test_a_probe_needs_no_token(wire, bridge, path):
    answer = ask(bridge.url, f"{BASE}/anthropic{path}", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert not wire.requests


def test_other_requests_with_head_need_one(bridge):
    assert ask(bridge.url, MODELS, method="HEAD").status == 401
    assert ask(bridge.url, f"{BASE}/nobody", method="HEAD").status == 401


def test_a_body_that_is_too_large_is_refused(wire, serve):
    with serve(bridges.providers(wire.url), max_body_bytes=1 << 20) as bridge:
        for dialect in samples.DIALECTS:
            answer = bridge.ask(ROUTES[dialect], body=b"x" * ((1 << 20) + 1))
            assert answer.status == 413
            kind = "request_too_large" if dialect == "messages" else "invalid_request_error"
            assert said(dialect, answer, kind) == "The request body is larger than 1 MiB."
        assert not wire.requests
        assert bridge.ask(ROUTES["chat"], body=b"x" * (1 << 20)).status == 200


def test_a_large_body_without_length_is_refused_too(wire, serve):
    with (
        serve(bridges.providers(wire.url), max_body_bytes=1000) as bridge,
        Caller(bridge.url) as caller,
    ):
        headers = dict(bridge.headers(("transfer-encoding", "chunked")))
        pieces = iter([b"x" * 600] * 2)
        caller._connection.request("POST", ROUTES["chat"], pieces, headers, encode_chunked=True)
        assert caller.answer().status == 413
    assert not wire.requests


@pytest.mark.parametrize("begun", [b"", b"{"])
def test_a_body_that_stops_coming_is_given_up(wire, bridge, monkeypatch, begun):
    monkeypatch.setattr(bridge.app._gateway._monitor, "_body_grace", 0.01)
    with Caller(bridge.url) as caller:
        connection = caller._connection
        connection.putrequest("POST", ROUTES["messages"])
        for name, value in bridge.headers(("content-length", "10")):
            connection.putheader(name, value)
        connection.endheaders(begun or None)
        answer = caller.answer()
    assert answer.status == 408
    said("messages", answer, "invalid_request_error")
    assert not wire.requests


def test_byok_can_be_switched_off(wire, serve):
    with serve(bridges.providers(wire.url), allow_byok=False) as bridge:
        own = (("x-ai-bridge-token", bridge.token), ("x-api-key", "sk-own"))
        answer = post(bridge, "messages", *own)
        assert answer.status == 403
        told = said("messages", answer, "permission_error")
        assert told == "Bring Your Own Key (BYOK) mode is not enabled."
        assert not wire.requests
        assert bridge.post("messages", {}).status == 200


@pytest.fixture
def nowhere() -> str:
    """The address of a provider that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_provider_that_cannot_be_reached_is_named(nowhere, serve):
    with serve(bridges.providers(nowhere)) as bridge:
        for dialect in samples.DIALECTS:
            answer = bridge.post(dialect, samples.request(dialect))
            assert answer.status == 502
            kind = "api_error" if dialect == "messages" else "server_error"
            told = said(dialect, answer, kind)
            assert "got no answer from" in told
            assert "no connection to 127.0.0.1" in told
        answer = bridge.ask(MODELS, method="GET")
        assert answer.status == 502
        records = bridge.records()
    assert [record.error_type for record in records] == ["unreachable"] * 3
    assert [len(record.prompts) for record in records] == [1] * 3


@pytest.mark.parametrize("garbage", [b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\nx"])
def test_an_answer_that_is_none_is_bad_gateway(wire, bridge, garbage):
    wire.play(garbage, Then.CLOSE)
    answer = bridge.post("messages", {})
    assert answer.status == 502
    said("messages", answer, "api_error")
    assert bridge.record().error_type == "broken"


def test_a_provider_that_takes_too_long_is_a_timeout(wire, serve):
    wire.always(Then.STALL)
    limits = {"first_byte_timeout_seconds": 0.05}
    with serve(bridges.providers(wire.url), **limits) as bridge:
        for dialect in samples.DIALECTS:
            answer = bridge.post(dialect, {})
            assert answer.status == 504
            kind = "timeout_error" if dialect == "messages" else "server_error"
            assert "did not come within" in said(dialect, answer, kind)
        assert bridge.ask(MODELS, method="GET").status == 504
        assert [record.error_type for record in bridge.records()] == ["timeout"] * 3


@pytest.mark.parametrize("dialect", samples.DIALECTS)
def test_what_cannot_be_recorded_is_not_asked(wire, bridge, monkeypatch, dialect):
    def refuse(*_: object) -> None:
        raise JournalFull("no")

    monkeypatch.setattr(bridge.app._log.journal, "append", refuse)
    answer = bridge.post(dialect, {})
    assert (answer.status, answer.values(b"retry-after")) == (503, [b"5"])
    kind = "api_error" if dialect == "messages" else "server_error"
    assert "cannot record" in said(dialect, answer, kind)
    assert not wire.requests


@pytest.mark.parametrize("dialect", samples.DIALECTS)
def test_trouble_with_the_database_of_users_does_not_log_agents_out(
    wire, bridge, monkeypatch, dialect
):
    def fail(_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    people = bridge.app._people
    monkeypatch.setattr(people.known or people, "_grants", Broken(fail))
    if people.known:
        people.known._known.clear()
    answer = bridge.post(dialect, {})
    assert (answer.status, answer.values(b"retry-after")) == (503, [b"5"])
    kind = "api_error" if dialect == "messages" else "server_error"
    assert "cannot look up tokens" in said(dialect, answer, kind)
    assert not wire.requests


class Broken:
    def __init__(self, find: Callable[[object], Any]) -> None:
        self.find = self.find_many = find


def test_trouble_of_ours_is_said_without_its_details(wire, bridge, monkeypatch):
    def fail(*_: object) -> None:
        raise ValueError("a secret detail")

    monkeypatch.setattr(bridge.app._pool, "send", fail)
    answer = bridge.post("messages", {})
    assert (answer.status, answer.values(b"retry-after")) == (503, [b"5"])
    assert said("messages", answer, "api_error") == "AI Bridge failed; please try again."
    assert bridge.ended().error_type == "interrupted"


def test_a_client_that_leaves_within_its_request_leaves_nothing(wire, bridge):
    with Caller(bridge.url) as caller:
        connection = caller._connection
        connection.putrequest("POST", ROUTES["messages"])
        for name, value in bridge.headers(("content-length", "10")):
            connection.putheader(name, value)
        connection.endheaders(b"{")
        bridge.barrier()
    bridge.barrier()
    assert not wire.requests
    assert not bridge.records()


def claude(bridge: Bridge, token: str = "") -> anthropic.Anthropic:
    url = f"{bridge.url}{BASE}/anthropic"
    return anthropic.Anthropic(base_url=url, api_key=token or bridge.token, max_retries=0)


def gpt(bridge: Bridge, token: str = "", name: str = "openai/v1") -> openai.OpenAI:
    url = f"{bridge.url}{BASE}/{name}"
    return openai.OpenAI(base_url=url, api_key=token or bridge.token, max_retries=0)


def test_the_sdks_raise_what_they_raise_for_their_vendor(bridge):
    hello: Any = {"max_tokens": 9, "model": "m", "messages": [{"role": "user", "content": "hi"}]}
    with claude(bridge, "wrong") as client, pytest.raises(anthropic.AuthenticationError):
        client.messages.create(**hello)
    with gpt(bridge, "wrong") as other:
        with pytest.raises(openai.AuthenticationError, match="not valid"):
            other.responses.create(model="m", input="hi")
        with pytest.raises(openai.AuthenticationError, match="not valid"):
            other.chat.completions.create(model="m", messages=hello["messages"], stream=True)
    told = pytest.raises(openai.PermissionDeniedError, match="no key configured")
    with gpt(bridge, name="copilot") as other, told:
        other.chat.completions.create(model="m", messages=hello["messages"])
    with gpt(bridge) as other, pytest.raises(openai.NotFoundError, match="route not supported"):
        other.embeddings.create(model="m", input="x")


def test_the_sdks_try_again_what_may_be_tried_again(wire, bridge):
    """A provider that breaks off before its answer is asked again by the SDK, not by us."""
    wire.play(Then.CLOSE)
    wire.play(*samples.framed(samples.WHOLE["messages"], "sized"))
    with claude(bridge).with_options(max_retries=1) as client:
        message = client.messages.create(
            model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}]
        )
    assert message.id == "id-1"
    assert len(wire.requests) == 2
    assert [record.status for record in bridge.records()] == ["failed", "completed"]


def test_a_refusal_leaves_the_connection_usable(wire, bridge):
    with Caller(bridge.url) as caller:
        caller.send(ROUTES["messages"], body=b"{}")
        assert caller.answer().status == 401
        caller.send(ROUTES["messages"], headers=bridge.headers(), body=b"{}")
        assert caller.answer().status == 200


def test_after_the_beginning_trouble_shows_as_a_broken_answer(wire, bridge):
    go = threading.Event()
    wire.play(head(headers=[("content-length", "9")]), b"he", go, Then.CLOSE)
    with Caller(bridge.url) as caller:
        caller.send(MODELS, method="GET", headers=bridge.headers())
        assert caller.begin()[0] == 200
        assert caller.read_until(b"he") == b"he"
        go.set()
        with pytest.raises(http.client.IncompleteRead):
            caller.read()


def test_a_status_that_no_server_can_send_is_trouble(wire, bridge):
    wire.play(b"HTTP/1.1 999 Denied\r\ncontent-length: 0\r\n\r\n")
    assert bridge.post("messages", {}).status == 502
