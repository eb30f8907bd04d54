"""A ticket: the recorder's promise for one interception."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aibridge.recorder.records import End, Start
from aibridge.recorder.rows import Place


class RecordingError(Exception):
    """The record could not be written: what is waiting for it must not be let go."""


class NotYetKept(RecordingError):
    """There was no room for the record, or no database: later there may be."""


@dataclass(slots=True, eq=False)
class Pending:
    """An interception on its way into the database, as far as it is known by now."""

    start: Start
    end: End | None = None
    place: Place | None = None
    """Set once the start is committed to the database."""
    end_is_kept: bool = False
    """Whether the end is committed, to the database or to the spool."""
    unsure: bool = False
    """Whether the database may have more of it than is known here, and has to be asked."""
    server_id: int | None = None
    """As which server it was begun: others may have closed what was begun as one that is gone."""


@dataclass(slots=True, eq=False, kw_only=True)
class Ticket(Pending):
    """A pending interception and those who wait for it.

    The event loop's side awaits `started` and `ended`, which are done when what they stand for
    is committed. The rest belongs to the thread that writes.
    """

    started: asyncio.Future[None]
    ended: asyncio.Future[None]
    is_over: bool = False
    """Whether the event loop knows what has become of the end."""


Settled = Callable[[list[Ticket], RecordingError | None], None]
"""What a thread calls with tickets that it wrote, or could not."""


def settle(future: asyncio.Future[None], error: RecordingError | None) -> None:
    """Resolve a promise, unless nobody waits for it any more."""
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
        future.exception()  # a client that has left never asks for it: that is no warning
