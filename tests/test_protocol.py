"""A client's connection: what comes before a request is bounded."""

import socket

import pytest

from aibridge.protocol import MAX_HEAD
from tests import bridge
from tests.wire import PATIENCE


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with bridge.serve(tmp_path_factory.mktemp("bridge"), []) as run:
        yield run


def send(run, *pieces: bytes) -> bytes:
    """Send the pieces and return all that is answered until the connection closes."""
    port = int(run.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
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
