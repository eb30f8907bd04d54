"""The index of texts in PostgreSQL: a table of tsvectors.

The words and their places are found here and not by the engine's parser, which sees addresses,
hyphens and numbers where FTS5 sees words, and goes by the database's locale.

A tsvector knows 16,383 places, and 255 of each word. A longer text lies in several rows, which
overlap, so that phrases are found where they are cut too, if they are not longer than that.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Select,
    String,
    Table,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

from aibridge.store.rows import TextRow
from aibridge.store.schema import Time
from aibridge.store.text_index.words import COLUMNS, Words, words

NAME = "text_index"
MOST_WORDS = 16_000
MOST_OF_ONE = 250
OVERLAP = 64
"""Words that a row begins with and the row before it ends with."""
MOST_BYTES = 2_000
"""Bytes of a word: what is beyond does not count."""
_LONG = MOST_BYTES // 4

_KEY = ("started_at", "interception_id", "portion")
_ARRAYS = ", ".join(["%s::bigint[]", "%b::text[]", "%s::integer[]", *["%b::text[]"] * len(COLUMNS)])
_NAMES = ", ".join((*_KEY, *COLUMNS))
_INSERT = (
    f"INSERT INTO {NAME} ({_NAMES}) "  # noqa: S608 - our names
    f"SELECT {', '.join(_KEY)}, {', '.join(f'{name}::tsvector' for name in COLUMNS)} "
    f"FROM unnest({_ARRAYS}) AS new ({_NAMES})"
)

_DELETE = f"DELETE FROM {NAME} WHERE started_at = %s AND interception_id = %s"  # noqa: S608
_DELETE_MANY = (
    f"DELETE FROM {NAME} USING unnest(%s::bigint[], %s::text[]) AS gone (started_at, id) "  # noqa: S608
    f"WHERE {NAME}.started_at = gone.started_at AND {NAME}.interception_id = gone.id "
    f"AND {NAME}.started_at BETWEEN %s AND %s"  # so that other partitions are not looked at
)

text_index = Table(
    NAME,
    MetaData(),
    Column("started_at", Time, primary_key=True, autoincrement=False),
    Column("interception_id", String(36), primary_key=True),
    Column("portion", Integer, primary_key=True, autoincrement=False),
    *(Column(name, TSVECTOR, nullable=False) for name in COLUMNS),
    PrimaryKeyConstraint(*_KEY, name=f"pk_{NAME}"),
    Index(f"ix_{NAME}_words", *COLUMNS, postgresql_using="gin"),
    postgresql_partition_by="RANGE (started_at)",
)


def add(cursor: Any, rows: Sequence[TextRow]) -> None:  # noqa: ANN401 - psycopg's, of any row
    """Index texts, within the transaction that writes what they belong to."""
    portions = [portion for row in rows for portion in _portions(row)]
    if portions:  # a text may be without a word
        cursor.execute(_INSERT, [list(values) for values in zip(*portions, strict=True)])


def remove(cursor: Any, row: TextRow) -> None:  # noqa: ANN401 - psycopg's, of any row
    """Take out what was added for an interception."""
    cursor.execute(_DELETE, (row.started_at, row.interception_id))


def remove_many(connection: Connection, starts: Sequence[int], ids: Sequence[str]) -> None:
    """Take out what was added for some interceptions, at least one, by their starts and ids."""
    values = (list(starts), list(ids), min(starts), max(starts))
    connection.exec_driver_sql(_DELETE_MANY, values)


def _portions(row: TextRow) -> Iterator[tuple[str | int, ...]]:
    """Yield the rows of the index for one interception's texts."""
    columns = [_vectors(text) for text in row[2:]]
    for number, vectors in enumerate(zip_longest(*columns, fillvalue="")):
        yield (row.started_at, row.interception_id, number, *vectors)


def _vectors(text: str) -> Iterator[str]:
    """Yield tsvectors, as the engine reads them, that hold the words of a text."""
    bounded = _bounded(words(text))
    fits, start = _fit(bounded), 0
    while start < len(bounded):
        end = len(bounded) if fits else _end(bounded, start)
        yield " ".join([f"{word}:{at}" for at, word in enumerate(bounded[start:end], 1)])
        start = end - OVERLAP if end < len(bounded) else end


def _fit(words_: Sequence[str]) -> bool:
    """Say whether one vector has place for words, as it mostly has."""
    if len(words_) <= MOST_OF_ONE:
        return True
    return len(words_) <= MOST_WORDS and max(Counter(words_).values()) <= MOST_OF_ONE


def _end(words_: Sequence[str], start: int) -> int:
    """Return how far the words reach that have place in the vector which begins at ``start``."""
    counts: Counter[str] = Counter()
    for at in range(start, min(len(words_), start + MOST_WORDS)):
        counts[words_[at]] += 1
        if counts[words_[at]] > MOST_OF_ONE:
            return at
    return min(len(words_), start + MOST_WORDS)


