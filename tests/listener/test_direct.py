"""Connections of which some requests are served without ASGI: whose they are, in which order."""

import asyncio
import http.client
import re
import socket
import ssl
import struct
import threading

import pytest
import trustme

from aibridge.listener.protocol import MAX_PIPELINED
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
    read_head,
    request,
    serving,
)
from tests.wire import PATIENCE

SMALL = Plan(headers=[(b"content-length", b"5")], pieces=[b"hello"])
LAST = request(DIRECT, CLOSE)


@pytest.mark.parametrize(
    "target",
    [
        "/a/b?c=d&e",
        "/a%2Fb/%C3%BC?%20",
        "/a//b/../c",
        "/a?",
        "/a#b",
        "http://elsewhere/direct/a?b",
    ],
)
def test_a_request_is_what_asgi_says_it_is(running, target):
    headers = ["X-A: 1", "x-a: 2", "Authorization: Bearer \xff", CLOSE]
    direct = target if target.startswith("http") else DIRECT + target
    for path in (direct, direct.replace(DIRECT, ASGI)):
        assert exchange(running, request(path, *headers, method="PUT")).startswith(b"HTTP/1.1 200 ")
    (head,), (scope,) = running.app.heads, running.app.scopes
    assert head.method == scope["method"].encode()
    assert head.path == scope["raw_path"].replace(ASGI.encode(), DIRECT.encode())
    assert head.query == scope["query_string"]
    assert head.headers == scope["headers"]
    assert head.ip == scope["client"][0]


def test_a_path_is_told_by_what_it_is_decoded(running):
    assert exchange(running, request("/%64irect/x", CLOSE)).startswith(b"HTTP/1.1 200 ")
    assert [head.path for head in running.app.heads] == [b"/%64irect/x"]
    assert not running.app.scopes


@pytest.mark.parametrize("target", ["nothing", "http://", "http://a:b:c/", "/direct\xff"])
def test_a_url_that_is_none_is_refused(running, target):
    assert exchange(running, request(target)).startswith(b"HTTP/1.1 400 ")
    assert not running.app.heads + running.app.scopes


def test_the_address_of_a_client_is_what_a_trusted_proxy_says():
    with serving(trusted_proxies=["127.0.0.0/8"]) as running:
        forwarded = request(DIRECT, "x-forwarded-for: 198.51.100.1, 203.0.113.9", CLOSE)
        assert exchange(running, forwarded).startswith(b"HTTP/1.1 200 ")
        assert [head.ip for head in running.app.heads] == ["203.0.113.9"]


# Several requests on one connection.


def numbered(count, *paths):
    return b"".join(request(f"{paths[at % len(paths)]}/{at}") for at in range(count))


@pytest.mark.parametrize("paths", [(DIRECT,), (DIRECT, ASGI), (ASGI, DIRECT)])
def test_requests_that_came_together_are_answered_in_their_order(running, paths):
    async def name(head, cycle):
        await asyncio.sleep(0)
        answer(cycle, Plan(headers=[(b"x-path", head.path)]))

    running.app.serve = name
    running.app.plan = Plan(headers=[(b"x-path", b"by ASGI")])
    count = MAX_PIPELINED
    found = exchange(running, numbered(count, *paths) + request(ASGI, CLOSE))
    names = re.findall(rb"x-path: (.*)\r\n", found)
    expected = [
        b"by ASGI" if paths[at % len(paths)] == ASGI else b"/direct/%d" % at for at in range(count)
    ]
    assert names == [*expected, b"by ASGI"]


@pytest.mark.parametrize("count", [MAX_PIPELINED, 5000])
@pytest.mark.parametrize("paths", [(DIRECT,), (DIRECT, ASGI)])
@pytest.mark.parametrize("headers", [(), ("connection: upgrade", "upgrade: h2c")])
def test_eight_requests_may_wait_and_those_behind_them_are_not_read(running, count, paths, headers):
    each = [request(paths[at % len(paths)], *headers) for at in range(count)]
    found = exchange(running, b"".join(each) + LAST)
    assert found.count(b"HTTP/1.1 200 ") == MAX_PIPELINED + 1
    assert found.count(b"connection: close") == 1


def test_a_head_is_forgotten_with_its_answer(running):
    running.app.plan = SMALL
    with connected(running) as connection:
        connection.sendall(request(DIRECT, "x-large: " + "a" * 10_000))
        assert connection.recv(1000).endswith(b"hello")
        barrier(running)
        (protocol,) = running.server.connections._open
        assert (protocol.scope, protocol.headers) == ({}, [])


