"""The spans of time that limits are for. Pure; times are microseconds since 1970, days in UTC."""

from datetime import timedelta
from typing import NamedTuple

from aibridge.contract.words import CapPeriod
from aibridge.ids import moment
from aibridge.moments import EPOCH

_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1) // _MICROSECOND
_LONGEST_MONTH = timedelta(days=31)
_ROLLING_DAYS = 30
_MONDAY = 4 * _DAY
"""The first Monday of 1970 was its fifth day."""
_WEEK = 7 * _DAY
_FOREVER = 1 << 62


class Period(NamedTuple):
    """A span of time in microseconds since 1970, in UTC: from its start to before its end."""

    start: int
    end: int


def period_of(kind: CapPeriod, at: int) -> Period:
    """Return the period of a kind that a moment is in."""
    today = at // _DAY * _DAY
    match kind:
        case CapPeriod.DAY:
            return Period(today, today + _DAY)
        case CapPeriod.WEEK:
            monday = (today - _MONDAY) // _WEEK * _WEEK + _MONDAY
            return Period(monday, monday + _WEEK)
        case CapPeriod.MONTH:
            return month_of(at)
        case CapPeriod.ROLLING:
            return Period(today - (_ROLLING_DAYS - 1) * _DAY, today + _DAY)
        case CapPeriod.TOTAL:
            return Period(0, _FOREVER)


def month_of(at: int) -> Period:
    """Return the calendar month in UTC that a moment is in: budgets are for a month each."""
    first = moment(at).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + _LONGEST_MONTH).replace(day=1)
    return Period((first - EPOCH) // _MICROSECOND, (following - EPOCH) // _MICROSECOND)
