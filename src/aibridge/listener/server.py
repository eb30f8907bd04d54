"""uvicorn's server, listening with our protocol, certificate, limits and signals."""

import asyncio
import signal
import socket
import sys
import threading
from asyncio.trsock import TransportSocket
from collections.abc import Callable
from functools import partial
from math import ceil
from typing import Any, Protocol

import structlog
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from aibridge.listener.connections import (
    SWEEP_SECONDS,
    Connections,
    Limits,
    affordable,
)
from aibridge.listener.cycle import Handler
from aibridge.listener.protocol import ClientProtocol
from aibridge.listener.settings import ListenerSettings
from aibridge.listener.sockets import BACKLOG
from aibridge.listener.tls import FAREWELL_SECONDS, HANDSHAKE_SECONDS, Certificate

WATCH_SECONDS = 10.0
"""How often the certificate's files are looked at."""

_log = structlog.get_logger()


class Application(Protocol):
    """An ASGI application that serves some paths without ASGI."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        """Serve a request, or the lifespan, by ASGI."""

    def handler(self, path: str) -> Handler | None:
        """Return what serves a decoded path without ASGI; `None` for what goes by ASGI."""


class Server(uvicorn.Server):
    """Serves an application to clients until it is told to stop, and says where it listens.

    ``stop_seconds`` is how long running answers may go on after that. Raises `TLSError`.
    """

    def __init__(
        self,
        app: Application,
        settings: ListenerSettings,
        stop_seconds: float,
        listening: Callable[[str], None],
    ) -> None:
        proxies = [str(network) for network in settings.trusted_proxies]
        self._proxies = ProxyHeadersMiddleware(app, proxies) if proxies else None
        super().__init__(_config(self._proxies or app, stop_seconds))
        self._handler_of = app.handler
        self._listening = listening
        self._certificate = certificate_of(settings)
        self._limits = affordable(
            Limits(
                settings.max_connections,
                settings.max_connections_per_address or settings.max_connections // 2,
                settings.trusted_proxies,
            )
        )
        self.connections: Connections | None = None
        """The clients' connections, once it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, listen on the sockets, then say where."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        loop = asyncio.get_running_loop()
        self.connections = connections = Connections(self._limits, loop.time)
        new_protocol = partial(
            ClientProtocol,
            self.config,
            self.server_state,
            self.lifespan.state,
            connections,
            self._handler_of,
            self._proxies,
        )
        is_tls = self._certificate is not None
        self.servers = [
            await loop.create_server(
                new_protocol,
                sock=one,
                ssl=self._certificate.context if self._certificate else None,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if is_tls else None,
                ssl_shutdown_timeout=FAREWELL_SECONDS if is_tls else None,
                backlog=BACKLOG,
            )
            for one in sockets or ()
        ]
        self._repeat(SWEEP_SECONDS, connections.sweep)
        if self._certificate is not None:
            self._repeat(WATCH_SECONDS, self._certificate.reload_if_changed)
        self._answer_signals()
        self.started = True
        self._listening(url_of(self.servers[0].sockets[0], is_tls=is_tls))

    def _repeat(self, seconds: float, chore: Callable[[], None]) -> None:
        """Do a chore on the event loop every so many seconds, as long as that runs."""

        def do() -> None:
            try:
                chore()
            finally:
                loop.call_later(seconds, do)

        loop = asyncio.get_running_loop()
        loop.call_later(seconds, do)

    def _answer_signals(self) -> None:
        """Stop at SIGQUIT, reload at SIGHUP; what other programs take for a wish is only logged.

        uvicorn itself stops at SIGTERM and SIGINT.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGQUIT, self.handle_exit, signal.SIGTERM, None)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            loop.add_signal_handler(number, _ignore, number)

    def _reload(self) -> None:
        if self._certificate is None:
            _ignore(signal.SIGHUP)
        else:
            self._certificate.reload()


def certificate_of(settings: ListenerSettings) -> Certificate | None:
    """Return the certificate that the settings name, if any. Raises `TLSError`."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return Certificate(settings.tls_cert, settings.tls_key)


def _ignore(number: signal.Signals) -> None:
    _log.warning("signal_ignored", signal=number.name)


def _config(app: Any, stop_seconds: float) -> uvicorn.Config:  # noqa: ANN401 - as uvicorn has it
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=ClientProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=ceil(stop_seconds),
    )


def url_of(listening: socket.socket | TransportSocket, *, is_tls: bool) -> str:
    """Return the address under which a listening socket is reached."""
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if is_tls else 'http'}://{shown}:{port}"
