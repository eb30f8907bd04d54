"""Read in what an earlier release left on its spool, once, before the first journal is followed.

Such a spool is an SQLite file of entries that waited while the database was away. An entry holds
the start of an interception, and its end if that had come. The file is removed afterwards. Where
something of it could not be read or written, it is kept under another name instead.
"""

import fcntl
import hashlib
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import structlog

from aibridge.dialects.facts import Notes, Prompt, TokenUsage
from aibridge.keeper.writing import GivenUp, Writer
from aibridge.recorder.batch import commit
from aibridge.recorder.pending import Pending
from aibridge.recorder.records import End, Start, unseen_end
from aibridge.store.engine.errors import said

KEPT = ".damaged"
"""What is added to the name of a file that is kept."""
_NAME = re.compile(r"spool(-\d+)?\.db")
_PORTION = 256
_LAST = ("SELECT max(number) FROM entries", "SELECT seq FROM sqlite_sequence")
_ENTRY = "SELECT interception_id, checksum, body FROM entries NOT INDEXED WHERE number = ?"
_DAMAGED = "SELECT count(*) FROM damaged"

_log = structlog.get_logger()


class _Body(msgspec.Struct):
    start: Start
    end: End | None = None


class _OlderStart(msgspec.Struct):
    prompt: str | None = None


class _OlderFacts(msgspec.Struct):
    usage: TokenUsage | None = None


class _OlderEnd(msgspec.Struct):
    facts: _OlderFacts


class _OlderBody(msgspec.Struct):
    """What was written of a start and an end while they had one prompt, and one usage."""

    start: _OlderStart
    end: _OlderEnd | None = None


def _special(kind: type, value: Any) -> Any:  # noqa: ANN401 - whatever was decoded
    """Make what msgspec does not know how to make."""
    if kind is Notes:
        return Notes(value)
    raise NotImplementedError


_decode = msgspec.msgpack.Decoder(_Body, dec_hook=_special).decode
_decode_older = msgspec.msgpack.Decoder(_OlderBody).decode


def read_in(folder: Path, writer: Writer) -> None:
    """Write what the spools of a folder have, but for those that a process still has.

    Raises `aibridge.keeper.writing.GivenUp`, and then all is left as it was.
    """
    for path in sorted(folder.glob("spool*.db")):
        if _NAME.fullmatch(path.name):
            with _owned(path) as is_ours:
                if is_ours:
                    _read_in(path, writer)


@contextmanager
def _owned(path: Path) -> Iterator[bool]:
    """Have a spool for this process alone, and yield whether that is so."""
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(lock)


def _read_in(path: Path, writer: Writer) -> None:
    spool = _Spool(path)
    entries = spool.entries()
    while portion := list(islice(entries, _PORTION)):
        found: dict[str, Pending] = {}
        for item in portion:  # an end comes behind its start, and has the start too
            found[item.start.id] = item
        spool.lost += _write(writer, list(found.values()))
    _log.warning("spool_read_in", file=str(path), read=spool.read, lost=spool.lost)
    for suffix in ("", "-wal", "-shm", ".lock"):
        file = Path(f"{path}{suffix}")
        with suppress(FileNotFoundError):
            if spool.lost and suffix in {"", "-wal"}:
                file.rename(f"{path}{KEPT}{suffix}")
            else:
                file.unlink()


class _Spool:
    """A spool that is read. ``lost`` counts what could not be, and what was set aside before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.read = self.lost = 0

    def entries(self) -> Iterator[Pending]:
        """Yield what each entry that can be read says, in their order.

        They are asked for one by one, so that damage to the file hides no more than it must.
        """
        with closing(sqlite3.connect(self._path)) as connection:
            connection.text_factory = lambda text: text.decode(errors="replace")
            with suppress(sqlite3.Error):
                connection.execute("PRAGMA writable_schema = ON")  # else a cut file has no tables
            (self.lost,) = self._row(connection, _DAMAGED) or (1,)
            for number in range(1, self._last(connection) + 1):
                row = self._row(connection, _ENTRY, number)
                if row is not None and (item := self._read(*row)) is not None:
                    self.read += 1
                    yield item

    def _last(self, connection: sqlite3.Connection) -> int:
        """Return the greatest number that an entry may have."""
        found = (self._row(connection, query) for query in _LAST)
        return next((row[0] for row in found if row and isinstance(row[0], int)), 0)

    def _row(self, connection: sqlite3.Connection, query: str, *values: int) -> Any:  # noqa: ANN401
        try:
            return connection.execute(query, values).fetchone()
        except sqlite3.Error:
            self.lost += 1
            return None

    def _read(self, interception_id: Any, checksum: Any, body: Any) -> Pending | None:  # noqa: ANN401
        """Return what an entry says, whatever it holds; nothing if that is not what was written."""
        try:
            if checksum == _checksum(interception_id, body):
                return _pending(body)
            reason = "its checksum does not match"
        except (TypeError, AttributeError, msgspec.MsgspecError) as error:
            reason = str(error)
        _log.error("spool_entry_lost", interception=str(interception_id), reason=reason)
        self.lost += 1
        return None


def _checksum(interception_id: str, body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16, key=interception_id.encode()[:64]).digest()


def _pending(body: bytes) -> Pending:
    """Return the interception of an entry; the end that it does not have was seen by nobody."""
    found, older = _decode(body), _decode_older(body)
    if older.start.prompt is not None:
        found.start.prompts = (Prompt(older.start.prompt),)
    if found.end is None:
        found.end = unseen_end(found.start)
    elif older.end is not None and older.end.facts.usage is not None:
        found.end.facts.usages = [older.end.facts.usage]
    return Pending(found.start, found.end, unsure=True)


def _commit(writer: Writer, items: Sequence[Pending]) -> None:
    commit(writer.store, items)


def _write(writer: Writer, items: Sequence[Pending]) -> int:
    """Write interceptions, and return how many of them the database refuses for ever."""
    try:
        writer.until_done(partial(_commit, writer, items))
    except GivenUp:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the others are written
        if len(items) > 1:
            return sum(_write(writer, [item]) for item in items)
        _log.error("record_set_aside", interception=items[0].start.id, reason=said(error))
        return 1
    return 0
