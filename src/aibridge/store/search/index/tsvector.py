"""The index of texts in PostgreSQL: a table of tsvectors.

The words and their places are found here and not by the engine's parser, which sees addresses,
hyphens and numbers where FTS5 sees words, and goes by the database's locale.

A tsvector knows 16,383 places, and 255 of each word. Words beyond are found, and phrases are not.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Select,
    String,
    Table,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

from aibridge.store.schema.rows import TextRow
from aibridge.store.schema.tables import Time
from aibridge.store.search.index.words import COLUMNS, Words, words

NAME = "text_index"
PLACES = 16_000
"""Words of a text whose places are kept, so that phrases are found among them."""
NEWEST = 1000
"""Texts in which a frequent word stands."""
MOST_BYTES = 2_000
"""Bytes of a word: what is beyond does not count."""
_LONG = MOST_BYTES // 4

_KEY = ("started_at", "interception_id")
_ARRAYS = ", ".join(["%s::bigint[]", "%b::text[]", *["%b::text[]"] * len(COLUMNS)])
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
    *(Column(name, TSVECTOR, nullable=False) for name in COLUMNS),
    PrimaryKeyConstraint(*_KEY, name=f"pk_{NAME}"),
    Index(f"ix_{NAME}_words", *COLUMNS, postgresql_using="gin"),
    postgresql_partition_by="RANGE (started_at)",
)


def add(cursor: Any, rows: Sequence[TextRow]) -> None:  # noqa: ANN401 - psycopg's, of any row
    """Index texts, within the transaction that writes what they belong to."""
    indexed = [vectors for row in rows if any((vectors := _vectors(row))[2:])]
    if indexed:  # a text may be without a word
        cursor.execute(_INSERT, [list(values) for values in zip(*indexed, strict=True)])


def remove(cursor: Any, row: TextRow) -> None:  # noqa: ANN401 - psycopg's, of any row
    """Take out what was added for an interception."""
    cursor.execute(_DELETE, (row.started_at, row.interception_id))


def remove_many(connection: Connection, starts: Sequence[int], ids: Sequence[str]) -> None:
    """Take out what was added for some interceptions, at least one, by their starts and ids."""
    values = (list(starts), list(ids), min(starts), max(starts))
    connection.exec_driver_sql(_DELETE_MANY, values)


def _vectors(row: TextRow) -> tuple[str | int, ...]:
    """Return the row of the index for one interception's texts."""
    return (row.started_at, row.interception_id, *map(_vector, row[2:]))


def _vector(text: str) -> str:
    """Return a tsvector, as the engine reads it, that holds the words of a text."""
    found = _bounded(words(text))
    places = [f"{word}:{at}" for at, word in enumerate(found[:PLACES], 1)]
    return " ".join(places + found[PLACES:])


def _bounded(words_: list[str]) -> list[str]:
    """Return words of which none is too long for the engine."""
    if max(map(len, words_), default=0) <= _LONG:
        return words_
    return [word.encode()[:MOST_BYTES].decode(errors="ignore") for word in words_]


def has_word(connection: Connection, name: str, word: str) -> bool:
    """Return whether a word, or one that begins so where it ends in ``*``, stands in any text.

    The index has all texts of a word at once, so that of a frequent one is looked at the newest.
    """
    stands = _stands(text_index.c[name], literal(any_of([word]))).label("stands")
    newest = select(stands).order_by(text_index.c.started_at.desc()).limit(NEWEST).subquery()
    near = select(newest.c.stands).where(newest.c.stands).limit(1)
    anywhere = select(func.count() > 0).select_from(text_index).where(stands)
    return any(connection.scalar(found) for found in (near, anywhere))


def found(words_: Words, times: tuple[int, int], *, looked_up: bool = False) -> Select[Any]:
    """Return a query for the ids of what has the words and started in a span of time.

    Texts are ``looked_up`` by the words, or else all of that time are read for these: the planner,
    which takes every phrase for rare, is not to choose.
    """
    c = text_index.c
    stands = _stand(c, words_)
    return select(c.interception_id).where(
        stands if looked_up else opaque(stands), c.started_at.between(*times)
    )


def finds(
    started_at: ColumnElement[int], id_: ColumnElement[str], words_: Words
) -> ColumnElement[bool]:
    """Return whether the words stand in the texts of one interception."""
    its = text_index.alias("its_texts").c
    mine = (its.started_at == started_at, its.interception_id == id_)
    found = select(its.started_at).where(*mine, opaque(_stand(its, words_))).correlate(id_.table)
    # With an OFFSET one text is looked at: the planner would rather join all that have the words.
    return found.offset(literal_column("0")).exists()


def _stand(columns: Any, words_: Words) -> ColumnElement[bool]:  # noqa: ANN401 - of the table
    """Return whether the words stand in columns of a row."""
    return and_(*(_stands(columns[name], literal(any_of(some))) for name, some in words_.items()))


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
