"""Checking whether the sums that are kept agree with the rows that they are sums of.

It reads the record once, along the index by session, a portion of sessions at a time.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, case, func, literal_column, select
from sqlalchemy.exc import DatabaseError as EngineError

from aibridge.store.engine.database import Database, DatabaseError
from aibridge.store.engine.errors import said
from aibridge.store.engine.servers import only_server
from aibridge.store.record import partitions
from aibridge.store.record.threads import beginning_threads
from aibridge.store.record.used import used_sums
from aibridge.store.schema.accounts import TOKEN, charged_accounts, parse_name
from aibridge.store.schema.measures import DAY
from aibridge.store.schema.rows import DAILY_KEYS, USED, DailyUsageRow
from aibridge.store.schema.tables import (
    account_spend,
    daily_usage,
    initiator_kinds,
    interceptions,
    kinds,
    sessions,
    token_usages,
)
from aibridge.store.search.index import NAME

BATCH = 500
"""Sessions that are looked at together."""

Key = tuple[str, str]
"""The id and the initiator of a session."""
Kinds = Counter[tuple[str, int]]
"""How many interceptions there are of an initiator and a kind."""

Days = defaultdict[tuple[Any, ...], Counter[str]]
"""What interceptions of a person, day, group, annotations and facet sum up to.

