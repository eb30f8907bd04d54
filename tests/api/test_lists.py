from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection

from aibridge.api.parameters import MAX_PARAMETERS
from aibridge.sdk.retries import MAX_RETRY_AFTER
from aibridge.sessions import reading
from aibridge.store.lists import counts
from aibridge.store.lists.windows import Key
from tests.builders import ANA, BEN, Call, uid

PATH = "/api/v2/aibridge/interceptions"
BAD_PARAMETERS = "Query parameters have invalid values."

Seed = Callable[..., None]


async def test_nothing_on_record_is_an_empty_list(client: httpx.AsyncClient) -> None:
    answer = await client.get(PATH, params={"q": ""})
    assert answer.text == '{"count":0,"results":[]}'
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


async def test_an_interception_as_the_contract_shows_it(
    client: httpx.AsyncClient, seed: Seed
) -> None:
    seed(
        Call(
            1,
            at=0.25,
            prompts=("hello",),
            tools=("read",),
            thoughts=("hm",),
            tokens=((1, 2, 3, 4),),
            token_metadata={"usage": {"n": 1}},
            columns={
                "client": None,
                "metadata": '{"request_user_agent": "x"}',
                "edits": '["usage asked for"]',
                "first_byte_us": 1500,
                "credential_hint": "sk-secret",
            },
        )
    )
    (found,) = (await client.get(PATH)).json()["results"]
    children = {name: found.pop(name) for name in ("token_usages", "user_prompts", "tool_usages")}
    assert found == {
        "id": uid(1),
        "api_key_id": None,
        "initiator": {"id": ANA, "username": "ana", "name": "Ana"},
        "provider": "anthropic",
        "provider_name": "claude",
        "model": "sonnet",
        "client": None,
        "metadata": {"request_user_agent": "x"},
        "started_at": "2026-01-01T00:00:00.25Z",
        "ended_at": "2026-01-01T00:00:00.75Z",
        "status": "completed",
        "error_type": "",
        "error_message": "",
        "stop_reason": "end_turn",
        "time_to_first_byte_ms": 1.5,
        "duration_ms": 500.0,
        "request_bytes": 1000,
        "response_bytes": 2000,
        "http_status": 200,
        "stream": True,
        "route": "/v1/messages",
        "user_agent": "claude-cli/2.0",
        "session_id": uid(1),
        "thread_root_id": None,
        "thread_parent_id": None,
        "credential_kind": "centralized",
        "credential_hint": "...",
        "edits": ["usage asked for"],
        "notes": [],
        "kind": "typed",
        "agent_type": "",
        "prompt_kinds": ["typed"],
        "cost_micros": 0,
        "unpriced_usage_count": 1,
        "annotations": {"repo": "", "branch": "", "github_pr_urls": [], "linear_issue_ids": []},
    }
    assert children["user_prompts"][0]["created_at"] == "2026-01-01T00:00:00.25Z"
    assert children["token_usages"][0]["created_at"] == "2026-01-01T00:00:00.250003Z"
    assert {name: _without_identity(rows[0]) for name, rows in children.items()} == {
        "token_usages": {
            "input_tokens": 1,
            "output_tokens": 2,
            "cache_read_input_tokens": 3,
            "cache_write_input_tokens": 4,
            "metadata": {"usage": {"n": 1}},
            "cache_write_5m_input_tokens": 0,
            "cache_write_30m_input_tokens": 0,
            "cache_write_1h_input_tokens": 0,
            "cache_write_12h_input_tokens": 0,
            "cost_micros": 0,
            "unpriced": "not rated",
        },
        "user_prompts": {"prompt": "hello", "metadata": {"kind": "typed"}},
        "tool_usages": {
            "server_url": "",
            "tool": "read",
            "input": '{"path": "a.txt"}',
            "injected": False,
            "invocation_error": "",
            "metadata": {},
        },
    }


def _without_identity(child: dict[str, Any]) -> dict[str, Any]:
    assert child["interception_id"] == uid(1)
    assert child["provider_response_id"] == "msg_1"
    hidden = {"id", "interception_id", "provider_response_id", "created_at"}
    return {name: value for name, value in child.items() if name not in hidden}


