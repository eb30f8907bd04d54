"""Workers: processes that serve one socket together, each begun anew should it end by itself."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

import structlog

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
_MANY = 4096
"""More than the signals that come at a time."""
YOUNG_SECONDS = 5.0
"""A worker that ends sooner is begun anew only after as long: what ended it may do so again."""

_log = structlog.get_logger()


def keep_working(
    count: int,
    work: Callable[[], None],
    undisturbed: AbstractContextManager[object] | None = None,
) -> None:
    """Have ``work`` done by so many processes until this one is told to stop.

    They are told to stop when this one is, or has been killed, and have ended when this returns.
    Each is forked within ``undisturbed``, which has to let go in both processes.
    """
    _Workers(count, work, undisturbed or nullcontext()).run()


class _Workers:
    def __init__(
        self, count: int, work: Callable[[], None], undisturbed: AbstractContextManager[object]
    ) -> None:
        self._count = count
        self._work = work
        self._undisturbed = undisturbed
        self._running: dict[int, float] = {}
        self._is_stopping = threading.Event()
        self._life, self._living = os.pipe()
        self._signals, self._signalling = os.pipe()
        os.set_blocking(self._signalling, False)

    def run(self) -> None:
        before = {number: signal.signal(number, self._stop) for number in STOPPING}
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._pass_on)
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, _wake)
        # Signals may come to another thread: a byte here has this one look, and handle them.
        signal.set_wakeup_fd(self._signalling, warn_on_full_buffer=False)
        try:
            for _ in range(self._count):
                self._begin()
            while self._running:
                os.read(self._signals, _MANY)
                for ended, status in self._ended():
                    self._replace(ended, status)
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)
            for pipe in (self._life, self._living, self._signals, self._signalling):
                os.close(pipe)

    def _ended(self) -> list[tuple[int, int]]:
        """Return the workers that have ended, with their statuses: other processes are others'."""
        looked_at = [os.waitpid(child, os.WNOHANG) for child in self._running]
        return [(child, status) for child, status in looked_at if child]

    def _begin(self) -> None:
        with self._undisturbed, _without_signals():
            if self._is_stopping.is_set():
                return
            child = os.fork()
            if child:
                self._running[child] = time.monotonic()
                return
            signal.set_wakeup_fd(-1)
            for number in (*STOPPING, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until it can reload
            os.setpgid(0, 0)  # Ctrl-C is for the one that tells the others
        os.close(self._living)
        threading.Thread(target=self._stop_with_parent, daemon=True).start()
        _end_with(self._work)

    def _replace(self, ended: int, status: int) -> None:
        began = self._running.pop(ended)
        if self._is_stopping.is_set():
            return
        _log.error("worker_ended", pid=ended, status=os.waitstatus_to_exitcode(status))
        if time.monotonic() - began < YOUNG_SECONDS:
            self._is_stopping.wait(YOUNG_SECONDS)
        self._begin()

    def _stop(self, *_: object) -> None:
        self._is_stopping.set()
        self._tell(signal.SIGTERM)

    def _pass_on(self, number: int, _: object) -> None:
        self._tell(signal.Signals(number))

    def _tell(self, number: signal.Signals) -> None:
        for child in self._running:
            with suppress(ProcessLookupError):
                os.kill(child, number)

    def _stop_with_parent(self) -> None:
        os.read(self._life, 1)  # nothing ever comes but the end
        os.kill(os.getpid(), signal.SIGTERM)


def _wake(*_: object) -> None:
    """Handle a signal by nothing: that it came has woken the main loop."""


@contextmanager
def _without_signals() -> Iterator[None]:
    """Have signals wait: a child must not answer those of its parent."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with(work: Callable[[], None]) -> None:
    """Do the work and end the process, whatever comes."""
    status = 1
    try:
        work()
        status = 0
    except Exception:  # noqa: BLE001 - said, and then it is over
        _log.exception("worker_failed")
    finally:
        os._exit(status)
