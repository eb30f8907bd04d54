"""Write the asynchronous modules of the SDK from the synchronous ones.

By substitutions in the text, as encode's httpcore does it (there the other way round). With
``--check`` nothing is written, and what would change fails.
"""

import re
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

SDK = Path(__file__).resolve().parent.parent / "src" / "aibridge" / "sdk"
MODULES = ("connection", "record", "users", "groups", "audit", "client")
HEADER = "# Written by scripts/unasync from {name}.py, which is the one to change.\n"

_CLASSES = r"\b(Connection|RecordMethods|UserMethods|GroupMethods|AuditMethods|Client)\b"

SUBSTITUTIONS = (
    (_CLASSES, r"Async\1"),
    (rf"\baibridge\.sdk\.({'|'.join(MODULES)})\b", r"aibridge.sdk.async_\1"),
    (r"\bBaseTransport\b", "AsyncBaseTransport"),
    (r"\bIterator\b", "AsyncIterator"),
    (r"^(from collections\.abc import .*)\bCallable\b", r"\1Awaitable, Callable"),
    (r"\bCallable\[\[float\], object\]", "Callable[[float], Awaitable[object]]"),
    (r"^import time$", "import asyncio"),
    (r"\btime\.sleep\b", "asyncio.sleep"),
    (r"\bdef __(enter|exit)__", r"async def __a\1__"),
    (r"\bclose\(", "aclose("),
    (r"^(\s+)with\b", r"\1async with"),
    (r"``with``", "``async with``"),
    (r"\bThreads may share\b", "Tasks may share"),
    (r"^(\s+)yield from (.*)$", r"\1for item in \2:\n\1    yield item"),
    (r"(?<!def )\b((?:self|client)\._(?:ask|answer|attempt|sleep)\()", r"await \1"),
    (r"(?<!def )\b((?:self|client|self\._http)\.(?:aclose|request)\()", r"await \1"),
)
"""Expressions, for each line by itself, and what is written instead."""

_DEF = re.compile(r"( *)def ")
_WAITS = re.compile(r"\bawait |\basync (with|for) ")


def main() -> int:
    """Write the modules, or check them; the result is the exit status."""
    checking = sys.argv[1:] == ["--check"]
    stale = [name for name in MODULES if not _is_current(name)]
    for name in stale:
        if checking:
            print(f"{_target(name)} is not what scripts/unasync writes", file=sys.stderr)
        else:
            _target(name).write_text(written(name))
    return 1 if checking and stale else 0


def _target(name: str) -> Path:
    return SDK / f"async_{name}.py"


def _is_current(name: str) -> bool:
    target = _target(name)
    return target.exists() and target.read_text() == written(name)


def written(name: str) -> str:
    """Return the asynchronous twin of a module."""
    lines = map(_substituted, (SDK / f"{name}.py").read_text().splitlines())
    return _formatted(HEADER.format(name=name) + _marked("\n".join(lines) + "\n"))


def _substituted(line: str) -> str:
    for expression, text in SUBSTITUTIONS:
        line = re.sub(expression, text, line)
    return line


def _marked(text: str) -> str:
    """Write ``async def`` for the functions that wait for something."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if (found := _DEF.match(line)) and _WAITS.search(_body(lines[number:], found[1])):
            lines[number] = f"{found[1]}async {line.lstrip()}"
    return "\n".join(lines) + "\n"


def _body(lines: list[str], indent: str) -> str:
    """Return a function that begins with the first line: up to the next that is no deeper."""
    ends = re.compile(rf" {{0,{len(indent)}}}[^\s)]")
    return "\n".join([lines[0], *takewhile(lambda line: not ends.match(line), lines[1:])])


def _formatted(text: str) -> str:
    for command in (["check", "--select=I", "--fix-only", "--quiet"], ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, f"--stdin-filename={SDK / 'async.py'}", "-"]
        text = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout
    return text


if __name__ == "__main__":
    sys.exit(main())
