"""Against the API itself on a real socket."""

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from aibridge import sdk
from aibridge.contract import Interception, InterceptionList, SessionDetail, SessionList, Thread
from aibridge.sdk import (
    ConnectionFailed,
    InterceptionFilter,
    Invalid,
    NotFound,
    SessionFilter,
    Unauthorized,
)
from tests.builders import ANA, BEN, uid
from tests.sdk.conftest import ODD_ID, THREADS, TOKEN, Clients

START = datetime(2026, 1, 1, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "sdk.md").read_text()
PYTHON = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
SNIPPETS = PYTHON.findall(PAGE)
OF_THE_README = PYTHON.findall((ROOT / "README.md").read_text())


@pytest.fixture
def ask(clients: Clients, server: str) -> Any:
    def ask(method: str, *arguments: Any, **options: Any) -> Any:
        return clients.open({"url": server, "token": TOKEN}, method, *arguments, **options)

    return ask


def test_lists_are_models_of_the_contract(ask: Any) -> None:
    sessions = ask("list_sessions", limit=2)
    assert isinstance(sessions, SessionList)
    assert (sessions.count, [one.id for one in sessions.sessions]) == (4, ["..", "same", "same"])
    interceptions = ask("list_interceptions", limit=1)
    assert isinstance(interceptions, InterceptionList)
    assert (interceptions.count, interceptions.results[0].id) == (THREADS + 3, uid(502))
    assert ask("list_clients") == ["Claude Code", "Unknown"]
    assert ask("list_models") == ['o"pus\\', "sonnet"]


def test_pages_follow_each_other(ask: Any) -> None:
    _, first, _ = ask("list_sessions", limit=2).sessions
    place = {"after_session_id": first.id, "after_initiator_id": first.initiator.id}
    rest = ask("list_sessions", **place).sessions
    assert [(one.id, one.initiator.id) for one in rest] == [("same", ANA), (ODD_ID, ANA)]
    newest = ask("list_interceptions", limit=1).results[0]
    (second,) = ask("list_interceptions", limit=1, after_id=newest.id).results
    assert second.id == uid(501)


def test_iterators_go_through_everything_once(ask: Any) -> None:
    found = ask("iter_interceptions")
    assert all(isinstance(item, Interception) for item in found)
    assert len({item.id for item in found}) == len(found) == THREADS + 3
    sessions = ask("iter_sessions")
    assert [(one.id, one.initiator.id) for one in sessions] == [
        ("..", ANA),
        ("same", BEN),
        ("same", ANA),
        (ODD_ID, ANA),
    ]


def test_threads_of_an_odd_id_are_read_to_the_end(ask: Any) -> None:
    found = ask("iter_threads", ODD_ID)
    assert all(isinstance(thread, Thread) for thread in found)
    assert [thread.prompt for thread in found] == [f"prompt {n}" for n in range(THREADS)]
    assert len(ask("iter_threads", ODD_ID, limit=120)) == 120


def test_a_session_is_shown_with_a_page_of_its_threads(ask: Any) -> None:
    found = ask("get_session_threads", ODD_ID, limit=2, after_id=uid(3))
    assert isinstance(found, SessionDetail)
    assert [thread.id for thread in found.threads] == [uid(4), uid(5)]
    assert ask("get_session_threads", "..").id == ".."


def test_one_interception_is_shown(ask: Any) -> None:
    found = ask("get_interception", uid(3))
    assert isinstance(found, Interception)
    assert (found.id, found.session_id) == (uid(3), ODD_ID)
    with pytest.raises(NotFound, match="Interception not found"):
        ask("get_interception", uid(9999))


def test_whose_session_can_be_said(ask: Any) -> None:
    assert ask("get_session_threads", "same").initiator.id == BEN
    assert ask("get_session_threads", "same", initiator="me").initiator.id == ANA
    (thread,) = ask("iter_threads", "same", initiator=ANA)
    assert thread.id == uid(500)


def test_refusals_are_errors(ask: Any, clients: Clients, server: str) -> None:
    with pytest.raises(NotFound, match="Session not found"):
        ask("get_session_threads", "nobody")
    with pytest.raises(Invalid, match="Pagination limit"):
        ask("list_sessions", limit=1001)
    with pytest.raises(Invalid) as caught:
        ask("list_interceptions", InterceptionFilter(q="nonsense:x"))
    assert caught.value.validations
    with pytest.raises(Unauthorized, match="Authentication required"):
        clients.open({"url": server, "token": "other"}, "list_models")


INDIA = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        (SessionFilter(model='o"pus\\'), ["same"]),
        (SessionFilter(session_id=ODD_ID), [ODD_ID]),
        (SessionFilter(client="Unknown", initiator="me"), ["same"]),
        (SessionFilter(initiator="ben"), ["same"]),
        (SessionFilter(provider="anthropic", provider_name="claude", session_id=".."), [".."]),
        (SessionFilter(started_after=START + timedelta(seconds=502)), [".."]),
        (SessionFilter(started_before=START.astimezone(INDIA)), [ODD_ID]),
        (SessionFilter(model="opus"), []),
        (SessionFilter(kind="typed", session_id="same"), []),
        (SessionFilter(kind="typed"), [ODD_ID]),
        (SessionFilter(q="session_id:same initiator:ana"), ["same"]),
    ],
)
def test_the_server_finds_what_filters_ask_for(
    ask: Any, where: SessionFilter, ids: list[str]
) -> None:
    assert [session.id for session in ask("iter_sessions", where)] == ids


def test_interceptions_are_filtered_on_every_page(ask: Any) -> None:
    where = InterceptionFilter(model="sonnet", started_before=START + timedelta(seconds=120))
    found = ask("iter_interceptions", where)
    assert [item.id for item in found] == [uid(number) for number in range(120, -1, -1)]


def test_names_are_looked_for_by_their_beginning(ask: Any) -> None:
    assert ask("list_models", q="son") == ["sonnet"]
    assert ask("list_clients", q="Unk") == ["Unknown"]


def test_nobody_listening_is_a_failed_connection(clients: Clients) -> None:
    with pytest.raises(ConnectionFailed, match=r"127\.0\.0\.1:1/"):
        clients.open({"url": "http://127.0.0.1:1", "token": TOKEN}, "list_models")
    assert len(clients.pauses) == 2


@pytest.mark.parametrize("snippet", [*SNIPPETS, *OF_THE_README])
def test_the_snippets_of_the_pages_run(
    snippet: str,
    server: str,
    administered: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AIBRIDGE_URL", administered if "create_user" in snippet else server)
    monkeypatch.setenv("AIBRIDGE_TOKEN", TOKEN)
    compiled = compile(snippet, "docs/sdk.md", "exec")
    exec(compiled, {"__name__": "__main__"})  # noqa: S102
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("name", [*sdk.__all__, *(n for n in dir(sdk.Client) if n[0] != "_")])
def test_every_name_is_on_the_page(name: str) -> None:
    assert name == "close" or re.search(rf"\b{name}\b", PAGE)


def test_the_page_has_both_ways_and_the_readme_one() -> None:
    assert len(SNIPPETS) == 4
    (short,) = OF_THE_README
    assert len(SNIPPETS[0].splitlines()) <= 10
    assert len(short.splitlines()) <= 10
