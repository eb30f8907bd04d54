"""The segments of a journal: files named by the position where their first entry begins."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

import structlog

from aibridge.journal.entries import entries
from aibridge.journal.format import HEAD_BYTES, RUN_BYTES, head, head_of

SUFFIX = ".journal"
_DIGITS = 20
"""Enough for any position, so that names stand in the order of positions."""
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """A file of a journal, and the position where its first entry begins."""

    base: int
    path: Path

    @property
    def run(self) -> int:
        """The number of the run that wrote it."""
        return self.base // RUN_BYTES

    @property
    def size(self) -> int:
        """Bytes on the disk, as far as it is written now; 0 once it is gone."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0


def listed(folder: Path) -> list[Segment]:
    """Return the segments of a folder in their order; other files are none."""
    found = []
    for file in names_in(folder):
        name = file.removesuffix(SUFFIX)
        if len(name) == _DIGITS and name.isascii() and name.isdigit() and name != file:
            found.append(Segment(int(name), folder / file))
    return sorted(found)


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, in no order; none where there is no folder."""
    try:
        return os.listdir(folder)  # noqa: PTH208 - the keeper asks with each of its steps
    except FileNotFoundError:
        return []


def create(folder: Path, base: int, mark: bytes) -> tuple[Segment, int]:
    """Make a segment that only its owner can read, and return it with its open file.

    Its head and its name are on the disk after that. Raises `OSError`, and leaves an empty segment
    then, as a reader may have it open: the next one at the same position is made of that.
    """
    segment = Segment(base, folder / f"{base:0{_DIGITS}}{SUFFIX}")
    file = os.open(segment.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, head(base, mark))
        os.fsync(file)
        sync_folder(folder)
    except OSError:
        os.close(file)
        raise
    return segment, file


def check_name(segment: Segment, file: int) -> None:
    """Raise `OSError` unless a segment's name still leads to the file that is open."""
    if not os.path.samestat(segment.path.stat(), os.fstat(file)):
        raise OSError(errno.ESTALE, f"{segment.path.name} was replaced")


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def cut_torn_tail(segment: Segment) -> int:
    """Cut what stands behind the last whole entry of a segment, and return how many bytes.

    So ends a segment whose process was killed, or its machine, while it wrote. Damage before a
    whole entry stays, for the reader to tell of. A segment without a whole head is removed. Raises
    `FormatError` for a head of another release, which stays.
    """
    with segment.path.open("r+b") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(HEAD_BYTES)
        if len(start) < HEAD_BYTES:
            segment.path.unlink()
            return size
        whole = HEAD_BYTES
        for found in entries(file.fileno(), head_of(start).mark, HEAD_BYTES):
            whole = found.end
        if whole < size:
            file.truncate(whole)
            os.fsync(file.fileno())
            _log.warning("journal_tail_cut", file=segment.path.name, bytes=size - whole)
        return size - whole
