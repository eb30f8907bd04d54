"""Measure streams and logins without and with a crowd of connections that send next to nothing.

In the crowd a third says nothing, a third sends a head byte by byte, and a third the body of a
login; a connection that the bridge closes is opened again at once. Each event of a stream
carries the time at which the provider sent it, so what is measured is the way through the bridge.
Nothing but 127.0.0.1 is reached, and everything ends by itself.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from scripts.benching.machine import allow_many_files, memory_mb
from scripts.running import Bridge, Upstream, plain_environment

PACE_SECONDS = 0.05
DRIP_SECONDS = 1.0
LOGIN_SECONDS = 0.5
SETTLE_SECONDS = 3.0
PASSWORD = "the crowd's own password"  # noqa: S105 - of a bridge that is gone in a minute
HEAD = b"POST /api/v2/users/login HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000\r\n"
BEGINNINGS = (b"", HEAD, HEAD + b"content-type: application/json\r\n\r\n{")


async def provide(events: int, ready: asyncio.Future[int]) -> None:
    """Stream ``events`` events to each request, each with the time at which it is sent."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
            for _ in range(events):
                delta = {"type": "text_delta", "text": str(time.monotonic_ns())}
                event = {"type": "content_block_delta", "index": 0, "delta": delta}
                writer.write(b"data: %b\n\n" % json.dumps(event).encode())
                await asyncio.sleep(PACE_SECONDS)
            writer.write(b'data: {"type":"message_stop"}\n\n')
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
    ready.set_result(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def stream(client: httpx.AsyncClient, token: str, late: list[float]) -> None:
    """Read a stream and note how late each event is, in ms."""
    body = {"model": "claude", "stream": True, "messages": [{"role": "user", "content": "crowd"}]}
    url = "/api/v2/aibridge/anthropic/v1/messages"
    async with client.stream("POST", url, json=body, headers={"x-api-key": token}) as answer:
        async for line in answer.aiter_lines():
            if "text_delta" in line:
                sent = int(json.loads(line[6:])["delta"]["text"])
                late.append((time.monotonic_ns() - sent) / 1e6)


async def log_in(client: httpx.AsyncClient, seconds: float, taken: list[float]) -> None:
    """Log in again and again, and note how long each took, in ms."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic_ns()
        credentials = {"email": "crowd", "password": PASSWORD}
        answer = await client.post("/api/v2/users/login", json=credentials)
        answer.raise_for_status()
        taken.append((time.monotonic_ns() - began) / 1e6)
        await asyncio.sleep(LOGIN_SECONDS)


async def measure(bridge: Bridge, streams: int, seconds: float) -> tuple[list[float], list[float]]:
    """Return how late events were and how long logins took."""
    late: list[float] = []
    taken: list[float] = []
    limits = httpx.Limits(max_connections=None)
    async with (
        httpx.AsyncClient(base_url=bridge.url, limits=limits, timeout=60) as client,
        asyncio.TaskGroup() as tasks,
    ):
        for _ in range(streams):
            tasks.create_task(stream(client, bridge.token, late))
        tasks.create_task(log_in(client, seconds, taken))
    return late, taken


async def crowd(port: int, count: int) -> None:
    """Keep so many connections open that send next to nothing, until standard input ends."""
    allow_many_files()
    opened = 0
    all_open = asyncio.Event()

    async def one(number: int) -> None:
        nonlocal opened
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                opened += 1
                if opened == count:
                    all_open.set()
                writer.write(BEGINNINGS[number % len(BEGINNINGS)])
                while not writer.transport.is_closing():
                    await asyncio.sleep(DRIP_SECONDS)
                    if number % len(BEGINNINGS):
                        writer.write(b"a")
            await asyncio.sleep(DRIP_SECONDS)

    tasks = [asyncio.create_task(one(number)) for number in range(count)]
    await all_open.wait()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(opened, flush=True)
    for task in tasks:
        task.cancel()


@contextmanager
def running_crowd(bridge: Bridge, count: int) -> Iterator[list[int]]:
    """Run a crowd in a process of its own; yields a list that has its connections at the end."""
    command = [sys.executable, "-m", "scripts.crowd", "--port", bridge.url.rpartition(":")[2]]
    opened: list[int] = []
    with subprocess.Popen(
        [*command, "--slow", str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=plain_environment(),
    ) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - it is piped
            process.stdout.readline()
            yield opened
            said, _ = process.communicate(timeout=30)
            opened.append(int(said))
        finally:
            process.kill()


def row(name: str, values: list[float]) -> str:
    """Return a line of a table: how many, median, 95th and 99th percentile, greatest."""
    ordered = sorted(values)
    numbers = [ordered[(len(ordered) - 1) * percent // 100] for percent in (50, 95, 99, 100)]
    return f"{name:<28}{len(values):>8}" + "".join(f"{number:>10.1f}" for number in numbers)


async def run(count: int, streams: int, seconds: float) -> None:
    """Measure without and with the crowd, and print both."""
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    provider = asyncio.create_task(provide(round(seconds / PACE_SECONDS), ready))
    with tempfile.TemporaryDirectory() as folder:
        upstream = Upstream("anthropic", f"http://127.0.0.1:{await ready}")
        bridge = Bridge(Path(folder), [upstream])
        await asyncio.to_thread(bridge.make_owner, "crowd")
        with bridge.running():
            await set_password(bridge)
            print(f"{'in ms':<28}{'count':>8}{'p50':>10}{'p95':>10}{'p99':>10}{'most':>10}")
            await report("without", bridge, streams, seconds)
            with running_crowd(bridge, count) as opened:
                await asyncio.sleep(SETTLE_SECONDS)
                await report(f"with {count}", bridge, streams, seconds)
                print(f"memory with the crowd: {memory_mb(bridge.pid):.0f} MB")
            print(f"connections that the crowd opened: {opened[0]}")
    provider.cancel()


async def set_password(bridge: Bridge) -> None:
    """Give the owner a password to log in with."""
    headers = {"x-api-key": bridge.token}
    async with httpx.AsyncClient(base_url=bridge.url, headers=headers) as client:
        answer = await client.put("/api/v2/users/me/password", json={"password": PASSWORD})
        answer.raise_for_status()


async def report(name: str, bridge: Bridge, streams: int, seconds: float) -> None:
    """Measure once, and print it."""
    late, taken = await measure(bridge, streams, seconds)
    print(row(f"event of a stream, {name}", late))
    print(row(f"login, {name}", taken), flush=True)


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(prog="scripts/crowd", description=__doc__)
    parser.add_argument("--slow", type=int, default=5000, help="connections of the crowd")
    parser.add_argument("--streams", type=int, default=50, help="streams that are measured")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each is measured")
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    found = parser.parse_args()
    allow_many_files()
    if found.port:
        asyncio.run(crowd(found.port, found.slow))
    else:
        asyncio.run(run(found.slow, found.streams, found.seconds))


if __name__ == "__main__":
    main()
