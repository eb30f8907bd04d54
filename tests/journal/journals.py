"""Journals for tests: written by the real thread, and settled without waiting for a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Condition
from typing import Any

from aibridge.journal.format import Buffer, Kind
from aibridge.journal.writer import Journal

PATIENCE = 20.0


class Settled(Journal):
    """A journal, and a way to wait until all that it took is on the disk, or failed."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self._changed = Condition()
        self.told = 0
        super().__init__(folder, self._tell, **options)

    def _tell(self) -> None:
        with self._changed:
            self.told += 1
            self._changed.notify_all()

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so that changes with what the journal tells."""
        with self._changed:
            assert self._changed.wait_for(is_so, PATIENCE)

    def settle(self) -> None:
        """Wait until nothing that was taken is still to be written."""
        self.wait_for(lambda: self.durable == self.position)

    def kept(self, kind: Kind, *parts: Buffer) -> bool:
        """Append an entry, and say whether it came to the disk."""
        start = self.position
        end = self.append(kind, *parts)
        self.settle()
        return self.holds(start, end)


@contextmanager
def writing(folder: Path, **options: Any) -> Iterator[Settled]:
    """Yield a journal that is closed at the end."""
    journal = Settled(folder, **options)
    try:
        yield journal
    finally:
        journal.close()
