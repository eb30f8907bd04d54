"""The spools of a folder: each server process has one of its own for as long as it lives.

What a process that is gone has left behind goes to the next one that opens a spool there.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import count, islice
from pathlib import Path

import structlog

from aibridge.store.salvage import sound_entries
from aibridge.store.spool import Spool, SpoolBroken, SpoolError, SpoolTaken

_NAME = re.compile(r"spool(-\d+)?\.db")
_PORTION = 512
_MOST_BROKEN = 100

_log = structlog.get_logger()


def open_spool(folder: Path, *, max_bytes: int) -> Spool:
    """Open the first spool that nobody has, and take over what stands in others like it.

    Raises `SpoolError` when there can be none.
    """
    spool = next(_free(folder, max_bytes))
    for path in sorted(folder.iterdir()):
        if _NAME.fullmatch(path.name) and path != spool.path:
            with suppress(SpoolTaken):
                _take_over(spool, _opened(path, max_bytes))
    return spool


def is_there(folder: Path) -> bool:
    """Whether there is any spool, be it that nothing waits on it."""
    return folder.is_dir() and any(_NAME.fullmatch(path.name) for path in folder.iterdir())


def _free(folder: Path, max_bytes: int) -> Iterator[Spool]:
    for number in count(1):
        with suppress(SpoolTaken):
            yield _opened(folder / ("spool.db" if number == 1 else f"spool-{number}.db"), max_bytes)


def _opened(path: Path, max_bytes: int) -> Spool:
    """Open a spool; of a damaged one, which is kept under another name, take over what is sound."""
    try:
        return Spool(path, max_bytes=max_bytes)
    except SpoolBroken as error:
        kept = _unused(path)
        path.rename(kept)
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(kept.with_name(kept.name + suffix))
        spool = Spool(path, max_bytes=max_bytes)
        with suppress(SpoolError):  # it is full: the others stay where they are
            sound = sound_entries(kept)
            while portion := list(islice(sound, _PORTION)):
                spool.take_over(portion)
        _log.error("spool_broken", error=str(error), kept=str(kept), recovered=spool.waiting)
        return spool


def _unused(path: Path) -> Path:
    names = (path.with_name(f"{path.name}.broken-{number}") for number in range(_MOST_BROKEN))
    return next(name for name in names if not name.exists())


def _take_over(spool: Spool, other: Spool) -> None:
    """Move the entries. Should that be broken off, some are in both: each is replayed once."""
    spool.former += other.former
    try:
        while kept := other.first(_PORTION):
            spool.take_over(kept)
            other.remove([entry.number for entry in kept])
    finally:
        other.close(remove=not other.waiting and not other.damaged)
