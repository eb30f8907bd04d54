"""What is taken away is gone at the very next request, however many others are under way."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from aibridge.contract import SiteRole
from tests.bridge import ROUTES, Bridge
from tests.wire import PATIENCE, Answer, Caller

CALLERS = 6
ROUNDS = 5
API = "/api/v2"


class Somebody:
    """A user on connections that stay open, as agents keep theirs."""

    def __init__(self, bridge: Bridge, token: str, stack: ExitStack) -> None:
        self.token = token
        self._gateway = stack.enter_context(Caller(bridge.url))
        self._api = stack.enter_context(Caller(bridge.url))

    def asks_a_model(self) -> int:
        """Return the status of a request to the gateway."""
        return self._send(self._gateway, "POST", ROUTES["messages"], {}).status

    def calls(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return the status and the JSON of a request to the API."""
        answer = self._send(self._api, method, API + path, body)
        return answer.status, json.loads(answer.body or b"null")

    def statuses(self) -> tuple[int, int]:
        """Return how the gateway and the API answer."""
        return self.asks_a_model(), self.calls("GET", "/users/me")[0]

    def _send(self, caller: Caller, method: str, target: str, body: Any) -> Answer:
        content = b"" if body is None else json.dumps(body).encode()
        headers = [("x-api-key", self.token), ("content-type", "application/json")]
        caller.send(target, method=method, headers=headers, body=content)
        return caller.answer()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@contextmanager
def crowd(bridge: Bridge) -> Iterator[None]:
    """Have others ask models and the API all the time; none of them is ever refused."""
    found: list[set[int]] = [set() for _ in range(CALLERS)]
    begun, stop = threading.Barrier(CALLERS + 1), threading.Event()

    def ask(seen: set[int]) -> None:
        with ExitStack() as stack:
            one = Somebody(bridge, bridge.token, stack)
            seen.update(one.statuses())
            begun.wait(PATIENCE)
            while not stop.is_set():
                seen.update(one.statuses())

    threads = [threading.Thread(target=ask, args=(seen,)) for seen in found]
    for thread in threads:
        thread.start()
    begun.wait(PATIENCE)
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)
    assert found == [{200}] * CALLERS


@pytest.fixture(scope="module")
def root(shared_bridge: Bridge) -> str:
    """The token of an owner."""
    return shared_bridge.add_user("root", SiteRole.OWNER)


def test_a_user_is_refused_from_the_request_after_their_suspension(
    bridge: Bridge, root: str, stack: ExitStack
) -> None:
    ben = Somebody(bridge, bridge.add_user("ben"), stack)
    owner = Somebody(bridge, root, stack)
    with crowd(bridge):
        for _ in range(ROUNDS):
            assert ben.statuses() == (200, 200)
            assert owner.calls("PUT", "/users/ben/status/suspend")[0] == 200
            assert ben.statuses() == (401, 401)
            assert owner.calls("PUT", "/users/ben/status/activate")[0] == 200


def test_a_token_is_refused_from_the_request_after_its_end_and_others_are_not(
    bridge: Bridge, root: str, stack: ExitStack
) -> None:
    ben = Somebody(bridge, bridge.add_user("ben-2"), stack)
    owner = Somebody(bridge, root, stack)
    with crowd(bridge):
        for _ in range(ROUNDS):
            status, made = ben.calls("POST", "/users/me/keys/tokens", {})
            assert status == 201
            other = Somebody(bridge, made["key"], stack)
            assert other.statuses() == (200, 200)
            path = f"/users/ben-2/keys/{made['id']}"
            assert owner.calls("DELETE", path) == (204, None)
            assert other.statuses() == (401, 401)
            assert ben.statuses() == (200, 200)


def test_who_logs_out_is_out(bridge: Bridge, stack: ExitStack) -> None:
    with crowd(bridge):
        ben = Somebody(bridge, bridge.add_user("ben-3"), stack)
        assert ben.statuses() == (200, 200)
        assert ben.calls("POST", "/users/logout")[0] == 200
        assert ben.statuses() == (401, 401)


def test_rights_end_with_the_request_that_takes_the_role(
    bridge: Bridge, root: str, stack: ExitStack
) -> None:
    ben = Somebody(bridge, bridge.add_user("ben-4"), stack)
    owner = Somebody(bridge, root, stack)
    with crowd(bridge):
        for _ in range(ROUNDS):
            for roles in (["auditor"], ["user-admin"], ["user-admin", "auditor"], []):
                assert owner.calls("PUT", "/users/ben-4/roles", {"roles": roles})[0] == 200
                _, found = ben.calls("GET", "/aibridge/interceptions?limit=1")
                assert (found["count"] > 0) == ("auditor" in roles)
                assert ben.calls("GET", "/users/ana")[0] == (200 if roles else 404)
                may = ben.calls("PUT", "/users/ana/status/activate")[0]
                assert may == (200 if "user-admin" in roles else 404)
                assert ben.asks_a_model() == 200
