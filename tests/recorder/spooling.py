"""Recorders that keep to a spool while the database is away, for tests."""

import asyncio
from typing import Any

from aibridge.recorder.recorder import Recorder
from aibridge.recorder.ticket import Ticket
from tests.recorder.facts import end, facts, start

LONG = 20.0


async def whole(recorder: Recorder, *calls: str, **more: Any) -> Ticket:
    """Record an interception from start to end, each committed, as the gateway does."""
    begun = recorder.start(start(**more))
    await recorder.started(begun)
    recorder.finish(begun, end(facts=facts(*calls)))
    await recorder.ended(begun)
    return begun


class Turns:
    """Tells when the writer's and the spooler's turns change; to be put into an outage."""

    def __init__(self, recorder: Recorder) -> None:
        self._outage = recorder._outage
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[bool, asyncio.Event]] = []
        outage = self._outage
        begin, end_return = outage._begin, outage.end_return

        def began(why: str) -> None:
            begin(why)
            self._tell()

        def returned() -> None:
            end_return()
            self._tell()

        outage._begin = began  # type: ignore[method-assign]
        outage.end_return = returned  # type: ignore[method-assign]

    async def until(self, *, away: bool) -> None:
        """Wait until the database is away, or is back and everything is replayed."""
        changed = asyncio.Event()
        self._waiting.append((away, changed))
        self._tell()
        async with asyncio.timeout(LONG):
            await changed.wait()

    def _tell(self) -> None:
        for away, changed in self._waiting:
            if self._outage.is_on is away:
                self._loop.call_soon_threadsafe(changed.set)
