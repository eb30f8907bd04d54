"""Reading of large bodies in a thread, while the event loop goes on serving."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar
from weakref import WeakValueDictionary

MAX_ON_LOOP = 256 << 10
"""Bytes that are read on the event loop: a few milliseconds at most."""

P = ParamSpec("P")
T = TypeVar("T")


class LargeReads:
    """Calls readers: at once where there is little to read, else in its one thread.

    One, since readers hold Python's lock and memory. Of each person at most one large body waits
    for it at a time, so that who sends many does not keep others waiting for all of them.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "read")
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def call(
        self, person: str, weight: int, reader: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what ``reader`` returns, which has about ``weight`` bytes of a person to read.

        Who is cancelled meanwhile still waits for the reader, which is never left at work behind
        somebody's back.
        """
        if weight <= MAX_ON_LOOP:
            return reader(*args, **kwargs)
        async with self._turns.setdefault(person, asyncio.Lock()):
            return await self._in_thread(reader, *args, **kwargs)

    async def _in_thread(self, reader: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        job = self._thread.submit(reader, *args, **kwargs)
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            if not job.cancelled():
                await asyncio.wait([asyncio.wrap_future(job)])
            raise

    def close(self) -> None:
        """Begin nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)
