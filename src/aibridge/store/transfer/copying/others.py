"""Who else uses a database: a copy is of one moment, and goes where nobody is yet.

Nor may calls wait beside its file that are not in it.
"""

import fcntl
import os
import time
from pathlib import Path

from sqlalchemy import Connection, select, text

from aibridge.journal.catching_up import ends
from aibridge.journal.folders import id_of
from aibridge.store.schema.tables import journals

PATIENCE_SECONDS = 5.0
"""How long PostgreSQL may take to notice that a process is gone."""
_PAUSE_SECONDS = 0.1

_OTHERS = """SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'aibridge' AND pid <> pg_backend_pid()"""


def is_used(connection: Connection, file: Path | None) -> bool:
    """Say whether another aibridge uses a database now: a PostgreSQL, or an SQLite ``file``."""
    if connection.dialect.name == "postgresql":
        return bool(connection.execute(text(_OTHERS)).scalar_one())
    return file is not None and _is_locked(Path(f"{file}.lock"))


def is_left(connection: Connection) -> bool:
    """Wait for a while until nobody else uses a PostgreSQL; false if somebody stays."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while is_used(connection, None):
        if time.monotonic() > give_up:
            return False
        connection.execute(text("SELECT pg_stat_clear_snapshot()"))
        time.sleep(_PAUSE_SECONDS)
    return True


def _is_locked(lock: Path) -> bool:
    """Say whether somebody holds a lock; see `aibridge.store.engine.servers`. Makes no file."""
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


_JOURNALS = "journal"


def has_waiting_calls(connection: Connection, folder: Path) -> bool:
    """Say whether the journals of a data directory, or an old spool there, have more."""
    found = {id_of(path): end for path, end in ends(folder / _JOURNALS).items()}
    rows = connection.execute(select(journals.c.id, journals.c.applied))
    read = {id_: applied for id_, applied in rows}  # noqa: C416 - rows, and no pairs, for mypy
    is_behind = any(read.get(id_, 0) < end for id_, end in found.items())
    return is_behind or any(folder.glob("spool*.db"))
