"""Bodies that repeat: written short, and read back as they came, from their own segment alone."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aibridge.journal import repeats
from aibridge.journal.contents import Begun, read_begin
from aibridge.journal.format import FRAME_BYTES
from aibridge.journal.reader import Entry, Reader, Span
from aibridge.journal.repeats import LEAST_BYTES, Repeats
from aibridge.journal.segments import listed
from aibridge.journal.writer import SEGMENT_BYTES, Journal, JournalFull
from aibridge.keeper.bodies import Bodies


def _random(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same ones each time


def begun(user_id: str = "ana") -> Begun:
    return Begun("id", 1, user_id, "t", "openai", "openai", "/v1", "chat", "byok", "", [], 0)


def person(begun: Begun) -> tuple[str, ...]:
    return (begun.user_id,)


def conversation(turns: int) -> list[bytes]:
    """Return the bodies of a conversation: each has all that was said before."""
    said = [_random(turn).randbytes(LEAST_BYTES).hex().encode() for turn in range(turns)]
    return [b'{"messages":[' + b",".join(said[: turn + 1]) + b"]}" for turn in range(turns)]


def written(
    folder: Path, bodies: list[bytes], segment_bytes: int = SEGMENT_BYTES
) -> tuple[list[int], int]:
    """Write bodies; return since where the journal is needed for each, and its bytes."""
    journal = Journal(folder, lambda: None, segment_bytes=segment_bytes)
    found = Repeats(journal, person)
    since = [found.begin(begun(), body)[0] for body in bodies]
    journal.close()
    return since, sum(segment.size for segment in listed(folder))


def read(folder: Path, *, in_order: bool = True) -> list[bytes]:
    reader = Reader(folder)
    bodies = Bodies(reader)
    entries = [found for found in reader.read() if isinstance(found, Entry)]
    order = list(range(len(entries)))
    if not in_order:
        _random(1).shuffle(order)
    found = {}
    for number in order:
        content, position = entries[number].content, entries[number].position
        opening, body_at = read_begin(content)
        inside = position - len(content)
        start = inside - FRAME_BYTES
        found[number] = bodies.read(start, opening, Span(inside + body_at, position))
    return [found[number] for number in range(len(entries))]


@pytest.mark.parametrize("in_order", [True, False])
def test_a_conversation_is_written_once_and_read_as_it_came(
    tmp_path: Path, *, in_order: bool
) -> None:
    bodies = conversation(30)
    since, size = written(tmp_path, bodies)
    assert read(tmp_path, in_order=in_order) == bodies
    assert size < 1.1 * len(bodies[-1])
    assert set(since) == {since[0]}


def test_now_and_then_a_body_is_written_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So damage to one costs no more than the few that are told from it."""
    monkeypatch.setattr(repeats, "MOST_IN_A_ROW", 4)
    bodies = conversation(10)
    since, _ = written(tmp_path, bodies)
    assert [since.count(start) for start in sorted(set(since))] == [4, 4, 2]
    assert read(tmp_path) == bodies


def test_bodies_that_are_small_or_of_others_are_written_as_they_are(tmp_path: Path) -> None:
    journal = Journal(tmp_path, lambda: None)
    found, body = Repeats(journal, person), b"x" * LEAST_BYTES
    for who, each in (("ana", body), ("ben", body), ("ana", b"x" * 100)):
        start = journal.position
        assert found.begin(begun(who), each)[0] == start
    journal.close()
    assert read(tmp_path) == [body, body, b"x" * 100]
    assert sum(segment.size for segment in listed(tmp_path)) > 2 * len(body)


def test_each_segment_can_be_read_without_those_before(tmp_path: Path) -> None:
    bodies = conversation(30)
    written(tmp_path, bodies, segment_bytes=8 * LEAST_BYTES)
    segments = listed(tmp_path)
    assert len(segments) > 3
    for segment in segments[:-1]:
        segment.path.unlink()
        left = read(tmp_path)
        assert left == bodies[len(bodies) - len(left) :]


def test_what_follows_a_failure_is_told_from_nothing_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = conversation(3)
    journal = Journal(tmp_path, lambda: None)
    found = Repeats(journal, person)
    found.begin(begun(), bodies[0])
    monkeypatch.setattr(journal, "failures", 1)
    start = journal.position
    assert found.begin(begun(), bodies[1])[0] == start
    journal.close()
    assert read(tmp_path) == bodies[:2]


def test_a_body_that_was_refused_is_no_base(tmp_path: Path) -> None:
    first, second, third = conversation(3)
    journal = Journal(tmp_path, lambda: None, max_bytes=40 * len(first))
    found = Repeats(journal, person)
    found.begin(begun(), first)
    with pytest.raises(JournalFull):
        found.begin(begun(), second * 40)
    found.begin(begun(), third)
    journal.close()
    assert read(tmp_path) == [first, third]


def test_what_is_held_in_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "REMEMBERED_BYTES", 10 * LEAST_BYTES)
    journal = Journal(tmp_path, lambda: None)
    found = Repeats(journal, person)
    for number in range(100):
        found.begin(begun(str(number)), bytes([number]) * LEAST_BYTES)
    assert found._bytes <= 10 * LEAST_BYTES
    assert len(found._last) == 10
    journal.close()


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40), st.integers(0, 40)), max_size=30),
    st.integers(1, 8),
)
def test_any_bodies_come_back(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[int, int, int]], segment: int
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    text = _random(0).randbytes(50 * LEAST_BYTES)
    bodies = [
        text[: begin * LEAST_BYTES] + bytes([who]) * LEAST_BYTES + text[end * LEAST_BYTES :]
        for who, begin, end in parts
    ]
    journal = Journal(folder, lambda: None, segment_bytes=segment * 30 * LEAST_BYTES)
    found = Repeats(journal, person)
    for (who, *_), body in zip(parts, bodies, strict=True):
        found.begin(begun(str(who)), body)
    journal.close()
    assert read(folder, in_order=False) == bodies
