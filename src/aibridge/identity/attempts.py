"""How often somebody may try a password."""

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

FAILURES = 10
WINDOW_SECONDS = 60.0
KNOWN = 10_000
"""Places that are remembered; the one that failed longest ago is forgotten first."""

Key = tuple[str, str]
"""The account that is tried, and the address from which it is."""


class Attempts:
    """Counts failures by account and address, for a minute from the first; threads may share it.

    Of one address alone the failures would count against everybody behind it, and of one account
    alone a stranger could keep its user out.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[Key, tuple[float, int]] = OrderedDict()
        self._lock = Lock()

    def wait(self, key: Key) -> float:
        """Return the seconds until the next attempt is allowed, 0 when it is."""
        with self._lock:
            began, count = self._failures.get(key, (0.0, 0))
            left = began + WINDOW_SECONDS - self._clock()
        return left if count >= FAILURES and left > 0 else 0.0

    def failed(self, key: Key) -> None:
        """Count a failure."""
        with self._lock:
            now = self._clock()
            began, count = self._failures.pop(key, (now, 0))
            fresh = now - began >= WINDOW_SECONDS
            self._failures[key] = (now, 1) if fresh else (began, count + 1)
            if len(self._failures) > KNOWN:
                self._failures.popitem(last=False)

    def succeeded(self, key: Key) -> None:
        """Forget the failures."""
        with self._lock:
            self._failures.pop(key, None)
