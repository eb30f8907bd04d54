import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.journal.contents import (
    Begun,
    ContentError,
    Ended,
    How,
    begin_parts,
    end_parts,
    number_of,
    piece_parts,
    read_begin,
    read_end,
)

BEGUN = Begun(
    id="call-1",
    at=1_000_000,
    user_id="ana",
    token_id="token",
    provider="anthropic",
    provider_name="work",
    route="/v1/messages",
    dialect="messages",
    credential_kind="centralized",
    credential_hint="sk-a...1234",
    headers=[(b"user-agent", b"claude-cli/2 \xff")],
    request_bytes=5,
)
ENDED = Ended(2_000_000, How.ANSWERED)
NUMBERS = st.integers(0, (1 << 64) - 1)
SIZES = st.integers(0, (1 << 62))
BEGUNS = st.builds(Begun, at=SIZES, request_bytes=SIZES)
ENDEDS = st.builds(
    Ended,
    at=SIZES,
    http_status=st.none() | st.integers(100, 999),
    first_byte_us=st.none() | SIZES,
    response_bytes=SIZES,
)


def joined(parts: object) -> bytes:
    return b"".join(parts)  # type: ignore[arg-type]


@given(BEGUNS, st.binary(max_size=100))
def test_a_beginning_is_read_as_it_was_written_and_says_where_its_body_is(
    begun: Begun, body: bytes
) -> None:
    content = joined(begin_parts(begun, body))
    opening = read_begin(content)
    assert opening.begun == begun
    assert content[opening.body_at :] == body


@given(NUMBERS, ENDEDS, st.lists(st.binary(max_size=20), max_size=3))
def test_an_end_is_read_as_it_was_written_and_names_its_call(
    number: int, ended: Ended, pieces: list[bytes]
) -> None:
    content = joined(end_parts(number, ended, pieces))
    closing = read_end(content)
    assert (number_of(content), closing.ended) == (number, ended)
    assert content[closing.piece_at :] == b"".join(pieces)


@given(NUMBERS, st.lists(st.binary(max_size=20), max_size=5))
def test_a_piece_names_its_call_and_has_the_bytes_behind_that(
    number: int, pieces: list[bytes]
) -> None:
    content = joined(piece_parts(number, pieces))
    assert (number_of(content), content[8:]) == (number, b"".join(pieces))


def test_what_an_earlier_release_wrote_without_the_newest_fields_is_read() -> None:
    begun = msgspec.msgpack.encode(msgspec.structs.astuple(BEGUN)[:12])
    content = len(begun).to_bytes(4, "little") + begun + b"body"
    assert read_begin(content).begun == BEGUN
    ended = msgspec.msgpack.encode([ENDED.at, "answered"])
    assert read_end(bytes(8) + len(ended).to_bytes(4, "little") + ended).ended == ENDED


def test_fields_that_a_later_release_adds_are_skipped() -> None:
    begun = msgspec.msgpack.encode([*msgspec.structs.astuple(BEGUN), "new"])
    assert read_begin(len(begun).to_bytes(4, "little") + begun).begun == BEGUN
    ended = msgspec.msgpack.encode([*msgspec.structs.astuple(ENDED), "new"])
    assert read_end(bytes(8) + len(ended).to_bytes(4, "little") + ended).ended == ENDED


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x05\0\0",
        b"\xff\xff\xff\xffx",
        b"\x01\0\0\0\xc1",
        b"\x01\0\0\0\x90",
        joined(begin_parts(BEGUN, b""))[:-1],
    ],
)
def test_a_beginning_that_is_none_is_said_to_be(content: bytes) -> None:
    with pytest.raises(ContentError, match="a beginning cannot be read"):
        read_begin(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        bytes(8),
        bytes(8) + b"\x90",
        bytes(8) + msgspec.msgpack.encode([1, "exploded"]),
        joined(end_parts(7, ENDED))[:-1],
    ],
)
def test_an_end_that_is_none_is_said_to_be(content: bytes) -> None:
    with pytest.raises(ContentError, match="an end cannot be read"):
        read_end(content)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_said_to_be_wrong(content: bytes) -> None:
    for read in (read_begin, read_end, number_of):
        try:
            read(content)
        except ContentError:
            continue


def test_who_names_no_call_is_said_to() -> None:
    with pytest.raises(ContentError, match="names no call"):
        number_of(b"1234567")
