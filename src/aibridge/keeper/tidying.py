"""Keeping journals small: what nobody needs goes, and what one call needs goes elsewhere."""

import time
from collections.abc import Iterable
from contextlib import suppress
from itertools import pairwise

from aibridge.ids import now
from aibridge.journal.format import RUN_BYTES
from aibridge.journal.segments import listed
from aibridge.keeper import long_calls
from aibridge.keeper.calls import Call
from aibridge.keeper.following import Followed
from aibridge.store.engine.database import Database
from aibridge.store.engine.errors import DRIVER_ERRORS
from aibridge.store.usage import allotments

LOCK_SECONDS = 1.0
"""How long is waited for who else changes what processes are allotted of budgets."""


def keep_long(calls: Iterable[Call], most_bytes: int) -> bool:
    """Keep those elsewhere that need more of their journal; say whether there are any."""
    long = [
        call
        for call in calls
        if call.journal.applied - max(call.start, call.needed_from) > most_bytes
    ]
    with suppress(OSError):  # the disk is full, for now
        for call in long:
            long_calls.keep(call)
    return bool(long)


def remove_passed(followed: Followed, kept_seconds: float, most_bytes: int) -> None:
    """Remove segments that nobody needs any more: older than is kept, or beyond ``most_bytes``.

    The newest one stays: it says where the next run begins.
    """
    if followed.position is None:
        return
    segments = listed(followed.folder)
    passed = [
        one for one, following in pairwise(segments) if following.base <= followed.position.resume
    ]
    left = sum(one.size for one in segments)
    for one in passed:
        with suppress(FileNotFoundError):
            if time.time() - one.path.stat().st_mtime >= kept_seconds or left > most_bytes:
                left -= one.size
                one.path.unlink()


def release_allotments(
    database: Database, followed: Followed, come_to: int, calls: Iterable[Call]
) -> None:
    """Release what processes that are gone were allotted of budgets: their calls are on record.

    A process is a run of a journal, of which all before ``come_to`` is on record, but for open
    ``calls``.
    """
    run = come_to // RUN_BYTES
    if run >= followed.released and followed.is_over():
        run += 1
    if run <= followed.released or any(call.run < run for call in calls):
        return
    with suppress(*DRIVER_ERRORS):  # it is tried again
        with database.write_beside(lock_seconds=LOCK_SECONDS) as connection:
            allotments.release(connection, followed.id, run, now())
        followed.released = run
