"""Model calls that are not simply asked and answered, and what is asked for by its id later."""

import json

import pytest

from tests.bridge import Bridge
from tests.wire import Answer, ask, reply

BELOW = "/api/v2/aibridge/openai/v1"
USAGE = {
    "input_tokens": 40,
    "output_tokens": 12,
    "total_tokens": 52,
    "input_tokens_details": {"cached_tokens": 10},
    "output_tokens_details": {"reasoning_tokens": 5},
}
CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "shell",
    "arguments": '{"c":1}',
    "status": "completed",
}
SAID = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "wide", "annotations": []}],
}


def asked(text: str, **more: object) -> bytes:
    part = {"type": "input_text", "text": text}
    item = {"type": "message", "role": "user", "content": [part]}
    shell = {"type": "function", "name": "shell", "parameters": {"type": "object"}}
    return json.dumps({"model": "gpt-x", "input": [item], "tools": [shell], **more}).encode()


def response(id_: str, status: str, *output: object, usage: object = None) -> bytes:
    facts = {"id": id_, "object": "response", "status": status, "model": "gpt-x-2026"}
    return reply(json.dumps({**facts, "output": output, "usage": usage}).encode())


def call(bridge, method: str, path: str, body: bytes = b"", token: str = "") -> Answer:
    headers = [
        ("authorization", f"Bearer {token or bridge.token}"),
        ("content-type", "application/json"),
        ("user-agent", "OpenAI/Python 2.8.0"),
    ]
    return ask(bridge.url, BELOW + path, method=method, headers=headers, body=body)


def tokens(record) -> list[tuple[int, ...]]:
    kinds = ("input", "output", "cache_read_input", "cache_write_input")
    return [tuple(usage[f"{kind}_tokens"] for kind in kinds) for usage in record.usages]


def test_resp_background(wire, bridge):
    wire.play(response("resp_bg", "queued"))
    first = call(
        bridge, "POST", "/responses", asked("how wide is the river", background=True, store=True)
    )
    assert json.loads(first.body)["status"] == "queued"
    record = bridge.record()
    assert record.status == "queued"
    assert (record.usages, record.tools) == ([], [])
    wire.play(response("resp_bg", "completed", CALL, SAID, usage=USAGE))
    polled = call(bridge, "GET", "/responses/resp_bg")
    assert json.loads(polled.body)["status"] == "completed"
    record = bridge.record()
    assert (record.status, record.stop_reason, record.http_status) == ("completed",) * 2 + (200,)
    assert tokens(record) == [(30, 12, 10, 0)]
    assert [(tool["tool"], tool["input"]) for tool in record.tools] == [("shell", '{"c":1}')]
    assert [prompt["prompt"] for prompt in record.prompts] == ["how wide is the river"]
    assert "the end of the answer was seen when it was asked for by its id" in record.notes
    wire.always(response("resp_bg", "completed", CALL, SAID, usage=USAGE))
    for _ in range(3):
        assert call(bridge, "GET", "/responses/resp_bg").status == 200
    assert bridge.record() == record


def test_resp_compact(wire, bridge):
    compacted = {"type": "compaction", "encrypted_content": "zz"}
    body = {"id": "resp_c", "object": "response.compaction", "output": [compacted], "usage": USAGE}
    wire.play(reply(json.dumps(body).encode()))
    assert call(bridge, "POST", "/responses/compact", asked("how wide is the river")).status == 200
    record = bridge.record()
    assert (record.status, record.route) == ("completed", "/v1/responses/compact")
    assert tokens(record) == [(30, 12, 10, 0)]
    assert record.metadata == {"kind": "compaction"}
    (prompt,) = record.prompts
    assert (prompt["prompt"], prompt["metadata"]) == (
        "how wide is the river",
        {"kind": "compaction"},
    )


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/responses/resp_ana", 404),
        ("GET", "/responses/resp_ana/input_items", 404),
        ("DELETE", "/responses/resp_ana", 404),
        ("POST", "/responses/resp_ana/cancel", 404),
        ("DELETE", "/conversations/conv_ana", 404),
        ("DELETE", "/models/ft:gpt-4o:acme::1", 405),
    ],
)
def test_tenant_stored_responses(wire, bridge, bea, method, path, status):
    wire.play(response("resp_ana", "completed", SAID, usage=USAGE))
    assert call(bridge, "POST", "/responses", asked("Ana's secret")).status == 200
    wire.play(reply(b'{"id": "conv_ana", "object": "conversation"}'))
    assert call(bridge, "POST", "/conversations").status == 200
    wire.always(reply(b'{"id": "resp_ana"}'))
    answer = call(bridge, method, path, token=bea)
    assert answer.status == status
    assert len(wire.requests) == 2, "nothing of Bea's reached the provider"
    if status == 404:
        assert call(bridge, method, path).status == 200, "Ana may"


@pytest.fixture(scope="module")
def bea(shared_bridge: Bridge) -> str:
    return shared_bridge.add_user("bea")
