"""A client's connection: how its bytes become requests, and what bounds them."""

import re
import socket
from contextlib import suppress

import pytest

from aibridge.listener import connections
from aibridge.listener.protocol import HEADER_COST, MAX_HEAD, MAX_PIPELINED
from tests import bridge
from tests.wire import PATIENCE


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with bridge.serve(tmp_path_factory.mktemp("bridge"), []) as run:
        yield run


def connected(run):
    port = int(run.url.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def send(run, *pieces: bytes) -> bytes:
    """Send the pieces and return all that is answered until the connection closes."""
    with connected(run) as connection:
        answer = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
            while got := connection.recv(65536):
                answer += got
        except ConnectionError:
            pass  # cut off while it was still sending
        return answer


def test_headers_without_end_are_cut_off(run):
    line = b"x-filler: " + b"a" * 1000 + b"\r\n"
    answer = send(run, b"GET /healthz HTTP/1.1\r\nhost: a\r\n", *([line] * (MAX_HEAD // 900)))
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")


def test_a_line_without_end_is_cut_off(run):
    answer = send(run, b"GET /" + b"a" * (2 * MAX_HEAD))
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")


def test_large_headers_within_the_bound_are_taken(run):
    line = b"x-filler: " + b"a" * 1000 + b"\r\n"
    head = b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n"
    answer = send(run, head, *([line] * 100), b"\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_each_request_of_a_connection_is_counted_for_itself(run):
    line = b"x-filler: " + b"a" * 1000 + b"\r\n"
    one = b"GET /healthz HTTP/1.1\r\nhost: a\r\n" + line * 100 + b"\r\n"
    last = b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
    answer = send(run, one, one, one, one, last)
    assert answer.count(b"HTTP/1.1 200 ") == 5


LAST = b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"


def login(*headers: bytes, body: bytes = b'{"email": 1}', length: bool = True) -> bytes:
    """Return a request whose body is read: it is refused for what stands in it."""
    lines = [
        b"POST /api/v2/users/login HTTP/1.1",
        b"host: localhost",
        b"content-type: application/json",
    ]
    if length:
        lines.append(b"content-length: %d" % len(body))
    return b"\r\n".join([*lines, *headers, b"", body])


UPGRADES = {
    "h2c": [b"connection: upgrade", b"upgrade: h2c"],
    "as the JDK does": [
        b"connection: Upgrade, HTTP2-Settings",
        b"upgrade: h2c",
        b"http2-settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA",
    ],
    "in several lines": [b"Connection: keep-alive", b"Connection: UPGRADE", b"Upgrade: a, b/1"],
    "websocket": [b"connection: upgrade", b"upgrade: websocket"],
    "anything": [b"connection: close-not, upgrade", b"upgrade: \xff"],
}


@pytest.mark.parametrize("how", UPGRADES)
def test_an_upgrade_is_ignored_and_the_body_is_read(run, how):
    """What follows the body is the next request, and nothing within the body is one."""
    hidden = b'{"email": "' + LAST + b'"}'
    answer = send(run, login(*UPGRADES[how], body=hidden), LAST)
    assert re.findall(rb"HTTP/1\.1 (\d+) ", answer) == [b"400", b"200"]
    assert b"Request body must be valid JSON." in answer


@pytest.mark.parametrize("how", UPGRADES)
@pytest.mark.parametrize("size", [1, 7, 60])
def test_it_is_ignored_however_the_request_is_cut(run, how, size):
    data = login(*UPGRADES[how], b"x-request-id: mine") + LAST
    whole = send(run, data)
    assert send(run, *[data[at : at + size] for at in range(0, len(data), size)]) == whole
    assert whole.count(b"HTTP/1.1 ") == 2


def test_an_upgrade_with_chunks_is_ignored_too(run):
    chunks = b"c\r\n" + b'{"email": 1}' + b"\r\n0\r\n\r\n"
    headers = (*UPGRADES["h2c"], b"transfer-encoding: chunked")
    answer = send(run, login(*headers, body=chunks, length=False), LAST)
    assert answer.count(b"HTTP/1.1 400 ") == answer.count(b"HTTP/1.1 200 ") == 1


GET = b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n"
ASKS_UPGRADE = b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"


@pytest.mark.parametrize("one", [GET, ASKS_UPGRADE])
@pytest.mark.parametrize("count", [MAX_PIPELINED, 5000])
def test_so_many_requests_may_wait_for_the_answer_to_an_earlier_one(run, one, count):
    """Those behind them are not read, and the connection is closed with the last answer."""
    answer = send(run, one * count + LAST)
    assert answer.count(b"HTTP/1.1 200 ") == MAX_PIPELINED + 1
    assert answer.count(b"connection: close") == 1


def test_requests_are_answered_one_by_one_for_ever(run):
    with connected(run) as connection:
        for _ in range(5 * MAX_PIPELINED):
            connection.sendall(GET)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_an_upgrade_has_no_weaker_rules(run):
    """The request is parsed as strictly as any other the second time."""
    both = (*UPGRADES["h2c"], b"transfer-encoding: chunked")
    answer = send(run, login(*both, body=b"0\r\n\r\n"), LAST)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Invalid HTTP request received." in answer
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("target", [b"example.com:443", b"/healthz", b"/api/v2/aibridge/a/v1/x"])
def test_connect_is_refused_and_nothing_behind_it_is_read(run, target):
    answer = send(run, b"CONNECT %b HTTP/1.1\r\nhost: a\r\n\r\n" % target, LAST)
    assert answer.startswith((b"HTTP/1.1 405 ", b"HTTP/1.1 400 "))
    assert answer.count(b"HTTP/1.1 ") == 1


CHUNKED = b"POST /healthz HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"GET /healthz HTTP/1.1\r\nx: ", b"a" * 4096),
        (b"GET /healthz HTTP/1.1\r\nx", b"a" * 4096),
        (b"GET /healthz HTTP/1.1\r\n", b"a:\r\n" * 1000),
        (b"", b"\r\n" * 2048),
        (CHUNKED + b"0\r\n", b"a:b\r\n" * 1000),
        (CHUNKED + b"0\r\nx: ", b"a" * 4096),
        (CHUNKED + b"1;x=", b"a" * 4096),
    ],
)
def test_what_has_no_end_beside_a_body_is_cut_off(run, begin, more):
    sent = 0
    with connected(run) as connection:
        connection.sendall(begin)
        with suppress(ConnectionError):
            while sent < 64 * MAX_HEAD:
                sent += connection.send(more)
    assert sent < 64 * MAX_HEAD


def test_short_headers_count_for_more_than_their_text(run):
    few = b"a:\r\n" * 1000
    head = b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n"
    assert send(run, head, few, b"\r\n").startswith(b"HTTP/1.1 200 ")
    many = b"a:\r\n" * (MAX_HEAD // HEADER_COST)
    answer = send(run, head, many, b"\r\n")
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")


def test_a_trailer_is_no_header(run):
    """It comes behind the body, where no proxy looks at it and anybody may write it."""
    body = b'{"email": 1}'
    chunks = b"%x\r\n%b\r\n0\r\nx-forwarded-for: 192.0.2.1\r\n\r\n" % (len(body), body)
    seen = []
    app = run.server.config.loaded_app

    async def listen(scope, receive, send):
        seen.append(scope)
        await app(scope, receive, send)

    run.server.config.loaded_app = listen
    try:
        headers = (b"transfer-encoding: chunked",)
        answer = send(run, login(*headers, body=chunks, length=False), LAST)
    finally:
        run.server.config.loaded_app = app
    assert re.findall(rb"HTTP/1\.1 (\d+) ", answer) == [b"400", b"200"]
    names = [name for name, _ in seen[0]["headers"]]
    assert b"transfer-encoding" in names
    assert b"x-forwarded-for" not in names


@pytest.mark.parametrize("name", [b"connection", b"proxy-connection", b"Proxy-Connection"])
def test_every_header_that_asks_for_an_upgrade_is_told(run, name):
    answer = send(run, login(name + b": upgrade", b"upgrade: h2c"), LAST)
    assert re.findall(rb"HTTP/1\.1 (\d+) ", answer) == [b"400", b"200"]


def test_a_chunk_that_is_none_is_told_at_once(run):
    answer = send(run, login(b"transfer-encoding: chunked", body=b"zz\r\n", length=False))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Invalid HTTP request received." in answer


@pytest.fixture
def counted(run):
    """The connections of a bridge, which a test may have time pass for."""
    return run.server.connections


def test_a_head_that_does_not_end_is_not_waited_for(run, counted, monkeypatch):
    with connected(run) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nx")
        monkeypatch.setattr(connections, "HEAD_SECONDS", 0.0)
        assert connection.recv(100) == b""


@pytest.mark.parametrize("noise", [b"", b"\r\n", b"rest of a body"])
def test_what_is_no_request_does_not_keep_a_connection_open(run, monkeypatch, noise):
    with connected(run) as connection:
        connection.sendall(login(body=b"") + noise)
        assert connection.recv(65536)
        monkeypatch.setattr(connections, "KEEP_ALIVE_SECONDS", 0.0)
        with suppress(ConnectionError):
            connection.sendall(noise)
            while connection.recv(65536):
                pass


def test_a_connection_too_many_is_told_so(run, counted, monkeypatch):
    monkeypatch.setattr(counted, "_limits", connections.Limits(0, 0))
    answer = send(run)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"Too many connections." in answer


def test_junk_behind_a_request_is_not_read_and_the_request_is_answered(run):
    """As where a client forgets to say how long its body is."""
    answer = send(run, LAST.replace(b"connection: close", b"x: y") + b'{"model": 1}', LAST)
    assert re.findall(rb"HTTP/1\.1 (\d+) ", answer) == [b"200"]
