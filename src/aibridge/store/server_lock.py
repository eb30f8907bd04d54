"""One server a database: a second one would take the running calls of the first for dead."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aibridge.store.database import Database, DatabaseError

_LOCK = 0x41494272_00000003
"""The advisory lock of the one server."""


@contextmanager
def only_server(database: Database) -> Iterator[None]:
    """Be the one server of a database, or raise `DatabaseError`.

    SQLite's is known by a lock on a file beside it, PostgreSQL's by an advisory lock, which is a
    connection's, so that both are free again however the server ends.
    """
    if database.is_postgresql:
        with _advisory_lock(database):
            yield
    elif database.file is not None:
        with _file_lock(database.file):
            yield
    else:
        yield


@contextmanager
def _file_lock(file: Path) -> Iterator[None]:
    descriptor = os.open(Path(f"{file}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DatabaseError(f"another aibridge is serving the database {file}") from error
    else:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _advisory_lock(database: Database) -> Iterator[None]:
    link = database.link()
    try:
        if not link.select(f"SELECT pg_try_advisory_lock({_LOCK})", {}, 1)[0][0]:
            raise DatabaseError("another aibridge is serving this database")
        yield
    finally:
        link.close()
