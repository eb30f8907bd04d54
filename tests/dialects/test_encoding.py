import gzip
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from aibridge.dialects.encoding import Undecodable, decode, decoder


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
    encoded = ENCODERS[coding](bytes(20_000_000))
    with pytest.raises(Undecodable):
        decode(encoded, coding, 1_000_000)
    assert len(decode(encoded, coding, 20_000_000)) == 20_000_000


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
