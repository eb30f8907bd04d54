"""Whose a response or a conversation is, and what becomes of an answer that is fetched later."""

import json
import threading

import pytest

from aibridge.gateway import stored
from aibridge.keeper import writing
from tests import bridge as bridges
from tests.bridge import Bridge
from tests.cases.test_stored import BELOW, CALL, SAID, USAGE, asked, call, response, tokens
from tests.gateway import samples
from tests.gateway.disks import held_up, wait_for_keeper
from tests.gateway.test_refusals import said
from tests.wire import PATIENCE, Caller, Then, ask, chunk, head, reply, streamed

REFUSED = "There is no such {} of yours."


@pytest.fixture(scope="module")
def bea(shared_bridge: Bridge) -> str:
    return shared_bridge.add_user("bea")


def made(wire, bridge, id_: str, status: str = "completed", **more: object) -> None:
    """Have the member make a response."""
    wire.play(response(id_, status, SAID, usage=USAGE if status == "completed" else None))
    assert call(bridge, "POST", "/responses", asked("how wide", **more)).status == 200
    wire.forget()


def conversation(wire, bridge, id_: str) -> None:
    wire.play(reply(json.dumps({"id": id_, "object": "conversation"}).encode()))
    assert call(bridge, "POST", "/conversations", b"{}").status == 200
    wire.forget()


def acts(bridge) -> list[tuple[str, ...]]:
    names = ("actor_username", "action", "resource_type", "resource_target", "description")
    return [tuple(row[name] for name in names) for row in bridge.rows("audit_log")]


@pytest.mark.parametrize(
    ("method", "path", "logged"),
    [
        ("GET", "/responses/resp_1", None),
        ("HEAD", "/responses/resp_1", None),
        ("GET", "/responses/resp_1/input_items", None),
        ("DELETE", "/responses/resp_1", "delete"),
        ("POST", "/responses/resp_1/cancel", "write"),
        ("GET", "/conversations/conv_1", None),
        ("POST", "/conversations/conv_1", "write"),
        ("DELETE", "/conversations/conv_1", "delete"),
        ("GET", "/conversations/conv_1/items", None),
        ("GET", "/conversations/conv_1/items/i", None),
        ("DELETE", "/conversations/conv_1/items/i", "delete"),
    ],
)
def test_only_its_maker_reaches_what_a_provider_keeps(wire, bridge, bea, method, path, logged):
    made(wire, bridge, "resp_1")
    conversation(wire, bridge, "conv_1")
    before = len(acts(bridge))
    kind = path.split("/")[1].removesuffix("s")
    for unknown in (path, path.replace("_1", "_unknown")):
        answer = call(bridge, method, unknown, token=bea)
        assert answer.status == 404
        if method != "HEAD":
            assert said("chat", answer, "not_found_error") == REFUSED.format(kind)
    assert not wire.requests
    assert len(acts(bridge)) == before
    assert call(bridge, method, path).status == 200
    assert wire.requests[0].line == f"{method} /v1{path} HTTP/1.1".encode()
    what = f"{method} {path} at openai"
    act = ("ana", logged, f"ai_{kind}", path.split("/")[2], what)
    assert acts(bridge)[before:] == ([act] if logged else [])


def test_another_provider_has_its_own_ids(wire, bridge):
    made(wire, bridge, "resp_here")
    target = "/api/v2/aibridge/azure/v1/responses/resp_here"
    assert bridge.ask(target, method="GET").status == 404
    assert not wire.requests


def test_the_callers_own_credential_reaches_everything(wire, bridge, bea):
    own = [("x-ai-bridge-token", bea), ("authorization", "Bearer mine")]
    before = len(acts(bridge))
    for method, path in (
        ("GET", "/responses/resp_x"),
        ("DELETE", "/responses/resp_x"),
        ("POST", "/responses/resp_x/cancel"),
        ("DELETE", "/conversations/conv_x"),
    ):
        assert ask(bridge.url, BELOW + path, method=method, headers=own).status == 200
    more = {"previous_response_id": "resp_x", "conversation": "conv_x"}
    body = asked("go on", **more)
    assert ask(bridge.url, f"{BELOW}/responses", headers=own, body=body).status == 200
    assert len(wire.requests) == 5
    assert len(acts(bridge)) == before


