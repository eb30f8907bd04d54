"""Content codings, decoded incrementally and within bounds.

Source: https://www.rfc-editor.org/rfc/rfc9110#section-8.4 (and RFC 8878 for zstd's window).
"""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

MAX_DECODED = 64 << 20
"""Bytes that one body may have when decoded, unless the caller sets another limit."""

MAX_CODINGS = 3
"""Codings that may lie on top of one another."""

_SLICE = 64 << 10
_ZSTD_WINDOW = 8 << 20
_ZSTD_SLICE = 512
_GZIP = 16 + zlib.MAX_WBITS
_GZIP_MAGIC = b"\x1f\x8b"


class Undecodable(Exception):
    """The bytes are not what the content coding says, or decode to too many."""


class Decoder(ABC):
    """Decodes a body chunk by chunk."""

    finished = False
    """Whether the coding's own end was seen."""

    def __init__(self, limit: int = MAX_DECODED) -> None:
        self.room = limit

    @abstractmethod
    def feed(self, chunk: bytes) -> bytes:
        """Give what ``chunk`` decodes to; raises `Undecodable`."""

    def counted(self, decoded: bytes) -> bytes:
        """``decoded``, after taking it off the room that is left."""
        self.room -= len(decoded)
        if self.room < 0:
            raise Undecodable("the body decodes to more bytes than allowed")
        return decoded


class _Zlib(Decoder):
    """gzip (several members too) and deflate (with zlib's header, or bare)."""

    def __init__(self, limit: int, wbits: int | None) -> None:
        super().__init__(limit)
        self._wbits = wbits
        self._waiting = b""
        self._inflate: Any = None

    def feed(self, chunk: bytes) -> bytes:
        data = self._waiting + chunk
        self._waiting = b""
        decoded = []
        while data and self._begun(data):
            try:
                decoded.append(self.counted(self._inflate.decompress(data, self.room + 1)))
            except zlib.error as error:
                raise Undecodable(str(error)) from None
            data = self._inflate.unconsumed_tail or self._after_end()
        return b"".join(decoded)

    def _begun(self, data: bytes) -> bool:
        """Make the inflater, once there are the two bytes that tell what it has to read."""
        if self._inflate is None and not self.finished:
            if len(data) < len(_GZIP_MAGIC):
                self._waiting = data
                return False
            self._inflate = zlib.decompressobj(self._wbits or _deflate_wbits(data))
        return self._inflate is not None

    def _after_end(self) -> bytes:
        """What follows a member's end, if it is another member; anything else is ignored."""
        if not self._inflate.eof:
            return b""
        rest: bytes = self._inflate.unused_data
        self.finished = True
        if self._wbits == _GZIP and rest.startswith(_GZIP_MAGIC):
            self.finished = False
        self._inflate = None
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

    def feed(self, chunk: bytes) -> bytes:
        if self.finished:
            return b""
        decoded = []
        try:
            while piece := self._brotli.process(chunk, output_buffer_limit=_SLICE):
                decoded.append(self.counted(piece))
                chunk = b""
        except self._error:
            raise Undecodable("the body is not brotli") from None
        self.finished = self._brotli.is_finished()
        return b"".join(decoded)


class _Zstd(Decoder):
    """zstd, several frames too.

    Four bytes of it can stand for 128 KiB, so it is fed in slices that cannot fill memory
    before the limit is looked at.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        import zstandard  # noqa: PLC0415 # most traffic is not zstd

        self._error = zstandard.ZstdError
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._frame = self._decompressor.decompressobj()

    def feed(self, chunk: bytes) -> bytes:
        decoded = []
        for start in range(0, len(chunk), _ZSTD_SLICE):
            data = chunk[start : start + _ZSTD_SLICE]
            while data:
                decoded.append(self._decompress(data))
                data = self._frame.unused_data
        return b"".join(decoded)

    def _decompress(self, data: bytes) -> bytes:
        if self._frame.eof:
            self._frame = self._decompressor.decompressobj()
        try:
            decoded = self.counted(self._frame.decompress(data))
        except self._error as error:
            raise Undecodable(str(error)) from None
        self.finished = self._frame.eof
        return decoded


class _Chain(Decoder):
    """Several codings on top of one another, the outermost first."""

    def __init__(self, decoders: list[Decoder], limit: int) -> None:
        super().__init__(limit)
        self._decoders = decoders

    def feed(self, chunk: bytes) -> bytes:
        for each in self._decoders:
            chunk = each.feed(chunk)
        self.finished = all(each.finished for each in self._decoders)
        return chunk


_CODINGS: dict[str, Callable[[int], Decoder]] = {
    "gzip": lambda limit: _Zlib(limit, _GZIP),
    "x-gzip": lambda limit: _Zlib(limit, _GZIP),
    "deflate": lambda limit: _Zlib(limit, None),
    "br": _Brotli,
    "zstd": _Zstd,
}


def decoder(content_encoding: bytes | str, limit: int = MAX_DECODED) -> Decoder | None:
    """Make the decoder for a ``Content-Encoding``; ``None`` if there is nothing to decode.

    Several codings are undone from the last to the first. At most ``limit`` bytes come out.
    Raises `Undecodable` for a coding that is not known.
    """
    if isinstance(content_encoding, bytes):
        content_encoding = content_encoding.decode("latin-1")
    names = [name.strip().lower() for name in content_encoding.split(",")]
    names = [name for name in names if name not in {"", "identity"}]
    if len(names) > MAX_CODINGS or not _CODINGS.keys() >= set(names):
        raise Undecodable(f"unknown content coding: {content_encoding[:100]!r}")
    decoders = [_CODINGS[name](limit) for name in reversed(names)]
    if len(decoders) > 1:
        return _Chain(decoders, limit)
    return decoders[0] if decoders else None


def decode(body: bytes, content_encoding: bytes | str, limit: int = MAX_DECODED) -> bytes:
    """Decode a whole body to at most ``limit`` bytes; raises `Undecodable`, also if it is cut."""
    undo = decoder(content_encoding, limit)
    if undo is None:
        return body
    decoded = undo.feed(body)
    if not undo.finished:
        raise Undecodable("the body is cut short")
    return decoded
