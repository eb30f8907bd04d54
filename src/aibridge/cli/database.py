"""What the commands share that work on the database directly: options, settings, clear errors."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from aibridge.cli.output import fail
from aibridge.identity.errors import IdentityError
from aibridge.settings import Settings, SettingsError, load
from aibridge.store.database import Database, DatabaseError
from aibridge.store.migrations import NewerSchemaError
from aibridge.store.users import DRIVER_ERRORS, Connection

Config = Annotated[
    Path | None, typer.Option(help="The TOML file of options; aibridge.toml if it is there.")
]
DataDir = Annotated[str | None, typer.Option(help="Where the bridge keeps its files.")]
DatabaseURL = Annotated[str | None, typer.Option(help="The database, sqlite:///PATH.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn the errors that an administrator can cause or mend into one line each."""
    try:
        yield
    except (SettingsError, DatabaseError, NewerSchemaError, IdentityError) as error:
        fail(str(error))
    except DRIVER_ERRORS as error:  # its own text would repeat the statement and its values
        fail(f"the database cannot be used: {getattr(error, 'orig', None) or type(error).__name__}")


def load_settings(
    config: Path | None, flags: Mapping[str, Any], *, read_keys: bool = True
) -> Settings:
    """Read the settings of this process; see `aibridge.settings.load`."""
    return load(config, os.environ, flags, read_keys=read_keys)


@contextmanager
def open_database(
    config: Path | None, data_dir: str | None, database_url: str | None
) -> Iterator[Database]:
    """Yield the database that the settings name, up to date; errors end the program clearly."""
    flags = {"data_dir": data_dir, "database_url": database_url}
    with clear_errors():
        settings = load_settings(config, flags, read_keys=False)
        database = Database(settings.database_url)
        try:
            database.upgrade()
            yield database
        finally:
            database.close()


@contextmanager
def writing(
    config: Path | None, data_dir: str | None, database_url: str | None
) -> Iterator[Connection]:
    """Yield a connection to that database whose changes are kept if nothing goes wrong."""
    with open_database(config, data_dir, database_url) as database, database.write() as connection:
        yield connection
