"""Options of a client and of one call, a client of httpx of one's own, and whole answers."""

import asyncio
from collections.abc import Iterator
from typing import Any, assert_type

import httpx
import pytest

from aibridge.sdk import (
    AsyncClient,
    Client,
    InterceptionFilter,
    NotFound,
    RateLimited,
    RawResponse,
    SessionList,
    Unavailable,
    User,
    WrongArgument,
)
from aibridge.sdk.configuration import TIMEOUT
from aibridge.sdk.raw_methods import RawMethods
from tests.sdk import samples
from tests.sdk.conftest import TOKEN, URL, Clients


class Bridge:
    """Answers with names, and remembers what it was asked."""

    def __init__(self, *statuses: int) -> None:
        self.requests: list[httpx.Request] = []
        self._statuses: Iterator[int] = iter(statuses)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        status = next(self._statuses, 200)
        content: Any = ["sonnet"] if status == 200 else {"message": "No."}
        return httpx.Response(status, json=content, headers={"x-request-id": "r-1"})

    def own(self, **options: Any) -> dict[str, Any]:
        """Return the options of a client of this bridge."""
        transport = httpx.MockTransport(self)
        return {"url": URL, "token": TOKEN, "transport": transport, **options}


def ask(clients: Clients, own: dict[str, Any], method: str = "list_models", **options: Any) -> Any:
    """Call a method of a client with options of its own for one call."""
    if clients.kind is Client:
        with Client(**own, sleep=clients.pauses.append) as client:
            return getattr(client.with_options(**options), method)()

    async def run() -> Any:
        async with AsyncClient(**own, sleep=clients._sleep()) as client:
            return await getattr(client.with_options(**options), method)()

    return asyncio.run(run())


def seconds(request: httpx.Request) -> object:
    return request.extensions["timeout"]["read"]


def test_one_call_has_a_timeout_of_its_own(clients: Clients) -> None:
    bridge = Bridge()
    ask(clients, bridge.own())
    ask(clients, bridge.own(timeout=7), timeout=2)
    ask(clients, bridge.own(timeout=7), retries=1)
    ask(clients, bridge.own(timeout=7), timeout=None)
    ask(clients, bridge.own(), timeout=httpx.Timeout(3))
    assert [seconds(one) for one in bridge.requests] == [TIMEOUT, 2, 7, None, 3]


def test_one_call_has_headers_beside_those_of_its_client(clients: Clients) -> None:
    bridge = Bridge()
    ask(clients, bridge.own(headers={"X-A": "1", "X-B": "1"}), headers={"x-b": "2", "x-c": "3"})
    (request,) = bridge.requests
    found = [request.headers.get_list(name) for name in ("x-a", "x-b", "x-c")]
    assert found == [["1"], ["2"], ["3"]]
    assert request.headers["coder-session-token"] == TOKEN


def test_one_call_has_retries_of_its_own(clients: Clients) -> None:
    with pytest.raises(Unavailable):
        ask(clients, Bridge(503).own(), retries=0)
    assert ask(clients, Bridge(*[503] * 5).own(), retries=5) == ["sonnet"]
    assert len(clients.pauses) == 5


def test_one_call_has_a_bound_of_its_own_for_retry_after(clients: Clients) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(429, json={"message": "No."}, headers={"retry-after": "9"})

    own = {"url": URL, "token": TOKEN, "transport": httpx.MockTransport(answer)}
    with pytest.raises(RateLimited):
        ask(clients, own, max_retry_after=8)
    assert clients.pauses == []


def test_a_client_with_other_options_shares_the_connection_and_leaves_it_open() -> None:
    bridge = Bridge()
    with Client(**bridge.own(timeout=7)) as client:
        with client.with_options(timeout=2) as quick:
            quick.list_models()
        client.list_models()
        assert quick.token == client.token
        assert type(quick) is Client
    assert [seconds(one) for one in bridge.requests] == [2, 7]
    with pytest.raises(RuntimeError, match="closed"):
        quick.list_models()


async def test_an_asynchronous_client_with_other_options_leaves_the_connection_open() -> None:
    bridge = Bridge()
    async with AsyncClient(**bridge.own()) as client:
        async with client.with_options(timeout=2) as quick:
            await quick.list_models()
        await client.list_models()
    assert [seconds(one) for one in bridge.requests] == [2, TIMEOUT]


