"""The keeper seen from the bridge: its process, begun anew should it end by itself."""

import subprocess
import sys
import time
from contextlib import suppress
from threading import Event, Lock, Thread

import msgspec
import structlog

from aibridge.keeper.settings import KeeperSettings

MODULE = "aibridge.keeper"
YOUNG_SECONDS = 5.0
"""A keeper that ends sooner is begun anew only after a while: what ended it may do so again."""
AGAIN_SECONDS = 1.0
STOP_SECONDS = 10.0
"""How long it may take to write what is left, once it is told to end."""

_log = structlog.get_logger()


class KeeperProcess:
    """The process that keeps the record."""

    def __init__(self, settings: KeeperSettings) -> None:
        self._told = msgspec.json.encode(settings) + b"\n"
        self._is_stopping = Event()
        self.beginning = Lock()
        """Held while the process is begun: one that is forked meanwhile would hold that up."""
        self._process = self._begin()
        self._thread = Thread(target=self._watch, name="keeper", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def stop(self) -> None:
        """Have what is left written, and wait until the process has ended."""
        self._is_stopping.set()
        self._end(self._process)
        self._thread.join()

    def _begin(self) -> "subprocess.Popen[bytes]":
        with self.beginning:
            process = subprocess.Popen(  # noqa: S603 - a module of ours
                [sys.executable, "-m", MODULE], stdin=subprocess.PIPE, process_group=0
            )
        assert process.stdin is not None  # noqa: S101 - for the type checker
        try:
            process.stdin.write(self._told)
            process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended already, and is begun anew
        return process

    def _watch(self) -> None:
        while True:
            began = time.monotonic()
            status = self._process.wait()
            if self._is_stopping.is_set():
                return
            _log.error("keeper_ended", pid=self._process.pid, status=status)
            is_young = time.monotonic() - began < YOUNG_SECONDS
            if self._is_stopping.wait(AGAIN_SECONDS if is_young else 0.0):
                return
            if not self._begin_anew():
                return
            if self._is_stopping.is_set():
                self._end(self._process)

    def _begin_anew(self) -> bool:
        """Begin another process, as soon as that can be; return whether it was before the end."""
        while True:
            self._tell_end(self._process)
            try:
                self._process = self._begin()
            except OSError as error:  # there are too many processes, or there is no memory
                _log.error("keeper_not_begun", error=str(error))
                if self._is_stopping.wait(AGAIN_SECONDS):
                    return False
            else:
                return True

    @staticmethod
    def _tell_end(process: "subprocess.Popen[bytes]") -> None:
        """Close what a process reads from, which tells it to end if it has not."""
        if process.stdin is not None:
            with suppress(BrokenPipeError):  # it had not read what it was told
                process.stdin.close()

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        self._tell_end(process)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()  # what is left stays in the journal
            process.wait()
