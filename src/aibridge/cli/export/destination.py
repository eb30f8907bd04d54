"""Where an export goes: a file that is there whole or not at all, or standard output."""

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO


class Destination:
    """A file to write to as long as a ``with`` lasts.

    It is written beside its place and moved there at the end; what goes wrong leaves none. Its
    owner alone may read it. Raises `OSError`.
    """

    def __init__(self, place: Path | None) -> None:
        self._place = place
        self._partial = None if place is None else place.with_name(f".{place.name}.{os.getpid()}")
        self.on_terminal = place is None and sys.stdout.isatty()

    def __enter__(self) -> Self:
        if self._partial is None:
            self.file: TextIO = sys.stdout
            return self
        descriptor = os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self.file = open(descriptor, "w", encoding="utf-8", newline="")  # noqa: PTH123
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        if self._place is None or self._partial is None:
            self._flush_output(failed=kind is not None)
            return
        try:
            self.file.close()
            if kind is None:
                self._partial.replace(self._place)
        finally:
            self._partial.unlink(missing_ok=True)

    def _flush_output(self, *, failed: bool) -> None:
        """Flush; whoever reads no more is not written to again at the end of the program."""
        try:
            self.file.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())
            if not failed:
                raise
