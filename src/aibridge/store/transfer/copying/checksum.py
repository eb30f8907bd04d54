"""What two tables have to agree in: how many rows they have, and a sum over all their values."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

_BYTES = 16
_MODULUS = 1 << 8 * _BYTES
_NUL, _REPLACEMENT = "\0", "\ufffd"


class Sum(NamedTuple):
    """The number of rows, and the sum of their hashes modulo 2**128.

    It is the same in whatever order the rows come, as engines may see the order of texts each in
    its own way; a row that is there twice counts twice.
    """

    rows: int
    hashes: int

    @property
    def shown(self) -> str:
        """The checksum as it is printed."""
        return f"{self.hashes:0{2 * _BYTES}x}"


def summed(rows: Iterable[tuple[Any, ...]], *, as_postgresql_has_it: bool) -> Sum:
    """Add up rows. What PostgreSQL cannot hold counts as what it holds in its place if asked for.

    See `aibridge.store.engine.postgresql_texts`.
    """
    number = hashes = 0
    encode = msgspec.msgpack.Encoder().encode
    for row in rows:
        values = _without_nul(row) if as_postgresql_has_it else row
        digest = blake2b(encode(values), digest_size=_BYTES).digest()
        hashes += int.from_bytes(digest, "big")
        number += 1
    return Sum(number, hashes % _MODULUS)


def _without_nul(row: tuple[Any, ...]) -> list[Any]:
    return [value.replace(_NUL, _REPLACEMENT) if isinstance(value, str) else value for value in row]
