"""Whatever a provider sends, and however it is cut, makes an answer or an error, in bounded memory.

`any_answer` makes the input and `outcome` judges it, for other programs that try many more.
"""

import asyncio
import re
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from aibridge.gateway.upstream import Response, UpstreamError
from aibridge.gateway.upstream.connection import MAX_HEAD
from aibridge.gateway.upstream.response import HIGH_WATER, PIECE_COST
from tests.gateway.upstream import Dialogue

MAX_READ = 256 * 1024
"""Bytes that an event loop hands over at once, at most."""
METHODS = (b"GET", b"POST", b"HEAD")

_LINES = (
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 204 No Content\r\n",
    b"HTTP/1.1 304 Not Modified\r\n",
    b"HTTP/1.1 529\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n",
    b"HTTP/1.1 042 What\r\n",
    b"HTTP/1.1 999 Denied\r\n",
    b"HTTP/1.0 200 OK\r\n",
    b"HTTP/2.0 200 OK\r\n",
    b"ICY 200 OK\r\n",
    b"HTTP/1.1 ",
)
_HEADERS = (
    b"content-length: 5\r\n",
    b"content-length: 0\r\n",
    b"content-length: 99999999999999999999\r\n",
    b"content-length: -1\r\n",
    b"Content-Length: 5, 5\r\n",
    b"transfer-encoding: chunked\r\n",
    b"transfer-encoding: gzip, chunked\r\n",
    b"transfer-encoding: gzip\r\n",
    b"connection: close\r\n",
    b"connection: upgrade\r\nupgrade: h2c\r\n",
    b"x: \x00\r\n",
    b"x: a\r\n b\r\n",
    b"x:\xff\xfe\r\n",
    b"x\r\n",
    b": x\r\n",
    b"a:\r\n",
)
_BODIES = (
    b"hello",
    b"5\r\nhello\r\n",
    b"1\r\na\r\n",
    b"5;a=b\r\nhello\r\n",
    b'5;a="\r\n',
    b"ffffffffffffffffff\r\n",
    b"0\r\n\r\n",
    b"0\r\nx-trailer: 1\r\n\r\n",
    b"\r\n",
    b"\n",
    b"\r",
)
_UNSENDABLE_NAME = re.compile(rb"[^!#$%&'*+.^_`|~0-9a-z-]")
_UNSENDABLE_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def seeded(seed: int) -> Random:
    """Return the source of an input that can be made again."""
    return Random(seed)  # noqa: S311 - nothing secret


def any_answer(random: Random) -> list[bytes]:
    """Return what a provider might send, in the pieces in which it is read.

    Mostly an answer of sorts, so that all states of a parser are come to; some of it is damaged,
    repeated very often, or anything at all.
    """
    parts = [random.choice(_LINES)]
    parts += random.choices(_HEADERS, k=random.randrange(4))
    parts += [b"\r\n"] * (random.random() < 0.9)
    parts += random.choices(_BODIES, k=random.randrange(6))
    if random.random() < 0.3:
        parts.insert(random.randrange(len(parts)), random.choice(_LINES))
    if random.random() < 0.2:
        parts.insert(random.randrange(len(parts) + 1), random.randbytes(random.randrange(20)))
    if random.random() < 0.02:
        at = random.randrange(len(parts))
        parts[at] *= 2 * MAX_HEAD // max(1, len(parts[at]))
    data = bytearray(b"".join(parts))
    if random.random() < 0.2:
        data[random.randrange(len(data))] = random.randrange(256)
    return cut(random, bytes(data))


def cut(random: Random, data: bytes) -> list[bytes]:
    """Return data in pieces of one size, or of any, none above `MAX_READ`."""
    longest = random.choice((1, 7, 100, MAX_READ))
    if len(data) > MAX_READ:
        longest = max(longest, 10_000)
    pieces = []
    while data:
        size = random.randint(1, longest) if random.random() < 0.5 else longest
        pieces.append(data[:size])
        data = data[size:]
    return pieces


async def outcome(pieces: list[bytes], method: bytes = b"GET") -> Response | UpstreamError:
    """Send a request, feed the pieces, then close; return the answer that was read, or its error.

    Raises `AssertionError` where more is kept than may be, and whatever the client raises.
    """
    dialogue = Dialogue()
    sending, response = await dialogue.begin(method)
    for piece in pieces:
        if dialogue.transport.is_closing() or dialogue.transport.paused:
            break
        dialogue.connection.data_received(piece)
        check_memory(dialogue, response)
    if not dialogue.transport.is_closing():
        dialogue.transport.abort()
    try:
        check_answer(await sending, method)
        while not response.ended:
            await response.read()
    except UpstreamError as error:
        return error
    finally:
        response.close()
        await asyncio.sleep(0)
    assert dialogue.connection._response is None
    return response


def check_memory(dialogue: Dialogue, response: Response) -> None:
    """Check that an answer keeps no more than it may, before anything of it was read."""
    assert sum(len(name) + len(value) for name, value in response.headers) <= MAX_HEAD
    assert sum(map(len, response._parts)) <= HIGH_WATER + MAX_READ
    assert len(response._parts) <= HIGH_WATER // PIECE_COST + MAX_READ
    assert dialogue.connection._unfinished <= MAX_HEAD + MAX_READ


def check_answer(response: Response, method: bytes) -> None:
    """Check that an answer is one that can be sent on."""
    assert 200 <= response.status <= 599
    for name, value in response.headers:
        assert not _UNSENDABLE_NAME.search(name)
        assert not _UNSENDABLE_VALUE.search(value)
    assert method != b"HEAD" or not response._parts


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 1 << 32), method=st.sampled_from(METHODS))
def test_what_looks_like_an_answer_is_one_or_an_error(seed: int, method: bytes) -> None:
    asyncio.run(outcome(any_answer(seeded(seed)), method))


@settings(max_examples=300, deadline=None)
@given(pieces=st.lists(st.binary(min_size=1, max_size=60), max_size=8))
def test_any_bytes_are_an_answer_or_an_error(pieces: list[bytes]) -> None:
    asyncio.run(outcome(pieces))


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 1 << 32), other=st.integers(0, 1 << 32))
def test_an_answer_is_the_same_however_it_is_cut(seed: int, other: int) -> None:
    data = b"".join(any_answer(seeded(seed)))
    if len(data) > 1000:
        return  # a bound is passed sooner or later by what is read at once

    async def run() -> list[tuple[object, ...]]:
        found = []
        for pieces in (
            [data],
            cut(seeded(other), data),
            [data[i : i + 1] for i in range(len(data))],
        ):
            got = await outcome(pieces)
            head = (got.status, got.headers) if isinstance(got, Response) else ()
            found.append((type(got), *head))
        return found

    first, second, third = asyncio.run(run())
    assert first == second == third


def test_the_generator_makes_answers_and_errors_and_comes_to_all_states() -> None:
    async def run() -> list[Response | UpstreamError]:
        return [await outcome(any_answer(seeded(seed))) for seed in range(400)]

    found = asyncio.run(run())
    answers = [one for one in found if isinstance(one, Response)]
    assert 50 < len(answers) < 350
    assert {one.status for one in answers} >= {200, 204, 304, 529}
    assert len({str(one) for one in found if isinstance(one, UpstreamError)}) > 10
