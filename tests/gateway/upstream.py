"""A connection to a provider without a socket: what is fed to it is what came."""

import asyncio
from collections.abc import Iterable

from aibridge.gateway.upstream import Response, UpstreamError
from aibridge.gateway.upstream.connection import Connection

HEAD = b"GET /x HTTP/1.1\r\nhost: h\r\n\r\n"


class Transport(asyncio.Transport):
    """Keeps what is written; closing it loses the connection in the loop's next round."""

    def __init__(self, protocol: Connection) -> None:
        super().__init__()
        self._protocol = protocol
        self._closing = False
        self.written = b""
        self.paused = False
        self.unsent = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.written += b"".join(list_of_data)

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def is_closing(self) -> bool:
        return self._closing

    def abort(self) -> None:
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)


class Dialogue:
    """One connection, with what it tells its pool."""

    def __init__(self) -> None:
        self.released = 0
        self.lost = 0
        self.connection = Connection(self._released, self._lost)
        self.transport = Transport(self.connection)
        self.connection.connection_made(self.transport)

    def _released(self, _connection: Connection) -> None:
        self.released += 1

    def _lost(self, _connection: Connection) -> None:
        self.lost += 1

    async def begin(self, method: bytes = b"GET") -> tuple[asyncio.Task[Response], Response]:
        """Send a request, and return who waits for the head of its answer, and that answer."""
        sending = asyncio.create_task(self.connection.send(method, HEAD, b""))
        await asyncio.sleep(0)
        response = self.connection._response
        assert response is not None
        return sending, response

    async def answer(self, *pieces: bytes, method: bytes = b"GET") -> Response:
        """Send a request, feed the pieces, and return the answer once its head is there."""
        sending, _ = await self.begin(method)
        for piece in pieces:
            if self.transport.is_closing():
                break
            self.connection.data_received(piece)
        return await sending

    async def exchange(self, *pieces: bytes, method: bytes = b"GET") -> tuple[int, bytes]:
        """Send a request, feed the pieces, and return the status and the whole body."""
        response = await self.answer(*pieces, method=method)
        return response.status, await body_of(response)


async def body_of(response: Response) -> bytes:
    """Read a body to its end."""
    parts = []
    while not response.ended:
        parts.append(await response.read())
    return b"".join(parts)


async def failure_of(dialogue: Dialogue, *pieces: bytes) -> UpstreamError:
    """Feed pieces that do not make an answer, and return what comes of it."""
    try:
        found = await dialogue.exchange(*pieces)
    except UpstreamError as error:
        return error
    raise AssertionError(f"this made an answer: {found}")
