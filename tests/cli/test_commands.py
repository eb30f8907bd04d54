import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
from typer.testing import Result

from aibridge import __version__
from aibridge import cli as cli_package
from aibridge.cli import COMMANDS
from aibridge.cli.export.destination import Format
from aibridge.cli.record_filters import KINDS
from aibridge.cli.serve import serve
from aibridge.contract import SiteRole, SpendBy, TokenScope, UserStatus
from aibridge.settings import FLAGS, Settings
from tests.processes import environment

Cli = Callable[..., Result]

ENGINES = ("sqlite",)
"""What is tested here is the same with either."""

HEAVY = {"httpx", "rich", "sqlalchemy", "pydantic", "fastapi", "uvicorn"}


def test_the_version(cli: Cli) -> None:
    result = cli("--version")
    assert (result.exit_code, result.stdout) == (0, f"aibridge {__version__}\n")


def test_the_overview_names_every_command(cli: Cli) -> None:
    result = cli("--help")
    assert result.exit_code == 0
    assert all(f"  {name} " in result.stdout for name in COMMANDS)
    assert "Example: aibridge" in result.stdout


def test_the_overview_imports_nothing_heavy() -> None:
    code = (
        "import sys, aibridge.cli as cli\n"
        "sys.argv = ['aibridge', '--help']\n"
        "try: cli.main()\n"
        "finally: print(*(name.partition('.')[0] for name in sys.modules))\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert HEAVY.isdisjoint(printed.stdout.splitlines()[-1].split())


def every_command() -> list[str]:
    found = []
    for name in COMMANDS:
        children = getattr(cli_package.load_command(name), "commands", None)
        found += [f"{name} {child}" for child in children] if children else [name]
    return found


@pytest.mark.parametrize("command", every_command())
def test_help_ends_with_an_example(cli: Cli, command: str) -> None:
    result = cli(*command.split(), "--help")
    assert result.exit_code == 0
    last = result.stdout.strip().splitlines()[-1]
    assert last.startswith("  Example: ")
    assert f"aibridge {command}" in last


def test_an_unknown_command_is_guessed_at(cli: Cli) -> None:
    result = cli("user")
    assert result.exit_code == 2
    assert "Did you mean 'users'" in result.stderr


def test_no_command_shows_the_overview(cli: Cli) -> None:
    result = cli()
    assert result.exit_code == 2
    assert "Usage: aibridge" in result.output


def test_a_missing_module_of_our_own_is_not_blamed_on_the_server(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ("aibridge.cli.not_there", "app", "Nothing.")
    monkeypatch.setitem(cli_package.COMMANDS, "nothing", row)
    assert isinstance(cli("nothing").exception, ModuleNotFoundError)


def test_python_m_aibridge() -> None:
    command = [sys.executable, "-m", "aibridge", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"aibridge {__version__}\n"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """What the server was started with."""
    started: list[Settings] = []
    module: Any = ModuleType("aibridge.server")
    module.run = lambda settings, **_: started.append(settings)
    monkeypatch.setitem(sys.modules, "aibridge.server", module)
    return started


def test_serve_takes_flags_and_variables(cli: Cli, served: list[Settings]) -> None:
    flags = ("--port", "0", "--host", "::1", "--log-level", "DEBUG")
    result = cli("serve", *flags, AIBRIDGE_MAX_BODY_BYTES="5", AIBRIDGE_PORT="9")
    assert result.exit_code == 0
    (settings,) = served
    assert (settings.port, settings.host, settings.log_level) == (0, "::1", "debug")
    assert settings.max_body_bytes == 5


def test_serve_refuses_bad_settings(cli: Cli, served: list[Settings]) -> None:
    result = cli("serve", AIBRIDGE_PORT="high")
    assert result.exit_code == 2
    assert result.stderr.startswith("aibridge: AIBRIDGE_PORT in the environment is 'high': ")
    assert served == []


def test_the_flags_of_serve_are_those_that_the_settings_name() -> None:
    assert set(inspect.signature(serve).parameters) == {"config", *FLAGS}


@pytest.mark.parametrize("command", ["", *COMMANDS, *every_command()])
def test_h_helps_as_help_does(cli: Cli, command: str) -> None:
    short, whole = cli(*command.split(), "-h"), cli(*command.split(), "--help")
    assert (short.exit_code, short.stdout) == (0, whole.stdout)
    assert "-h, --help" in short.stdout


@pytest.mark.parametrize(
    ("command", "values"),
    [
        ("sessions list --kind", KINDS),
        ("interceptions list --kind", KINDS),
        ("export sessions --kind", KINDS),
        ("export interceptions --kind", KINDS),
        ("spend show --by", get_args(SpendBy)),
        ("spend --by", get_args(SpendBy)),
        ("users list --status", tuple(UserStatus)),
        ("users list --role", tuple(SiteRole)),
        ("users create ana --role", tuple(SiteRole)),
        ("users roles ana --role", tuple(SiteRole)),
        ("tokens create --user ana --scope", tuple(TokenScope)),
        ("export sessions --format", tuple(Format)),
        ("prices list --source", ("default", "custom", "all")),
        ("completion", ("bash", "zsh", "fish")),
    ],
)
def test_a_wrong_value_is_refused_before_anything_is_asked_with_the_right_ones(
    cli: Cli, command: str, values: tuple[str, ...]
) -> None:
    result = cli(*command.split(), "nonsense", AIBRIDGE_URL="http://127.0.0.1:1")
    assert (result.exit_code, result.stdout) == (2, "")
    said = " ".join(result.stderr.split())
    assert all(value in said for value in values)
    assert "not 'nonsense'" in said
    assert "Value error" not in said


@pytest.mark.parametrize(
    "command",
    [
        "sessions list --started-after",
        "sessions list --started-before",
        "interceptions list --started-after",
        "export sessions --since",
        "export interceptions --until",
        "spend show --until",
        "spend export --until",
        "db purge --dry-run --before",
        "db reread --dry-run --since",
        "db rerate --dry-run --since",
    ],
)
def test_every_option_of_a_moment_reads_the_same_forms(cli: Cli, command: str) -> None:
    for text in ("7d", "12h", "2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00+01:00"):
        assert cli(*command.split(), text).exit_code == 0
    for text in ("noon", "2026-13-01", "2026-01-01T00:00:00"):
        result = cli(*command.split(), text)
        assert result.exit_code == 2
        assert "expected a date, a time with its offset, or how long ago" in result.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    "command", ["--version", "users list --data-dir none", "login ana", "users password ana"]
)
def test_a_closed_stream_is_no_error_of_ours(tmp_path: Path, command: str, closed: str) -> None:
    ended = subprocess.run(
        ["bash", "-c", f"exec {sys.executable} -m aibridge {command} {closed}"],
        cwd=tmp_path,
        env=environment() | {"AIBRIDGE_URL": "http://127.0.0.1:1", "AIBRIDGE_TOKEN": "t"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode in {0, 1}
    assert "Traceback" not in ended.stderr
