"""The observer of a chat stream that takes the usage chunk out, for which the bridge has asked."""

import re
from collections.abc import Iterable, Iterator

from aibridge.dialects import chat
from aibridge.dialects.bounds import MAX_UNCHECKED
from aibridge.dialects.sse import Event
from aibridge.reading.answer.streaming import Split, StreamObserver

EDIT = "answer: the usage chunk taken out, as the client did not ask for it"

_COMMENTS = re.compile(rb"(?:\xef\xbb\xbf)?(?:(?::[^\r\n]*)?[\r\n]+)*(:[^\r\n]*\Z)?")
"""Comments, blank lines and a byte order mark: no part of an event, and often a heartbeat."""

_REST_OF_COMMENT = re.compile(rb"[^\r\n]*")


class EditingObserver(StreamObserver):
    """Reads a chat stream and takes out the chunk that the client did not ask for.

    Only whole events go on, so that none is half sent before it is known; comments need not wait,
    nor an event that is too long to be that chunk.
    """

    def __init__(self, *, keeps: bool = True) -> None:
        super().__init__(chat, keeps=keeps)
        self.shortens = True
        self._tail = bytearray()
        """What has come and is not released."""
        self._in_comment = False
        """Whether it begins within a comment."""
        self._released = 0
        self._bound_to_pass = 0
        """How much was released of the stream when a part of an event was."""
        self._found: list[tuple[int, int]] = []

    def feed(self, chunk: bytes, *, last: bool) -> Split:
        """Release the events that are complete, but for the unwanted one."""
        if self._blind:
            tail, self._tail = self._tail, bytearray()
            return bytes(tail) + chunk, b""
        before = len(self._tail)
        self._tail += chunk
        self._found = []
        end = self._end_in(chunk, last=last)
        cuts = self._cuts(before)
        complete = self._complete(last=last)
        if not complete:
            return b"", b""
        data = bytes(memoryview(self._tail)[:complete])
        del self._tail[:complete]
        self._released += complete
        held = complete if end is None else max(0, min(before + end.start, complete))
        if cuts and not self.edits:
            self.edits.append(EDIT)
        return _without(data, 0, held, cuts), _without(data, held, complete, cuts)

    def _read(self, events: Iterable[Event]) -> Event | None:
        return super()._read(self._noting(events))

    def _noting(self, events: Iterable[Event]) -> Iterator[Event]:
        for event in events:
            if not event.head and chat.is_usage_only(event.data):
                self._found.append((event.start, event.end))
            yield event

    def _cuts(self, before: int) -> list[tuple[int, int]]:
        """Return what has to be taken out of what is not released, without comments before it."""
        cuts = []
        for start, end in self._found:
            if self._released + before + start >= self._bound_to_pass:
                cuts.append((self._past_comments(max(0, before + start))[0], before + end))
        return cuts

    def _complete(self, *, last: bool) -> int:
        """Say how much may be released: all but an event that has begun."""
        size, pending = len(self._tail), self._events.pending
        if last or self._blind or self._released + size - pending < self._bound_to_pass:
            return size
        end, inside = self._past_comments(max(0, size - pending))
        if size - end > MAX_UNCHECKED:
            self._bound_to_pass = self._released + size
            return size
        if end:
            self._in_comment = inside
        return end

    def _past_comments(self, start: int) -> tuple[int, bool]:
        """Return where comments that begin at ``start`` end, and whether the last one goes on."""
        if start == 0 and self._in_comment:
            rest = _REST_OF_COMMENT.match(self._tail)
            start = rest.end() if rest else 0
            if start == len(self._tail):
                return start, True
        found = _COMMENTS.match(self._tail, start)
        return (found.end(), found[1] is not None) if found else (start, False)


def _without(data: bytes, start: int, end: int, cuts: list[tuple[int, int]]) -> bytes:
    """Return ``data[start:end]`` without the spans in ``cuts``."""
    parts = []
    for cut_start, cut_end in cuts:
        if start <= cut_start < end:
            parts.append(data[start:cut_start])
            start = cut_end
    parts.append(data[start:end])
    return b"".join(parts)
