import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from aibridge.cli import app

Cli = Callable[..., Result]
Rows = Callable[..., Any]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command with a data directory of its own and nothing of the caller's settings."""
    for name in [name for name in os.environ if name.startswith("AIBRIDGE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    environment = {"AIBRIDGE_DATA_DIR": str(tmp_path / "data")}

    def run(*arguments: str, **environ: str) -> Result:
        return CliRunner().invoke(app, arguments, env=environment | environ, prog_name="aibridge")

    return run


@pytest.fixture
def rows(cli: Cli) -> Rows:
    """Run a command with ``--json`` and return what it printed."""

    def run(*arguments: str) -> object:
        result = cli(*arguments, "--json")
        assert (result.exit_code, result.stderr) == (0, "")
        return json.loads(result.stdout)

    return run
