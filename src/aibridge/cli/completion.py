"""``aibridge completion``: completing commands and options with the Tab key."""

from enum import StrEnum
from typing import Annotated

import typer
from typer.completion import get_completion_script  # type: ignore[attr-defined]

from aibridge.cli import COMPLETE, PROGRAM
from aibridge.cli.options import one_of


class Shell(StrEnum):
    """The shells that are known."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[
        Shell, typer.Argument(parser=one_of(Shell), help="Which shell.", metavar="bash|zsh|fish")
    ],
) -> None:
    """Print a script that has a shell complete the commands and options of this program.

    Example: eval "$(aibridge completion bash)"
    """
    typer.echo(get_completion_script(prog_name=PROGRAM, complete_var=COMPLETE, shell=shell.value))
