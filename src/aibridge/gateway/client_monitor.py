"""Watching clients while their requests are read and served: they send too slowly, or leave."""

import asyncio

from aibridge.gateway.client import Client

LOOK_SECONDS = 0.1
BODY_GRACE_SECONDS = 30.0
BODY_BYTES_PER_SECOND = 4096
"""A body may take `BODY_GRACE_SECONDS`, and as long again as it takes at this rate."""


class BodyTooSlow(Exception):
    """The request's body came more slowly than is waited for."""


class ClientMonitor:
    """Watches clients that send too slowly or leave. Belongs to an event loop.

    It looks at the bodies that are being read every `LOOK_SECONDS`: a timer for each would cost
    more than all else that is done here. Of clients that leave it is told.
    """

    def __init__(self, *, body_grace_seconds: float = BODY_GRACE_SECONDS) -> None:
        self._loop = asyncio.get_running_loop()
        self._body_grace = body_grace_seconds
        self._reading: set[BodyReading] = set()
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)

    def cancel_on_leaving(self, client: Client) -> "CancelOnLeaving":
        """Return a context that cancels what runs in it should the client leave meanwhile."""
        return CancelOnLeaving(client)

    def reading_body(self, client: Client) -> "BodyReading":
        """Return a context for reading a body; one that comes too slowly raises `BodyTooSlow`."""
        return BodyReading(self._reading, client, self._loop.time())

    def close(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        for reading in self._reading:
            reading.check(now, self._body_grace)
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)


class CancelOnLeaving:
    """A context whose task is cancelled when the client leaves; `Client.gone` is true then."""

    __slots__ = ("_client",)

    def __init__(self, client: Client) -> None:
        self._client = client

    def __enter__(self) -> None:
        self._client.watch(self._client.task.cancel)

    def __exit__(self, *_: object) -> None:
        self._client.unwatch()


class BodyReading:
    """A context in which a request's body is read."""

    __slots__ = ("_all", "_began", "_client", "_slow", "_task")

    def __init__(self, everybody: "set[BodyReading]", client: Client, began: float) -> None:
        self._all = everybody
        self._client = client
        self._task = client.task
        self._began = began
        self._slow = False

    def __enter__(self) -> None:
        self._all.add(self)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._all.discard(self)
        if kind is asyncio.CancelledError and self._slow and not self._task.uncancel():
            raise BodyTooSlow

    def check(self, now: float, grace: float) -> None:
        """Cancel the reading if it has come more slowly than it may."""
        seconds = grace + self._client.received / BODY_BYTES_PER_SECOND
        if now - self._began > seconds and not self._slow:
            self._slow = True
            self._task.cancel()
