"""Opening the log of this process: a journal of its own, and how its entries become safe."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, closing
from time import monotonic

from aibridge.gateway.call_log import CallLog
from aibridge.journal.bell import Rope
from aibridge.journal.catching_up import BELL
from aibridge.journal.folders import claim
from aibridge.journal.format import RUN_BYTES
from aibridge.journal.progress import STALE_SECONDS, Progress, seen_in
from aibridge.journal.waiting import Durability
from aibridge.journal.writer import Journal
from aibridge.settings import Settings


class OpenLog:
    """The log of a process, open."""

    def __init__(
        self, calls: CallLog, journal: Journal, progress: Progress, opened: ExitStack
    ) -> None:
        self.calls = calls
        self.journal = journal
        self.progress = progress
        self.run = journal.segment // RUN_BYTES
        """The number of this process's run of the journal."""
        self._opened = opened
        self._opened_at = monotonic()

    @property
    def is_unattended(self) -> bool:
        """Whether nothing is heard of a keeper, which had the time to begin."""
        is_young = monotonic() - self._opened_at < STALE_SECONDS
        return not is_young and seen_in(self.journal.folder).is_silent

    def close(self) -> None:
        """Have all of it on the disk, and leave the journal to others."""
        self._opened.close()


def open_log(settings: Settings, ended: Callable[[int, int], None]) -> OpenLog:
    """Open a journal that no other process has, on the running event loop.

    ``ended`` is told of each call's number, and of the position behind its end.
    Raises `OSError`, and `FormatError` where another release wrote there.
    """
    with ExitStack() as opened:
        claimed = opened.enter_context(closing(claim(settings.journals)))
        progress = opened.enter_context(closing(Progress(claimed.folder)))
        loop = asyncio.get_running_loop()
        durability = Durability(loop, progress if settings.durable_in == "database" else None)
        rope = opened.enter_context(closing(Rope(settings.journals / BELL)))

        def told() -> None:
            durability.told()
            rope.ring()

        journal = Journal(claimed.folder, told, loop=loop, max_bytes=settings.journal_max_bytes)
        opened.callback(journal.close)
        durability.follow(journal)
        calls = CallLog(journal, durability, ended)
        return OpenLog(calls, journal, progress, opened.pop_all())
