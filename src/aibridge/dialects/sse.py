"""Server-sent events out of arbitrary chunks, by the WHATWG standard.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

import re
from collections.abc import Iterator

from msgspec import Struct

from aibridge.dialects.excerpt import HEAD, TAIL
from aibridge.dialects.facts import Notes
from aibridge.dialects.fields import BOM
from aibridge.dialects.sse_fields import fields_of, lines_in, may_end

MAX_EVENT = 16 << 20
"""Bytes of one event that is kept whole. A last event may hold whole images."""

MAX_LINES = 10_000
"""Lines of one event; one with more is skipped."""

_LINE_ENDS = re.compile(rb"[\r\n]+")
_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
_LONGEST_BLANK = 4


class Event(Struct, gc=False):
    """One event: its ``event`` name ("" if none), its data, its place in the fed chunk.

    ``start`` is where its first line begins, negative when that was in an earlier chunk;
    ``end`` is just past the blank line that dispatches it. Of an event that is too long ``head``
    is the beginning of the data, and ``data`` the end of it.
    """

    name: str
    data: bytes
    start: int
    end: int
    head: bytes = b""


class EventStream:
    """An incremental parser: feed it chunks, it gives the events that they complete.

    ``skip`` matches, at the start of an event, a run of whole events that bring text; they are
    passed over without being taken apart. ``quiet`` does so for events that bring nothing, also
    where text is not skipped. The first event is never skipped, so that what every event repeats is
    seen once. With ``excerpts`` the beginning and the end of events that are longer than ``limit``
    are given. Remarks go to ``notes``.
    """

    __slots__ = (
        "_crs",
        "_dropped",
        "_excerpts",
        "_head",
        "_held",
        "_limit",
        "_quiet",
        "_skip",
        "_started",
        "blocks",
        "notes",
        "skipping",
    )

    def __init__(
        self,
        skip: re.Pattern[bytes] | None = None,
        notes: Notes | None = None,
        limit: int = MAX_EVENT,
        *,
        quiet: re.Pattern[bytes] | None = None,
        excerpts: bool = False,
    ) -> None:
        self.notes = Notes() if notes is None else notes
        self.blocks = 0
        """Events so far that were taken apart, with those that turned out to be empty."""
        self.skipping = True
        """Whether events of text are skipped; their reader may change it from one to the next."""
        self._excerpts = excerpts
        self._head = b""
        self._skip = skip
        self._quiet = quiet
        self._limit = limit
        self._held = bytearray()
        self._dropped = 0
        self._crs = False
        self._started = False

    @property
    def pending(self) -> int:
        """Bytes fed so far that belong to an event whose blank line has not come yet."""
        return self._dropped + len(self._held)

    @property
    def held(self) -> int:
        """Bytes of these that have to be read when the blank line comes."""
        return 0 if self._dropped else len(self._held)

    def passes(self, chunk: bytes) -> bool:
        """Whether a chunk is nothing but whole events to be skipped: it need not be read."""
        is_between = self._started and not (self._held or self._crs or b"\r" in chunk)
        return is_between and self._skip is not None and bool(self._skip.fullmatch(chunk))

    def feed(self, chunk: bytes) -> list[Event]:
        """Give the events that end in ``chunk``, without those that are skipped."""
        return list(self.read(chunk))

    def read(self, chunk: bytes) -> Iterator[Event]:
        """Yield these, each before the next is looked for; all have to be taken."""
        if not self._crs and b"\r" in chunk:
            self._crs = True
        return self._resume(chunk) if self._held else self._scan(chunk, 0)

    def finish(self) -> list[Event]:
        """Give what stands without its blank line when the stream is over, as a last event.

        The standard drops it; some providers end on ``data: [DONE]`` all the same. Its place
        means nothing.
        """
        held, self._held = bytes(self._held).rstrip(b"\r\n"), bytearray()
        if self._dropped:
            self._dropped = 0
            return list(self._excerpt(self._head, held, 0, len(held)))
        fields = self._fields(held, 0, len(held))
        return [Event(fields[0], fields[1], 0, len(held))] if fields else []

    def _resume(self, chunk: bytes) -> Iterator[Event]:
        held = self._held
        known = len(held)
        held += chunk
        start = max(0, known - _LONGEST_BLANK + 1)
        looks = not self._crs or may_end(held, start)
        blank, end = self._blank_line(held, start) if looks else (-1, -1)
        if blank < 0:
            self._bound()
            return
        buffer = bytes(held)
        self._held = bytearray()  # an event may be large: one copy of it is enough
        if not self._dropped:
            yield from self._scan(buffer, known)
            return
        before = self._dropped + known
        self._dropped = 0
        yield from self._excerpt(self._head, buffer[:blank], -before, end - known)
        yield from self._scan(buffer[end:], known - end)

    def _scan(self, buffer: bytes, before: int) -> Iterator[Event]:
        """Take the events out of ``buffer``, of which ``before`` bytes came in earlier chunks."""
        skip, quiet = (None, None) if self._crs else (self._skip, self._quiet)
        position = 0
        while True:
            if skip is not None and self.skipping and self._started:
                run = skip.match(buffer, position)
                if run is not None and run.end() != position:
                    position = run.end()
            if quiet is not None and (run := quiet.match(buffer, position)) is not None:
                position = run.end()
                continue
            blank, end = self._blank_line(buffer, position)
            if blank < 0:
                break
            if blank == position and (run := _LINE_ENDS.match(buffer, position)) is not None:
                position = run.end()  # any number of blank lines, at once
                self._started = True
                continue
            self.blocks += 1
            if blank - position > self._limit and self._excerpts:
                head, tail = buffer[position : position + HEAD], buffer[position:blank]
                yield from self._excerpt(head, tail, position - before, end - before)
            else:
                fields = self._fields(buffer, position, blank)
                if fields is not None:
                    yield Event(fields[0], fields[1], position - before, end - before)
            position = end
        if self._held or position < len(buffer):
            self._hold(buffer[position:])

    def _excerpt(self, head: bytes, tail: bytes, start: int, end: int) -> Iterator[Event]:
        """Yield the beginning and the end of an event that is too long."""
        fields = fields_of(head, 0, len(head)) if self._excerpts else None
        if fields is not None:
            yield Event(fields[0], tail[-TAIL:], start, end, fields[1])

    def _hold(self, rest: bytes) -> None:
        """Keep the beginning of an event; a lone LF is the other half of an earlier CRLF."""
        lone = self._crs and self._started and rest == b"\n"
        self._held = bytearray() if lone else bytearray(rest)
        self._bound()

    def _blank_line(self, buffer: bytes | bytearray, position: int) -> tuple[int, int]:
        """Start and end of the first two line ends in a row, (-1, …) if there are none."""
        if not self._crs:
            found = buffer.find(b"\n\n", position)
            return found, found + 2
        blank = _BLANK_LINE.search(buffer, position)
        return blank.span() if blank is not None else (-1, -1)

    def _bound(self) -> None:
        """Let go of an event that is too long, but for the end, where a blank line may begin."""
        if len(self._held) <= self._limit and not self._dropped:
            return
        if not self._dropped:
            self._head = bytes(self._held[:HEAD]).removeprefix(b"" if self._started else BOM)
            self._started = True
            self._note_length()
        kept = TAIL if self._excerpts else _LONGEST_BLANK - 1
        surplus = len(self._held) - kept
        if surplus > (kept if self._excerpts else 0):  # else each piece would move the rest
            self._dropped += surplus
            del self._held[:surplus]

    def _fields(self, buffer: bytes, start: int, end: int) -> tuple[str, bytes] | None:
        if not self._started:
            self._started = True
            if buffer.startswith(BOM, start, end):
                start += len(BOM)
        if end - start < len(b"data"):
            return None
        if end - start > self._limit:
            self._note_length()
            return None
        if end - start > MAX_LINES and lines_in(buffer, start, end) > MAX_LINES:
            self.notes.add(f"an event of more than {MAX_LINES} lines was skipped")
            return None
        return fields_of(buffer, start, end)

    def _note_length(self) -> None:
        if not self._excerpts:
            self.notes.add(f"an event of more than {self._limit} bytes was skipped")
