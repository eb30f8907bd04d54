"""From a journaled request to the start of its record."""

import gzip
import json
from typing import Any

import pytest

from aibridge.dialects.facts import PromptKind
from aibridge.reading.request import MAX_USER_AGENT, read_request, unread_request
from tests.gateway import samples
from tests.reading.journaled import READING, begun

CLAUDE_CODE = (b"user-agent", b"claude-cli/2.1 (external, cli)")
GZIP = (b"content-encoding", b"gzip")
SUMMARY = "Your task is to create a detailed summary of the conversation."
dialects = pytest.mark.parametrize("dialect", samples.DIALECTS)


@pytest.mark.parametrize("stream", [False, True])
@dialects
def test_what_a_request_says_is_read_whatever_its_dialect(dialect: str, stream: bool) -> None:
    body = samples.encoded(samples.request(dialect, "Mend it.", stream=stream))
    start = read_request(begun(dialect, headers=[CLAUDE_CODE]), body, READING).start
    assert (start.model, start.stream, start.client) == ("m-1", stream, "Claude Code")
    assert [(prompt.text, prompt.kind) for prompt in start.prompts] == [
        ("Mend it.", PromptKind.TYPED)
    ]
    assert (start.notes, start.unread, start.metadata) == ([], False, {})


def test_what_the_gateway_knew_is_taken_over() -> None:
    call = begun(edits=["something"])
    start = read_request(call, b"{}", READING).start
    assert (start.id, start.started_at, start.initiator_id, start.api_key_id) == (
        call.id,
        call.at,
        call.user_id,
        call.token_id,
    )
    assert (start.provider, start.provider_name, start.route) == (
        call.provider,
        call.provider_name,
        call.route,
    )
    assert (start.credential_kind, start.credential_hint) == ("centralized", "sk-a...1234")
    assert (start.request_bytes, start.edits) == (400, ["something"])


@dialects
def test_a_compressed_request_is_unpacked(dialect: str) -> None:
    body = gzip.compress(samples.encoded(samples.request(dialect, "Mend it.")))
    start = read_request(begun(dialect, headers=[GZIP]), body, READING).start
    assert ([prompt.text for prompt in start.prompts], start.unread) == (["Mend it."], False)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"no gzip", b"gzip"),
        (b"{}", b"rot13"),
        (gzip.compress(b" " * (2 << 20)), b"gzip"),
        (b"{", b""),
        (b"\xff\xfe", b""),
        (b"[]", b""),
    ],
    ids=["broken", "unknown", "too much", "cut", "binary", "no object"],
)
@dialects
def test_what_cannot_be_read_is_unread_with_a_note(
    dialect: str, body: bytes, encoding: bytes
) -> None:
    headers = [(b"content-encoding", encoding)] if encoding else []
    start = read_request(begun(dialect, headers=headers), body, READING).start
    assert (start.unread, start.prompts, start.model) == (True, (), "")
    assert len(start.notes) == 1


def test_whatever_the_headers_are_there_is_a_start() -> None:
    headers = [(b"user-agent", b"\xe4" * 1000), (b"x-session-id", b"\x00\xff")]
    start = read_request(begun(headers=headers), b"{}", READING).start
    assert start.user_agent == "\xe4" * MAX_USER_AGENT
    assert start.client is None
    assert start.client_session_id == "\ufffd"


@pytest.mark.parametrize(
    ("route", "prompt", "header", "kind", "prompts"),
    [
        ("/v1/messages", "Hi.", b"", "typed", ["typed"]),
        ("/v1/messages", "Hi.", b"auxiliary", "side_call", ["side_call"]),
        ("/v1/messages", "Hi.", b"subagent", "subagent", ["subagent"]),
        ("/v1/messages", SUMMARY, b"", "compaction", ["compaction"]),
        ("/v1/messages", SUMMARY, b"main", "typed", ["typed"]),
        ("/v1/responses/compact", "Hi.", b"", "compaction", ["compaction"]),
        ("/v1/responses/compact", "Hi.", b"main", "compaction", ["compaction"]),
    ],
)
def test_what_a_request_is_for_is_told_by_its_route_its_headers_and_its_text_in_that_order(
    route: str, prompt: str, header: bytes, kind: str, prompts: list[str]
) -> None:
    dialect = "responses" if "responses" in route else "messages"
    body = samples.encoded(samples.request(dialect, prompt, tools=samples.TOOLS[dialect]))
    headers = [CLAUDE_CODE, (b"x-claude-code-request-class", header)]
    start = read_request(begun(dialect, route=route, headers=headers), body, READING).start
    assert (start.kind.value, [one.kind.value for one in start.prompts]) == (kind, prompts)
    assert start.metadata == ({} if kind == "typed" else {"kind": kind})


@pytest.mark.parametrize(
    ("dialect", "route", "body", "stores"),
    [
        ("responses", "/v1/responses", {"input": "x"}, True),
        ("responses", "/v1/responses", {"input": "x", "store": False}, False),
        ("responses", "/v1/responses", {"input": 5, "store": False}, True),
        ("responses", "/v1/conversations", {}, True),
        ("messages", "/v1/messages", {"messages": []}, False),
        ("chat", "/v1/chat/completions", {"messages": [{"role": 5}]}, False),
    ],
)
def test_what_a_provider_may_keep_is_taken_for_kept(
    dialect: str, route: str, body: dict[str, Any], stores: bool
) -> None:
    call = begun(dialect, route=route)
    assert read_request(call, json.dumps(body).encode(), READING).start.stores is stores


def test_an_empty_conversation_has_nothing_to_read() -> None:
    start = read_request(begun("responses", route="/v1/conversations"), b"", READING).start
    assert (start.unread, start.notes, start.stores) == (False, [], True)


def test_a_body_that_is_gone_leaves_what_the_gateway_knew_and_a_note() -> None:
    asked = unread_request(begun(headers=[CLAUDE_CODE]), "it is gone")
    start = asked.start
    assert (start.id, start.unread, start.notes) == ("call-1", True, ["it is gone"])
    assert start.user_agent == CLAUDE_CODE[1].decode()
    assert (start.model, start.client, start.prompts) == ("", None, ())


def test_the_same_bytes_give_the_same_facts_whenever_they_are_read() -> None:
    body = samples.encoded(samples.request("messages", "Mend it."))
    call = begun(headers=[CLAUDE_CODE])
    assert read_request(call, body, READING) == read_request(call, body, READING)
