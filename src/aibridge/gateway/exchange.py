"""A recorded exchange on its way: what is known of it, and the one time that it is closed."""

import time
from typing import cast

from aibridge.dialects.facts import Notes, ResponseFacts
from aibridge.gateway.dispatch import Withheld
from aibridge.gateway.large import MAX_ON_LOOP, LargeReads
from aibridge.gateway.observers import Observer
from aibridge.gateway.observers.streaming import Split
from aibridge.gateway.outcome import CANCELLED, INTERRUPTED, Outcome, of_answer
from aibridge.gateway.upstream import Response
from aibridge.ids import now
from aibridge.recorder.recorder import Recorder
from aibridge.recorder.records import End, Status
from aibridge.recorder.ticket import Ticket


class Exchange:
    """From the accepted start to the committed end of an interception."""

    __slots__ = (
        "_bytes",
        "_closed",
        "_first_byte",
        "_reads",
        "_recorder",
        "_started",
        "edits",
        "end_seen",
        "notes",
        "observer",
        "status",
        "ticket",
    )

    def __init__(self, recorder: Recorder, ticket: Ticket, reads: LargeReads) -> None:
        self._recorder = recorder
        self._reads = reads
        self._started = time.perf_counter_ns()
        self._first_byte: int | None = None
        self._bytes = 0
        self._closed = False
        self.ticket = ticket
        self.observer: Observer | None = None
        self.status: int | None = None
        self.edits: list[str] = []
        """What was changed on the way, but for what the observer takes out."""
        self.notes: list[str] = []
        self.end_seen = False
        """Whether what ends the answer has come."""

    @property
    def only_usage_missing(self) -> bool:
        """Whether the content has come to its end, and the record is not closed yet."""
        if self._closed or self.observer is None:
            return False
        return self.end_seen or self.observer.content_ended

    async def admitted(self) -> None:
        """Wait until the provider may be asked. Raises `RecorderUnavailable` if it may not be."""
        await self._recorder.admitted(self.ticket)

    async def on_record(self) -> None:
        """Wait until the start is committed. Raises `RecordingError` if it cannot be."""
        await self._recorder.started(self.ticket)

    def answered(self, response: Response, observer: Observer) -> None:
        """Note how the provider begins to answer, and who reads that."""
        self.status = response.status
        self.observer = observer
        if response.sends > 1:
            self.notes.append(f"the request was sent {response.sends} times until it was answered")

    def came(self, chunk: bytes) -> None:
        """Count a piece of the answer's body."""
        if self._first_byte is None and chunk:
            self._first_byte = (time.perf_counter_ns() - self._started) // 1000
        self._bytes += len(chunk)

    async def observe(self, chunk: bytes, *, last: bool) -> Split:
        """Have a piece read; return what may go to the client now, and what has to wait."""
        observer = cast("Observer", self.observer)
        weight, person = observer.weight(chunk), self.ticket.start.initiator_id
        self.end_seen = self.end_seen or last
        split = await self._reads.call(person, weight, observer.feed, chunk, last=last)
        self.end_seen = self.end_seen or bool(split[1])
        return split

    async def complete(self) -> None:
        """Record the answer, which has been seen to its end, and wait until it is committed."""
        facts = await self._facts()
        self._close(of_answer(self.status or 0, facts), facts)
        await self._recorder.ended(self.ticket)

    async def withhold(self, answer: Withheld) -> None:
        """Record an answer of the provider that the client gets another one for."""
        self.status = answer.provider_status
        self.edits.append(answer.edit)
        await self.fail((Status.FAILED, answer.error_type, answer.words))

    async def cancel(self) -> None:
        """Record that the client left, with what was made until then, estimated if not counted."""
        if self._closed:
            return
        facts = await self._facts()
        if self.observer is not None:
            estimate = self.observer.estimate(self.ticket.start.request_bytes)
            facts.usages = [estimate] if estimate is not None else facts.usages
        self._close(CANCELLED, facts)
        await self._recorder.ended(self.ticket)

    async def fail(self, outcome: Outcome) -> None:
        """Record that the answer did not come to its end, with what was seen of it."""
        if not self._closed:
            self._close(outcome, await self._facts())
            await self._recorder.ended(self.ticket)

    def abandon(self) -> None:
        """Have an exchange that nothing else has closed recorded as interrupted."""
        if not self._closed:
            self._close(INTERRUPTED, self._facts_at_once())

    async def _facts(self) -> ResponseFacts:
        """Return what was seen of the answer so far."""
        if self.observer is None:
            return ResponseFacts()
        observer, person = self.observer, self.ticket.start.initiator_id
        return await self._reads.call(person, observer.unread, observer.facts)

    def _facts_at_once(self) -> ResponseFacts:
        """Return what was seen of the answer so far, unless that would take long."""
        if self.observer is None:
            return ResponseFacts()
        if self.observer.unread > MAX_ON_LOOP:
            return ResponseFacts(notes=Notes(["the answer was too large to be read in time"]))
        return self.observer.facts()

    def _close(self, outcome: Outcome, facts: ResponseFacts) -> None:
        self._closed = True
        status, error_type, error_message = outcome
        end = End(
            ended_at=now(),
            status=status,
            http_status=self.status,
            error_type=error_type,
            error_message=error_message,
            first_byte_us=self._first_byte,
            response_bytes=self._bytes,
            edits=self.edits + (self.observer.edits if self.observer is not None else []),
            notes=self.notes,
            facts=facts,
        )
        self._recorder.finish(self.ticket, end)
