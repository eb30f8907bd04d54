"""The relay: an answer's bytes go to the client as they come, its last event after its record."""

import asyncio
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
    client.begin(response.status, answer_headers(response.status, response.headers))
    if response.waiting:
        await client.write(b"")
    more = True
    while more:
        chunk = await response.read()
        more = not response.ended
        await client.write(chunk, more=more)


class RecordedRelay:
    """Sends an answer on as it comes, and what ends it only when its record is durable.

    Nothing at all is sent before its beginning is.
    """

    __slots__ = ("_client", "_error", "_exchange", "_last", "_observer", "_response")

    def __init__(
        self, response: Response, client: Client, exchange: Exchange, observer: Observer
    ) -> None:
        self._response = response
        self._client = client
        self._exchange = exchange
        self._observer = observer
        self._last: Split | None = None
        self._error: Exception | None = None

    async def run(self) -> None:
        """Send the answer on to its end.

        Raises `RecordingError` when the record cannot be written, and then the client does not see
        the end; or an `UpstreamError`.
        """
        response, client = self._response, self._client
        if response.waiting:
            await self._begin()
            await client.write(b"")
        ready, held = await self._read()
        while not held and not response.ended:
            await self._begin()
            await client.write(ready)
            ready, held = await self._pass_on()
        if held and ready:  # only the last event waits
            await self._begin()
            await client.write(ready)
            ready = b""
        if held and self._observer.lacks_usage:
            held += await self._late()
        await self._exchange.complete()
        await self._begin()
        await client.write(ready + held, more=not response.ended)
        while not response.ended:
            ready, held = await self._read()
            await client.write(ready + held, more=not response.ended)

    async def _begin(self) -> None:
        """Begin the answer to the client, once the call's beginning is durable."""
        if self._client.began:
            return
        await self._exchange.on_record()
        headers = answer_headers(self._response.status, self._response.headers)
        if self._observer.shortens:
            headers = [item for item in headers if item[0] != b"content-length"]
        self._client.begin(self._response.status, headers)

    async def _read(self) -> Split:
        """Return what may go to the client of the next piece, and what has to wait."""
        chunk = await self._response.read()
        self._exchange.came(chunk)
        return await self._exchange.observe(chunk, last=self._response.ended)

    async def _pass_on(self) -> Split:
        """Send on what does not end the answer, and return the first piece that may.

        That is done where it comes, by `_take`: waking a task for each piece of a stream would cost
        as much as all else that is done with it.
        """
        await self._response.hand_to(self._take)
        if self._error is not None:
            raise self._error
        return await self._read() if self._last is None else self._last

    def _take(self) -> bool:
        """Send a piece on, if there is one; say whether the next may be handed on likewise."""
        response, client = self._response, self._client
        is_plain = response.has_one_piece and self._exchange.is_light(response.buffered)
        if not (client.is_ready and is_plain):
            return False
        try:
            chunk = response.taken()
            self._exchange.came(chunk)
            split = self._exchange.observe_now(chunk, last=response.ended)
            if split[1] or response.ended:
                self._last = split
                return False
            client.write_now(split[0])
        except Exception as error:  # noqa: BLE001 - raised by `_pass_on`
            self._error = error
            return False
        return True

    async def _late(self) -> bytes:
        """Return what comes behind the last event, as far as the usage may be in it."""
        response, observer = self._response, self._observer
        late = b""
        give_up = asyncio.get_running_loop().time() + LATE_SECONDS
        with suppress(TimeoutError, UpstreamError):
            while observer.lacks_usage and not response.ended and len(late) < MAX_LATE:
                async with asyncio.timeout_at(give_up):
                    await response.arrived()
                ready, held = await self._read()
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
