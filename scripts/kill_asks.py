"""The clients of the kill test: they ask in every dialect and note how far each answer came."""

import asyncio
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from aibridge.practice import Part, Script, Turn, Usage

STORY = "The rain went on, the river rose, and nobody in the village slept. " * 6
USAGE = Usage(input=311, output=97)
SPREAD_SECONDS = 0.8
"""Within this time the clients begin, each at a moment of its own."""
TIMEOUT_SECONDS = 60

JSON = {"Content-Type": "application/json"}
PACES = {"quick": (0.05, 0.006), "steady": (0.2, 0.03), "slow": (0.5, 0.15)}
"""Seconds before an answer's first byte, and between its events."""

SCRIPT = Script(
    turns=tuple(
        Turn(
            when=f"{pace} story",
            parts=(Part(text=STORY),),
            usage=USAGE,
            delay=delay,
            pause=pause,
        )
        for pace, (delay, pause) in PACES.items()
    )
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A way of asking: ``end`` is what ends a stream (none: the answer comes whole).

    ``stop`` is the stop reason that belongs on record.
    """

    path: str
    stop: str
    end: bytes
    body: Callable[[str], dict[str, Any]]


def _messages(prompt: str) -> dict[str, Any]:
    return {"model": "claude-opus-4-8", "max_tokens": 999, "messages": _user(prompt)}


def _chat(prompt: str) -> dict[str, Any]:
    return {"model": "gpt-5", "messages": _user(prompt), "stream_options": {"include_usage": True}}


def _responses(prompt: str) -> dict[str, Any]:
    return {"model": "gpt-5", "input": prompt}


def _user(prompt: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}]


_STREAMS = (
    Kind("anthropic/v1/messages", "end_turn", b"event: message_stop\n", _messages),
    Kind("openai/v1/chat/completions", "stop", b"data: [DONE]\n", _chat),
    Kind("openai/v1/responses", "completed", b"event: response.completed\n", _responses),
)
_WHOLE = tuple(Kind(kind.path, kind.stop, b"", kind.body) for kind in _STREAMS)
KINDS = _STREAMS * 3 + _WHOLE


@dataclass(slots=True, eq=False)
class Ask:
    """One request: what was asked and when, and what its client has seen of the answer.

    ``size`` is how many bytes of the answer that are. The request has a ``context`` besides.
    """

    prompt: str
    kind: Kind
    start: float
    began: bool = False
    ended: bool = False
    size: int = 0
    context: str = ""

    @property
    def content(self) -> bytes:
        """The request's body."""
        body = self.kind.body(self.prompt) | {"stream": bool(self.kind.end)}
        if self.context:
            body["context"] = self.context
        return json.dumps(body).encode()


def asks(dice: random.Random, label: str, number: int) -> Iterator[Ask]:
    """Make up ``number`` requests, every prompt of them different."""
    for index in range(number):
        prompt = f"Tell me a {dice.choice(list(PACES))} story, number {label}-{index}."
        yield Ask(prompt, KINDS[index % len(KINDS)], dice.uniform(0, SPREAD_SECONDS))


async def read(ask: Ask, response: httpx.Response, ended: Callable[[], None]) -> None:
    """Read an answer and note how far it came; ``ended`` is called once its end has been seen."""
    seen = b""
    async for piece in response.aiter_bytes():
        ask.began = True
        seen += piece
        ask.size = len(seen)
        if ask.kind.end and not ask.ended and ask.kind.end in seen and seen.endswith(b"\n\n"):
            ask.ended = True
            ended()
    if not ask.kind.end:
        ask.ended = True
        ended()


class Crowd:
    """Clients that ask at once. ``enough`` is set when ``wanted`` answers have ended."""

    def __init__(self, url: str, token: str, wanted: int) -> None:
        self.enough = asyncio.Event()
        self._wanted = wanted
        self._client = httpx.AsyncClient(
            base_url=f"{url}/api/v2/aibridge/",
            headers={"Authorization": f"Bearer {token}"},
            limits=httpx.Limits(max_connections=None),
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
        )

    async def send(self, asked: list[Ask]) -> None:
        """Ask everything; return when each answer has ended or broken off."""
        async with self._client, asyncio.TaskGroup() as group:
            for ask in asked:
                group.create_task(self._send(ask))

    async def _send(self, ask: Ask) -> None:
        await asyncio.sleep(ask.start)
        try:
            async with self._client.stream(
                "POST", ask.kind.path, content=ask.content, headers=JSON
            ) as response:
                response.raise_for_status()
                await read(ask, response, self._count)
        except httpx.TransportError:
            return  # the bridge is gone

    def _count(self) -> None:
        self._wanted -= 1
        if self._wanted == 0:
            self.enough.set()
