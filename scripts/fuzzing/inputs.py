"""Made-up inputs: documents of a grammar, changed at random; the same for the same seed."""

import gzip
import json
import zlib
from collections.abc import Callable
from random import Random
from typing import NamedTuple

import brotli
import zstandard

from scripts.fuzzing.atoms import ANSWERS, BYTES, EVENTS, HEADS, ODD, QUERIES, REQUESTS

MAX_SIZE = 1 << 20
_LARGE = 1 / 400
"""Share of the inputs that are of more than a few kilobytes."""

_SOME, _HALF, _MOST = 0.3, 0.5, 0.9

_MARK = "\ufff0"
_MARKED = json.dumps(_MARK).encode()

ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, 1, mtime=0),
    "deflate": lambda data: zlib.compress(data, 1),
    "br": lambda data: brotli.compress(data, quality=1),
    "zstd": zstandard.compress,
}


class Input(NamedTuple):
    """Bytes for a reader; how they are encoded; the random numbers for what else it wants."""

    data: bytes
    coding: str
    random: Random


Maker = Callable[[Random], bytes]


def make(maker: Maker, name: str, seed: int, number: int, *, codings: float) -> Input:
    """Return an input. ``codings`` is the share of inputs that are compressed."""
    random = Random(f"{name} {seed} {number}")  # noqa: S311 - made up, not secret
    data = maker(random)
    data = _mutated(data, random)
    if random.random() < _LARGE:
        data = _grown(data, random)
    coding = ""
    if random.random() < codings:
        data, coding = _encoded(data, random)
    return Input(data[:MAX_SIZE], coding, random)


def request(dialect: str) -> Maker:
    """Return a maker of requests."""
    return lambda random: _document(REQUESTS[dialect], random)


def answer(dialect: str) -> Maker:
    """Return a maker of answers in one piece."""
    return lambda random: _document(ANSWERS[dialect], random)


def stream(dialect: str) -> Maker:
    """Return a maker of streams of events."""

    def make_stream(random: Random) -> bytes:
        end = random.choice((b"\n", b"\n", b"\n", b"\r\n", b"\r"))
        chosen = random.choices(EVENTS[dialect], k=random.randint(1, 6))
        events = []
        for event in chosen:
            data = _document(event, random) if random.random() < _SOME else _compact(event)
            name = (
                f"event: {event.get('type', '')}".encode() + end if random.random() < _HALF else b""
            )
            events.append(name + b"data: " + data + end + end)
        if random.random() < _LARGE:
            place = random.randrange(len(events))
            events[place] *= random.randrange(1, max(2, MAX_SIZE // 2 // len(events[place])))
        return b"".join(events) + random.choice((b"", b"data: [DONE]" + end + end))

    return make_stream


def anything(random: Random) -> bytes:
    """Return a document of any kind."""
    kind = random.choice((request, answer, stream))
    return kind(random.choice(("messages", "chat", "responses")))(random)


def query(random: Random) -> bytes:
    """Return a query of the search language."""
    return b" ".join(random.choices(QUERIES, k=random.randint(1, 3)))


def exchange(random: Random) -> bytes:
    """Return what a provider sends over a connection."""
    return b"".join(random.choices(HEADS, k=random.randint(1, 2))) + random.choice((b"", b"hello"))


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _document(value: object, random: Random) -> bytes:
    """Return JSON with parts of ``value`` replaced, at times one of them by something large."""
    for _ in range(random.choice((0, 1, 1, 2, 4))):
        value = _replaced(value, random, random.choice(ODD))
    if random.random() >= _LARGE:
        return json.dumps(value, ensure_ascii=random.random() < _HALF).encode("utf-8", "replace")
    return _compact(_replaced(value, random, _MARK)).replace(_MARKED, _large(random))


def _replaced(value: object, random: Random, other: object) -> object:
    """Return ``value`` with one of its parts, or itself, replaced."""
    if isinstance(value, dict) and value and random.random() < _MOST:
        key = random.choice(list(value))
        return {**value, key: _replaced(value[key], random, other)}
    if isinstance(value, list) and value and random.random() < _MOST:
        place = random.randrange(len(value))
        return [*value[:place], _replaced(value[place], random, other), *value[place + 1 :]]
    return other


def _size(random: Random) -> int:
    """Return a size: each order of magnitude is as likely as the others."""
    return int(2 ** random.uniform(12, 20))


def _run(random: Random) -> bytes:
    """Return a long run of one token, or of a few that alternate."""
    token = b"".join(random.choices(BYTES, k=random.choice((1, 1, 1, 2, 3))))
    return token * max(1, _size(random) // len(token))


def _large(random: Random) -> bytes:
    """Return a large JSON value, more or less valid."""
    return random.choice(_LARGE_VALUES)(random)


def _many_keys(random: Random) -> bytes:
    return b"{" + b",".join(b'"k%d":1' % number for number in range(_size(random) // 12)) + b"}"


def _nested(random: Random) -> bytes:
    depth = _size(random) // 2
    return b"[" * depth + b"]" * depth


_LARGE_VALUES: tuple[Maker, ...] = (
    lambda random: b'"' + _run(random) + b'"',
    lambda random: b"[" + _run(random).rstrip(b",") + b"]",
    lambda random: b"{" + _run(random).rstrip(b",") + b"}",
    _many_keys,
    _nested,
    _run,
)


def _grown(data: bytes, random: Random) -> bytes:
    place = random.randint(0, len(data))
    return data[:place] + _run(random) + data[place:]


def _mutated(data: bytes, random: Random) -> bytes:
    """Return ``data`` changed in up to four places."""
    for _ in range(random.choice((0, 0, 1, 1, 2, 4))):
        start = random.randint(0, len(data))
        end = min(len(data), start + random.choice((0, 1, 1, 4, 60)))
        data = random.choice(_CHANGES)(data, start, end, random)
    return data


_CHANGES: tuple[Callable[[bytes, int, int, Random], bytes], ...] = (
    lambda data, start, _, random: (
        data[:start] + bytes([random.randrange(256)]) + data[start + 1 :]
    ),
    lambda data, start, end, _: data[:start] + data[end:],
    lambda data, start, end, random: (
        data[:end] + data[start:end] * random.randint(1, 5) + data[end:]
    ),
    lambda data, start, end, random: (
        data[:start] + random.choice(BYTES) * random.randint(1, 8) + data[end:]
    ),
    lambda data, start, _, __: data[:start],
    lambda data, start, _, __: data[start:] + data[:start],
)


def _encoded(data: bytes, random: Random) -> tuple[bytes, str]:
    """Return ``data`` compressed, once or more, at times cut into members or spoilt."""
    names = random.choices(list(ENCODERS), k=random.choice((1, 1, 1, 2, 3)))
    for name in names:
        encode = ENCODERS[name]
        if random.random() < _LARGE:
            data = encode(b"") * (_size(random) // 16) + encode(data)
        elif random.random() < _LARGE:
            data = encode(random.choice(BYTES) * random.randrange(1, 1 << 22))
        else:
            middle = random.choice((0, len(data) // 2))
            data = encode(data[:middle]) + encode(data[middle:]) if middle else encode(data)
    return _mutated(data, random) if random.random() < _HALF else data, ", ".join(names)
