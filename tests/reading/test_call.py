"""How a journaled call ended: what its gateway saw of that, and what its answer says."""

import gzip
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aibridge.journal.contents import Ended, How
from aibridge.reading.call import end_of, read_answer
from aibridge.reading.request import Asked, read_request
from aibridge.recorder.records import End, Status
from tests.gateway import samples
from tests.reading.journaled import READING, begun

JSON = [(b"content-type", b"application/json")]
SSE = [(b"content-type", b"text/event-stream")]
QUEUED = b'{"id":"r","object":"response","status":"queued","output":[]}'
REFUSED = b'{"type":"error","error":{"type":"overloaded_error","message":"Busy."}}'

dialects = pytest.mark.parametrize("dialect", samples.DIALECTS)


def asked(dialect: str, *, stream: bool) -> Asked:
    return read_request(
        begun(dialect), samples.encoded(samples.request(dialect, stream=stream)), READING
    )


def read(dialect: str, how: How, *pieces: bytes, stream: bool = True, **said: Any) -> End:
    """Read how a call ended, 200 with a stream of events if nothing else is said."""
    said = {"http_status": 200, "headers": SSE if stream else JSON, **said}
    ended = Ended(9, how, **said)
    return read_answer(begun(dialect), asked(dialect, stream=stream), ended, lambda: pieces)


def outcome(end: End) -> tuple[str, str, str]:
    return end.status.value, end.error_type, end.error_message


LEFT = ("cancelled", "", "the client closed the connection")
BROKEN = ("failed", "broken", "it broke off")
STOPPED = ("failed", "interrupted", "the bridge stopped before the answer ended")
TRUNCATED = ("failed", "truncated", "the answer ended without its last event")


@pytest.mark.parametrize("came", ["nothing", "a part", "all"])
@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (How.ANSWERED, {"all": ("completed", "", ""), "a part": TRUNCATED, "nothing": None}),
        (How.LEFT, dict.fromkeys(("all", "a part", "nothing"), LEFT)),
        (How.FAILED, dict.fromkeys(("all", "a part", "nothing"), BROKEN)),
        (How.STOPPED, dict.fromkeys(("all", "a part", "nothing"), STOPPED)),
    ],
)
@dialects
def test_how_a_stream_ended_is_told_by_who_ended_it_and_how_much_came(
    dialect: str, how: How, expected: dict[str, Any], came: str
) -> None:
    events = samples.EVENTS[dialect]
    pieces = {"nothing": (), "a part": events[:1], "all": events}[came]
    end = read(dialect, how, *pieces, error_type="broken", error_message="it broke off")
    if expected[came] is not None:
        assert outcome(end) == expected[came]
    else:
        assert end.status is Status.FAILED
    if came == "all":
        assert end.facts.usage is not None
        assert (end.facts.usage.output, end.facts.usage.is_estimate) == (9, False)


@pytest.mark.parametrize(
    ("dialect", "status", "body", "expected"),
    [
        ("messages", 200, samples.WHOLE["messages"], ("completed", "", "")),
        ("responses", 200, QUEUED, ("queued", "", "")),
        ("messages", 200, b"", ("failed", "server_error", "empty answer")),
        ("messages", 529, REFUSED, ("failed", "overloaded", "Busy.")),
        ("chat", 404, b"no", ("failed", "bad_request", "no")),
        ("chat", 204, b"", ("failed", "server_error", "empty answer")),
        ("chat", 307, b"", ("failed", "unknown", "the provider redirects: status 307")),
    ],
)
def test_how_a_whole_answer_ended(
    dialect: str, status: int, body: bytes, expected: tuple[str, str, str]
) -> None:
    end = read(dialect, How.ANSWERED, body, stream=False, http_status=status, headers=JSON)
    assert outcome(end) == expected


@pytest.mark.parametrize(
    ("how", "expected"), [(How.LEFT, LEFT), (How.FAILED, BROKEN), (How.STOPPED, STOPPED)]
)
@dialects
def test_where_no_answer_began_nothing_is_read(
    dialect: str, how: How, expected: tuple[str, str, str]
) -> None:
    ended = Ended(9, how, error_type="broken", error_message="it broke off")
    end = read_answer(begun(dialect), asked(dialect, stream=True), ended, lambda: ())
    assert outcome(end) == expected
    assert (end.http_status, end.facts.usages, end.facts.notes) == (None, [], [])


def test_what_the_gateway_noted_is_taken_over() -> None:
    said: dict[str, Any] = {"first_byte_us": 7, "response_bytes": 12, "edits": ["e"]}
    end = end_of(Ended(9, How.LEFT, 200, notes=["n"], **said), asked_nothing())
    assert (end.ended_at, end.first_byte_us, end.response_bytes) == (9, 7, 12)
    assert (end.edits, end.notes) == (["e"], ["n"])


def asked_nothing() -> Any:
    return read("chat", How.STOPPED, http_status=None).facts


@pytest.mark.parametrize("encoding", samples.ENCODINGS)
@dialects
def test_a_compressed_answer_is_unpacked(dialect: str, encoding: str) -> None:
    packed = samples.body(dialect, stream=True, encoding=encoding)
    headers = [*SSE, (b"content-encoding", encoding.encode())]
    end = read(dialect, How.ANSWERED, packed[:20], packed[20:], headers=headers)
    assert outcome(end) == ("completed", "", "")
    assert end.facts.usage is not None
    assert end.facts.usage.output == 9


def test_what_cannot_be_unpacked_is_completed_with_a_note() -> None:
    headers = [*SSE, (b"content-encoding", b"gzip")]
    for body in (b"no gzip", gzip.compress(b"data: x\n\n")[:12]):
        end = read("chat", How.ANSWERED, body, headers=headers)
        assert (end.status is Status.COMPLETED) == bool(end.facts.notes)


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(samples.DIALECTS), st.booleans(), st.data())
def test_however_an_answer_was_cut_into_pieces_it_says_the_same(
    dialect: str, stream: bool, data: st.DataObject
) -> None:
    body = samples.body(dialect, stream=stream)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=5)))
    pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert read(dialect, How.ANSWERED, *pieces, stream=stream) == read(
        dialect, How.ANSWERED, body, stream=stream
    )