def test_a_client_has_a_time_limit_whenever_it_is_waited_for_and_none_while_it_waits(running):
    go = threading.Event()

    async def wait(_, cycle):
        await body_of(cycle)
        await asyncio.to_thread(go.wait, PATIENCE)
        answer(cycle, SMALL)

    running.app.serve = wait
    counted = running.server.connections

    def waited_for(connection):
        barrier(running)
        own = connection.getsockname()
        lists = {"head": counted._heads, "body": counted._bodies, "request": counted._idle}
        return [name for name, listed in lists.items() if own in [each.client for each in listed]]

    with connected(running) as connection:
        assert waited_for(connection) == ["head"]
        connection.sendall(b"POST /direct HTTP/1.1\r\nhost: a\r\n")
        assert waited_for(connection) == ["head"]
        connection.sendall(b"content-length: 5\r\n\r\nhe")
        assert waited_for(connection) == ["body"]
        connection.sendall(b"llo")
        assert waited_for(connection) == []
        go.set()
        assert read_head(connection)
        assert connection.recv(5) == b"hello"
        assert waited_for(connection) == ["request"]


# Clients that leave.


def watching(*, late=False):
    """Return a handler that watches for its client's leaving, and an event for each step."""
    begun, go, told = threading.Event(), threading.Event(), threading.Event()

    async def serve(_, cycle):
        if late:
            begun.set()
            await asyncio.to_thread(go.wait, PATIENCE)
        left = asyncio.Event()
        cycle.watch(left.set)
        begun.set()
        await left.wait()
        cycle.unwatch()
        if cycle.disconnected:
            told.set()

    return serve, begun, go, told


@pytest.mark.parametrize("how", ["closes", "resets"])
@pytest.mark.parametrize("waiting", [0, 1, MAX_PIPELINED])
def test_whoever_serves_is_told_that_the_client_leaves(running, waiting, how):
    """Also with requests that came behind, one by one, after the watch had begun."""
    running.app.serve, begun, _, told = watching()
    with connected(running) as connection:
        connection.sendall(request(DIRECT))
        assert begun.wait(PATIENCE)
        for _ in range(waiting):
            connection.sendall(request(ASGI))
            barrier(running)
        if how == "resets":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert told.wait(PATIENCE)


def test_a_client_that_left_before_is_told_of_at_once(running):
    running.app.serve, begun, go, told = watching(late=True)
    with connected(running) as connection:
        connection.sendall(request(DIRECT))
        assert begun.wait(PATIENCE)
    barrier(running)
    go.set()
    assert told.wait(PATIENCE)


def test_a_body_whose_client_left_ends(running):
    ended = threading.Event()

    async def read(_, cycle):
        while not cycle.disconnected:
            await cycle.take()
        ended.set()

    running.app.serve = read
    with connected(running) as connection:
        connection.sendall(request(DIRECT, "content-length: 9", method="POST", body=b"hel"))
    assert ended.wait(PATIENCE)


# The end of the server, and TLS.


def test_a_request_under_way_is_finished_and_idle_connections_are_closed_at_a_stop():
    go, begun = threading.Event(), threading.Event()

    async def wait(head, cycle):
        cycle.begin(200, [])
        if b"slow" in head.path:
            begun.set()
            await asyncio.to_thread(go.wait, PATIENCE)
        cycle.write(b"hello", more=False)

    with serving() as running, connected(running) as idle, connected(running) as busy:
        running.app.serve = wait
        idle.sendall(request(DIRECT))
        assert b"keep" not in read_head(idle)
        busy.sendall(request(f"{DIRECT}/slow"))
        assert begun.wait(PATIENCE)
        running.server.should_exit = True
        assert read_all(idle) == b"5\r\nhello\r\n0\r\n\r\n"
        go.set()
        assert read_all(busy).endswith(b"5\r\nhello\r\n0\r\n\r\n")


def test_a_request_that_outlasts_a_stop_is_refused():
    begun = threading.Event()

    async def wait(_, cycle):
        begun.set()
        await asyncio.get_running_loop().create_future()

    with serving() as running, connected(running) as connection:
        running.server.config.timeout_graceful_shutdown = 0
        running.app.serve = wait
        connection.sendall(request(DIRECT))
        assert begun.wait(PATIENCE)
        running.server.should_exit = True
        assert read_all(connection).startswith(b"HTTP/1.1 503 ")


def test_requests_are_served_over_tls(tmp_path):
    authority = trustme.CA()
    issued = authority.issue_cert("a.example")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    context = ssl.create_default_context()
    authority.configure_trust(context)
    body = bytes(1 << 20)
    with (
        serving(tls_cert=certificate, tls_key=key) as running,
        connected(running) as raw,
        context.wrap_socket(raw, server_hostname="a.example") as connection,
    ):
        length = f"content-length: {len(body)}"
        connection.sendall(request(f"{DIRECT}/echo", length, method="POST", body=body))
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.read() == body
        assert running.app.heads
