"""Traffic that goes wrong on the way: refused, redirected, sent twice, left behind."""

import json
import threading
from typing import Any

import pytest

from tests.bridge import KEY, ROUTES
from tests.wire import STREAM_HEAD, Caller, Then, Wire, ask, chunk, head, reply

ENGINES = ("sqlite",)
"""What is tested here does not depend on the engine."""

CLAUDE = {
    "model": "claude-x",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "how deep is the lake"}],
}
ANSWER: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x-2026",
    "content": [{"type": "text", "text": "deep"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 25, "output_tokens": 15},
}
OK = reply(json.dumps(ANSWER).encode())


def message(answer):
    return json.loads(answer.body)["error"]["message"]


def tokens(record):
    (usage,) = record.usages
    names = ("input", "output", "cache_read_input", "cache_write_input")
    return tuple(usage[f"{name}_tokens"] for name in names)


def test_central_key_401(wire, bridge):
    error = {
        "type": "error",
        "error": {"type": "authentication_error", "message": "invalid x-api-key"},
    }
    wire.play(reply(json.dumps(error).encode(), status="401 Unauthorized"))
    agent = ("user-agent", "claude-cli/2.1.197 (external, cli)")
    answer = bridge.post("messages", CLAUDE, agent, ("anthropic-version", "2023-06-01"))
    assert answer.status == 403
    assert answer.values(b"x-should-retry") == [b"false"]
    assert json.loads(answer.body)["error"]["type"] == "permission_error"
    assert "invalid x-api-key" in message(answer)
    assert "whoever runs AI Bridge" in message(answer)
    record = bridge.record()
    assert (record.status, record.error_type) == ("failed", "unauthorized")
    assert (record.http_status, record.error_message) == (401, "invalid x-api-key")
    assert record.edits == ["answer: the provider's 401 was replaced by a 403"]


def test_post_sent_twice(wire, bridge):
    wire.play(OK)
    assert bridge.post("messages", CLAUDE).status == 200
    wire.play(Then.CLOSE)
    wire.always(OK)
    answer = bridge.post("messages", CLAUDE)
    assert len(wire.requests) == 2  # the second one once
    assert wire.requests[0].connection == wire.requests[1].connection
    assert answer.status == 502
    assert json.loads(answer.body)["type"] == "error"
    assert "was sent once, and not again" in message(answer)
    first, second = bridge.records()
    assert (first.status, second.status) == ("completed", "failed")
    assert second.error_type == "broken"
    assert "was sent once, and not again" in second.error_message


@pytest.mark.parametrize("path", [ROUTES["messages"], f"{ROUTES['messages']}/count_tokens"])
def test_twenty_warm_connections_make_one_send(wire, bridge, path):
    """They were kept by twenty calls at once; the provider reads the next one and closes."""
    go = threading.Event()
    wire.always(go, OK)
    callers = [Caller(bridge.url) for _ in range(20)]
    for caller in callers:
        caller.send(path, headers=bridge.headers(), body=json.dumps(CLAUDE).encode())
    wire.request(19)
    go.set()
    assert [caller.answer().status for caller in callers] == [200] * 20
    for caller in callers:
        caller.leave()
    wire.requests.clear()
    accepted = wire.accepted
    wire.always(Then.CLOSE)
    answer = bridge.ask(path, body=json.dumps(CLAUDE).encode())
    assert (answer.status, len(wire.requests), wire.accepted) == (502, 1, accepted)
    failed = [record for record in bridge.records() if record.status == "failed"]
    assert len(failed) == (path == ROUTES["messages"])


def test_a_provider_that_starts_again_is_asked_once(wire, bridge):
    wire.always(OK)
    assert bridge.post("messages", CLAUDE).status == 200
    wire.hang_up()
    assert wire.requests[0].gone.wait(20)
    answer = bridge.post("messages", CLAUDE)
    assert (answer.status, len(wire.requests)) == (200, 2)
    assert [record.status for record in bridge.records()] == ["completed"] * 2
    assert [record.notes for record in bridge.records()] == [[], []]


def test_redirect_followed_by_client(wire, bridge):
    with Wire() as elsewhere:
        location = f"http://localhost:{elsewhere.port}/v1/messages"
        wire.play(head("307 Temporary Redirect", [("location", location), ("content-length", "0")]))
        headers = [("x-api-key", bridge.token), ("user-agent", "Anthropic/Python 0.75.0")]
        body = json.dumps(CLAUDE).encode()
        answer = ask(bridge.url, ROUTES["messages"], headers=headers, body=body)
        assert (answer.status, answer.values(b"location")) == (502, [])
        assert f"localhost:{elsewhere.port}" in message(answer)
        assert not elsewhere.requests
    (received,) = wire.requests
    assert bridge.token.encode() not in received.head
    record = bridge.record()
    assert (record.status, record.http_status) == ("failed", 307)
    assert record.usages == []
    assert record.edits == ["answer: the provider's 307 was replaced by a 502"]


