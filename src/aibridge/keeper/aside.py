"""Calls that the database refuses for ever: their bytes are set aside, in a folder of their own."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from aibridge.keeper.calls import Call

NAME = "aside"
_SUFFIX = ".call"
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, object]).decode


class SetAside(NamedTuple):
    """A call that was set aside, and why."""

    interception_id: str
    reason: str


class NotSetAside(Exception):
    """The disk takes no more; the text says so for anybody. It may take it later."""


class Aside:
    """The calls that were set aside, below a folder of journals."""

    def __init__(self, root: Path) -> None:
        self._folder = root / NAME

    def __len__(self) -> int:
        return sum(1 for _ in self._files())

    def __iter__(self) -> Iterator[SetAside]:
        for path in sorted(self._files()):
            try:
                reason = str(_decode(path.read_bytes()).get("reason", ""))
            except (OSError, msgspec.MsgspecError):
                reason = "its file cannot be read"
            yield SetAside(path.name.removesuffix(_SUFFIX), reason)

    def put(self, call: Call, reason: str) -> None:
        """Keep all bytes of a call that there are, and why they are here. Raises `NotSetAside`."""
        body, pieces = _bytes_of(call)
        content = {
            "reason": reason,
            "begun": call.begun,
            "body": body,
            "ended": call.ended,
            "pieces": pieces,
        }
        try:
            self._write(self._folder / f"{call.begun.id}{_SUFFIX}", _encode(content))
        except OSError as error:
            text = f"a call cannot be set aside: {error.strerror or error}"
            raise NotSetAside(text) from error

    def _write(self, file: Path, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as kept:
            kept.write(content)
            kept.flush()
            os.fsync(kept.fileno())

    def _files(self) -> Iterator[Path]:
        return self._folder.glob(f"*{_SUFFIX}")


def _bytes_of(call: Call) -> tuple[bytes, list[bytes]]:
    """Return the body and the pieces of a call, as far as the journal still has them."""
    body, pieces = b"", list[bytes]()
    with suppress(OSError):
        body = call.read_body()
        pieces.extend(call.read_pieces())
    return body, pieces
