"""Warnings about files whose mode lets other users of the machine at secrets or at the record."""

import re
import shlex
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aibridge.providers import encryption
from aibridge.providers.settings import is_literal
from aibridge.settings import Settings, config_file, read_file
from aibridge.store.engine.database import database_file

_PRIVATE = 0o077
"""Of the record: neither the group nor others may do anything with it."""
_READ_BY_OTHERS = 0o006
"""Of secrets, which an administrator may own and a service read through its group."""
_WRITTEN_BY_OTHERS = 0o002

_PASSWORD = re.compile(r"://[^@/]*:[^@/]+@|[?&]password=")


@dataclass(frozen=True, slots=True)
class _File:
    """A file, the bits of its mode that are too many, and what chmod is told to mend it."""

    name: str
    path: Path
    forbidden: int
    mended: str


def mode_warnings(settings: Settings, config: Path | None, environ: Mapping[str, str]) -> list[str]:
    """Return a line for each file that is open to others, with the command that closes it.

    ``config`` is what `aibridge.settings.load` was given.
    """
    files = [
        *_of_the_record(settings),
        *_of_the_settings(config_file(config, environ), environ),
        *_of_the_certificate(settings),
    ]
    return [line for file in files for line in _complaints(file)]


def _of_the_record(settings: Settings) -> Iterator[_File]:
    yield _File("the data directory", settings.data_dir, _PRIVATE, "700")
    yield _File("the journal's directory", settings.journals, _PRIVATE, "700")
    if database := database_file(settings.database_url):
        yield _File("the database", database, _PRIVATE, "600")


def _of_the_settings(config: Path | None, environ: Mapping[str, str]) -> Iterator[_File]:
    """Yield the configuration file, and the files of secrets that are named there or outside."""
    values = {} if config is None else read_file(config)
    keys = _api_keys(values)
    if config is not None:
        is_secret = any(map(is_literal, keys)) or _has_password(values.get("database_url"))
        yield _configuration(config.expanduser(), is_secret=is_secret)
    urls = (values.get("database_url"), environ.get("AIBRIDGE_DATABASE_URL"))
    for text in (*keys, *urls, environ.get(encryption.VARIABLE)):
        if isinstance(text, str) and text.startswith("file:"):
            path = Path(text.removeprefix("file:")).expanduser()
            yield _File("the file of a secret", path, _READ_BY_OTHERS, "o-rwx")


def _of_the_certificate(settings: Settings) -> Iterator[_File]:
    if settings.tls_key is not None:
        yield _File("the TLS key", settings.tls_key, _READ_BY_OTHERS, "o-rwx")


def _configuration(path: Path, *, is_secret: bool) -> _File:
    """Return the configuration file; whoever writes it has keys sent to an address of theirs."""
    if is_secret:
        return _File("the configuration file (with secrets)", path, _READ_BY_OTHERS, "o-rwx")
    return _File("the configuration file", path, _WRITTEN_BY_OTHERS, "o-w")


def _has_password(database_url: object) -> bool:
    return isinstance(database_url, str) and _PASSWORD.search(database_url) is not None


def _api_keys(values: Mapping[str, Any]) -> list[str]:
    """Return the texts of ``api_keys``. They may be anything where the environment has others."""
    providers = _listed(values.get("providers"))
    keys = [
        _listed(provider.get("api_keys")) for provider in providers if isinstance(provider, dict)
    ]
    return [key for some in keys for key in some if isinstance(key, str)]


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _complaints(file: _File) -> Iterator[str]:
    try:
        mode = stat.S_IMODE(file.path.stat().st_mode)
    except OSError:  # not there yet, or not to be seen: whoever needs it will say so
        return
    if mode & file.forbidden:
        yield (
            f"{file.name} {file.path} is open to other users of this machine (mode {mode:04o}); "
            f"close it with: chmod {file.mended} {shlex.quote(str(file.path))}"
        )
