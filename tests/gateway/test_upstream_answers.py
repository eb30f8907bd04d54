"""The HTTP client on bytes alone: what makes an answer, what does not, and who may go on."""

import asyncio
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.gateway.upstream import BrokenAnswer, TimedOut, UpstreamError
from aibridge.gateway.upstream.connection import MAX_HEAD, MAX_INTERIM
from aibridge.gateway.upstream.response import HIGH_WATER, MAX_PORTION, PIECE_COST
from tests.gateway.upstream import HEAD, Dialogue, body_of, failure_of

SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a:  2\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;ext=1\r\nllo\r\n0\r\n\r\n"
)
CHUNKED_HEAD = CHUNKED[: CHUNKED.index(b"\r\n\r\n") + 4]
TRAILED = CHUNKED[:-2] + b"x-checksum: 1\r\nx-late: 2\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"

COMPLETE = {
    "sized": (SIZED, 200, b"hello"),
    "chunked": (CHUNKED, 200, b"hello"),
    "trailers": (TRAILED, 200, b"hello"),
    "empty": (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200, b""),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    "not modified": (b'HTTP/1.1 304 Not Modified\r\netag: "1"\r\n\r\n', 304, b""),
    "interim": (INTERIM + SIZED, 200, b"hello"),
    "interim, chunked": (INTERIM + CHUNKED, 200, b"hello"),
    "no reason": (b"HTTP/1.1 529\r\ncontent-length: 2\r\n\r\nno", 529, b"no"),
}


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.mark.parametrize("name", COMPLETE)
async def test_a_complete_answer_frees_its_connection(name):
    data, status, body = COMPLETE[name]
    dialogue = Dialogue()
    assert await dialogue.exchange(data) == (status, body)
    assert (dialogue.released, dialogue.transport.is_closing()) == (1, False)


@pytest.mark.parametrize("name", COMPLETE)
async def test_an_answer_may_come_byte_by_byte(name):
    data, status, body = COMPLETE[name]
    dialogue = Dialogue()
    assert await dialogue.exchange(*(bytes([byte]) for byte in data)) == (status, body)
    assert dialogue.released == 1


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=40), max_size=8),
    cuts=st.sets(st.integers(0, 400), max_size=6),
    chunked=st.booleans(),
)
def test_an_answer_may_be_cut_anywhere(pieces, cuts, chunked):
    body = b"".join(pieces)
    if chunked:
        data = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        data += b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        data += b"0\r\n\r\n"
    else:
        data = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    parts = [data[start:end] for start, end in pairwise(places)]

    async def run():
        return await Dialogue().exchange(*filter(None, parts))

    assert asyncio.run(run()) == (200, body)


async def test_headers_keep_their_order_and_repetition():
    response = await Dialogue().answer(SIZED)
    assert response.headers == [(b"content-length", b"5"), (b"x-a", b"1"), (b"x-a", b"2")]


async def test_interim_headers_and_trailers_are_not_the_answers_headers():
    dialogue = Dialogue()
    response = await dialogue.answer(INTERIM + TRAILED)
    await body_of(response)
    assert response.headers == [(b"transfer-encoding", b"chunked")]


async def test_the_head_is_given_before_the_body_comes():
    dialogue = Dialogue()
    response = await dialogue.answer(SIZED[:-5])
    assert (response.status, response.waiting, response.ended) == (200, True, False)
    reading = asyncio.create_task(response.read())
    await asyncio.sleep(0)
    dialogue.connection.data_received(b"hel")
    assert await reading == b"hel"
    dialogue.connection.data_received(b"lo")
    assert await response.read() == b"lo"
    assert response.ended


async def test_a_body_without_length_ends_with_the_connection():
    dialogue = Dialogue()
    response = await dialogue.answer(b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo")
    dialogue.connection.connection_lost(None)
    assert await body_of(response) == b"hello"
    assert (dialogue.released, dialogue.lost) == (0, 1)


async def test_a_body_without_length_does_not_end_well_with_a_reset():
    dialogue = Dialogue()
    response = await dialogue.answer(b"HTTP/1.1 200 OK\r\n\r\nhello")
    dialogue.connection.connection_lost(ConnectionResetError("reset by peer"))
    assert await response.read() == b"hello"
    with pytest.raises(BrokenAnswer, match="reset by peer"):
        await response.read()


async def test_an_answer_to_head_has_no_body_whatever_its_length_says():
    dialogue = Dialogue()
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n"
    response = await dialogue.answer(head, method=b"HEAD")
    assert (response.headers, await body_of(response)) == ([(b"content-length", b"500")], b"")
    assert dialogue.transport.is_closing()


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
    ],
)
async def test_a_connection_that_is_to_be_closed_is_not_used_again(data):
    dialogue = Dialogue()
    assert await dialogue.exchange(data) == (200, b"ok")
    assert (dialogue.released, dialogue.transport.is_closing()) == (0, True)


