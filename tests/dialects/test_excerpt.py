"""Answers and events that are too large to be kept: their beginning and their end."""

import pytest

from aibridge.dialects import DIALECTS
from aibridge.dialects.answers.reading import CUT
from aibridge.dialects.excerpt import HEAD, TAIL, Excerpt, documents
from aibridge.dialects.sse import EventStream

names = pytest.mark.parametrize("name", ["messages", "chat", "responses"])


def excerpt(body: bytes) -> tuple[bytes, bytes]:
    return body[:HEAD], body[-TAIL:]


LARGE = {
    "messages": (
        b'{"id":"x","type":"message","model":"m","content":[{"type":"text","text":"%b"}],'
        b'"stop_reason":"end_turn","usage":{"input_tokens":5,"output_tokens":9}}'
    ),
    "chat": (
        b'{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"message":'
        b'{"content":"%b"}}],"usage":{"prompt_tokens":5,"completion_tokens":9},"x":[]}'
    ),
    "responses": (
        b'{"id":"x","status":"completed","model":"m","output":[{"result":"%b"}],"tools":[{"a":'
        b'{"usage":{"input_tokens":1},"status":{}}}],"usage":{"input_tokens":5,"output_tokens":9},'
        b'"metadata":{"usage":"7"}}'
    ),
}
MIDDLES = [b"A" * 300_000, b'\\"usage\\":{\\"input_tokens\\":77}},' * 10_000, b"\\\\" * 200_000]


@pytest.mark.parametrize("middle", MIDDLES, ids=["image", "text", "backslashes"])
@names
def test_of_a_large_answer_the_beginning_and_the_end_are_read(name: str, middle: bytes) -> None:
    reader = DIALECTS[name].StreamReader()
    assert reader.read_excerpt(*excerpt(LARGE[name] % middle), whole=True)
    facts = reader.facts()
    assert (facts.response_id, facts.model, facts.ended, facts.unread) == ("x", "m", True, True)
    assert facts.usage is not None
    assert (facts.usage.input, facts.usage.output, facts.notes) == (5, 9, [CUT])


@pytest.mark.parametrize(
    "tail", [b"", b"x" * 500, b'"usage":{' * 5000, b'"usage":' * 9000, b"}" * 9000, b'"usage":{}}}']
)
@names
def test_what_makes_no_answer_is_not_read(name: str, tail: bytes) -> None:
    reader = DIALECTS[name].StreamReader()
    assert not reader.read_excerpt(b'{"id":"x","choices":[', tail, whole=True)
    assert reader.facts().usage is None


def test_an_excerpt_keeps_so_much() -> None:
    kept = Excerpt(1000)
    for _ in range(100):
        kept.add(b"x" * 10_000)
        assert len(kept.buffer) <= 2 * TAIL + 10_000
    assert (len(kept.kept()), kept.size, len(kept.head)) == (TAIL, 1_000_000, HEAD)
    small = Excerpt(1000)
    small.add(b"abc")
    assert (small.kept(), small.head) == (b"abc", b"")
    assert list(documents(b"", b"")) == []


@pytest.mark.parametrize("size", [997, 1 << 20])
@pytest.mark.parametrize("blank", [b"\n\n", b""])
def test_the_end_of_a_long_event_is_given(size: int, blank: bytes) -> None:
    long = b"event: response.completed\ndata: {" + b"x" * 400_000 + b"}"
    stream = b"data: a\n\n" + long + blank + (b"data: b\n\n" if blank else b"")
    events = EventStream(limit=200_000, excerpts=True)
    found = []
    for start in range(0, len(stream), size):
        found += events.feed(stream[start : start + size])
    found += events.finish()
    first, second, *rest = found
    assert (first.data, first.head, [event.data for event in rest]) == (
        b"a",
        b"",
        [b"b"] if blank else [],
    )
    assert (second.name, second.head[:5], second.data[-3:]) == (
        "response.completed",
        b"{xxxx",
        b"xx}",
    )
    assert (len(second.data), events.notes) == (TAIL, [])
