from collections.abc import Iterable
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.sdk import ApiError, ConnectionFailed, RateLimited, Unavailable
from aibridge.sdk.retries import FIRST_PAUSE, JITTER, MAX_RETRY_AFTER, Retries
from tests.sdk import samples
from tests.sdk.conftest import TOKEN, URL, Clients, Handler

GROUP = UUID(int=7)
FINE = httpx.Response(200, json=["sonnet"])


def refusing(status: int, **headers: str) -> httpx.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"message": "No."}, headers=given)


def playing(outcomes: Iterable[httpx.Response | Exception]) -> Handler:
    """Answer each request with the next of ``outcomes``; one more request than these fails."""
    left = iter(outcomes)

    def answer(_request: httpx.Request) -> httpx.Response:
        outcome = next(left)
        if isinstance(outcome, Exception):
            raise outcome
        return httpx.Response(outcome.status_code, headers=outcome.headers, content=outcome.content)

    return answer


@pytest.mark.parametrize(
    "trouble",
    [
        *(refusing(status) for status in (408, 429, 500, 502, 503, 504)),
        httpx.Response(502, text="<html>Bad gateway</html>"),
        httpx.ConnectError("refused"),
        httpx.ReadError("reset"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.WriteTimeout("slow"),
        httpx.PoolTimeout("slow"),
        httpx.RemoteProtocolError("closed"),
    ],
    ids=str,
)
def test_what_may_pass_is_tried_again(
    clients: Clients, trouble: httpx.Response | Exception
) -> None:
    answer = playing([trouble, trouble, FINE])
    assert clients.use(answer, "list_models") == ["sonnet"]
    assert clients.pauses == [FIRST_PAUSE, 2 * FIRST_PAUSE]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 501, 302])
def test_what_will_not_pass_is_asked_once(clients: Clients, status: int) -> None:
    with pytest.raises(Exception, match=f"status {status}"):
        clients.use(playing([refusing(status)]), "list_models")
    assert clients.pauses == []


LOST = [
    httpx.ReadError("reset"),
    httpx.WriteError("x"),
    httpx.RemoteProtocolError("closed"),
    httpx.ReadTimeout("slow"),
    httpx.WriteTimeout("slow"),
]
UNDONE = [
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("slow"),
    httpx.PoolTimeout("slow"),
    refusing(429),
]
MAYBE_DONE = [*LOST, *(refusing(status) for status in (408, 500, 502, 503, 504))]

READS_AND_PUTS: list[tuple[str, tuple[Any, ...], Any]] = [
    ("get_user", ("ana",), samples.user("u")),
    ("suspend_user", ("ana",), samples.user("u")),
    ("set_user_roles", ("ana", []), samples.user("u")),
    ("upsert_group_ai_budget", (GROUP, 1), samples.group_budget()),
]
OTHERS: list[tuple[str, tuple[Any, ...], Any]] = [
    ("create_user", ("ana",), samples.user("u")),
    ("create_token", (), {**samples.token("t"), "key": "t-s"}),
    ("add_group_members", (GROUP, ["ana"]), samples.group_detail("g")),
    ("delete_group", (GROUP,), {"message": "Gone."}),
    ("logout", (), {"message": "Done."}),
]


def fine(method: str, answer: Any) -> httpx.Response:
    if answer is None:
        return httpx.Response(204)
    status = 201 if method.startswith("create_") else 200
    return httpx.Response(status, json=answer)


@pytest.mark.parametrize(("method", "arguments", "answer"), READS_AND_PUTS)
@pytest.mark.parametrize("trouble", [*UNDONE, *MAYBE_DONE], ids=str)
def test_what_is_safe_to_repeat_is_repeated(
    clients: Clients, method: str, arguments: Any, answer: Any, trouble: Any
) -> None:
    clients.use(playing([trouble, fine(method, answer)]), method, *arguments)
    assert clients.pauses == [FIRST_PAUSE]


@pytest.mark.parametrize(("method", "arguments", "answer"), OTHERS)
@pytest.mark.parametrize("trouble", UNDONE, ids=str)
def test_what_cannot_have_been_done_is_tried_again(
    clients: Clients, method: str, arguments: Any, answer: Any, trouble: Any
) -> None:
    clients.use(playing([trouble, fine(method, answer)]), method, *arguments)
    assert clients.pauses == [FIRST_PAUSE]


