"""A connection to a provider without a socket: what comes over it is given piece by piece."""

import asyncio
from collections.abc import Iterable

from aibridge.gateway.upstream.connection import Connection
from aibridge.gateway.upstream.errors import UpstreamError

Buffer = bytes | bytearray | memoryview

_MAX_TURNS = 100


class Transport(asyncio.Transport):
    """Takes whatever is written, and remembers whether reading is paused."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False
        self.paused = False

    def write(self, data: Buffer) -> None:
        """Take what is sent."""

    def writelines(self, list_of_data: Iterable[Buffer]) -> None:
        """Take what is sent."""

    def is_closing(self) -> bool:
        """Say whether the connection was closed."""
        return self.closed

    def abort(self) -> None:
        """Close."""
        self.closed = True

    def close(self) -> None:
        """Close."""
        self.closed = True

    def pause_reading(self) -> None:
        """Hold back what comes."""
        self.paused = True

    def resume_reading(self) -> None:
        """Let what comes in again."""
        self.paused = False

    def get_write_buffer_size(self) -> int:
        """Say that everything has gone out."""
        return 0


async def read_answer(pieces: Iterable[bytes], *, closes: bool) -> None:
    """Ask over a connection and read what ``pieces`` answer; raises no `UpstreamError`.

    ``closes`` says that the provider closes it in the end, which else fails.
    """
    connection = Connection(lambda _: None, lambda _: None)
    transport = Transport()
    connection.connection_made(transport)
    asking = asyncio.create_task(_ask(connection))
    await asyncio.sleep(0)
    for piece in pieces:
        for _ in range(_MAX_TURNS):
            if not transport.paused:
                break
            await asyncio.sleep(0)
        if transport.closed:
            break
        connection.data_received(piece)
        await asyncio.sleep(0)
    connection.connection_lost(None if closes else ConnectionResetError("it was cut"))
    await asking


async def _ask(connection: Connection) -> None:
    try:
        response = await connection.send(b"POST", b"POST / HTTP/1.1\r\n\r\n", b"")
        try:
            while not response.ended:
                await response.read()
        finally:
            response.close()
    except UpstreamError:
        pass