async def test_an_answer_given_up_closes_its_connection():
    dialogue = Dialogue()
    response = await dialogue.answer(SIZED[:-2])
    response.close()
    assert (dialogue.released, dialogue.transport.is_closing()) == (0, True)
    assert await response.read() == b"hel"
    with pytest.raises(BrokenAnswer):
        await response.read()


async def test_an_answer_that_was_not_read_to_its_end_closes_its_connection():
    dialogue = Dialogue()
    (await dialogue.answer(SIZED)).close()
    assert (dialogue.released, dialogue.transport.is_closing()) == (0, True)


BROKEN = {
    "nothing": b"",
    "half a head": SIZED[:20],
    "a short body": SIZED[:-1],
    "no last chunk": CHUNKED[:-5],
    "only an interim answer": INTERIM,
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_connection_that_closes_too_early_breaks_the_answer(name):
    dialogue = Dialogue()
    asking = asyncio.create_task(dialogue.exchange(*filter(None, [BROKEN[name]])))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    dialogue.connection.connection_lost(None)
    with pytest.raises(BrokenAnswer, match="closed the connection"):
        await asking


GARBAGE = {
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "TLS": b"\x15\x03\x01\x00\x02\x02\x46",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a header without a name": b"HTTP/1.1 200 OK\r\n: x\r\n\r\n",
    "a header with a space": b"HTTP/1.1 200 OK\r\nx y: x\r\ncontent-length: 0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    "a length and chunks": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n"
    b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length that is none": b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    "a chunk that is none": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
    "a status below all": b"HTTP/1.1 042 What\r\n\r\nhello",
    "a switch of protocols": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "another protocol's beginning": b"HTTP/1.1 101 Switching Protocols\r\n"
    b"connection: upgrade\r\nupgrade: websocket\r\n\r\nframe",
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_garbage_is_a_broken_answer_and_closes_the_connection(name):
    dialogue = Dialogue()
    assert isinstance(await failure_of(dialogue, GARBAGE[name]), BrokenAnswer)
    assert (dialogue.released, dialogue.transport.is_closing()) == (0, True)


@given(data=st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_an_upstream_error(data):
    async def run():
        dialogue = Dialogue()
        asking = asyncio.create_task(dialogue.exchange(*filter(None, [data])))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if not dialogue.transport.is_closing():
            dialogue.connection.connection_lost(None)
        try:
            return await asking
        except UpstreamError:
            return None

    asyncio.run(run())


@pytest.mark.parametrize("where", ["head", "trailers"])
async def test_headers_are_bounded(where):
    field = b"x-%d: %s\r\n"
    many = b"".join(field % (number, b"v" * 1000) for number in range(MAX_HEAD // 1000 + 1))
    before = b"HTTP/1.1 200 OK\r\n" if where == "head" else CHUNKED[:-2]
    dialogue = Dialogue()
    assert isinstance(await failure_of(dialogue, before + many + b"\r\n"), BrokenAnswer)
    assert dialogue.transport.is_closing()


BLOCK = 64 * 1024

ENDLESS = {
    "header value": (b"HTTP/1.1 200 OK\r\nx: ", b"a"),
    "header name": (b"HTTP/1.1 200 OK\r\nx", b"a"),
    "header without a value": (b"HTTP/1.1 200 OK\r\nx:", b" "),
    "empty headers": (b"HTTP/1.1 200 OK\r\n", b"a:\r\n"),
    "status text": (b"HTTP/1.1 200 ", b"a"),
    "lines before the status": (b"", b"\r\n"),
    "interim answers": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "header of an interim answer": (b"HTTP/1.1 103 Early Hints\r\nlink: ", b"a"),
    "chunk extension": (CHUNKED[:-5] + b"5;", b"a"),
    "first chunk's extension": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;", b"a"),
    "value of a chunk extension": (CHUNKED[:-5] + b'5;a="', b"a"),
    "size of a chunk": (CHUNKED[:-5], b"0"),
    "trailer value": (CHUNKED[:-2] + b"x: ", b"a"),
    "trailer name": (CHUNKED[:-2], b"a"),
    "empty trailers": (CHUNKED[:-2], b"a:\r\n"),
    "lines after the answer": (SIZED, b"\r\n"),
}


@pytest.mark.parametrize("size", [100, BLOCK, 4 * BLOCK])
@pytest.mark.parametrize("name", ENDLESS)
async def test_what_has_no_end_is_cut_off(name, size):
    """However it is cut: one read may be in hand when the bound is passed, no more."""
    prefix, text = ENDLESS[name]
    block = text * (size // len(text))
    dialogue = Dialogue()
    sending, response = await dialogue.begin()
    dialogue.connection.data_received(prefix)
    fed = 0
    while not dialogue.transport.is_closing():
        dialogue.connection.data_received(block)
        fed += len(block)
        assert fed <= MAX_HEAD + size + len(prefix)
    assert isinstance(response.error, BrokenAnswer)
    with suppress(BrokenAnswer):
        await sending


async def test_interim_answers_are_few():
    few = b"HTTP/1.1 102 Processing\r\n\r\n" * MAX_INTERIM
    assert await Dialogue().exchange(few + SIZED) == (200, b"hello")
    told = await failure_of(Dialogue(), few, INTERIM + SIZED)
    assert str(told) == "there are too many interim answers"


async def test_each_answer_of_a_connection_is_counted_for_itself():
    dialogue = Dialogue()
    few = b"HTTP/1.1 102 Processing\r\nx: " + b"a" * 2000 + b"\r\n\r\n"
    for _ in range(5):
        assert await dialogue.exchange(*[few] * (MAX_INTERIM // 2), CHUNKED) == (200, b"hello")


class Clock:
    """The time of a loop, as a test sets it."""

    now = 0.0

    def time(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("before", "trickle"),
    [
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nx: ", b"a"),
        (b"HTTP/1.1 200 ", b"a"),
        (CHUNKED[:-5] + b"5;", b"a"),
        (CHUNKED[:-2] + b"x: ", b"a"),
    ],
)
async def test_what_is_no_step_of_the_answer_puts_no_time_limit_off(monkeypatch, before, trickle):
    dialogue = Dialogue()
    clock = Clock()
    monkeypatch.setattr(dialogue.connection, "_loop", clock)
    sending, response = await dialogue.begin()
    dialogue.connection.data_received(before)
    for clock.now in range(1, 11):
        dialogue.connection.data_received(trickle)
        dialogue.connection.check_time(clock.now, first_byte=9.5, idle=9.5)
        assert dialogue.transport.is_closing() == (clock.now == 10)
    assert isinstance(response.error, TimedOut)
    with suppress(TimedOut):
        await sending


async def test_each_piece_of_a_body_puts_the_time_limit_off(monkeypatch):
    dialogue = Dialogue()
    clock = Clock()
    monkeypatch.setattr(dialogue.connection, "_loop", clock)
    response = await dialogue.answer(CHUNKED[:-5])
    for clock.now in range(1, 20):
        dialogue.connection.data_received(b"1\r\na\r\n")
        dialogue.connection.check_time(clock.now, first_byte=0.5, idle=1.5)
    dialogue.connection.data_received(b"0\r\n\r\n")
    assert await body_of(response) == b"hello" + b"a" * 19


@pytest.mark.parametrize("size", [1, 2, 10, 1000, 100_000])
async def test_pieces_that_wait_are_bounded_however_small_they_are(size):
    dialogue = Dialogue()
    response = await dialogue.answer(CHUNKED[:-5])
    read = b"%x\r\n%b\r\n" % (size, b"a" * size) * (max(1, 4096 // size))
    reads = 0
    while not dialogue.transport.paused:
        dialogue.connection.data_received(read)
        reads += 1
        assert len(response._parts) * PIECE_COST <= HIGH_WATER + len(read) * PIECE_COST
    assert reads <= HIGH_WATER // 4096 + 1
    while response._parts:
        await response.read()
    assert not dialogue.transport.paused


async def test_a_reader_gets_a_large_body_in_portions_and_others_have_their_turn():
    dialogue = Dialogue()
    body = bytes(range(256)) * 1300
    response = await dialogue.answer(
        b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body), body[:9], body[9:]
    )
    turns: list[int] = []

    async def take_turns():
        while not response.ended:
            turns.append(len(read))
            await asyncio.sleep(0)

    read: list[bytes] = []
    other = asyncio.create_task(take_turns())
    while not response.ended:
        read.append(await response.read())
        assert len(read[-1]) <= MAX_PORTION
    await other
    assert b"".join(read) == body
    assert turns == list(range(1, len(read)))
    assert dialogue.released == 1


async def test_a_large_body_that_is_given_up_half_read_closes_its_connection():
    dialogue = Dialogue()
    body = b"a" * 3 * MAX_PORTION
    response = await dialogue.answer(
        b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    )
    await response.read()
    response.close()
    assert (dialogue.released, dialogue.transport.is_closing()) == (0, True)


async def test_large_headers_within_the_bound_pass():
    dialogue = Dialogue()
    head = b"HTTP/1.1 200 OK\r\nx-large: " + b"v" * 100_000 + b"\r\ncontent-length: 0\r\n\r\n"
    response = await dialogue.answer(head)
    assert len(dict(response.headers)[b"x-large"]) == 100_000


@pytest.mark.parametrize("cut", [0, 1, 7, 40])
@pytest.mark.parametrize("name", ["sized", "chunked", "empty"])
async def test_what_comes_after_an_answer_is_no_part_of_it(name, cut):
    data, status, body = COMPLETE[name]
    more = b"HTTP/1.1 408 Request Timeout\r\nx-more: 1\r\ncontent-length: 4\r\n\r\nidle"
    dialogue = Dialogue()
    response = await dialogue.answer(data + more[:cut], more[cut:])
    assert (response.status, await body_of(response)) == (status, body)
    assert b"x-more" not in dict(response.headers)
    assert (dialogue.released, dialogue.transport.is_closing()) == (0, True)


async def test_what_comes_unasked_closes_the_connection():
    dialogue = Dialogue()
    await dialogue.exchange(SIZED)
    dialogue.connection.data_received(SIZED)
    assert dialogue.transport.is_closing()
    assert not dialogue.connection.usable


async def test_a_connection_carries_one_request_after_the_other():
    dialogue = Dialogue()
    for data, status, body in COMPLETE.values():
        assert await dialogue.exchange(data) == (status, body)
    assert dialogue.released == len(COMPLETE)
    assert dialogue.transport.written == HEAD * len(COMPLETE)


async def test_a_connection_whose_request_was_not_all_taken_is_not_used_again():
    dialogue = Dialogue()
    dialogue.transport.unsent = 1
    assert await dialogue.exchange(SIZED) == (200, b"hello")
    assert (dialogue.released, dialogue.transport.is_closing()) == (0, True)


async def test_pieces_are_handed_on_where_they_come_until_that_is_refused():
    dialogue = Dialogue()
    response = await dialogue.answer(CHUNKED_HEAD)
    handed = []

    def take() -> bool:
        handed.append(response.taken())
        return handed[-1] != b"c"

    handing = asyncio.create_task(response.hand_to(take))
    await asyncio.sleep(0)
    for piece in (b"a", b"b", b"c", b"d"):
        dialogue.connection.data_received(chunk(piece))
        assert handed == [b"a", b"b", b"c"][: len(handed)]
    assert handed == [b"a", b"b", b"c"]
    await handing
    assert await response.read() == b"d"


async def test_what_has_come_before_is_handed_on_at_once():
    dialogue = Dialogue()
    response = await dialogue.answer(CHUNKED_HEAD, chunk(b"a"))
    assert response.has_one_piece
    await response.hand_to(lambda: response.taken() != b"a")
    assert response.waiting
    assert not response.has_one_piece


@pytest.mark.parametrize("piece", [b"", b"1", b"1\r\n"])
async def test_nothing_is_handed_on_where_nothing_came_and_a_break_is_told(piece):
    dialogue = Dialogue()
    response = await dialogue.answer(CHUNKED_HEAD)
    asked = []

    def take() -> bool:
        asked.append(response.has_news)
        return False

    handing = asyncio.create_task(response.hand_to(take))
    await asyncio.sleep(0)
    dialogue.connection.data_received(piece)
    assert asked == []
    dialogue.connection.connection_lost(None)
    await handing
    assert asked == [True]
    with pytest.raises(BrokenAnswer):
        await response.read()


async def test_nothing_is_handed_to_whoever_gave_up_waiting():
    dialogue = Dialogue()
    response = await dialogue.answer(CHUNKED_HEAD)
    handing = asyncio.create_task(response.hand_to(lambda: pytest.fail("it is handed on")))
    await asyncio.sleep(0)
    handing.cancel()
    with suppress(asyncio.CancelledError):
        await handing
    dialogue.connection.data_received(chunk(b"a"))
    assert await response.read() == b"a"
