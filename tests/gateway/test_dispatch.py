"""Answers that no client gets as they came: redirects, and refusals of the configured key."""

import gzip
import json
from typing import Any
from unittest.mock import Mock

import pytest

from aibridge.gateway.exchange import Exchange
from aibridge.gateway.upstream import Response
from tests import bridge as bridges
from tests.bridge import KEY, ROUTES
from tests.gateway import samples
from tests.gateway.test_refusals import MODELS, said
from tests.wire import Then, Wire, ask, chunk, head, reply

ENGINES = ("sqlite",)
"""What is tested here does not depend on the engine."""

dialects = pytest.mark.parametrize("dialect", samples.DIALECTS)
KINDS = {"messages": "api_error", "chat": "server_error", "responses": "server_error"}


def redirect(to: str, status: str = "307 Temporary Redirect") -> bytes:
    return head(status, [("location", to), ("content-length", "0")])


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
@dialects
def test_a_redirect_is_not_handed_to_the_client(wire, bridge, dialect, status):
    wire.play(redirect("https://evil.test/v1?secret=1", status))
    answer = bridge.post(dialect, samples.request(dialect))
    assert (answer.status, answer.values(b"location")) == (502, [])
    assert answer.values(b"x-should-retry") == [b"false"]
    told = said(dialect, answer, KINDS[dialect])
    assert f"redirects ({status[:3]}): to evil.test, which is not listed" in told
    assert "secret" not in told
    record = bridge.record()
    assert (record.status, record.error_type) == ("failed", "broken")
    assert record.http_status == int(status[:3])
    assert "redirects" in record.error_message
    assert record.edits == [f"answer: the provider's {status[:3]} was replaced by a 502"]
    assert len(wire.requests) == 1


def test_nor_on_a_route_that_is_not_recorded(wire, bridge):
    wire.play(redirect("/v1/elsewhere"))
    answer = bridge.ask(MODELS, method="GET")
    assert (answer.status, answer.values(b"location")) == (502, [])
    assert "to 127.0.0.1:" in said("chat", answer, "server_error")


def test_what_has_not_changed_is_no_redirect(wire, bridge):
    wire.play(head("304 Not Modified", [("etag", '"1"')]))
    answer = bridge.ask(MODELS, method="GET", headers=[("if-none-match", '"1"')])
    assert (answer.status, answer.values(b"etag")) == (304, [b'"1"'])


@pytest.fixture(scope="module")
def elsewhere():
    with Wire() as wire:
        yield wire


@pytest.fixture(scope="module")
def following(shared_wire, elsewhere, serve):
    hosts = [f"127.0.0.1:{elsewhere.port}", f"127.0.0.1:{shared_wire.port}"]
    providers = [
        one | {"redirect_hosts": hosts} if one["type"] != "copilot" else one
        for one in bridges.providers(shared_wire.url)
    ]
    with serve(providers) as bridge:
        yield bridge


@pytest.fixture(autouse=True)
def forget(following, elsewhere):
    following.forget()
    elsewhere.forget()


@dialects
def test_a_redirect_to_a_listed_host_is_followed_with_body_and_key(
    wire, following, elsewhere, dialect
):
    wire.play(redirect(f"{elsewhere.url}/eu/v1?a=b"))
    elsewhere.play(*samples.framed(samples.body(dialect, stream=True), "chunked", stream=True))
    request = samples.request(dialect, stream=True)
    answer = following.post(dialect, request)
    assert (answer.status, answer.body) == (200, samples.body(dialect, stream=True))
    (first,), (second,) = wire.requests, elsewhere.requests
    assert second.line == b"POST /eu/v1?a=b HTTP/1.1"
    assert second.body == first.body == samples.encoded(request)
    assert second.values(b"host") == [elsewhere.url.removeprefix("http://").encode()]
    assert KEY.encode() in second.head
    assert following.token.encode() not in second.head
    record = following.record()
    assert (record.status, record.http_status) == ("completed", 200)
    assert record.edits == [f"redirect (307) followed to 127.0.0.1:{elsewhere.port}"]


def test_three_redirects_are_followed_and_no_more(wire, following):
    wire.always(redirect("/again"))
    answer = following.post("messages", samples.request("messages"))
    assert answer.status == 502
    assert "after 3 other redirects" in said("messages", answer, "api_error")
    assert len(wire.requests) == 4
    record = following.record()
    assert (record.status, record.http_status, len(record.edits)) == ("failed", 307, 4)


def test_a_redirect_that_loses_the_body_is_not_followed(wire, following, elsewhere):
    wire.play(redirect(f"{elsewhere.url}/x", "303 See Other"))
    assert following.post("chat", samples.request("chat")).status == 502
    wire.play(redirect(f"{elsewhere.url}/x", "301 Moved"))
    assert following.ask(MODELS, method="GET").status == 200
    assert [received.line for received in elsewhere.requests] == [b"GET /x HTTP/1.1"]


