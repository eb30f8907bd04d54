"""Writing many rows with one statement on PostgreSQL: a column of all rows is one parameter."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from aibridge.store.record.statements import Write

if TYPE_CHECKING:
    import psycopg


def write_many(cursor: "psycopg.Cursor[Any]", write: Write, rows: Sequence[Sequence[Any]]) -> None:
    """Run a statement that takes arrays for its columns for all rows."""
    if not rows:
        return
    if not write.key:
        cursor.execute(write.sql, _columns(write, rows))
        return
    for portion in _portions(rows, write.key):
        cursor.execute(write.sql, _columns(write, portion))


def _columns(write: Write, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Return the parameters, with the least and the greatest key where the statement wants them."""
    columns: dict[str, Any] = dict(
        zip(write.columns, map(list, zip(*rows, strict=True)), strict=True)
    )
    if write.bounded:
        keys = columns[write.bounded]
        columns |= {"least": min(keys), "greatest": max(keys)}
    return columns


def _portions(
    rows: Sequence[Sequence[Any]], key: Sequence[int]
) -> Iterator[Sequence[Sequence[Any]]]:
    """Cut rows so that none of a portion has the key of another, which one statement must not.

    Each is in the order of its keys: two writers that meet wait for each other, and not in a ring.
    """
    seen: Counter[tuple[Any, ...]] = Counter()
    portions: list[list[Sequence[Any]]] = []
    for row in rows:
        mine = tuple(cleaned(row[number]) for number in key)
        if seen[mine] == len(portions):
            portions.append([])
        portions[seen[mine]].append(row)
        seen[mine] += 1
    for portion in portions:
        yield sorted(portion, key=lambda row: [row[number] for number in key])


def cleaned(value: Any) -> Any:  # noqa: ANN401 - a value of any column
    """Return a value as the database takes it: see `aibridge.store.engine.postgresql_texts`."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