@pytest.mark.parametrize(("method", "arguments", "answer"), OTHERS)
@pytest.mark.parametrize("trouble", MAYBE_DONE, ids=str)
def test_what_may_have_been_done_is_not_done_twice(
    clients: Clients, method: str, arguments: Any, answer: Any, trouble: Any
) -> None:
    with pytest.raises((ConnectionFailed, ApiError)):
        clients.use(playing([trouble, fine(method, answer)]), method, *arguments)
    assert clients.pauses == []


@pytest.mark.parametrize("old", [None, "x"])
def test_a_change_of_a_password_is_not_repeated(clients: Clients, old: str | None) -> None:
    """An old password would be wrong the second time, or be needed for one's own."""
    with pytest.raises(Unavailable):
        clients.use(
            playing([refusing(502)]), "set_user_password", "me", "new-password", old_password=old
        )


def test_the_last_trouble_is_told_after_three_attempts(clients: Clients) -> None:
    with pytest.raises(RateLimited):
        clients.use(playing([refusing(503), refusing(502), refusing(429)]), "list_models")
    assert len(clients.pauses) == 2


def test_retries_can_be_turned_off(clients: Clients) -> None:
    own = {"url": URL, "token": TOKEN, "retries": 0}
    own["transport"] = httpx.MockTransport(playing([refusing(503)]))
    with pytest.raises(Unavailable):
        clients.open(own, "list_models")
    assert clients.pauses == []


def test_the_server_says_how_long_to_wait(clients: Clients) -> None:
    answers = [refusing(503, retry_after="7"), refusing(429, retry_after="0"), FINE]
    assert clients.use(playing(answers), "list_models") == ["sonnet"]
    assert clients.pauses == [7, 0]


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_for_too_long_a_wait_is_not_asked_again(
    clients: Clients, status: int
) -> None:
    with pytest.raises(ApiError) as caught:
        clients.use(playing([refusing(status, retry_after="31")]), "list_models")
    assert caught.value.retry_after == 31
    assert clients.pauses == []


@pytest.mark.parametrize(("bound", "pauses"), [(60, [31]), (31, [31]), (1.5, []), (0, [])])
def test_how_long_a_server_may_ask_to_wait_is_an_option(
    clients: Clients, bound: float, pauses: list[float]
) -> None:
    own = {"url": URL, "token": TOKEN, "max_retry_after": bound}
    own["transport"] = httpx.MockTransport(playing([refusing(429, retry_after="31"), FINE]))
    if pauses:
        clients.open(own, "list_models")
    else:
        with pytest.raises(RateLimited):
            clients.open(own, "list_models")
    assert clients.pauses == pauses


def test_our_own_pauses_vary_and_those_of_retry_after_do_not(clients: Clients) -> None:
    chances = iter([1.0, 0.5])
    own = {"url": URL, "token": TOKEN, "retries": 3, "random": chances.__next__}
    answers = [refusing(503), refusing(503), refusing(503, retry_after="7"), FINE]
    own["transport"] = httpx.MockTransport(playing(answers))
    clients.open(own, "list_models")
    first, second = FIRST_PAUSE * (1 - JITTER), 2 * FIRST_PAUSE * (1 - JITTER / 2)
    assert clients.pauses == [first, second, 7]


def test_each_page_has_retries_of_its_own(clients: Clients) -> None:
    empty = httpx.Response(200, json={"count": 0, "results": []})
    answers = [refusing(503), refusing(503), empty]
    assert clients.use(playing(answers), "iter_interceptions") == []


@given(
    st.integers(1, 5000),
    st.sampled_from(["", "1", "999999999", "Fri, 31 Dec 9999 23:59:59 GMT"]),
    st.floats(0, 1),
)
def test_no_pause_is_longer_than_the_longest(done: int, asked: str, chance: float) -> None:
    answer = refusing(503, retry_after=asked)
    pause = Retries(5000).pause(answer, done, random=lambda: chance)
    assert pause is None or 0 <= pause <= MAX_RETRY_AFTER
    assert pause is None or not asked.isdigit() or pause >= int(asked)
