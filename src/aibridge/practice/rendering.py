"""Rendering: a turn's answer as the bytes to send, worded once and kept."""

from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import msgspec

from aibridge.practice import chat, messages, responses
from aibridge.practice.answer import compose, tokens_in
from aibridge.practice.asked import Asked
from aibridge.practice.encodings import compressed
from aibridge.practice.exchange import RawHeaders, Reply, fresh_key, headers, keyed
from aibridge.practice.script import Failure, Turn
from aibridge.practice.wording import JSON, Voice

VOICES: dict[str, Voice] = {"messages": messages, "chat": chat, "responses": responses}
"""The module that words answers in each dialect."""

_KEPT = 256
_JSON_TYPE = (b"content-type", b"application/json")
_STREAM_TYPE = (b"content-type", b"text/event-stream; charset=utf-8")

_encode = msgspec.json.encode


class _Wording(NamedTuple):
    """All that the words of an answer depend on."""

    dialect: str
    turn: Turn
    model: str
    stream: bool
    wants_usage: bool
    tools: bytes
    estimate: int
    created: int


class Renderer:
    """Renders answers that bear the time ``created``, in Unix seconds.

    Answers whose ids alone differ are worded once: benchmarks ask for the same ones again and
    again. What depends on the client's tools is kept by the tools' own bytes.
    """

    def __init__(self, created: int) -> None:
        self._created = created
        self._worded = lru_cache(maxsize=_KEPT)(_word)

    def answer(self, dialect: str, turn: Turn, asked: Asked) -> Reply:
        """Reply with ``turn`` to what was asked, as a stream or whole."""
        wording = _Wording(
            dialect=dialect,
            turn=turn,
            model=asked.model,
            stream=asked.stream,
            wants_usage=asked.wants_usage,
            tools=asked.tools if turn.calls_tools else b"",
            estimate=tokens_in(asked.size),
            created=self._created,
        )
        key = fresh_key()
        frames = [keyed(frame, key) for frame in self._worded(wording)]
        if asked.stream:
            return streamed(dialect, turn, frames, key)
        return _whole(turn, frames[0], headers(dialect, key))


def error(dialect: str, failure: Failure, delay: float = 0.0) -> Reply:
    """Reply with ``failure`` in the dialect's error shape."""
    extra = [(name.lower().encode(), value.encode()) for name, value in failure.headers.items()]
    body = VOICES[dialect].error(failure)
    return plain(dialect, body, status=failure.status, extra=extra, delay=delay)


def plain(
    dialect: str,
    body: JSON,
    *,
    status: int = 200,
    extra: RawHeaders | None = None,
    delay: float = 0.0,
    key: bytes | None = None,
) -> Reply:
    """Reply with a JSON ``body`` under the dialect's headers and ``extra`` ones."""
    key = key or fresh_key()
    sent = keyed(_encode(body), key)
    head = [_JSON_TYPE, _length(sent), *headers(dialect, key), *(extra or [])]
    return Reply(status, head, (sent,), delay=delay)


def streamed(dialect: str, turn: Turn, frames: list[bytes], key: bytes | None = None) -> Reply:
    """Reply with the events ``frames``, paced and cut as ``turn`` says."""
    cut = turn.break_after is not None
    if turn.encoding:
        frames = list(compressed(turn.encoding, frames))
        frames = frames[:-1] if cut else frames
    plain_head = [_STREAM_TYPE, (b"cache-control", b"no-cache"), *_encoding(turn)]
    return Reply(
        status=200,
        headers=[*plain_head, *headers(dialect, key or fresh_key())],
        frames=(b"".join(frames),) if turn.pause is None else tuple(frames),
        delay=turn.delay,
        pause=turn.pause or 0.0,
        cut=cut,
    )


def _word(wording: _Wording) -> tuple[bytes, ...]:
    turn = wording.turn
    said = compose(
        turn,
        model=wording.model,
        tools=wording.tools,
        estimate=wording.estimate,
        created=wording.created,
        wants_usage=wording.wants_usage,
    )
    voice = VOICES[wording.dialect]
    if not wording.stream:
        return (_encode(voice.whole(said)),)
    frames = list(voice.events(said))
    if turn.stream_error:
        frames = frames[: turn.stream_error.after]
        frames.append(voice.broken(said, turn.stream_error))
    frames = list(islice(frames, turn.break_after))
    in_one_piece = turn.pause is None and turn.encoding is None
    return (b"".join(frames),) if in_one_piece else tuple(frames)


def _whole(turn: Turn, body: bytes, head: RawHeaders) -> Reply:
    if turn.encoding:
        body = b"".join(compressed(turn.encoding, [body]))
    return Reply(
        status=200,
        headers=[_JSON_TYPE, _length(body), *_encoding(turn), *head],
        frames=(body[: turn.break_after],),
        delay=turn.delay,
        cut=turn.break_after is not None,
    )


def _encoding(turn: Turn) -> RawHeaders:
    return [(b"content-encoding", turn.encoding.encode())] if turn.encoding else []


def _length(body: bytes) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % len(body)