CONTINUED = [
    ({"previous_response_id": "resp_2"}, "response"),
    ({"conversation": "conv_2"}, "conversation"),
    ({"conversation": {"id": "conv_2"}}, "conversation"),
]


@pytest.mark.parametrize("route", ["/responses", "/responses/compact"])
@pytest.mark.parametrize(("more", "kind"), CONTINUED)
def test_nobody_goes_on_from_what_is_somebody_elses(wire, bridge, bea, more, kind, route):
    made(wire, bridge, "resp_2")
    conversation(wire, bridge, "conv_2")
    recorded = len(bridge.records())
    answer = call(bridge, "POST", route, asked("and what did Ana say?", **more), token=bea)
    assert said("responses", answer, "invalid_request_error") == REFUSED.format(kind)
    unknown = json.loads(json.dumps(more).replace("_2", "_unknown"))
    assert call(bridge, "POST", route, asked("?", **unknown)).status == 400
    assert not wire.requests
    assert len(bridge.records()) == recorded
    wire.play(response("resp_3", "completed", SAID, usage=USAGE))
    assert call(bridge, "POST", route, asked("go on", **more)).status == 200


UNREADABLE = [
    b'{"model": "m", "input": "x", "temperature": NaN, "previous_response_id": "resp_2"}',
    b'{"model": "m", "input": 5, "previous_response_id": "resp_2"}',
    b'{"model": "m", "input": 5, "\\u0063onversation": "conv_2"}',
    b'{"model": "m", "input": 5, "Conversation": "conv_2"}',
    b'{"model": "m", "input": 5, "conversation": ["conv_2"]}',
    '{"model": "m", "input": "x", "conversation": "conv_2"}'.encode("utf-16"),
]


@pytest.mark.parametrize("body", UNREADABLE)
def test_what_cannot_be_read_goes_on_from_nothing(wire, bridge, bea, body):
    made(wire, bridge, "resp_2")
    conversation(wire, bridge, "conv_2")
    assert call(bridge, "POST", "/responses", body, token=bea).status == 400
    assert not wire.requests


def test_what_cannot_be_unpacked_is_refused_where_it_may_go_on(wire, bridge):
    answer = bridge.ask(
        f"{BELOW}/responses", body=b"no gzip", headers=[("content-encoding", "gzip")]
    )
    assert answer.status == 400
    assert not wire.requests


@pytest.mark.parametrize("body", [b"{", b'{"model": "m", "input": 5}', b"[]"])
def test_what_is_wrong_but_goes_on_from_nothing_is_the_providers_to_judge(wire, bridge, body):
    assert call(bridge, "POST", "/responses", body).status == 200
    assert wire.requests[0].body == body


def test_texts_of_a_conversation_are_on_record(wire, bridge):
    def item(role: str, text: str) -> dict[str, object]:
        return {"type": "message", "role": role, "content": text}

    items = [item("user", "one"), item("assistant", "no"), item("user", "two")]
    wire.play(reply(b'{"id": "conv_5", "object": "conversation"}'))
    body = json.dumps({"items": items, "metadata": {"a": "b"}}).encode()
    assert call(bridge, "POST", "/conversations", body).status == 200
    wire.play(reply(b'{"object": "list", "data": []}'))
    body = json.dumps({"items": [item("user", "three")]}).encode()
    assert call(bridge, "POST", "/conversations/conv_5/items", body).status == 200
    created, added = bridge.records()
    assert [prompt["prompt"] for prompt in created.prompts] == ["one", "two"]
    assert [prompt["prompt"] for prompt in added.prompts] == ["three"]
    assert (created.status, created.usages) == (added.status, added.usages) == ("completed", [])
    assert added.route == "/v1/conversations/conv_5/items"
    assert [request.body for request in wire.requests][1] == body


