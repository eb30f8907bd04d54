from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.builders import ANA, BEN, Call, uid

PATH = "/api/v2/aibridge/sessions"

Seed = Callable[..., None]


async def get(client: httpx.AsyncClient, path: str = "", **query: Any) -> Any:
    answer = await client.get(f"{PATH}{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refusal(client: httpx.AsyncClient, path: str, status: int = 400) -> Any:
    answer = await client.get(f"{PATH}{path}")
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_nothing_on_record_is_an_empty_list(client: httpx.AsyncClient) -> None:
    assert await get(client, q="") == {"count": 0, "sessions": []}


async def test_a_session_in_the_list_as_the_contract_shows_it(
    client: httpx.AsyncClient, seed: Seed
) -> None:
    seed(
        Call(1, prompts=("one",), tokens=((1, 2, 3, 4),), columns={"client": None}),
        Call(2, at=1, root=1, tokens=((10, 20, 30, 40),), columns={"model": "opus"}),
    )
    (found,) = (await get(client))["sessions"]
    assert found == {
        "id": uid(1),
        "initiator": {"id": ANA, "username": "ana", "name": "Ana"},
        "providers": ["anthropic"],
        "models": ["opus", "sonnet"],
        "client": None,
        "metadata": {},
        "started_at": "2026-01-01T00:00:00Z",
        "ended_at": "2026-01-01T00:00:01.5Z",
        "threads": 1,
        "token_usage_summary": {
            "input_tokens": 11,
            "output_tokens": 22,
            "cache_read_input_tokens": 33,
            "cache_write_input_tokens": 44,
        },
        "last_prompt": "one",
        "last_active_at": "2026-01-01T00:00:00Z",
        "cost_micros": 0,
        "unpriced_usage_count": 2,
    }


async def test_without_a_client_session_each_interception_is_one(
    client: httpx.AsyncClient, seed: Seed
) -> None:
    seed(Call(1, at=1), Call(2, at=2))
    found = (await get(client))["sessions"]
    assert [session["id"] for session in found] == [uid(2), uid(1)]
    assert not any("last_prompt" in session for session in found)
    assert found[0]["last_active_at"] == found[0]["started_at"]


async def test_a_client_session_with_two_prompts_has_two_threads(
    client: httpx.AsyncClient, seed: Seed
) -> None:
    seed(Call(1, session="s", prompts=("a",)), Call(2, at=9, session="s", prompts=("b",)))
    (found,) = (await get(client))["sessions"]
    assert (found["id"], found["threads"], found["last_prompt"]) == ("s", 2, "b")


async def test_a_session_tells_what_it_costs_in_the_list_and_alone(
    client: httpx.AsyncClient, seed: Seed
) -> None:
    used: Any = {"tokens": ((1, 2, 3, 4), (5, 6, 7, 8)), "costs": (20,)}
    seed(Call(1, session="s", **used), Call(2, session="s", root=1, **used), Call(3, session="t"))
    listed = {one["id"]: one for one in (await get(client))["sessions"]}
    for id_, cost in (("s", (40, 2)), ("t", (0, 0))):
        alone = (await client.get(f"{PATH}/{id_}")).json()
        for shown in (listed[id_], alone):
            assert (shown["cost_micros"], shown["unpriced_usage_count"]) == cost


async def test_two_users_with_one_session_id_are_two_rows(
    client: httpx.AsyncClient, seed: Seed
) -> None:
    seed(Call(1, at=2, session="s"), Call(2, at=1, session="s", initiator=BEN))
    listed = await get(client)
    users = [session["initiator"]["username"] for session in listed["sessions"]]
    assert (listed["count"], users) == (2, ["ana", "ben"])
    rest = await get(client, after_session_id="s", after_initiator_id=ANA)
    assert [session["initiator"]["username"] for session in rest["sessions"]] == ["ben"]
    assert (await get(client, after_session_id="s"))["sessions"] == []


async def test_walking_the_pages_visits_each_session_once(
    client: httpx.AsyncClient, seed: Seed
) -> None:
    seed(*(Call(number, at=number // 3) for number in range(10)))
    seen: list[str] = []
    while page := (await get(client, limit=4, **_after(seen)))["sessions"]:
        seen += [session["id"] for session in page]
    assert seen == [uid(number) for number in range(9, -1, -1)]


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
@pytest.mark.parametrize("exactly", [False, True])
async def test_no_walk_loses_a_session_where_people_share_an_id(
    client: httpx.AsyncClient, seed: Seed, limit: int, exactly: bool
) -> None:
    people = (ANA, BEN)
    seed(
        *(Call(n, at=n, session="app", initiator=people[n]) for n in range(2)),
        *(Call(10 + n, at=n / 4, session=f"s{n}", initiator=people[n % 2]) for n in range(12)),
    )
    seen: list[tuple[str, str]] = []
    while page := (await get(client, limit=limit, **_last(seen, exactly)))["sessions"]:
        seen += [(session["id"], session["initiator"]["id"]) for session in page]
    assert len(seen) == len(set(seen)) == 14
    assert {one for one in seen if one[0] == "app"} == {("app", ANA), ("app", BEN)}


def _last(seen: list[tuple[str, str]], exactly: bool) -> dict[str, str]:
    names = ("after_session_id", "after_initiator_id")[: 1 + exactly]
    return dict(zip(names, seen[-1], strict=False)) if seen else {}


def _after(seen: list[str]) -> dict[str, str]:
    return {"after_session_id": seen[-1]} if seen else {}


async def test_cursors_of_the_list_that_are_refused(client: httpx.AsyncClient, seed: Seed) -> None:
    seed(Call(1, session="s"))
    both = await refusal(client, "?after_session_id=s&offset=1")
    assert both["message"] == "Query parameters have invalid values."
    assert "after_session_id and offset" in both["detail"]
    assert await refusal(client, "?after_session_id=x") == {
        "message": "Query parameter has invalid value.",
        "detail": 'after_session_id: session "x" not found',
    }


async def test_the_pagination_cursor_of_the_sdk_is_ignored(
    client: httpx.AsyncClient, seed: Seed
) -> None:
    seed(Call(1))
    assert (await get(client, after_id=uid(7)))["count"] == 1


async def test_a_session_in_detail_as_the_contract_shows_it(
    client: httpx.AsyncClient, seed: Seed
) -> None:
    seed(
        Call(
            1,
            session="s",
            prompts=("fix it",),
            tools=("read",),
            thoughts=("hm",),
            tokens=((1, 2, 3, 4),),
            token_metadata={"usage": {"n": 1, "text": "x"}},
            columns={"client": None},
        ),
        Call(2, at=1, session="s", root=1, thoughts=("ok",), tokens=((10, 0, 0, 0),)),
    )
    found = await get(client, "/s")
    thread = found.pop("threads")[0]
    (action,) = thread.pop("agentic_actions")
    (call,) = action.pop("tool_calls")
    one: dict[str, Any] = {
        "input_tokens": 1,
        "output_tokens": 2,
        "cache_read_input_tokens": 3,
        "cache_write_input_tokens": 4,
        "metadata": {"usage.n": 1},
    }
    ten: dict[str, Any] = {**dict.fromkeys(one, 0), "input_tokens": 10, "metadata": {}}
    bounds = {"started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:00:01.5Z"}
    assert found == {
        "id": "s",
        "initiator": {"id": ANA, "username": "ana", "name": "Ana"},
        "providers": ["anthropic"],
        "models": ["sonnet"],
        "metadata": {},
        "page_started_at": bounds["started_at"],
        "page_ended_at": bounds["ended_at"],
        **bounds,
        "token_usage_summary": {**one, "input_tokens": 11},
        "cost_micros": 0,
        "unpriced_usage_count": 2,
    }
    assert thread == {
        "id": uid(1),
        "prompt": "fix it",
        "model": "sonnet",
        "provider": "anthropic",
        "credential_kind": "centralized",
        "credential_hint": "sk-...wxyz",
        **bounds,
        "token_usage": {**one, "input_tokens": 11},
        "status": "completed",
        "error_type": None,
        "error_message": None,
        "kind": "typed",
        "agent_type": "",
        "parent_id": None,
        "attempts": 1,
        "texts": [{"text": "fix it", "kind": "typed", "interception_id": uid(1)}],
        "final": {
            "model": "sonnet",
            "token_usage": ten,
            "thinking": [{"text": "ok"}],
            "stop_reason": "end_turn",
        },
    }
    assert action == {"model": "sonnet", "token_usage": one, "thinking": [{"text": "hm"}]}
    assert call.pop("id")
    assert call == {
        "interception_id": uid(1),
        "provider_response_id": "msg_1",
        "server_url": "",
        "tool": "read",
        "injected": False,
        "input": '{"path": "a.txt"}',
        "metadata": {},
        "created_at": "2026-01-01T00:00:00.000002Z",
        "invocation_error": "",
    }


async def test_threads_are_paged_from_both_sides(client: httpx.AsyncClient, seed: Seed) -> None:
    seed(*(Call(n, at=n, session="s", tokens=((1, 0, 0, 0),)) for n in range(5)))
    pages = {
        "first": await get(client, "/s", limit=2),
        "after": await get(client, "/s", limit=2, after_id=uid(1).upper()),
        "last": await get(client, "/s", limit=2, after_id=uid(3)),
        "before": await get(client, "/s", limit=2, before_id=uid(4)),
        "end": await get(client, "/s", limit=2, after_id=uid(4)),
    }
    threads = {name: [t["id"] for t in page["threads"]] for name, page in pages.items()}
    assert threads == {
        "first": [uid(0), uid(1)],
        "after": [uid(2), uid(3)],
        "last": [uid(4)],
        "before": [uid(2), uid(3)],
        "end": [],
    }
    assert all(page["token_usage_summary"]["input_tokens"] == 5 for page in pages.values())
    assert pages["after"]["page_started_at"] == "2026-01-01T00:00:02Z"
    assert pages["after"]["page_ended_at"] == "2026-01-01T00:00:03.5Z"
    assert "page_started_at" not in pages["end"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (f"after_id={uid(1)}&before_id={uid(2)}", "Cannot use both after_id and before_id"),
        ("after_id=x", "Invalid after_id query parameter."),
        ("before_id=x", "Invalid before_id query parameter."),
        ("limit=0", "Invalid limit query parameter."),
        ("limit=201", "Invalid limit query parameter."),
        ("limit=-1", "Invalid limit query parameter."),
        ("limit=x", "Invalid limit query parameter."),
    ],
)
async def test_parameters_of_the_detail_that_are_refused(
    client: httpx.AsyncClient, seed: Seed, query: str, message: str
) -> None:
    seed(Call(1, session="s"))
    assert (await refusal(client, f"/s?{query}"))["message"].startswith(message)


async def test_cursors_of_the_detail_that_are_refused(
    client: httpx.AsyncClient, seed: Seed
) -> None:
    seed(Call(1, session="s"), Call(2, session="other"))
    unknown = await refusal(client, f"/s?after_id={uid(9)}")
    foreign = await refusal(client, f"/s?before_id={uid(2)}")
    assert unknown["message"] == foreign["message"] == "Invalid pagination cursor."
    assert "not found" in unknown["detail"]
    assert "does not belong to session" in foreign["detail"]


async def test_a_session_that_is_not_there_is_not_found(
    client: httpx.AsyncClient, seed: Seed
) -> None:
    seed(Call(1, session="running", running=True))
    for session_id in ("nobody", "running", "%00", "%FF"):
        found = await refusal(client, f"/{session_id}", 404)
        assert found == {"message": "Session not found."}


async def test_an_empty_id_is_refused(client: httpx.AsyncClient) -> None:
    assert (await refusal(client, "/"))["message"] == "Missing session_id path parameter."


@pytest.mark.parametrize("session_id", ["a/b", "/a", "a b", "a?b", "a%2Fb", "ü", "models", "a//b/"])
async def test_an_id_of_any_characters_is_found_encoded(
    client: httpx.AsyncClient, seed: Seed, session_id: str
) -> None:
    seed(Call(1, session=session_id))
    assert (await get(client, f"/{quote(session_id, safe='')}"))["id"] == session_id


@pytest.mark.parametrize("session_id", ["a/b", "a%2Fb", "a%41"])
async def test_an_id_is_found_as_the_original_client_sends_it(
    client: httpx.AsyncClient, seed: Seed, session_id: str
) -> None:
    seed(Call(1, session=session_id))
    assert (await get(client, f"/{session_id}"))["id"] == session_id


async def test_of_two_users_the_most_recent_is_shown_unless_one_is_named(
    client: httpx.AsyncClient, seed: Seed
) -> None:
    seed(Call(1, at=1, session="s"), Call(2, at=2, session="s", initiator=BEN))
    for query, user, thread in [
        ({}, "ben", uid(2)),
        ({"initiator": "me"}, "ana", uid(1)),
        ({"initiator": ANA}, "ana", uid(1)),
        ({"initiator": "Ana"}, "ana", uid(1)),
        ({"initiator": BEN.upper()}, "ben", uid(2)),
    ]:
        found = await get(client, "/s", **query)
        assert found["initiator"]["username"] == user
        assert [one["id"] for one in found["threads"]] == [thread]
    await refusal(client, "/s?initiator=nobody", 404)


@pytest.mark.parametrize("limit", [1, 2, 7, 51, 52])
async def test_whoever_pages_by_ids_alone_loses_no_session_where_two_people_share_one(
    client: httpx.AsyncClient, seed: Callable[..., None], limit: int
) -> None:
    newest, oldest = Call(1, at=100, session="same"), Call(2, at=1, session="same", initiator=BEN)
    seed(newest, *(Call(n, at=n, session=f"s{n:02}") for n in range(3, 53)), oldest)
    seen: list[tuple[str, str]] = []
    query: dict[str, Any] = {"limit": limit, "q": ""}
    for _ in range(60):
        page = (await client.get(PATH, params=query)).json()["sessions"]
        if not page:
            break
        seen += [(one["id"], one["initiator"]["id"]) for one in page]
        query["after_session_id"] = page[-1]["id"]
    assert len(seen) == len(set(seen)) == 52
