"""Both ends of a wire: a provider that plays exact bytes, and a client that sends exact bytes."""

import http.client
import selectors
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

PATIENCE = 20.0
"""Seconds after which what a test waits for is not expected any more."""

Headers = list[tuple[bytes, bytes]]


class Then(Enum):
    """How a provider goes on after what it has said."""

    CLOSE = "close the connection in good order"
    RESET = "reset the connection"
    STALL = "say no more until the other side leaves"


Step = bytes | threading.Event | Then
"""Bytes are sent, an event is waited for."""


@dataclass(eq=False)
class Received:
    """A request byte for byte, and the number of the connection on which it came."""

    connection: int
    head: bytes
    body: bytes = b""
    gone: threading.Event = field(default_factory=threading.Event)
    """Set when the connection is over."""
    played: threading.Event = field(default_factory=threading.Event)
    """Set when all of the answer was sent."""

    @property
    def line(self) -> bytes:
        return self.head.split(b"\r\n", 1)[0]

    @property
    def headers(self) -> Headers:
        lines = self.head.split(b"\r\n")[1:-2]
        pairs = (line.partition(b": ") for line in lines)
        return [(name, value) for name, _, value in pairs]

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


class _Answer(NamedTuple):
    steps: tuple[Step, ...]
    early: bool


