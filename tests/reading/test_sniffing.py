"""An answer is read as what its first bytes say that it is."""

import pytest

from aibridge.providers.types import Dialect
from aibridge.reading.answer import Observer, observe
from tests.gateway import samples

SSE = {b"content-type": b"text/event-stream"}
JSON = {b"content-type": b"application/json"}
KINDS: tuple[dict[bytes, bytes], ...] = (SSE, JSON, {b"content-type": b"text/plain"}, {})
MARK = b"\xef\xbb\xbf"

dialects = pytest.mark.parametrize("dialect", samples.DIALECTS)
kinds = pytest.mark.parametrize("kind", KINDS, ids=["sse", "json", "text", "none"])


def feed(observer: Observer, data: bytes, size: int) -> bytes:
    """Feed an answer in pieces; return what has gone on, which is all that came."""
    got = b""
    for start in range(0, len(data), size):
        piece = data[start : start + size]
        observer.weight(len(piece))
        ready, held = observer.feed(piece, last=start + size >= len(data))
        got += ready + held
    return got


@pytest.mark.parametrize("size", [1, 3, 5000])
@pytest.mark.parametrize("before", [b"", MARK, b"\n\n", MARK + b"\r\n", b": hi\n\n"])
@pytest.mark.parametrize("encoding", ["", "gzip", "zstd"])
@kinds
@dialects
def test_a_stream_is_told_by_its_bytes(dialect, kind, encoding, before, size):
    plain = before + samples.body(dialect, stream=True)
    body = samples.packed(plain, encoding) if encoding else plain
    headers = kind | {b"content-encoding": encoding.encode()}
    observer = observe(Dialect(dialect), 200, headers, streams=True)
    assert feed(observer, body, size) == body
    facts = observer.facts()
    assert facts.usage is not None
    assert (facts.usage.output, facts.ended, facts.notes) == (9, True, [])


@pytest.mark.parametrize("size", [1, 3, 5000])
@pytest.mark.parametrize("before", [b"", MARK, b" \n ", MARK + b"\r\n"])
@pytest.mark.parametrize("encoding", ["", "gzip"])
@kinds
@dialects
def test_a_whole_answer_is_told_by_its_bytes(dialect, kind, encoding, before, size):
    plain = before + samples.WHOLE[dialect]
    body = samples.packed(plain, encoding) if encoding else plain
    headers = kind | {b"content-encoding": encoding.encode()}
    observer = observe(Dialect(dialect), 200, headers, streams=True)
    assert feed(observer, body, size) == body
    facts = observer.facts()
    assert facts.usage is not None
    assert (facts.usage.output, facts.ended, facts.notes) == (9, True, [])


@dialects
def test_white_space_passes_while_nothing_else_has_come(dialect):
    observer = observe(Dialect(dialect), 200, JSON, streams=True, hide_usage=True)
    for _ in range(3):
        assert observer.feed(b" \n", last=False) == (b" \n", b"")
    assert observer.feed(b"\nda", last=False) == (b"\n", b"")
    assert not observer.content_ended
    rest = b"ta: {}\n\n"
    assert observer.feed(rest, last=False) == (b"da" + rest, b"")


@pytest.mark.parametrize("body", [b"da", b"eve", b"\xef\xbb", b"", b"  "])
@dialects
def test_what_ends_before_it_can_be_told_passes(dialect, body):
    for kind in KINDS:
        observer = observe(Dialect(dialect), 200, kind, streams=True)
        assert b"".join(observer.feed(body, last=True)) == body
        facts = observer.facts()
        assert facts.error is not None or not facts.ended


def test_only_what_may_be_a_stream_is_said_to_get_shorter():
    for body, shortens in ((b"data: {}\n\n", True), (b"{}", False)):
        observer = observe(Dialect.CHAT, 200, JSON, streams=True, hide_usage=True)
        undecided: bool = observer.shortens
        assert undecided
        observer.feed(body, last=False)
        told: bool = observer.shortens
        assert told == shortens
    encoded = SSE | {b"content-encoding": b"gzip"}
    assert not observe(Dialect.CHAT, 200, encoded, streams=True, hide_usage=True).shortens


@dialects
def test_how_far_an_answer_has_come(dialect):
    observer = observe(Dialect(dialect), 200, SSE, streams=True)
    usage = observer.estimate(400)
    assert usage is not None
    assert (usage.input, usage.output, usage.is_estimate) == (100, 0, True)
    *before, _ = samples.EVENTS[dialect]
    observer.feed(b"".join(before[:2]), last=False)
    assert not observer.content_ended


@dialects
def test_how_far_a_whole_answer_has_come(dialect):
    whole = observe(Dialect(dialect), 200, JSON)
    ended = [whole.content_ended]
    whole.feed(samples.WHOLE[dialect][:50], last=False)
    ended.append(whole.content_ended)
    assert ended == [False, True]
    usage = whole.estimate(400)
    assert usage is not None
    assert (usage.input, usage.output) == (100, 13)
    assert observe(Dialect(dialect), 500, JSON).estimate(400) is None


@dialects
def test_a_stream_that_was_left_is_estimated_from_its_bytes(dialect):
    observer = observe(Dialect(dialect), 200, SSE, streams=True, counts=True)
    event = samples.EVENTS[dialect][1]
    text = {
        "messages": samples.EVENTS["messages"][2],
        "chat": event,
        "responses": event,
    }[dialect]
    observer.feed(samples.EVENTS[dialect][0] + text * 100, last=False)
    usage = observer.estimate(400)
    assert usage is not None
    assert usage.output > 100
    assert usage.metadata["estimated"]["output_tokens"] == usage.output
