"""What the record says of a call, however it went."""

import http.client
import json
import time
from typing import Any

import pytest

from aibridge.keeper import keeper
from aibridge.practice import Failure, Part, Script, StreamFailure, Turn, Usage
from aibridge.practice import serve as run_practice
from tests import bridge as bridges
from tests.bridge import ROUTES
from tests.gateway import samples
from tests.wire import Caller, reply

USAGE = Usage(input=100, output=9, cache_read=20, cache_write=3)
ERRORS = {
    400: "bad_request",
    401: "unauthorized",
    402: "unknown",
    403: "unauthorized",
    404: "bad_request",
    408: "timeout",
    413: "bad_request",
    422: "bad_request",
    429: "rate_limited",
    500: "server_error",
    502: "server_error",
    503: "overloaded",
    529: "overloaded",
}
STOP_FOR_TOOLS = {"messages": "tool_use", "chat": "tool_calls", "responses": "completed"}
TEXT = Part(text="A long story. " * 20)
SCRIPT = Script(
    turns=(
        Turn(
            when="tools",
            usage=USAGE,
            parts=(
                Part(thinking="I should look first."),
                Part(text="Both."),
                Part(tool="bash", arguments={"command": "ls"}),
                Part(tool="read", arguments={"path": "a.txt"}),
            ),
        ),
        Turn(when="tools", usage=USAGE, parts=(Part(text="Done."),)),
        Turn(when="slow", delay=0.02, parts=(TEXT,)),
        Turn(when="limit", stop_reason="max_tokens", parts=(TEXT,)),
        Turn(when="tier", service_tier="priority", model="m-1-dated", parts=(TEXT,), usage=USAGE),
        Turn(
            when="trouble",
            stream_error=StreamFailure(after=3, type="overloaded_error", message="Too busy."),
            parts=(Part(thinking="I should look first."), TEXT),
        ),
        Turn(
            when="break", break_after=20, parts=(Part(thinking="I should look first. " * 9), TEXT)
        ),
        *(
            Turn(when=f"error {status}", error=Failure(status=status, message="So it is."))
            for status in ERRORS
        ),
        Turn(parts=(Part(text="Hello."),), usage=USAGE),
    )
)

dialects = pytest.mark.parametrize("dialect", samples.DIALECTS)
streams = pytest.mark.parametrize("stream", [False, True])


@pytest.fixture(scope="module")
def practice():
    with run_practice(SCRIPT) as practice:
        yield practice


@pytest.fixture(scope="module")
def practiced(practice, serve):
    with serve(bridges.providers(practice.url)) as bridge:
        yield bridge


@pytest.fixture
def bridge(practiced):
    practiced.forget()
    return practiced


def ask(bridge, dialect, prompt, *headers, stream=False, then=(), tools=True):
    more = {"tools": samples.TOOLS[dialect]} if tools else {}
    body = samples.request(dialect, prompt, stream=stream, then=then, **more)
    return bridge.post(dialect, body, *headers)


@streams
@dialects
def test_a_call_is_on_record_with_all_that_it_says(bridge, dialect, stream):
    before = time.time_ns() // 1000
    user_agent = ("user-agent", "Anthropic/Python 1.2")
    answer = ask(bridge, dialect, "Use tools.", user_agent, stream=stream)
    after = time.time_ns() // 1000
    record = bridge.record()
    route = ROUTES[dialect].removeprefix("/api/v2/aibridge")
    name = "anthropic" if dialect == "messages" else "openai"
    expected = {
        "initiator_id": bridge.user.id,
        "provider": name,
        "provider_name": name,
        "route": route.removeprefix(f"/{name}"),
        "model": "m-1",
        "client": "Anthropic SDK (Python)",
        "client_session_id": None,
        "session_id": record.id,
        "thread_parent_id": None,
        "thread_root_id": None,
        "user_agent": "Anthropic/Python 1.2",
        "metadata": {},
        "stream": stream,
        "edits": [],
        "notes": [],
        "status": "completed",
        "http_status": 200,
        "error_type": "",
        "error_message": "",
        "stop_reason": STOP_FOR_TOOLS[dialect],
        "response_bytes": len(answer.body),
    }
    assert {name: record.row[name] for name in expected} == expected
    assert before <= record.started_at <= record.ended_at <= after
    assert 0 < record.first_byte_us <= record.ended_at - record.started_at + 1000

    (prompt,) = record.prompts
    (usage,) = record.usages
    (thought,) = record.thoughts
    bash, read = record.tools
    assert prompt["prompt"] == "Use tools."
    assert (thought["content"], thought["metadata"]["source"]) != ("", "")
    assert thought["content"] == "I should look first."
    assert [json.loads(tool["input"]) for tool in (bash, read)] == [
        {"command": "ls"},
        {"path": "a.txt"},
    ]
    assert (bash["tool"], read["tool"]) == ("bash", "read")
    assert bash["provider_tool_call_id"] != read["provider_tool_call_id"]
    assert {tool["initiator_id"] for tool in (bash, read)} == {bridge.user.id}
    assert (usage["input_tokens"], usage["output_tokens"]) == (100, 9)
    assert (usage["cache_read_input_tokens"], usage["cache_write_input_tokens"]) == (20, 3)
    assert usage["metadata"]["usage"]
    assert "partial" not in usage["metadata"]
    ids = {row["provider_response_id"] for row in (prompt, usage, thought, bash, read)}
    assert len(ids) == 1
    assert ids.pop().encode() in answer.body