def test_a_client_of_httpx_of_ones_own_is_used_and_not_closed() -> None:
    bridge = Bridge()
    with httpx.Client(transport=httpx.MockTransport(bridge), timeout=11) as mine:
        with Client(URL, TOKEN, http_client=mine) as client:
            client.list_models()
            client.with_options(timeout=4).list_models()
        with Client(URL, TOKEN, http_client=mine, timeout=5) as client:
            client.list_models()
        assert not mine.is_closed
        assert "coder-session-token" not in mine.headers
    assert [seconds(one) for one in bridge.requests] == [11, 4, 5]
    assert {one.headers["coder-session-token"] for one in bridge.requests} == {TOKEN}


async def test_an_asynchronous_client_of_ones_own_is_used_and_not_closed() -> None:
    bridge = Bridge()
    async with httpx.AsyncClient(transport=httpx.MockTransport(bridge)) as mine:
        async with AsyncClient(URL, TOKEN, http_client=mine) as client:
            assert await client.list_models() == ["sonnet"]
        assert not mine.is_closed


def test_a_client_of_ones_own_does_not_follow_redirects_with_the_token() -> None:
    hosts: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        return httpx.Response(307, headers={"location": "http://elsewhere/"})

    transport = httpx.MockTransport(answer)
    with (
        httpx.Client(transport=transport, follow_redirects=True) as mine,
        Client(URL, TOKEN, http_client=mine) as client,
        pytest.raises(Exception, match="status 307"),
    ):
        client.list_models()
    assert hosts == ["bridge"]


def test_the_other_kind_of_client_or_two_ways_to_send_are_refused() -> None:
    with pytest.raises(WrongArgument, match=r"^http_client: "):
        AsyncClient(URL, TOKEN, http_client=httpx.Client())  # type: ignore[arg-type]
    with httpx.Client() as mine, pytest.raises(WrongArgument, match=r"^transport: "):
        Client(URL, TOKEN, http_client=mine, transport=httpx.MockTransport(Bridge()))


def test_a_raw_response_is_the_answer_as_it_came_and_can_be_parsed(clients: Clients) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.params["q"] == 'model:"m"'
        return httpx.Response(
            200, json=samples.interceptions("a").json(), headers={"x-request-id": "r-1"}
        )

    raw = clients.use(answer, "with_raw_response.list_interceptions", InterceptionFilter(model="m"))
    assert type(raw) is RawResponse
    assert (raw.status_code, raw.request_id) == (200, "r-1")
    assert raw.headers["x-request-id"] == "r-1"
    assert raw.content == samples.interceptions("a").content
    assert [one.id for one in raw.parse()] == ["a"]


def test_a_raw_response_of_a_group_that_is_named_is_that_of_the_change(clients: Clients) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=samples.group_detail("g"))
        return httpx.Response(200, json={"message": "Gone."})

    raw = clients.use(answer, "with_raw_response.delete_group", "devs")
    assert (raw.status_code, raw.parse()) == (200, None)


def test_refusals_are_errors_of_raw_responses_too(clients: Clients) -> None:
    with pytest.raises(NotFound):
        clients.use(Bridge(404), "with_raw_response.get_user", "nobody")


def knows_raw_types(client: Client) -> None:
    """Only a type checker reads this, and the next."""
    assert_type(client.with_raw_response.list_sessions().parse(), SessionList)
    assert_type(client.with_raw_response.delete_group("devs"), RawResponse[None])
    client.with_raw_response.get_user(user=5)  # type: ignore[arg-type]


async def knows_raw_types_too(client: AsyncClient) -> None:
    assert_type(await client.with_raw_response.get_user(), RawResponse[User])


def test_raw_responses_are_had_of_every_method_that_makes_one_request() -> None:
    with Client(URL, TOKEN) as client:
        raw = client.with_raw_response
        asking = {name for name in dir(client) if name[0] != "_" and "iter_" not in name}
        others = {"close", "login", "create_first_user", "with_options", "with_raw_response"}
        assert set(dir(raw)) == {name for name in vars(RawMethods) if name[0] != "_"}
        assert set(dir(raw)) == asking - others - {"notices", "token"}
        for name in ("iter_sessions", "close", "login", "list_sesions", "token"):
            with pytest.raises(AttributeError, match=name):
                getattr(raw, name)


def test_the_client_itself_is_as_it_was_beside_raw_responses(clients: Clients) -> None:
    with Client(**Bridge().own()) as client:
        assert isinstance(client.with_raw_response.list_models(), RawResponse)
        assert client.list_models() == ["sonnet"]