def test_adding_to_somebody_elses_conversation_is_refused_and_not_on_record(wire, bridge, bea):
    conversation(wire, bridge, "conv_6")
    before = len(bridge.records())
    answer = call(bridge, "POST", "/conversations/conv_6/items", b'{"items": []}', token=bea)
    assert answer.status == 404
    assert len(bridge.records()) == before
    assert not wire.requests


def test_a_setting_lets_ids_pass_that_the_bridge_does_not_know(wire, serve):
    with serve(bridges.providers(wire.url, allow_foreign_ids=True)) as bridge:
        assert call(bridge, "GET", "/responses/resp_old").status == 200
        assert call(bridge, "DELETE", "/conversations/conv_old").status == 200
        more = asked("go on", previous_response_id="resp_old")
        assert call(bridge, "POST", "/responses", more).status == 200
        assert acts(bridge)[-1][:4] == ("ana", "delete", "ai_conversation", "conv_old")


def test_a_setting_opens_more_routes_without_a_record(wire, serve):
    routes = ["GET /files/{id}", "POST /embeddings", "DELETE /models/{id}"]
    with serve(bridges.providers(wire.url, routes=routes)) as bridge:
        assert call(bridge, "GET", "/files/file-1").status == 200
        assert call(bridge, "POST", "/embeddings", b'{"input": "x"}').status == 200
        assert call(bridge, "DELETE", "/models/ft:1").status == 200
        assert call(bridge, "POST", "/files/file-1").status == 405
        assert call(bridge, "GET", "/files").status == 404
        assert len(wire.requests) == 3
        assert not bridge.records()


@pytest.mark.parametrize(
    "path", ["/files", "/embeddings", "/images/generations", "/completions", "/batches"]
)
def test_other_routes_are_refused(wire, bridge, path):
    assert call(bridge, "POST", path, b"{}").status == 404
    assert not wire.requests


def test_while_nobody_can_say_whose_it_is_nothing_passes(wire, bridge, monkeypatch):
    made(wire, bridge, "resp_7")
    things = bridge.app._gateway._stored
    things._makers.clear()
    monkeypatch.setattr(stored, "LOOK_UP_SECONDS", 0.01)
    asked_for = threading.Event()
    monkeypatch.setattr(things, "_find", lambda thing: asked_for.wait(5))
    try:
        answer = call(bridge, "GET", "/responses/resp_7/input_items")
        assert (answer.status, answer.values(b"retry-after")) == (503, [b"5"])
        assert not wire.requests
    finally:
        asked_for.set()


def test_who_made_something_lately_need_not_be_looked_up(wire, bridge, monkeypatch):
    """So a conversation goes on while the database is away."""
    made(wire, bridge, "resp_8")
    monkeypatch.setattr(
        bridge.app._gateway._stored, "_find", lambda thing: pytest.fail("looked up")
    )
    assert call(bridge, "GET", "/responses/resp_8").status == 200
    more = asked("go on", previous_response_id="resp_8")
    assert call(bridge, "POST", "/responses", more).status == 200


def test_makers_are_remembered_within_bounds(wire, bridge, monkeypatch):
    monkeypatch.setattr(stored, "MAX_REMEMBERED", 2)
    things = bridge.app._gateway._stored
    things._makers.clear()
    for number in range(4):
        made(wire, bridge, f"resp_many_{number}")
    assert len(things._makers) == 2
    assert call(bridge, "GET", "/responses/resp_many_0").status == 200
    assert len(things._makers) == 2


# Answers that are fetched later


def event(kind: str, **fields: object) -> bytes:
    return samples.event({"type": kind, **fields}, kind)


def standing(id_: str, status: str, *output: object, usage: object = None) -> dict[str, object]:
    return {"id": id_, "status": status, "model": "m", "output": output, "usage": usage}


