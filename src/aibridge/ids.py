"""Ids of records, UUID version 7, so that new rows stand together in an index; and the time."""

import os
import time
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid5

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_random = Random()  # noqa: S311 - seeded by the system; an id must be unique, not secret
_NAMES = UUID("5d3d2c0e-6a0f-4c55-9d7b-0c5d5f1a7e42")
"""The namespace of ids that follow from texts; never to change."""
os.register_at_fork(after_in_child=_random.seed)


def new_id() -> str:
    """Return a fresh UUIDv7 as lower-case hyphenated text (RFC 9562, section 5.7).

    The nanoseconds of its millisecond come before the random bits (section 6.2, method 3), so
    that ids made one after the other stand in that order.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    bits = rest << 54 | _random.getrandbits(54)
    value = milliseconds << 80 | 7 << 76 | (bits >> 62) << 64 | 2 << 62 | bits & 0x3FFFFFFFFFFFFFFF
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def first_id_at(moment: int) -> str:
    """Return a text that stands before all ids of a moment and later, and after all of before.

    ``moment`` is in microseconds since 1970; its millisecond counts.
    """
    text = f"{moment // 1000:012x}"
    return f"{text[:8]}-{text[8:]}-"


def time_of(id_: str) -> int:
    """Return the millisecond that an id begins with, in microseconds since 1970."""
    return int(id_[:8] + id_[9:13], 16) * 1000


def uuid_of(text: str) -> str:
    """Return a text that is a UUID in lower case, and of any other one that always follows from it.

    (RFC 9562, section 5.5)
    """
    try:
        return str(UUID(text))
    except ValueError:
        return str(uuid5(_NAMES, text))


def now() -> int:
    """Return the time in microseconds since 1970 (UTC)."""
    return time.time_ns() // 1000


def moment(microseconds: int) -> datetime:
    """Return the moment so many microseconds after 1970, exactly."""
    return _EPOCH + timedelta(microseconds=microseconds)
