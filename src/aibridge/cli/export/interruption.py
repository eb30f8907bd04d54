"""Ctrl-C: a command that it ends says nothing of it, and has the status that shells know."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import FrameType
from typing import Any

import typer

INTERRUPTED = 128 + signal.SIGINT
"""The status of a program that Ctrl-C ended."""


def interruptible(command: Callable[..., None], *, last_words: str = "") -> Callable[..., None]:
    """Have Ctrl-C end a command quietly, but for what it is to say at last."""

    @wraps(command)
    def run(**values: Any) -> None:  # noqa: ANN401 - whatever the command takes
        with _interrupted() as was_interrupted:
            try:
                command(**values)
            except BaseException:
                # pydantic makes an error of its own of whatever its callbacks raise.
                if was_interrupted():
                    if last_words:
                        typer.echo(last_words, err=True)
                    raise typer.Exit(INTERRUPTED) from None
                raise

    return run


@contextmanager
def _interrupted() -> Iterator[Callable[[], bool]]:
    """Yield what says whether Ctrl-C was pressed; each time it raises `KeyboardInterrupt`."""
    pressed = 0

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed += 1
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield lambda: pressed > 0
    finally:
        signal.signal(signal.SIGINT, before)
