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
from typing import Any

import structlog
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from aibridge.listener.connections import (
    KEEP_ALIVE_SECONDS,
    SWEEP_SECONDS,
    Connections,
    Limits,
    affordable,
)
from aibridge.listener.protocol import ClientProtocol
from aibridge.listener.settings import ListenerSettings
from aibridge.listener.sockets import BACKLOG
from aibridge.listener.tls import FAREWELL_SECONDS, HANDSHAKE_SECONDS, Certificate

WATCH_SECONDS = 10.0
"""How often the certificate's files are looked at."""

_log = structlog.get_logger()


class Server(uvicorn.Server):
    """Serves an ASGI application to clients until it is told to stop, and says where it listens.

    ``stop_seconds`` is how long running answers may go on after that. Raises `TLSError`.
    """

    def __init__(
        self,
        app: Any,  # noqa: ANN401 - an ASGI application, as uvicorn has it
        settings: ListenerSettings,
        stop_seconds: float,
        listening: Callable[[str], None],
    ) -> None:
        super().__init__(_config(app, settings, stop_seconds))
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
            ClientProtocol, self.config, self.server_state, self.lifespan.state, connections
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


def _config(app: Any, settings: ListenerSettings, stop_seconds: float) -> uvicorn.Config:  # noqa: ANN401
    if settings.trusted_proxies:
        app = ProxyHeadersMiddleware(app, [str(network) for network in settings.trusted_proxies])
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
        timeout_keep_alive=ceil(KEEP_ALIVE_SECONDS),
        timeout_graceful_shutdown=ceil(stop_seconds),
    )


def url_of(listening: socket.socket | TransportSocket, *, is_tls: bool) -> str:
    """Return the address under which a listening socket is reached."""
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if is_tls else 'http'}://{shown}:{port}"
