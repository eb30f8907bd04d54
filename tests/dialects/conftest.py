"""Playing answers to the readers of a dialect."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from aibridge.dialects import Dialect
from aibridge.dialects.facts import ResponseFacts
from aibridge.dialects.sse import EventStream

Play = Callable[..., ResponseFacts]


def sse(*events: dict[str, Any] | str, named: bool = False) -> bytes:
    """A stream of events as providers write it; a string stands for itself."""
    lines = []
    for event in events:
        data = event if isinstance(event, str) else json.dumps(event, separators=(",", ":"))
        if named and isinstance(event, dict):
            lines.append(f"event: {event['type']}\n")
        lines.append(f"data: {data}\n\n")
    return "".join(lines).encode()


def said(name: str, text: str) -> dict[str, Any]:
    """Return the event of a dialect that says ``text``."""
    if name == "messages":
        delta = {"type": "text_delta", "text": text}
        return {"type": "content_block_delta", "index": 0, "delta": delta}
    if name == "chat":
        head = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        return {**head, "choices": [{"index": 0, "delta": {"content": text}}]}
    return {"type": "response.output_text.delta", "output_index": 0, "delta": text}


def play(dialect: Dialect, stream: bytes, size: int = 0, *, skip: bool = True) -> ResponseFacts:
    """The facts of ``stream`` fed in chunks of ``size`` bytes (0: in one)."""
    reader = dialect.StreamReader()
    text, quiet = (dialect.SKIP, dialect.QUIET) if skip else (None, None)
    events = EventStream(text, reader.notes, quiet=quiet)
    step = size or max(1, len(stream))
    for start in range(0, len(stream), step):
        for event in events.read(stream[start : start + step]):
            reader.event(event.data, event.name)
            events.skipping = not reader.needs_text
    return reader.facts()


@pytest.fixture(name="sse", scope="session")
def sse_fixture() -> Callable[..., bytes]:
    return sse


@pytest.fixture(name="play", scope="session")
def play_fixture() -> Play:
    return play