def queued(wire, bridge, id_: str, **more: object):
    made(wire, bridge, id_, "queued", background=True, **more)
    record = bridge.record()
    assert record.status == "queued"
    return record


@pytest.mark.parametrize("query", ["stream=true", "stream=true&starting_after=7"])
def test_a_resumed_stream_completes_what_was_made_in_the_background(wire, bridge, query):
    queued(wire, bridge, "resp_s")
    go_on = threading.Event()
    first = event("response.in_progress", response=standing("resp_s", "in_progress"))
    last = event(
        "response.completed", response=standing("resp_s", "completed", CALL, SAID, usage=USAGE)
    )
    wire.play(*streamed(first)[:2], go_on, chunk(last), b"0\r\n\r\n")
    with Caller(bridge.url) as caller:
        caller.send(f"{BELOW}/responses/resp_s?{query}", method="GET", headers=bridge.headers())
        caller.begin()
        assert caller.read_until(first) == first
        assert bridge.record().status == "queued"
        go_on.set()
        assert caller.read() == last
    record = bridge.record()
    assert (record.status, tokens(record)) == ("completed", [(30, 12, 10, 0)])
    assert [tool["tool"] for tool in record.tools] == ["shell"]


@pytest.mark.parametrize(
    ("answer", "status", "stop_reason", "error_type"),
    [
        ({"status": "completed"}, "completed", "completed", ""),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            "completed",
            "max_output_tokens",
            "",
        ),
        (
            {"status": "failed", "error": {"code": "server_error", "message": "It broke."}},
            "failed",
            "failed",
            "server_error",
        ),
        ({"status": "cancelled"}, "cancelled", "cancelled", ""),
        ({"status": "queued"}, "queued", None, ""),
        ({"status": "in_progress"}, "queued", None, ""),
    ],
)
def test_how_a_fetched_answer_ended(wire, bridge, answer, status, stop_reason, error_type):
    before = queued(wire, bridge, "resp_e")
    body = json.dumps({**standing("resp_e", ""), "usage": USAGE, **answer}).encode()
    wire.always(reply(body))
    for _ in range(2):
        assert call(bridge, "GET", "/responses/resp_e").body == body
    record = bridge.record()
    assert (record.status, record.error_type) == (status, error_type)
    if stop_reason is None:
        assert record == before
    else:
        assert (record.stop_reason, tokens(record)) == (stop_reason, [(30, 12, 10, 0)])
        assert record.ended_at > before.ended_at


@pytest.mark.parametrize("answer", [reply(b"{}"), reply(b"{}", status="404 Not Found"), reply(b"")])
def test_an_answer_that_says_nothing_completes_nothing(wire, bridge, answer):
    before = queued(wire, bridge, "resp_n")
    wire.play(answer)
    call(bridge, "GET", "/responses/resp_n")
    assert bridge.record() == before


def test_what_is_made_in_the_background_is_kept_for_that_long_at_least(wire, bridge):
    """Some providers keep an answer for polling that they are asked not to store."""
    queued(wire, bridge, "resp_z", store=False)
    bridge.app._gateway._stored._makers.clear()
    wire.play(response("resp_z", "completed", usage=USAGE))
    assert call(bridge, "GET", "/responses/resp_z").status == 200
    assert tokens(bridge.record()) == [(30, 12, 10, 0)]


def test_cancelling_ends_it(wire, bridge):
    queued(wire, bridge, "resp_c")
    wire.play(response("resp_c", "cancelled", usage=USAGE))
    assert call(bridge, "POST", "/responses/resp_c/cancel").status == 200
    record = bridge.record()
    assert (record.status, record.error_message) == (
        "cancelled",
        "the answer was cancelled at the provider",
    )
    assert tokens(record) == [(30, 12, 10, 0)]


def test_listing_its_items_does_not(wire, bridge):
    before = queued(wire, bridge, "resp_i")
    wire.always(response("resp_i", "completed", usage=USAGE))
    call(bridge, "GET", "/responses/resp_i/input_items")
    call(bridge, "DELETE", "/responses/resp_i")
    assert bridge.record() == before


