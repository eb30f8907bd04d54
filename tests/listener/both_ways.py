"""An application that does the same by ASGI and without, so that tests can compare the two."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aibridge.listener.cycle import Cycle, Handler
from aibridge.listener.head import RequestHead
from aibridge.listener.server import Server
from aibridge.listener.settings import ListenerSettings
from aibridge.listener.sockets import bound
from tests.wire import PATIENCE

DIRECT, ASGI = "/direct", "/asgi"
CLOSE = "connection: close"


@dataclass
class Plan:
    """An answer: its status, its headers and the pieces of its body."""

    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=lambda: [b""])


class BothWays:
    """Echoes a request's body below ``…/echo``; gives the ``plan`` elsewhere.

    What is below ``/direct`` is served without ASGI, by ``serve`` if that is set.
    """

    def __init__(self) -> None:
        self.plan = Plan()
        self.serve: Handler | None = None
        self.heads: list[RequestHead] = []
        self.scopes: list[dict[str, Any]] = []

    def handler(self, path: str) -> Handler | None:
        return self._direct if path.startswith(DIRECT) else None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for stage in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{stage}.complete"})
            return
        self.scopes.append(scope)
        plan = self.plan
        if "echo" in scope["path"]:
            plan = Plan(pieces=[await _body_of(receive)])
        headers = plan.headers
        await send({"type": "http.response.start", "status": plan.status, "headers": headers})
        for number, piece in enumerate(plan.pieces, 1):
            more = number < len(plan.pieces)
            await send({"type": "http.response.body", "body": piece, "more_body": more})

    async def _direct(self, head: RequestHead, cycle: Cycle) -> None:
        self.heads.append(head)
        if self.serve is not None:
            await self.serve(head, cycle)
            return
        plan = self.plan
        if b"echo" in head.path:
            plan = Plan(pieces=[await body_of(cycle)])
        answer(cycle, plan)


def answer(cycle: Cycle, plan: Plan) -> None:
    """Give an answer without ASGI."""
    cycle.begin(plan.status, plan.headers)
    for number, piece in enumerate(plan.pieces, 1):
        cycle.write(piece, more=number < len(plan.pieces))


async def body_of(cycle: Cycle) -> bytes:
    """Return the whole body of a request that is served without ASGI."""
    body, more = await cycle.take()
    while more:
        piece, more = await cycle.take()
        body += piece
    return body


async def _body_of(receive: Callable[[], Any]) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    return body


@dataclass
class Running:
    """What runs: the application, the server, and the port on which it listens."""

    app: BothWays
    server: Server
    port: int


@contextmanager
def serving(stop_seconds: float = PATIENCE, **options: Any) -> Iterator[Running]:
    """Serve such an application, by the listener, as long as the ``with`` lasts."""
    app = BothWays()
    listening = threading.Event()
    settings = ListenerSettings(port=0, **options)
    with bound(settings.host, settings.port) as sockets:
        server = Server(app, settings, stop_seconds, lambda _: listening.set())
        thread = threading.Thread(target=server.run, args=(sockets,))
        thread.start()
        try:
            assert listening.wait(PATIENCE), "the server did not start"
            yield Running(app, server, sockets[0].getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
            assert not thread.is_alive(), "the server did not stop"


def connected(running):
    """Connect to what runs."""
    return socket.create_connection(("127.0.0.1", running.port), PATIENCE)


def read_all(connection):
    """Return all that comes until the connection closes."""
    found = b""
    with suppress(ConnectionError):
        while got := connection.recv(1 << 16):
            found += got
    return found


def exchange(running, *pieces):
    """Send the pieces, and return all that is answered until the connection closes."""
    with connected(running) as connection:
        with suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
        return read_all(connection)


def barrier(running):
    """Let the server take what has come to its sockets by now."""
    for _ in range(3):
        assert exchange(running, request(ASGI, CLOSE)).startswith(b"HTTP/1.1 200 ")


def request(path, *headers, method="GET", version="1.1", body=b""):
    """Return the bytes of a request."""
    lines = [f"{method} {path} HTTP/{version}", "host: a", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def read_head(connection):
    """Return what comes up to a blank line."""
    found = b""
    while not found.endswith(b"\r\n\r\n"):
        found += connection.recv(1)
    return found
