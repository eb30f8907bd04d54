"""With a limit no stream passes of which nobody will know what it cost; what costs nothing does."""

import gzip
import json

import pytest

from tests.bridge import ROUTES, Bridge, providers
from tests.gateway import samples
from tests.gateway.test_refusals import said
from tests.gateway.test_spending import price_models, set_limit, spent

ENGINES = ("sqlite",)
"""What is tested here does not depend on the engine."""

STREAM = {"model": "m-1", "stream": True, "max_tokens": 10, "messages": []}
PLAIN = json.dumps(STREAM).encode()
UNEDITED = {
    "gzip": (gzip.compress(PLAIN), "gzip"),
    "not what it says": (PLAIN, "gzip"),
    "a number": (PLAIN.replace(b"true", b"1"), ""),
    "a list of options": (PLAIN[:-1] + b',"stream_options":[]}', ""),
    "options twice": (PLAIN[:-1] + b',"stream_options":null,"stream_options":null}', ""),
    "a mark": (b"\xef\xbb\xbf" + PLAIN, ""),
}
PASSES = {
    "identity": (PLAIN, "identity"),
    "identity twice": (PLAIN, "Identity, identity"),
    "gzip that asks": (
        gzip.compress(PLAIN[:-1] + b',"stream_options":{"include_usage":true}}'),
        "gzip",
    ),
    "gzip without a stream": (gzip.compress(PLAIN.replace(b"true", b"false")), "gzip"),
}
CONVERSATIONS = "/api/v2/aibridge/openai/v1/conversations"


def status(bridge: Bridge, body: bytes, encoding: str) -> int:
    headers = [("content-encoding", encoding)] if encoding else []
    return bridge.ask(ROUTES["chat"], body=body, headers=headers).status


@pytest.mark.parametrize("mode", ["reserve", "check"])
def test_a_stream_that_cannot_be_asked_for_its_usage_is_refused(wire, serve, mode):
    with serve(providers(wire.url), budget_mode=mode) as bridge:
        price_models(bridge)
        set_limit(bridge, 1_000_000)
        for name, (body, encoding) in UNEDITED.items():
            assert (name, status(bridge, body, encoding)) == (name, 400)
        answer = bridge.ask(ROUTES["chat"], body=PLAIN.replace(b"true", b"1"))
        assert "stream_options.include_usage" in said("chat", answer, "invalid_request_error")
        assert not wire.requests
        for name, (body, encoding) in PASSES.items():
            before = spent(bridge)
            wire.play(*samples.framed(samples.body("chat", stream=True), "sized", stream=True))
            assert (name, status(bridge, body, encoding)) == (name, 200)
            assert spent(bridge) > before


@pytest.mark.parametrize(
    ("mode", "asks", "limit"),
    [("observe", True, 1_000_000), ("reserve", True, None), ("reserve", False, 1_000_000)],
)
def test_where_nobody_asks_for_usage_or_no_limit_is_kept_such_a_stream_passes(
    wire, serve, mode, asks, limit
):
    with serve(providers(wire.url, ask_for_usage=asks), budget_mode=mode) as bridge:
        price_models(bridge)
        if limit is not None:
            set_limit(bridge, limit)
        body, encoding = UNEDITED["gzip"]
        wire.play(*samples.framed(samples.body("chat", stream=True), "sized", stream=True))
        assert status(bridge, body, encoding) == 200


@pytest.mark.parametrize("limit", [0, 1_000_000])
def test_what_is_added_to_a_conversation_costs_nothing_and_passes(wire, serve, limit):
    with serve(providers(wire.url)) as bridge:
        set_limit(bridge, limit)
        wire.play(*samples.framed(b'{"id":"conv_1","object":"conversation"}', "sized"))
        assert bridge.ask(CONVERSATIONS, body=b'{"metadata":{}}').status == 200
        wire.play(*samples.framed(b'{"object":"list","data":[]}', "sized"))
        items = bridge.ask(CONVERSATIONS + "/conv_1/items", body=b'{"items":[]}')
        assert items.status == 200
        assert spent(bridge) == 0
