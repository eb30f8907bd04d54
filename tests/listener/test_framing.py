"""How answers stand on the wire."""

import pytest

from aibridge.listener.framing import Framing, refusal

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = (b"content-length", b"5")
CHUNKED = b"transfer-encoding: chunked\r\n"
CLOSE = b"connection: close\r\n"


def wire(status, headers, *pieces, method=b"GET", keep_alive=True):
    """Return an answer as it is sent, its head and its body."""
    framing = Framing(method)
    head = framing.head(status, headers, keep_alive=keep_alive)
    last = len(pieces) - 1
    return head, b"".join(
        framing.piece(each, more=number < last) for number, each in enumerate(pieces)
    )


@pytest.mark.parametrize(
    ("headers", "pieces", "head", "body"),
    [
        ([LENGTH], [b"hello"], b"content-length: 5\r\n", b"hello"),
        ([LENGTH], [b"he", b"", b"llo", b""], b"content-length: 5\r\n", b"hello"),
        ([(b"Content-Length", b"5")], [b"hello"], b"content-length: 5\r\n", b"hello"),
        ([], [b"hello"], CHUNKED, b"5\r\nhello\r\n0\r\n\r\n"),
        ([], [b"he", b"", b"llo", b""], CHUNKED, b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
        ([], [b"x" * 26, b""], CHUNKED, b"1a\r\n" + b"x" * 26 + b"\r\n0\r\n\r\n"),
        ([], [b""], CHUNKED, b"0\r\n\r\n"),
        ([(b"x", b"\xff 1")], [b""], b"x: \xff 1\r\n" + CHUNKED, b"0\r\n\r\n"),
    ],
)
def test_a_body_has_its_length_or_comes_in_chunks(headers, pieces, head, body):
    assert wire(200, headers, *pieces) == (OK + head + b"\r\n", body)


@pytest.mark.parametrize(
    ("status", "method", "headers", "pieces", "head"),
    [
        (200, b"HEAD", [LENGTH], [b"he", b"llo"], OK + b"content-length: 5\r\n"),
        (200, b"HEAD", [], [b"hello"], OK),
        (204, b"GET", [], [b""], b"HTTP/1.1 204 No Content\r\n"),
        (304, b"GET", [], [b""], b"HTTP/1.1 304 Not Modified\r\n"),
        (304, b"GET", [LENGTH], [b""], b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n"),
    ],
)
def test_an_answer_that_may_have_no_body_has_none(status, method, headers, pieces, head):
    assert wire(status, headers, *pieces, method=method) == (head + b"\r\n", b"")


@pytest.mark.parametrize(
    ("keep_alive", "headers", "head", "closes"),
    [
        (True, [], b"", False),
        (False, [], CLOSE, True),
        (True, [(b"connection", b"close")], CLOSE, True),
        (False, [(b"connection", b"close")], CLOSE, True),
        (True, [(b"connection", b"Upgrade, Close")], b"connection: Upgrade, Close\r\n", True),
        (True, [(b"connection", b"upgrade")], b"connection: upgrade\r\n", False),
    ],
)
def test_who_is_to_close_is_told_so_once(keep_alive, headers, head, closes):
    framing = Framing(b"HEAD")
    assert framing.head(200, headers, keep_alive=keep_alive) == OK + head + b"\r\n"
    assert framing.closes is closes


@pytest.mark.parametrize("status", [99, 600, 1000])
def test_a_status_that_is_none_is_not_sent(status):
    with pytest.raises(ValueError, match="no status"):
        Framing(b"GET").head(status, [], keep_alive=True)


def test_a_status_without_a_name_is_sent():
    assert Framing(b"HEAD").head(529, [], keep_alive=True) == b"HTTP/1.1 529 \r\n\r\n"


@pytest.mark.parametrize(
    "header",
    [
        (b"x", b"1\r\ny: 2"),
        (b"x", b"1\n"),
        (b"x", b"\x00"),
        (b"x\r\ny", b"1"),
        (b"x y", b"1"),
        (b"x:", b"1"),
        (b"transfer-encoding", b"chunked"),
        (b"Transfer-Encoding", b"gzip"),
    ],
)
def test_a_header_that_would_break_the_answer_is_not_sent(header):
    with pytest.raises(ValueError, match="not allowed"):
        Framing(b"GET").head(200, [(b"a", b"b"), header], keep_alive=True)


@pytest.mark.parametrize(
    ("pieces", "how"), [([b"hell"], "shorter"), ([b"hello!"], "longer"), ([b"he", b"llo!"], "long")]
)
def test_a_body_of_another_length_than_was_said_is_not_ended(pieces, how):
    with pytest.raises(ValueError, match=how):
        wire(200, [LENGTH], *pieces)


def test_a_refusal_is_a_whole_answer_that_closes():
    assert refusal("400 Bad Request", "No.", "x: 1") == (
        b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json; charset=utf-8\r\n"
        b"content-length: 18\r\nx: 1\r\nconnection: close\r\n\r\n"
        b'{"message": "No."}'
    )
