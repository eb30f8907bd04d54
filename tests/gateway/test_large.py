"""Large events are read in a thread while the event loop serves, and bodies by the keeper."""

import asyncio
import gzip
import json
import threading
from collections.abc import AsyncIterator

import pytest

from aibridge.dialects import DIALECTS
from aibridge.dialects.answers.reading import CUT
from aibridge.gateway.large import MAX_ON_LOOP, LargeReads
from aibridge.reading.answer.editing import EDIT, EditingObserver
from aibridge.reading.answer.streaming import StreamObserver
from aibridge.reading.answer.whole import WholeObserver
from tests.bridge import KEEPER
from tests.gateway import samples
from tests.wire import streamed

ENGINES = ("sqlite",)
PAD = "x" * MAX_ON_LOOP
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n'
DONE = b"data: [DONE]\n\n"
dialects = pytest.mark.parametrize("dialect", samples.DIALECTS)


@pytest.fixture
async def reads() -> AsyncIterator[LargeReads]:
    reads = LargeReads()
    yield reads
    reads.close()


@pytest.mark.parametrize(("weight", "on_loop"), [(0, True), (MAX_ON_LOOP, True), (1 << 30, False)])
async def test_what_is_large_is_read_in_a_thread(reads, weight, on_loop):
    thread = await reads.call("ana", weight, threading.get_ident)
    assert (thread == threading.get_ident()) is on_loop


async def test_the_loop_goes_on_meanwhile(reads):
    go_on = threading.Event()
    reading = asyncio.create_task(reads.call("ana", 1 << 30, go_on.wait))
    await asyncio.sleep(0)
    assert not reading.done()
    go_on.set()
    assert await reading


async def test_one_is_read_after_the_other(reads):
    threads = await asyncio.gather(
        *[reads.call("ana", 1 << 30, threading.get_ident) for _ in range(5)]
    )
    assert len(set(threads)) == 1


async def test_who_is_cancelled_waits_for_the_reader(reads):
    begun, go_on, done = threading.Event(), threading.Event(), []

    def read() -> None:
        begun.set()
        go_on.wait()
        done.append(True)

    reading = asyncio.create_task(reads.call("ana", 1 << 30, read))
    await asyncio.to_thread(begun.wait)
    waiting = asyncio.create_task(reads.call("ana", 1 << 30, done.append, False))
    await asyncio.sleep(0)
    reading.cancel()
    waiting.cancel()  # its turn had not come
    await asyncio.sleep(0)
    assert not reading.done()
    go_on.set()
    for task in (reading, waiting):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert done == [True]


async def test_what_a_reader_raises_is_raised(reads):
    def fail() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        await reads.call("ana", 1 << 30, fail)


def noting(monkeypatch, target, name):
    """Have a function note in which thread it is called."""
    threads = []
    real = getattr(target, name)

    def call(*arguments, **named):
        threads.append(threading.current_thread().name)
        return real(*arguments, **named)

    monkeypatch.setattr(target, name, call)
    return threads


@dialects
@pytest.mark.parametrize("what", ["read_request", "read_answer"])
def test_requests_and_whole_answers_are_read_by_the_keeper_alone(
    wire, bridge, monkeypatch, dialect, what
):
    """Whatever their size, the process that serves reads no more of them than their end."""
    threads = noting(monkeypatch, DIALECTS[dialect], what)
    answer = json.loads(samples.WHOLE[dialect])
    for more in ({}, {"padding": PAD}):
        body = json.dumps({**answer, **more}).encode()
        wire.play(*samples.framed(body, "sized"))
        assert bridge.post(dialect, {**samples.request(dialect), **more}).body == body
    first, second = bridge.records()
    assert [thread == KEEPER for thread in threads] == [True, True]
    assert first.model == second.model
    assert first.notes == second.notes == []
    assert first.usages[0]["input_tokens"] == second.usages[0]["input_tokens"] > 0


@dialects
def test_a_large_event_is_read_off_the_loop(wire, bridge, monkeypatch, dialect):
    threads = noting(monkeypatch, StreamObserver, "feed")
    padding = f'data: {{"type":"padding","padding":"{PAD}"}}\n\n'.encode()
    wire.play(*streamed(padding, *samples.EVENTS[dialect]))
    answer = bridge.post(dialect, samples.request(dialect, stream=True))
    assert answer.body == padding + samples.body(dialect, stream=True)
    assert any(thread.startswith("read") for thread in threads)
    assert bridge.record().status == "completed"


@pytest.mark.parametrize(
    ("observer", "chunk", "weight"),
    [
        (StreamObserver(DIALECTS["chat"]), b"data: {", 7),
        (StreamObserver(DIALECTS["chat"], b"gzip"), b"\x1f\x8b", 128),
        (StreamObserver(DIALECTS["chat"], b"unknown"), b"data: {", 0),
        (EditingObserver(), b"data: {", 7),
        (WholeObserver(DIALECTS["chat"], 200, b""), b"{", 0),
    ],
)
def test_an_observer_says_what_a_piece_weighs(observer, chunk, weight):
    assert observer.weight(len(chunk)) == weight