def test_where_a_followed_redirect_fails_the_record_says_both(wire, following, elsewhere):
    wire.play(redirect(f"{elsewhere.url}/x"))
    elsewhere.play(Then.CLOSE)
    assert following.post("chat", samples.request("chat")).status == 502
    record = following.record()
    assert (record.status, record.error_type, len(record.edits)) == ("failed", "broken", 1)


@dialects
@pytest.mark.parametrize("form", ["sized", "chunked", "gzip", "cut", "until close", "stream"])
def test_a_refusal_of_the_configured_key_is_not_the_callers(wire, bridge, dialect, form):
    words = f"invalid x-api-key {KEY}"
    body = json.dumps({"type": "error", "error": {"type": "bad", "message": words}}).encode()
    kind, status = ("content-type", "application/json"), "401 Unauthorized"
    packed = gzip.compress(body)
    wire.play(
        *{
            "sized": (reply(body, status=status, headers=[("www-authenticate", "Bearer")]),),
            "chunked": (
                head(status, [kind, ("transfer-encoding", "chunked")]),
                *map(chunk, (body[:20], body[20:])),
                b"0\r\n\r\n",
            ),
            "gzip": (reply(packed, status=status, headers=[("content-encoding", "gzip")]),),
            "cut": (head(status, [kind, ("content-length", "999")]), body, Then.CLOSE),
            "until close": (head(status, [kind]), body, Then.CLOSE),
            "stream": (reply(body, status=status, kind="text/event-stream"),),
        }[form]
    )
    answer = bridge.post(dialect, samples.request(dialect, stream=form == "stream"))
    assert answer.status == 403
    assert answer.values(b"x-should-retry") == [b"false"]
    assert not answer.values(b"www-authenticate")
    told = said(dialect, answer, "permission_error")
    assert "invalid x-api-key sk-p...6789" in told
    assert "whoever runs AI Bridge" in told
    record = bridge.record()
    assert (record.status, record.http_status) == ("failed", 401)
    assert (record.error_type, record.error_message) == (
        "unauthorized",
        "invalid x-api-key sk-p...6789",
    )
    assert record.edits == ["answer: the provider's 401 was replaced by a 403"]


def test_a_refusal_that_goes_on_for_ever_is_cut(wire, bridge):
    wire.play(head("401 Unauthorized"), b"no " * 40_000, Then.STALL)
    answer = bridge.post("chat", samples.request("chat"))
    assert answer.status == 403
    assert wire.request().gone.wait(20)
    assert len(answer.body) < 3000
    assert bridge.record().error_type == "unauthorized"


def test_an_answer_to_a_request_that_was_sent_again_is_noted():
    nothing: Any = Mock()
    nothing.begin.return_value = (0, 1)
    exchange = Exchange(nothing, nothing, nothing, b"")
    response = Response(lambda _: None, lambda _: None)
    exchange.answered(response, nothing)
    assert exchange.notes == []
    response.sends = 2
    exchange.answered(response, nothing)
    assert exchange.notes == ["the request was sent 2 times until it was answered"]


def test_so_on_a_route_that_is_not_recorded(wire, bridge):
    wire.play(reply(b'{"error":{"message":"bad key"}}', status="401 Unauthorized"))
    answer = bridge.ask(MODELS, method="GET")
    assert answer.status == 403
    assert "bad key" in said("chat", answer, "permission_error")
    wire.play(head("401 Unauthorized", [("content-length", "31")]))
    assert bridge.ask(MODELS, method="HEAD").status == 403


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_a_refusal_of_the_callers_own_key_passes_as_it_came(wire, bridge, status):
    refused = reply(b'{"error":"yours"}', status=status, headers=[("www-authenticate", "Bearer")])
    wire.always(refused)
    own = [("x-ai-bridge-token", bridge.token), ("authorization", "Bearer own")]
    for target, method in ((ROUTES["chat"], "POST"), (MODELS, "GET")):
        answer = ask(bridge.url, target, method=method, headers=own)
        assert (answer.status, answer.body) == (int(status[:3]), b'{"error":"yours"}')
        assert answer.values(b"www-authenticate") == [b"Bearer"]
    assert bridge.record().edits == []


def test_a_403_of_the_configured_key_passes_as_it_came(wire, bridge):
    wire.play(reply(b'{"error":"no such model for you"}', status="403 Forbidden"))
    answer = bridge.post("chat", samples.request("chat"))
    assert (answer.status, answer.body) == (403, b'{"error":"no such model for you"}')
    assert bridge.record().edits == []
