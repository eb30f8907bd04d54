"""Server-sent events out of arbitrary chunks, by the WHATWG standard.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

import re

from msgspec import Struct

from aibridge.dialects.facts import Notes

MAX_EVENT = 16 << 20
"""Bytes of one event; a larger one is skipped. A last event may hold whole images."""

MAX_LINES = 10_000
"""Lines of one event; one with more is skipped."""

_BOM = b"\xef\xbb\xbf"
_LINE_ENDS = re.compile(rb"[\r\n]+")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
_LONGEST_BLANK = 4
_DATA, _EVENT = b"data:", b"event:"


class Event(Struct, gc=False):
    """One event: its ``event`` name ("" if none), its data, its place in the fed chunk.

    ``start`` is where its first line begins, negative when that was in an earlier chunk;
    ``end`` is just past the blank line that dispatches it.
    """

    name: str
    data: bytes
    start: int
    end: int


class EventStream:
    """An incremental parser: feed it chunks, it gives the events that they complete.

    ``skip`` matches, at the start of an event, a run of whole events that nobody needs; they
    are passed over without being taken apart. The first event is never skipped, so that
    what every event repeats is seen once. Remarks go to ``notes``.
    """

    __slots__ = ("_crs", "_dropped", "_held", "_limit", "_skip", "_started", "blocks", "notes")

    def __init__(
        self,
        skip: re.Pattern[bytes] | None = None,
        notes: Notes | None = None,
        limit: int = MAX_EVENT,
    ) -> None:
        self.notes = Notes() if notes is None else notes
        self.blocks = 0
        """Events so far that were taken apart, with those that turned out to be empty."""
        self._skip = skip
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
        """Bytes of these that are kept."""
        return len(self._held)

    def feed(self, chunk: bytes) -> list[Event]:
        """Give the events that end in ``chunk``, without those that are skipped."""
        if not self._crs and b"\r" in chunk:
            self._crs = True
        if not self._held:
            return self._scan(chunk, 0)
        return self._resume(chunk)

    def finish(self) -> list[Event]:
        """Give what stands without its blank line when the stream is over, as a last event.

        The standard drops it; some providers end on ``data: [DONE]`` all the same. Its place
        means nothing.
        """
        if self._dropped:
            return []
        held, self._held = bytes(self._held).rstrip(b"\r\n"), bytearray()
        fields = self._fields(held, 0, len(held))
        return [Event(fields[0], fields[1], 0, len(held))] if fields else []

    def _resume(self, chunk: bytes) -> list[Event]:
        held = self._held
        known = len(held)
        held += chunk
        start = max(0, known - _LONGEST_BLANK + 1)
        may_end = not self._crs or _may_end(held, start)
        blank, end = self._blank_line(held, start) if may_end else (-1, -1)
        if blank < 0:
            self._bound()
            return []
        buffer = bytes(held)
        self._held = bytearray()  # an event may be large: one copy of it is enough
        if not self._dropped:
            return self._scan(buffer, known)
        self._dropped = 0
        return self._scan(buffer[end:], known - end)

    def _scan(self, buffer: bytes, before: int) -> list[Event]:
        """Take the events out of ``buffer``, of which ``before`` bytes came in earlier chunks."""
        events: list[Event] = []
        blocks = 0
        skip = None if self._crs else self._skip
        position = 0
        while True:
            if skip is not None and self._started and (run := skip.match(buffer, position)):
                position = run.end()
            blank, end = self._blank_line(buffer, position)
            if blank < 0:
                break
            if blank == position and (run := _LINE_ENDS.match(buffer, position)):
                position = run.end()  # any number of blank lines, at once
                self._started = True
                continue
            blocks += 1
            fields = self._fields(buffer, position, blank)
            if fields is not None:
                events.append(Event(fields[0], fields[1], position - before, end - before))
            position = end
        self.blocks += blocks
        if self._held or position < len(buffer):
            self._hold(buffer[position:])
        return events

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
        self._note_length()
        surplus = len(self._held) - _LONGEST_BLANK + 1
        if surplus > 0:
            self._dropped += surplus
            del self._held[:surplus]

    def _fields(self, buffer: bytes, start: int, end: int) -> tuple[str, bytes] | None:
        if not self._started:
            self._started = True
            if buffer.startswith(_BOM, start, end):
                start += len(_BOM)
        if end - start < len(b"data"):
            return None
        if end - start > self._limit:
            self._note_length()
            return None
        if end - start > MAX_LINES and _lines(buffer, start, end) > MAX_LINES:
            self.notes.add(f"an event of more than {MAX_LINES} lines was skipped")
            return None
        return _fields(buffer, start, end)

    def _note_length(self) -> None:
        self.notes.add(f"an event of more than {self._limit} bytes was skipped")


def _may_end(buffer: bytearray, start: int) -> bool:
    """Whether a blank line may be there: much quicker to say than where it is."""
    return any(buffer.find(ends, start) >= 0 for ends in (b"\n\n", b"\n\r", b"\r\r"))


def _lines(buffer: bytes, start: int, end: int) -> int:
    return 1 + buffer.count(b"\n", start, end) + buffer.count(b"\r", start, end)


def _fields(buffer: bytes, start: int, end: int) -> tuple[str, bytes] | None:
    """Name and data of an event; ``None`` without data, as such an event is not dispatched."""
    name, data = b"", start
    if buffer.startswith(b"event: ", start, end):
        data = buffer.find(b"\n", start, end) + 1 or end
        name = buffer[start + 7 : data].rstrip(b"\n")
    if (
        buffer.startswith(b"data: ", data, end)
        and buffer.find(b"\n", data, end) < 0
        and buffer.find(b"\r", start, end) < 0
    ):
        return name.decode("utf-8", "replace"), buffer[data + 6 : end]
    return _fields_by_line(buffer, start, end)


def _fields_by_line(buffer: bytes, start: int, end: int) -> tuple[str, bytes] | None:
    if buffer.find(b"data", start, end) < 0:
        return None
    name, data = b"", []
    while start <= end:
        line_end = _LINE_END.search(buffer, start, end)
        stop, after = line_end.span() if line_end else (end, end + 1)
        if buffer.startswith(_DATA, start, stop) or buffer[start:stop] == b"data":
            data.append(_value(buffer, start + len(_DATA), stop))
        elif buffer.startswith(_EVENT, start, stop):
            name = _value(buffer, start + len(_EVENT), stop)
        elif buffer[start:stop] == b"event":
            name = b""
        start = after
    return (name.decode("utf-8", "replace"), b"\n".join(data)) if data else None


def _value(buffer: bytes, start: int, end: int) -> bytes:
    return buffer[start + buffer.startswith(b" ", start, end) : end]
