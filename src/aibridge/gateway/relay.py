"""The relay: an answer's bytes go to the client as they come, its last event after its record."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aibridge.gateway.client import Client
from aibridge.gateway.exchange import Exchange
from aibridge.gateway.headers import answer_headers
from aibridge.gateway.upstream import Response, UpstreamError
from aibridge.reading.answer import Observer
from aibridge.reading.answer.streaming import Split

READ_ON_SECONDS = 10.0
MAX_READ_ON = 32 << 20
"""How long, and for how many bytes, usage is waited for that a client did not stay for."""

LATE_SECONDS = 0.25
MAX_LATE = 64 << 10
"""How long, and for how many bytes, usage is waited for that comes behind the last event."""

LEFT_BEFORE_USAGE = "the client left before the usage came"
REST_MISSED = "the rest of the answer did not come"


async def relay(response: Response, client: Client) -> None:
    """Send an answer on as it comes."""
    await client.begin(response.status, answer_headers(response.status, response.headers))
    more = True
    while more:
        chunk = await response.read()
        more = not response.ended
        await client.write(chunk, more=more)


async def relay_recorded(
    response: Response, client: Client, exchange: Exchange, observer: Observer
) -> None:
    """Send an answer on as it comes, and what ends it only when its record is committed.

    Nothing at all is sent before the start is committed. Raises `RecordingError` when the
    record cannot be written, and then the client does not see the end.
    """

    async def begin() -> None:
        if not client.began:
            await exchange.on_record()
            headers = answer_headers(response.status, response.headers)
            if observer.shortens:
                headers = [item for item in headers if item[0] != b"content-length"]
            await client.begin(response.status, headers)

    async def read() -> Split:
        chunk = await response.read()
        exchange.came(chunk)
        return await exchange.observe(chunk, last=response.ended)

    if response.waiting:
        await begin()
    ready, held = await read()
    while not held and not response.ended:
        await begin()
        await client.write(ready)
        ready, held = await read()
    if held and ready:  # only the last event waits
        await begin()
        await client.write(ready)
        ready = b""
    if held and observer.lacks_usage:
        held += await _late(response, read, observer)
    await exchange.complete()
    await begin()
    await client.write(ready + held, more=not response.ended)
    while not response.ended:
        ready, held = await read()
        await client.write(ready + held, more=not response.ended)


async def _late(
    response: Response, read: Callable[[], Awaitable[Split]], observer: Observer
) -> bytes:
    """Return what comes behind the last event, as far as the usage may be in it."""
    late = b""
    give_up = asyncio.get_running_loop().time() + LATE_SECONDS
    with suppress(TimeoutError, UpstreamError):
        while observer.lacks_usage and not response.ended and len(late) < MAX_LATE:
            async with asyncio.timeout_at(give_up):
                await response.arrived()
            ready, held = await read()
            late += ready + held
    return late


async def read_on(response: Response, exchange: Exchange) -> None:
    """Read the rest of an answer whose client left, and close its record.

    The content has been made, and its tokens will be billed: only the provider can say how many.
    If it goes on with more content after all, that is not waited for.
    """
    if not exchange.end_seen:
        exchange.notes.append(LEFT_BEFORE_USAGE)
    with suppress(TimeoutError, UpstreamError):
        async with asyncio.timeout(READ_ON_SECONDS):
            await _read_to_usage(response, exchange)
    if exchange.end_seen:
        await exchange.complete()
    else:
        exchange.notes.append(REST_MISSED)
        await exchange.cancel()


async def _read_to_usage(response: Response, exchange: Exchange) -> None:
    size = 0
    while exchange.only_usage_missing and not exchange.end_seen and size <= MAX_READ_ON:
        chunk = await response.read()
        size += len(chunk)
        exchange.came(chunk)
        await exchange.observe(chunk, last=response.ended)
