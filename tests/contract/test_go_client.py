"""The requests that the contract's Go client makes, byte for byte, and what it can read of answers.

Source: section 14 of the contract, Go's ``net/http`` (a header's order, ``url.Values.Encode``)
and ``encoding/json`` (a line feed after the body).
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from aibridge.contract import SiteRole
from aibridge.principals import EVERYONE
from tests.bridge import serve
from tests.builders import Call, record, uid
from tests.contract.go import TIME, UUID, Nullable, Optional, Served, check
from tests.databases import Databases

SESSION = "3f6c2a9e-1d1b-4c52-9a77-1f2e3d4c5b6a"
ODD = "a%20b/c"
"""A session id that Go puts into the path as it is."""

USER = {"id": UUID, "username": str, "name": Optional(str), "avatar_url": Optional(str)}
COUNTS = {
    "input_tokens": int,
    "output_tokens": int,
    "cache_read_input_tokens": int,
    "cache_write_input_tokens": int,
}
USAGE = {**COUNTS, "metadata": dict}
UNDER = {
    "id": UUID,
    "interception_id": UUID,
    "provider_response_id": str,
    "metadata": dict,
    "created_at": TIME,
}
CALL = {**UNDER, "server_url": str, "tool": str, "input": str, "injected": bool}
INTERCEPTIONS = {
    "count": int,
    "results": [
        {
            "id": UUID,
            "api_key_id": Nullable(str),
            "initiator": USER,
            "provider": str,
            "provider_name": str,
            "model": str,
            "client": Nullable(str),
            "metadata": dict,
            "started_at": TIME,
            "ended_at": Nullable(TIME),
            "token_usages": [{**UNDER, **COUNTS}],
            "user_prompts": [{**UNDER, "prompt": str}],
            "tool_usages": [{**CALL, "invocation_error": str}],
        }
    ],
}
HEAD = {
    "id": str,
    "initiator": USER,
    "providers": [str],
    "models": [str],
    "metadata": dict,
    "started_at": TIME,
    "ended_at": Optional(TIME),
}
SESSIONS = {
    "count": int,
    "sessions": [
        {
            **HEAD,
            "client": Nullable(str),
            "threads": int,
            "token_usage_summary": COUNTS,
            "last_prompt": Optional(str),
            "last_active_at": TIME,
        }
    ],
}
ACTION = {"model": str, "token_usage": USAGE, "thinking": [{"text": str}], "tool_calls": [CALL]}
THREADS = {
    **HEAD,
    "client": Optional(str),
    "page_started_at": Optional(TIME),
    "page_ended_at": Optional(TIME),
    "token_usage_summary": USAGE,
    "threads": [
        {
            "id": UUID,
            "prompt": Optional(str),
            "model": str,
            "provider": str,
            "credential_kind": str,
            "credential_hint": str,
            "started_at": TIME,
            "ended_at": Optional(TIME),
            "token_usage": USAGE,
            "agentic_actions": [ACTION],
        }
    ],
}
BUDGET = {"group_id": UUID, "spend_limit_micros": int, "created_at": TIME, "updated_at": TIME}


@pytest.fixture(scope="module")
def served(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("go")
    with databases.url() as url, serve(folder, [], database_url=url) as bridge:
        token = bridge.add_user("root", SiteRole.OWNER)
        tools: dict[str, Any] = {
            "tools": ("Bash",),
            "thoughts": ("Hm.",),
            "tokens": ((1, 2, 3, 4),),
        }
        with bridge.database.write() as connection:
            record(
                connection,
                Call(1, 1, bridge.user.id, SESSION, prompts=("Hello",), **tools),
                Call(2, 2, bridge.user.id, SESSION, root=1, tokens=((1, 2, 3, 4),)),
                Call(3, 3, bridge.user.id, SESSION, prompts=("Again",)),
                Call(4, 4, bridge.user.id, ODD, columns={"client": None}),
            )
        yield Served(bridge, token)


BASE = "/api/v2/aibridge"
FILTERED = (
    "q=initiator%3A%22ana%22+started_before%3A%222026-02-01T00%3A00%3A00%2B02%3A00%22"
    "+started_after%3A%222025-12-31T23%3A59%3A59.999999999Z%22+provider%3A%22anthropic%22"
    "+provider_name%3A%22claude%22+model%3A%22sonnet%22+client%3A%22Claude+Code%22"
)
PUT = b'{"spend_limit_micros":200000000}\n'


@pytest.mark.parametrize(
    ("target", "shape", "count"),
    [
        (f"{BASE}/interceptions?q=", INTERCEPTIONS, 4),
        (f"{BASE}/interceptions?limit=2&q=", INTERCEPTIONS, 4),
        (f"{BASE}/interceptions?after_id={uid(3)}&limit=1&q=", INTERCEPTIONS, 4),
        (f"{BASE}/interceptions?limit=1&offset=1&q=", INTERCEPTIONS, 4),
        (f"{BASE}/interceptions?{FILTERED}", INTERCEPTIONS, 3),
        (f"{BASE}/sessions?q=", SESSIONS, 2),
        (f"{BASE}/sessions?after_session_id={SESSION}&q=", SESSIONS, 2),
        (f"{BASE}/sessions?after_id={uid(1)}&limit=10&offset=1&q=", SESSIONS, 2),
        (f"{BASE}/sessions?{FILTERED}+session_id%3A%22{SESSION}%22", SESSIONS, 1),
        (f"{BASE}/sessions/{SESSION}", THREADS, None),
        (f"{BASE}/sessions/{SESSION}?after_id={uid(1)}&limit=1", THREADS, None),
        (f"{BASE}/sessions/{SESSION}?before_id={uid(3)}", THREADS, None),
        (f"{BASE}/sessions/{ODD}", THREADS, None),
        (f"{BASE}/clients", [str], None),
    ],
)
def test_every_read_gets_200_and_the_shape(
    served: Served, target: str, shape: Any, count: int | None
) -> None:
    status, content = served.send("GET", target)
    assert status == 200, content
    value = json.loads(content)
    check(shape, value)
    if count is not None:
        assert value["count"] == count


def test_the_lists_are_not_empty_and_have_what_is_recorded(served: Served) -> None:
    _, content = served.send("GET", f"{BASE}/sessions/{SESSION}")
    detail = json.loads(content)
    assert [len(thread["agentic_actions"]) for thread in detail["threads"]] == [1, 0]
    assert detail["threads"][0]["agentic_actions"][0]["thinking"] == [{"text": "Hm."}]
    _, content = served.send("GET", f"{BASE}/clients")
    assert json.loads(content) == ["Claude Code", "Unknown"]


def test_a_group_budget_is_made_read_and_deleted(served: Served) -> None:
    target = f"/api/v2/groups/{EVERYONE}/ai/budget"
    status, content = served.send("GET", target)
    assert status == 404
    check({"message": str}, json.loads(content))
    status, made = served.send("PUT", target, PUT)
    assert status == 200
    check(BUDGET, json.loads(made))
    status, read = served.send("GET", target)
    assert (status, json.loads(read)) == (200, json.loads(made))
    assert served.send("DELETE", target) == (204, b"")
    assert served.send("DELETE", target)[0] == 404


def test_a_refusal_is_an_error_that_go_reads(served: Served) -> None:
    status, content = served.send("GET", f"{BASE}/sessions?limit=1001&q=")
    assert status == 400
    check({"message": str, "detail": Optional(str)}, json.loads(content))
    status, content = served.send("GET", f"{BASE}/sessions?q=x%3A%221%22")
    assert status == 400
    check({"validations": [{"field": str, "detail": str}]}, json.loads(content))
    stranger = Served(served.bridge, "")
    assert stranger.send("GET", f"{BASE}/clients")[0] == 401
