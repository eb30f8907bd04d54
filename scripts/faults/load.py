"""The load of the chaos test: clients that ask one thing after the other, whatever happens."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Event

import httpx

from scripts.kill_asks import KINDS, PACES, TIMEOUT_SECONDS, Ask, read
from scripts.running import Bridge

FINISH_SECONDS = 2.0
"""How long answers may still go on when the load ends; then their clients leave."""
PAUSE_SECONDS = 0.1
"""How long a client waits that was refused, or found nobody."""
AGENT = "cline/3.0"
SESSION_HEADER = "X-Task-Id"
UNAVAILABLE = 503


class Load:
    """Clients of a bridge, wherever it listens at the moment; each has a session of its own."""

    def __init__(self, bridge: Bridge, dice: random.Random, clients: int) -> None:
        self.asked: list[Ask] = []
        self.refused = 0
        self.strange: Counter[int] = Counter()
        self._bridge = bridge
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
                for number in range(self._clients):
                    group.create_task(self._ask_on(http, number))
                await asyncio.to_thread(self._over.wait)
                limit.reschedule(asyncio.get_running_loop().time() + FINISH_SECONDS)

    async def _ask_on(self, http: httpx.AsyncClient, client: int) -> None:
        number = 0
        while not self._over.is_set():
            pace = self._dice.choice(list(PACES))
            prompt = f"Tell me a {pace} story, number {client}-{number}."
            if not await self._ask(http, client, Ask(prompt, self._dice.choice(KINDS), 0.0)):
                await asyncio.sleep(PAUSE_SECONDS)
            number += 1

    async def _ask(self, http: httpx.AsyncClient, client: int, ask: Ask) -> bool:
        """Ask once; false if nothing came of it."""
        bridge = self._bridge
        url = f"{bridge.url}/api/v2/aibridge/{ask.kind.path}"
        headers = {
            "Authorization": f"Bearer {bridge.token}",
            "User-Agent": AGENT,
            SESSION_HEADER: f"session-{client}",
        }
        try:
            async with http.stream("POST", url, json=ask.body, headers=headers) as response:
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
