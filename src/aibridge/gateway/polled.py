"""Completion of interceptions by answers that are fetched later, by their ids.

What was made in the background, or broke off, ends on the record when somebody sees how it ended.
As with any answer, the client does not see its end before that is committed.
"""

from functools import partial
from typing import NamedTuple

from aibridge.dialects.facts import ResponseFacts
from aibridge.gateway.call import Call
from aibridge.gateway.client import Client
from aibridge.gateway.headers import answer_headers
from aibridge.gateway.large import LargeReads
from aibridge.gateway.observers import Observer, observe
from aibridge.gateway.observers.streaming import Split
from aibridge.gateway.outcome import of_answer
from aibridge.gateway.relay import relay_until_recorded
from aibridge.gateway.upstream import Response
from aibridge.ids import now
from aibridge.providers.types import Dialect, Stored
from aibridge.recorder.recorder import Recorder
from aibridge.recorder.records import End, Start
from aibridge.recorder.restoring import read_start
from aibridge.store.keyed import Keyed
from aibridge.store.standing import Finality

NOTE = "the end of the answer was seen when it was asked for by its id"


class Polled(NamedTuple):
    """An interception that the answer to another call may complete, as far as it is known."""

    start: Start
    http_status: int | None
    first_byte_us: int | None
    response_bytes: int


def fetches_response(call: Call) -> bool:
    """Whether the answer to a call may say how a response ended."""
    route, method = call.route, call.request.method
    if route.stored is not Stored.RESPONSE:
        return False
    if route.path.endswith("/cancel"):
        return method == b"POST"
    return method == b"GET" and route.path.endswith(f"/{route.stored_id}")


def polled(found: Keyed) -> Polled | None:
    """Return an interception if a later end may take the place of the one it has."""
    if found.finality in {None, Finality.FINAL}:
        return None
    row = found.row
    start = read_start(row, found.prompts)
    start.unread = found.unread
    return Polled(start, row.http_status, row.first_byte_us, row.response_bytes)


class PolledAnswer:
    """The relay of an answer that may complete an interception."""

    def __init__(
        self, interception: Polled, response: Response, recorder: Recorder, reads: LargeReads
    ) -> None:
        self._interception = interception
        self._response = response
        self._recorder = recorder
        self._reads = reads
        self._observer: Observer = observe(
            Dialect.RESPONSES, response.status, dict(response.headers)
        )
        self._bytes = 0

    async def relay(self, client: Client) -> None:
        """Send the answer on as it comes, and what ends it when its record is committed.

        Raises `RecorderUnavailable` or `RecordingError` where it cannot be.
        """
        begin = partial(self._begin, client)
        await relay_until_recorded(
            self._response, client, self._observer, begin, self._read, self._complete
        )

    async def _begin(self, client: Client) -> None:
        if not client.began:
            response = self._response
            await client.begin(response.status, answer_headers(response.status, response.headers))

    async def _read(self) -> Split:
        observer, person = self._observer, self._interception.start.initiator_id
        chunk = await self._response.read()
        self._bytes += len(chunk)
        weight, is_last = observer.weight(chunk), self._response.ended
        return await self._reads.call(person, weight, observer.feed, chunk, last=is_last)

    async def _complete(self) -> None:
        """Record the end, if it is one, and wait until that is committed."""
        observer, start = self._observer, self._interception.start
        facts = await self._reads.call(start.initiator_id, observer.unread, observer.facts)
        if facts.is_queued or not (facts.response_id and facts.stop_reason):
            return
        ticket = self._recorder.complete(start, self._end(facts))
        await self._recorder.ended(ticket)

    def _end(self, facts: ResponseFacts) -> End:
        before = self._interception
        status, error_type, error_message = of_answer(self._response.status, facts)
        return End(
            ended_at=now(),
            status=status,
            http_status=before.http_status or self._response.status,
            error_type=error_type,
            error_message=error_message,
            first_byte_us=before.first_byte_us,
            response_bytes=before.response_bytes + self._bytes,
            notes=[NOTE],
            facts=facts,
        )
