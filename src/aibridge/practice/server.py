"""Runs the practice provider on a real socket, in a thread, for as long as a ``with`` lasts."""

import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from aibridge.practice.app import KEPT_REQUESTS, PracticeProvider
from aibridge.practice.exchange import Request
from aibridge.practice.script import DEFAULT, Script

_STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Practice:
    """A running practice provider: its ``url`` (no slash, no ``/v1``) and its ``app``."""

    url: str
    app: PracticeProvider

    @property
    def requests(self) -> deque[Request]:
        """The last requests, oldest first."""
        return self.app.requests


@contextmanager
def serve(
    script: Script = DEFAULT,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    log: bool = True,
    keep: int = KEPT_REQUESTS,
) -> Iterator[Practice]:
    """Serve ``script`` in a thread of its own; port 0 takes any free one.

    It listens before the ``with`` begins and has stopped, connections and all, when it ends.
    """
    app = PracticeProvider(script, log=log, keep=keep)
    with socket.create_server((host, port), backlog=2048) as listener:
        server = uvicorn.Server(config(app))
        # Connections queue in the listener's backlog until the server takes them, so there is
        # nothing to wait for here.
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield Practice(f"http://{host}:{listener.getsockname()[1]}", app)
        finally:
            server.should_exit = True
            thread.join(_STOP_SECONDS)


def config(app: PracticeProvider) -> uvicorn.Config:
    """Return the server's configuration: quiet, since cut connections look like faults to it."""
    return uvicorn.Config(
        app,
        http="httptools",
        loop="uvloop",
        ws="none",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
