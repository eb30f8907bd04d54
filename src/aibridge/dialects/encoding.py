"""Content codings, decoded incrementally and within bounds.

Source: https://www.rfc-editor.org/rfc/rfc9110#section-8.4 (and RFC 8878 for zstd's window).
"""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import reduce
from typing import Any

MAX_DECODED = 64 << 20
"""Bytes that one body may have when decoded, unless the caller sets another limit."""

MAX_CODINGS = 3
"""Codings that may lie on top of one another."""

MAX_RATIO = 50
"""Bytes that each of a body may decode to, beyond the `SPARE` ones: no text shrinks as much."""

SPARE = 2 << 20
"""Bytes that a body may decode to, however short it is."""

MAX_MEMBERS = 10_000
"""Members (gzip) or frames (zstd) that one body may have: each costs work, and may be empty."""

_SLICE = 4 << 10
"""What is left over of so many bytes at a member's end is copied."""

_BROTLI_OUTPUT = 64 << 10
_ZSTD_WINDOW = 8 << 20
_ZSTD_SLICE = 256
"""Four bytes of zstd can stand for 128 KiB, and its decoder takes no limit."""

_GZIP = 16 + zlib.MAX_WBITS
_GZIP_MAGIC = b"\x1f\x8b"


class Undecodable(Exception):
    """The bytes are not what the content coding says, or decode to too many."""


class Decoder(ABC):
    """Decodes a body chunk by chunk, in time that grows with what goes in and what comes out."""

    finished = False
    """Whether the coding's own end was seen."""

    step = _SLICE
    """Bytes that are decoded at a time."""

    def __init__(self, limit: int = MAX_DECODED) -> None:
        self._room = min(limit, SPARE)
        self._limit = limit - self._room
        self._members = 0

    def feed(self, chunk: bytes) -> bytes:
        """Give what ``chunk`` decodes to; raises `Undecodable`."""
        decoded = bytearray()
        self.grant(len(chunk))
        self.undo(chunk, decoded)
        return bytes(decoded)

    def grant(self, size: int) -> None:
        """Let as much more be decoded as ``size`` bytes that came may hold."""
        granted = min(self._limit, size * MAX_RATIO)
        self._limit -= granted
        self._room += granted

    def undo(self, chunk: bytes | bytearray, decoded: bytearray) -> None:
        """Append what ``chunk`` decodes to, as far as was granted; raises `Undecodable`."""
        for start in range(0, len(chunk), self.step):
            self._undo(bytes(chunk[start : start + self.step]), decoded)

    @abstractmethod
    def _undo(self, data: bytes, decoded: bytearray) -> None:
        """Do so for a slice."""

    def _take(self, piece: bytes, decoded: bytearray) -> None:
        self._room -= len(piece)
        if self._room < 0:
            raise Undecodable("the body decodes to more bytes than allowed")
        decoded += piece

    def _count_member(self) -> None:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise Undecodable(f"the body has more than {MAX_MEMBERS} members or frames")


class _Zlib(Decoder):
    """gzip (several members too) and deflate (with zlib's header, or bare)."""

    def __init__(self, limit: int, wbits: int | None) -> None:
        super().__init__(limit)
        self._wbits = wbits
        self._waiting = b""
        self._inflate: Any = None
        self._over = False

    def _undo(self, data: bytes, decoded: bytearray) -> None:
        data = self._waiting + data
        self._waiting = b""
        while data and self._begun(data):
            try:
                self._take(self._inflate.decompress(data, self._room + 1), decoded)
            except zlib.error as error:
                raise Undecodable(str(error)) from None
            data = self._inflate.unconsumed_tail or self._after_end()

    def _begun(self, data: bytes) -> bool:
        """Make the inflater, once there are the two bytes that tell what it has to read.

        What follows a member of gzip and is no other member is ignored.
        """
        if self._inflate is None and not self._over:
            if len(data) < len(_GZIP_MAGIC):
                self._waiting = data
            elif self.finished and not data.startswith(_GZIP_MAGIC):
                self._over = True
            else:
                self._count_member()
                self.finished = False
                self._inflate = zlib.decompressobj(self._wbits or _deflate_wbits(data))
        return self._inflate is not None

    def _after_end(self) -> bytes:
        """What follows a member's end, if it was seen."""
        if not self._inflate.eof:
            return b""
        rest: bytes = self._inflate.unused_data
        self._inflate = None
        self.finished = True
        self._over = self._wbits != _GZIP
        return rest