@streams
@dialects
def test_a_tool_loop_is_one_thread(bridge, dialect, stream):
    ask(bridge, dialect, "Use tools.", stream=stream)
    first = bridge.record()
    calls = [tool["provider_tool_call_id"] for tool in first.tools]
    ask(bridge, dialect, "Use tools.", stream=stream, then=samples.results(dialect, calls))
    second = bridge.records()[1]
    assert (second.thread_parent_id, second.thread_root_id) == (first.id, first.id)
    assert second.session_id == first.session_id == first.id
    assert (second.prompts, second.tools) == ([], [])
    again = [*samples.results(dialect, calls), {"role": "user", "content": "And now?"}]
    ask(bridge, dialect, "Use tools.", stream=stream, then=again)
    third = bridge.records()[2]
    assert [prompt["prompt"] for prompt in third.prompts] == ["And now?"]
    (session,) = bridge.rows("sessions")
    assert (session["interceptions"], session["input_tokens"]) == (3, 300)


@dialects
def test_results_of_calls_from_several_answers_join_the_newest(bridge, dialect):
    ids = []
    for _ in range(2):
        ask(bridge, dialect, "Use tools.")
        ids.append(bridge.records()[-1].tools[0]["provider_tool_call_id"])
    ask(bridge, dialect, "Use tools.", then=samples.results(dialect, ids))
    records = bridge.records()
    assert records[2].thread_parent_id == records[1].id


def test_a_threads_root_stays_its_root(wire, serve):
    with serve(bridges.providers(wire.url)) as bridge:
        said: list[dict[str, Any]] = []
        for number in range(4):
            call_id = f"call-{number}"
            call = {"type": "tool_use", "id": call_id, "name": "bash", "input": {}}
            wire.play(reply(json.dumps({"type": "message", "content": [call]}).encode()))
            bridge.post("messages", samples.request("messages", then=said))
            said += samples.results("messages", [call_id])
        records = bridge.records()
        sessions = bridge.rows("sessions")
    ids = [record.id for record in records]
    assert [record.thread_parent_id for record in records] == [None, *ids[:3]]
    assert [record.thread_root_id for record in records] == [None, *ids[:1] * 3]
    assert [(session["id"], session["threads"]) for session in sessions] == [(ids[0], 1)]


def test_nobody_joins_the_thread_of_somebody_else(bridge):
    ask(bridge, "messages", "Use tools.")
    calls = [tool["provider_tool_call_id"] for tool in bridge.record().tools]
    token = bridge.add_user("eve")
    body = samples.request("messages", "Use tools.", then=samples.results("messages", calls))
    with Caller(bridge.url) as caller:
        caller.send(
            ROUTES["messages"], headers=[("x-api-key", token)], body=json.dumps(body).encode()
        )
        assert caller.answer().status == 200
    second = bridge.records()[1]
    assert (second.thread_parent_id, second.session_id) == (None, second.id)


CLAUDE_CODE = ("user-agent", "claude-cli/2.0.14 (external, cli)")


def test_a_client_names_its_session(bridge):
    for session in ("s-1", "s-2", "s-1"):
        ask(bridge, "messages", "Hello.", CLAUDE_CODE, ("x-claude-code-session-id", session))
    records = bridge.records()
    assert [record.client for record in records] == ["Claude Code"] * 3
    assert [record.session_id for record in records] == ["s-1", "s-2", "s-1"]
    assert [record.client_session_id for record in records] == ["s-1", "s-2", "s-1"]
    sessions = {row["id"]: row for row in bridge.rows("sessions")}
    assert {name: row["interceptions"] for name, row in sessions.items()} == {"s-1": 2, "s-2": 1}
    assert sessions["s-1"]["last_prompt"] == "Hello."
    kinds = {row["id"]: (row["provider"], row["model"]) for row in bridge.rows("kinds")}
    found = [(row["session_id"], kinds[row["kind_id"]]) for row in bridge.rows("session_kinds")]
    assert found == [("s-1", ("anthropic", "m-1")), ("s-2", ("anthropic", "m-1"))]


