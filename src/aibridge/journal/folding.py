"""A body as what differs from another: how much of its beginning and its end are the same.

An agent sends its whole conversation with every request, so the bodies of a session share nearly
all of their bytes.
"""

from typing import NamedTuple

LEAST_SHARED = 512
"""Bytes that have to be shared for a difference to be worth its trouble."""


class Folded(NamedTuple):
    """A body: so many bytes from the beginning of another, the middle, so many from its end."""

    prefix: int
    suffix: int
    middle: bytes


def fold(body: bytes, base: bytes) -> Folded | None:
    """Return a body as what differs from ``base``, ``None`` where that saves next to nothing."""
    prefix = _shared_prefix(body, base)
    longest = min(len(body), len(base)) - prefix
    suffix = _shared_suffix(body, base, longest)
    if prefix + suffix < LEAST_SHARED:
        return None
    return Folded(prefix, suffix, body[prefix : len(body) - suffix])


def unfold(folded: Folded, base: bytes) -> bytes:
    """Return the body that was folded. Raises `ValueError` for a base that it cannot be of."""
    prefix, suffix, middle = folded
    if min(prefix, suffix) < 0 or prefix + suffix > len(base):
        raise ValueError(f"{prefix} and {suffix} bytes are not to be had from {len(base)}")
    return b"".join((base[:prefix], middle, base[len(base) - suffix :]))


def _shared_prefix(one: bytes, other: bytes) -> int:
    """Return how many bytes two texts begin with alike: by halves, which compare in C."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if other.startswith(one[low:middle], low):
            low = middle
        else:
            high = middle - 1
    return low


def _shared_suffix(one: bytes, other: bytes, longest: int) -> int:
    """Return how many bytes two texts end with alike, ``longest`` at most."""
    low, high = 0, longest
    while low < high:
        middle = (low + high + 1) // 2
        mine = one[len(one) - middle : len(one) - low]
        if mine == other[len(other) - middle : len(other) - low]:
            low = middle
        else:
            high = middle - 1
    return low