def _deflate_wbits(data: bytes) -> int:
    """RFC 9110 says zlib, but many senders leave zlib's header out."""
    has_header = data[0] & 0x0F == zlib.DEFLATED and int.from_bytes(data[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS


class _Brotli(Decoder):
    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        import brotli  # noqa: PLC0415 # most traffic is not brotli

        self._error = brotli.error
        self._brotli = brotli.Decompressor()

    def _undo(self, data: bytes, decoded: bytearray) -> None:
        if self.finished:
            return
        try:
            while piece := self._brotli.process(data, output_buffer_limit=_BROTLI_OUTPUT):
                self._take(piece, decoded)
                data = b""
        except self._error:
            raise Undecodable("the body is not brotli") from None
        self.finished = self._brotli.is_finished()


class _Zstd(Decoder):
    """zstd, several frames too."""

    step = _ZSTD_SLICE

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        import zstandard  # noqa: PLC0415 # most traffic is not zstd

        self._error = zstandard.ZstdError
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._frame = self._decompressor.decompressobj()

    def _undo(self, data: bytes, decoded: bytearray) -> None:
        while data:
            if self._frame.eof:
                self._count_member()
                self._frame = self._decompressor.decompressobj()
            try:
                self._take(self._frame.decompress(data), decoded)
            except self._error as error:
                raise Undecodable(str(error)) from None
            self.finished = self._frame.eof
            data = self._frame.unused_data


class _Chain(Decoder):
    """Two codings on top of one another; the inner may be such a chain too."""

    def __init__(self, outer: Decoder, inner: Decoder) -> None:
        super().__init__()
        self._outer = outer
        self._inner = inner
        self.step = outer.step

    def grant(self, size: int) -> None:
        self._outer.grant(size)
        self._inner.grant(size)

    def _undo(self, data: bytes, decoded: bytearray) -> None:
        between = bytearray()
        self._outer.undo(data, between)
        self._inner.undo(between, decoded)
        self.finished = self._outer.finished and self._inner.finished


_CODINGS: dict[str, Callable[[int], Decoder]] = {
    "gzip": lambda limit: _Zlib(limit, _GZIP),
    "x-gzip": lambda limit: _Zlib(limit, _GZIP),
    "deflate": lambda limit: _Zlib(limit, None),
    "br": _Brotli,
    "zstd": _Zstd,
}


def codings(content_encoding: bytes | str) -> list[str]:
    """Return the names of the codings of a ``Content-Encoding``, but for that which is none."""
    if isinstance(content_encoding, bytes):
        content_encoding = content_encoding.decode("latin-1")
    names = [name.strip().lower() for name in content_encoding.split(",")]
    return [name for name in names if name not in {"", "identity"}]


def decoder(content_encoding: bytes | str, limit: int = MAX_DECODED) -> Decoder | None:
    """Make the decoder for a ``Content-Encoding``; ``None`` if there is nothing to decode.

    Several codings are undone from the last to the first. At most ``limit`` bytes come out.
    Raises `Undecodable` for a coding that is not known.
    """
    names = codings(content_encoding)
    if len(names) > MAX_CODINGS or not _CODINGS.keys() >= set(names):
        raise Undecodable(f"unknown content coding: {', '.join(names)[:100]!r}")
    decoders = [_CODINGS[name](limit) for name in reversed(names)]
    return reduce(lambda inner, outer: _Chain(outer, inner), decoders[::-1]) if decoders else None


def decode(
    body: bytes | bytearray, content_encoding: bytes | str, limit: int = MAX_DECODED
) -> bytes | bytearray:
    """Decode a whole body to at most ``limit`` bytes; raises `Undecodable`, also if it is cut."""
    coding = decoder(content_encoding, limit)
    if coding is None:
        return body
    decoded = bytearray()
    coding.grant(len(body))
    coding.undo(body, decoded)
    if not coding.finished:
        raise Undecodable("the body is cut short")
    return decoded