def _bounded(words_: list[str]) -> list[str]:
    """Return words of which none is too long for the engine."""
    if max(map(len, words_), default=0) <= _LONG:
        return words_
    return [word.encode()[:MOST_BYTES].decode(errors="ignore") for word in words_]


def found(words_: Words, least: int, most: int, *, looked_up: bool | None = None) -> Select[Any]:
    """Return a query for the starts and ids of what has the words, newest first.

    It is of those that started from ``least`` to ``most``. One whose texts lie in several rows may
    come several times. Texts are found by the words that are ``looked_up``, or else read for them
    in their order; the planner, which has no idea how many have a phrase, may choose if it is not
    said.
    """
    c = text_index.c
    order = c.started_at + literal_column("0") if looked_up else c.started_at
    (name, values), *others = words_.items()
    stands = _stands(c[name], literal(any_of(values)))
    if looked_up is False:
        stands = opaque(stands)
    return (
        select(c.started_at, c.interception_id)
        .where(stands, c.started_at.between(least, most))
        .where(*(_finds(c.started_at, c.interception_id, *other) for other in others))
        .order_by(order.desc())
    )


def found_once(
    words_: Words, least: int, most: int, *, looked_up: bool | None = None
) -> Select[Any]:
    """Return a query for the same, each once, in no order."""
    c, before = text_index.c, text_index.alias("before")
    name, values = next(iter(words_.items()))
    again = exists().where(
        before.c.started_at == c.started_at,
        before.c.interception_id == c.interception_id,
        before.c.portion < c.portion,
        _stands(before.c[name], literal(any_of(values))),
    )
    once = found(words_, least, most, looked_up=looked_up).where(or_(c.portion == 0, ~again))
    return once.order_by(None)


class Sample(NamedTuple):
    """The newest texts: how many, how many have some words, when the first and last started."""

    texts: int
    number: int
    begin: int
    end: int


def sample(connection: Connection, words_: Words, since: int, size: int) -> Sample:
    """Look into the newest texts that started ``since``, but no more than ``size``."""
    c = text_index.c
    stand = and_(*(_stands(c[name], literal(any_of(some))) for name, some in words_.items()))
    texts = select(c.started_at, stand.label("stand")).where(c.started_at >= since)
    newest = texts.order_by(c.started_at.desc()).limit(size).subquery().c
    numbers = select(
        func.count(),
        func.count().filter(newest.stand),
        func.coalesce(func.min(newest.started_at), since),
        func.coalesce(func.max(newest.started_at), since),
    )
    return Sample(*connection.execute(numbers).one())


def last(connection: Connection, most: int, size: int) -> tuple[int, int] | None:
    """Return between which starts so many texts, the last until ``most``, lie; `None` if fewer."""
    starts = select(text_index.c.started_at).where(text_index.c.started_at <= most)
    latest_first = starts.order_by(text_index.c.started_at.desc()).limit(1)
    begin, end = latest_first.offset(size - 1), latest_first
    found = connection.execute(select(begin.scalar_subquery(), end.scalar_subquery())).one()
    return None if found[0] is None else (found[0], found[1])


def finds(
    started_at: ColumnElement[int], id_: ColumnElement[str], words_: Words
) -> ColumnElement[bool]:
    """Return whether the words stand in the texts of one interception."""
    return and_(*(_finds(started_at, id_, *column) for column in words_.items()))


def _finds(
    started_at: ColumnElement[int], id_: ColumnElement[str], name: str, values: Sequence[str]
) -> ColumnElement[bool]:
    rows = text_index.alias("its_texts")
    mine = (rows.c.started_at == started_at, rows.c.interception_id == id_)
    # The planner takes phrases for rare, and would rather find all of them than look at one text.
    found = exists().where(*mine, opaque(_stands(rows.c[name], literal(any_of(values)))))
    return found.correlate(id_.table)


def _stands(vector: ColumnElement[Any], query: ColumnElement[str]) -> ColumnElement[bool]:
    return vector.bool_op("@@")(cast(query, TSQUERY))


def opaque(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return a condition that rows are looked at for: no index has it, and it becomes no join."""
    return case((condition, true()), else_=false())


def any_of(values: Iterable[str]) -> str:
    """Return a query for texts in which the words of one of the values stand together."""
    return " | ".join(filter(None, map(_phrase, values)))


def _phrase(value: str) -> str:
    phrase = [f"'{word}'" for word in _bounded(words(value))]
    if phrase and value.endswith("*"):
        phrase[-1] += ":*"
    return f"({' <-> '.join(phrase)})" if phrase else ""
