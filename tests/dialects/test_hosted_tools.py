"""Tools that the provider runs itself: what went wrong, and on which server."""

import json
from typing import Any

import pytest
from msgspec import Raw

from aibridge.dialects import messages, responses
from aibridge.dialects.servers import servers_in

names = pytest.mark.parametrize("name", ["messages", "chat", "responses"])


SERVERS = {"acme": "https://mcp.acme.test/sse"}


@pytest.mark.parametrize(
    ("block", "error"),
    [
        ({"is_error": True, "content": [{"type": "text", "text": "denied"}]}, "denied"),
        ({"is_error": True, "content": "denied"}, "denied"),
        ({"is_error": True, "content": []}, "error"),
        ({"is_error": False, "content": [{"type": "text", "text": "a_error"}]}, ""),
        ({"content": {"type": "x_tool_result_error", "error_code": "unavailable"}}, "unavailable"),
        ({"content": [{"type": "result"}]}, ""),
    ],
)
def test_a_hosted_tool_of_messages_that_failed(block: Any, error: str) -> None:
    used = {"type": "mcp_tool_use", "id": "m", "name": "ask", "server_name": "acme", "input": {}}
    result = {"type": "mcp_tool_result", "tool_use_id": "m", **block}
    body = json.dumps({"content": [used, result]}).encode()
    (found,) = messages.read_answer(body, SERVERS).tool_calls
    assert (found.error, found.server_url) == (error, SERVERS["acme"])
    assert messages.read_answer(body).tool_calls[0].server_url == ""


@pytest.mark.parametrize(
    ("item", "error"),
    [
        ({"type": "mcp_call", "error": None}, ""),
        ({"type": "mcp_call", "error": "denied"}, "denied"),
        ({"type": "mcp_call", "error": {"type": "http_error", "message": "denied"}}, "denied"),
        (
            {"type": "mcp_call", "error": {"content": [{"type": "text", "text": "denied"}]}},
            "denied",
        ),
        ({"type": "mcp_call", "error": {"type": "mcp_error"}}, "mcp_error"),
        ({"type": "web_search_call", "status": "failed"}, "failed"),
    ],
)
def test_a_hosted_tool_of_responses_that_failed(item: Any, error: str) -> None:
    named = {"id": "i", "server_label": "acme", "name": "ask", **item}
    body = json.dumps({"status": "completed", "output": [named]}).encode()
    (found,) = responses.read_answer(body, SERVERS).tool_calls
    assert (found.error, found.server_url) == (error, SERVERS["acme"])


def test_a_request_for_approval_is_a_call_that_is_answered_by_its_id() -> None:
    item = {"type": "mcp_approval_request", "id": "mcpr_1", "name": "ask", "arguments": "{}"}
    body = {"status": "completed", "output": [{**item, "server_label": "acme"}]}
    (found,) = responses.read_answer(json.dumps(body).encode(), SERVERS).tool_calls
    assert (found.name, found.input, found.call_id) == ("ask", "{}", "mcpr_1")
    assert (found.server_url, found.metadata["approval"]) == (SERVERS["acme"], "requested")


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ([{"type": "url", "name": "acme", "url": "https://a.test/sse"}], "https://a.test/sse"),
        ([{"name": "acme", "url": "https://u:p@a.test:9/x?key=s#f"}], "https://a.test:9/x"),
        ([{"name": "acme", "url": "https://[a"}], ""),
        ([{"name": "acme", "url": 5}, 7], ""),
        ({}, ""),
    ],
)
def test_the_servers_of_a_request(listed: Any, expected: str) -> None:
    body = json.dumps({"mcp_servers": listed, "messages": []}).encode()
    assert messages.read_request(body).servers.get("acme", "") == expected
    if isinstance(listed, list):
        tools = [
            {"type": "mcp", "server_label": t.get("name"), "server_url": t.get("url")}
            for t in listed
            if isinstance(t, dict)
        ]
        body = json.dumps({"tools": [*tools, {"type": "web_search"}], "input": []}).encode()
        assert responses.read_request(body).servers.get("acme", "") == expected


def test_servers_are_bounded() -> None:
    listed = [{"name": f"s{n}", "url": "https://a.test"} for n in range(1000)]
    assert len(messages.read_request(json.dumps({"mcp_servers": listed}).encode()).servers) == 64
    assert servers_in(Raw(b'[{"url":')) == {}
