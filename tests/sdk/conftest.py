"""Both clients behind one way to call them, against a script or a real server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from operator import attrgetter
from typing import Any

import httpx
import pytest

from aibridge.api.app import create_app
from aibridge.api.services import Services
from aibridge.contract import SiteRole
from aibridge.sdk import AsyncClient, Client
from tests.builders import ANA, BEN, Call, add_user, record
from tests.databases import Databases
from tests.people import asking, person, trusting
from tests.serving import serving

TOKEN = "tok-secret-0123456789"
URL = "http://bridge"

Handler = Callable[[httpx.Request], httpx.Response]


class Clients:
    """One kind of client: `use` opens one, calls a method, and returns all that came of it.

    ``pauses`` are the seconds that it would have slept.
    """

    def __init__(self, kind: type[Client] | type[AsyncClient]) -> None:
        self.kind = kind
        self.pauses: list[float] = []

    def use(self, handler: Handler, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of a client whose requests ``handler`` answers."""
        own = {"url": URL, "token": TOKEN, "transport": httpx.MockTransport(handler)}
        return self.open(own, method, *arguments, **options)

    def call(self, handler: Handler | None, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a class method, which makes a client of its own, and return what came of it.

        A client that it returns is closed already.
        """
        if handler is not None:
            options["transport"] = httpx.MockTransport(handler)
        options.setdefault("url", URL)
        made = getattr(self.kind, method)(*arguments, **options, sleep=self._sleep())
        if self.kind is AsyncClient:
            return asyncio.run(self._closed(made))
        if isinstance(made, Client):
            made.close()
        return made

    async def _closed(self, made: Awaitable[Any]) -> Any:
        answer = await made
        if isinstance(answer, AsyncClient):
            await answer.aclose()
        return answer

    def _sleep(self) -> Callable[[float], Any]:
        async def sleep(seconds: float) -> None:
            self.pauses.append(seconds)

        return sleep if self.kind is AsyncClient else self.pauses.append

    def open(self, own: dict[str, Any], method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of a client made with ``own``; of a dotted name each part is one of it.

        Pauses are as long as they can be, where ``own`` has no ``random``.
        """
        own = {"random": lambda: 0.0, **own}
        if self.kind is AsyncClient:
            return asyncio.run(self._await(own, method, *arguments, **options))
        with Client(**own, sleep=self.pauses.append) as client:
            answer = attrgetter(method)(client)(*arguments, **options)
            return list(answer) if isinstance(answer, Iterator) else answer

    async def _await(self, own: Any, method: str, *arguments: Any, **options: Any) -> Any:
        async with AsyncClient(**own, sleep=self._sleep()) as client:
            answer: Awaitable[Any] | AsyncIterator[Any]
            answer = attrgetter(method)(client)(*arguments, **options)
            if isinstance(answer, AsyncIterator):
                return [item async for item in answer]
            return await answer


@pytest.fixture(params=[Client, AsyncClient])
def clients(request: pytest.FixtureRequest) -> Clients:
    return Clients(request.param)


@pytest.fixture(autouse=True)
def _no_ambient_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AIBRIDGE_URL", "AIBRIDGE_TOKEN", "AIBRIDGE_LOG"):
        monkeypatch.delenv(name, raising=False)


THREADS = 130
"""Threads of the session ``a/b?%2F``: more than one page."""

ODD_ID = "a/b?%2F c"


def _calls() -> Iterator[Call]:
    for number in range(THREADS):
        yield Call(number, at=number, session=ODD_ID, prompts=(f"prompt {number}",))
    yield Call(500, at=500, session="same", columns={"model": 'o"pus\\', "client": None})
    yield Call(501, at=501, session="same", initiator=BEN)
    yield Call(502, at=502, session="..")


@pytest.fixture(scope="module")
def server(databases: Databases) -> Iterator[str]:
    """The URL of a real server with a record; its owner's token is `TOKEN`."""
    with databases.open() as database:
        with database.write() as connection:
            add_user(connection, ANA, "ana")
            add_user(connection, BEN, "ben")
            record(connection, *_calls())
        owner = person(ANA, "ana", SiteRole.OWNER)
        with serving(
            create_app(Services(database, asking({TOKEN: owner}.get), is_still=trusting))
        ) as url:
            yield url


@pytest.fixture
def administered(databases: Databases) -> Iterator[str]:
    """The URL of a server that has one user, an owner; their token is `TOKEN`."""
    with databases.open() as database:
        with database.write() as connection:
            add_user(connection, ANA, "ana")
        owner = person(ANA, "ana", SiteRole.OWNER)
        with serving(
            create_app(Services(database, asking({TOKEN: owner}.get), is_still=trusting))
        ) as url:
            yield url
