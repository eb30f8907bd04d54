"""What a process remembers of calls, and what becomes of it where the journal does not take it."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from aibridge.gateway import call_log
from aibridge.gateway.call_log import LOST, CallLog, RecorderUnavailable, RecordingError
from aibridge.gateway.exchange import PIECE_BYTES, Exchange
from aibridge.gateway.large import LargeReads
from aibridge.journal import writer as writers
from aibridge.journal.contents import Begun, Ended, How, number_of, read_begin, read_end
from aibridge.journal.format import Kind
from aibridge.journal.reader import Entry, Reader
from aibridge.journal.segments import listed
from aibridge.journal.waiting import Durability
from aibridge.journal.writer import Journal, JournalFull

PATIENCE = 20
BEGUN = Begun("c", 1, "u", "t", "p", "p", "/v1/messages", "messages", "centralized", "", [], 2)


def ended(how: How = How.ANSWERED) -> Ended:
    return Ended(2, how, 200)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_log, "AGAIN_SECONDS", 0.001)
    monkeypatch.setattr(writers, "AGAIN_SECONDS", 0.001)


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[tuple[CallLog, Journal]]:
    durability = Durability(asyncio.get_running_loop())
    journal = Journal(tmp_path, durability.told, max_bytes=16_000, segment_bytes=1000)
    durability.follow(journal)
    yield CallLog(journal, durability), journal
    journal.close()


def entries(folder: Path) -> list[tuple[int, bytes]]:
    reader = Reader(folder)
    found = [(one.kind, one.content) for one in reader.read() if isinstance(one, Entry)]
    reader.close()
    return found


def ends(folder: Path) -> dict[int, Ended]:
    """Return how the calls ended that have their end on the disk, by their numbers."""
    found = [content for kind, content in entries(folder) if kind == Kind.END]
    assert len({number_of(content) for content in found}) == len(found)
    return {number_of(content): read_end(content).ended for content in found}


async def until(is_so: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_so():  # noqa: ASYNC110 - the journal's thread tells only what it settles
            await asyncio.sleep(0.001)


def broken(*_: object) -> None:
    raise OSError(errno.EIO, "it is broken")


@pytest.fixture
def trouble(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Have the disk take nothing when this is called, until the monkeypatch is undone."""

    def begin() -> None:
        monkeypatch.setattr(os, "writev", broken)
        monkeypatch.setattr(writers, "create", broken)

    return begin


def fill(log: CallLog) -> None:
    """Have calls begin for ever."""
    while True:
        log.begin(BEGUN, b"x" * 100)


async def test_a_call_is_in_the_journal_as_it_went(
    opened: tuple[CallLog, Journal], tmp_path: Path
) -> None:
    log, _ = opened
    since, number = log.begin(BEGUN, b"{}")
    log.piece(number, [b"he", b"llo"])
    assert await log.end(since, number, ended(), [b"!"])
    begin, piece, end = entries(tmp_path)
    assert read_begin(begin[1]).begun == BEGUN
    assert begin[1].endswith(b"{}")
    assert (number_of(piece[1]), piece[1][8:]) == (number, b"hello")
    closing = read_end(end[1])
    assert (number_of(end[1]), closing.ended) == (number, ended())
    assert end[1][closing.piece_at :] == b"!"