async def test_one_interception_is_as_the_list_has_it(
    client: httpx.AsyncClient, seed: Seed
) -> None:
    seed(Call(1, prompts=("hello",), tools=("read",), tokens=((1, 2, 3, 4),)), Call(2))
    listed = (await client.get(PATH)).json()["results"]
    for one in listed:
        for spelling in (one["id"], one["id"].upper()):
            assert (await client.get(f"{PATH}/{spelling}")).json() == one
    client.headers["Coder-Session-Token"] = "member-token"
    assert (await client.get(f"{PATH}/{uid(1)}")).status_code == 404


@pytest.mark.parametrize("id_", [uid(9), uid(1), "nonsense", "%00", "0" * 36])
async def test_an_interception_that_there_is_not_is_404(
    client: httpx.AsyncClient, seed: Seed, id_: str
) -> None:
    seed(Call(1, running=True))
    answer = await client.get(f"{PATH}/{id_}")
    assert (answer.status_code, answer.json()) == (404, {"message": "Interception not found."})


async def test_kinds_estimates_and_lifetimes_are_shown(
    client: httpx.AsyncClient, seed: Seed
) -> None:
    seed(
        Call(
            1,
            kind="subagent",
            agent_type="Explore",
            prompts=("note", "find it"),
            prompt_kinds=("automation",),
            tokens=((1, 2, 0, 0),),
            token_metadata={"estimated": {"output_tokens": 2}},
        )
    )
    (one,) = (await client.get(PATH)).json()["results"]
    assert (one["kind"], one["agent_type"], one["estimated"]) == ("subagent", "Explore", True)
    assert one["prompt_kinds"] == ["automation", "subagent"]
    assert [prompt["metadata"] for prompt in one["user_prompts"]] == [
        {"kind": "automation"},
        {"kind": "subagent"},
    ]
    assert one["token_usages"][0]["estimated"] is True
    (session,) = (await client.get("/api/v2/aibridge/sessions")).json()["sessions"]
    assert (session["estimated"], session["threads"]) == (True, 0)
    assert "last_prompt" not in session


async def test_a_running_interception_is_hidden(client: httpx.AsyncClient, seed: Seed) -> None:
    seed(Call(1, running=True))
    assert (await client.get(PATH)).json() == {"count": 0, "results": []}


async def test_hostile_metadata_does_not_spoil_the_list(
    client: httpx.AsyncClient, seed: Seed
) -> None:
    deep = '{"a":' * 5000 + "1" + "}" * 5000
    for number, text in enumerate(["null", "{", '{"x": "\\ud800"}', '{"x": NaN}', deep]):
        seed(Call(number, columns={"metadata": text}))
    results = (await client.get(PATH)).json()["results"]
    found = [result["metadata"] for result in reversed(results)]
    assert found == [{}, {}, {"x": "?"}, {"x": None}, {}]


async def test_the_limit_is_100_unless_asked_otherwise(
    client: httpx.AsyncClient, seed: Seed
) -> None:
    seed(*(Call(number) for number in range(101)))
    for query, length in [("", 100), ("limit=", 100), ("limit=0", 100), ("limit=1000", 101)]:
        answer = (await client.get(f"{PATH}?{query}")).json()
        assert (answer["count"], len(answer["results"])) == (101, length)


@pytest.mark.parametrize("kind", ["interceptions", "sessions", "models", "clients"])
@pytest.mark.parametrize("limit", ["1001", "-1"])
async def test_a_limit_out_of_range_is_refused(
    client: httpx.AsyncClient, kind: str, limit: str
) -> None:
    answer = await client.get(f"/api/v2/aibridge/{kind}?limit={limit}")
    assert answer.status_code == 400
    assert answer.json() == {
        "message": "Invalid pagination limit value.",
        "detail": "Pagination limit must be in range (0, 1000]",
    }