def kinds_of(record):
    return [(prompt["prompt"], prompt["metadata"]["kind"]) for prompt in record.prompts]


def test_what_an_agent_asks_for_itself_is_kept_as_a_side_call(bridge):
    auxiliary = ("x-claude-code-request-class", "auxiliary")
    ask(bridge, "messages", "A title for this?", CLAUDE_CODE, auxiliary)
    record = bridge.record()
    assert record.metadata == {"kind": "side_call"}
    assert kinds_of(record) == [("A title for this?", "side_call")]


def test_what_was_typed_without_tools_is_typed(bridge):
    ask(bridge, "messages", "A title for this?", CLAUDE_CODE, tools=False)
    record = bridge.record()
    assert (record.metadata, kinds_of(record)) == ({}, [("A title for this?", "typed")])


def test_a_header_that_says_what_a_request_is_for_beats_its_text(bridge):
    text = "Your task is to create a detailed summary of the conversation."
    ask(bridge, "messages", text, CLAUDE_CODE, ("x-claude-code-request-class", "main"))
    ask(bridge, "messages", text, CLAUDE_CODE)
    said, guessed = bridge.records()
    assert (said.metadata, kinds_of(said)) == ({}, [(text, "typed")])
    assert (guessed.metadata, kinds_of(guessed)) == (
        {"kind": "compaction"},
        [(text, "compaction")],
    )


def test_requests_that_were_not_read_are_counted(bridge, monkeypatch):
    def unread():
        answer = bridge.ask("/metrics", method="GET")
        (line,) = (line for line in answer.body.splitlines() if b"unread_total{" in line)
        return float(line.split()[-1])

    monkeypatch.setattr(keeper, "TIDY_SECONDS", 0.0)  # how often it says how it stands
    before = unread()
    ask(bridge, "messages", "What was typed.")
    bridge.ask(ROUTES["messages"], body=b"{}}")
    bridge.ask(ROUTES["messages"], body=b"?", headers=[("content-encoding", "rot13")])
    bridge.wait_for(lambda: unread() > before + 1)
    assert unread() == before + 2
    assert [bool(record.notes) for record in bridge.records()] == [False, True, True]


def test_the_first_byte_is_timed(bridge):
    ask(bridge, "messages", "slow", stream=True)
    assert bridge.record().first_byte_us >= 10_000


@streams
@dialects
def test_the_reason_to_stop_is_kept(bridge, dialect, stream):
    ask(bridge, dialect, "limit", stream=stream)
    stop = {"messages": "max_tokens", "chat": "length"}.get(dialect)
    record = bridge.record()
    assert record.status == "completed"
    assert stop is None or record.stop_reason == stop


@streams
@dialects
def test_what_the_provider_says_of_the_model_is_kept(bridge, dialect, stream):
    ask(bridge, dialect, "tier", stream=stream)
    record = bridge.record()
    metadata = record.usages[0]["metadata"]
    assert record.model == "m-1"
    assert (metadata["provider_model"], metadata["service_tier"]) == ("m-1-dated", "priority")


@pytest.mark.parametrize("status", ERRORS)
@dialects
def test_an_error_is_kept_with_its_kind(bridge, dialect, status):
    answer = ask(bridge, dialect, f"error {status}", stream=True)
    is_replaced = status == 401  # of the configured key, which is not the caller's trouble
    assert answer.status == (403 if is_replaced else status)
    record = bridge.record()
    assert (record.status, record.http_status) == ("failed", status)
    assert (record.error_type, record.error_message) == (ERRORS[status], "So it is.")
    assert len(record.edits) == is_replaced
    if is_replaced:
        assert record.response_bytes > 0
    else:
        assert record.response_bytes == len(answer.body)
    assert [prompt["prompt"] for prompt in record.prompts] == [f"error {status}"]
    assert bridge.rows("sessions")[0]["interceptions"] == 1


@dialects
def test_an_error_in_the_middle_of_a_stream_is_kept_with_what_came_before(bridge, dialect):
    answer = ask(bridge, dialect, "trouble", stream=True)
    assert answer.status == 200
    record = bridge.record()
    assert (record.status, record.http_status) == ("failed", 200)
    assert (record.error_type, record.error_message) == ("overloaded", "Too busy.")
    assert record.response_bytes == len(answer.body)


