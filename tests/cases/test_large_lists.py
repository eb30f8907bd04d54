"""Prompts of millions of characters: no answer of the API has all of them at once."""

import json
import threading
from typing import Any

import pytest

from aibridge.api.responses import JsonResponse
from aibridge.contract import SiteRole
from aibridge.store.lists.children import MOST_CHARACTERS, share
from aibridge.store.lists.sessions import MAX_PREVIEW
from aibridge.store.schema import tables as schema
from tests.bridge import Bridge
from tests.builders import Call, record, uid
from tests.wire import ask

BASE = "/api/v2/aibridge"
COUNT = 40
LONG = "x" * 250_000
"""More than the share of one of a page; in all more than an answer has."""


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the threads that wrote the answers."""
    names, render = list[str](), JsonResponse.render

    def note(self: JsonResponse, content: Any) -> bytes:
        names.append(threading.current_thread().name)
        return render(self, content)

    monkeypatch.setattr(JsonResponse, "render", note)
    return names


class Reader:
    """An owner who asks the API."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._token = bridge.add_user(f"owner{len(bridge.rows('users'))}", SiteRole.OWNER)

    def get(self, path: str) -> tuple[Any, int]:
        """Return an answer, and how many bytes it has."""
        headers = [("x-api-key", self._token)]
        answer = ask(self._bridge.url, BASE + path, method="GET", headers=headers)
        assert answer.status == 200, answer.body
        return json.loads(answer.body), len(answer.body)


@pytest.fixture
def reader(bridge: Bridge) -> Reader:
    with bridge.database.write() as connection:
        calls = (
            Call(
                n, at=n, session=f"s{n}", prompts=(f"{n} {LONG}",), tools=("write",), arguments=LONG
            )
            for n in range(COUNT)
        )
        record(connection, *calls)
        prompt = "x" * 4_000_000
        connection.execute(schema.sessions.update().values(last_prompt=prompt))
    return Reader(bridge)


def test_forty_sessions_of_four_million_characters(reader: Reader, rendered: list[str]) -> None:
    sessions, size = reader.get("/sessions")
    assert size < 100_000
    for session in sessions["sessions"]:
        assert len(session["last_prompt"]) == MAX_PREVIEW
        assert session["last_prompt_truncated"] is True
    assert len(rendered) == 1
    assert "worker thread" in rendered[0]  # not that of the event loop


def test_the_texts_of_a_page_of_interceptions_have_a_bound_together(reader: Reader) -> None:
    assert COUNT * len(LONG) > MOST_CHARACTERS
    listed, size = reader.get("/interceptions")
    assert MOST_CHARACTERS / 2 < size < MOST_CHARACTERS + COUNT * 2_000
    assert len(listed["results"]) == COUNT  # each is there, however long the others are
    for one in listed["results"]:
        (prompt,), (call,) = one["user_prompts"], one["tool_usages"]
        assert len(prompt["prompt"]) == len(call["input"]) == share(3 * COUNT)
        assert prompt["metadata"] == {"kind": "typed", "truncated": True}
        assert call["metadata"] == {"truncated": True}


def test_one_interception_and_a_small_page_have_texts_whole(reader: Reader) -> None:
    found, _ = reader.get(f"/interceptions/{uid(3)}")
    assert found["user_prompts"][0]["prompt"] == f"3 {LONG}"
    assert found["user_prompts"][0]["metadata"] == {"kind": "typed"}
    assert found["tool_usages"][0]["input"] == LONG
    page, _ = reader.get("/interceptions?limit=1")
    assert page["results"][0]["user_prompts"][0]["prompt"] == f"{COUNT - 1} {LONG}"
    detail, _ = reader.get("/sessions/s3")
    (thread,) = detail["threads"]
    assert thread["prompt"] == f"3 {LONG}"
    assert "prompt_truncated" not in thread
    assert (len(thread["texts"][0]["text"]), thread["texts"][0]["truncated"]) == (65_536, True)


def test_a_session_of_many_long_threads_is_bounded_too(bridge: Bridge, reader: Reader) -> None:
    with bridge.database.write() as connection:
        connection.execute(schema.interceptions.update().values(session_id="s0"))
        connection.execute(schema.sessions.delete().where(schema.sessions.c.id != "s0"))
    detail, size = reader.get("/sessions/s0")
    assert len(detail["threads"]) == COUNT
    assert size < 2 * MOST_CHARACTERS + COUNT * 10_000
    assert {len(thread["prompt"]) for thread in detail["threads"]} == {share(3 * COUNT)}
    assert all(thread["prompt_truncated"] for thread in detail["threads"])


@pytest.mark.parametrize(("number", "characters"), [(0, 8 << 20), (1, 8 << 20), (100, 83_886)])
def test_what_an_answer_has_of_a_text_depends_on_how_many_there_are(
    number: int, characters: int
) -> None:
    assert share(number) == characters
    assert share(1_000_000) == 8
