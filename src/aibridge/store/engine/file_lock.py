"""One server a file: SQLite has no way to tell the running calls of several apart."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aibridge.store.engine.database import Database, DatabaseError


@contextmanager
def only_server(database: Database) -> Iterator[None]:
    """Be the one server of an SQLite file, or raise `DatabaseError`.

    It is known by a lock on a file beside it, which is free again however the server ends.
    PostgreSQL may have any number of servers: see `aibridge.store.engine.servers`.
    """
    if database.file is not None:
        with _file_lock(database.file):
            yield
    else:
        yield


@contextmanager
def _file_lock(file: Path) -> Iterator[None]:
    lock = Path(f"{file}.lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DatabaseError(f"cannot create {lock}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DatabaseError(f"another aibridge is serving the database {file}") from error
    else:
        yield
    finally:
        os.close(descriptor)
