"""Which methods a route takes, and that no call goes unrecorded under another path."""

import json

import pytest

from aibridge.providers.types import Method
from tests.bridge import ROUTES
from tests.gateway import samples
from tests.gateway.test_refusals import BASE, MODELS, said
from tests.wire import Caller, ask, reply

ENGINES = ("sqlite",)
"""What is tested here does not depend on the engine."""

METHODS = [*Method, "OPTIONS", "TRACE", "PROPFIND", "PURGE", "MKCOL"]
OWN_ONLY = (
    "With the configured key {} is not passed on this route: bring your own credential for it."
)
PASSED = [
    # path, methods with a configured key, with one's own
    ("anthropic/v1/models", "GET, HEAD", "GET, HEAD"),
    ("anthropic/v1/messages/count_tokens", "POST", "POST"),
    ("anthropic/api/event_logging/batch", "POST", "POST"),
    ("openai/v1/models/ft:gpt-4o:acme", "GET, HEAD", "GET, HEAD"),
]


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize(("path", "central", "owners"), PASSED)
def test_a_passed_route_takes_its_methods_only(wire, bridge, path, central, owners, own):
    allowed = owners if own else central
    key = [("authorization", "Bearer mine")] if own else []
    headers = [("x-ai-bridge-token" if own else "x-api-key", bridge.token), *key]
    for method in METHODS:
        wire.forget()
        answer = ask(bridge.url, f"{BASE}/{path}", method=method, headers=headers)
        if method in allowed.split(", "):
            assert answer.status == 200
            assert wire.requests[0].line.startswith(method.encode() + b" /")
        else:
            assert (answer.status, answer.values(b"allow")) == (405, [allowed.encode()])
            assert not wire.requests


@pytest.mark.parametrize(
    ("path", "method", "told"),
    [
        ("anthropic/v1/models", "TRACE", "Use GET or HEAD on this route."),
        ("anthropic/v1/messages/count_tokens", "GET", "Use POST on this route."),
        (
            "openai/v1/models/ft:gpt-4o:acme",
            "DELETE",
            "Use GET or HEAD on this route.",
        ),
    ],
)
def test_who_uses_another_method_is_told_in_the_dialect(bridge, path, method, told):
    answer = bridge.ask(f"{BASE}/{path}", method=method)
    dialect = "messages" if path.startswith("anthropic") else "chat"
    assert said(dialect, answer, "invalid_request_error") == told


def test_a_tunnel_is_refused(wire, bridge):
    with Caller(bridge.url) as caller:
        caller.send(MODELS, method="CONNECT", headers=bridge.headers())
        assert caller.begin()[0] == 405
    assert not wire.requests


@pytest.mark.parametrize("rest", ["/", "/%20", "/;x", "/.", "/other/call", "/resp_1/"])
def test_no_model_is_called_under_another_name(wire, bridge, rest):
    """Some servers answer these as they do ``/responses``, and nothing would be on record."""
    answer = bridge.ask(ROUTES["responses"] + rest, body=b"{}")
    assert answer.status == 404
    assert bridge.ask(f"{ROUTES['responses']}/other", body=b"{}").status == 405
    assert not wire.requests


def test_a_compaction_is_on_record(wire, bridge):
    """It is a model call, with usage, though it looks like something below an answer."""
    wire.play(reply(samples.WHOLE["responses"]))
    body = json.dumps(samples.request("responses")).encode()
    assert bridge.ask(f"{ROUTES['responses']}/compact", body=body).status == 200
    assert wire.requests[0].line == b"POST /v1/responses/compact HTTP/1.1"
    record = bridge.record()
    assert (record.route, record.status) == ("/v1/responses/compact", "completed")
    assert record.usages[0]["output_tokens"] == 9
