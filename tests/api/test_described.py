"""The description of the API against the running bridge, by a tool that knows nothing else."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import argon2
import httpx
import pytest

from aibridge.contract import SiteRole
from aibridge.identity import passwords
from aibridge.identity.accounts import create_user
from aibridge.identity.audit import Act
from aibridge.identity.passwords import Passwords
from tests.bridge import Bridge, serve
from tests.builders import Call, record

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery"


@pytest.fixture
def bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bridge]:
    """A bridge with a record, and an owner named admin; its passwords are cheap to check."""
    cheap = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "PasswordHasher", lambda: cheap)
    with serve(tmp_path, []) as bridge:
        with bridge.database.write() as connection:
            hashed = Passwords().hash(PASSWORD)
            create_user(Act(connection), "admin", [SiteRole.OWNER], password_hash=hashed)
            record(connection, Call(1, initiator=bridge.user.id, prompts=("Hello",)))
        yield bridge


@pytest.mark.timeout(1200)
def test_schemathesis_finds_no_fault(bridge: Bridge) -> None:
    """All of its checks are on; schemathesis.toml says what they are told beyond it."""
    environment = {
        **os.environ,
        "BRIDGE_URL": bridge.url,
        "BRIDGE_PASSWORD": PASSWORD,
        "SCHEMATHESIS_HOOKS": "tests.api.schemathesis_hooks",
        "PYTHONPATH": str(ROOT),
    }
    examples = os.environ.get("SCHEMATHESIS_EXAMPLES", "10")
    seed = os.environ.get("SCHEMATHESIS_SEED", "1")
    program = str(Path(sys.executable).with_name("schemathesis"))
    command = [program, "run", f"{bridge.url}/openapi.json"]
    options = ["--checks", "all", "--max-examples", examples, "--no-color", "--warnings", "off"]
    done = subprocess.run(
        [*command, *options, "--generation-database", "none", "--seed", seed],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:]
    operations = sum(map(len, httpx.get(f"{bridge.url}/openapi.json").json()["paths"].values()))
    assert f"Tested: {operations}" in done.stdout