class Wire:
    """A provider on a real socket that answers each request with the steps it was given.

    Answers are played in the order of `play`; the last one of `always` when there are no more.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._answers: deque[_Answer] = deque()
        self._usual = _Answer((reply(b"{}"),), early=False)
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._came = threading.Condition()
        self._stopping = False
        self.requests: list[Received] = []
        self.accepted = 0
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self.hang_up()
        with socket.create_connection(self._listener.getsockname()):  # wakes accept()
            self._threads[0].join(PATIENCE)
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE)

    def play(self, *steps: Step, early: bool = False) -> None:
        """Answer the next request so; ``early``: when its head is there, whatever its body does."""
        self._answers.append(_Answer(steps, early))

    def always(self, *steps: Step) -> None:
        """Answer so every request for which nothing else was said."""
        self._usual = _Answer(steps, early=False)

    def forget(self) -> None:
        """Forget what was played and received."""
        self._answers.clear()
        self.requests.clear()
        self.accepted = 0
        self._usual = _Answer((reply(b"{}"),), early=False)

    def request(self, number: int = 0) -> Received:
        """Wait for a request and return it."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.requests) > number, PATIENCE)
        return self.requests[number]

    def hang_up(self) -> None:
        """Close every connection."""
        for each in list(self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _start(self, target: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._stopping:
                connection.close()
                return
            self.accepted += 1
            self._sockets.add(connection)
            self._start(self._serve, connection, self.accepted)

    def _serve(self, connection: socket.socket, number: int) -> None:
        last: list[Received] = []
        bare = connection
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as source:
                while self._exchange(connection, source, number, last):
                    pass
        except (OSError, ValueError):
            pass  # the other side has gone, in whatever way
        finally:
            self._sockets.discard(bare)
            for received in last:
                received.gone.set()

    def _exchange(
        self, connection: socket.socket, source: Any, number: int, last: list[Received]
    ) -> bool:
        lines = [source.readline()]
        while lines[-1] not in {b"\r\n", b""}:
            lines.append(source.readline())
        if not lines[-1]:
            return False  # the other side has closed
        received = Received(number, b"".join(lines))
        last[:] = [received]
        answer = self._answers.popleft() if self._answers else self._usual
        if not answer.early:
            received.body = self._body(source, received)
        with self._came:
            self.requests.append(received)
            self._came.notify_all()
        if not self._play(connection, source, answer.steps, received):
            return False
        if answer.early:
            received.body = self._body(source, received)
        return True

    def _body(self, source: Any, received: Received) -> bytes:
        if b"chunked" in received.values(b"transfer-encoding"):
            raise AssertionError("bodies are expected with their length")
        length = int(next(iter(received.values(b"content-length")), b"0"))
        body: bytes = source.read(length)
        if len(body) < length:
            raise OSError("the body was cut")
        return body

    def _play(
        self, connection: socket.socket, source: Any, steps: Iterable[Step], received: Received
    ) -> bool:
        for step in steps:
            if isinstance(step, bytes):
                connection.sendall(step)
            elif isinstance(step, threading.Event):
                assert step.wait(PATIENCE), "what the provider waits for did not happen"
            else:
                self._leave(connection, source, step, received)
                return False
        received.played.set()
        return True

    def _leave(self, connection: socket.socket, source: Any, how: Then, received: Received) -> None:
        received.played.set()
        if how is Then.STALL:
            while source.read(1):
                pass
        elif how is Then.RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reply(
    body: bytes,
    *,
    status: str = "200 OK",
    headers: Iterable[tuple[str, str]] = (),
    kind: str = "application/json",
) -> bytes:
    """Return a whole answer with its length."""
    length = ("content-length", str(len(body)))
    return head(status, [("content-type", kind), length, *headers]) + body


def head(status: str = "200 OK", headers: Iterable[tuple[str, str]] = ()) -> bytes:
    """Return the head of an answer."""
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


STREAM_HEAD = head(
    headers=[("content-type", "text/event-stream; charset=utf-8"), ("transfer-encoding", "chunked")]
)
END_OF_CHUNKS = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Return data as one chunk of a chunked body; nothing for no data."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def streamed(*events: bytes) -> tuple[bytes, ...]:
    """Return the pieces of a whole chunked stream of events."""
    return (STREAM_HEAD, *map(chunk, events), END_OF_CHUNKS)


class Answer(NamedTuple):
    """An answer as a client got it, headers in their order."""

    status: int
    headers: Headers
    body: bytes

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key == name]


class Caller:
    """A client on a real socket. It adds nothing to what a test sends."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        assert address.hostname
        assert address.port
        self._connection = http.client.HTTPConnection(
            address.hostname, address.port, timeout=PATIENCE
        )
        self._response: http.client.HTTPResponse | None = None

    def __enter__(self) -> Self:
        self._connection.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    @property
    def socket(self) -> socket.socket:
        return self._connection.sock

    def send(
        self,
        target: str,
        *,
        method: str = "POST",
        headers: Iterable[tuple[str | bytes, str | bytes]] = (),
        body: bytes = b"",
    ) -> None:
        """Send a request, with its length and a host."""
        connection = self._connection
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("host", "localhost")
        for name, value in headers:
            connection.putheader(_text(name), value)
        if body or method == "POST":
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body or None)

    def begin(self) -> tuple[int, Headers]:
        """Wait for the head of the answer."""
        self._response = self._connection.getresponse()
        found = self._response.headers.items()
        return self._response.status, [(n.lower().encode("latin-1"), _raw(v)) for n, v in found]

    def read_until(self, mark: bytes) -> bytes:
        """Read the body until it has come to ``mark``."""
        assert self._response
        found = b""
        while not found.endswith(mark):
            piece = self._response.read(1)
            assert piece, f"the answer ended after {found!r}"
            found += piece
        return found

    def read(self) -> bytes:
        """Read the rest of the body. Raises `http.client.IncompleteRead` where it breaks off."""
        assert self._response
        return self._response.read()

    def answer(self) -> Answer:
        """Read a whole answer."""
        status, headers = self.begin()
        return Answer(status, headers, self.read())

    def has_something(self) -> bool:
        """Whether anything has come that was not read yet."""
        if self._response is not None:
            self.socket.settimeout(0)
            buffered: bytes = self._response.fp.peek(1)
            self.socket.settimeout(PATIENCE)
            if buffered.strip(b"\r\n"):  # the end of the chunk that was read is no news
                return True
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            return bool(selector.select(0))

    def leave(self) -> None:
        """Close the connection."""
        if self._response is not None:
            self._response.close()
        self._connection.close()


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _raw(value: str) -> bytes:
    return value.encode("latin-1")


def ask(url: str, target: str, **request: Any) -> Answer:
    """Make one request on a connection of its own."""
    with Caller(url) as caller:
        caller.send(target, **request)
        return caller.answer()
