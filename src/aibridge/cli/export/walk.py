"""Going through a list of the API, each item once, and in constant memory where that can be.

The lists are ordered by a time, latest first. So nothing but the time of the last item has to be
remembered, and the items of just that time: what comes again has moved up, and its time is later.
Sessions found by words are ordered by a time that they do not show: each one is remembered.
"""

import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from aibridge.contract import Interception, Model, Session
from aibridge.sdk import Client, InterceptionFilter, NotFound, SessionFilter

PAGE = 200
"""Items asked for at once. What one of them holds may be large."""

I = TypeVar("I", bound=Model, covariant=True)  # noqa: E741, PLC0105
T = TypeVar("T", bound=Model)


@dataclass(frozen=True, slots=True)
class Portion(Generic[I]):
    """The new items of a page, and how many there are in all; `None` if nobody counted so far."""

    items: Sequence[I]
    total: int | None


class Place(NamedTuple):
    """Where an item stands in its list."""

    moment: datetime
    identity: Hashable


class Downward:
    """Tells what is new on the way down a list."""

    def __init__(self) -> None:
        self._last: datetime | None = None
        self._there: set[Hashable] = set()

    def is_new(self, place: Place) -> bool:
        """Say whether an item comes for the first time, and remember it."""
        if self._last is None or place.moment < self._last:
            self._last, self._there = place.moment, set()
        if place.moment > self._last or place.identity in self._there:
            return False
        self._there.add(place.identity)
        return True


class EachOnce:
    """Tells what is new whatever the order is."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def is_new(self, place: Place) -> bool:
        """Say whether an item comes for the first time, and remember it."""
        key = hash(place.identity)
        is_new = key not in self._seen
        self._seen.add(key)
        return is_new


_WORDS = re.compile(r"\b(prompt|tool|error):", re.IGNORECASE)
"""What a search for words has in it."""


def interceptions(client: Client, where: InterceptionFilter) -> Iterator[Portion[Interception]]:
    """Go through interceptions, newest first."""

    def ask(last: Interception | None) -> Portion[Interception]:
        page = client.list_interceptions(where, limit=PAGE, after_id=last.id if last else None)
        found = [_whole(client, one) for one in page.results]
        return Portion(found, None if page.count_is_estimate else page.count)

    return _walk(ask, lambda one: Place(one.started_at, one.id), PAGE, Downward())


def _whole(client: Client, one: Interception) -> Interception:
    """Return an interception with all of its texts, of which a list has the first part."""
    told = [text.metadata for text in one.user_prompts] + [
        call.metadata for call in one.tool_usages
    ]
    if not any(metadata.get("truncated") for metadata in told):
        return one
    try:
        return client.get_interception(one.id)
    except NotFound:
        return one  # it was purged meanwhile


def sessions(client: Client, where: SessionFilter) -> Iterator[Portion[Session]]:
    """Go through sessions, the most recently active first."""

    def ask(last: Session | None) -> Portion[Session]:
        page = client.list_sessions(
            where,
            limit=PAGE,
            after_session_id=last.id if last else None,
            after_initiator_id=last.initiator.id if last else None,
        )
        return Portion(page.sessions, None if page.count_is_estimate else page.count)

    passed = EachOnce() if _WORDS.search(where.q) else Downward()
    return _walk(
        ask, lambda one: Place(one.last_active_at, (one.id, one.initiator.id)), PAGE, passed
    )


def _walk(
    ask: Callable[[T | None], Portion[T]],
    place: Callable[[T], Place],
    size: int,
    passed: Downward | EachOnce,
) -> Iterator[Portion[T]]:
    last = None
    while True:
        page = ask(last)
        yield Portion([one for one in page.items if passed.is_new(place(one))], page.total)
        if len(page.items) < size or _stands_still(last, page.items[-1], place):
            return
        last = page.items[-1]


def _stands_still(last: T | None, now: T, place: Callable[[T], Place]) -> bool:
    """Say whether a page ends where the one before did: so it would for ever."""
    return last is not None and place(last).identity == place(now).identity
