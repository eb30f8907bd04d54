"""Noticing that a client has left, so that its provider need not go on."""

import asyncio
from typing import cast

from aibridge.gateway.client import Client

LOOK_SECONDS = 0.1
"""How often the lookout looks: an answer that is over by then has cost it nothing."""


class Lookout:
    """Watches the clients of answers that take their time. Belongs to an event loop.

    A watch is a task that waits for the client's leaving; most answers are over before it would
    be worth one, so it is begun only for those that are under way when the lookout looks.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._new: set[Watch] = set()
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)

    def over(self, client: Client) -> "Watch":
        """Return a context that cancels what runs in it should the client leave meanwhile."""
        return Watch(self._new, client)

    def close(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _look(self) -> None:
        for watch in self._new:
            watch.begin()
        self._new.clear()
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)


class Watch:
    """A context whose task is cancelled when the client leaves; `Client.gone` is true then."""

    __slots__ = ("_client", "_new", "_task", "_watcher")

    def __init__(self, new: "set[Watch]", client: Client) -> None:
        self._new = new
        self._client = client
        self._task = cast("asyncio.Task[None]", asyncio.current_task())
        self._watcher: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        self._new.add(self)

    def __exit__(self, *_: object) -> None:
        self._new.discard(self)
        if self._watcher is not None:
            self._watcher.cancel()

    def begin(self) -> None:
        """Wait for the client's leaving beside the task."""
        self._watcher = asyncio.create_task(self._cancel_when_gone())

    async def _cancel_when_gone(self) -> None:
        await self._client.wait_for_leaving()
        self._task.cancel()
