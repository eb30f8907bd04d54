"""Numbers by which rows are found along an index: shapes, magnitudes and lengths; pure.

A filter such as "more than 300,000 tokens" fits no order of lists by itself. So rows carry a coarse
number beside the exact one; there are few of these, and each has its rows in the order of lists.
"""

from enum import IntFlag

from sqlalchemy import ColumnElement, Integer, Text, cast, func, literal_column, or_

from aibridge.ids import first_id_at

SECOND = 1_000_000
"""Microseconds."""
MAX_TIME = (1 << 53) - 1
"""The last moment that is counted with, in microseconds since 1970: in the year 2255."""


class Shape(IntFlag):
    """What an interception has; the names are those of the ``has`` filter and of kinds of prompts.

    ``PROMPT`` is one that a person typed. ``ESTIMATED`` are tokens that only the bridge counted.
    """

    ERROR = 1
    PROMPT = TYPED = 2
    THINKING = 4
    TOOL = 8
    UNREAD = 16
    SIDE_CALL = 32
    SUBAGENT = 64
    COMPACTION = 128
    SUMMARY = 256
    RETRY = 512
    AUTOMATION = 1024
    ESTIMATED = 2048


def magnitude(number: int) -> int:
    """Return how many digits a number has, and its first: 63 for 345,678.

    Every number of a greater magnitude is greater. The round numbers that people compare with are
    the first of their magnitude.
    """
    digits = str(number)
    return len(digits) * 10 + int(digits[0])


def magnitudes(least: int | None, most: int | None) -> list[int]:
    """Return the magnitudes of the numbers from ``least`` to ``most``, both included."""
    first = magnitude(max(0, least or 0))
    last = MAX_MAGNITUDE if most is None else min(magnitude(max(0, most)), MAX_MAGNITUDE)
    return [one for one in _MAGNITUDES if first <= one <= last]


def magnitude_of(number: ColumnElement[int]) -> ColumnElement[int]:
    """Return `magnitude` as the database computes it."""
    digits = cast(number, Text)
    one: ColumnElement[int] = literal_column("1", Integer)
    first = cast(func.substr(digits, one, one), Integer)
    return func.length(digits) * literal_column("10", Integer) + first


def length(microseconds: int) -> int:
    """Return how many digits the whole seconds of a time have, 1 for none."""
    return len(str(max(0, microseconds) // SECOND))


def length_of(microseconds: ColumnElement[int]) -> ColumnElement[int]:
    """Return `length` of a time, which is not negative, as the database computes it."""
    return func.length(cast(microseconds // literal_column(f"{SECOND}", Integer), Text))


def longest(digits: int) -> int:
    """Return the microseconds that a time of this `length` falls short of."""
    return int(10**digits) * SECOND


MAX_MAGNITUDE = magnitude(9 * 10**18)
"""The database's integers go no further."""
_MAGNITUDES = [
    magnitude(0),
    *(magnitude(first * 10**e) for e in range(19) for first in range(1, 10)),
]


DAY = 86_400 * SECOND
"""Microseconds of a day, which begins at midnight in UTC."""
WEEK = 7 * DAY
"""Microseconds of which a partition has what started."""
_FIRST_ID = first_id_at(18_000 * DAY)
"""What stands before all ids since 2019."""


def may_have_started(id_: ColumnElement[str], least: int, most: int) -> ColumnElement[bool]:
    """Return whether an interception of an id may have started then, for the planner to know.

    It looks into the partitions of that time alone, and of a day more, and of ids without a time.
    """
    first, last = (first_id_at(max(0, at)) for at in (least - DAY, most + DAY))
    return or_(id_.between(first, last), id_ < _FIRST_ID)
