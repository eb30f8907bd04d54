"""What `pip install aibridge` brings is enough for the SDK and for commands against a bridge.

The server's packages are kept from being imported, in a Python of its own.
"""

import json
import subprocess
import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from aibridge.cli import COMMANDS
from tests.cli.conftest import Remote
from tests.ready import Program, ready

ENGINES = ("sqlite",)
"""Without the server there is no database."""

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

BLOCK = """
import json, sys

class Blocked:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

blocked = set(json.loads(sys.argv.pop(1)))
sys.meta_path.insert(0, Blocked)
"""
COMMAND = (
    BLOCK
    + """
from aibridge.cli import main
sys.argv[0] = "aibridge"
main()
"""
)
SDK = (
    BLOCK
    + """
import asyncio, aibridge

async def names():
    async with aibridge.AsyncClient() as client:
        return [user.username async for user in client.iter_users()]

with aibridge.Client() as client:
    print(len(client.list_sessions()), asyncio.run(names()))
for name in aibridge.__all__:
    getattr(aibridge, name)
"""
)


PREPARING = "import httpx, pydantic, rich.table, typer, typer.rich_utils"
"""What is no part of the server, nor of the bridge."""


def brought(wanted: list[str]) -> set[str]:
    """Return the packages that are installed with those that are wanted."""
    found: set[str] = set()
    left = [Requirement(line) for line in wanted]
    while left:
        one = left.pop()
        if canonicalize_name(one.name) in found:
            continue
        found.add(canonicalize_name(one.name))
        left += [inner for inner in map(Requirement, needs_of(one.name)) if applies(inner, one)]
    return found


def needs_of(package: str) -> list[str]:
    try:
        return requires(package) or []
    except PackageNotFoundError:  # it is for another system
        return []


def applies(inner: Requirement, of: Requirement) -> bool:
    """Whether a package needs another one here, with the extras that it is wanted with."""
    marker = inner.marker
    return marker is None or any(marker.evaluate({"extra": name}) for name in ("", *of.extras))


@cache
def blocked() -> list[str]:
    """Return the modules of the packages that the server brings and a client does not."""
    server = PROJECT["optional-dependencies"]["server"]
    only = brought(server) - brought(PROJECT["dependencies"])
    return [
        module
        for module, names in packages_distributions().items()
        if only & set(map(canonicalize_name, names))
    ]


def run(code: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    program = Program(code, [json.dumps(blocked()), *arguments], str(Path.cwd()), environ)
    return ready(PREPARING).run(program)


def test_what_is_blocked_is_what_the_server_is_made_of() -> None:
    assert {"fastapi", "starlette", "sqlalchemy", "uvicorn", "msgspec", "structlog"} <= {*blocked()}
    assert not {"httpx", "pydantic", "typer", "rich", "aibridge", "anyio"} & {*blocked()}


def test_the_overview_is_shown_without_the_server() -> None:
    done = run(COMMAND, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "sessions" in done.stdout


def test_the_sdk_works_without_the_server(remote: Remote) -> None:
    done = run(SDK, **remote.environ)
    assert (done.stdout, done.stderr) == ("0 ['ana']\n", "")


@pytest.mark.parametrize(
    "command",
    [
        ("sessions", "list"),
        ("interceptions", "list"),
        ("users", "list"),
        ("groups", "list"),
        ("tokens", "list"),
        ("budgets", "list"),
        ("prices", "list"),
        ("audit", "list"),
        ("export", "sessions"),
    ],
)
def test_commands_work_against_a_url_without_the_server(
    remote: Remote, command: tuple[str, ...]
) -> None:
    done = run(COMMAND, *command, **remote.environ)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "command",
    [("serve",), ("practice",), ("db", "check"), ("db", "--help"), ("secrets", "key")],
)
def test_a_command_of_the_server_says_in_one_line_what_to_install(
    command: tuple[str, ...],
) -> None:
    done = run(COMMAND, *command)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"aibridge: {command[0]} needs the server: pip install 'aibridge[server]'\n"
    )


def test_reading_a_local_database_says_what_to_install_or_where_to_ask_instead() -> None:
    done = run(COMMAND, "sessions", "list")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "aibridge: this machine's own database needs the server: pip install 'aibridge[server]'; "
        "or say where a bridge is, by --url and --token or AIBRIDGE_URL and AIBRIDGE_TOKEN\n"
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_loads_or_says_what_it_needs(name: str) -> None:
    done = run(COMMAND, name, "--help")
    assert done.returncode in {0, 2}
    assert "Traceback" not in done.stderr
