"""Estimates of a moment ago: who turns pages does not have the same guessed again for each."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

from aibridge.store.counting import Count

KEPT_SECONDS = 60.0
MOST = 1000
"""Estimates that are kept, the last ones asked for."""


class Estimates:
    """Counts that were about right a moment ago. Exact ones are always counted anew."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[float, Count]] = OrderedDict()
        self._lock = Lock()

    def get(self, asked: Hashable, count: Callable[[], Count]) -> Count:
        """Return the estimate that is kept of what is asked, or else what is counted now."""
        with self._lock:
            at, kept = self._kept.get(asked, (0.0, None))
        if kept is not None and time.monotonic() - at < KEPT_SECONDS:
            return kept
        counted = count()
        with self._lock:
            self._kept.pop(asked, None)
            if counted.is_estimate:
                self._kept[asked] = time.monotonic(), counted
                if len(self._kept) > MOST:
                    self._kept.popitem(last=False)
        return counted
