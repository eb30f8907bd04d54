"""Noticing what clients do meanwhile: they leave, or stop sending."""

import asyncio
from typing import cast

from aibridge.gateway.client import Client

LOOK_SECONDS = 0.1
BODY_IDLE_SECONDS = 60.0
"""How long a client may pause within its request's body."""


class BodyTooSlow(Exception):
    """The request's body stopped coming."""


class Lookout:
    """Watches the clients of requests that take their time. Belongs to an event loop.

    It looks around every `LOOK_SECONDS`, so that what is quick, as most is, costs next to nothing:
    a timer or a task of its own for each request would cost more than all else that is done here.
    """

    def __init__(self, *, body_idle_seconds: float = BODY_IDLE_SECONDS) -> None:
        self._loop = asyncio.get_running_loop()
        self._body_idle = body_idle_seconds
        self._new: set[Watch] = set()
        self._reading: set[Reading] = set()
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)

    def over(self, client: Client) -> "Watch":
        """Return a context that cancels what runs in it should the client leave meanwhile."""
        return Watch(self._new, client)

    def reading(self, client: Client) -> "Reading":
        """Return a context for reading a body; one that stops coming raises `BodyTooSlow`."""
        return Reading(self._reading, client)

    def close(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _look(self) -> None:
        for watch in self._new:
            watch.begin()
        self._new.clear()
        now = self._loop.time()
        for reading in self._reading:
            reading.check(now, self._body_idle)
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
            self._watcher = None  # which refers back here: a cycle would keep all of the request

    def begin(self) -> None:
        """Wait for the client's leaving beside the task."""
        self._watcher = asyncio.create_task(self._cancel_when_gone())

    async def _cancel_when_gone(self) -> None:
        await self._client.wait_for_leaving()
        self._task.cancel()


class Reading:
    """A context in which a request's body is read."""

    __slots__ = ("_all", "_client", "_seen", "_since", "_slow", "_task")

    def __init__(self, everybody: "set[Reading]", client: Client) -> None:
        self._all = everybody
        self._client = client
        self._task = cast("asyncio.Task[None]", asyncio.current_task())
        self._seen = -1
        self._since = 0.0
        self._slow = False

    def __enter__(self) -> None:
        self._all.add(self)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._all.discard(self)
        if kind is asyncio.CancelledError and self._slow and not self._task.uncancel():
            raise BodyTooSlow

    def check(self, now: float, idle: float) -> None:
        """Cancel the reading if nothing has come for ``idle`` seconds."""
        if self._client.pieces != self._seen:
            self._seen, self._since = self._client.pieces, now
        elif now - self._since > idle and not self._slow:
            self._slow = True
            self._task.cancel()
