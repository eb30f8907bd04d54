"""Requests that are served without ASGI: on the wire they are served as by ASGI."""

import asyncio
import select
import threading

import pytest

from tests.listener.both_ways import (
    ASGI,
    CLOSE,
    DIRECT,
    Plan,
    answer,
    barrier,
    body_of,
    connected,
    exchange,
    read_all,
    request,
)
from tests.wire import PATIENCE

LENGTH = (b"content-length", b"5")
SMALL = Plan(headers=[LENGTH], pieces=[b"hello"])
PAUSES_AFTER = 16 << 20
"""Bytes that no buffer of the bridge and of the kernel takes together."""


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
@pytest.mark.parametrize(
    "plan",
    [
        SMALL,
        Plan(headers=[LENGTH], pieces=[b"he", b"", b"llo", b""]),
        Plan(pieces=[b"hello"]),
        Plan(pieces=[b"he", b"llo", b""]),
        Plan(pieces=[b"x" * 100_000] * 3),
        Plan(204),
        Plan(304, [(b"etag", b'"1"')]),
        Plan(404, [(b"x-a", b"1"), (b"x-a", b"\xff"), LENGTH], [b"hello"]),
        Plan(529, [LENGTH], [b"hello"]),
        Plan(426, [(b"connection", b"upgrade"), (b"upgrade", b"HTTP/1.1"), LENGTH], [b"hello"]),
        Plan(200, [(b"connection", b"close"), LENGTH], [b"hello"]),
    ],
    ids=range(11),
)
def test_an_answer_stands_on_the_wire_as_by_asgi(running, plan, method, version):
    """The head, the framing, and whether the connection is closed or waits for the next request."""
    running.app.plan = plan
    closes = version == "1.0" or (b"connection", b"close") in plan.headers

    def answers(path):
        first = request(path, "content-length: 0", method=method, version=version)
        last = request(path, CLOSE, method=method, version=version)
        return exchange(running, first if closes else first + last)

    direct = answers(DIRECT)
    assert direct.startswith(b"HTTP/1.1 %d " % plan.status)
    assert direct == answers(ASGI)
    assert len(running.app.heads) == len(running.app.scopes)


# Bodies.

BODY = b"0123456789" * 20
CHUNKS = b"".join(b"a\r\n" + BODY[at : at + 10] + b"\r\n" for at in range(0, 200, 10))
LAST = request(DIRECT, CLOSE)
UPGRADE = ("connection: upgrade, close", "upgrade: h2c")


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
@pytest.mark.parametrize("more", [(CLOSE,), UPGRADE], ids=["plain", "upgrade"])
@pytest.mark.parametrize(
    "data",
    [
        (f"content-length: {len(BODY)}", BODY),
        ("transfer-encoding: chunked", CHUNKS + b"0\r\n\r\n"),
        ("transfer-encoding: chunked", CHUNKS + b"0\r\nx-trailer: 1\r\n\r\n"),
    ],
    ids=["length", "chunks", "trailer"],
)
def test_a_body_comes_whole_however_it_is_sent(running, data, more, size):
    framing, body = data
    whole = request(f"{DIRECT}/echo", framing, *more, method="POST", body=body)
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    assert exchange(running, *pieces).endswith(b"\r\n\r\nc8\r\n" + BODY + b"\r\n0\r\n\r\n")
    assert b"x-trailer" not in dict(running.app.heads[0].headers)


@pytest.mark.parametrize("upgrade", [(), ("connection: upgrade", "upgrade: h2c")])
def test_what_follows_a_body_is_the_next_request_and_nothing_within_it(running, upgrade):
    hidden = request(f"{DIRECT}/hidden", f"content-length: {len(LAST)}", *upgrade, body=LAST)
    found = exchange(running, hidden + LAST)
    assert found.count(b"HTTP/1.1 200 ") == 2
    assert [head.path for head in running.app.heads] == [b"/direct/hidden", b"/direct"]


@pytest.mark.parametrize(
    "headers",
    [
        ("content-length: 5", "transfer-encoding: chunked"),
        ("content-length: 5", "content-length: 6"),
        ("transfer-encoding: chunked, identity",),
    ],
)
def test_a_body_of_two_lengths_is_no_request(running, headers):
    found = exchange(running, request(f"{DIRECT}/echo", *headers, method="POST", body=b"0\r\n\r\n"))
    assert found.startswith(b"HTTP/1.1 400 ")
    assert found.count(b"HTTP/1.1 ") == 1


def test_a_large_body_is_read_to_its_end(running):
    body = bytes(range(256)) * (16 << 10)
    length = f"content-length: {len(body)}"
    found = exchange(running, request(f"{DIRECT}/echo", length, CLOSE, method="POST", body=body))
    assert body in found


