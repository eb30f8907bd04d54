import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.ready import Program, ready
from tests.terminal import COMMAND, PREPARING

Cli = Callable[..., Result]


@pytest.mark.parametrize(
    ("shell", "words"),
    [
        ("bash", ("complete -o default -F", "_AIBRIDGE_COMPLETE=complete_bash")),
        ("zsh", ("#compdef aibridge", "_AIBRIDGE_COMPLETE=complete_zsh")),
        ("fish", ("complete --command aibridge", "_AIBRIDGE_COMPLETE=complete_fish")),
    ],
)
def test_each_shell_has_its_script(cli: Cli, shell: str, words: tuple[str, ...]) -> None:
    result = cli("completion", shell)
    assert result.exit_code == 0
    assert all(word in result.stdout for word in words)


def test_another_shell_is_refused(cli: Cli) -> None:
    assert cli("completion", "tcsh").exit_code == 2


def completed(line: str) -> list[str]:
    """Return what the program offers a bash whose cursor is at the end of ``line``."""
    words = line.split(" ")
    asked = {
        "_AIBRIDGE_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    program = Program(COMMAND, [], str(Path.cwd()), os.environ | asked)
    done = ready(PREPARING).run(program)
    done.check_returncode()
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("aibridge us", ["users"]),
        ("aibridge users su", ["suspend"]),
        ("aibridge budgets set --gr", ["--group"]),
        ("aibridge users create ana --role au", ["auditor"]),
        ("aibridge prices list --source c", ["custom"]),
        ("aibridge completion f", ["fish"]),
        ("aibridge serve --por", ["--port"]),
        ("aibridge sessions list --li", ["--limit"]),
        ("aibridge interceptions list --ki", ["--kind"]),
        ("aibridge interceptions list --kind s", ["side_call", "subagent", "summary"]),
    ],
)
def test_commands_options_and_values_are_completed(line: str, offered: list[str]) -> None:
    assert completed(line) == offered


def test_the_script_works_in_a_real_bash(cli: Cli) -> None:
    script = cli("completion", "bash").stdout
    program = f"aibridge() {{ {sys.executable} -m aibridge; }}; export -f aibridge"
    call = (
        "COMP_WORDS=(aibridge users su); COMP_CWORD=2; "
        "set -- aibridge; _aibridge_completion aibridge; echo ${COMPREPLY[@]}"
    )
    script = script.replace("$1 )", "bash -c aibridge )")  # env cannot call a function of bash
    done = subprocess.run(
        ["bash", "-c", f"{program}\n{script}\n{call}"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "suspend\n"
