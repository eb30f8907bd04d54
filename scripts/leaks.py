"""Find what must not be committed: where packages are fetched from, and paths of one's machine.

Beside patterns it looks for what this very machine is set up with: its package index, its home
directory, the place of this checkout. Findings name the line, not the text.
"""

import configparser
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
NEVER_COMMITTED = re.compile(r"(^|/)(\.(?!ci/|git)[^/]*|__pycache__|build|dist)/|^\.git/")
"""Paths to pass over where git cannot be asked."""
SHORTEST_PATH = len("/home")

PATTERNS = (
    r"https?://[^/\s]*(pypi|pythonhosted|mirror|registry|artifactory|nexus|devpi)[^/\s]*\.[a-z]",
    r"https?://\S+/simple\b",
    r"\b(pypi|files\.pythonhosted)\.[a-z]{2,}",
    r"^\s*--(extra-)?index-url|^\s*--find-links|^\s*--trusted-host|^\s*(-i|-f)\s+\S*/",
    r"^\s*(extra-)?index-url\s*=|^\s*find-links\s*=|^\[\[tool\.uv\.index\]\]",
)
_SETTING = re.compile(r"(PIP|UV)_\w*(INDEX|LINKS|HOST)\w*", re.IGNORECASE)
_PIP_FILES = ("/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")
_PIP_KEYS = ("index-url", "extra-index-url", "find-links", "trusted-host")


def main() -> int:
    """Print what was found; the result is the exit status."""
    forbidden = pattern(own_words())
    found = [place for file in committed() for place in places(file, forbidden)]
    for place in found:
        print(f"{place}: an index, a mirror, or a path of one machine", file=sys.stderr)
    return 1 if found else 0


def pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Return what must not be in any line: `PATTERNS` and these words."""
    return re.compile("|".join([*PATTERNS, *map(re.escape, words)]))


def committed() -> Iterator[Path]:
    """Yield the files that are committed, or would be."""
    if not (ROOT / ".git").exists():
        files = (path for path in ROOT.rglob("*") if path.is_file())
        for path in files:
            if not NEVER_COMMITTED.search(path.relative_to(ROOT).as_posix()):
                yield path
        return
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    yield from (path for path in paths if path.is_file())


def places(file: Path, forbidden: re.Pattern[str]) -> Iterator[str]:
    """Yield where a file holds what it must not, as ``file:line``."""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        if forbidden.search(line):
            yield f"{file.relative_to(ROOT)}:{number}"


def own_words() -> Iterator[str]:
    """Yield the paths and hosts that this machine is set up with."""
    yield from (
        f"{path}/"
        for path in {str(ROOT), str(Path.home())}
        if len(path) >= SHORTEST_PATH and path != "/"
    )
    for address in _addresses():
        host = urlsplit(address if "//" in address else f"//{address}").hostname
        if host and "." in host:
            yield host


def _addresses() -> Iterator[str]:
    """Yield the addresses in the settings of the package installers."""
    for name, value in os.environ.items():
        if _SETTING.fullmatch(name):
            yield from value.split()
    parser = configparser.RawConfigParser(strict=False)
    parser.read([Path(file).expanduser() for file in _PIP_FILES], encoding="utf-8")
    for section in parser.values():
        for key in _PIP_KEYS:
            yield from section.get(key, "").split()


if __name__ == "__main__":
    sys.exit(main())
