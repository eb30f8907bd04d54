import contextlib
import gzip
import zlib
from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from typing import Any

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from aibridge.dialects.encoding import MAX_MEMBERS, MAX_RATIO, SPARE, Undecodable, decode, decoder


def deflate_raw(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(data) + deflater.flush()


ENCODERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": deflate_raw,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("coding", ENCODERS)
@given(data=st.binary(max_size=3000), size=st.integers(1, 400))
def test_any_chunking_decodes_to_the_same(coding, data, size):
    encoded = ENCODERS[coding](data)
    undo = decoder(coding.encode())
    assert undo is not None
    chunks = [encoded[start : start + size] for start in range(0, len(encoded), size)]
    assert b"".join(map(undo.feed, chunks)) == data
    assert undo.finished
    assert decode(encoded, coding) == data


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_several_members_follow_one_another(coding):
    encode = ENCODERS[coding]
    assert decode(encode(b"one ") + encode(b"two"), coding) == b"one two"


def test_codings_are_undone_from_the_last_to_the_first():
    assert decode(brotli.compress(gzip.compress(b"text")), "gzip, br") == b"text"


@pytest.mark.parametrize("coding", ["", "identity", " Identity "])
def test_nothing_to_decode(coding):
    assert decoder(coding) is None
    assert decode(b"text", coding) == b"text"


@pytest.mark.parametrize("coding", ["snappy", "gzip, snappy", "gzip, gzip, gzip, gzip"])
def test_unknown_codings_are_refused(coding):
    with pytest.raises(Undecodable):
        decoder(coding)


@pytest.mark.parametrize("coding", ENCODERS)
def test_a_bomb_stops_at_the_limit(coding):
    data = Random(1).randbytes(40_000).hex().encode()  # noqa: S311 - not secret
    encoded = ENCODERS[coding](data)
    with pytest.raises(Undecodable, match="more bytes than allowed"):
        decode(encoded, coding, 79_999)
    assert decode(encoded, coding, 80_000) == data


@pytest.mark.parametrize("again", [[], ["gzip"], ["zstd", "br"]])
@pytest.mark.parametrize("coding", ENCODERS)
def test_little_does_not_decode_to_much_whatever_the_limit(coding, again):
    few, many = bytes(SPARE), bytes(SPARE + 100 * MAX_RATIO + 1_000_000)
    for name in [coding, *again]:
        few, many = ENCODERS[name](few), ENCODERS[name](many)
    many = many[:100]
    codings = ", ".join([coding, *again])
    assert decode(few, codings, 1 << 30) == bytes(SPARE)
    decoded = bytearray()
    undo = decoder(codings, 1 << 30)
    assert undo is not None
    undo.grant(len(many))
    with contextlib.suppress(Undecodable):
        undo.undo(many, decoded)
    assert len(decoded) <= SPARE + 100 * MAX_RATIO


def test_what_comes_of_a_stream_makes_room_for_more():
    encoded = zlib.compress(bytes(SPARE * 2))
    undo = decoder("deflate", 1 << 30)
    assert undo is not None
    undo.grant(SPARE // MAX_RATIO)
    assert len(undo.feed(encoded)) == 2 * SPARE


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_so_many_members_are_decoded(coding):
    empty, text = ENCODERS[coding](b""), ENCODERS[coding](b"text")
    assert decode(empty * (MAX_MEMBERS - 1) + text, coding) == b"text"
    with pytest.raises(Undecodable, match="more than 10000 members or frames"):
        decode(empty * (2 * MAX_MEMBERS), coding)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_the_work_grows_with_what_comes_and_not_with_its_square(monkeypatch, coding):
    """What follows a member's end was copied for each member."""
    handled = {"bytes": 0}
    empty = ENCODERS[coding](b"")
    if coding == "gzip":
        monkeypatch.setattr(zlib, "decompressobj", counting(zlib.decompressobj, handled))
    else:
        made = zstandard.ZstdDecompressor(max_window_size=8 << 20)
        maker = counting(made.decompressobj, handled)
        monkeypatch.setattr(
            zstandard, "ZstdDecompressor", lambda **_: SimpleNamespace(decompressobj=maker)
        )
    decode(empty * 2000, coding)
    once, handled["bytes"] = handled["bytes"], 0
    decode(empty * 4000, coding)
    assert handled["bytes"] < 3 * once


def counting(make: Callable[..., Any], handled: dict[str, int]) -> Callable[..., Any]:
    """Have decompressors count the bytes that they are given and leave over."""

    class Counting:
        def __init__(self, *arguments: Any) -> None:
            self._made = make(*arguments)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._made, name)

        def decompress(self, data: bytes, *arguments: Any) -> bytes:
            handled["bytes"] += len(data)
            decoded: bytes = self._made.decompress(data, *arguments)
            handled["bytes"] += len(self._made.unused_data)
            return decoded

    return Counting


@given(texts=st.lists(st.binary(max_size=30), min_size=1, max_size=6), size=st.integers(1, 60))
def test_members_are_found_wherever_they_are_cut(texts, size):
    encoded = b"".join(map(gzip.compress, texts))
    undo = decoder("gzip")
    assert undo is not None
    chunks = [encoded[start : start + size] for start in range(0, len(encoded), size)]
    assert b"".join(map(undo.feed, chunks)) == b"".join(texts)
    assert undo.finished


@pytest.mark.parametrize("rest", [b"x", b"\x1f", b"\x1fx", b"more of this" * 500])
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_what_follows_the_last_member_and_is_none_is_ignored(rest, size):
    encoded = gzip.compress(b"text") + rest + gzip.compress(b"not read")
    undo = decoder("gzip")
    assert undo is not None
    chunks = [encoded[start : start + size] for start in range(0, len(encoded), size)]
    assert b"".join(map(undo.feed, chunks)) == b"text"
    assert undo.finished


@pytest.mark.parametrize("coding", ENCODERS)
def test_a_body_that_is_cut_short_is_refused(coding):
    encoded = ENCODERS[coding](b"some text" * 100)
    for end in (0, 1, 5, len(encoded) - 1):
        with pytest.raises(Undecodable):
            decode(encoded[:end], coding)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
@given(data=st.binary(max_size=200))
def test_garbage_raises_nothing_else(coding, data):
    try:
        decode(data, coding)
    except Undecodable as error:
        assert str(error)  # noqa: PT017 # most garbage is refused, some decodes
