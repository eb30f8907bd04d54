"""What the bridge's processes import, which takes time at a start, and memory for good."""

import subprocess
import sys
from pathlib import Path

import msgspec

from aibridge.keeper.settings import keeper_settings
from aibridge.settings import load
from aibridge.store.engine.database import Database

NO_GATEWAY_NEEDS = frozenset(
    {
        "aibridge.api.app",
        "aibridge.contract.models",
        "aibridge.sdk",
        "alembic",
        "argon2",
        "cryptography",
        "fastapi",
        "httpx",
        "mako",
        "prometheus_client",
        "psycopg",
        "sqlalchemy.orm",
    }
)
NO_KEEPER_NEEDS = NO_GATEWAY_NEEDS | {
    "aibridge.app",
    "aibridge.settings",
    "click",
    "httptools",
    "platformdirs",
    "pydantic",
    "starlette",
    "typer",
    "uvicorn",
    "uvloop",
}

SERVE = """
import os, signal, sys
import aibridge.cli.serve
from aibridge.server import run
from aibridge.settings import load

def announce(text):
    if "serves http" in text:
        os.kill(os.getpid(), signal.SIGINT)

run(load(None, {}, {"data_dir": sys.argv[1], "port": 0}), announce=announce)
print(*sys.modules)
"""

KEEP = """
import sys
from aibridge.keeper.process import main

main()
print(*sys.modules)
"""


def imported(code: str, *arguments: str, given: bytes = b"") -> set[str]:
    """Return the modules that a program has imported when it ends."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True)
    return set(done.stdout.decode().splitlines()[-1].split())


def test_a_gateway_imports_nothing_that_only_the_api_or_an_upgrade_needs(tmp_path: Path) -> None:
    names = imported(SERVE, str(tmp_path))
    assert {"aibridge.gateway.gateway", "uvloop"} <= names  # it has served
    assert names & NO_GATEWAY_NEEDS == set()


def test_the_keeper_imports_neither_settings_nor_what_serves(tmp_path: Path) -> None:
    agents = [{"name": "Night shift", "user_agents": ["night/"]}]
    settings = load(None, {}, {"data_dir": str(tmp_path), "agents": agents})
    database = Database(settings.database_url)
    database.upgrade()
    database.close()
    told = msgspec.json.encode(keeper_settings(settings)) + b"\n"
    names = imported(KEEP, given=told)
    assert {"aibridge.keeper.keeper", "aibridge.store.record.writer"} <= names
    assert names & NO_KEEPER_NEEDS == set()
