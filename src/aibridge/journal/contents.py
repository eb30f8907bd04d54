"""What entries say of a call: their contents, to bytes and back.

A `Kind.BEGIN` has the length of its `Begun`, that, and the request's body. The other two name the
call by the position where its `Kind.BEGIN` ends, in 8 bytes: a `Kind.PIECE` has bytes of the
answer behind that, a `Kind.END` the length of its `Ended`, that, and the answer's last bytes. New
fields stand last and have defaults, so that what an earlier release wrote is read.
"""

from collections.abc import Iterable
from enum import StrEnum
from struct import Struct, error
from typing import NamedTuple

import msgspec

from aibridge.journal.format import Buffer

_LENGTH = Struct("<I")
_NUMBER = Struct("<Q")
_END = Struct("<QI")
NUMBER_BYTES = _NUMBER.size

Headers = list[tuple[bytes, bytes]]


class Begun(msgspec.Struct, array_like=True):
    """A call as it begins. Times are microseconds since 1970, sizes are bytes.

    ``headers`` are those of the request that readers look at, ``request_bytes`` is what was sent
    on. ``completes`` is the interception whose end the answer may say, where the call has no record
    of its own. Where ``prefix`` or ``suffix`` bytes are those of another body, which stands in the
    entry that begins at ``base``, only what is between them is here
    (`aibridge.journal.folding`); where there is none, ``base`` is -1. ``group_id`` is the group
    that the call is charged to.
    """

    id: str
    at: int
    user_id: str
    token_id: str
    provider: str
    provider_name: str
    route: str
    dialect: str
    credential_kind: str
    credential_hint: str
    headers: Headers
    request_bytes: int
    edits: list[str] = []
    completes: str = ""
    base: int = -1
    prefix: int = 0
    suffix: int = 0
    group_id: str = ""


class How(StrEnum):
    """How a call came to its end."""

    ANSWERED = "answered"
    """All of its answer came."""
    LEFT = "left"
    """Its client went away."""
    FAILED = "failed"
    """Its provider did not answer, or the answer broke off; the error says why."""
    STOPPED = "stopped"
    """The bridge stopped."""


class Ended(msgspec.Struct, array_like=True):
    """How a call ended. ``headers`` are those of the answer that readers look at."""

    at: int
    how: How
    http_status: int | None = None
    headers: Headers = []
    first_byte_us: int | None = None
    response_bytes: int = 0
    error_type: str = ""
    error_message: str = ""
    edits: list[str] = []
    notes: list[str] = []


class Opening(NamedTuple):
    """A `Kind.BEGIN`: what it says, and where in its content the body begins."""

    begun: Begun
    body_at: int


class Closing(NamedTuple):
    """A `Kind.END`: what it says, and where in its content the answer's last bytes begin."""

    ended: Ended
    piece_at: int


class ContentError(Exception):
    """An entry's content is none that this release knows; the text says why."""


_encode = msgspec.msgpack.Encoder().encode
_begun = msgspec.msgpack.Decoder(Begun).decode
_ended = msgspec.msgpack.Decoder(Ended).decode


def begin_parts(begun: Begun, body: bytes) -> tuple[Buffer, ...]:
    """Return the content of a `Kind.BEGIN`."""
    head = _encode(begun)
    return (_LENGTH.pack(len(head)) + head, body)


def piece_parts(number: int, pieces: list[bytes]) -> tuple[Buffer, ...]:
    """Return the content of a `Kind.PIECE` of the call whose `Kind.BEGIN` ends at ``number``."""
    return (_NUMBER.pack(number), *pieces)


def end_parts(number: int, ended: Ended, pieces: Iterable[bytes] = ()) -> tuple[Buffer, ...]:
    """Return the content of a `Kind.END` of the call whose `Kind.BEGIN` ends at ``number``."""
    said = _encode(ended)
    return (_END.pack(number, len(said)) + said, *pieces)


def read_begin(content: bytes) -> Opening:
    """Read the content of a `Kind.BEGIN`. Raises `ContentError`."""
    try:
        (length,) = _LENGTH.unpack_from(content)
        body_at = _LENGTH.size + length
        return Opening(_begun(memoryview(content)[_LENGTH.size : body_at]), body_at)
    except (error, msgspec.MsgspecError, UnicodeError) as cause:
        raise ContentError(f"a beginning cannot be read: {cause}") from cause


def number_of(content: bytes) -> int:
    """Return the number of the call that a `Kind.PIECE` or `Kind.END` is of.

    Raises `ContentError`.
    """
    try:
        (number,) = _NUMBER.unpack_from(content)
        return int(number)
    except error as cause:
        raise ContentError(f"it names no call: {cause}") from cause


def read_end(content: bytes) -> Closing:
    """Read the content of a `Kind.END`. Raises `ContentError`."""
    try:
        _, length = _END.unpack_from(content)
        piece_at = _END.size + length
        return Closing(_ended(memoryview(content)[_END.size : piece_at]), piece_at)
    except (error, msgspec.MsgspecError, UnicodeError) as cause:
        raise ContentError(f"an end cannot be read: {cause}") from cause
