"""How many match: exactly where that is cheap, else up to a bound, and past it about how many."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from aibridge.store import newest
from aibridge.store.among import among
from aibridge.store.filters import EVERYTHING, Filter, Span, chosen_kinds, initiated, matching
from aibridge.store.latest import PORTION, Search
from aibridge.store.listed import Portion, listed, look
from aibridge.store.newest import count_up_to
from aibridge.store.schema import initiator_kinds, interceptions, sessions

MOST_EXACT = 1000
"""How far is counted one by one."""
MOST_LOOKED_AT = 100
"""How far is counted where each one's texts have to be looked at."""
SAMPLE = 500
"""The newest rows, by which is guessed how many of all match."""

_c, _s = interceptions.c, sessions.c


class Count(NamedTuple):
    """How many there are, exactly or about."""

    number: int
    is_estimate: bool = False


def count(search: newest.Search) -> Count:
    """Return how many interceptions match, whatever the page."""
    connection, where = search.connection, search.where
    if where == where.counted():
        return Count(count_counted(connection, where))
    if where.wanted_words():
        places = search.newest(MOST_LOOKED_AT + 1)
        return _about_by_time(connection, where, [place.started_at for place in places])
    most = MOST_LOOKED_AT if where.unwanted_words() else MOST_EXACT
    number = search.count_up_to(most + 1)
    if number <= most:
        return Count(number)
    return Count(max(number, _estimate(connection, where)), is_estimate=True)


def count_sessions(search: Search) -> Count:
    """Return how many sessions match, whatever the page."""
    connection, where = search.connection, search.where
    if search.is_looked_through:
        sample = search.head
        if sample.end is None:
            return Count(len(sample.found))
        if where.wanted_words() or len(sample.found) > MOST_LOOKED_AT:
            return _about(search, sample)
    if search.is_by_words:
        places = search.latest(MOST_LOOKED_AT + 1)
        return _about_by_time(connection, where, [place.last_active_at for place in places])
    most = MOST_LOOKED_AT if where.has_words() else MOST_EXACT
    number = search.count_up_to(most + 1)
    if number <= most:
        return Count(number)
    return _about(search, _sample(connection, where), number)


def _sample(connection: Connection, where: Filter) -> Portion:
    """Return what matches of the newest sessions of the initiators that are meant."""
    own = initiated(_s.initiator_id, where)
    return look(connection, where.between(None, None), PORTION, None, *own)


def _about_by_time(connection: Connection, where: Filter, times: Sequence[int]) -> Count:
    """Return how many match: about, if more than a few, by how close the newest stand in time.

    The very newest count less: sessions that still go on stand together there.
    """
    if len(times) <= MOST_LOOKED_AT:
        return Count(len(times))
    rate = (len(times) // 2) / max(1, times[len(times) // 2] - times[-1])
    about = round(rate * _meant(where, *_on_record(connection)))
    return Count(max(about, len(times)), is_estimate=True)


def _about(search: Search, sample: Portion, least: int = 0) -> Count:
    """Return about how many sessions match, by how many of a sample do."""
    connection, where = search.connection, search.where
    number = count_counted(connection, where.initiators()) * share_of_time(connection, where)
    about = number / _calls_a_session(search) * len(sample.found) / max(1, sample.size)
    return Count(max(round(about), least, len(sample.found)), is_estimate=True)


def _calls_a_session(search: Search) -> float:
    """Return how many interceptions those sessions have that were over before the newest began.

    Among the newest the long ones are too many, as these still go on.
    """
    newest_first = select(_s.interceptions).where(*initiated(_s.initiator_id, search.where))
    over = newest_first.where(_s.last_active_at <= search.last_active - search.usual_length)
    for some in (over, newest_first):
        numbers = search.connection.scalars(listed(some, None, PORTION)).all()
        if numbers:
            return float(sum(numbers) / len(numbers))
    return 1.0


def count_counted(connection: Connection, where: Filter) -> int:
    """Return how many there are by the kinds and initiators that are meant, whatever else is."""
    counted = initiator_kinds.c
    conditions = initiated(counted.initiator_id, where)
    if where.kinds() != EVERYTHING:
        # All rows are read, as they lie: there are few of them, and an index would lead to each.
        conditions.append((counted.kind_id + 0).in_(chosen_kinds(where)))
    total = func.coalesce(func.sum(counted.interceptions), 0)
    return int(connection.execute(select(total).where(*conditions)).scalar_one())


def _estimate(connection: Connection, where: Filter) -> int:
    number = count_counted(connection, where) * share_of_time(connection, where)
    return round(number * _share_of_newest(connection, where))


def share_of_time(connection: Connection, where: Filter) -> float:
    """Return how much of the time on record is meant, from 0 to 1."""
    if where.times() == EVERYTHING:
        return 1.0
    first, last = _on_record(connection)
    return 1.0 if first == last else _meant(where, first, last) / (last - first)


def _on_record(connection: Connection) -> tuple[int, int]:
    """Return when the first and the last interception on record started; 0 where there is none."""
    moments = select(_c.started_at).where(_c.ended_at.is_not(None)).limit(1)
    first = connection.scalar(moments.order_by(_c.started_at, _c.id)) or 0
    last = connection.scalar(moments.order_by(_c.started_at.desc(), _c.id.desc())) or 0
    return first, last


def _meant(where: Filter, first: int, last: int) -> int:
    """Return how long the time is that is meant, of that between two moments."""
    begin = first if where.started_after is None else max(first, where.started_after)
    end = last if where.started_before is None else min(last, where.started_before)
    return max(0, end - begin)


def _share_of_newest(connection: Connection, where: Filter) -> float:
    """Return how many of the newest match among those of the time, kinds and initiators meant."""
    times = where.times()
    known = where.counted().between(times.started_after, times.started_before)
    if where == known:
        return 1.0
    places = newest.Search(connection, known).newest(SAMPLE)
    if not places:
        return 0.0
    meanwhile = Span(places[-1].started_at, where.started_before)
    found = select(_c.id).where(*matching(where, meanwhile))
    these = found.where(among(connection, _c.id, [place.id for place in places]))
    return count_up_to(connection, these, SAMPLE) / len(places)
