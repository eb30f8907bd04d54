"""Disks that take a journal's entries late, or not at all, and databases that are away."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

import pytest

from aibridge.gateway import call_log
from aibridge.journal import writer as writers
from aibridge.journal.progress import Progress
from tests.bridge import Bridge
from tests.databases import locked
from tests.wire import PATIENCE


def held_up(bridge: Bridge) -> AbstractContextManager[Callable[[], None]]:
    """Have nothing become safe, until the end or until what is yielded is called."""
    is_in_database = bridge.app._settings.durable_in == "database"
    return locked(bridge.database) if is_in_database else slow_disk()


@contextmanager
def slow_disk() -> Iterator[Callable[[], None]]:
    """Have no sync come to its end, until the end or until what is yielded is called."""
    may_go, fdatasync = threading.Event(), os.fdatasync

    def wait(file: int) -> None:
        assert may_go.wait(PATIENCE)
        fdatasync(file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fdatasync", wait)
        try:
            yield may_go.set
        finally:
            may_go.set()


@contextmanager
def full_disk(bridge: Bridge) -> Iterator[None]:
    """Have a disk without room under the journal; wait in the end until it is good again."""

    def full(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        for module in (writers, call_log):
            patch.setattr(module, "AGAIN_SECONDS", 0.01)
        with pytest.MonkeyPatch.context() as disk:
            disk.setattr(os, "writev", full)
            disk.setattr(writers, "create", full)
            yield
        log = bridge.app._log
        assert log is not None
        bridge.wait_for(lambda: log.calls.is_ready and not log.calls._late)


def wait_for_keeper(bridge: Bridge) -> None:
    """Wait until the keeper follows the bridge's journal: before that nobody waits for it."""
    with closing(Progress(bridge.app._settings.journals / "1")) as progress:
        bridge.wait_for(lambda: not progress.is_held_up)
