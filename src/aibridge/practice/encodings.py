"""Content encodings: reading compressed requests, compressing answers event by event."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import brotli
import zstandard

_GZIP_WINDOW = zlib.MAX_WBITS | 16


class _Zlib(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self, mode: int = ..., /) -> bytes: ...


def compressed(encoding: str, frames: Iterable[bytes]) -> Iterator[bytes]:
    """Compress ``frames`` one by one: whoever has the n-th can read all up to the n-th.

    A last piece ends the compressed stream.
    """
    return _COMPRESSORS[encoding](frames)


def expand(encoding: str, body: bytes) -> bytes:
    """Undo a ``Content-Encoding``; raise `ValueError` on bytes or names that are none."""
    try:
        for name in reversed(encoding.lower().replace(" ", "").split(",")):
            body = _EXPANDERS[name](body)
    except KeyError as unknown:
        raise ValueError(f"unknown content encoding {unknown}") from unknown
    except (zlib.error, brotli.error, zstandard.ZstdError, EOFError) as broken:
        raise ValueError(f"the body is not {encoding}") from broken
    return body


def _gzip(frames: Iterable[bytes]) -> Iterator[bytes]:
    return _zlib(zlib.compressobj(wbits=_GZIP_WINDOW), frames)


def _deflate(frames: Iterable[bytes]) -> Iterator[bytes]:
    return _zlib(zlib.compressobj(), frames)


def _zlib(compressor: _Zlib, frames: Iterable[bytes]) -> Iterator[bytes]:
    for frame in frames:
        yield compressor.compress(frame) + compressor.flush(zlib.Z_SYNC_FLUSH)
    yield compressor.flush(zlib.Z_FINISH)


def _brotli(frames: Iterable[bytes]) -> Iterator[bytes]:
    compressor = brotli.Compressor(quality=4)
    for frame in frames:
        yield compressor.process(frame) + compressor.flush()
    yield compressor.finish()


def _zstd(frames: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zstandard.ZstdCompressor().compressobj()
    for frame in frames:
        yield compressor.compress(frame) + compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    yield compressor.flush()


def _expand_zstd(body: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(body)


_COMPRESSORS: dict[str, Callable[[Iterable[bytes]], Iterator[bytes]]] = {
    "gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
_EXPANDERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": lambda body: zlib.decompress(body, _GZIP_WINDOW),
    "deflate": zlib.decompress,
    "br": brotli.decompress,
    "zstd": _expand_zstd,
}