async def test_an_end_that_the_disk_does_not_take_is_tried_again_until_it_does(
    opened: tuple[CallLog, Journal],
    tmp_path: Path,
    trouble: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without one the call would stay open, and all that comes after it in the journal."""
    log, journal = opened
    (since, number), (_, stopped) = log.begin(BEGUN, b"{}"), log.begin(BEGUN, b"{}")
    await log.safe(since, stopped)
    with capture_logs() as logs:
        trouble()
        assert not await log.end(since, number, ended())
        log.end(since, stopped, ended(How.STOPPED))  # nobody waits for that one
        await until(lambda: len(logs) > 10)
        assert not log.is_ready
        monkeypatch.undo()
        await until(lambda: len(ends(tmp_path)) == 2)
    found = ends(tmp_path)
    assert {number: one.how for number, one in found.items()} == {
        number: How.ANSWERED,
        stopped: How.STOPPED,
    }
    assert [one.notes for one in found.values()] == [[LOST]] * 2
    await until(lambda: journal.durable == journal.position)
    assert log.is_ready


async def test_an_end_that_there_is_no_room_for_is_tried_again_until_there_is(
    opened: tuple[CallLog, Journal], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, journal = opened
    since, number = log.begin(BEGUN, b"{}")

    def full(*_: object) -> int:
        raise JournalFull("no room")

    with monkeypatch.context() as patch:
        patch.setattr(journal, "append", full)
        with pytest.raises(RecordingError, match="no room"):
            log.end(since, number, ended())
    await until(lambda: ends(tmp_path))
    assert ends(tmp_path)[number].notes == [LOST]


async def test_a_full_journal_takes_no_calls_and_has_room_for_the_ends_of_those_there_are(
    opened: tuple[CallLog, Journal], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, _ = opened
    since, number = log.begin(BEGUN, b"{}")
    with pytest.raises(RecorderUnavailable, match="waits to be read"):
        fill(log)
    log.piece(number, [b"hello"])
    assert await log.end(since, number, ended())
    listed(tmp_path)[0].path.unlink()
    monkeypatch.setattr(writers, "AGAIN_SECONDS", 0.0)
    log.begin(BEGUN, b"x" * 100)


async def test_a_provider_is_asked_at_once_but_in_trouble_when_the_beginning_is_safe(
    opened: tuple[CallLog, Journal], trouble: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, journal = opened
    first, number = log.begin(BEGUN, b"{}")
    await log.admitted(first, number)
    await log.safe(first, number)
    with capture_logs():
        trouble()
        since, met = log.begin(BEGUN, b"{}")
        await until(lambda: journal.is_in_trouble)
        with pytest.raises(RecorderUnavailable):
            await log.admitted(since, met)
        with pytest.raises(RecorderUnavailable, match="it is broken"):
            log.begin(BEGUN, b"{}")
        await log.admitted(first, number)
        monkeypatch.undo()
        await until(lambda: log.is_ready)


@pytest.fixture
async def exchange(opened: tuple[CallLog, Journal]) -> AsyncIterator[Exchange]:
    reads = LargeReads()
    yield Exchange(opened[0], reads, BEGUN, b"{}")
    reads.close()


async def test_an_answer_of_which_a_piece_is_lost_has_no_end_for_the_client(
    exchange: Exchange,
    opened: tuple[CallLog, Journal],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There may be room for the end, which is small, where there was none for the piece."""
    _, journal = opened
    append = journal.append

    def small(kind: Kind, *parts: bytes) -> int:
        if kind is Kind.PIECE:
            raise JournalFull("no room")
        return append(kind, *parts)

    monkeypatch.setattr(journal, "append", small)
    with pytest.raises(RecordingError, match="no room"):
        exchange.came(b"x" * PIECE_BYTES)
    with pytest.raises(RecordingError):
        await exchange.complete()
    (end,) = ends(tmp_path).values()
    assert (end.how, end.notes) == (How.ANSWERED, [LOST])


async def test_an_answer_is_journaled_in_pieces_while_it_comes(
    exchange: Exchange, opened: tuple[CallLog, Journal], tmp_path: Path
) -> None:
    _, journal = opened
    part = b"x" * (PIECE_BYTES // 8)
    journal._max_bytes = 1 << 20
    for _ in range(9):
        exchange.came(part)
    await exchange.complete()
    exchange.abandon()
    _, (kind, piece), (_, end_content) = entries(tmp_path)
    assert (kind, piece[8:]) == (Kind.PIECE, part * 8)
    assert end_content[read_end(end_content).piece_at :] == part
    (end,) = ends(tmp_path).values()
    assert (end.how, end.response_bytes, end.first_byte_us is None) == (
        How.ANSWERED,
        len(part) * 9,
        False,
    )


async def test_what_nothing_else_has_ended_is_stopped_once(
    exchange: Exchange, tmp_path: Path
) -> None:
    exchange.came(b"he")
    exchange.abandon()
    exchange.abandon()
    await exchange.cancel()
    await until(lambda: ends(tmp_path))
    assert [one.how for one in ends(tmp_path).values()] == [How.STOPPED]
