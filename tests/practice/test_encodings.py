import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.practice.encodings import compressed, expand

NAMES = ("gzip", "deflate", "br", "zstd")


@pytest.mark.parametrize("name", NAMES)
@given(frames=st.lists(st.binary(), max_size=5))
def test_what_was_compressed_is_expanded(name, frames):
    assert expand(name, b"".join(compressed(name, frames))) == b"".join(frames)


def test_each_frame_can_be_read_when_it_arrives():
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    frames = compressed("gzip", [b"first", b"second"])
    assert reader.decompress(next(frames)) == b"first"
    assert reader.decompress(next(frames)) == b"second"


@pytest.mark.parametrize("name", NAMES)
@given(noise=st.binary(min_size=1))
def test_noise_is_expanded_or_refused(name, noise):
    try:
        expand(name, noise)
    except ValueError as refusal:
        assert str(refusal)  # noqa: PT017 - either outcome will do


def test_encodings_are_undone_in_reverse():
    body = b"".join(compressed("br", compressed("gzip", [b"hi"])))
    assert expand("gzip, br", body) == b"hi"
    assert expand("identity", b"hi") == b"hi"


def test_an_unknown_encoding_is_refused():
    with pytest.raises(ValueError, match="rar"):
        expand("rar", b"")
