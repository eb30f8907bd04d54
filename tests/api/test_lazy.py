"""The control plane is made at its first request, and nothing else waits for that."""

import asyncio
import threading

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from aibridge.api.lazy import LazyApp

ANSWER = PlainTextResponse("made")


def client(app: LazyApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://bridge")


async def test_an_application_is_made_once_for_requests_that_come_together() -> None:
    made: list[str] = []

    def make() -> ASGIApp:
        made.append("an application")
        return ANSWER

    app = LazyApp(make)
    assert made == []
    async with client(app) as asking:
        answers = await asyncio.gather(*(asking.get("/") for _ in range(5)))
    assert [each.text for each in answers] == ["made"] * 5
    assert len(made) == 1


async def test_the_event_loop_goes_on_while_an_application_is_made() -> None:
    loop, has_begun, may_end = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def make() -> ASGIApp:
        loop.call_soon_threadsafe(has_begun.set)
        assert may_end.wait(10)
        return ANSWER

    async with client(LazyApp(make)) as asking:
        asked = asyncio.create_task(asking.get("/"))
        await has_begun.wait()
        may_end.set()  # which the event loop does, and it would not come here if it waited
        assert (await asked).text == "made"


async def test_an_application_that_could_not_be_made_is_made_at_the_next_request() -> None:
    failing = iter([True, False])

    def make() -> ASGIApp:
        if next(failing):
            raise MemoryError
        return ANSWER

    async with client(LazyApp(make)) as asking:
        with pytest.raises(MemoryError):
            await asking.get("/")
        assert (await asking.get("/")).text == "made"
