"""One request and its answer on a client's connection, without ASGI between them."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl

from aibridge.listener.framing import Framing, Headers, refusal
from aibridge.listener.head import RequestHead

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_UNANSWERED = refusal(
    "503 Service Unavailable", "The request could not be served.", "retry-after: 5"
)

_log = structlog.get_logger()


class Cycle:
    """A request whose body is read, and whose answer is written, straight from and to a connection.

    It stands where uvicorn's protocol has a ``RequestResponseCycle``. By the attributes without an
    underscore, and by `run_asgi`, that protocol drives both: they are named as there.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        flow: FlowControl,
        method: bytes,
        *,
        keep_alive: bool,
        expects_continue: bool,
        on_response: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._flow = flow
        self._framing = Framing(method)
        self._expects_continue = expects_continue
        self._on_response = on_response
        self._on_leaving: Callable[[], object] | None = None
        self._head = b""
        """The answer's head until it is written, which is with the first piece of its body."""
        self.keep_alive = keep_alive
        self.disconnected = False
        """Whether the client has gone, or nothing more is read of it."""
        self._pieces: list[bytes] = []
        """What has come of the request's body and was not taken yet."""
        self._held = 0
        self.more_body = True
        self.message_event = asyncio.Event()
        """Set when there is something to take, or nothing more will come."""
        self.response_started = False
        self.response_complete = False

    async def run_asgi(self, serve: Callable[["Cycle"], Awaitable[None]]) -> None:
        """Serve the request, and close the connection if it is not answered to its end."""
        try:
            await serve(self)
        except Exception:  # noqa: BLE001 - the connection is closed, others are served on
            _log.exception("request_failed")
        finally:
            self._on_response = _do_nothing  # which refers back to the connection
            if not (self.response_complete or self.disconnected):
                if self._head or not self.response_started:
                    self._transport.write(_UNANSWERED)
                self._transport.close()

    # The request's body.

    async def take(self) -> tuple[bytes, bool]:
        """Wait for a piece of the body; return it, and whether there is more to come.

        There is nothing to be taken once the client is ``disconnected``.
        """
        if self._expects_continue and not self._transport.is_closing():
            self._expects_continue = False
            self._transport.write(_CONTINUE)
        if not self.disconnected:
            self._flow.resume_reading()
            await self.message_event.wait()
            self.message_event.clear()
        pieces, self._pieces, self._held = self._pieces, [], 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces), self.more_body

    def put(self, piece: bytes) -> None:
        """Take a piece of the body, and read no further where much of it waits to be taken."""
        if self.response_complete:
            return
        self._pieces.append(piece)
        self._held += len(piece)
        if self._held > HIGH_WATER_LIMIT:
            self._flow.pause_reading()
        self.message_event.set()

    # The client's leaving.

    def watch(self, on_leaving: Callable[[], object]) -> None:
        """Have a function called when the client leaves, or at once if it has left.

        Reading goes on meanwhile, whatever waits: it would not be seen otherwise.
        """
        if self.disconnected:
            on_leaving()
            return
        self._on_leaving = on_leaving
        self._flow.resume_reading()

    def unwatch(self) -> None:
        """Have nothing called any more."""
        self._on_leaving = None

    @property
    def is_watched(self) -> bool:
        """Whether somebody wants to know when the client leaves."""
        return self._on_leaving is not None

    def leave(self) -> None:
        """Tell whoever serves the request that the client has gone."""
        self.disconnected = True
        self.message_event.set()
        if self._on_leaving is not None:
            self._on_leaving()

    # The answer.

    @property
    def is_slow(self) -> bool:
        """Whether the client has not taken enough yet of what was written."""
        return self._flow.write_paused and not self.disconnected

    async def drain(self) -> None:
        """Wait until the client has taken what was written."""
        await self._flow.drain()

    def begin(self, status: int, headers: Headers) -> None:
        """Begin the answer; its head is written with the first piece of its body.

        Raises `ValueError` as `Framing.head` does.
        """
        if self.response_started:
            raise RuntimeError("the answer has begun already")
        self._head = self._framing.head(status, headers, keep_alive=self.keep_alive)
        self.response_started = True
        self._expects_continue = False
        if self._framing.closes:
            self.keep_alive = False

    def write(self, data: bytes, *, more: bool) -> None:
        """Write a piece of the answer's body, empty or not; it ends unless there is ``more``.

        Raises `ValueError` as `Framing.piece` does.
        """
        if not self.response_started or self.response_complete:
            raise RuntimeError("the answer has not begun, or is over")
        if self.disconnected:
            return
        piece = self._framing.piece(data, more=more)
        head, self._head = self._head, b""
        self._transport.write(head + piece)
        if not more:
            self._complete()

    def _complete(self) -> None:
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self._transport.close()
        self._on_response()


Handler = Callable[[RequestHead, Cycle], Awaitable[None]]
"""What serves a request without ASGI."""


def _do_nothing() -> None:
    pass
