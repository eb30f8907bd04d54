"""The load of the chaos test: clients that ask one thing after the other, whatever happens."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Event
from time import monotonic

import httpx

from scripts.kill_asks import JSON, KINDS, PACES, TIMEOUT_SECONDS, Ask, read
from scripts.running import Bridge

FINISH_SECONDS = 2.0
"""How long answers may still go on when the load ends; then their clients leave."""
PAUSE_SECONDS = 0.1
"""How long a client waits that was refused, or found nobody."""
CONTEXT_BYTES = (0, 2_000, 20_000, 60_000)
"""About how much comes with each request of a session, and nearly the same with each."""
AGAIN = "once more, "
AGENT = "cline/3.0"
SESSION_HEADER = "X-Task-Id"
UNAVAILABLE = 503


class Load:
    """Clients of bridges, wherever they listen at the moment; each has a session of its own.

    With several bridges the calls of a session go to one after the other. ``slowest`` is how many
    seconds the first bridge took at most to say that it lives.
    """

    def __init__(self, bridges: Sequence[Bridge], dice: random.Random, clients: int) -> None:
        self.asked: list[Ask] = []
        self.refused = 0
        self.strange: Counter[int] = Counter()
        self.slowest = 0.0
        self._bridges = bridges
        self._dice = dice
        self._clients = clients
        self._over = Event()

    @property
    def ended(self) -> int:
        """How many answers were read to their ends."""
        return sum(ask.ended for ask in self.asked)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Ask for as long as the ``with`` lasts, from a thread."""
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(asyncio.run, self._run())
            try:
                yield
            finally:
                self._over.set()
            done.result()

    async def _run(self) -> None:
        limits = httpx.Limits(max_connections=None)
        with suppress(TimeoutError):
            async with (
                httpx.AsyncClient(limits=limits, timeout=TIMEOUT_SECONDS, trust_env=False) as http,
                asyncio.timeout(None) as limit,
                asyncio.TaskGroup() as group,
            ):
                group.create_task(self._ask_whether_it_lives(http))
                for number in range(self._clients):
                    group.create_task(self._ask_on(http, number))
                await asyncio.to_thread(self._over.wait)
                limit.reschedule(asyncio.get_running_loop().time() + FINISH_SECONDS)

    async def _ask_on(self, http: httpx.AsyncClient, client: int) -> None:
        number, length = 0, self._dice.choice(CONTEXT_BYTES)
        while not self._over.is_set():
            pace = self._dice.choice(list(PACES))
            prompt = f"Tell me a {pace} story, number {client}-{number}."
            context = AGAIN * (length // len(AGAIN)) + f"{number}"
            ask = Ask(prompt, self._dice.choice(KINDS), 0.0, context=context)
            bridge = self._bridges[number % len(self._bridges)]
            if not await self._ask(http, bridge, client, ask):
                await asyncio.sleep(PAUSE_SECONDS)
            number += 1

    async def _ask_whether_it_lives(self, http: httpx.AsyncClient) -> None:
        while not self._over.is_set():
            began = monotonic()
            with suppress(httpx.TransportError):  # it is not there, on purpose
                await http.get(f"{self._bridges[0].url}/healthz")
                self.slowest = max(self.slowest, monotonic() - began)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _ask(self, http: httpx.AsyncClient, bridge: Bridge, client: int, ask: Ask) -> bool:
        """Ask once; false if nothing came of it."""
        url = f"{bridge.url}/api/v2/aibridge/{ask.kind.path}"
        headers = JSON | {
            "Authorization": f"Bearer {bridge.token}",
            "User-Agent": AGENT,
            SESSION_HEADER: f"session-{client}",
        }
        try:
            async with http.stream("POST", url, content=ask.content, headers=headers) as response:
                self.asked.append(ask)
                if response.is_success:
                    await read(ask, response, lambda: None)
                else:
                    self._note(response.status_code)
        except httpx.TransportError:
            return False  # the bridge is gone, or has no end for this answer
        return response.is_success

    def _note(self, status: int) -> None:
        if status == UNAVAILABLE:
            self.refused += 1
        else:
            self.strange[status] += 1
