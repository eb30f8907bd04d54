"""Keeping journals small: what nobody needs goes, and what one call needs goes elsewhere."""

import time
from collections.abc import Iterable
from contextlib import suppress
from itertools import pairwise

from aibridge.journal.segments import listed
from aibridge.keeper import long_calls
from aibridge.keeper.calls import Call
from aibridge.keeper.following import Followed


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
