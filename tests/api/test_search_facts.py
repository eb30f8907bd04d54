"""Searching in what an interception has: texts, errors, tokens, and whether there are any."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from aibridge.search import MAX_ELEMENTS
from tests.builders import BEN, Call, uid

BASE = "/api/v2/aibridge"
CALLS = (
    Call(1, prompts=("Please mend the roof!",), tokens=((1, 2, 3, 4),)),
    Call(2, prompts=("Mend the Röof",), tools=("bash", "read"), arguments=r'{"cmd":"ls\nsrc"}'),
    Call(3, tools=("web_search",), arguments="roof", thoughts=("Hm.",)),
    Call(4, columns={"error_type": "timeout", "error_message": "It took 100% of the time"}),
    Call(5, columns={"error_type": "overloaded"}, tokens=((0, 0, 100_000, 0), (1, 0, 0, 0))),
    Call(6, columns={"error_message": "The client closed the connection"}, thoughts=("Oh.",)),
    Call(7, initiator=BEN, tokens=((2_000_000, 0, 0, 0),)),
    Call(8, prompts=("mend the roof",), tools=("bash",), thoughts=("Hm.",), running=True),
)
"""A session each."""

Seed = Callable[..., None]


async def answer(client: httpx.AsyncClient, kind: str, q: str) -> dict[str, Any]:
    response = await client.get(f"{BASE}/{kind}", params={"q": q})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def found(client: httpx.AsyncClient, kind: str, q: str) -> list[int]:
    """Return the numbers of the calls that a search finds."""
    body = await answer(client, kind, q)
    rows = body["results" if kind == "interceptions" else "sessions"]
    assert body["count"] == len(rows)
    numbers = {uid(call.number): call.number for call in CALLS}
    return sorted(numbers[row["id"]] for row in rows)


@pytest.mark.parametrize(
    ("q", "numbers"),
    [
        ('prompt:"mend the roof"', [1, 2]),
        ("Prompt:RÖOF", [1, 2]),
        ('prompt:"the mend"', []),
        ("prompt:please prompt:roof", [1, 2]),
        ("-prompt:please", [2, 3, 4, 5, 6, 7]),
        ("-prompt:please -prompt:mend", [3, 4, 5, 6, 7]),
        ("prompt:mend -prompt:please", [2]),
        ("prompt:pleas", []),
        ("prompt:pleas*", [1]),
        ('prompt:"mend th*"', [1, 2]),
        ("prompt:bash", []),
        ('prompt:"mend OR please"', []),
        ("tool:bash", [2]),
        ("tool:SRC", [2]),
        ('tool:"ls src"', [2]),
        ("tool:web_search", [3]),
        ("tool:roof", [3]),
        ("tool:re* tool:web*", [2, 3]),
        ("-tool:bash", [1, 3, 4, 5, 6, 7]),
        ("tool:bash prompt:roof", [2]),
        ("error:timeout", [4]),
        ("error:Timeout", [4]),
        ("error:TOOK", [4]),
        ('error:"timeout it"', [4]),
        ("error:100", [4]),
        ('error:"It took"', [4]),
        ("error:overloaded error:timeout", [4, 5]),
        ("error:overload", []),
        ("error:CLOSED", [6]),
        ("error:overload*", [5]),
        ("-error:timeout", [1, 2, 3, 5, 6, 7]),
        ("-error:the", [1, 2, 3, 5, 7]),
        ("has:error", [4, 5, 6]),
        ("-has:error", [1, 2, 3, 7]),
        ("has:prompt", [1, 2]),
        ("has:tool", [2, 3]),
        ("has:thinking", [3, 6]),
        ("has:thinking has:tool", [2, 3, 6]),
        ("has:thinking -has:tool", [6]),
        ("-has:prompt -has:thinking -has:error", [7]),
        ("tokens>9", [1, 5, 7]),
        ("tokens>10", [5, 7]),
        ("tokens>=10", [1, 5, 7]),
        ("tokens<10", [2, 3, 4, 6]),
        ("tokens<=10", [1, 2, 3, 4, 6]),
        ("tokens>=1 tokens<100k", [1]),
        ("tokens>100k", [5, 7]),
        ("tokens>=100001", [5, 7]),
        ("tokens>=2M", [7]),
        ("tokens>2M", []),
        ("tokens>5 tokens>100k tokens<3M tokens<2M", [5]),
        ("tokens>5 tokens<5", []),
        ("-tokens>10", [1, 2, 3, 4, 6]),
        ("-tokens>=10", [2, 3, 4, 6]),
        ("-tokens<10", [1, 5, 7]),
        ("-tokens<=10", [5, 7]),
        ("-tokens<10 -tokens>100k", [1]),
        ('tokens>="10" initiator:me', [1, 5]),
        ("tokens>=0 tokens<=9007199254740992", [1, 2, 3, 4, 5, 6, 7]),
        ("tokens<0", []),
    ],
)
async def test_each_key_finds_what_it_says(
    client: httpx.AsyncClient, seed: Seed, q: str, numbers: list[int]
) -> None:
    seed(*CALLS)
    assert await found(client, "interceptions", q) == numbers
    assert await found(client, "sessions", q) == numbers


GUESS = {"estimated": True}
OF_KINDS = (
    Call(1, prompts=("Mend it",)),
    Call(2, kind="subagent", prompts=("Look at the wall",), unread=True),
    Call(3, kind="side_call", prompts=("A title",), tokens=((0, 4, 0, 0),), token_metadata=GUESS),
    Call(4, prompts=("So far", "on"), prompt_kinds=("summary", "typed")),
    Call(5, kind="compaction"),
    Call(6, prompts=("hook",), prompt_kinds=("automation",)),
    Call(7, kind="retry", prompts=("Mend it",)),
)


@pytest.mark.parametrize(
    ("q", "numbers"),
    [
        ("kind:typed", [1, 4]),
        ("kind:subagent", [2]),
        ("kind:side_call", [3]),
        ("kind:summary", [4]),
        ("kind:compaction", [5]),
        ("kind:automation", [6]),
        ("kind:retry", [7]),
        ("kind:typed kind:retry", [1, 4, 7]),
        ("-kind:typed", [2, 3, 5, 6, 7]),
        ("kind:typed -kind:summary", [1]),
        ("has:prompt", [1, 4]),
        ("has:unread", [2]),
        ("kind:typed has:unread", []),
        ("has:estimated", [3]),
        ("-has:estimated -has:unread", [1, 4, 5, 6, 7]),
        ("prompt:wall", [2]),
        ("prompt:mend", [1, 7]),
        ("prompt:mend -kind:retry", [1]),
    ],
)
async def test_what_was_typed_is_told_from_what_the_agent_wrote(
    client: httpx.AsyncClient, seed: Seed, q: str, numbers: list[int]
) -> None:
    seed(*OF_KINDS)
    assert await found(client, "interceptions", q) == numbers
    assert await found(client, "sessions", q) == numbers


@pytest.mark.parametrize(
    ("q", "interceptions", "sessions"),
    [
        ("prompt:one tool:bash", [], 0),
        ("prompt:one has:thinking", [1], 1),
        ("-prompt:one", [2], 1),
        ("-prompt:one -tool:bash", [], 0),
        ("tokens>10 prompt:one", [], 1),
        ("tokens>14", [], 1),
        ("tokens>15", [], 0),
        ("tokens<=10", [1, 2], 0),
        ("tokens<=15 tool:bash", [2], 1),
        ("-tokens<=14", [], 1),
    ],
)
async def test_one_interception_of_a_session_is_as_every_key_says_but_tokens_are_of_all(
    client: httpx.AsyncClient, seed: Seed, q: str, interceptions: list[int], sessions: int
) -> None:
    seed(
        Call(1, session="s", prompts=("one",), thoughts=("Hm.",), tokens=((5, 0, 0, 5),)),
        Call(2, session="s", prompts=("two",), tools=("bash",), tokens=((0, 1, 4, 0),)),
    )
    assert await found(client, "interceptions", q) == interceptions
    body = await answer(client, "sessions", q)
    assert (body["count"], len(body["sessions"])) == (sessions, sessions)


@pytest.mark.parametrize("kind", ["interceptions", "sessions"])
@pytest.mark.parametrize("key", ["prompt", "tool", "error", "has", "kind", "tokens"])
async def test_as_many_values_as_a_query_holds_are_answered(
    client: httpx.AsyncClient, seed: Seed, kind: str, key: str
) -> None:
    seed(*CALLS)
    for sign in ("", "-"):
        if key == "tokens":
            terms = [f"{sign}tokens>{number}" for number in range(MAX_ELEMENTS)]
        else:
            listed = {"has": ["tool"], "kind": ["retry"]}
            values = listed.get(key, [f"x{number}" for number in range(MAX_ELEMENTS)])
            terms = [f"{sign}{key}:{value}" for value in values]
        await found(client, kind, " ".join(terms))


async def test_who_may_not_read_finds_nothing(anonymous: httpx.AsyncClient, seed: Seed) -> None:
    seed(*CALLS)
    anonymous.headers["X-Api-Key"] = "member-token"
    for q in ("prompt:mend", "-tool:x", "has:error", "tokens>=0", "error:x"):
        assert await found(anonymous, "interceptions", q) == []
        assert await found(anonymous, "sessions", q) == []
