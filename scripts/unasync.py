"""Write the modules of the SDK that follow from others.

The asynchronous ones are made of the synchronous ones by substitutions in the text, as encode's
httpcore does it (there the other way round). The types of `with_raw_response` are the methods'
signatures, with a `RawResponse` of what they return. With ``--check`` nothing is written, and what
would change fails.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import TypeGuard

SDK = Path(__file__).resolve().parent.parent / "src" / "aibridge" / "sdk"
MODULES = ("connection", "record", "users", "groups", "caps", "prices", "spend", "audit", "client")
RAW_HEADER = """\
# Written by scripts/unasync from the signatures in {prefix}client.py and what it is made of.
# ruff: noqa: D102 - each is the client's method of that name
\"""The methods of a client that make one request, with the whole answer of each.\"""
from typing import Protocol
from aibridge.sdk.answers import RawResponse
"""
RAW_CLASS = """
class {kind}RawMethods(Protocol):
    \"""What `with_raw_response` has, for type checkers.\"""
"""
HEADER = "# Written by scripts/unasync from {name}.py, which is the one to change.\n"

_CLASSES = (
    r"\b(Connection|(?:Record|User|Group|Cap|Price|Spend|Audit|Raw)Methods|Client(?:Options)?)\b"
)

SUBSTITUTIONS = (
    (_CLASSES, r"Async\1"),
    (rf"\baibridge\.sdk\.({'|'.join(MODULES)}|raw_methods)\b", r"aibridge.sdk.async_\1"),
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
    (r"(?<!def )\b((?:self|client)\._(?:ask|send|attempt|sleep)\()", r"await \1"),
    (r"(?<!def )\b((?:self|client|self\._http)\.(?:aclose|request)\()", r"await \1"),
)
"""Expressions, for each line by itself, and what is written instead."""

_DEF = re.compile(r"( *)def ")
_WAITS = re.compile(r"\bawait |\basync (with|for) ")


def main() -> int:
    """Write the modules, or check them; the result is the exit status."""
    checking = sys.argv[1:] == ["--check"]
    stale = 0
    for target, text in files():
        if target.exists() and target.read_text() == text:
            continue
        stale += 1
        if checking:
            print(f"{target} is not what scripts/unasync writes", file=sys.stderr)
        else:
            target.write_text(text)
    return 1 if checking and stale else 0


def files() -> Iterator[tuple[Path, str]]:
    """Return each module that is written, and its text."""
    for name in MODULES:
        yield SDK / f"async_{name}.py", written(name)
    for prefix in ("", "async_"):
        yield SDK / f"{prefix}raw_methods.py", raw_methods(prefix)


def written(name: str) -> str:
    """Return the asynchronous twin of a module."""
    lines = map(_substituted, _source(name).splitlines())
    return _formatted(HEADER.format(name=name) + _marked("\n".join(lines) + "\n"))


def _source(name: str) -> str:
    return (SDK / f"{name}.py").read_text()


def raw_methods(prefix: str) -> str:
    """Return the module of the types of a client's `with_raw_response`."""
    asking = [name for name in MODULES if name != "connection"]
    texts = [written(name) if prefix else _source(name) for name in asking]
    modules = [ast.parse(text) for text in texts]
    imports = [node for one in modules for node in one.body if isinstance(node, ast.ImportFrom)]
    kinds = [node for one in modules for node in one.body if isinstance(node, ast.ClassDef)]
    signatures = [_signature(node) for kind in kinds for node in kind.body if _makes_request(node)]
    lines = [*map(ast.unparse, imports), RAW_CLASS.format(kind="Async" if prefix else "")]
    lines += [f"    {signature}\n" for signature in signatures]
    return _formatted(RAW_HEADER.format(prefix=prefix) + "\n".join(lines))


def _makes_request(node: ast.stmt) -> TypeGuard[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Whether something in a class is a method that makes one request."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return not (node.decorator_list or node.name.startswith(("_", "iter_")))


def _signature(method: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return a method without its body, that returns a `RawResponse` of what it returned."""
    assert method.returns is not None  # noqa: S101 - mypy sees to it
    word = "async def" if isinstance(method, ast.AsyncFunctionDef) else "def"
    parameters, answer = ast.unparse(method.args), ast.unparse(method.returns)
    return f"{word} {method.name}({parameters}) -> RawResponse[{answer}]: ..."


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
    for command in (["check", "--select=I,F401", "--fix-only", "--quiet"], ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, f"--stdin-filename={SDK / 'async.py'}", "-"]
        text = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout
    return text


if __name__ == "__main__":
    sys.exit(main())
