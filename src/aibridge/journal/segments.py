"""The segments of a journal: files named by the position where their first entry begins."""

import os
from dataclasses import dataclass
from pathlib import Path

import structlog

from aibridge.journal.format import (
    FRAME_BYTES,
    HEAD_BYTES,
    RUN_BYTES,
    base_of,
    frame,
    head,
)

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
    for path in folder.glob(f"*{SUFFIX}"):
        name = path.name.removesuffix(SUFFIX)
        if name.isascii() and name.isdigit() and len(name) == _DIGITS:
            found.append(Segment(int(name), path))
    return sorted(found)


def create(folder: Path, base: int) -> tuple[Segment, int]:
    """Make a segment that only its owner can read, and return it with its open file.

    Its head and its name are on the disk after that. Raises `OSError`.
    """
    segment = Segment(base, folder / f"{base:0{_DIGITS}}{SUFFIX}")
    file = os.open(segment.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, head(base))
        os.fsync(file)
        sync_folder(folder)
    except OSError:
        os.close(file)
        segment.path.unlink(missing_ok=True)
        raise
    return segment, file


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def cut_torn_tail(segment: Segment) -> int:
    """Cut what stands behind the last whole entry of a segment, and return how many bytes.

    So ends a segment whose process was killed, or its machine, while it wrote. One without a
    whole head is removed. Raises `FormatError` for a head of another release, which stays.
    """
    with segment.path.open("r+b") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(HEAD_BYTES)
        if len(start) < HEAD_BYTES:
            segment.path.unlink()
            return size
        base_of(start)
        whole = _whole_bytes(file.fileno(), size)
        if whole < size:
            file.truncate(whole)
            os.fsync(file.fileno())
            _log.warning("journal_tail_cut", file=segment.path.name, bytes=size - whole)
        return size - whole


def _whole_bytes(file: int, size: int) -> int:
    """Return how many bytes of a segment are its head and whole entries."""
    offset = HEAD_BYTES
    while offset + FRAME_BYTES <= size:
        found = frame(os.pread(file, FRAME_BYTES, offset), 0)
        end = offset + FRAME_BYTES + found.length
        if end > size or not found.has(os.pread(file, found.length, offset + FRAME_BYTES)):
            break
        offset = end
    return offset