@dialects
def test_what_came_before_a_break_is_kept(bridge, dialect):
    body = samples.request(dialect, "break", stream=True)
    with Caller(bridge.url) as caller:
        sent = json.dumps(body).encode()
        caller.send(ROUTES[dialect], headers=bridge.headers(), body=sent)
        assert caller.begin()[0] == 200
        with pytest.raises(http.client.IncompleteRead) as cut:
            caller.read()
    record = bridge.record()
    assert (record.status, record.error_type) == ("failed", "broken")
    assert "closed the connection" in record.error_message
    assert record.response_bytes == len(cut.value.partial) > 0
    assert [prompt["prompt"] for prompt in record.prompts] == ["break"]
    assert record.thoughts[0]["content"].startswith("I should look first.")
    assert [usage["metadata"].get("partial") for usage in record.usages] in ([], [True])


def test_a_stream_that_ends_without_its_last_event_is_truncated(practice, serve, wire):
    """The provider ends the body in good order, but never said that the answer was over."""
    with serve(bridges.providers(wire.url)) as bridge:
        for dialect in samples.DIALECTS:
            wire.play(reply(samples.EVENTS[dialect][0], kind="text/event-stream"))
            bridge.post(dialect, samples.request(dialect, stream=True))
        records = bridge.records()
    assert [(record.status, record.error_type) for record in records] == [
        ("failed", "truncated")
    ] * 3


def test_a_stream_is_known_whatever_the_case_of_its_type(wire, serve):
    with serve(bridges.providers(wire.url)) as bridge:
        wire.play(reply(samples.body("messages", stream=True), kind="Text/Event-Stream"))
        bridge.post("messages", samples.request("messages", stream=True))
        record = bridge.record()
    assert (record.status, record.usages[0]["output_tokens"], record.notes) == ("completed", 9, [])


@dialects
def test_an_answer_that_is_not_understood_leaves_a_note(wire, serve, dialect):
    with serve(bridges.providers(wire.url)) as bridge:
        wire.play(reply(b"[1,"))
        wire.play(*samples.framed(b"not that", "sized", encoding="gzip"))
        wire.play(*samples.framed(b"not that", "sized", encoding="snappy"))
        for _ in range(3):
            assert bridge.post(dialect, samples.request(dialect)).status == 200
        records = bridge.records()
    assert [len(record.notes) for record in records] == [1] * 3
    assert [record.status for record in records] == ["completed"] * 3


def test_an_answer_too_large_to_be_read_passes_with_a_note(wire, serve):
    with serve(bridges.providers(wire.url)) as bridge:
        whole = b'{"x":"' + b"x" * (17 << 20) + b'"}'
        wire.play(reply(whole))
        assert bridge.post("messages", {}).body == whole
        record = bridge.record()
    assert record.notes == ["the answer is too large to be read"]
    assert record.response_bytes == len(whole)


def test_user_agents_and_prompts_of_any_text_are_kept(bridge):
    strange = "ünï \x00 \u2028 \U0001f600 " + "x" * 1000
    agent = ("user-agent", "a\xe4" * 300)
    assert ask(bridge, "messages", strange, agent).status == 200
    record = bridge.record()
    assert record.user_agent == ("a\xe4" * 300)[:256]
    assert "\U0001f600" in record.prompts[0]["prompt"]


@pytest.mark.parametrize("tokens", [10**18, 10**19, 10**30, -1, 1.5, True])
def test_absurd_numbers_of_tokens_do_no_harm(wire, serve, tokens):
    with serve(bridges.providers(wire.url)) as bridge:
        for dialect in samples.DIALECTS:
            name = "prompt_tokens" if dialect == "chat" else "input_tokens"
            wire.play(reply(json.dumps({"id": "x", "usage": {name: tokens}}).encode()))
            assert bridge.post(dialect, samples.request(dialect)).status == 200
        assert [record.status for record in bridge.records()] == ["completed"] * 3


def test_odd_text_in_an_answer_does_no_harm(wire, serve):
    """Half a surrogate pair is valid in JSON, but no text that a database takes."""
    answer = (
        b'{"id":"x\\ud800","type":"message","model":"m\\u0000","stop_reason":"\\udfff",'
        b'"content":[{"type":"tool_use","id":"t\\ud800","name":"n\\ud800",'
        b'"input":{"a":"\\ud800"}},{"type":"thinking","thinking":"\\ud800 hm"}],'
        b'"usage":{"input_tokens":1,"service_tier":"\\ud800"}}'
    )
    prompt = b'{"model":"m","messages":[{"role":"user","content":"\\ud800 hi"}]}'
    with serve(bridges.providers(wire.url)) as bridge:
        wire.play(reply(answer))
        assert bridge.ask(ROUTES["messages"], body=prompt).body == answer
        assert bridge.post("messages", samples.request("messages")).status == 200
        assert [record.status for record in bridge.records()] == ["completed"] * 2