def test_a_body_that_nobody_takes_holds_its_client_back(running):
    """Both buffers are bounded: the rest stays with the client until somebody reads."""
    go = threading.Event()

    async def wait(_, cycle):
        await asyncio.to_thread(go.wait, PATIENCE)
        body = await body_of(cycle)
        answer(cycle, Plan(pieces=[b"%d" % len(body)]))

    running.app.serve = wait
    size = 4 * PAUSES_AFTER
    with connected(running) as connection:
        connection.sendall(request(DIRECT, f"content-length: {size}", CLOSE, method="POST"))
        sent = sent_until_held_back(running, connection, size)
        assert sent < PAUSES_AFTER
        go.set()
        connection.settimeout(PATIENCE)
        connection.sendall(bytes(size - sent))
        assert b"%d" % size in read_all(connection)


def sent_until_held_back(running, connection, size):
    """Send until nothing is taken any more, however often the server has read; return how much."""
    connection.setblocking(False)
    sent = tries = 0
    while sent < size and tries < 3:
        try:
            sent += connection.send(bytes(min(1 << 16, size - sent)))
            tries = 0
        except BlockingIOError:
            tries += 1
            barrier(running)
    return sent


def test_a_client_is_told_to_go_on_once_its_body_is_wanted(running):
    go = threading.Event()

    async def wait(_, cycle):
        await asyncio.to_thread(go.wait, PATIENCE)
        answer(cycle, Plan(pieces=[await body_of(cycle)]))

    running.app.serve = wait
    asks = request(DIRECT, "content-length: 5", "expect: 100-continue", CLOSE, method="POST")
    with connected(running) as connection:
        connection.sendall(asks)
        barrier(running)
        assert select.select([connection], [], [], 0)[0] == []
        go.set()
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"hello")
        found = read_all(connection)
    assert found.startswith(b"HTTP/1.1 200 ")
    assert found.count(b"HTTP/1.1 ") == 1


def test_a_client_that_is_refused_is_not_told_to_go_on(running):
    running.app.plan = Plan(403, [LENGTH], [b"hello"])
    asks = request(DIRECT, "content-length: 5", "expect: 100-continue", CLOSE, method="POST")
    assert exchange(running, asks).startswith(b"HTTP/1.1 403 ")


# Answers that are slow, or do not come to their end.


def test_an_answer_that_is_not_read_is_waited_with(running):
    written = []

    async def flood(_, cycle):
        cycle.begin(200, [])
        while not cycle.disconnected:
            if cycle.is_slow:
                await cycle.drain()
            cycle.write(bytes(1 << 16), more=True)
            written.append(1 << 16)
            await asyncio.sleep(0)

    running.app.serve = flood
    with connected(running) as connection:
        connection.sendall(request(DIRECT))
        assert connection.recv(10)
        while not running.server.connections._unread:  # it has a time limit
            assert sum(written) < PAUSES_AFTER
            barrier(running)
        assert sum(written) < PAUSES_AFTER
        assert len(running.server.connections._unread) == 1


@pytest.mark.parametrize("begins", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_an_answer_without_an_end_closes_the_connection(running, capfd, begins, fails):
    async def give_up(_, cycle):
        if begins:
            cycle.begin(200, [])
            cycle.write(b"hello", more=True)
        if fails:
            raise RuntimeError("for a test")

    running.app.serve = give_up
    found = exchange(running, request(DIRECT))
    if begins:
        assert found.endswith(b"\r\n\r\n5\r\nhello\r\n")
    else:
        assert found.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"retry-after: 5\r\n" in found
        assert found.count(b"HTTP/1.1 ") == 1
    log = "".join(capfd.readouterr())
    assert ("for a test" in log) is fails


@pytest.mark.parametrize(
    "wrong",
    [
        lambda cycle: cycle.begin(200, []),
        lambda cycle: cycle.write(b"hello!", more=False),
        lambda cycle: cycle.write(b"hell", more=False),
        lambda cycle: (cycle.write(b"hello", more=False), cycle.write(b"", more=False)),
    ],
)
def test_an_answer_that_would_break_its_own_framing_is_not_sent(running, capfd, wrong):
    async def serve(_, cycle):
        cycle.begin(200, [LENGTH])
        wrong(cycle)

    running.app.serve = serve
    found = exchange(running, request(DIRECT, CLOSE))
    assert found.startswith(b"HTTP/1.1 503 ") or found.endswith(b"\r\n\r\nhello")
    assert found.count(b"HTTP/1.1 ") == 1
    assert "request_failed" in "".join(capfd.readouterr())
