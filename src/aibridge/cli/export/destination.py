"""Where an export goes: standard output, or a file that is there only when it is whole."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkstemp
from typing import Annotated, BinaryIO

import typer

from aibridge.cli.options import choice
from aibridge.cli.output import fail

STDOUT = Path("-")


class Format(StrEnum):
    """How the rows are written."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


Output = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="FILE", help="The file; - is standard output."),
]


@dataclass(frozen=True, slots=True)
class Target:
    """What is written, and where to, as the options of a command say."""

    form: Annotated[Format, choice(Format, "--format", help="How it is written.")] = Format.JSONL
    output: Output = STDOUT

    @property
    def is_terminal(self) -> bool:
        """Whether a person sees what is written, as it is."""
        return self.output == STDOUT and sys.stdout.isatty()

    @property
    def leaves_terminal_free(self) -> bool:
        """Whether there is a terminal to show something else on."""
        return sys.stderr.isatty() and not self.is_terminal

    def check(self) -> None:
        """Refuse what cannot be written, before anything is asked."""
        if self.form is not Format.PARQUET:
            return
        if self.is_terminal:
            text = "parquet is not for terminals: name a file with --output, or pipe it on"
            raise typer.BadParameter(text, param_hint="--format")
        if find_spec("pyarrow") is None:
            fail("parquet needs the package pyarrow: pip install 'aibridge[parquet]'")


@contextmanager
def opened(target: Target) -> Iterator[BinaryIO]:
    """Yield the file to write to. What cannot be written ends the program with one line.

    A reader that has enough ends the writing, and nothing is said.
    """
    try:
        with _file(target.output) as file:
            yield file
            file.flush()
    except BrokenPipeError:
        _silence(target)
    except OSError as error:
        where = "standard output" if target.output == STDOUT else target.output
        fail(f"cannot write {where}: {error.strerror or error}")


@contextmanager
def _file(output: Path) -> Iterator[BinaryIO]:
    if output == STDOUT:
        yield sys.stdout.buffer
    elif output.exists() and not output.is_file():
        with output.open("wb") as file:  # a pipe or a device is written to, and never replaced
            yield file
    else:
        with _beside(output.resolve()) as file:
            yield file


@contextmanager
def _beside(output: Path) -> Iterator[BinaryIO]:
    """Yield a new file in the same folder, which takes the place of ``output`` at the end.

    Only its owner may read it, unless there was a file before: then who may read that.
    """
    handle, name = mkstemp(prefix=".aibridge-", suffix=".part", dir=output.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(handle)
        if output.exists():
            shutil.copymode(output, part)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


def _silence(target: Target) -> None:
    """Have nothing more written to a pipe that nobody reads, at the end of the program either."""
    if target.output == STDOUT:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