A facet has no shape.
"""

_c, _s, _used = interceptions.c, sessions.c, token_usages.c
_DAY = (
    _c.initiator_id,
    _c.ended_at // literal_column(str(DAY), BigInteger),
    _c.group_id,
    _c.annotation_id,
    _c.kind_id,
)
_SUMS = DailyUsageRow._fields[DAILY_KEYS:]


class _Range(NamedTuple):
    """Sessions whose ids come after one and not after another; without one there is no bound."""

    after: str | None
    last: str | None

    def of(self, column: ColumnElement[str]) -> list[ColumnElement[bool]]:
        after = [] if self.after is None else [column > self.after]
        return after if self.last is None else [*after, column <= self.last]


def disagreements(
    connection: Connection, looked_at: Callable[[int], object] = lambda _: None
) -> Iterator[str]:
    """Yield what does not agree, a sentence each; to be asked of one state of the data.

    ``looked_at`` is told how many more sessions have been looked at.
    """
    numbers: Kinds = Counter()
    days, facets = Days(Counter), _facets(connection)
    for portion in _ranges(connection):
        kept, real = _kept(connection, portion), _real(connection, portion, numbers)
        _add_days(connection, portion, facets, days)
        for key in sorted(kept.keys() | real.keys()):
            yield from _compared(key, kept.get(key), real.get(key))
        looked_at(len(kept))
    yield from _compared_kinds(connection, numbers)
    yield from _compared_days(connection, facets, days)
    yield from _compared_accounts(connection)


def _ranges(connection: Connection) -> Iterator[_Range]:
    """Cut all session ids into ranges, of which the outermost have no bound."""
    after, ids = None, select(_s.id).distinct().order_by(_s.id).limit(BATCH)
    while len(found := list(connection.scalars(ids.where(*_Range(after, None).of(_s.id))))):
        if len(found) < BATCH:
            break
        yield _Range(after, found[-1])
        after = found[-1]
    yield _Range(after, None)


def _kept(connection: Connection, portion: _Range) -> dict[Key, dict[str, int]]:
    names = ("threads", "interceptions", "tokens", *USED)
    rows = select(_s.id, _s.initiator_id, *(_s[name] for name in names)).where(*portion.of(_s.id))
    return {
        (row[0], row[1]): dict(zip(names, row[2:], strict=True)) for row in connection.execute(rows)
    }


def _real(connection: Connection, portion: _Range, kinds: Kinds) -> dict[Key, Counter[str]]:
    """Return the sums of the rows, and add to the numbers of ``kinds``."""
    sums: defaultdict[Key, Counter[str]] = defaultdict(Counter)
    for id_, initiator, kind, threads, calls, tokens in connection.execute(_calls(portion)):
        kinds[initiator, kind] += calls
        sums[id_, initiator].update(threads=threads, interceptions=calls, tokens=int(tokens))
    for id_, initiator, *numbers in connection.execute(_usages(portion)):
        sums[id_, initiator].update(dict(zip(USED, map(int, numbers), strict=True)))
    return sums


def _calls(portion: _Range) -> Any:  # noqa: ANN401 - rows as `_real` takes them
    key = (_c.session_id, _c.initiator_id, _c.kind_id)
    threads = func.sum(case((beginning_threads(_c), 1), else_=0))
    return (
        select(*key, threads, func.count(), func.sum(_c.tokens))
        .where(_c.ended_at.is_not(None), *portion.of(_c.session_id))
        .group_by(*key)
    )


def _usages(portion: _Range) -> Any:  # noqa: ANN401 - rows as `_real` takes them
    key = (_c.session_id, _c.initiator_id)
    return (
        select(*key, *used_sums())
        .join_from(interceptions, token_usages, _used.interception_id == _c.id)
        .where(_c.ended_at.is_not(None), *portion.of(_c.session_id))
        .group_by(*key)
    )


def _compared(
    key: Key, kept: Mapping[str, int] | None, real: Mapping[str, int] | None
) -> Iterator[str]:
    session = f"session {key[0]!r} of {key[1]}"
    if kept is None:
        yield f"{session} is not there, but interceptions of it are"
        return
    for name, number in kept.items():
        found = 0 if real is None else real.get(name, 0)
        if number != found:
            yield f"{session}: {name} is {number}, its interceptions have {found}"


def _compared_kinds(connection: Connection, real: Kinds) -> Iterator[str]:
    rows = connection.execute(select(initiator_kinds))
    kept: Kinds = Counter({(initiator, kind): number for initiator, kind, number in rows})
    for initiator, kind in sorted(kept.keys() | real.keys(), key=str):
        has, found = kept[initiator, kind], real[initiator, kind]
        if has != found:
            yield f"kind {kind} of {initiator}: interceptions is {has}, there are {found}"


def _facets(connection: Connection) -> dict[int | None, tuple[str, ...]]:
    """Return the facets of all kinds by their numbers."""
    return {row.id: tuple(row[1:5]) for row in connection.execute(select(kinds))}


def _add_days(
    connection: Connection,
    portion: _Range,
    facets: Mapping[int | None, tuple[str, ...]],
    days: Days,
) -> None:
    """Add up what interceptions of some sessions have used on each day."""
    mine = (_c.ended_at.is_not(None), *portion.of(_c.session_id))
    calls = select(*_DAY, func.count()).where(*mine).group_by(*_DAY)
    usages = select(*_DAY, *used_sums()).join_from(
        interceptions, token_usages, _used.interception_id == _c.id
    )
    for names, query in ((_SUMS[:1], calls), (USED, usages.where(*mine).group_by(*_DAY))):
        for who, day, group, annotation, kind, *numbers in connection.execute(query):
            key = (who, day, group, annotation or 0, facets.get(kind))
            days[key].update(dict(zip(names, map(int, numbers), strict=True)))


def _compared_days(
    connection: Connection, facets: Mapping[int | None, tuple[str, ...]], real: Days
) -> Iterator[str]:
    """Yield which usage of a day is less than that of what is on record; the rest was purged."""
    kept = {
        (who, day // DAY, group, annotation, facets.get(kind)): dict(
            zip(_SUMS, numbers, strict=True)
        )
        for who, day, group, kind, annotation, *numbers in connection.execute(select(daily_usage))
    }
    for key in sorted(real, key=str):
        for name in _SUMS:
            has, found = kept.get(key, {}).get(name, 0), real[key][name]
            if has < found:
                day = _date(key[1] * DAY)
                yield f"usage of {key[0]} on {day}: {name} is {has}, its calls have {found}"


def _compared_accounts(connection: Connection) -> Iterator[str]:
    """Yield on which days groups, or all tokens, have not spent what users have."""
    day, group, cost = daily_usage.c.day, daily_usage.c.group_id, daily_usage.c.cost_micros
    real: Counter[tuple[str, int]] = Counter()
    for of_group, at, micros in connection.execute(
        select(group, day, func.sum(cost)).group_by(group, day)
    ):
        for name in charged_accounts(of_group, None):
            real[name, at] += int(micros)
    kept: Counter[tuple[str, int]] = Counter()
    for name, at, micros in connection.execute(select(account_spend)):
        kind = parse_name(name).kind
        kept[f"{TOKEN}:" if kind == TOKEN else name, at] += micros
    for name, at in sorted(kept.keys() | real.keys()):
        has, found = kept[name, at], real[name, at]
        if has != found:
            told = "all tokens" if name == f"{TOKEN}:" else name
            yield f"spending of {told} on {_date(at)}: {has}, that of users is {found}"


def _date(day: int) -> str:
    return f"{datetime.fromtimestamp(day // 1_000_000, UTC):%Y-%m-%d}"


_LOOKS_INTO_INDEXES = (3, 44, 0)
"""The release of SQLite whose quick check looks into the index of texts too."""
_INVALID = """SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON oid = indexrelid
 WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace ORDER BY 1"""
SERVED = "the index of texts was not looked at: that would hold up the bridge that is serving"


def faults(database: Database) -> Iterator[str]:
    """Yield what is not as it should be, a sentence each.

    The database is reached at least; what is wrong with that is raised as always.
    """
    if database.is_postgresql:
        yield from _missing_partitions(database)
        yield from _invalid_indexes(database)
    else:
        yield from _sqlite_faults(database)


def left_out(database: Database) -> list[str]:
    """Return what `faults` does not look at now, a sentence each."""
    return [SERVED] if _needs_lock(database) and _is_served(database) else []


def _needs_lock(database: Database) -> bool:
    return not database.is_postgresql and sqlite3.sqlite_version_info < _LOOKS_INTO_INDEXES


def _is_served(database: Database) -> bool:
    try:
        with only_server(database):
            return False
    except DatabaseError:
        return True


def _missing_partitions(database: Database) -> Iterator[str]:
    for name in partitions.missing(database, datetime.now(UTC)):
        yield f"the partition {name} is missing: `aibridge db upgrade` makes it"


def _invalid_indexes(database: Database) -> Iterator[str]:
    with database.read() as connection:
        for name in connection.exec_driver_sql(_INVALID).scalars():
            yield f"the index {name} is not valid: `REINDEX INDEX {name}` makes it anew"


def _sqlite_faults(database: Database) -> Iterator[str]:
    try:
        with database.read() as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check").scalars().all()
        yield from (f"the file is damaged: {line}" for line in found if line != "ok")
        if _needs_lock(database) and not _is_served(database):
            _look_into_index(database)
    except EngineError as error:
        yield f"the file is damaged: {said(error)}"


def _look_into_index(database: Database) -> None:
    """Raise an error where the index of texts is not as it should be; nobody writes meanwhile."""
    with database.write() as connection:
        sql = f"INSERT INTO {NAME} ({NAME}) VALUES ('integrity-check')"  # noqa: S608 - our name
        connection.exec_driver_sql(sql)
