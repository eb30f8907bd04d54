"""The readers of foreign bytes, each as a function that takes a fuzzed input."""

import asyncio
from collections.abc import Callable, Iterator
from typing import NamedTuple

from aibridge.dialects import DIALECTS, chat
from aibridge.dialects.encoding import Undecodable, decode
from aibridge.dialects.sse import EventStream
from aibridge.reading.answer import Observer
from aibridge.reading.answer.editing import EditingObserver
from aibridge.reading.answer.streaming import StreamObserver
from aibridge.reading.answer.whole import WholeObserver
from aibridge.search import SearchError, parse
from scripts.fuzzing import inputs
from scripts.fuzzing.inputs import Input, Maker
from scripts.fuzzing.upstream import read_answer

_MAX_CUTS = 32
_LIMIT = 32 << 20


class Reader(NamedTuple):
    """A reader: what makes its inputs, what takes them, and the share that are compressed."""

    maker: Maker
    read: Callable[[Input], None]
    codings: float = 0.0


def readers() -> dict[str, Reader]:
    """Return every reader by its name."""
    found = {}
    for name in DIALECTS:
        found[f"{name}-request"] = Reader(inputs.request(name), _request(name), 0.1)
        found[f"{name}-answer"] = Reader(inputs.answer(name), _answer(name), 0.1)
        found[f"{name}-stream"] = Reader(inputs.stream(name), _stream(name), 0.1)
    return found | {
        "chat-edit": Reader(inputs.stream("chat"), _edited),
        "coding": Reader(inputs.anything, _coding, 1.0),
        "sse": Reader(inputs.stream("chat"), _events),
        "search": Reader(inputs.query, _search),
        "upstream": Reader(inputs.exchange, _upstream),
    }


def _request(name: str) -> Callable[[Input], None]:
    def read(given: Input) -> None:
        try:
            body = decode(given.data, given.coding, _LIMIT)
        except Undecodable:
            return
        facts = DIALECTS[name].read_request(body)
        repr(facts.notes)
        if name == "chat" and not given.coding and chat.lacks_usage(given.data):
            chat.ask_for_usage(given.data)

    return read


def _answer(name: str) -> Callable[[Input], None]:
    def read(given: Input) -> None:
        status = given.random.choice((200, 200, 200, 400, 503))
        observer = WholeObserver(DIALECTS[name], status, given.coding.encode())
        _observe(observer, given)

    return read


def _stream(name: str) -> Callable[[Input], None]:
    return lambda given: _observe(StreamObserver(DIALECTS[name], given.coding.encode()), given)


def _edited(given: Input) -> None:
    _observe(EditingObserver(), given)


def _observe(observer: Observer, given: Input) -> None:
    """Feed an observer; raise what it keeps to itself, and where bytes are lost."""
    size = 0
    pieces = list(_pieces(given))
    for number, piece in enumerate(pieces, 1):
        ready, held = observer.feed(piece, last=number == len(pieces))
        size += len(ready) + len(held)
    notes = observer.facts().notes
    if "the answer could not be read" in notes:
        raise AssertionError(notes)
    if size != len(given.data) and not observer.edits:
        raise AssertionError(f"{len(given.data)} bytes came, {size} went")


def _coding(given: Input) -> None:
    try:
        decode(given.data, given.coding, _LIMIT)
    except Undecodable:
        return


def _events(given: Input) -> None:
    events = EventStream()
    for piece in _pieces(given):
        events.feed(piece)
    events.finish()


def _search(given: Input) -> None:
    try:
        parse(given.data.decode("utf-8", "replace"))
    except SearchError as error:
        str(error)


def _upstream(given: Input) -> None:
    asyncio.run(read_answer(list(_pieces(given)), closes=given.random.choice((True, True, False))))


def _pieces(given: Input) -> Iterator[bytes]:
    """Cut the data in up to `_MAX_CUTS` places."""
    size = len(given.data)
    cuts = given.random.choice((0, 0, 1, 3, _MAX_CUTS))
    edges = sorted(given.random.randint(0, size) for _ in range(cuts))
    for start, end in zip([0, *edges], [*edges, size], strict=True):
        yield given.data[start:end]
