"""Connections kept open between requests, one pool for all providers."""

import asyncio
import ssl
from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

from aibridge.gateway.upstream.connection import Connection
from aibridge.gateway.upstream.errors import ConnectFailed, StaleConnection, TimedOut
from aibridge.gateway.upstream.response import Response

KEEP_SECONDS = 50.0
"""How long an unused connection is kept: less than the 60 s of common load balancers."""

_SAFE_METHODS = frozenset({b"GET", b"HEAD"})
_NOT_AGAIN = "the request was sent once, and not again, as it may have been read"


class Address(NamedTuple):
    """Where a provider listens."""

    host: str
    port: int
    tls: bool


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for a connection, for an answer's first byte, and between its parts."""

    connect: float = 10.0
    first_byte: float = 600.0
    idle: float = 300.0


class Pool:
    """Sends requests over kept connections. Belongs to the event loop that made it."""

    def __init__(self, timeouts: Timeouts, tls: ssl.SSLContext | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeouts = timeouts
        self._tls = tls
        self._idle: dict[Address, list[Connection]] = defaultdict(list)
        self._all: dict[Connection, Address] = {}
        self._period = min(1.0, timeouts.first_byte / 4, timeouts.idle / 4)
        self._timer = self._loop.call_later(self._period, self._sweep)

    async def send(self, address: Address, method: bytes, head: bytes, body: bytes) -> Response:
        """Send a request (``head`` ends in the blank line) and return the answer's beginning.

        A kept connection that is found closed before anything was written is replaced. One that
        closes after that may have been read from: only what is safe is sent again then, once, on
        a new connection (RFC 9110, section 9.2.2). Raises an `UpstreamError`.
        """
        kept = self._kept(address)
        if kept is not None:
            try:
                return await kept.send(method, head, body)
            except StaleConnection as error:
                if body or method not in _SAFE_METHODS:
                    raise StaleConnection(f"{error}; {_NOT_AGAIN}") from error
        connection = await self._connect(address)
        response = await connection.send(method, head, body)
        response.sends = 1 if kept is None else 2
        return response

    def close(self) -> None:
        """Close every connection."""
        self._timer.cancel()
        for connection in list(self._all):
            connection.close()

    def _kept(self, address: Address) -> Connection | None:
        """Return the connection used last, which is the least likely to have been closed."""
        idle = self._idle[address]
        while idle:
            connection = idle.pop()
            if connection.reusable:
                return connection
            connection.close()
        return None

    async def _connect(self, address: Address) -> Connection:
        try:
            async with asyncio.timeout(self._timeouts.connect):
                _, connection = await self._loop.create_connection(
                    lambda: Connection(self._released, self._lost),
                    address.host,
                    address.port,
                    ssl=self._context() if address.tls else None,
                )
        except TimeoutError as error:
            seconds = f"{self._timeouts.connect:g} s"
            raise TimedOut(f"no connection to {address.host} within {seconds}") from error
        except OSError as error:
            raise ConnectFailed(f"no connection to {address.host}: {error}") from error
        if not connection.usable:
            raise ConnectFailed(f"no connection to {address.host}: it was closed at once")
        self._all[connection] = address
        return connection

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    def _released(self, connection: Connection) -> None:
        address = self._all.get(connection)
        if address is not None:
            self._idle[address].append(connection)

    def _lost(self, connection: Connection) -> None:
        address = self._all.pop(connection, None)
        if address is not None and connection in (idle := self._idle[address]):
            idle.remove(connection)

    def _sweep(self) -> None:
        """Close what has been unused for long, and give up what has been silent for too long."""
        now = self._loop.time()
        for connection in list(self._all):
            if connection.usable and now - connection.last_active > KEEP_SECONDS:
                connection.close()
            else:
                connection.check_time(now, self._timeouts.first_byte, self._timeouts.idle)
        self._timer = self._loop.call_later(self._period, self._sweep)
