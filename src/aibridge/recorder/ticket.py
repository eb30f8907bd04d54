"""A ticket: the recorder's promise for one interception."""

import asyncio
from dataclasses import dataclass

from aibridge.recorder.records import End, Start
from aibridge.recorder.rows import Place


class RecordingError(Exception):
    """The record could not be written: what is waiting for it must not be let go."""


@dataclass(slots=True, eq=False)
class Ticket:
    """An interception on its way into the database.

    The event loop's side awaits `started` and `ended`, which are done when what they stand for
    is committed. The rest belongs to the writer's thread.
    """

    start: Start
    started: asyncio.Future[None]
    ended: asyncio.Future[None]
    end: End | None = None
    place: Place | None = None
    """Set once the start is committed."""
    end_is_written: bool = False
    is_over: bool = False
    """Whether the event loop knows what has become of the end."""


def settle(future: asyncio.Future[None], error: RecordingError | None) -> None:
    """Resolve a promise, unless nobody waits for it any more."""
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
        future.exception()  # a client that has left never asks for it: that is no warning
