"""Look up an interception by a correlation key, with what is needed to complete it later."""

from typing import NamedTuple

from sqlalchemy import Connection, select

from aibridge.store.record.stored import Finality, finality
from aibridge.store.record.writer import MAX_PROMPTS
from aibridge.store.schema.measures import Shape
from aibridge.store.schema.rows import InterceptionRow
from aibridge.store.schema.tables import correlation_keys, interceptions, kinds, user_prompts

_c, _k, _p = interceptions.c, correlation_keys.c, user_prompts.c


class Keyed(NamedTuple):
    """The interception that a key of a person leads to.

    ``prompts`` are its prompts, each with its metadata, and ``unread`` says whether there was more
    that could not be read: both only where a later end may take the place of the one it has.
    """

    row: InterceptionRow
    finality: Finality | None
    """How final its end is, `None` while it has none."""
    prompts: tuple[tuple[str, str], ...] = ()
    unread: bool = False


def find(connection: Connection, initiator_id: str, key: str) -> Keyed | None:
    """Return the interception that had a key of a person last."""
    mine = (_k.initiator_id == initiator_id, _k.key == key)
    id_ = connection.scalar(select(_k.interception_id).where(*mine))
    return None if id_ is None else look(connection, id_)


def look(connection: Connection, id_: str) -> Keyed | None:
    """Return an interception by its id, if it is there."""
    columns = [_c[name] for name in InterceptionRow._fields]
    found = connection.execute(select(*columns, finality()).where(_c.id == id_)).one_or_none()
    if found is None:
        return None
    row = InterceptionRow(*found[:-1])
    if row.ended_at is None:
        return Keyed(row, None)
    final = Finality(found[-1])
    return Keyed(row, final) if final is Finality.FINAL else _with_facts(connection, row, final)


def _with_facts(connection: Connection, row: InterceptionRow, final: Finality) -> Keyed:
    prompts = select(_p.prompt, _p.metadata).where(_p.interception_id == row.id)
    found = connection.execute(prompts.order_by(_p.id).limit(MAX_PROMPTS))
    texts = tuple((text, about) for text, about in found)
    shape = connection.scalar(select(kinds.c.shape).where(kinds.c.id == row.kind_id)) or 0
    return Keyed(row, final, texts, bool(shape & Shape.UNREAD))
