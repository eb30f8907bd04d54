"""The HTTP client over sockets: connections kept, replaced and given up."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from aibridge.gateway.upstream import (
    Address,
    BrokenAnswer,
    ConnectFailed,
    Pool,
    Response,
    TimedOut,
    Timeouts,
)
from aibridge.gateway.upstream import pool as pools
from aibridge.gateway.upstream.response import HIGH_WATER
from tests.gateway.upstream import Transport, body_of
from tests.wire import Then, Wire, chunk, head, reply

PLENTY = Timeouts(20.0, 20.0, 20.0)
OK = reply(b"ok")


@asynccontextmanager
async def pooled(timeouts: Timeouts = PLENTY) -> AsyncIterator[Pool]:
    pool = Pool(timeouts)
    try:
        yield pool
    finally:
        pool.close()
        await asyncio.sleep(0)


@pytest.fixture
async def pool():
    async with pooled() as pool:
        yield pool


async def ask(pool: Pool, wire: Wire, *, method: bytes = b"POST", body: bytes = b"") -> Response:
    head = b"%b /x HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n" % (method, len(body))
    return await pool.send(Address("127.0.0.1", wire.port, tls=False), method, head, body)


async def happened(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, 20)


async def pause_of(response: Response) -> None:
    """Wait until the provider is held back."""
    paused = asyncio.Event()
    flow = response._flow

    def tell(pause: bool) -> None:
        flow(pause)
        paused.set()

    if not response.paused:
        response._flow = tell
        await paused.wait()


async def test_a_connection_is_kept_and_used_again(pool, wire):
    wire.always(OK)
    for _ in range(5):
        assert await body_of(await ask(pool, wire)) == b"ok"
    assert wire.accepted == 1


async def test_requests_side_by_side_have_a_connection_each(pool, wire):
    wire.always(OK)
    answers = [await ask(pool, wire) for _ in range(3)]
    assert [await body_of(answer) for answer in answers] == [b"ok"] * 3
    assert wire.accepted == 3


async def test_the_provider_may_ask_that_the_connection_is_closed(pool, wire):
    wire.always(reply(b"ok", headers=[("connection", "close")]), Then.CLOSE)
    for _ in range(2):
        assert await body_of(await ask(pool, wire)) == b"ok"
    assert wire.accepted == 2


async def test_an_unread_answer_costs_its_connection(pool, wire):
    wire.play(head(headers=[("content-length", "5")]), b"he", Then.STALL)
    response = await ask(pool, wire)
    assert await response.read() == b"he"
    response.close()
    await happened(wire.requests[0].gone)
    wire.play(OK)
    assert await body_of(await ask(pool, wire)) == b"ok"
    assert wire.accepted == 2


@pytest.mark.parametrize("how", [Then.CLOSE, Then.RESET])
async def test_a_kept_connection_that_was_closed_is_replaced(pool, wire, how):
    go = threading.Event()
    wire.play(OK, go, how)
    assert await body_of(await ask(pool, wire)) == b"ok"
    (kept,) = next(iter(pool._idle.values()))
    go.set()
    await happened(wire.requests[0].gone)
    pool._idle[next(iter(pool._idle))] = [kept]  # as if the news had not come yet
    wire.play(OK)
    assert await body_of(await ask(pool, wire)) == b"ok"
    assert wire.accepted == 2


async def warm(pool: Pool, wire: Wire, count: int) -> None:
    """Have this many connections kept."""
    wire.always(OK)
    for answer in [await ask(pool, wire) for _ in range(count)]:
        assert await body_of(answer) == b"ok"
    assert wire.accepted == count
    wire.requests.clear()


@pytest.mark.parametrize("how", [Then.CLOSE, Then.RESET])
@pytest.mark.parametrize("method", [b"POST", b"PUT", b"PATCH", b"DELETE"])
async def test_what_a_provider_may_have_read_is_sent_once(pool, wire, method, how):
    await warm(pool, wire, 20)
    wire.always(how)
    with pytest.raises(BrokenAnswer, match="was sent once, and not again"):
        await ask(pool, wire, method=method, body=b"once")
    assert [received.body for received in wire.requests] == [b"once"]


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
async def test_what_only_reads_is_sent_again_once_on_a_new_connection(pool, wire, method):
    await warm(pool, wire, 3)
    wire.play(Then.CLOSE)
    wire.play(reply(b"" if method == b"HEAD" else b"again"))
    response = await ask(pool, wire, method=method)
    assert (response.status, response.sends) == (200, 2)
    await body_of(response)
    assert len(wire.requests) == 2
    assert wire.requests[1].connection == 4
    wire.always(Then.CLOSE)
    with pytest.raises(BrokenAnswer):
        await ask(pool, wire, method=method)
    assert len(wire.requests) == 4


async def test_a_body_that_reads_is_sent_once_too(pool, wire):
    await warm(pool, wire, 2)
    wire.always(Then.CLOSE)
    with pytest.raises(BrokenAnswer, match="not again"):
        await ask(pool, wire, method=b"GET", body=b"query")
    assert len(wire.requests) == 1


async def test_a_provider_that_starts_again_is_asked_by_a_new_connection(pool, wire):
    """Its farewells have come, but the event loop has not told of them yet."""
    await warm(pool, wire, 5)
    (kept,) = pool._idle.values()
    wire.hang_up()
    for each in kept:  # in the loop's thread, which so cannot look for itself
        assert each._poll.poll(20_000)
    assert all(each.usable and not each.reusable for each in kept)
    wire.play(reply(b"new"))
    response = await ask(pool, wire, body=b"once")
    assert (await body_of(response), response.sends) == (b"new", 1)
    assert [received.body for received in wire.requests] == [b"once"]
    assert wire.accepted == 6


async def test_once_some_of_an_answer_has_come_nothing_is_asked_again(pool, wire):
    wire.play(OK)
    await body_of(await ask(pool, wire))
    wire.play(b"HTTP/1.1 200 OK\r\ncontent-le", Then.CLOSE)
    with pytest.raises(BrokenAnswer):
        await ask(pool, wire)
    assert len(wire.requests) == 2


async def test_a_new_connection_that_closes_is_not_tried_again(pool, wire):
    wire.play(Then.CLOSE)
    with pytest.raises(BrokenAnswer, match="closed the connection"):
        await ask(pool, wire)
    assert len(wire.requests) == 1


async def test_what_comes_unasked_on_a_kept_connection_ends_it(pool, wire):
    go = threading.Event()
    wire.play(OK, go, b"HTTP/1.1 408 Request Timeout\r\n\r\n", Then.STALL)
    await body_of(await ask(pool, wire))
    go.set()
    await happened(wire.requests[0].gone)
    wire.play(OK)
    assert await body_of(await ask(pool, wire)) == b"ok"
    assert wire.accepted == 2


async def test_an_early_answer_is_read_while_the_request_is_still_going_out(pool, wire):
    refusal = reply(b"no", status="413 Payload Too Large", headers=[("connection", "close")])
    wire.play(refusal, early=True)
    response = await ask(pool, wire, body=b"x" * 5_000_000)
    assert (response.status, await body_of(response)) == (413, b"no")


async def test_a_refused_connection_says_so(pool):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectFailed, match=r"no connection to 127\.0\.0\.1"):
        await pool.send(Address("127.0.0.1", port, tls=False), b"GET", b"", b"")


async def test_a_connection_that_closes_at_once_says_so(pool):
    class Loop:
        async def create_connection(self, make, *_: object, **__: object):
            protocol = make()
            protocol.connection_made(Transport(protocol))
            protocol.connection_lost(None)
            return None, protocol

    pool._loop = Loop()
    with pytest.raises(ConnectFailed, match="closed at once"):
        await pool.send(Address("127.0.0.1", 1, tls=False), b"GET", b"", b"")
    assert not pool._all


async def test_a_name_that_does_not_exist_says_so(pool):
    with pytest.raises(ConnectFailed, match=r"no connection to nowhere\.invalid"):
        await pool.send(Address("nowhere.invalid", 80, tls=False), b"GET", b"", b"")


async def test_a_connection_that_is_not_made_in_time_is_given_up():
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = []
        for _ in range(3):  # nobody accepts: the queue is full, and the next one has to wait
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(address)
        async with pooled(Timeouts(0.05, 20.0, 20.0)) as pool:
            with pytest.raises(TimedOut, match=r"within 0\.05 s"):
                await pool.send(Address(address[0], address[1], tls=False), b"GET", b"", b"")
        for each in waiting:
            each.close()


async def test_a_provider_that_does_not_begin_is_given_up(wire):
    wire.play(Then.STALL)
    async with pooled(Timeouts(20.0, 0.05, 20.0)) as pool:
        with pytest.raises(TimedOut, match=r"the start of the answer.* 0\.05 s"):
            await ask(pool, wire)
        await happened(wire.requests[0].gone)


async def test_a_provider_that_pauses_too_long_is_given_up(wire):
    wire.play(head(headers=[("content-length", "9")]), b"he", Then.STALL)
    async with pooled(Timeouts(20.0, 20.0, 0.05)) as pool:
        response = await ask(pool, wire)
        assert await response.read() == b"he"
        with pytest.raises(TimedOut, match=r"the next part of the answer.* 0\.05 s"):
            await response.read()
        await happened(wire.requests[0].gone)


async def test_a_reader_that_rests_is_no_idle_provider(wire):
    """The provider is held back by us: its silence is not its fault."""
    body = b"x" * (HIGH_WATER * 16)
    wire.play(head(headers=[("content-length", str(len(body)))]), body)
    async with pooled(Timeouts(20.0, 20.0, 0.04)) as pool:
        response = await ask(pool, wire)
        await pause_of(response)
        swept = asyncio.Event()
        asyncio.get_running_loop().call_later(0.12, swept.set)
        await swept.wait()
        assert await body_of(response) == body


async def test_a_reader_that_does_not_read_holds_the_provider_back(pool, wire):
    piece = b"x" * 65_536
    pieces = 400
    wire.play(
        head(headers=[("transfer-encoding", "chunked")]), *[chunk(piece)] * pieces, b"0\r\n\r\n"
    )
    response = await ask(pool, wire)
    await pause_of(response)
    assert response.buffered < HIGH_WATER + 1024 * 1024
    assert not wire.requests[0].played.is_set()  # 26 MB do not fit between the two of us
    assert await body_of(response) == piece * pieces
    assert wire.requests[0].played.is_set()


async def test_connections_unused_for_long_are_closed(wire, monkeypatch):
    monkeypatch.setattr(pools, "KEEP_SECONDS", 0.0)
    wire.always(OK)
    async with pooled(Timeouts(20.0, 0.2, 20.0)) as pool:
        await body_of(await ask(pool, wire))
        await happened(wire.requests[0].gone)


async def test_a_pool_that_closes_breaks_what_is_under_way(wire):
    wire.play(head(headers=[("content-length", "9")]), Then.STALL)
    async with pooled() as pool:
        response = await ask(pool, wire)
        pool.close()
        with pytest.raises(BrokenAnswer):
            await response.read()
        await happened(wire.requests[0].gone)


async def test_a_request_that_is_cancelled_closes_its_connection(pool, wire):
    wire.play(Then.STALL)
    asking = asyncio.create_task(ask(pool, wire))
    received = await asyncio.to_thread(wire.request)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await happened(received.gone)


async def test_nothing_is_remembered_of_connections_that_are_gone(pool, wire):
    wire.always(reply(b"ok", headers=[("connection", "close")]))
    for _ in range(3):
        await body_of(await ask(pool, wire))
    for number in range(3):
        await happened(wire.request(number).gone)
    assert not pool._all
