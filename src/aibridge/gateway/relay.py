"""The relay: an answer's bytes go to the client as they come, its last event after its record."""

from aibridge.gateway.client import Client
from aibridge.gateway.exchange import Exchange
from aibridge.gateway.headers import answer_headers
from aibridge.gateway.observer import Observer
from aibridge.gateway.streaming import Split
from aibridge.gateway.upstream import Response


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
    await exchange.complete()
    await begin()
    await client.write(ready + held, more=not response.ended)
    while not response.ended:
        ready, held = await read()
        await client.write(ready + held, more=not response.ended)
