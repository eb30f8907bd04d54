from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.contract import InterceptionList
from aibridge.sdk import InterceptionFilter, SessionFilter, paging
from aibridge.sdk.paging import PAGE
from tests.sdk import samples
from tests.sdk.conftest import Clients

Page = Callable[..., httpx.Response]

LISTS: list[tuple[str, tuple[Any, ...], Page, str]] = [
    ("iter_interceptions", (), samples.interceptions, "after_id"),
    ("iter_sessions", (), samples.sessions, "after_session_id"),
    ("iter_threads", ("s",), samples.threads, "after_id"),
    ("iter_users", (), samples.users, "after_id"),
    ("iter_audit_logs", (), samples.audit_logs, "after_id"),
]
every_list = pytest.mark.parametrize(("method", "arguments", "page", "cursor"), LISTS)


class Server:
    """A list of ``size`` items, read by cursor."""

    def __init__(self, page: Page, cursor: str, size: int) -> None:
        self._page, self._cursor = page, cursor
        self._names = [str(number) for number in range(size)]
        self.queries: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = dict(request.url.params)
        self.queries.append(query)
        after = query.get(self._cursor)
        start = 0 if after is None else self._names.index(after) + 1
        return self._page(*self._names[start : start + int(query["limit"])])


@every_list
@pytest.mark.parametrize(
    ("size", "limit", "wanted", "asked"),
    [
        (0, None, 0, [PAGE]),
        (3, None, 3, [PAGE]),
        (PAGE, None, PAGE, [PAGE, PAGE]),
        (2 * PAGE + 1, None, 2 * PAGE + 1, [PAGE] * 3),
        (2 * PAGE + 1, PAGE + 5, PAGE + 5, [PAGE, 5]),
        (2 * PAGE, PAGE, PAGE, [PAGE]),
        (9, 3, 3, [3]),
        (9, 0, 0, []),
    ],
)
def test_all_pages_are_read_up_to_the_limit(
    clients: Clients,
    method: str,
    arguments: tuple[Any, ...],
    page: Page,
    cursor: str,
    size: int,
    limit: int | None,
    wanted: int,
    asked: list[int],
) -> None:
    server = Server(page, cursor, size)
    found = clients.use(server, method, *arguments, limit=limit)
    assert [item.id for item in found] == [str(number) for number in range(wanted)]
    assert [int(query["limit"]) for query in server.queries] == asked
    assert all(cursor not in query for query in server.queries[:1])


@every_list
def test_a_server_that_ignores_the_cursor_does_not_go_on_for_ever(
    clients: Clients, method: str, arguments: tuple[Any, ...], page: Page, cursor: str
) -> None:
    found = clients.use(lambda _request: page(*range(PAGE)), method, *arguments)
    assert len(found) == PAGE, cursor


def test_every_page_has_the_filter(clients: Clients) -> None:
    server = Server(samples.interceptions, "after_id", PAGE + 1)
    clients.use(server, "iter_interceptions", InterceptionFilter(model="m"))
    assert [query["q"] for query in server.queries] == ['model:"m"'] * 2


@pytest.mark.parametrize(
    ("method", "page"), [("iter_users", samples.users), ("iter_audit_logs", samples.audit_logs)]
)
def test_every_page_has_the_search(clients: Clients, method: str, page: Page) -> None:
    server = Server(page, "after_id", PAGE + 1)
    clients.use(server, method, "status:active")
    assert [query["q"] for query in server.queries] == ["status:active"] * 2


def test_the_cursor_of_sessions_names_the_initiator_too(clients: Clients) -> None:
    queries: list[dict[str, str]] = []
    pages = iter([samples.sessions(*(("same", str(n)) for n in range(PAGE))), samples.sessions()])

    def answer(request: httpx.Request) -> httpx.Response:
        queries.append(dict(request.url.params))
        return next(pages)

    found = clients.use(answer, "iter_sessions", SessionFilter(session_id="same"))
    assert len(found) == PAGE
    last = queries[1]
    assert (last["after_session_id"], last["after_initiator_id"]) == ("same", str(PAGE - 1))


def test_a_session_that_moved_to_the_front_comes_once_and_the_rest_still_comes(
    clients: Clients,
) -> None:
    """The last one of the first page becomes active: its cursor now stands at the front."""
    rest = [*range(PAGE - 1), *range(PAGE, PAGE + 5)]

    def answer(request: httpx.Request) -> httpx.Response:
        after = request.url.params.get("after_session_id")
        order = list(range(PAGE)) if after is None else [PAGE - 1, *rest]
        start = 0 if after is None else order.index(int(after)) + 1
        return samples.sessions(*order[start : start + PAGE])

    found = clients.use(answer, "iter_sessions")
    assert [item.id for item in found] == [str(number) for number in range(PAGE + 5)]


def test_all_pages_of_threads_are_of_one_initiator(clients: Clients) -> None:
    server = Server(samples.threads, "after_id", PAGE + 1)
    clients.use(server, "iter_threads", "s", initiator="me")
    assert [query["initiator"] for query in server.queries] == ["me", samples.ANA["id"]]


@given(
    st.lists(st.lists(st.integers(0, 400), max_size=PAGE), max_size=20),
    st.none() | st.integers(0, 300),
)
def test_whatever_a_server_sends_each_item_comes_once_and_never_too_many(
    pages: list[list[int]], limit: int | None
) -> None:
    pager = paging.interceptions(None, limit)
    found = list(_through(pager, iter(pages)))
    assert len(found) == len(set(found))
    assert limit is None or len(found) <= limit


def _through(
    pager: paging.Pager[InterceptionList, Any], pages: Iterator[list[int]]
) -> Iterator[str]:
    while pager.next is not None:
        answer = samples.interceptions(*next(pages, []))
        yield from (item.id for item in pager.take(pager.next.parse(answer.content)))