def data(*events, name=True):
    lines = [f"event: {event['type']}\n" if name else "" for event in events]
    return [
        f"{line}data: {json.dumps(event)}\n\n".encode()
        for line, event in zip(lines, events, strict=True)
    ]


def chat_chunk(choices, **more):
    fixed = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m-1"}
    return fixed | {"choices": choices} | more


CHAT_REQUEST = {
    "model": "m-1",
    "messages": [{"role": "user", "content": "how tall is the tower"}],
    "stream": True,
    "stream_options": {"include_usage": True},
}
CHAT = [
    *data(
        chat_chunk([{"index": 0, "delta": {"content": "the whole answer"}, "finish_reason": None}]),
        chat_chunk([{"index": 0, "delta": {}, "finish_reason": "stop"}]),
        chat_chunk([], usage={"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27}),
        name=False,
    ),
    b"data: [DONE]\n\n",
]
RESPONSES_REQUEST = {"model": "gpt-x", "input": "how wide is the river", "stream": True}
RESPONSE = {"id": "resp_1", "object": "response", "model": "gpt-x-2026", "output": []}
RESPONSES = data(
    {"type": "response.created", "response": RESPONSE | {"status": "in_progress", "usage": None}},
    {"type": "response.output_text.delta", "delta": "the whole answer"},
    {"type": "response.output_text.done", "text": "the whole answer"},
    {
        "type": "response.completed",
        "response": RESPONSE
        | {
            "status": "completed",
            "usage": {
                "input_tokens": 40,
                "output_tokens": 12,
                "total_tokens": 52,
                "input_tokens_details": {"cached_tokens": 10},
                "output_tokens_details": {"reasoning_tokens": 5},
            },
        },
    },
)
STARTED = ANSWER | {
    "content": [],
    "stop_reason": None,
    "usage": {"input_tokens": 25, "output_tokens": 1},
}
MESSAGES = data(
    {"type": "message_start", "message": STARTED},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": "deep"},
    },
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 150},
    },
    {"type": "message_stop"},
)
ABANDONED = {
    # dialect: request, events, how many of them the client stays for, tokens
    "chat": (CHAT_REQUEST, CHAT, 2, (20, 7, 0, 0)),
    "responses": (RESPONSES_REQUEST, RESPONSES, 3, (30, 12, 10, 0)),
    "messages": (CLAUDE | {"stream": True}, MESSAGES, 4, (25, 150, 0, 0)),
}


def begin_and_leave(bridge, dialect, left, last):
    """Ask for a stream, and leave when all up to ``last`` has come."""
    with Caller(bridge.url) as caller:
        request = json.dumps(ABANDONED[dialect][0]).encode()
        caller.send(ROUTES[dialect], headers=bridge.headers(), body=request)
        caller.begin()
        caller.read_until(last)
    assert left.wait(20)


@pytest.mark.parametrize("dialect", ABANDONED)
def test_stream_abandoned(wire, bridge, left, dialect):
    _, events, stays, counted = ABANDONED[dialect]
    usage = threading.Event()
    wire.play(
        STREAM_HEAD, *map(chunk, events[:stays]), usage, *map(chunk, events[stays:]), b"0\r\n\r\n"
    )
    begin_and_leave(bridge, dialect, left, events[stays - 1])
    usage.set()
    record = bridge.ended()
    assert tokens(record) == counted
    assert "estimated" not in record.usages[0]["metadata"]
    assert (record.status, record.error_message) == ("completed", "")
    assert record.notes == ["the client left before the usage came"]


@pytest.mark.parametrize("dialect", ABANDONED)
def test_stream_abandoned_in_its_middle(wire, bridge, left, dialect):
    """The provider is let go at once; what it said of the input counts, the rest is estimated."""
    _, events, stays, _ = ABANDONED[dialect]
    wire.play(STREAM_HEAD, *map(chunk, events[: stays - 1]), Then.STALL)
    begin_and_leave(bridge, dialect, left, events[stays - 2])
    assert wire.request().gone.wait(20)
    record = bridge.ended()
    assert (record.status, record.notes) == ("cancelled", [])
    assert record.error_message == "the client closed the connection"
    assert "estimated" in record.usages[0]["metadata"]
    assert tokens(record)[0] > 0
    assert tokens(record)[1] > 0
    if dialect == "messages":
        assert tokens(record)[0] == 25


