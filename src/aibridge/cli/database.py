"""This machine's own settings and database: reading, opening, clear errors."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aibridge.cli.output import FAILED, fail
from aibridge.journal.folders import JournalError
from aibridge.listener.sockets import ListenError
from aibridge.settings import Settings, SettingsError, load
from aibridge.store.engine.addresses import shown
from aibridge.store.engine.database import Database, DatabaseError, has_tables, is_there, parts
from aibridge.store.engine.errors import DRIVER_ERRORS, said
from aibridge.store.migrations import NewerSchemaError


@contextmanager
def clear_errors(status: int = FAILED) -> Iterator[None]:
    """Turn the errors that an administrator can cause or mend into one line and a status."""
    try:
        yield
    except (SettingsError, ListenError, DatabaseError, NewerSchemaError, JournalError) as error:
        fail(str(error), status)
    except DRIVER_ERRORS as error:  # its own text would repeat the statement and its values
        fail(f"the database cannot be used: {said(error)}", status)


def load_settings(
    config: Path | None, flags: Mapping[str, Any], *, read_keys: bool = True
) -> Settings:
    """Read the settings of this process; see `aibridge.settings.load`."""
    return load(config, os.environ, flags, read_keys=read_keys)


@contextmanager
def open_database(
    config: Path | None, data_dir: str | None, database_url: str | None
) -> Iterator[tuple[Database, Settings]]:
    """Yield the database that the settings name, up to date; errors end the program clearly.

    One that is not there is an error too: of a name that is mistyped it would be a new one, without
    anything in it.
    """
    flags = {"data_dir": data_dir, "database_url": database_url}
    with clear_errors():
        settings = load_settings(config, flags, read_keys=False)
        if not has_tables(settings.database_url):
            raise _none_at(settings.database_url)
        database = Database(settings.database_url)
        try:
            database.upgrade()
            yield database, settings
        finally:
            database.close()


@contextmanager
def untouched_database(
    config: Path | None, data_dir: str | None, database_url: str | None, *, make: bool = False
) -> Iterator[tuple[Database, Settings]]:
    """Yield the database that the settings name, as it is; errors end the program clearly.

    One that is not there is an error too, unless it may be made.
    """
    flags = {"data_dir": data_dir, "database_url": database_url}
    with clear_errors():
        settings = load_settings(config, flags, read_keys=False)
        if not make and not is_there(settings.database_url):
            raise _none_at(settings.database_url)
        database = Database(settings.database_url)
        try:
            yield database, settings
        finally:
            database.close()


def database_of(config: Path | None, data_dir: str | None, database_url: str | None) -> str:
    """Return the address of the database that the settings name, without a password."""
    flags = {"data_dir": data_dir, "database_url": database_url}
    return shown(parts(load_settings(config, flags, read_keys=False).database_url))


def _none_at(url: str) -> DatabaseError:
    return DatabaseError(
        f"there is no database of AI Bridge at {shown(parts(url))}: name another with "
        "--database-url, --data-dir or --config, or a running bridge with --url and --token; "
        "aibridge serve makes a new one"
    )
