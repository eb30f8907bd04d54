"""Replay recorded traffic: every byte must pass both ways, and the record must hold what was said.

A recording is a txtar file (a section a file, after a line ``-- name --``) with the sections
``request`` (the body sent) and ``streaming`` or ``non-streaming`` (the provider's answers; one that
opens with a status line is a whole response). Its path tells the dialect.
"""

import argparse
import hashlib
import json
import random
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests import bridge, wire

_SECTION = re.compile(rb"^-- (\S+) --\n", re.MULTILINE)
_MODES = {"streaming": True, "non-streaming": False}
_DIALECTS = {"anthropic": "messages", "chatcompletions": "chat", "responses": "responses"}


class Exchange(NamedTuple):
    """One answer of one recording, and the request for it."""

    name: str
    dialect: str
    request: bytes
    head: bytes
    answer: bytes


def exchanges(folder: Path) -> Iterator[Exchange]:
    """Yield what the recordings below ``folder`` hold, by file and mode."""
    for file in sorted(folder.rglob("*.txtar")):
        path = file.relative_to(folder)
        dialect = next(value for key, value in _DIALECTS.items() if key in path.parts)
        sections = dict(zip(*[iter(_SECTION.split(file.read_bytes())[1:])] * 2, strict=True))
        for mode in _MODES.keys() & {name.decode() for name in sections}:
            request = _request(json.loads(sections[b"request"]), dialect, stream=_MODES[mode])
            head, answer = _answer(sections[mode.encode()], stream=_MODES[mode])
            yield Exchange(f"{path.with_suffix('')} {mode}", dialect, request, head, answer)


def _request(body: dict[str, Any], dialect: str, *, stream: bool) -> bytes:
    body["stream"] = stream
    if dialect == "chat" and stream:  # as its client did: the recording holds the usage chunk
        body["stream_options"] = {"include_usage": True}
    return json.dumps(body).encode()


def _answer(section: bytes, *, stream: bool) -> tuple[bytes, bytes]:
    """Return the head, without the headers of the body's length, and the body."""
    kind = b"text/event-stream" if stream else b"application/json"
    if not section.startswith(b"HTTP/"):
        return b"HTTP/1.1 200 OK\r\ncontent-type: " + kind + b"\r\n", section
    head, _, body = section.replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = [
        line for line in head.split(b"\n") if not re.match(rb"(?i)content-length|transfer", line)
    ]
    return b"\r\n".join(lines) + b"\r\n", body


def pieces(exchange: Exchange, chance: random.Random) -> list[bytes]:
    """Cut the answer anywhere, and into chunks of any size."""
    parts = [exchange.head + b"transfer-encoding: chunked\r\n\r\n"]
    rest = exchange.answer
    while rest:
        size = chance.choice((1, 2, 7, 61, 400, 5000))
        parts.append(wire.chunk(rest[:size]))
        rest = rest[size:]
    return [*parts, wire.END_OF_CHUNKS]


def replay(exchange: Exchange, run: bridge.Bridge, provider: wire.Wire, seed: int) -> bool:
    """Play one exchange; say what is on record of it, and whether all bytes passed."""
    provider.forget()
    run.forget()
    provider.play(*pieces(exchange, random.Random(seed)))  # noqa: S311 - to be played again
    answer = run.ask(bridge.ROUTES[exchange.dialect], body=exchange.request)
    sent = provider.request()
    same = (_digest(answer.body), _digest(sent.body)) == (
        _digest(exchange.answer),
        _digest(exchange.request),
    )
    print(f"{'same' if same else 'DIFFERENT':9} {exchange.name:55} {_recorded(run.record())}")
    return same


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _recorded(record: bridge.Record) -> str:
    tokens = [
        str(
            [
                usage[f"{name}_tokens"]
                for name in ("input", "output", "cache_read_input", "cache_write_input")
            ]
        )
        for usage in record.usages
    ]
    tools = [f"{tool['tool']}({tool['input']})" for tool in record.tools]
    return " ".join([*tokens, *tools, f"thoughts={len(record.thoughts)}", record.status])


def main() -> None:
    """Replay a folder; the status is 1 if a byte was not the same."""
    parser = argparse.ArgumentParser(description=__doc__, prog="scripts/replay")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5, help="different ways of cutting each")
    options = parser.parse_args()
    found = list(exchanges(options.folder))
    with (
        tempfile.TemporaryDirectory() as folder,
        wire.Wire() as provider,
        bridge.serve(Path(folder), bridge.providers(provider.url)) as run,
    ):
        results = [
            replay(exchange, run, provider, seed)
            for seed in range(options.rounds)
            for exchange in found
        ]
    print(f"{len(results)} exchanges, {results.count(False)} different")
    sys.exit(1 if not results or not all(results) else 0)


if __name__ == "__main__":
    main()