async def test_every_bad_parameter_is_named_at_once(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{PATH}?limit=many&offset=-1&after_id=x")
    assert answer.status_code == 400
    body = answer.json()
    assert body["message"] == BAD_PARAMETERS
    assert [(one["field"], one["detail"]) for one in body["validations"]] == [
        ("after_id", 'Query param "after_id" must be a valid uuid ("x" is none)'),
        ("limit", 'Query param "limit" must be a valid integer ("many" is none)'),
        ("offset", 'Query param "offset" has invalid value: must not be negative'),
    ]


@pytest.mark.parametrize("text", ["1_0", "٣", "1.0", "99999999999", "2147483648", " 1"])
async def test_only_plain_integers_count(client: httpx.AsyncClient, text: str) -> None:
    answer = await client.get(PATH, params={"offset": text})
    assert answer.status_code == 400


async def test_pages_by_cursor_and_by_offset_show_the_same(
    client: httpx.AsyncClient, seed: Seed
) -> None:
    seed(*(Call(number) for number in range(20)))
    by_cursor: list[str] = []
    by_offset: list[str] = []
    for page in range(4):
        cursor = {"after_id": by_cursor[-1].upper()} if by_cursor else {}
        for found, query in ((by_cursor, cursor), (by_offset, {"offset": page * 5})):
            answer = (await client.get(PATH, params={"limit": 5, **query})).json()
            assert answer["count"] == 20
            found += [result["id"] for result in answer["results"]]
    assert by_cursor == by_offset == [uid(number) for number in range(19, -1, -1)]


async def test_both_kinds_of_paging_at_once_are_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{PATH}?after_id={uid(1)}&offset=1")
    assert answer.status_code == 400
    assert answer.json() == {
        "message": BAD_PARAMETERS,
        "detail": "Cannot use both after_id and offset pagination in the same request.",
    }


async def test_an_unknown_cursor_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{PATH}?after_id={uid(1)}")
    assert answer.status_code == 400
    assert answer.json() == {
        "message": "Invalid pagination cursor.",
        "detail": f"after_id: interception {uid(1)} not found: invalid pagination cursor",
    }


async def test_models_and_clients_are_bare_sorted_lists(
    client: httpx.AsyncClient, seed: Seed
) -> None:
    assert (await client.get("/api/v2/aibridge/clients")).text == "[]"
    seed(
        Call(1, columns={"model": "b", "client": "Zed"}),
        Call(2, columns={"model": "a", "client": None}),
        Call(3, initiator=BEN, columns={"model": "b", "client": "Zed"}),
        Call(4, columns={"model": "c", "client": "Codex"}),
    )
    assert (await client.get("/api/v2/aibridge/models")).json() == ["a", "b", "c"]
    assert (await client.get("/api/v2/aibridge/models?limit=1&offset=1")).json() == ["b"]
    assert (await client.get("/api/v2/aibridge/clients")).json() == ["Codex", "Unknown", "Zed"]


@pytest.mark.parametrize("path", ["/sessions", "/interceptions", "/models", "/nothing"])
async def test_a_query_of_too_many_parameters_is_not_taken_apart(
    anonymous: httpx.AsyncClient, path: str
) -> None:
    answer = await anonymous.get(f"/api/v2/aibridge{path}?{'a&' * MAX_PARAMETERS}")
    assert answer.status_code == 400
    assert answer.json() == {
        "message": "Query has too many parameters.",
        "detail": f"A query may have {MAX_PARAMETERS} parameters.",
    }
    assert (await anonymous.get(f"/api/v2/aibridge{path}?{'a&' * 99}")).status_code in {401, 404}


ENDLESS = "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT count(*) FROM t"


@pytest.mark.parametrize("kind", ["interceptions", "sessions"])
async def test_what_takes_too_long_is_broken_off_and_told_with_what_it_was(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def walk(connection: Connection, *_: object) -> list[Key]:
        return [Key(*row) for row in connection.exec_driver_sql(ENDLESS)]

    path = PATH.replace("interceptions", kind)
    with monkeypatch.context() as patch:
        patch.setattr(counts, "walk", walk)
        patch.setattr(reading, "READING_SECONDS", 0.05)
        answer = await client.get(path, params={"q": "prompt:roof -model:a"})
    assert answer.status_code == 503
    assert answer.json()["message"] == "Looking for prompt:roof -model:a takes too long."
    assert "broken off after 5 seconds" in answer.json()["detail"]
    assert int(answer.headers["retry-after"]) > MAX_RETRY_AFTER  # so no client asks at once again
    assert (await client.get(path, params={"q": "prompt:roof"})).status_code == 200