@pytest.mark.parametrize(("encoding", "unread"), [(b"", 1000), (b"gzip", 64_000)])
def test_a_body_weighs_when_it_has_come(encoding, unread):
    observer = WholeObserver(DIALECTS["chat"], 200, encoding)
    observer.feed(b"x" * 1000, last=False)
    assert observer.unread == unread


def test_what_is_held_of_an_event_weighs_with_each_piece():
    observer = StreamObserver(DIALECTS["chat"])
    observer.feed(b"data: " + b"x" * 1000, last=False)
    assert observer.weight(1) == 1007


def test_a_long_event_is_not_held_back_for_the_usage_chunk():
    """It can't be the one, so its pieces go on; they were copied again with each that came."""
    observer = EditingObserver()
    passed = [observer.feed(b"data: " if not n else b"x" * 1000, last=False)[0] for n in range(400)]
    assert sum(map(len, passed)) > 100_000
    ready, held = observer.feed(b"\n\n" + USAGE + DONE, last=True)
    assert (ready.endswith(b"\n\n"), held) == (True, DONE)
    assert observer.facts().usage is not None


def test_a_usage_chunk_that_is_partly_gone_is_not_cut_out():
    """Only what stood before its data, a comment, may be gone."""
    for gone, edits in ((b": ", [EDIT]), (b"x: ", [])):
        observer = EditingObserver()
        chunk = gone + b"x" * 300_000 + b"\n" + USAGE
        parts = [
            *observer.feed(chunk[:290_000], last=False),
            *observer.feed(chunk[290_000:], last=True),
        ]
        kept = chunk.removesuffix(USAGE) if edits else chunk
        assert (b"".join(parts) == kept, observer.edits) == (True, edits)


@pytest.mark.parametrize("event", [b":\n\n", b"data: {}\n\n", b"data\n\n", b"x\n\n"])
def test_a_stream_that_swells_to_too_many_events_passes_with_a_note(event):
    observer = StreamObserver(DIALECTS["chat"], b"gzip")
    packed = gzip.compress(event * 100_000)
    assert observer.feed(packed, last=True) == (packed, b"")
    facts = observer.facts()
    assert facts.ended
    assert facts.notes[-1] in {
        "the answer decodes to more events than allowed",
        "more than 1000 events were not understood: no more is read",
    }


def test_an_honest_compressed_stream_is_read_to_its_end():
    observer = StreamObserver(DIALECTS["chat"], b"gzip")
    events = [f'data: {{"id":"{n * 7919:x}","choices":[]}}\n\n'.encode() for n in range(30_000)]
    packed = gzip.compress(b"".join(events) + USAGE + DONE)
    for start in range(0, len(packed), 50_000):
        observer.feed(packed[start : start + 50_000], last=start + 50_000 >= len(packed))
    facts = observer.facts()
    assert facts.usage is not None
    assert (facts.usage.input, facts.notes) == (1, [])


def test_an_unwanted_chunk_is_taken_out_behind_the_end_too():
    observer = EditingObserver()
    assert observer.feed(DONE + USAGE + b"data: {}\n\n", last=True) == (b"", DONE + b"data: {}\n\n")


def test_of_a_whole_answer_that_decodes_to_much_the_beginning_and_the_end_are_read(monkeypatch):
    monkeypatch.setattr("aibridge.reading.answer.whole.MAX_WHOLE_BODY", 1000)
    observer = WholeObserver(DIALECTS["chat"], 200, b"gzip")
    body = b'{"id":"x","choices":[%s],"usage":{"prompt_tokens":5}}' % (b" " * 300_000)
    observer.feed(gzip.compress(body), last=True)
    facts = observer.facts()
    assert (facts.response_id, facts.usage and facts.usage.input, facts.unread) == ("x", 5, True)
    assert facts.notes == [CUT]


def test_bytes_of_an_event_that_is_too_long_weigh_nothing():
    """They are dropped as they come, which takes no thread."""
    observer = StreamObserver(DIALECTS["chat"])
    for _ in range(17):
        observer.feed(b"x" * (1 << 20), last=False)
    assert observer.weight(1) < 10


async def test_who_sends_many_does_not_keep_others_waiting_for_all_of_them(
    reads: LargeReads,
) -> None:
    go_on = threading.Event()
    done: list[str] = []
    first = asyncio.create_task(reads.call("greedy", 1 << 30, go_on.wait))
    more = [
        asyncio.create_task(reads.call("greedy", 1 << 30, done.append, "greedy")) for _ in range(5)
    ]
    await asyncio.sleep(0)
    other = asyncio.create_task(reads.call("other", 1 << 30, done.append, "other"))
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(first, other, *more)
    assert done == ["other", *["greedy"] * 5]


async def test_nothing_is_kept_of_who_has_had_their_turn(reads: LargeReads) -> None:
    await reads.call("ana", 1 << 30, len, "")
    assert not reads._turns
