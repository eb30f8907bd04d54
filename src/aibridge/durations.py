"""Lengths of time as people write them, such as ``60d``; pure."""

import re
from datetime import timedelta

LONGEST = timedelta(days=36_500)

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"([0-9]{1,10})([smhdw])")


def parse_duration(
    text: str, *, called: str = "a duration", without_end: str = "no end"
) -> timedelta | None:
    """Read a duration such as ``60d``, ``12h``, ``90m``, ``45s`` or ``2w``; ``0`` is `None`.

    Raises `ValueError`, whose text says what is expected: it is ``called`` so, and ``0`` means
    ``without_end``.
    """
    if text == "0":
        return None
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{called} is a number and s, m, h, d or w, such as 30d, or 0 for {without_end}; "
            f"not {text!r}"
        )
    seconds = int(match[1]) * _SECONDS[match[2]]
    if not 0 < seconds <= LONGEST.total_seconds():
        raise ValueError(f"{called} is at least 1s and at most 100 years; not {text!r}")
    return timedelta(seconds=seconds)


def duration_text(duration: timedelta) -> str:
    """Return a duration of whole seconds as it is read: in days, or a smaller unit that fits."""
    seconds = round(duration.total_seconds())
    unit = next(unit for unit in ("d", "h", "m", "s") if seconds % _SECONDS[unit] == 0)
    return f"{seconds // _SECONDS[unit]}{unit}"


def microseconds(duration: timedelta | None) -> int:
    """Return a duration in microseconds, the longest one for `None`."""
    return (LONGEST if duration is None else duration) // timedelta(microseconds=1)