def test_with_the_callers_own_credential_it_is_completed_too(wire, bridge):
    own = [("x-ai-bridge-token", bridge.token), ("authorization", "Bearer mine")]
    wire.play(response("resp_o", "queued"))
    body = asked("how wide", background=True)
    assert ask(bridge.url, f"{BELOW}/responses", headers=own, body=body).status == 200
    wire.play(response("resp_o", "completed", usage=USAGE))
    target = f"{BELOW}/responses/resp_o"
    assert ask(bridge.url, target, method="GET", headers=own).status == 200
    assert (bridge.record().status, tokens(bridge.record())) == ("completed", [(30, 12, 10, 0)])


def test_a_stream_that_broke_off_is_completed_when_it_is_fetched(wire, bridge):
    begun = event("response.created", response=standing("resp_b", "queued"))
    item = event("response.output_item.done", output_index=0, item={**CALL, "call_id": "call_0"})
    wire.play(*streamed(begun, item)[:-1], Then.CLOSE)
    with Caller(bridge.url) as caller:
        body = asked("how wide", background=True, stream=True)
        caller.send(f"{BELOW}/responses", headers=bridge.headers(), body=body)
        caller.begin()
        assert caller.read_until(item).endswith(item)
    broken = bridge.ended()
    assert broken.status in {"failed", "cancelled"}
    assert [tool["provider_tool_call_id"] for tool in broken.tools] == ["call_0"]
    wire.play(response("resp_b", "completed", {**CALL, "call_id": "call_0"}, SAID, usage=USAGE))
    assert call(bridge, "GET", "/responses/resp_b").status == 200
    record = bridge.record()
    assert (record.status, record.error_type, record.error_message) == ("completed", "", "")
    assert tokens(record) == [(30, 12, 10, 0)]
    assert [tool["provider_tool_call_id"] for tool in record.tools] == ["call_0"]
    (session,) = bridge.rows("sessions")
    assert (session["interceptions"], session["threads"], session["tokens"]) == (1, 1, 52)


def test_what_still_runs_can_be_cancelled_by_its_maker(wire, bridge, bea):
    begun = event("response.created", response=standing("resp_r", "queued"))
    last = event("response.cancelled", response=standing("resp_r", "cancelled", usage=USAGE))
    go_on = threading.Event()
    wire.play(*streamed(begun)[:2], go_on, chunk(last), b"0\r\n\r\n")
    with Caller(bridge.url) as caller:
        body = asked("how wide", background=True, stream=True)
        caller.send(f"{BELOW}/responses", headers=bridge.headers(), body=body)
        caller.begin()
        caller.read_until(begun)
        path = "/responses/resp_r/cancel"
        assert call(bridge, "POST", path, token=bea).status == 404
        wire.play(response("resp_r", "cancelled"))
        assert call(bridge, "POST", path).status == 200
        go_on.set()
        caller.read()
    record = bridge.record()
    assert (record.status, tokens(record)) == ("cancelled", [(30, 12, 10, 0)])


def test_the_end_of_a_fetched_answer_is_seen_after_its_record(wire, serve, monkeypatch):
    monkeypatch.setattr(writing, "LOCK_SECONDS", PATIENCE)
    body = json.dumps(standing("resp_w", "completed", usage=USAGE)).encode()
    with serve(bridges.providers(wire.url)) as bridge:
        queued(wire, bridge, "resp_w")
        wait_for_keeper(bridge)
        wire.play(head(headers=[("content-length", str(len(body)))]) + body)
        with held_up(bridge) as release, Caller(bridge.url) as caller:
            target = f"{BELOW}/responses/resp_w"
            caller.send(target, method="GET", headers=bridge.headers())
            assert wire.request(0).played.wait(20)
            bridge.barrier()
            assert not caller.has_something()
            release()
            assert caller.answer().body == body
        assert bridge.record().status == "completed"
