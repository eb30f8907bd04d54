"""uvicorn's HTTP protocol, with requests that go to a handler without ASGI."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast
from urllib.parse import unquote

import httptools
from uvicorn import Config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from aibridge.listener.cycle import Cycle, Handler
from aibridge.listener.head import RequestHead, client_ip


class DirectProtocol(HttpToolsProtocol):
    """An HTTP/1.1 connection whose requests go to a handler, where their path has one.

    ``handler_of`` tells the handler of a decoded path; `None` sends a request on to the ASGI
    application. ``proxies`` says whom to believe who the client is.
    """

    cycle: RequestResponseCycle | Cycle  # type: ignore[assignment] # which has the same names

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        handler_of: Callable[[str], Handler | None],
        proxies: ProxyHeadersMiddleware | None,
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._handler_of = handler_of
        self._proxies = proxies
        self._running: RequestResponseCycle | Cycle | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether no request of this connection is being served."""
        cycle: RequestResponseCycle | Cycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the requests that nobody waits for their answers."""
        for cycle in (self._running, *(queued for queued, _ in self.pipeline)):
            leave(cycle)
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        """Have a request served by its handler or by ASGI, in its turn."""
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        handler = self._handler_of(unquote(path) if "%" in path else path)
        if handler is None:
            super().on_headers_complete()
        else:
            ip = client_ip(self.client, self.headers, self._proxies)
            method = self.parser.get_method()
            head = RequestHead(method, url.path, url.query or b"", self.headers, ip)
            self._enter(self._new_cycle(method), partial(handler, head))
        if isinstance(self._running, Cycle) and self._running.is_watched:
            self.flow.resume_reading()  # though a request waits now

    def on_body(self, body: bytes) -> None:
        """Hand on a piece of a request's body."""
        cycle = self.cycle
        if isinstance(cycle, Cycle):
            cycle.put(body)
        else:
            super().on_body(body)

    def on_response_complete(self) -> None:
        """Serve the request that waits next, or forget the head of the last, which may be large.

        Unlike uvicorn this starts no timer for what is idle: `Connections` has its own.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif isinstance(self.cycle, RequestResponseCycle):
            self.cycle.scope = cast("Any", {})

    def _new_cycle(self, method: bytes) -> Cycle:
        return Cycle(
            self.transport,
            self.flow,
            method,
            keep_alive=self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive(),
            expects_continue=self.expect_100_continue,
            on_response=self.on_response_complete,
        )

    def _enter(self, cycle: Cycle, serve: Any) -> None:  # noqa: ANN401 - see `Cycle.run_asgi`
        """Serve a request, or have it wait for the answer to the one before it, as uvicorn does."""
        is_next = self.is_waiting
        self.cycle = cycle
        if is_next:
            self._start_asgi_task(cycle, serve)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cast("Any", cycle), serve))

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:  # noqa: ANN401 - of both kinds
        self._running = cycle
        super()._start_asgi_task(cycle, app)


def leave(cycle: RequestResponseCycle | Cycle | None) -> None:
    """Tell a request that its client has gone."""
    if cycle is None or cycle.response_complete:
        return
    if isinstance(cycle, Cycle):
        cycle.leave()
    else:
        cycle.disconnected = True
        cycle.message_event.set()
