"""What is known before a bridge starts: whether its files can be, and how commands reach them.

Nothing is made, opened for writing or warned of before this is known, so that a mistyped name
leaves no trace and a file of something else stays as it is.
"""

import shlex
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aibridge.settings import CONFIG_VARIABLE, Settings, config_file, read_file
from aibridge.store.engine.addresses import shown
from aibridge.store.engine.database import DatabaseError, database_file, parts

_SQLITE = b"SQLite format 3\0"
"""How a database file begins, unless it is empty.

Source: https://www.sqlite.org/fileformat.html, section 1.3.
"""


def check_places(settings: Settings) -> None:
    """Raise `DatabaseError` for files that cannot be, or that a typing error would make anew.

    The folder of a database that is named has to be there. Of a data directory that is named only
    the last part is made; the usual one is made with all its parts.
    """
    file = database_file(settings.database_url)
    try:
        _check_data_dir(settings.data_dir, is_named="data_dir" in settings.model_fields_set)
        if file is not None:
            _check_file(file)
            if "database_url" in settings.model_fields_set:
                _check_folder(file.parent, f"the database {file}")
    except OSError as error:
        raise DatabaseError(f"{error.filename} cannot be read: {error.strerror}") from error


def _check_data_dir(folder: Path, *, is_named: bool) -> None:
    if folder.exists():
        if not folder.is_dir():
            raise DatabaseError(f"the data directory {folder} is not a directory")
    elif is_named:
        _check_folder(folder.parent, f"the data directory {folder}")


def _check_folder(folder: Path, what: str) -> None:
    if not folder.is_dir():
        raise DatabaseError(
            f"{what} cannot be made: there is no directory {folder}; if the name is right, make it "
            "first"
        )


def _check_file(file: Path) -> None:
    if not file.exists():
        return
    mode = file.stat().st_mode
    if stat.S_ISDIR(mode):
        raise DatabaseError(f"the database {file} is a directory")
    if not stat.S_ISREG(mode):
        raise DatabaseError(f"the database {file} is not a file")
    with file.open("rb") as opened:
        if opened.read(len(_SQLITE)) not in {b"", _SQLITE}:
            raise DatabaseError(f"the database {file} is not an SQLite database")


def database_options(
    config: Path | None, flags: Mapping[str, Any], environ: Mapping[str, str]
) -> str:
    """Return the options by which a command reaches the database of a start, as a shell reads them.

    They stand for what was named by a flag, by a variable or in the configuration file. Paths are
    absolute, and a password is left out, so that it is neither shown nor kept in a history.
    """
    file = config_file(config, environ)
    named = {
        "--config": file if file is not None and _decides(file, config, environ) else None,
        "--data-dir": flags["data_dir"] or environ.get("AIBRIDGE_DATA_DIR"),
    }
    options = {
        name: str(Path(path).expanduser().absolute()) for name, path in named.items() if path
    }
    if url := flags["database_url"] or environ.get("AIBRIDGE_DATABASE_URL"):
        options["--database-url"] = _copied(url)
    return "".join(f" {name} {shlex.quote(value)}" for name, value in options.items())


def _decides(file: Path, config: Path | None, environ: Mapping[str, str]) -> bool:
    """Say whether a configuration file was named, or names the database."""
    is_named = config is not None or bool(environ.get(CONFIG_VARIABLE))
    return is_named or not {"data_dir", "database_url"}.isdisjoint(read_file(file))


def _copied(url: str) -> str:
    """Return a database's address as another command can have it, its password left out."""
    if url.startswith("file:"):
        return f"file:{Path(url.removeprefix('file:')).absolute()}"
    address = parts(url)
    if address.get_backend_name() == "sqlite":
        return shown(address)
    public = address.difference_update_query(["password"])._replace(password=None)
    return public.render_as_string()
