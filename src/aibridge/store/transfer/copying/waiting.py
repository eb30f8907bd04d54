"""Whether calls wait beside a database's file that are not in it yet."""

from pathlib import Path

from sqlalchemy import Connection, select

from aibridge.journal.catching_up import ends
from aibridge.journal.folders import id_of
from aibridge.store.schema.tables import journals

_JOURNALS = "journal"


def is_any(connection: Connection, folder: Path) -> bool:
    """Say whether the journals of a data directory, or an old spool there, have more."""
    found = {id_of(path): end for path, end in ends(folder / _JOURNALS).items()}
    rows = connection.execute(select(journals.c.id, journals.c.applied))
    read = {id_: applied for id_, applied in rows}  # noqa: C416 - rows, and no pairs, for mypy
    is_behind = any(read.get(id_, 0) < end for id_, end in found.items())
    return is_behind or any(folder.glob("spool*.db"))
