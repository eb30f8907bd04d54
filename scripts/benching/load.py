"""A load for benchmarks: connections that each ask again as soon as they are answered.

``python -m scripts.benching.load`` reads an `Order` in JSON from its standard input and prints a
`Result` in JSON. With ``hold`` it asks once a connection, prints how many answers have begun, and
keeps them open until its standard input ends.
"""

import asyncio
import sys
import time
from contextlib import suppress
from typing import Any

import httptools
import msgspec
import uvloop

from scripts.benching.machine import allow_many_files

OVERTIME_SECONDS = 10.0
"""How long answers that are under way at the end may take."""
CONNECTING_AT_ONCE = 64
OK = 200


class Order(msgspec.Struct, frozen=True):
    """What to ask, how often: until ``seconds`` are over or ``requests`` are sent."""

    port: int
    path: str
    body: str
    connections: int
    headers: dict[str, str] = {}
    seconds: float = 1.0
    requests: int = 1_000_000
    hold: bool = False

    def request(self) -> bytes:
        """Return the request as it is sent."""
        lines = [f"POST {self.path} HTTP/1.1", f"host: 127.0.0.1:{self.port}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines += ["content-type: application/json", f"content-length: {len(self.body.encode())}"]
        return "\r\n".join([*lines, "", self.body]).encode()


class Result(msgspec.Struct):
    """What came of it. ``seconds`` is from first to last; latencies too, one an answer."""

    seconds: float = 0.0
    errors: int = 0
    first_bytes: list[float] = []
    totals: list[float] = []


class Asker(asyncio.Protocol):
    """A connection with one request under way. ``on_…`` are the parser's."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._asked = 0.0
        self._first_byte = 0.0
        self._parser: Any = None
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; `ask` is called when every connection is made."""
        self.transport = transport

    def ask(self) -> None:
        """Send the request, if there is still one to send."""
        if self.transport.is_closing():
            return
        if not self._load.takes_one():
            self.transport.close()
            return
        self._parser = httptools.HttpResponseParser(self)
        self._first_byte = 0.0
        self._asked = time.perf_counter()
        self.transport.write(self._load.request)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if not self._first_byte:
            self._first_byte = time.perf_counter()
        self._parser.feed_data(data)

    def on_headers_complete(self) -> None:
        """Count an answer that has begun, unless it is an error."""
        if self._parser.get_status_code() == OK:
            self._load.began()

    def on_message_complete(self) -> None:
        """Note how long it took, and ask again."""
        total = time.perf_counter() - self._asked
        status = self._parser.get_status_code()
        self._load.note(status, self._first_byte - self._asked, total)
        asyncio.get_running_loop().call_soon(self.ask)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count an answer that was cut off as an error."""
        del exc
        self._load.left()


class Load:
    """All connections of an order, and what they saw."""

    def __init__(self, order: Order) -> None:
        self.request = order.request()
        self.result = Result()
        self.all_began = asyncio.Event()
        self._order = order
        self._left_to_send = order.requests
        self._deadline = 0.0
        self._begun = 0
        self._under_way = 0
        self._open = order.connections
        self._all_left = asyncio.Event()

    async def connect(self) -> list[Asker]:
        """Make the connections, a few at a time."""
        loop = asyncio.get_running_loop()
        turn = asyncio.Semaphore(CONNECTING_AT_ONCE)

        async def one() -> Asker:
            async with turn:
                _, asker = await loop.create_connection(
                    lambda: Asker(self), "127.0.0.1", self._order.port
                )
                return asker

        return await asyncio.gather(*(one() for _ in range(self._order.connections)))

    async def run(self) -> Result:
        """Ask until time or number is up, then wait for the answers that are under way.

        One that has not come after `OVERTIME_SECONDS` counts as an error, as one that is cut off.
        """
        askers = await self.connect()
        started = time.perf_counter()
        self._deadline = started + self._order.seconds
        for asker in askers:
            asker.ask()
        with suppress(TimeoutError):  # what is then under way is an error
            async with asyncio.timeout(self._order.seconds + OVERTIME_SECONDS):
                await self._all_left.wait()
        self.result.seconds = time.perf_counter() - started
        self.result.errors += self._under_way
        return self.result

    async def hold(self) -> None:
        """Ask once a connection, say how many answers began, and keep them open."""
        askers = await self.connect()
        self._deadline = time.perf_counter() + OVERTIME_SECONDS
        for asker in askers:
            asker.ask()
        with suppress(TimeoutError):  # those that have begun are held
            async with asyncio.timeout(OVERTIME_SECONDS):
                await self.all_began.wait()
        print(self._begun, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

    def takes_one(self) -> bool:
        """Whether another request is to be sent; it then counts as sent."""
        if not self._left_to_send or time.perf_counter() > self._deadline:
            return False
        self._left_to_send -= 1
        self._under_way += 1
        return True

    def began(self) -> None:
        """Count an answer that has begun."""
        self._begun += 1
        if self._begun == self._order.connections:
            self.all_began.set()

    def note(self, status: int, first_byte: float, total: float) -> None:
        """Count an answer that has ended."""
        self._under_way -= 1
        if status != OK:
            self.result.errors += 1
            return
        self.result.first_bytes.append(first_byte)
        self.result.totals.append(total)

    def left(self) -> None:
        """Count a connection that is closed."""
        self._open -= 1
        if not self._open:
            self._all_left.set()


async def main() -> None:
    """Carry out the order."""
    allow_many_files()
    order = msgspec.json.decode(sys.stdin.readline(), type=Order)
    load = Load(order)
    if order.hold:
        await load.hold()
    else:
        print(msgspec.json.encode(await load.run()).decode())


if __name__ == "__main__":
    uvloop.run(main())
