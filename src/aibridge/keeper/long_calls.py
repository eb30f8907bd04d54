"""Calls that are under way for so long that a journal would have to stay for them.

What there is of them by then is kept in a file each, beside the segments. So one call that does not
end fills no journal, in which others would find no room.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from struct import Struct, error

import msgspec
import structlog

from aibridge.journal.contents import Begun
from aibridge.journal.reader import Span
from aibridge.keeper.calls import Call
from aibridge.keeper.following import Followed

NAME = "long"
_SUFFIX = ".call"

_log = structlog.get_logger()


class Kept(msgspec.Struct, array_like=True):
    """What a file begins with: a call as far as its journal told of it up to a ``position``.

    The request's body stands behind it, and the answer as far as it came.
    """

    start: int
    number: int
    position: int
    begun: Begun
    body_bytes: int


_NOWHERE = Span(0, 0)
_LENGTH = Struct("<I")
_CHUNK_BYTES = 1 << 20
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Kept).decode


def keep(call: Call) -> None:
    """Keep the bytes of a call that its journal has told of; it needs nothing before that any more.

    Raises `OSError`, and then all is as it was.
    """
    position, body = call.journal.applied, call.read_body()
    begun = msgspec.structs.replace(call.begun, base=-1, prefix=0, suffix=0)
    head = _encode(Kept(call.start, call.number, position, begun, len(body)))
    folder = call.journal.folder / NAME
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / f"{call.number}{_SUFFIX}"
    new = file.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as written:
        for part in (_LENGTH.pack(len(head)), head, body):
            written.write(part)
        for piece in call.read_pieces():
            written.write(piece)
        written.flush()
        os.fsync(written.fileno())
    new.replace(file)
    call.keep_in(_File(file), position)


def forget(call: Call) -> None:
    """Delete the file of a call, if it has one: all of it is on record."""
    if isinstance(call.kept, _File):
        call.kept.path.unlink(missing_ok=True)


def read(journal: Followed) -> Iterator[Call]:
    """Yield the calls of a journal that a keeper before this one has kept."""
    for path in sorted((journal.folder / NAME).glob(f"*{_SUFFIX}")):
        try:
            file = _File(path)
        except OSError as cause:
            _log.error("long_call_not_read", file=str(path), error=str(cause))
            continue
        kept = file.kept
        call = Call(journal, kept.start, kept.number, kept.begun, _NOWHERE, is_applied=True)
        call.keep_in(file, kept.position)
        yield call


class _File:
    """The file of a call. Raises `OSError` where it cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            try:
                (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
                self.kept = _decode(file.read(length))
            except (error, msgspec.MsgspecError) as cause:
                raise OSError(f"{path.name} is damaged") from cause
            self._body_at = file.tell()
        self.size = path.stat().st_size - self._body_at - self.kept.body_bytes

    def body(self) -> bytes:
        """Return the request's body."""
        with self.path.open("rb") as file:
            file.seek(self._body_at)
            return file.read(self.kept.body_bytes)

    def pieces(self) -> Iterator[bytes]:
        """Yield the answer as far as it is here."""
        with self.path.open("rb") as file:
            file.seek(self._body_at + self.kept.body_bytes)
            while piece := file.read(_CHUNK_BYTES):
                yield piece