OAUTH = "sk-ant-oat01-the-persons-own"
TWO = [
    # pairs, accepted
    ([("authorization", f"Bearer {OAUTH}"), ("x-api-key", "{}")], True),
    ([("authorization", "Bearer {}"), ("x-api-key", OAUTH)], True),
    ([("authorization", f"Bearer {OAUTH}"), ("x-goog-api-key", "{}")], True),
    ([("authorization", f"Bearer {OAUTH}"), ("x-api-key", "sk-ant-api03-other")], False),
]


@pytest.mark.parametrize(("pairs", "accepted"), TWO)
def test_two_credentials(wire, bridge, pairs, accepted):
    wire.play(OK)
    headers = [(name, value.format(bridge.token)) for name, value in pairs]
    body = json.dumps(CLAUDE).encode()
    answer = ask(bridge.url, ROUTES["messages"], headers=headers, body=body)
    if not accepted:
        assert (answer.status, wire.requests) == (401, [])
        assert "The AI Bridge token in Authorization is not valid" in message(answer)
        assert OAUTH not in message(answer)
        return
    assert answer.status == 200
    (received,) = wire.requests
    assert received.values(b"x-api-key") == [KEY.encode()]
    assert OAUTH.encode() not in received.head
    assert bridge.token.encode() not in received.head
    assert bridge.record().credential_kind == "centralized"


@pytest.mark.parametrize(("header", "form"), [("authorization", "Bearer {}"), ("x-api-key", "{}")])
def test_claude_code_16(wire, bridge, header, form):
    agent = ("user-agent", "claude-cli/2.1.332 (external, cli)")
    token = bridge.token
    wrong = token[:-1] + ("a" if token[-1] != "a" else "b")
    for value in (wrong, "not-even-one"):
        headers = [agent, (header, form.format(value))]
        answer = ask(bridge.url, ROUTES["messages"], headers=headers, body=b"{}")
        assert (answer.status, answer.values(b"x-should-retry")) == (401, [b"false"])
        assert f"in {header.title()} is not valid" in message(answer)
        assert value not in message(answer)
    scopeless = bridge.add_user(f"reader-{header}", scopes=[])
    headers = [agent, (header, form.format(scopeless))]
    answer = ask(bridge.url, ROUTES["messages"], headers=headers, body=b"{}")
    assert (answer.status, answer.values(b"x-should-retry")) == (403, [b"false"])
    assert not wire.requests


@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent?alt=sse"])
def test_gemini_cli_01(wire, serve, method):
    google = {"type": "google", "base_url": f"{wire.url}/v1beta/openai", "api_keys": [KEY]}
    base = "/api/v2/aibridge/google"
    agent = ("user-agent", "GeminiCLI-tui/0.61.0/gemini-3.1-pro-preview (linux; x64; terminal)")
    with serve([google]) as bridge:
        headers = [agent, ("x-goog-api-key", bridge.token)]
        target = f"{base}/v1beta/models/gemini-3.8-flash:{method}"
        answer = ask(bridge.url, target, headers=headers, body=b"{}")
        assert answer.status == 404
        assert "Gemini's own API is not served" in message(answer)
        assert "/v1/chat/completions" in message(answer)
        assert not wire.requests
        target = f"{base}/v1/chat/completions"
        assert ask(bridge.url, target, headers=headers, body=b"{}").status == 200
        assert wire.requests[0].values(b"authorization") == [f"Bearer {KEY}".encode()]
        assert wire.requests[0].values(b"x-goog-api-key") == []
        headers = [agent, ("x-goog-api-key", "KEY")]
        answer = ask(bridge.url, target, headers=headers, body=b"{}")
        assert answer.status == 401
        assert "in X-Goog-Api-Key is not valid" in message(answer)


@pytest.mark.parametrize("name", ["openai%2Fgpt-5", "openai%2fgpt-5", "a%2Fb%2Fc"])
def test_a_models_id_with_an_encoded_slash_passes_as_it_came(wire, bridge, name):
    target = f"/api/v2/aibridge/openai/v1/models/{name}"
    assert bridge.ask(target, method="GET").status == 200
    assert wire.requests[0].line == f"GET /v1/models/{name} HTTP/1.1".encode()
