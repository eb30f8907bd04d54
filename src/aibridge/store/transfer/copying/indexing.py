"""Making the index of texts anew, from the texts that were copied."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, func, select, text

from aibridge.store.engine.database import Database
from aibridge.store.schema import tables as schema
from aibridge.store.schema.rows import TextRow
from aibridge.store.search import index as text_index
from aibridge.store.search.texts import MAX_TEXT, text_row
from aibridge.store.transfer.copying import state
from aibridge.store.transfer.copying.tables import AT_ONCE, telling

BATCH = 500
"""Interceptions that are indexed in one transaction."""
ENOUGH = 6 * MAX_TEXT
"""Characters under an interception after which no more are read: six may be one escaped one."""

_c = schema.interceptions.c
_ENDED = select(_c.id, _c.started_at, _c.error_type, _c.error_message).where(
    _c.ended_at.is_not(None)
)


def count(connection: Connection) -> int:
    """Return how many interceptions have ended, which are those that are indexed."""
    ended = select(func.count()).select_from(schema.interceptions)
    return connection.execute(ended.where(_c.ended_at.is_not(None))).scalar_one()


def index(database: Database) -> Iterator[int]:
    """Index what is not indexed yet, and yield each time how many interceptions were looked at."""
    while True:
        with database.write() as connection:
            portion = _portion(connection)
            if not portion:
                return
            rows = list(_texts(connection, portion))
            with telling():
                text_index.add(connection.connection.cursor(), rows)
            state.keep(connection, text_index.NAME, [portion[-1].id])
        yield len(portion)


def forget(connection: Connection) -> None:
    """Empty the index."""
    state.forget(connection, text_index.NAME)
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"TRUNCATE {text_index.NAME}"))
        return
    connection.execute(delete(schema.indexed_interceptions))
    every = f"INSERT INTO {text_index.NAME} ({text_index.NAME}) VALUES ('delete-all')"  # noqa: S608
    connection.exec_driver_sql(every)


def _portion(connection: Connection) -> Sequence[Any]:
    """Return the next ended interceptions, in the order of their ids."""
    last = state.last_key(connection, text_index.NAME)
    after = [] if last is None else [_c.id > last[0]]
    return connection.execute(_ENDED.where(*after).order_by(_c.id).limit(BATCH)).all()


def _texts(connection: Connection, portion: Sequence[Any]) -> Iterator[TextRow]:
    first, last = portion[0].id, portion[-1].id
    prompts = _children(connection, schema.user_prompts, first, last, "prompt")
    tools = _children(connection, schema.tool_usages, first, last, "tool", "input")
    for call in portion:
        row = text_row(
            call.id,
            call.started_at,
            prompt="\n".join(prompt for (prompt,) in prompts[call.id]),
            tools=tools[call.id],
            error=(call.error_type, call.error_message),
        )
        if row is not None:
            yield row


def _children(
    connection: Connection, table: Table, first: str, last: str, *names: str
) -> defaultdict[str, list[Any]]:
    """Return the texts under each interception, as many as count, in the order of recording."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    lengths: Counter[str] = Counter()
    c = table.c
    columns: Iterable[ColumnElement[Any]] = (c[name] for name in names)
    mine = select(c.interception_id, *columns).where(c.interception_id.between(first, last))
    mine = mine.order_by(c.interception_id, c.id).execution_options(yield_per=AT_ONCE)
    for interception_id, *texts in connection.execute(mine):
        if lengths[interception_id] < ENOUGH:
            found[interception_id].append(tuple(text[:MAX_TEXT] for text in texts))
            lengths[interception_id] += sum(map(len, found[interception_id][-1]))
    return found
