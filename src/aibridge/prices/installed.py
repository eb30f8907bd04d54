"""The shipped price lists, read from a file that a child process makes.

Making them imports genai-prices, which a process never gets rid of again (30 MB). So who rates
rows, or shows prices, reads what a process of a second has printed.
"""

import os
import subprocess
import sys
from contextlib import suppress
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import mkstemp

import msgspec

from aibridge.prices.catalogue import Catalogue

PACKAGE = "genai-prices"
MODULE = "aibridge.prices.shipped"
SECONDS = 60
"""How long making the lists may take: some half a second on an idle machine."""
_MAX_REASON = 200


class CatalogueError(Exception):
    """The shipped price lists cannot be made; the text says why."""


def installed_catalogue(folder: Path) -> Catalogue:
    """Return the price lists of this installation, from their file in ``folder``.

    Where that is missing, cannot be read or is not whole, the lists are made anew, which takes a
    second, and the file with them. In a folder that cannot be written, or is not there, none is
    left. Raises `CatalogueError`.
    """
    path = folder / _file_name()
    with suppress(OSError, msgspec.DecodeError):
        return Catalogue.decode(path.read_bytes())
    data = _made()
    try:
        catalogue = Catalogue.decode(data)
    except msgspec.DecodeError as error:
        raise CatalogueError(f"the price lists cannot be read: {error}") from error
    with suppress(OSError):
        _keep(path, data)
    return catalogue


def _file_name() -> str:
    """Return the name of the file, which is another for other data, and for another form of it.

    Our own additions have no version: they change with the modules of this package.
    """
    try:
        of_data = version(PACKAGE)
    except PackageNotFoundError:
        text = f"the price lists need the package {PACKAGE}: pip install 'aibridge[server]'"
        raise CatalogueError(text) from None
    modules = sorted(Path(__file__).parent.glob("*.py"))
    of_ours = sha256(b"".join(module.read_bytes() for module in modules))
    return f"prices-{of_data}-{of_ours.hexdigest()[:12]}.json"


def _made() -> bytes:
    """Return what a child process prints of the lists; it looks for no module where it stands."""
    command = [sys.executable, "-P", "-m", MODULE]
    try:
        done = subprocess.run(  # noqa: S603 - a module of ours
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CatalogueError(f"the price lists cannot be made: {error}") from error
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").split("\n")
        reason = next((line for line in reversed(lines) if line.strip()), "it gave no reason")
        raise CatalogueError(f"the price lists cannot be made: {reason[:_MAX_REASON]}")
    return done.stdout


def _keep(path: Path, data: bytes) -> None:
    """Write the file for its owner alone (0600), and remove those of other versions.

    It has its name once it is whole: of two processes that write it, the last one's stays.
    """
    descriptor, name = mkstemp(prefix=f".{path.stem}-", dir=path.parent)
    new = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        new.replace(path)
    except OSError:
        new.unlink()
        raise
    for other in path.parent.glob("prices-*.json"):
        if other != path:
            other.unlink(missing_ok=True)
