"""A provider for benchmarks: canned answers from a raw socket, so cheap that it is no bottleneck.

The first segment of the path says which answer: ``whole``, ``stream``, or ``held``, a stream
that begins and then says nothing more. Run it with ``python -m scripts.benching.provider``; it
prints its port, and ends with its standard input. A number of seconds may follow, after which
each answer comes.
"""

import asyncio
import sys
from functools import partial
from typing import cast

import httptools
import uvloop

from aibridge.practice.exchange import fresh_key
from scripts.benching.machine import allow_many_files
from scripts.benching.traffic import EVENTS, KEY_BYTES, stream_events, whole_answer

BACKLOG = 4096

_HEAD = b"HTTP/1.1 200 OK\r\nrequest-id: req_01%b\r\n" % KEY_BYTES


def answers() -> dict[bytes, bytes]:
    """Return all answers, head and body, by the segment that asks for them."""
    whole = whole_answer()
    chunks = [b"%x\r\n%b\r\n" % (len(event), event) for event in stream_events()]
    streamed = b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    plain = b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(whole)
    return {
        b"whole": _HEAD + plain + whole,
        b"stream": _HEAD + streamed + b"".join(chunks) + b"0\r\n\r\n",
        b"held": _HEAD + streamed + b"".join(chunks[: EVENTS // 2]),
    }


class Connection(asyncio.Protocol):
    """A client's connection. ``data_received`` is asyncio's, ``on_…`` are the parser's."""

    def __init__(self, canned: dict[bytes, bytes], delay: float) -> None:
        self._canned = canned
        self._delay = delay
        self._answer = b""
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._write = cast("asyncio.Transport", transport).write

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        """Choose the answer."""
        self._answer = self._canned[url.split(b"/", 2)[1]]

    def on_message_complete(self) -> None:
        """Answer, with ids of its own."""
        answer = self._answer.replace(KEY_BYTES, fresh_key())
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._write, answer)
        else:
            self._write(answer)


async def main() -> None:
    """Serve until standard input ends."""
    allow_many_files()
    loop = asyncio.get_running_loop()
    make = partial(Connection, answers(), float(sys.argv[1]) if len(sys.argv) > 1 else 0.0)
    server = await loop.create_server(make, "127.0.0.1", 0, backlog=BACKLOG)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main())
