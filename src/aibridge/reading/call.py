"""Reading a journaled call: the bytes of its request and its answer to the facts of its record.

Pure: the same bytes always give the same facts, whenever they are read.
"""

from collections.abc import Callable, Iterable, Iterator

from aibridge.dialects.facts import ResponseFacts
from aibridge.journal.contents import Begun, Ended, How
from aibridge.reading.answer import Observer, observe
from aibridge.reading.outcome import (
    CANCELLED,
    FIRST_REDIRECT,
    INTERRUPTED,
    Outcome,
    of_answer,
)
from aibridge.reading.request import Asked
from aibridge.recorder.records import End, Status

_CONVERSATIONS = "/conversations"
"""The beginning of the routes whose answers no model makes."""

Pieces = Callable[[], Iterable[bytes]]
"""Reads an answer's bytes, each time that it is called."""


def read_answer(begun: Begun, asked: Asked, ended: Ended, pieces: Pieces) -> End:
    """Return how a call ended, with what its answer says, as far as it came.

    Where it broke off, the tokens that the provider had not counted by then are estimated; so are
    those of a stream that ended without any count, as chat streams do that are not asked for it.
    """
    status = ended.http_status
    if status is None:
        return end_of(ended, ResponseFacts())
    facts = _observed(begun, asked, ended, status, pieces).facts()
    is_uncounted = asked.start.stream and not facts.usages
    if status < FIRST_REDIRECT and (is_uncounted or _broke_off(begun, ended, facts)):
        observer = _observed(begun, asked, ended, status, pieces, counts=True)
        if (estimate := observer.estimate(asked.body_bytes)) is not None:
            facts.usages = [*facts.usages[:-1], estimate]
    return end_of(ended, facts)


def _observed(
    begun: Begun, asked: Asked, ended: Ended, status: int, pieces: Pieces, *, counts: bool = False
) -> Observer:
    """Return who has read an answer; one that ``counts`` its text takes longer for it."""
    observer = observe(
        begun.dialect,
        status,
        dict(ended.headers),
        streams=asked.start.stream,
        counts=counts,
        servers=asked.servers,
    )
    _feed(observer, pieces(), to_the_end=ended.how is How.ANSWERED)
    return observer


def _broke_off(begun: Begun, ended: Ended, facts: ResponseFacts) -> bool:
    """Whether an answer that a model makes did not come to its end."""
    if _CONVERSATIONS in begun.route:
        return False
    return ended.how is not How.ANSWERED or not (facts.ended or facts.stop_reason)


def end_of(ended: Ended, facts: ResponseFacts) -> End:
    """Return how a call ended, whose answer says these facts."""
    status, error_type, error_message = _outcome(ended, facts)
    return End(
        ended_at=ended.at,
        status=status,
        http_status=ended.http_status,
        error_type=error_type,
        error_message=error_message,
        first_byte_us=ended.first_byte_us,
        response_bytes=ended.response_bytes,
        edits=ended.edits,
        notes=ended.notes,
        facts=facts,
    )


def _outcome(ended: Ended, facts: ResponseFacts) -> Outcome:
    match ended.how:
        case How.ANSWERED:
            return of_answer(ended.http_status or 0, facts)
        case How.LEFT:
            return CANCELLED
        case How.FAILED:
            return Status.FAILED, ended.error_type, ended.error_message
        case How.STOPPED:
            return INTERRUPTED


def _feed(observer: Observer, pieces: Iterable[bytes], *, to_the_end: bool) -> None:
    """Have an answer read; whether it ended is known only with its last piece."""
    for piece, is_last in _with_last(pieces):
        observer.feed(piece, last=is_last and to_the_end)


def _with_last(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    held = b""
    for piece in pieces:
        if held:
            yield held, False
        held = piece
    yield held, True
