"""How often a password may be tried: so often for an account, and so often from a network.

Of one account alone a stranger could keep its user out, and of one network alone everybody behind
it; so failures are counted by both together, and by network a good deal more are allowed. Who has
come in from a network before is not held to what others do there. All of it is in memory: a bridge
that has just started recognizes nobody, and each of several counts on its own.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

FAILURES = 10
"""Failures a minute for one account from one network."""
FAILURES_OF_NETWORK = 30
"""Failures a minute for all accounts together, from one network."""
WINDOW_SECONDS = 60.0
MOST = 10_000
"""Keys that are remembered of a kind; the one that is the longest unused is forgotten first."""

Pair = tuple[str, str]
"""The account that is tried, and the network from which it is."""
Clock = Callable[[], float]


class Counter:
    """Counts failures by key, for a minute from the first. Not for several threads at once."""

    def __init__(self, limit: int, clock: Clock) -> None:
        self._limit, self._clock = limit, clock
        self._failures: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def wait(self, key: Hashable) -> float:
        """Return the seconds until the next attempt is allowed, 0 when it is."""
        began, count = self._failures.get(key, (0.0, 0))
        left = began + WINDOW_SECONDS - self._clock()
        return left if count >= self._limit and left > 0 else 0.0

    def add(self, key: Hashable) -> None:
        """Count a failure."""
        now = self._clock()
        began, count = self._failures.pop(key, (now, 0))
        fresh = now - began >= WINDOW_SECONDS
        self._failures[key] = (now, 1) if fresh else (began, count + 1)
        if len(self._failures) > MOST:
            self._failures.popitem(last=False)

    def take_back(self, key: Hashable) -> None:
        """Count one failure less."""
        if key in self._failures:
            began, count = self._failures[key]
            self._failures[key] = (began, max(count - 1, 0))

    def forget(self, key: Hashable) -> None:
        """Forget the failures of a key."""
        self._failures.pop(key, None)


class Attempts:
    """Decides whether a password may be tried; threads may share it.

    An attempt counts as a failure from its beginning until it has succeeded, so that many at once
    are many.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._pairs = Counter(FAILURES, clock)
        self._networks = Counter(FAILURES_OF_NETWORK, clock)
        self._recognized: OrderedDict[Pair, None] = OrderedDict()
        self._lock = Lock()

    def begin(self, pair: Pair) -> float:
        """Count an attempt and return 0, or return the seconds until one is allowed."""
        with self._lock:
            wait = self._pairs.wait(pair)
            if pair not in self._recognized:
                wait = max(wait, self._networks.wait(pair[1]))
            if wait == 0:
                self._pairs.add(pair)
                self._networks.add(pair[1])
        return wait

    def succeeded(self, pair: Pair) -> None:
        """Take the attempt for no failure, forget those before it, and recognize the pair."""
        with self._lock:
            self._pairs.forget(pair)
            self._networks.take_back(pair[1])
            self._recognized[pair] = None
            self._recognized.move_to_end(pair)
            if len(self._recognized) > MOST:
                self._recognized.popitem(last=False)

    def recognizes(self, pair: Pair) -> bool:
        """Say whether the account was come into from this network before."""
        with self._lock:
            return pair in self._recognized
